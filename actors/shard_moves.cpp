// Where a shard's replicas are to be: one step at a time towards it, each a change of the record that whoever leads next can
// go on from. At an orderly stop leadership goes first.
#include <utility>

#include "actors/shard.hpp"
#include "cluster/moves.hpp"

namespace janji::actors {

// Once a second. What is missing is made good at once; a move waits until few are under way.
void shard_actor::seek_place() {
  if (!serving_ || shared_.peers == nullptr || leaving_ != leaving::no)
    return count_moves();
  const auto picture = shared_.placement.get();
  count_moves();
  const bool may_move = !picture->moves_paused && (moving_ || shared_.moves_under_way < shared_.options.cluster->moves_max);
  if (auto next = cluster::next_order(shard_, machine_.record().record, *picture, may_move)) {
    next->number = ++next_ticket_;
    step(std::move(*next));
    count_moves();
  }
}

void shard_actor::count_moves() {
  const bool moves = serving_ && !machine_.record().record.learners.empty();
  if (moves == moving_)
    return;
  moving_ = moves;
  moves ? ++shared_.moves_under_way : --shared_.moves_under_way;
}

// Tried with every tick: the machine takes no order while a change of the record is under way.
void shard_actor::leave() {
  if (leaving_ != leaving::wanted)
    return;
  const auto done = [this] {
    leaving_ = leaving::done;
    ++shared_.shards_handed_over;
  };
  if (shared_.peers == nullptr || machine_.current_role() == replication::machine::role::stopped)
    return done();
  const auto to = cluster::heir_of(shard_, machine_.record().record, *shared_.placement.get());
  if (!to)
    return done();  // there is nobody
  step(replication::order{++next_ticket_, replication::order::verb::hand_over, *to, {}});
}

}  // namespace janji::actors
