// What was personal stays neither in the heap nor on the stack of whoever dealt with it.
#include "store/wiping.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>

namespace janji::store {
namespace {

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

// Puts the mark where it is called, many times.
[[gnu::always_inline]] inline void leave(std::uint64_t mark) {
  std::array<std::uint64_t, 16> text;  // NOLINT: filled below
  for (auto& word : text)
    word = mark;
  asm volatile("" : : "r"(text.data()) : "memory");
}

// How many are left below the caller's frame.
[[gnu::noinline]] std::size_t left_of(std::uint64_t mark) {
  std::array<std::uint64_t, 4096> below;  // NOLINT: what others left
  asm volatile("" : : "r"(below.data()) : "memory");
  std::size_t found = 0;
  for (const volatile auto& word : below)
    found += word == mark ? 1 : 0;
  return found;
}

// Marks of their own: what one leaves above the frames of the next is not the next one's.
constexpr std::uint64_t first = 0x5A17'C0DE'0BAD'5EE1U;
constexpr std::uint64_t second = 0x5A17'C0DE'0BAD'5EE2U;
constexpr std::uint64_t third = 0x5A17'C0DE'0BAD'5EE3U;
[[gnu::noinline]] void leaves_it() { leave(first); }
[[gnu::noinline]] void wipes_it() {
  in_private([] { leave(second); });
}
[[gnu::noinline]] void wipes_it_where_others_begin() {
  const wiping_scope wipes;
  in_frames_below([] {
    leave(third);
    wiping_scope::with_the_stack();
  });
}

TEST(wiping, the_stack_is_wiped_where_work_and_scope_could_share_a_frame) {
  leaves_it();
  EXPECT_GT(left_of(first), 0U) << "else this test shows nothing";
  wipes_it();
  EXPECT_EQ(left_of(second), 0U);
  wipes_it_where_others_begin();
  EXPECT_EQ(left_of(third), 0U);
}

#if defined(__x86_64__)
[[gnu::noinline]] void copies_something() {
  in_private([] { asm volatile("movq %0, %%xmm7\n\tmovq %0, %%xmm15" : : "r"(first) : "xmm7", "xmm15"); });
}
[[gnu::noinline, gnu::target("avx512f")]] void copies_with_later_registers() {
  in_private([] {
    const auto copy = [] [[gnu::target("avx512f")]] {
      asm volatile("vpbroadcastq %0, %%zmm7\n\tvpbroadcastq %0, %%zmm20" : : "r"(first) : "xmm7", "xmm20");
    };
    copy();
  });
}

TEST(wiping, what_was_copied_last_stays_in_no_register) {
  std::uint64_t seventh = 0;
  std::uint64_t last = 0;
  copies_something();
  asm volatile("movq %%xmm7, %0\n\tmovq %%xmm15, %1" : "=r"(seventh), "=r"(last));
  EXPECT_NE(seventh, first);
  EXPECT_NE(last, first);
  if (__builtin_cpu_supports("avx512f") == 0)
    return;
  alignas(64) std::array<std::uint64_t, 16> all{};
  copies_with_later_registers();
  asm volatile("vmovdqu64 %%zmm7, %0\n\tvmovdqu64 %%zmm20, %1" : "=m"(all[0]), "=m"(all[8]) : : "memory");
  for (const auto word : all)
    EXPECT_NE(word, first);
}
#endif

// Looks at memory that was given back: the allocator's own words stand at its beginning.
TEST(wiping, what_is_given_back_meanwhile_is_wiped_whoever_had_it) {
  const std::string mark = "a name that stands nowhere else ";
  const auto given_back = [&] {
    auto text = std::make_unique<std::string>();
    for (int i = 0; i < 20; ++i)
      *text += mark;
    const volatile char* const at = text->data();
    text.reset();
    std::string left;
    for (std::size_t i = 64; i < 64 + mark.size(); ++i)
      left += at[i];
    return left;
  };
  EXPECT_NE(given_back().find_first_not_of('\0'), std::string::npos) << "else this test shows nothing";
  const wiping_scope wipes;
  EXPECT_EQ(given_back(), std::string(mark.size(), '\0'));
}

#endif

}  // namespace
}  // namespace janji::store
