#include "actors/slot_group_actor.hpp"

#include <chrono>
#include <limits>
#include <utility>

#include "actors/recovery.hpp"
#include "booking/assert.hpp"

namespace janji::actors {

slot_group_actor::slot_group_actor(caf::actor_config& config, node_context& shared, shard_id shard, group_id group,
                                   std::vector<window_definition> windows, incarnation_t incarnation, recovered_owner&& recovered,
                                   std::shared_ptr<refusal_table> refusals, std::shared_ptr<const admission_gate> gate)
    : caf::event_based_actor(config),
      shared_(shared),
      shard_(shard),
      group_(group),
      windows_(std::move(windows)),
      incarnation_(incarnation),
      recovered_(std::move(recovered)),
      refusals_(std::move(refusals)),
      gate_(std::move(gate)) {}

caf::behavior slot_group_actor::make_behavior() {
  recover();
  last_used_ = shared_.now();
  send_numbers();
  ask_to_retire_when_idle();
  return {
      [this](group_mail& mail) {
        last_used_ = shared_.now();
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
      [this](publish) {
        numbers_scheduled_ = false;
        send_numbers();
      },
      [this](snapshot_request r) {
        caf::anon_send(shared_.route.shard(shard_),
                       snapshot_taken{schema::owner::of(group_), incarnation_, r.checkpoint, machine_->applied(), machine_->snapshot()});
      },
      [this](sweep) {
        const auto unused_ms = shared_.now().value - last_used_.value;
        if (!retiring_ && machine_->idle() && unused_ms >= shared_.options.passivate_after_ms)
          caf::anon_send(shared_.route.shard(shard_), wants_to_retire{group_, incarnation_});
        ask_to_retire_when_idle();
      },
      [this](retire) { leave_or_stay(); },
  };
}

void slot_group_actor::recover() {
  auto machine = recovered_group(shared_, shard_, group_, windows_, incarnation_, recovered_);
  if (!machine)
    shared_.fatal(machine.error());
  machine_.emplace(machine ? std::move(*machine)
                           : slot_group(group_, shard_, shared_.options.shard_count, windows_, incarnation_, shared_.faults));
  machine_->use(refusals_);
  const auto known = shared_.catalogue.get();
  const auto place = known->groups.find(group_.value);
  std::vector<unix_ms> ends;
  ends.reserve(windows_.size());
  for (const auto& w : windows_)
    ends.push_back(w.book_until);
  machine_->judge_by(gate_, place == known->groups.end() ? round_id{} : place->second.round, std::move(ends));
  recovered_ = {};
  appends_.who = schema::owner::of(group_);
  appends_.incarnation = incarnation_;
}

// While a disk that it would be written to is low nothing new is admitted: what was confirmed before is told again.
void slot_group_actor::take(group_input&& input) {
  if (auto* b = std::get_if<book_command>(&input); b != nullptr && !b->repeat_only && shared_.disks_low[shard_.value]) {
    b->repeat_only = true;
    kept_out_.insert(b->request.value);
  }
  if (out_.empty())
    appends_.judged_at = gate_->changes();
  machine_->step(shared_.now(), std::move(input), out_);
}

// Carries out what the machine wants, in its order; a strict round that costs nothing is answered at once.
void slot_group_actor::carry_out() {
  bool strict = false;
  for (std::size_t i = 0; i < out_.size(); ++i) {
    auto& o = out_[i];
    if (auto* append = std::get_if<append_group>(&o)) {
      appends_.items.push_back({append->token, std::move(append->event)});
    } else if (auto* message = std::get_if<to_registry>(&o)) {
      auto it = std::ranges::find(to_registries_, message->shard, &std::pair<shard_id, registry_mail>::first);
      if (it == to_registries_.end())
        it = to_registries_.insert(to_registries_.end(), {message->shard, {}});
      it->second.inputs.push_back(std::move(message->message));
    } else if (auto* offered = std::get_if<to_group>(&o)) {
      shared_.route.send(offered->group, std::move(offered->message));
    } else if (auto* said = std::get_if<answer>(&o)) {
      if (kept_out_.erase(said->request.value) != 0 && said->what == outcome::not_found)
        said->what = outcome::busy;  // and so it is not known: it may be asked for again
      answers_.push_back(std::move(*said));
    } else if (std::holds_alternative<need_strict_round>(o)) {
      strict = true;
    } else {
      numbers_changed();
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
  for (auto& [shard, mail] : to_registries_)
    shared_.route.send(shard, std::move(mail));
  to_registries_.clear();
  if (strict)
    caf::anon_send(shared_.route.shard(shard_), strict_round_mail{appends_.who, incarnation_});
  if (!answers_.empty())
    shared_.answers(std::exchange(answers_, {}));
  schedule_wake();
}

void slot_group_actor::schedule_wake() {
  const auto at = machine_->next_deadline();
  if (at.value == std::numeric_limits<std::int64_t>::max() || (wake_at_ && *wake_at_ <= at))
    return;
  wake_at_ = at;
  const auto in_ms = std::max<std::int64_t>(1, at.value - shared_.now().value);
  delayed_send(this, std::chrono::milliseconds(in_ms), wake{at});
}

void slot_group_actor::numbers_changed() {
  if (std::exchange(numbers_scheduled_, true))
    return;
  delayed_send(this, std::chrono::milliseconds(shared_.options.publish_every_ms), publish{});
}

void slot_group_actor::send_numbers() {
  group_numbers numbers{{group_, {}, {}, machine_->applied(), refusals_->now().tenure.epoch}};
  for (std::size_t w = 0; w < machine_->window_count(); ++w)
    numbers.figures.windows.push_back(machine_->counts(window_index{static_cast<std::uint8_t>(w)}));
  const auto facts = machine_->booked_by_facts();
  numbers.figures.booked_by_facts.assign(facts.begin(), facts.end());
  caf::anon_send(shared_.availability, std::move(numbers));
}

void slot_group_actor::ask_to_retire_when_idle() {
  if (shared_.options.passivate_after_ms != 0)
    delayed_send(this, std::chrono::milliseconds(shared_.options.passivate_after_ms), sweep{});
}

// The shard has stopped routing: whatever was sent before stands before this message and has been handled.
void slot_group_actor::leave_or_stay() {
  if (!machine_->idle()) {
    caf::anon_send(shared_.route.shard(shard_), retired{group_, incarnation_, true, {}, {}});
    return;
  }
  if (numbers_scheduled_)
    send_numbers();
  caf::anon_send(shared_.route.shard(shard_), retired{group_, incarnation_, false, machine_->applied(), machine_->snapshot()});
  quit();
}

}  // namespace janji::actors
