// While one of these is there, what its thread gives back to the heap is wiped first, whoever had it: strings, parsers, the copies that
// libraries make. For requests with names and tokens in them, and for a program that lives for one order. Nothing is
// wiped that is kept beyond it.
// Not in builds with a sanitizer, which has the heap to itself.
//
// Threads: its own.
#pragma once

#include <array>
#include <cstddef>
#include <utility>

namespace janji::store {

class wiping_scope {
public:
  wiping_scope();
  ~wiping_scope();
  wiping_scope(const wiping_scope&) = delete;
  wiping_scope& operator=(const wiping_scope&) = delete;
  // At the end of the thread's outermost one what the stack had below it is wiped too, and the registers.
  static void with_the_stack();
};

namespace detail {
template <class Work>
[[gnu::noinline]] decltype(auto) in_its_own_frame(Work&& work) {
  return std::forward<Work>(work)();
}
}  // namespace detail

// Does `work` in frames that are wholly below the caller's, those of who wipes the stack included: were they one frame with it, as
// compilers like to make them, what `work` had in it would stay.
template <class Work>
[[gnu::noinline]] decltype(auto) in_frames_below(Work&& work) {
  constexpr std::size_t wipers_frames = 512;
  std::array<char, wipers_frames> between;  // NOLINT: never used
  asm volatile("" : : "r"(between.data()) : "memory");
  return detail::in_its_own_frame(std::forward<Work>(work));
}

// For what is done with names or keys where nobody has such a scope yet: on a thread of its own, or posted to another's loop.
template <class Work>
decltype(auto) in_private(Work&& work) {
  const wiping_scope wipes;
  wiping_scope::with_the_stack();
  return in_frames_below(std::forward<Work>(work));
}

}  // namespace janji::store
