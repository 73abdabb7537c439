// An answer within a time: the first of what comes and of "it has not come". Threads: the answer may come on any; `then` is called on that
// of `io`, once.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace janji::net {

template <class Value>
[[nodiscard]] std::function<void(std::expected<Value, std::string>)> within(boost::asio::io_context& io, std::chrono::milliseconds patience,
                                                                            std::function<void(std::expected<Value, std::string>)> then,
                                                                            std::string otherwise) {
  struct waiting {
    std::function<void(std::expected<Value, std::string>)> then;
    boost::asio::steady_timer timer;
    void end(std::expected<Value, std::string> answer) {
      timer.cancel();
      if (const auto once = std::exchange(then, nullptr))
        once(std::move(answer));
    }
  };
  auto w = std::make_shared<waiting>(std::move(then), boost::asio::steady_timer(io));
  boost::asio::post(io, [w, patience, otherwise = std::move(otherwise)] {
    w->timer.expires_after(patience);
    w->timer.async_wait([w, otherwise](boost::system::error_code ec) {
      if (!ec)
        w->end(std::unexpected(otherwise));
    });
  });
  return [&io, w](std::expected<Value, std::string> answer) {
    boost::asio::post(io, [w, answer = std::move(answer)]() mutable { w->end(std::move(answer)); });
  };
}

}  // namespace janji::net
