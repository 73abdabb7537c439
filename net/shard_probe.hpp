// Strict reads of all shards, by the way of a citizen's request, once for all who ask meanwhile: which gave no answer within seconds.
// Threads: that of `io`. The node outlives it.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <cstdint>
#include <utility>
#include <vector>

#include "actors/node.hpp"
#include "net/joined.hpp"

namespace janji::net {

class shard_probe {
public:
  using silent_shards = std::vector<std::uint16_t>;
  shard_probe(boost::asio::io_context& io, actors::node& node) : io_(io), node_(node) {}

  [[nodiscard]] bool full() const { return waiting_.full(); }
  void ask(joined<silent_shards>::taker done) {
    if (waiting_.join(std::move(done)))
      node_.probe_shards([this](const silent_shards& silent) { boost::asio::post(io_, [this, silent] { waiting_.answer(silent); }); });
  }

private:
  boost::asio::io_context& io_;
  actors::node& node_;
  joined<silent_shards> waiting_;
};

}  // namespace janji::net
