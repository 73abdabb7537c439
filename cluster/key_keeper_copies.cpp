// The cluster's copies of keys: agreed on, opened, wrapped again, and for whom.
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "cluster/feature_level.hpp"
#include "cluster/key_keeper.hpp"
#include "cluster/key_locks.hpp"

namespace janji::cluster {

using store::fingerprint_of;
using store::key_bytes;

namespace {

constexpr int copy_tries_max = 5;
std::string copy_name(std::string_view name) { return std::string(copies_prefix) + std::string(name); }

// For all of them; whoever else it is for is no reason to wrap it again.
bool is_wrapped_for(const key_copy& copy, const std::vector<key_lock>& wanted) {
  const auto boxes = boxes_from_text(copy.box);
  return std::ranges::all_of(wanted, [&](const key_lock& l) { return std::ranges::find(boxes, l, &locked_box::to) != boxes.end(); });
}

}  // namespace

// ------------------------------------------------------------------ copies

std::optional<key_keeper::opened_copy> key_keeper::opened(const std::optional<master_record>& record, const std::string& name,
                                                          const key_copy& copy) const {
  for (const auto& m : masters()) {
    opened_copy out{{}, fingerprint_of(m)};
    if ((!copy.master.empty() && copy.master != out.master) || !is_accepted(record, out.master))
      continue;
    if (!copy.is_erasable() && store::unwrap(name, copy.box, m, out.key))
      return out;
    for (const auto& one : boxes_from_text(copy.box))
      if (one.to.node == ports_.node)
        if (auto key = ring_.open_copy(name, one.box, m)) {
          out.key = std::move(*key);
          return out;
        }
  }
  return std::nullopt;
}

key_keeper::result<std::string> key_keeper::wrapped(const std::optional<master_record>& record, const std::string& name,
                                                    const key_bytes& key) {
  const bool erasable = ring_.is_erasable() && store::round_of_key(name);
  if (!record)
    return erasable ? wrapped_for_all(ring_.master(), name, key) : to_text(key_copy{"", store::wrap(name, key, ring_.master())});
  const auto master = master_named(record->to);
  if (!master)
    return std::unexpected(why_refused(*record, held()));
  if (erasable)
    return wrapped_for_all(*master, name, key);
  return to_text(key_copy{record->to, store::wrap(name, key, *master)});
}

key_keeper::result<bool> key_keeper::put_copy(const seen_record& seen, const std::string& name, const key_bytes& key,
                                              std::int64_t revision) {
  const auto text = wrapped(seen.record, name, key);
  if (!text)
    return std::unexpected(text.error());
  const auto put = values_.put_value(copy_name(name), revision, *text, seen.unchanged());
  if (!put)
    return cannot_reach(put.error());
  return *put;
}

key_keeper::result<key_bytes> key_keeper::agree_on_key(const std::string& name, const key_bytes& key) {
  const auto round = store::round_of_key(name);
  if (auto formed = settle_form(); round && !formed)
    return std::unexpected(formed.error());
  if (round)
    look_again();  // there may be locks to be said for rounds to come
  for (int tries = 0; tries < copy_tries_max; ++tries) {
    const auto seen = read_record();
    if (!seen)
      return std::unexpected(seen.error());
    const auto there = values_.read_value(copy_name(name));
    if (!there)
      return cannot_reach(there.error());
    if (there->value) {
      const auto copy = key_copy_from_text(*there->value);
      if (auto found = opened(seen->record, name, copy))
        return found->key;
      if (copy.is_erasable() && round) {
        if (auto formed = ring_.make_erasable(); !formed)  // the cluster is, whatever a store that was put back says
          return std::unexpected(formed.error().text());
        const auto said = say_locks(round);
        return std::unexpected(said ? "the nodes that hold it have yet to wrap it for this one" : said.error());
      }
      if (const auto now = read_record(); !now || now->revision != seen->revision)
        continue;
      return std::unexpected(fmt::format("this node's master key does not open the cluster's copy{}{}",
                                         copy.master.empty() ? "" : ", which is wrapped under the one with fingerprint ", copy.master));
    }
    const auto may = ports_.may_be_made(name);
    if (!may)
      return std::unexpected(may.error());
    if (round && ring_.is_erasable())
      if (const auto enough = has_locks(*round); !enough || !*enough)
        return std::unexpected(enough ? "no other node has said yet under which lock it is to be wrapped for it" : enough.error());
    if (!*may)
      return std::unexpected(fmt::format(
          "etcd has lost the key {}, and with a new one everybody could book again: start a node that holds it, then try again", name));
    const auto put = put_copy(*seen, name, key, 0);
    if (!put)
      return std::unexpected(put.error());
    if (*put)
      return key;
  }
  return std::unexpected(std::string("it changes faster than it can be read"));
}

store::key_ring::common_store key_keeper::common() {
  return {[this](const std::string& name, const key_bytes& key) { return agree_on_key(name, key); },
          [this](const std::string& name) -> std::expected<void, std::string> {
            look_again();  // for this node to say that it does not hold it any more
            auto removed = values_.remove(copy_name(name));
            return removed ? std::move(removed) : cannot_reach(removed.error());
          }};
}

std::expected<void, std::string> key_keeper::put_back(const std::string& name) {
  for (int tries = 0; tries < copy_tries_max; ++tries) {
    const auto key = ring_.get(name);
    if (!key)
      return {};
    const auto seen = read_record();
    if (!seen)
      return std::unexpected(seen.error());
    const auto there = values_.read_value(copy_name(name));
    if (!there)
      return cannot_reach(there.error());
    if (there->value)
      return {};
    const auto put = put_copy(*seen, name, *key, 0);
    if (!put)
      return std::unexpected(put.error());
    if (*put)
      return {};
  }
  return std::unexpected(fmt::format("the key {} cannot be put back: it changes faster than it can be read", name));
}

std::expected<std::vector<std::string>, std::string> key_keeper::put_back(const std::vector<std::string>& names) {
  return compare(names, true);
}

std::expected<std::vector<std::string>, std::string> key_keeper::compare(const std::vector<std::string>& names, bool puts_back) {
  std::vector<std::string> others;
  const auto seen = read_record();
  if (!seen)
    return std::unexpected(seen.error());
  const auto copies = values_.read_values(copies_prefix);
  if (!copies)
    return cannot_reach(copies.error());
  for (const auto& name : names) {
    const auto there = copies->find(copy_name(name));
    if (there == copies->end()) {
      if (auto put = puts_back ? put_back(name) : std::expected<void, std::string>{}; !put)
        return std::unexpected(put.error());
      continue;
    }
    const auto own = ring_.get(name);
    const auto found = opened(seen->record, name, key_copy_from_text(*there->second.value));
    if (own && found && found->key != *own)
      others.push_back(name);
  }
  return others;
}

// True: nothing is left to be done here. A copy that this node cannot open is another's, or nobody's.
key_keeper::result<bool> key_keeper::wrap_copies(const seen_record& seen) {
  const auto copies = values_.read_values(copies_prefix);
  if (!copies)
    return cannot_reach(copies.error());
  const auto said = ring_.is_erasable() ? values_.read_values(locks_prefix) : said_locks{};
  if (!said)
    return cannot_reach(said.error());
  bool all = true;
  for (const auto& [full, there] : *copies) {
    const auto done = wrap_copy(seen, full.substr(copies_prefix.size()), there, *said);
    if (!done)
      return done;
    all = all && *done;
  }
  return all;
}

key_keeper::result<bool> key_keeper::wrap_copy(const seen_record& seen, const std::string& name, const versioned_value& there,
                                               const said_locks& said) {
  if (ring_.is_destroyed(name)) {  // of an erased round: a store that was put back still had it
    if (auto removed = values_.remove(copy_name(name)); !removed)
      return cannot_reach(removed.error());
    return true;
  }
  const auto round = ring_.is_erasable() ? store::round_of_key(name) : std::nullopt;
  if (!seen.record && !round)
    return true;
  const auto copy = key_copy_from_text(*there.value);
  const auto found = opened(seen.record, name, copy);
  const auto own = ring_.get(name);
  if (found && own && found->key != *own) {
    warn_once(fmt::format("the cluster's key {} is not the one that this node holds: nothing is wrapped", name));
    return true;
  }
  const bool under_it = !seen.record || copy.master == seen.record->to;
  if (!found && (!own || (under_it && (copy.is_erasable() || !seen.record))))
    return true;  // nobody's, or for others, who will wrap it for this one too
  if (found && under_it) {
    const auto locks = round ? locks_of(*round, said) : std::vector<key_lock>{};
    if (!locks)
      return std::unexpected(locks.error());
    if (!round || (copy.is_erasable() && is_wrapped_for(copy, *locks)))
      return true;
  }
  return put_copy(seen, name, own ? *own : found->key, there.revision);  // false: looked at again
}

// ------------------------------------------------------------------ locks

// The cluster's level is looked at until it has come; there is no way back from it.
key_keeper::result<void> key_keeper::settle_form() {
  if (ring_.is_erasable())
    return {};
  const auto level = values_.read_value(feature_level_value);
  if (!level)
    return cannot_reach(level.error());
  const auto known = feature_level_from(level->value);
  if (!known)
    return std::unexpected(known.error());
  if (*known < erasable_level)
    return {};
  if (auto made = ring_.make_erasable(); !made)
    return std::unexpected(made.error().text());
  return {};
}

// For the others, so that they wrap for this node: of the rounds whose keys it has or wants, and of some to come.
key_keeper::result<void> key_keeper::say_locks(std::optional<round_id> wanted) {
  if (!ring_.is_erasable())
    return {};
  std::vector<round_id> also;
  std::uint16_t last = wanted ? wanted->value : 0;
  if (wanted)
    also.push_back(*wanted);
  for (const auto& name : ring_.names())
    if (const auto round = store::round_of_key(name))
      last = std::max(last, round->value);
  for (std::uint32_t n = last + 1U; n <= std::uint32_t{last} + locks_ahead && n <= std::numeric_limits<std::uint16_t>::max(); ++n)
    also.push_back(round_id{static_cast<std::uint16_t>(n)});
  auto locks = ring_.locks(also);
  if (!locks)
    return std::unexpected(locks.error().text());
  const node_locks now{ports_.node, std::move(*locks)};
  const auto name = fmt::format("{}{}", locks_prefix, ports_.node);
  const auto there = values_.read_value(name);
  if (!there)
    return cannot_reach(there.error());
  if (there->value)
    if (const auto before = node_locks_from_text(*there->value); before && *before == now)
      return {};
  const auto put = values_.put_value(name, there->revision, to_text(now), std::nullopt);
  if (!put)
    return cannot_reach(put.error());
  return *put ? result<void>{} : std::unexpected(std::string("what this node says of its locks was changed in the same moment"));
}

// That of one node alone would be lost with its disk.
std::expected<bool, std::string> key_keeper::has_locks(round_id round) {
  constexpr std::size_t nodes_min = 2;
  if (auto formed = settle_form(); !formed)
    return std::unexpected(formed.error());
  if (!ring_.is_erasable())
    return true;
  const auto said = values_.read_values(locks_prefix);
  if (!said)
    return cannot_reach(said.error());
  const auto locks = locks_of(round, *said);
  if (!locks)
    return std::unexpected(locks.error());
  return locks->size() >= std::min(nodes_min, ports_.members().size());
}

// Of the nodes that belong to the cluster, this one first.
key_keeper::result<std::vector<key_lock>> key_keeper::locks_of(round_id round, const said_locks& said) {
  auto own = ring_.lock_of_round(round);
  if (!own)
    return std::unexpected(own.error().text());
  std::vector<key_lock> out{{ports_.node, std::move(*own)}};
  const auto members = ports_.members();
  for (const auto& [name, value] : said) {
    const auto l = value.value ? node_locks_from_text(*value.value) : std::unexpected(std::string());
    if (!l || l->node == ports_.node || name != fmt::format("{}{}", locks_prefix, l->node) || !l->locks.contains(round))
      continue;
    if (std::ranges::find(members, l->node, &key_member::node) != members.end())
      out.push_back({l->node, l->locks.at(round)});
  }
  return out;
}

key_keeper::result<std::string> key_keeper::wrapped_for_all(const key_bytes& master, const std::string& name, const key_bytes& key) {
  const auto said = values_.read_values(locks_prefix);
  if (!said)
    return cannot_reach(said.error());
  const auto locks = locks_of(store::round_of_key(name).value_or(round_id{}), *said);
  if (!locks)
    return std::unexpected(locks.error());
  std::vector<locked_box> boxes;
  for (const auto& to : *locks)
    if (auto box = store::wrap_for(to.lock, name, key, master); !box.empty())
      boxes.push_back({to, std::move(box)});
  return to_text(key_copy{fingerprint_of(master), to_text(boxes)});
}

}  // namespace janji::cluster
