#include "booking/group_state.hpp"

#include <algorithm>
#include <memory>

#include "booking/assert.hpp"
#include "booking/bytes.hpp"

namespace janji {

namespace {
constexpr std::uint32_t group_snapshot_version = 1;
constexpr unsigned state_bits = 5;
// A window as snapshots have it. Until when it can be booked is the round's to say.
struct stored_window {
  std::uint16_t opens_minute = 0;
  std::uint16_t closes_minute = 0;
  std::uint32_t capacity = 0;
};
std::uint8_t pack(citizen_facts f) { return static_cast<std::uint8_t>((f.state & ((1U << state_bits) - 1)) | f.age_band << state_bits); }
}  // namespace

group_state::group_state(std::vector<window_definition> windows)
    : definitions_(std::move(windows)),
      facts_(std::size_t{state_count} * age_band_count),
      by_citizen_(entries_),
      by_key_(entries_),
      by_place_(entries_) {
  assert_always(!definitions_.empty() && definitions_.size() <= limits::windows_per_group_max, "a slot group has 1 to 64 windows");
  for (const auto& w : definitions_)
    counts_.push_back({w.capacity, 0, 0, 0, 0});
}

std::uint64_t group_state::apply(const group_event& event, sequence_t sequence, std::uint16_t first_record, const planted_faults& faults) {
  assert_always(sequence >= applied_, "events are applied in the order of the log");
  applied_ = sequence;
  if (const auto* e = std::get_if<booked>(&event))
    return add(*e, sequence, first_record);
  if (const auto* e = std::get_if<declined>(&event)) {
    for (const auto& [ref, generation] : e->refs)
      declined_.insert(place_id(ref, generation));
    return 0;
  }
  if (const auto* e = std::get_if<place_cancelled>(&event))
    return give_up(e->ref, e->generation, place_status::cancelled, faults);
  if (const auto* e = std::get_if<place_released>(&event))
    return give_up(e->ref, e->generation, place_status::moved, faults);
  if (const auto* e = std::get_if<moved_within>(&event))
    return move(*e);
  return set_capacity(std::get<capacity_changed>(event));
}

std::uint64_t group_state::add(const booked& event, sequence_t sequence, std::uint16_t first_record) {
  assert_always(event.window.value < counts_.size(), "a booking names a window of its group");
  assert_always(!event.people.empty() && event.people.size() <= limits::party_people_max, "a booking is of one to four people");
  std::uint8_t place = 0;
  std::uint16_t record = first_record;
  for (const auto& p : event.people) {
    assert_always(!is_declined(p.ref, p.generation), "a declined reference is never booked");
    group_entry e;
    e.citizen = p.citizen.low();
    e.ref = p.ref;
    e.key = p.key;
    e.body = event.body;
    e.at_s = static_cast<std::uint32_t>(event.at.value / 1000);
    e.sequence_low = static_cast<std::uint32_t>(sequence.value);
    e.sequence_high = static_cast<std::uint16_t>(sequence.value >> 32);
    e.record = p.sealed.empty() && p.record ? 0 : record++;
    e.generation = p.generation;
    e.window = event.window;
    e.facts = pack(p.facts);
    e.party = static_cast<std::uint8_t>(place++ | event.people.size() << 4);
    e.moved_in = event.moved_in;
    const auto number = static_cast<std::uint32_t>(entries_.size());
    if (p.record)
      foreign_records_.emplace_back(number, *p.record);
    grow_by_quarter(entries_);
    entries_.push_back(e);
    by_citizen_.put(number);
    by_key_.put_first(number);
    by_place_.put(number);
    count_facts(e, 1);
  }
  auto& c = counts_[event.window.value];
  c.booked += static_cast<std::uint32_t>(event.people.size());
  check_room(event.window);
  return std::uint64_t{1} << event.window.value;
}

// I1. What an operator's order left over capacity is allowed for, and only shrinks.
void group_state::check_room(window_index w) {
  const auto& c = counts_[w.value];
  assert_always(c.booked <= c.capacity, "I1: never more bookings in a window than places");
}

std::uint64_t group_state::give_up(reference ref, generation_t generation, place_status why, const planted_faults& faults) {
  const auto n = by_place_.find(place_id(ref, generation));
  assert_always(n.has_value(), "only a booking that is here is cancelled or released");
  auto& e = entries_[*n];
  if (!e.live())
    return 0;
  e.status = why;
  auto& c = counts_[e.window.value];
  if (!(faults.keep_place_on_cancel && why == place_status::cancelled))
    --c.booked;
  ++(why == place_status::cancelled ? c.cancelled : c.moved_out);
  c.over_by_order = c.booked > c.capacity ? c.booked - c.capacity : 0;
  count_facts(e, -1);
  return std::uint64_t{1} << e.window.value;
}

std::uint64_t group_state::move(const moved_within& event) {
  const auto n = by_place_.find(place_id(event.ref, event.generation));
  assert_always(n.has_value() && entries_[*n].live(), "only a live booking moves within its group");
  auto& e = entries_[*n];
  const auto from = e.window;
  --counts_[from.value].booked;
  ++counts_[event.to.value].booked;
  counts_[from.value].over_by_order =
      counts_[from.value].booked > counts_[from.value].capacity ? counts_[from.value].booked - counts_[from.value].capacity : 0;
  by_place_.erase(*n);
  declined_.insert(place_id(event.ref, event.generation));  // spent: a late offer of it must not book again
  e.window = event.to;
  e.generation = event.next;
  by_place_.put(*n);
  check_room(event.to);
  return std::uint64_t{1} << from.value | std::uint64_t{1} << event.to.value;
}

std::uint64_t group_state::set_capacity(const capacity_changed& event) {
  assert_always(event.window.value < counts_.size(), "a capacity names a window of its group");
  auto& c = counts_[event.window.value];
  c.capacity = event.capacity;
  c.over_by_order = c.booked > c.capacity ? c.booked - c.capacity : 0;
  return std::uint64_t{1} << event.window.value;
}

void group_state::count_facts(const group_entry& e, int by) {
  const std::size_t state = e.facts & ((1U << state_bits) - 1);
  const std::size_t band = e.facts >> state_bits;
  if (state < state_count && band < age_band_count)
    facts_[state * age_band_count + band] += static_cast<std::uint32_t>(by);
}

std::pair<const group_entry*, const group_entry*> group_state::party_of(const group_entry& entry) const {
  const auto* first = &entry - entry.party_place();
  return {first, first + entry.party_size()};
}

std::optional<record_locator> group_state::foreign_record(const group_entry& entry) const {
  const auto number = static_cast<std::uint32_t>(&entry - entries_.data());
  const auto it = std::ranges::lower_bound(foreign_records_, number, {}, &std::pair<std::uint32_t, record_locator>::first);
  if (it == foreign_records_.end() || it->first != number)
    return std::nullopt;
  return it->second;
}

std::string group_state::snapshot() const {
  byte_writer out{group_snapshot_version};
  out.put(applied_);
  std::vector<stored_window> windows;
  windows.reserve(definitions_.size());
  for (const auto& w : definitions_)
    windows.push_back({w.opens_minute, w.closes_minute, w.capacity});
  out.put(windows);
  out.put(counts_);
  out.put(facts_);
  out.put(entries_);
  std::vector<std::uint64_t> declined(declined_.begin(), declined_.end());
  std::ranges::sort(declined);
  out.put(declined);
  std::vector<std::uint32_t> numbers;
  std::vector<record_locator> records;
  for (const auto& [n, r] : foreign_records_) {
    numbers.push_back(n);
    records.push_back(r);
  }
  out.put(numbers);
  out.put(records);
  return std::move(out).finish();
}

std::expected<std::unique_ptr<group_state>, std::string> group_state::restore(std::string_view bytes) {
  byte_reader in{bytes};
  if (!in.ok())
    return std::unexpected("the snapshot's checksum is wrong");
  if (in.version() != group_snapshot_version)
    return std::unexpected("the snapshot has version " + std::to_string(in.version()) + ", this program reads 1");
  sequence_t applied;
  std::vector<stored_window> windows;
  in.get(applied);
  if (!in.get(windows) || windows.empty() || windows.size() > limits::windows_per_group_max)
    return std::unexpected("the snapshot's windows make no sense");
  std::vector<window_definition> definitions;
  definitions.reserve(windows.size());
  for (const auto& w : windows)
    definitions.push_back({w.opens_minute, w.closes_minute, w.capacity});
  auto state = std::make_unique<group_state>(std::move(definitions));
  std::vector<std::uint64_t> declined;
  std::vector<std::uint32_t> numbers;
  std::vector<record_locator> records;
  in.get(state->counts_);
  in.get(state->facts_);
  in.get(state->entries_);
  in.get(declined);
  in.get(numbers);
  in.get(records);
  if (!in.finished() || state->counts_.size() != state->definitions_.size() || numbers.size() != records.size() ||
      state->facts_.size() != std::size_t{state_count} * age_band_count)
    return std::unexpected("the snapshot's parts do not fit together");
  for (std::size_t i = 0; i < state->entries_.size(); ++i) {
    const auto& e = state->entries_[i];
    if (e.window.value >= state->counts_.size() || e.status > place_status::moved || !is_bool(e.moved_in) || e.party_place() > i ||
        e.party_place() >= e.party_size() || i - e.party_place() + e.party_size() > state->entries_.size())
      return std::unexpected("an entry of the snapshot makes no sense");
  }
  if (!std::ranges::is_sorted(numbers) || (!numbers.empty() && numbers.back() >= state->entries_.size()))
    return std::unexpected("the snapshot's records make no sense");
  state->applied_ = applied;
  state->declined_.insert(declined.begin(), declined.end());
  for (std::size_t i = 0; i < numbers.size(); ++i)
    state->foreign_records_.emplace_back(numbers[i], records[i]);
  const auto all = [](const group_entry&) { return true; };
  state->by_citizen_.rebuild(state->entries_, all);
  state->by_key_.rebuild_first(state->entries_);
  state->by_place_.rebuild(state->entries_, all);
  return state;
}

// The order of entries is the order of the log, so it is part of the state; positions in the log are not compared.
std::uint64_t group_state::hash() const {
  std::uint64_t h = XXH3_64bits(counts_.data(), counts_.size() * sizeof(window_counts));
  for (const auto& e : entries_) {
    const std::uint64_t parts[] = {
        e.citizen, place_id(e.ref, e.generation), e.key.value,
        std::uint64_t{e.body.value} << 32 | std::uint64_t{e.window.value} << 8 | static_cast<std::uint64_t>(e.status)};
    h = XXH3_64bits_withSeed(parts, sizeof parts, h);
  }
  std::uint64_t d = 0;
  for (const auto v : declined_)
    d += spread(v);
  return h ^ d;
}

bool group_state::counters_agree() const {
  std::vector<window_counts> recount(counts_.size());
  for (const auto& e : entries_) {
    auto& c = recount[e.window.value];
    ++(e.live() ? c.booked : e.status == place_status::cancelled ? c.cancelled : c.moved_out);
  }
  for (std::size_t w = 0; w < counts_.size(); ++w)
    if (recount[w].booked != counts_[w].booked || recount[w].cancelled != counts_[w].cancelled ||
        recount[w].moved_out != counts_[w].moved_out)
      return false;
  return true;
}

}  // namespace janji
