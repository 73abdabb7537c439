#include "net/aside.hpp"

#include <gtest/gtest.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <future>
#include <set>
#include <string>
#include <string_view>

namespace janji::net {
namespace {

std::set<std::string> threads_there() {
  std::set<std::string> out;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task"))
    out.insert(task.path().filename().string());
  return out;
}

template <class WORK>
auto done_by(side_thread& t, WORK work) {
  std::promise<decltype(work())> told;
  t.run([&] { told.set_value(work()); });
  return told.get_future().get();
}

std::string this_thread() { return std::to_string(::gettid()); }

// One that is begun for a request begins with what the registers of its maker hold: the token that was compared last.
TEST(side_thread, does_everything_on_a_thread_that_was_there_before_anybody_asked) {
  side_thread t;
  const auto before = threads_there();
  const auto first = done_by(t, this_thread);
  EXPECT_TRUE(before.contains(first));
  EXPECT_NE(first, this_thread());
  EXPECT_EQ(done_by(t, this_thread), first);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // which have the stack to themselves
// More than what is called afterwards writes over.
[[gnu::noinline]] std::size_t leave_on_the_stack(char with) {
  volatile char text[8192];  // NOLINT(cppcoreguidelines-avoid-c-arrays): the optimiser is to leave it alone
  std::fill(std::begin(text), std::end(text), with);
  return static_cast<std::size_t>(text[17]);
}

// How often 64 bytes of it stand in what the thread has used of its stack.
std::size_t left_on_the_stack(char what) {
  pthread_attr_t attributes;
  void* lowest = nullptr;
  std::size_t size = 0;
  ::pthread_getattr_np(::pthread_self(), &attributes);
  ::pthread_attr_getstack(&attributes, &lowest, &size);
  ::pthread_attr_destroy(&attributes);
  constexpr std::size_t looked_at = 64U << 10U;
  const char here = 0;
  const volatile char* at = &here - std::min<std::size_t>(looked_at, static_cast<std::size_t>(&here - static_cast<char*>(lowest)));
  std::size_t found = 0;
  std::size_t run = 0;
  for (; at < &here; ++at) {
    run = *at == what ? run + 1 : 0;
    found += run == 64 ? 1 : 0;
  }
  return found;
}

TEST(side_thread, leaves_nothing_of_its_work_on_its_stack) {
  side_thread t;
  constexpr char mark = '\x5b';
  EXPECT_GT(done_by(t, [] { return leave_on_the_stack(mark) == mark ? left_on_the_stack(mark) : 0; }), 0U)
      << "the search finds what is there";
  EXPECT_EQ(done_by(t, [] { return left_on_the_stack(mark); }), 0U);
}
#endif

TEST(side_thread, does_what_it_was_given_before_it_ends) {
  bool done = false;
  {
    side_thread t;
    t.run([&] { done = true; });
  }
  EXPECT_TRUE(done);
}

}  // namespace
}  // namespace janji::net
