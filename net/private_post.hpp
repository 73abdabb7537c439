// Goes on elsewhere with what nobody is to find in memory afterwards: names, numbers, tokens. What a handler of a session does before it
// returns is wiped by the session; what is posted is not. Threads: any; `then` runs on that of `to`.
#pragma once

#include <boost/asio/post.hpp>
#include <utility>

#include "store/wiping.hpp"

namespace janji::net {

template <class To, class Then>
void post_private(To&& to, Then then) {
  boost::asio::post(std::forward<To>(to), [then = std::move(then)]() mutable { store::in_private(then); });
}

}  // namespace janji::net
