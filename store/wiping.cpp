#include "store/wiping.hpp"

#include <malloc.h>
#include <sodium.h>

#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define JANJI_HEAP_IS_TAKEN
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define JANJI_HEAP_IS_TAKEN
#endif
#endif

namespace janji::store {

namespace {
// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables): a thread's own
thread_local unsigned wiping = 0;
// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables): a thread's own
thread_local bool wiping_the_stack = false;
}  // namespace

wiping_scope::wiping_scope() { ++wiping; }
wiping_scope::~wiping_scope() {
  constexpr std::size_t stack_bytes = 32 * 1024;  // a body is parsed on 8 of them
  if (--wiping == 0 && std::exchange(wiping_the_stack, false))
    sodium_stackzero(stack_bytes);
}
void wiping_scope::with_the_stack() { wiping_the_stack = wiping != 0; }

namespace {
[[maybe_unused]] void give_to_heap(void* at) noexcept {
  if (wiping != 0 && at != nullptr)
    explicit_bzero(at, malloc_usable_size(at));
  std::free(at);
}
[[maybe_unused]] void* take_from_heap(std::size_t bytes) {
  for (;;) {
    if (void* at = std::malloc(bytes == 0 ? 1 : bytes); at != nullptr)
      return at;
    if (auto* const handler = std::get_new_handler(); handler != nullptr)
      handler();
    else
      throw std::bad_alloc();
  }
}
}  // namespace

}  // namespace janji::store

#ifndef JANJI_HEAP_IS_TAKEN
void* operator new(std::size_t bytes) { return janji::store::take_from_heap(bytes); }
void* operator new[](std::size_t bytes) { return janji::store::take_from_heap(bytes); }
void operator delete(void* at) noexcept { janji::store::give_to_heap(at); }
void operator delete[](void* at) noexcept { janji::store::give_to_heap(at); }
void operator delete(void* at, std::size_t /*bytes*/) noexcept { janji::store::give_to_heap(at); }
void operator delete[](void* at, std::size_t /*bytes*/) noexcept { janji::store::give_to_heap(at); }
#endif
