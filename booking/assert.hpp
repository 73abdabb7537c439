// assert_always: what cannot be false. On in release builds; prints where and what, then ends the process, because a
// node that has caught itself breaking a rule must not answer another citizen.
#pragma once

#include <source_location>

namespace janji {
// Tests that plant faults throw instead; nothing else sets this. Not thread-safe.
using assertion_handler = void (*)(const char* what, std::source_location where);
void set_assertion_handler(assertion_handler handler);

[[noreturn]] void assertion_failed(const char* what, std::source_location where);
inline constexpr void assert_always(bool holds, const char* what, std::source_location where = std::source_location::current()) {
  if (!holds) [[unlikely]]
    assertion_failed(what, where);
}
}  // namespace janji
