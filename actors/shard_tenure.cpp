// A leadership without a break, and the refusals that are counted in it: begun when the leader serves, passed on at a planned
// hand-over, gone with any other end.
#include <utility>

#include "actors/shard.hpp"
#include "booking/assert.hpp"

namespace janji::actors {

// The predecessor is fenced by now. Where this node led before without a break its table stays.
void shard_actor::begin_tenure() {
  const auto& tenure = machine_.tenure();
  if (refusals_ && refusals_->now().tenure == tenure)
    return;
  const auto number = machine_.goes_on_with();
  assert_always(number == 0 || (passed_on_.last().number == number && passed_on_.last().table.tenure == tenure),
                "a tenure goes on only with its refusals");
  refusals_ = number != 0 ? std::make_shared<refusal_table>(refusal_table::image(passed_on_.last().table))
                          : std::make_shared<refusal_table>(tenure, shared_.random());
  refusals_->enforce(shared_.counts_refusals());
  begin_admission(number != 0 && passed_on_.last().admission_known);
  shared_.refusals[shard_.value].store(refusals_);
  const schema::heard_shard heard{shard_, refusals_->now()};
  shared_.heard.hear(heard.shard, heard.heard);
  if (shared_.peers != nullptr && shared_.counts_refusals())
    shared_.peers->tell_heard({heard});
}

// Whoever still has the table says nothing by it any more.
void shard_actor::end_tenure() {
  if (!refusals_)
    return;
  refusals_->stop();
  refusals_.reset();
  end_admission();
  shared_.refusals[shard_.value].store(nullptr);
}

// From the order to hand over until it is done or called off nothing is admitted, refused or counted. What was asked meanwhile
// and dropped is asked again by the fronts.
void shard_actor::heed_hand_over() {
  if (!refusals_ || refusals_->stopped() == machine_.handing_over() || shared_.faults.count_while_handing_over)
    return;
  if (machine_.handing_over())
    return refusals_->stop();
  refusals_->go_on();
  if (shared_.peers != nullptr)
    shared_.peers->tell_deposed(shard_);
  ask_again();
}

void shard_actor::pass_table(const replication::pass_table& p) {
  if (!refusals_ || !shared_.counts_refusals())  // the heir begins a tenure of its own, and need not be waited for
    return caf::anon_send(this, table_heard{p.number});
  if (!shared_.faults.count_while_handing_over)
    refusals_->stop();
  // What is on its way to the log stays behind, though it was judged by: the heir asks, then.
  for (const auto& part : schema::parts_of(refusals_->copy(), p.number, gate_->known() && admission_sent_.empty()))
    shared_.peers->pass_table(p.to.node, shard_, part);
}

void shard_actor::take_table(table_part_told& t) {
  const auto number = t.part.number;
  if (!passed_on_.take(std::move(t.part)))
    return;
  step(replication::table_received{number, passed_on_.last().table.tenure});
  shared_.peers->acknowledge_table(t.node, shard_, number);
}

}  // namespace janji::actors
