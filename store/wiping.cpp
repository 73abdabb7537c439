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

// What was copied last stands in registers: whoever binds a name of a library for the first time saves them all on its stack, and a new
// thread begins with them.
#if defined(__x86_64__)
[[gnu::target("avx512f"), gnu::zero_call_used_regs("all"), gnu::noinline]] void wipe_registers_of_512() {
  // The compiler leaves these as they are.
  asm volatile(
      "vpxorq %%zmm16, %%zmm16, %%zmm16\n\tvpxorq %%zmm17, %%zmm17, %%zmm17\n\tvpxorq %%zmm18, %%zmm18, %%zmm18\n\t"
      "vpxorq %%zmm19, %%zmm19, %%zmm19\n\tvpxorq %%zmm20, %%zmm20, %%zmm20\n\tvpxorq %%zmm21, %%zmm21, %%zmm21\n\t"
      "vpxorq %%zmm22, %%zmm22, %%zmm22\n\tvpxorq %%zmm23, %%zmm23, %%zmm23\n\tvpxorq %%zmm24, %%zmm24, %%zmm24\n\t"
      "vpxorq %%zmm25, %%zmm25, %%zmm25\n\tvpxorq %%zmm26, %%zmm26, %%zmm26\n\tvpxorq %%zmm27, %%zmm27, %%zmm27\n\t"
      "vpxorq %%zmm28, %%zmm28, %%zmm28\n\tvpxorq %%zmm29, %%zmm29, %%zmm29\n\tvpxorq %%zmm30, %%zmm30, %%zmm30\n\t"
      "vpxorq %%zmm31, %%zmm31, %%zmm31"
      :
      :
      : "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24", "xmm25", "xmm26", "xmm27", "xmm28", "xmm29",
        "xmm30", "xmm31");
}
[[gnu::target("avx"), gnu::zero_call_used_regs("all"), gnu::noinline]] void wipe_registers_of_256() { asm volatile(""); }
#endif
[[gnu::zero_call_used_regs("all"), gnu::noinline]] void wipe_registers_of_old() { asm volatile(""); }

void wipe_registers() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") != 0)
    return wipe_registers_of_512();
  if (__builtin_cpu_supports("avx") != 0)
    return wipe_registers_of_256();
#endif
  wipe_registers_of_old();
}
}  // namespace

wiping_scope::wiping_scope() { ++wiping; }
wiping_scope::~wiping_scope() {
  constexpr std::size_t stack_bytes = 32 * 1024;  // a body is parsed on 8 of them
  if (--wiping != 0 || !std::exchange(wiping_the_stack, false))
    return;
  sodium_stackzero(stack_bytes);
  wipe_registers();
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
