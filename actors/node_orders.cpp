// A node's orders and questions of operators: on their way to whoever carries them out, and what their answers come to.
#include <fmt/format.h>

#include <caf/all.hpp>
#include <map>
#include <mutex>
#include <set>
#include <utility>

#include "actors/node_impl.hpp"
#include "actors/rounds.hpp"
#include "actors/sealed_records.hpp"
#include "booking/round_orders.hpp"
#include "cluster/placement.hpp"

namespace janji::actors {

namespace {
constexpr std::int64_t order_deadline_ms = 10'000;  // later it is not carried out
}  // namespace

// With which an order goes to whoever carries it out. One that is only asked about bears the stamp of no leader: all of it is judged, and
// it is never admitted (design: a request of another tenure is interrupted).
std::expected<stamp, std::string> node::impl::stamp_of(const orderer& who, const stamp& heard) const {
  if (!who.dry_run)
    return heard;
  if (heard.tenure == tenure_id{})
    return std::unexpected(std::string("busy: who leads it is not known here yet, and nothing was asked"));
  if (!shared.counts_refusals())
    return std::unexpected(std::string(
        "wrong_state: while there may be nodes of an earlier version this order cannot be tried; `janjictl check` says when the "
        "feature level can be raised"));
  return stamp{nobodys_tenure, 0};
}

request_id node::impl::order_request(const orderer& who, operator_done&& done, const char* what) {
  if (!who.dry_run)
    return operator_request(std::move(done));
  const auto judged = [done, what](const answer& a) {
    if (a.what == outcome::interrupted)  // as all that is nobody's: nothing else stood against it
      return done(fmt::format("would {}", what));
    const auto words = words_of_order(a.what, false);
    done(words ? std::expected<std::string, std::string>("nothing would be done: it is " + *words + " already") : words);
  };
  return operator_request(operator_done(done), operator_patience_ms, judged);
}

// Before the operator hears it, who may give the next order anywhere.
void node::impl::tell_what_orders_changed(const std::vector<answer>& answers) {
  std::vector<schema::heard_shard> changed;
  for (const auto& a : answers)
    if ((a.request.value & operator_request_bit) != 0 && a.stamp != stamp{})
      changed.push_back({a.shard, a.stamp});
  if (!changed.empty() && shared.counts_refusals())
    shared.peers->tell_heard(changed);
}

void node::import_round(round_definition definition, std::string by, operator_done done, bool dry_run) {
  caf::anon_send(impl_->shared.rounds, import_order{std::move(definition), std::move(by), std::move(done), false, {}, dry_run});
}
void node::change_round(round_id round, round_order order, std::string reason, orderer who, operator_done done) {
  const auto as_of = who.heard ? who.rounds : rounds_applied();
  caf::anon_send(
      impl_->shared.rounds,
      state_order{round, state_after(order), std::move(reason), std::move(who.by), std::move(done), false, {}, as_of, order, who.dry_run});
}

void node::note(operator_noted what, operator_done done) {
  what.at = impl_->shared.now();
  caf::anon_send(impl_->others ? impl_->shared.reports : impl_->shared.rounds, note_order{std::move(what), std::move(done)});
}

void node::change_capacity(group_id group, window_index window, std::uint32_t capacity, std::string reason, orderer who,
                           operator_done done) {
  if (auto wrong = order_text_fault({who.by, reason}); !wrong.empty())
    return done(std::unexpected(std::move(wrong)));
  const auto known = impl_->shared.catalogue.get();
  const auto place = known->groups.find(group.value);
  if (place == known->groups.end())
    return done(std::unexpected("unknown_window: there is no such slot group"));
  const auto stamp = impl_->stamp_of(who, stamp_in((who.heard ? who.heard : heard()).get(), place->second.shard));
  if (!stamp)
    return done(std::unexpected(stamp.error()));
  const auto request = impl_->order_request(who, std::move(done), "change it");
  const unix_ms deadline{impl_->shared.now().value + order_deadline_ms};
  impl_->shared.orders.send(
      request, place->second.shard,
      [&shared = impl_->shared, group,
       order = janji::change_capacity{request, window, capacity, std::move(who.by), std::move(reason), deadline, *stamp}] {
        shared.route.send(group, group_input{janji::change_capacity(order)});
      });
}

void node::release_claim(const citizen_hash& citizen, std::string reason, orderer who, operator_done done) {
  if (auto wrong = order_text_fault({who.by, reason}); !wrong.empty())
    return done(std::unexpected(std::move(wrong)));
  const auto shard = cluster::shard_of_citizen(citizen, impl_->shared.options.shard_count);
  const auto stamp = impl_->stamp_of(who, stamp_in((who.heard ? who.heard : heard()).get(), shard));
  if (!stamp)
    return done(std::unexpected(stamp.error()));
  const auto request = impl_->order_request(who, std::move(done), "release it");
  const unix_ms deadline{impl_->shared.now().value + order_deadline_ms};
  impl_->shared.orders.send(
      request, shard,
      [&shared = impl_->shared, shard,
       order = cancel_command{request, {}, citizen, 0, key_hash{request.value}, std::move(who.by), std::move(reason), deadline, *stamp}] {
        shared.route.send(shard, registry_input{cancel_command(order)});
      });
}

void node::find_place(reference ref, const place_done& done) {
  constexpr std::int64_t patience_ms = 5'000;
  if (ref.shard().value >= impl_->shared.options.shard_count)
    return done(std::unexpected("not_found: there is no such booking"));
  const auto request = impl_->operator_request(
      [done](const auto&) { done(std::unexpected("busy: who leads the shard of this reference does not answer; ask again")); }, patience_ms,
      [done](const answer& a) {
        if (a.what == outcome::found && a.places.size() == 1)
          return done(a.places.front());
        done(std::unexpected(a.what == outcome::not_found     ? "not_found: there is no such booking"
                             : a.what == outcome::in_progress ? "busy: a change of this booking is under way; ask again"
                                                              : "busy: where this booking is is not known now; ask again"));
      });
  const unix_ms deadline{impl_->shared.now().value + patience_ms};
  impl_->shared.orders.send(request, ref.shard(), [&shared = impl_->shared, ref, request, deadline] {
    shared.route.send(ref.shard(), registry_input{lookup_command{request, ref, 0, deadline}});
  });
}

void node::sealed_records(const schema::records_ask& ask, sealed_records_done done) {
  const auto known = impl_->shared.catalogue.get();
  const auto place = known->groups.find(ask.group.value);
  if (place == known->groups.end())
    return done(std::unexpected("not_found: there is no such slot group"));
  gather_sealed_records(impl_->shared, place->second.shard, ask, std::move(done));
}

void node::warm(round_id round, const operator_done& done, bool dry_run) {
  const auto catalogue = impl_->shared.catalogue.get();
  if (const auto* known = catalogue->find(round); known != nullptr)
    if (const auto may = may_warm(known->status.state); !may)
      return done(std::unexpected("wrong_state: " + may.error()));
  std::map<std::uint16_t, activate_groups> by_shard;
  for (const auto& [group, place] : catalogue->groups)
    if (place.round == round)
      by_shard[place.shard.value].groups.push_back(group_id{group});
  std::size_t count = 0;
  for (auto& [shard, groups] : by_shard) {
    const auto status = impl_->shared.shard_statuses[shard].load();
    if (impl_->others != nullptr && (status == nullptr || !status->serving))
      continue;  // by the node that leads it
    count += groups.groups.size();
    if (!dry_run)
      caf::anon_send(impl_->shared.route.shard(shard_id{shard}), std::move(groups));
  }
  done((dry_run ? "would be done: warming " : "warming ") + std::to_string(count) +
       (impl_->others != nullptr ? " slot groups that are led here" : " slot groups"));
}

// A booking that there is not, asked for by its reference: to say so the shard's leader must know that it leads.
void node::probe_shards(std::function<void(std::vector<std::uint16_t>)> done) {
  constexpr std::int64_t patience_ms = 3'000;
  struct gathered {
    std::mutex mutex;
    std::set<std::uint16_t> silent;
    std::size_t left = 0;
    std::function<void(std::vector<std::uint16_t>)> done;
  };
  auto all = std::make_shared<gathered>();
  const auto shards = impl_->shared.options.shard_count;
  all->left = shards;
  all->done = std::move(done);
  const unix_ms deadline{impl_->shared.now().value + patience_ms};
  for (std::uint16_t s = 0; s < shards; ++s) {
    const auto heard = [all, s](const std::expected<std::string, std::string>& said) {
      const std::lock_guard lock(all->mutex);
      if (!said && !said.error().starts_with("not_found"))
        all->silent.insert(s);
      if (--all->left == 0)
        all->done({all->silent.begin(), all->silent.end()});
    };
    const auto request = impl_->operator_request(heard, patience_ms);
    const auto nobody = reference::make(shard_id{s}, impl_->shared.random() >> 16U);
    impl_->shared.route.send(shard_id{s}, registry_input{lookup_command{request, nobody, 0, deadline}});
  }
}

void node::verify_shard(shard_id shard, operator_done done) {
  if (!impl_->others)
    return done(std::unexpected("wrong_state: a node that is alone has one copy of every shard"));
  caf::anon_send(impl_->shared.reports, verify_order{shard, std::move(done)});
}
void node::read_log(shard_id shard, sequence_t after, operator_done done) {
  if (!impl_->others)
    return done(std::unexpected("wrong_state: a node that is alone is audited as a whole"));
  caf::anon_send(impl_->shared.reports, read_log_order{shard, after, std::move(done)});
}
void node::replace_member(shard_id shard, std::uint64_t dead, std::uint64_t by, operator_done done, bool dry_run) {
  if (!impl_->others)
    return done(std::unexpected("wrong_state: a node that is alone has one copy of every shard"));
  caf::anon_send(impl_->shared.reports, replace_order{shard, dead, by, std::move(done), dry_run});
}

}  // namespace janji::actors
