// Included in front of everything by the fuzz preset. Cap'n Proto 0.9 leaves out comparisons with a C string where the
// compiler can turn them round by itself; clang 19 may not, because the type has an operator!= too.
#pragma once

#ifdef __cplusplus
#include <compare>
#include <initializer_list>
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wbuiltin-macro-redefined"
#pragma push_macro("__cpp_impl_three_way_comparison")
#undef __cpp_impl_three_way_comparison
#include <kj/string.h>
#pragma pop_macro("__cpp_impl_three_way_comparison")
#pragma clang diagnostic pop
#endif
