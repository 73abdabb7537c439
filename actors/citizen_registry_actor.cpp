#include "actors/citizen_registry_actor.hpp"

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

#include "actors/recovery.hpp"

namespace janji::actors {

citizen_registry_actor::citizen_registry_actor(caf::actor_config& config, node_context& shared, shard_id shard, incarnation_t incarnation,
                                               recovered_owner&& recovered, std::shared_ptr<refusal_table> refusals,
                                               std::shared_ptr<const admission_gate> gate)
    : caf::event_based_actor(config),
      shared_(shared),
      shard_(shard),
      incarnation_(incarnation),
      recovered_(std::move(recovered)),
      refusals_(std::move(refusals)),
      gate_(std::move(gate)) {}

caf::behavior citizen_registry_actor::make_behavior() {
  recover();
  delayed_send(this, std::chrono::milliseconds(shared_.options.sweep_every_ms), sweep{});
  return {
      [this](registry_mail& mail) {
        for (auto& input : mail.inputs)
          take(std::move(input));
        carry_out();
      },
      [this](wake w) {
        if (wake_at_ != w.at)
          return;  // an earlier one took its place
        wake_at_.reset();
        take(tick{});
        carry_out();
      },
      [this](sweep) {
        take(tick{});
        carry_out();
        delayed_send(this, std::chrono::milliseconds(shared_.options.sweep_every_ms), sweep{});
      },
      [this](snapshot_request r) {
        caf::anon_send(shared_.route.shard(shard_),
                       snapshot_taken{schema::owner::of_registry(), incarnation_, r.checkpoint, machine_->applied(), machine_->snapshot()});
      },
  };
}

void citizen_registry_actor::recover() {
  auto machine = recovered_registry(shared_, shard_, incarnation_, recovered_);
  if (!machine)
    shared_.fatal(machine.error());
  machine_.emplace(machine ? std::move(*machine) : citizen_registry(shard_, incarnation_, shared_.faults));
  machine_->use(refusals_);
  machine_->judge_by(gate_);
  recovered_ = {};
  appends_.who = schema::owner::of_registry();
  appends_.incarnation = incarnation_;
}

void citizen_registry_actor::take(registry_input&& input) {
  if (out_.empty())
    appends_.judged_at = gate_->changes();
  machine_->step(shared_.now(), std::move(input), out_);
}

void citizen_registry_actor::carry_out() {
  bool strict = false;
  for (std::size_t i = 0; i < out_.size(); ++i) {
    auto& o = out_[i];
    if (auto* append = std::get_if<append_registry>(&o)) {
      appends_.items.push_back({append->token, std::move(append->event)});
    } else if (auto* message = std::get_if<to_group>(&o)) {
      auto it = std::ranges::find(to_groups_, message->group, &std::pair<group_id, group_mail>::first);
      if (it == to_groups_.end())
        it = to_groups_.insert(to_groups_.end(), {message->group, {}});
      it->second.inputs.push_back(std::move(message->message));
    } else if (auto* said = std::get_if<answer>(&o)) {
      answers_.push_back(std::move(*said));
    } else {
      strict = true;
    }
    if (i + 1 == out_.size() && strict && shared_.strict_rounds_free(shard_)) {
      strict = false;
      machine_->step(shared_.now(), strict_round_done{}, out_);
    }
  }
  out_.clear();
  if (!appends_.items.empty()) {
    append_mail mail{appends_.who, appends_.incarnation, std::exchange(appends_.items, {}), appends_.judged_at};
    caf::anon_send(shared_.route.shard(shard_), std::move(mail));
  }
  for (auto& [group, mail] : to_groups_)
    shared_.route.send(group, std::move(mail));
  to_groups_.clear();
  if (strict)
    caf::anon_send(shared_.route.shard(shard_), strict_round_mail{appends_.who, incarnation_});
  if (!answers_.empty())
    shared_.answers(std::exchange(answers_, {}));
  schedule_wake();
}

void citizen_registry_actor::schedule_wake() {
  const auto at = machine_->next_deadline();
  if (at.value == std::numeric_limits<std::int64_t>::max() || (wake_at_ && *wake_at_ <= at))
    return;
  wake_at_ = at;
  const auto in_ms = std::max<std::int64_t>(1, at.value - shared_.now().value);
  delayed_send(this, std::chrono::milliseconds(in_ms), wake{at});
}

}  // namespace janji::actors
