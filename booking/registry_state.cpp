#include "booking/registry_state.hpp"

#include <algorithm>

#include "booking/assert.hpp"
#include "booking/bytes.hpp"

namespace janji {

namespace {
constexpr std::uint32_t registry_snapshot_version = 1;
constexpr std::uint32_t counting_snapshot_version = 2;  // with what is counted besides
}  // namespace

registry_state::registry_state() : by_ref_(claims_), by_citizen_(claims_) {}

std::uint32_t registry_state::must_find(reference ref) const {
  const auto n = by_ref_.find(ref.value);
  assert_always(n.has_value(), "an event of a registry names a claim that is there");
  return *n;
}

std::optional<std::uint32_t> registry_state::older(std::uint32_t n) const {
  const auto it = older_.find(n);
  return it == older_.end() ? std::nullopt : std::optional{it->second};
}

const claim_change* registry_state::change_under_way(std::uint32_t n) const {
  const auto it = changes_of_.find(n);
  if (it == changes_of_.end() || changes_[it->second.back()].done)
    return nullptr;
  return &changes_[it->second.back()];
}

const claim_change* registry_state::change_by_key(std::uint32_t n, key_hash key) const {
  const auto it = changes_of_.find(n);
  if (it == changes_of_.end())
    return nullptr;
  const auto found = std::ranges::find_if(it->second, [&](std::uint32_t c) { return changes_[c].key == key; });
  return found == it->second.end() ? nullptr : &changes_[*found];
}

claim_change* registry_state::pending_change(std::uint32_t n) { return const_cast<claim_change*>(change_under_way(n)); }

std::uint32_t registry_state::add(const claimed& e) {
  assert_always(!by_ref_.find(e.ref.value), "a reference is used by one claim");
  const auto before = by_citizen_.find(e.citizen);
  assert_always(!before || claims_[*before].state == claim_state::cancelled, "I3: a citizen has one claim");
  std::uint32_t n = 0;
  if (free_.empty()) {
    n = static_cast<std::uint32_t>(claims_.size());
    grow_by_quarter(claims_);
    claims_.emplace_back();
  } else {
    n = free_.back();
    free_.pop_back();
  }
  claim c;
  c.citizen = e.citizen;
  c.ref = e.ref;
  c.key = e.key;
  c.body = e.body;
  c.group = e.group;
  c.window = e.window;
  c.at_s = static_cast<std::uint32_t>(e.at.value / 1000);
  if (before) {
    by_citizen_.erase(*before);
    older_[n] = *before;
  }
  claims_[n] = c;
  counting_ = counting_ || e.counted;
  by_ref_.put(n);
  by_citizen_.put(n);
  return n;
}

std::int32_t registry_state::changes_standing(const citizen_hash& citizen) const {
  std::size_t made = 0;
  for (auto n = by_citizen_.find(citizen); n; n = older(*n)) {
    ++made;
    const auto it = changes_of_.find(*n);
    if (it != changes_of_.end())
      made += static_cast<std::size_t>(std::ranges::count_if(it->second, [&](std::uint32_t c) { return changes_[c].is_move; }));
  }
  return static_cast<std::int32_t>(made);
}

std::uint32_t registry_state::changes_made(const citizen_hash& citizen) const {
  const auto it = besides_.find(citizen);
  return static_cast<std::uint32_t>(std::max(0, changes_standing(citizen) + (it == besides_.end() ? 0 : it->second)));
}

void registry_state::count_besides(const citizen_hash& citizen, std::int32_t more) {
  const auto it = besides_.try_emplace(citizen, 0).first;
  it->second += more;
  if (it->second == 0)
    besides_.erase(it);
}

void registry_state::forgive(const citizen_hash& citizen) {
  counting_ = true;
  besides_.erase(citizen);
  if (const auto standing = changes_standing(citizen); standing != 0)
    besides_[citizen] = -standing;
}

void registry_state::release(std::uint32_t n) {
  auto& c = claims_[n];
  assert_always(c.state == claim_state::pending, "only an unconfirmed claim is released");
  by_ref_.erase(n);
  by_citizen_.erase(n);
  c.state = claim_state::released;
  free_.push_back(n);
  if (counting_)
    count_besides(c.citizen, 1);
  if (const auto it = older_.find(n); it != older_.end()) {
    by_citizen_.put(it->second);
    older_.erase(it);
  }
}

std::optional<std::uint32_t> registry_state::apply(const registry_event& event, sequence_t sequence) {
  assert_always(sequence >= applied_, "events are applied in the order of the log");
  applied_ = sequence;
  if (const auto* e = std::get_if<claimed>(&event))
    return add(*e);
  if (const auto* e = std::get_if<claims_confirmed>(&event)) {
    std::optional<std::uint32_t> last;
    for (const auto ref : e->refs) {
      last = must_find(ref);
      auto& c = claims_[*last];
      if (c.state == claim_state::pending)
        c.state = claim_state::confirmed;
    }
    return last;
  }
  if (const auto* e = std::get_if<claim_released>(&event)) {
    const auto n = must_find(e->ref);
    release(n);
    return n;
  }
  const auto intend = [&](std::uint32_t n, claim_state state, claim_change change) {
    assert_always(claims_[n].state == claim_state::confirmed, "only a confirmed claim is cancelled or moved");
    claims_[n].state = state;
    change.claim = n;
    changes_of_[n].push_back(static_cast<std::uint32_t>(changes_.size()));
    changes_.push_back(change);
    return n;
  };
  if (const auto* e = std::get_if<cancel_intended>(&event)) {
    claim_change change;
    change.key = e->key;
    return intend(must_find(e->ref), claim_state::cancelling, change);
  }
  if (const auto* e = std::get_if<cancel_done>(&event)) {
    const auto n = must_find(e->ref);
    claims_[n].state = claim_state::cancelled;
    if (auto* change = pending_change(n))
      change->done = true;
    return n;
  }
  if (const auto* e = std::get_if<move_intended>(&event)) {
    const auto n = must_find(e->ref);
    ++claims_[n].last_generation.value;
    claim_change change;
    change.key = e->key;
    change.body = e->body;
    change.to = e->to;
    change.window = e->window;
    change.generation = claims_[n].last_generation;
    change.is_move = true;
    return intend(n, claim_state::moving, change);
  }
  if (const auto* e = std::get_if<move_booked>(&event)) {
    const auto n = must_find(e->ref);
    claims_[n].state = claim_state::releasing;
    return n;
  }
  if (const auto* e = std::get_if<move_done>(&event)) {
    const auto n = must_find(e->ref);
    auto* change = pending_change(n);
    assert_always(change != nullptr && change->is_move, "a move that ends was begun");
    change->done = true;
    auto& c = claims_[n];
    c.state = claim_state::confirmed;
    c.group = change->to;
    c.window = change->window;
    c.generation = change->generation;
    return n;
  }
  if (const auto* e = std::get_if<cancel_joined>(&event)) {
    const auto n = must_find(e->ref);
    const auto s = claims_[n].state;
    assert_always(s == claim_state::moving || s == claim_state::releasing, "a cancel joins a move that is under way");
    claims_[n].state = claim_state::joined;
    return n;
  }
  if (const auto* e = std::get_if<joined_place_ended>(&event))
    return end_place(*e);
  if (const auto* e = std::get_if<changes_forgiven>(&event)) {
    forgive(e->citizen);
    return by_citizen_.find(e->citizen);
  }
  const auto n = must_find(std::get<move_refused>(event).ref);
  auto* change = pending_change(n);
  assert_always(change != nullptr && change->is_move, "a move that is refused was begun");
  change->done = true;
  change->refused = true;
  change->key = key_hash{};  // refusals are not remembered: asked again, decided again
  claims_[n].state = claim_state::confirmed;
  return n;
}

// The booking is cancelled when neither of its places is live.
std::uint32_t registry_state::end_place(const joined_place_ended& e) {
  const auto n = must_find(e.ref);
  auto& c = claims_[n];
  auto* change = pending_change(n);
  assert_always(c.state == claim_state::joined && change != nullptr, "a place ends of a move that a cancel has joined");
  (e.generation == change->generation ? change->new_ended : change->old_ended) = true;
  if (change->old_ended && change->new_ended) {
    change->done = true;
    change->refused = true;
    change->key = key_hash{};
    c.state = claim_state::cancelled;
  }
  return n;
}

std::string registry_state::snapshot() const {
  byte_writer out{counting_ ? counting_snapshot_version : registry_snapshot_version};
  out.put(applied_);
  out.put(claims_);
  out.put(free_);
  std::vector<std::uint32_t> pairs;
  for (const auto& [n, before] : older_) {
    pairs.push_back(n);
    pairs.push_back(before);
  }
  out.put(pairs);
  out.put(changes_);
  if (counting_) {
    std::vector<citizen_hash> citizens;
    std::vector<std::int32_t> numbers;
    citizens.reserve(besides_.size());
    numbers.reserve(besides_.size());
    for (const auto& [citizen, n] : besides_)
      citizens.push_back(citizen);
    std::ranges::sort(citizens);
    for (const auto& citizen : citizens)
      numbers.push_back(besides_.at(citizen));
    out.put(citizens);
    out.put(numbers);
  }
  return std::move(out).finish();
}

std::expected<std::unique_ptr<registry_state>, std::string> registry_state::restore(std::string_view bytes) {
  byte_reader in{bytes};
  if (!in.ok())
    return std::unexpected("the snapshot's checksum is wrong");
  if (in.version() != registry_snapshot_version && in.version() != counting_snapshot_version)
    return std::unexpected("the snapshot has version " + std::to_string(in.version()) + ", this program reads 1 and 2");
  auto state = std::make_unique<registry_state>();
  std::vector<std::uint32_t> pairs;
  in.get(state->applied_);
  in.get(state->claims_);
  in.get(state->free_);
  in.get(pairs);
  in.get(state->changes_);
  std::vector<citizen_hash> citizens;
  std::vector<std::int32_t> numbers;
  state->counting_ = in.version() == counting_snapshot_version;
  if (state->counting_) {
    in.get(citizens);
    in.get(numbers);
  }
  const auto count = state->claims_.size();
  const auto fits = [&](std::uint32_t n) { return n < count; };
  if (!in.finished() || pairs.size() % 2 != 0 || !std::ranges::all_of(pairs, fits) || !std::ranges::all_of(state->free_, fits) ||
      !std::ranges::all_of(
          state->changes_,
          [&](const claim_change& c) { return c.claim < count && is_bool(c.is_move) && is_bool(c.done) && is_bool(c.refused); }) ||
      !std::ranges::all_of(state->claims_, [](const claim& c) { return c.state <= claim_state::joined; }))
    return std::unexpected("the snapshot's parts do not fit together");
  for (auto& c : state->changes_)  // an earlier version left these bytes as they were
    if (state->claims_[c.claim].state != claim_state::joined)
      c.old_ended = c.new_ended = false;
    else if (!is_bool(c.old_ended) || !is_bool(c.new_ended))
      return std::unexpected("the snapshot's parts do not fit together");
  boost::unordered_flat_map<std::uint32_t, bool> superseded;
  for (std::size_t i = 0; i + 1 < pairs.size(); i += 2) {
    state->older_[pairs[i]] = pairs[i + 1];
    superseded[pairs[i + 1]] = true;
  }
  for (std::uint32_t i = 0; i < state->changes_.size(); ++i)
    state->changes_of_[state->changes_[i].claim].push_back(i);
  if (!state->consistent(superseded))
    return std::unexpected("the snapshot's claims contradict each other");
  state->by_ref_.rebuild(state->claims_, [](const claim& c) { return c.state != claim_state::released; });
  const auto* first = state->claims_.data();
  state->by_citizen_.rebuild(state->claims_, [&](const claim& c) {
    return c.state != claim_state::released && (superseded.empty() || !superseded.contains(static_cast<std::uint32_t>(&c - first)));
  });
  if (!state->restore_counts(citizens, numbers))
    return std::unexpected("the snapshot counts changes that nobody made");
  return state;
}

bool registry_state::restore_counts(const std::vector<citizen_hash>& citizens, const std::vector<std::int32_t>& numbers) {
  constexpr std::int32_t most = 1 << 30;  // of one citizen: more than there is time for
  if (citizens.size() != numbers.size())
    return false;
  for (std::size_t i = 0; i < citizens.size(); ++i) {
    if (numbers[i] == 0 || numbers[i] > most || numbers[i] < -changes_standing(citizens[i]) ||
        !besides_.try_emplace(citizens[i], numbers[i]).second)
      return false;
  }
  return true;
}

// What apply() takes for granted and a damaged snapshot might not hold: free claims are released ones, a citizen's older
// claims are cancelled and form chains without rings, and a claim under way has the change that it is under way with.
bool registry_state::consistent(const boost::unordered_flat_map<std::uint32_t, bool>& superseded) const {
  std::size_t released = 0;
  for (std::uint32_t n = 0; n < claims_.size(); ++n) {
    const auto& c = claims_[n];
    released += c.state == claim_state::released ? 1 : 0;
    const auto* change = change_under_way(n);
    const bool moves = c.state == claim_state::moving || c.state == claim_state::releasing || c.state == claim_state::joined;
    const bool changes = moves || c.state == claim_state::cancelling;
    if (changes != (change != nullptr) || (changes && change->is_move != moves))
      return false;
  }
  std::vector<std::uint32_t> free = free_;
  std::ranges::sort(free);
  if (std::ranges::adjacent_find(free) != free.end() || free.size() != released ||
      !std::ranges::all_of(free, [&](std::uint32_t n) { return claims_[n].state == claim_state::released; }))
    return false;
  if (superseded.size() != older_.size())  // two claims name the same one as older
    return false;
  for (const auto& [n, before] : older_) {
    if (n == before || claims_[before].state != claim_state::cancelled || claims_[n].state == claim_state::released ||
        claims_[n].citizen != claims_[before].citizen)
      return false;
  }
  std::size_t reached = 0;  // a ring has no first claim to reach it from
  for (const auto& [n, before] : older_)
    if (!superseded.contains(n))
      for (auto at = older(n); at; at = older(*at))
        ++reached;
  return reached == older_.size();
}

std::uint64_t registry_state::hash() const {
  std::uint64_t sum = 0;
  for (const auto& c : claims_) {
    if (c.state == claim_state::released)
      continue;
    const std::uint64_t parts[] = {c.citizen.low(), c.ref.value, c.key.value,
                                   std::uint64_t{c.group.value} << 32 | std::uint64_t{c.generation.value} << 16 |
                                       std::uint64_t{c.window.value} << 8 | static_cast<std::uint64_t>(c.state)};
    sum += XXH3_64bits(parts, sizeof parts);
  }
  for (const auto& [citizen, n] : besides_) {
    const std::uint64_t parts[] = {citizen.low(), static_cast<std::uint64_t>(n)};
    sum += XXH3_64bits(parts, sizeof parts);
  }
  return sum;
}

}  // namespace janji
