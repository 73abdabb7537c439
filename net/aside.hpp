// What an operator orders and what takes time: done on a thread of its own, answered on the server's thread, noted in the audit trail.
//
// Threads: run() is called on the thread of `io`; `work` runs on a thread of its own, `respond` on that of `io` again.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <expected>
#include <functional>
#include <string>
#include <string_view>
#include <thread>

#include "actors/node.hpp"
#include "net/http.hpp"

namespace janji::net {

// {"result": ...} or "code: words" as a problem.
[[nodiscard]] response answer_of(const std::expected<std::string, std::string>& result);

// An order that is done, into the audit trail. Nobody waits for that: it may be an order about the very shard that holds the trail.
void note(actors::node& node, std::string what, std::string detail);

// One piece of work at a time; who comes while it is under way hears `busy`. Owns its thread, which ends before the object does:
// declare it after all that the work uses.
class one_at_a_time {
public:
  explicit one_at_a_time(boost::asio::io_context& io) : io_(io) {}

  void run(responder&& respond, std::function<response()> work);

private:
  boost::asio::io_context& io_;
  std::atomic<bool> working_{false};
  std::jthread worker_;
};

}  // namespace janji::net
