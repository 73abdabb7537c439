#include "cluster/key_keeper.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "cluster/feature_level.hpp"

namespace janji::cluster {

using store::fingerprint_of;
using store::key_bytes;

namespace {

constexpr int tries_max = 5;
constexpr std::uint32_t rotation_level = 1;  // from which on a copy may name its master

}  // namespace

key_keeper::key_keeper(value_store& values, store::key_ring& ring, ports p) : values_(values), ring_(ring), ports_(std::move(p)) {
  read_held();
}

// ------------------------------------------------------------------ masters

// True: other than before.
bool key_keeper::read_held() {
  auto now = ports_.read_masters();
  const std::lock_guard lock(mutex_);
  const bool changed = now.keys != held_.keys || now.wrong != held_.wrong;
  held_ = std::move(now);
  return changed;
}

// The one that the file is wrapped under counts while the node runs, wherever it came from.
std::vector<key_bytes> key_keeper::masters() const {
  std::vector<key_bytes> out{ring_.master()};
  const std::lock_guard lock(mutex_);
  out.insert(out.end(), held_.keys.begin(), held_.keys.end());
  return out;
}

std::vector<std::string> key_keeper::held() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> out;
  out.reserve(held_.keys.size());
  for (const auto& m : held_.keys)
    out.push_back(fingerprint_of(m));
  return out;
}

std::optional<key_bytes> key_keeper::master_named(const std::string& fingerprint) const {
  for (const auto& m : masters())
    if (fingerprint_of(m) == fingerprint)
      return m;
  return std::nullopt;
}

void key_keeper::warn_once(const std::string& why) {
  {
    const std::lock_guard lock(mutex_);
    if (warned_.contains(why))
      return;
    constexpr std::size_t kept_max = 64;  // etcd's errors name revisions: each is another sentence
    if (warned_.size() >= kept_max)
      warned_.clear();
    warned_.insert(why);
  }
  ports_.warn(why);
}

// ------------------------------------------------------------------ the record and the key file

key_keeper::result<key_keeper::seen_record> key_keeper::read_record() {
  const auto there = values_.read_value(master_value);
  if (!there)
    return cannot_reach(there.error());
  if (!there->value)
    return seen_record{there->revision, std::nullopt};
  auto record = master_record_from_text(*there->value);
  if (!record)
    return std::unexpected(record.error());
  return seen_record{there->revision, std::move(*record)};
}

// The key file, or the record, as far as the other has come.
key_keeper::result<key_keeper::seen_record> key_keeper::settle() {
  for (int tries = 0; tries < tries_max; ++tries) {
    auto seen = read_record();
    if (!seen)
      return seen;
    const auto own = fingerprint_of(ring_.master());
    switch (next_key_step(seen->record, ring_.mark(), own, held())) {
      case key_step::none: return seen;
      case key_step::refused: return std::unexpected(why_refused(*seen->record, held()));
      case key_step::wrap_again: {
        const auto master = master_named(seen->record->to);
        if (!master)
          return std::unexpected(why_refused(*seen->record, held()));
        if (auto done = ring_.wrap_again(*master, seen->record->mark); !done)
          return std::unexpected(done.error().text());
        return seen;
      }
      case key_step::put_back: {
        const auto put = values_.put_value(master_value, seen->revision, to_text(master_record{ring_.mark(), "", own, 0}), std::nullopt);
        if (!put)
          return cannot_reach(put.error());
        if (*put)
          ports_.warn(
              fmt::format("etcd had forgotten a rotation of the master key: it knows again that the keys are wrapped under {}", own));
      }
    }
  }
  return std::unexpected(std::string("the record of the master key's rotations changes faster than it can be read"));
}

std::expected<void, std::string> key_keeper::begin() {
  if (auto settled = settle(); !settled)
    return std::unexpected(settled.error());
  return settle_form();
}

// For the others. A start of this node that was frozen says nothing over a later one.
key_keeper::result<void> key_keeper::say() {
  key_holder now{ports_.node, ports_.boot, held(), fingerprint_of(ring_.master()), ring_.mark(), {}};
  {
    const std::lock_guard lock(mutex_);
    now.wrong = held_.wrong;
  }
  std::set<std::uint16_t> rounds;
  for (const auto& held_name : ring_.names())
    if (const auto round = store::round_of_key(held_name))
      rounds.insert(round->value);
  now.rounds.assign(rounds.begin(), rounds.end());
  const auto name = fmt::format("{}{}", holders_prefix, ports_.node);
  const auto there = values_.read_value(name);
  if (!there)
    return cannot_reach(there.error());
  if (there->value) {
    const auto before = key_holder_from_text(*there->value);
    if (before && (*before == now || before->boot > now.boot))
      return {};
  }
  const auto put = values_.put_value(name, there->revision, to_text(now), std::nullopt);
  if (!put)
    return cannot_reach(put.error());
  return *put ? result<void>{} : std::unexpected(std::string("what this node says of its master keys was changed in the same moment"));
}

void key_keeper::pass() {
  const bool changed = read_held();
  if (!look_.exchange(false) && !changed)
    return;
  const auto failed = [this](const std::string& why) {
    look_ = true;
    warn_once(why);
  };
  const auto settled = settle();
  if (!settled) {
    const auto seen = read_record();  // which of both it was
    if (seen && seen->record && seen->record->mark.finished && fingerprint_of(ring_.master()) != seen->record->to &&
        !master_named(seen->record->to))
      return ports_.end(settled.error());
    failed(settled.error());
    if (auto said = say(); !said)
      failed(said.error());
    return;
  }
  if (auto said = say(); !said)
    failed(said.error());
  if (auto formed = settle_form(); !formed)
    failed(formed.error());
  if (auto said = say_locks(std::nullopt); !said)
    failed(said.error());
  const auto done = wrap_copies(*settled);
  if (!done)
    failed(done.error());
  else if (!*done)
    look_ = true;
}

// ------------------------------------------------------------------ operators

std::size_t keys_view::files_left() const {
  return !record ? 0 : static_cast<std::size_t>(std::ranges::count_if(nodes, [&](const auto& n) { return !n.is_wrapped(*record); }));
}

key_keeper::result<keys_view> key_keeper::view(const seen_record& seen) {
  keys_view v{seen.record, fingerprint_of(ring_.master()), ports_.members(), 0, 0, {}, {}};
  const auto holders = values_.read_values(holders_prefix);
  if (!holders)
    return cannot_reach(holders.error());
  for (auto& n : v.nodes)
    if (const auto at = holders->find(fmt::format("{}{}", holders_prefix, n.node)); at != holders->end())
      if (auto h = key_holder_from_text(*at->second.value); h && h->node == n.node)
        n.said = std::move(*h);
  const auto copies = values_.read_values(copies_prefix);
  if (!copies)
    return cannot_reach(copies.error());
  for (const auto& [full, there] : *copies) {
    const auto name = full.substr(copies_prefix.size());
    const auto copy = key_copy_from_text(*there.value);
    const auto found = opened(seen.record, name, copy);
    const auto own = ring_.get(name);
    ++v.copies;
    const bool for_others = !found && copy.is_erasable();
    ++v.copies_under[found ? found->master : for_others ? copy.master : ""];
    v.copies_left += seen.record && ((!found && !for_others) || copy.master != seen.record->to) ? 1 : 0;
    if (found ? own && *own != found->key : !own || (!seen.record && !for_others))
      v.unreadable.push_back(name);
  }
  return v;
}

std::expected<keys_view, std::string> key_keeper::keys() {
  const auto seen = read_record();
  return seen ? view(*seen) : std::unexpected(seen.error());
}

// The one that was named, if this node holds it too; else the one that it holds beside the one in use.
key_keeper::result<key_bytes> key_keeper::target(const std::optional<key_bytes>& to) const {
  const std::lock_guard lock(mutex_);
  if (to && std::ranges::find(held_.keys, *to) == held_.keys.end())
    return std::unexpected(fmt::format("wrong_state: this node does not hold the master key with fingerprint {}: put it there first{}",
                                       fingerprint_of(*to), held_.wrong.empty() ? "" : "; " + held_.wrong));
  if (to)
    return *to;
  if (held_.keys.size() < 2)
    return std::unexpected("wrong_state: this node holds one master key only: put the new one beside it on every node first" +
                           (held_.wrong.empty() ? "" : "; " + held_.wrong));
  return held_.keys.back();
}

key_keeper::said key_keeper::rotate(const std::optional<key_bytes>& to, bool dry_run) {
  if (read_held()) {
    look_again();
    if (auto told = say(); !told)
      return std::unexpected("busy: " + told.error());
  }
  const auto chosen = target(to);
  if (!chosen)
    return std::unexpected(chosen.error());
  bool again = true;
  for (int tries = 0; tries < tries_max; ++tries)
    if (auto what = try_to_rotate(*chosen, dry_run, again); !again)
      return what;
  return std::unexpected(std::string("busy: somebody else is changing the same"));
}

namespace {

std::string progress(const keys_view& v) {
  return fmt::format("{} of {} copies and {} of {} key files are left; `keys rotate --finish` when none is", v.copies_left, v.copies,
                     v.files_left(), v.nodes.size());
}

// Every file and every copy are under that master already.
bool is_all_under(const keys_view& v, const std::string& master) {
  const bool files = std::ranges::all_of(v.nodes, [&](const auto& n) { return n.has_said() && n.said->wrapped_under == master; });
  const auto copies = v.copies_under.find(master);
  return files && v.wrapped_under == master && v.copies_left == 0 && (copies == v.copies_under.end() ? 0 : copies->second) == v.copies;
}

}  // namespace

key_keeper::said key_keeper::try_to_rotate(const key_bytes& to, bool dry_run, bool& again) {
  again = false;
  const auto name = fingerprint_of(to);
  const auto level = values_.read_value(feature_level_value);
  const auto known = level ? feature_level_from(level->value) : std::unexpected(level.error());
  if (!known)
    return std::unexpected("busy: " + known.error());
  if (*known < rotation_level)
    return std::unexpected(
        fmt::format("wrong_state: the cluster is at feature level {}, at which earlier versions may come back: raise it first", *known));
  const auto seen = read_record();
  const auto now = seen ? view(*seen) : std::unexpected(seen.error());
  if (!now)
    return std::unexpected("busy: " + now.error());
  if (now->under_way() && seen->record->to == name)
    return fmt::format("the keys are being wrapped under {}: {}", name, progress(*now));
  if (now->under_way())
    return std::unexpected(
        fmt::format("wrong_state: a rotation to {} is under way, ordered at node {}: finish it first", seen->record->to, seen->record->by));
  if (std::ranges::none_of(now->nodes, [&](const auto& n) { return n.node == ports_.node && n.there; }))
    return std::unexpected(std::string("busy: this node does not see the cluster yet"));
  if (is_all_under(*now, name))
    return std::unexpected(fmt::format("wrong_state: everything is wrapped under the master key with fingerprint {} already", name));
  if (auto no = why_not_rotate(now->nodes, name))
    return std::unexpected("wrong_state: " + std::move(*no));
  if (dry_run)
    return fmt::format("would wrap {} copies and the key files of {} nodes under {}", now->copies, now->nodes.size(), name);
  const master_record next{
      {seen->record ? seen->record->mark.number + 1 : 1, false}, seen->record ? seen->record->to : "", name, ports_.node};
  const auto put = values_.put_value(master_value, seen->revision, to_text(next), std::nullopt);
  if (!put)
    return std::unexpected("busy: etcd: " + put.error() + "; look before you ask again");
  again = !*put;
  look_again();
  return fmt::format(
      "from now on the keys are wrapped under {}: {} copies and the key files of {} nodes; `keys rotate --finish` when none is left", name,
      now->copies, now->nodes.size());
}

key_keeper::said key_keeper::finish_rotation(bool dry_run) {
  for (int tries = 0; tries < tries_max; ++tries) {
    const auto seen = read_record();
    const auto now = seen ? view(*seen) : std::unexpected(seen.error());
    if (!now)
      return std::unexpected("busy: " + now.error());
    if (!seen->record)
      return std::unexpected(std::string("wrong_state: no rotation of the master key was begun"));
    auto next = *seen->record;
    auto done = fmt::format("the rotation is finished: the keys are wrapped under {} alone", next.to);
    if (next.mark.finished)
      return done;
    if (auto no = why_not_finish(now->nodes, next, now->copies_left, now->unreadable))
      return std::unexpected("wrong_state: " + std::move(*no));
    if (dry_run)
      return "would be done: " + done;
    next.mark.finished = true;
    const auto put = values_.put_value(master_value, seen->revision, to_text(next), std::nullopt);
    if (!put)
      return std::unexpected("busy: etcd: " + put.error() + "; look before you ask again");
    look_again();
    if (*put)
      return done;
  }
  return std::unexpected(std::string("busy: somebody else is changing the same"));
}

}  // namespace janji::cluster
