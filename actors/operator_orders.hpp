// Orders of operators to slot groups and registries, and questions asked in the same way, that were given at this node and wait for
// their answers. Each is ended once: by an answer, or when nobody waits for it any more, since whoever carries it out may die with it.
//
// Threads: any.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <unordered_map>

#include "actors/node.hpp"

namespace janji::actors {

// Requests of operators have numbers that no front gives.
inline constexpr std::uint64_t operator_request_bit = std::uint64_t{1} << 63U;

// What the answer to an order says, in words. `sent_again`: the first copy of it may be what the second one found changed.
[[nodiscard]] std::expected<std::string, std::string> words_of_order(outcome o, bool sent_again);

class operator_orders {
public:
  // `first`: the least number of a request in this life of the node, as of fronts. `hears`: takes the answer as it is, instead of `done`,
  // which then only hears that none came.
  request_id begin(std::uint64_t first, operator_done&& done, unix_ms until, std::function<void(const answer&)> hears = {});
  // Hands it to whoever carries it out. `send` is kept while it waits, and called again by send_again().
  void send(request_id request, shard_id shard, const std::function<void()>& send);
  // Whoever was asked leads no more, or begins anew. As of the moment at which each was given: what was carried out already is not done
  // twice.
  void send_again(shard_id shard);
  // False: it is no operator's.
  bool answered(const answer& a);
  void give_up(unix_ms now);

private:
  struct waiting {
    operator_done done;
    unix_ms until;
    std::function<void(const answer&)> hears;
    shard_id shard{limits::shards_max};  // that carries it out; of what is asked once only, none
    std::function<void()> send = {};     // the same order, as of the same moment
    bool sent_again = false;             // a copy of it may have been carried out
  };
  std::mutex mutex_;
  std::unordered_map<std::uint64_t, waiting> waiting_;  // by request
  std::uint64_t last_ = 0;
};

}  // namespace janji::actors
