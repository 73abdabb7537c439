// What an operator orders and what takes time: done on a thread of its own, answered on the server's thread, noted in the audit trail.
//
// Threads: run() is called on the thread of `io`; `work` runs on a thread of its own, `respond` on that of `io` again.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <condition_variable>
#include <expected>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <stop_token>
#include <thread>

#include "actors/node.hpp"
#include "net/http.hpp"

namespace janji::net {

// {"result": ...} or "code: words" as a problem.
[[nodiscard]] response answer_of(const std::expected<std::string, std::string>& result);

// An order that is done, into the audit trail. Nobody waits for that: it may be an order about the very shard that holds the trail.
void note(actors::node& node, std::string what, std::string detail);

// A thread for work that waits for a disk or for etcd. Begun with the object, before anybody has asked for anything: one that is begun for
// a request inherits what the registers of its maker hold, the operators' token too, and what resolves its first calls writes those on its
// stack. What work leaves on the stack and the heap is wiped. What was given is done before the object goes.
class side_thread {
public:
  side_thread();
  // Not before the last that it was given has begun.
  void run(std::function<void()> work);

private:
  void serve(const std::stop_token& stop);

  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::function<void()> next_;
  std::jthread thread_;  // ends before anything above goes
};

// One piece of work at a time; who comes while it is under way hears `busy`. Owns its thread, which ends before the object does:
// declare it after all that the work uses.
class one_at_a_time {
public:
  explicit one_at_a_time(boost::asio::io_context& io) : io_(io) {}

  void run(responder&& respond, std::function<response()> work);

private:
  boost::asio::io_context& io_;
  std::atomic<bool> working_{false};
  side_thread worker_;
};

}  // namespace janji::net
