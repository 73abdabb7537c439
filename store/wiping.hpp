// While one of these is there, what its thread gives back to the heap is wiped first, whoever had it: strings, parsers, the copies that
// libraries make. For requests with names and tokens in them, and for a program that lives for one order. Nothing is
// wiped that is kept beyond it.
// Not in builds with a sanitizer, which has the heap to itself.
//
// Threads: its own.
#pragma once

#include <utility>

namespace janji::store {

class wiping_scope {
public:
  wiping_scope();
  ~wiping_scope();
  wiping_scope(const wiping_scope&) = delete;
  wiping_scope& operator=(const wiping_scope&) = delete;
  // At the end of the thread's outermost one what the stack had below it is wiped too.
  static void with_the_stack();
};

// For what is done with names or keys where nobody has such a scope yet: on a thread of its own, or posted to another's loop.
template <class Work>
decltype(auto) in_private(Work&& work) {
  const wiping_scope wipes;
  wiping_scope::with_the_stack();
  return std::forward<Work>(work)();
}

}  // namespace janji::store
