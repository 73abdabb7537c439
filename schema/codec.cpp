#include "schema/codec.hpp"

#include <capnp/message.h>
#include <capnp/serialize.h>
#include <kj/io.h>

#include <cstring>
#include <optional>

#include "booking/assert.hpp"
#include "booking/booking_end.hpp"
#include "schema/words.hpp"
#include "wire/log.capnp.h"

namespace janji::schema {

namespace {

void set_citizen(auto& to, const citizen_hash& c) {
  std::uint64_t high = 0;
  std::memcpy(&high, c.bytes.data() + sizeof high, sizeof high);
  to.setCitizenLow(c.low());
  to.setCitizenHigh(high);
}

void put(wire::Event::Builder out, const booked& e) {
  auto b = out.initBooked();
  b.setWindow(e.window.value);
  b.setMovedIn(e.moved_in);
  b.setBody(e.body.value);
  b.setAtMs(e.at.value);
  b.setStampEpoch(e.stamp.tenure.epoch.value);
  b.setStampBoot(e.stamp.tenure.boot);
  b.setStampCount(e.stamp.count);
  assert_always(!e.people.empty() && e.people.size() <= limits::party_people_max, "a booking is of one to four people");
  auto people = b.initPeople(static_cast<unsigned>(e.people.size()));
  for (unsigned i = 0; i < people.size(); ++i) {
    auto p = people[i];
    const auto& from = e.people[i];
    assert_always(from.sealed.size() <= limits::sealed_record_bytes_max, "a sealed record is within its limit");
    assert_always(from.facts.state < state_count && from.facts.age_band < age_band_count, "facts are as in the population table");
    assert_always(from.sealed.empty() || !from.record, "a sealed record is in this entry or in an older one");
    set_citizen(p, from.citizen);
    p.setRef(from.ref.value);
    p.setKey(from.key.value);
    p.setGeneration(from.generation.value);
    p.setState(from.facts.state);
    p.setAgeBand(from.facts.age_band);
    if (!from.sealed.empty())
      p.setSealed(capnp::Data::Reader(reinterpret_cast<const kj::byte*>(from.sealed.data()), from.sealed.size()));
    if (from.record) {
      auto r = p.initRecord();
      r.setShard(from.record->shard.value);
      r.setIndex(from.record->index);
      r.setSequence(from.record->sequence.value);
    }
  }
}
void put(wire::Event::Builder out, const declined& e) {
  auto d = out.initDeclined();
  d.setAtMs(e.at.value);
  auto places = d.initPlaces(static_cast<unsigned>(e.refs.size()));
  for (unsigned i = 0; i < places.size(); ++i) {
    places[i].setRef(e.refs[i].first.value);
    places[i].setGeneration(e.refs[i].second.value);
  }
}
void put_place(wire::Place::Builder p, const auto& e) {
  p.setRef(e.ref.value);
  p.setGeneration(e.generation.value);
  p.setAtMs(e.at.value);
}
void put(wire::Event::Builder out, const place_cancelled& e) { put_place(out.initPlaceCancelled(), e); }
void put(wire::Event::Builder out, const place_released& e) { put_place(out.initPlaceReleased(), e); }
void put(wire::Event::Builder out, const moved_within& e) {
  auto m = out.initMovedWithin();
  m.setRef(e.ref.value);
  m.setGeneration(e.generation.value);
  m.setNext(e.next.value);
  m.setTo(e.to.value);
  m.setAtMs(e.at.value);
}
void put(wire::Event::Builder out, const capacity_changed& e) {
  auto c = out.initCapacityChanged();
  c.setWindow(e.window.value);
  c.setCapacity(e.capacity);
  c.setBy(whole(e.by));
  c.setReason(whole(e.reason));
  c.setAtMs(e.at.value);
}
void put(wire::Event::Builder out, const claimed& e) {
  auto c = out.initClaimed();
  set_citizen(c, e.citizen);
  c.setRef(e.ref.value);
  c.setKey(e.key.value);
  c.setBody(e.body.value);
  c.setGroup(e.group.value);
  c.setWindow(e.window.value);
  c.setAtMs(e.at.value);
  c.setCounted(e.counted);
}
void put(wire::Event::Builder out, const changes_forgiven& e) {
  auto c = out.initChangesForgiven();
  set_citizen(c, e.citizen);
  c.setBy(whole(e.by));
  c.setReason(whole(e.reason));
  c.setAtMs(e.at.value);
}
void put(wire::Event::Builder out, const claims_confirmed& e) {
  auto list = out.initClaimsConfirmed(static_cast<unsigned>(e.refs.size()));
  for (unsigned i = 0; i < list.size(); ++i)
    list.set(i, e.refs[i].value);
}
void put(wire::Event::Builder out, const claim_released& e) { out.setClaimReleased(e.ref.value); }
void put_cancellation(auto out, const auto& e) {
  out.setRef(e.ref.value);
  out.setKey(e.key.value);
  out.setBy(whole(e.by));
  out.setReason(whole(e.reason));
  out.setAtMs(e.at.value);
}
void put(wire::Event::Builder out, const cancel_intended& e) { put_cancellation(out.initCancelIntended(), e); }
void put(wire::Event::Builder out, const cancel_done& e) {
  auto c = out.initCancelDone();
  c.setRef(e.ref.value);
  c.setAtMs(e.at.value);
}
void put(wire::Event::Builder out, const move_intended& e) {
  auto m = out.initMoveIntended();
  m.setRef(e.ref.value);
  m.setKey(e.key.value);
  m.setBody(e.body.value);
  m.setTo(e.to.value);
  m.setWindow(e.window.value);
  m.setAtMs(e.at.value);
}
void put(wire::Event::Builder out, const move_booked& e) { out.setMoveBooked(e.ref.value); }
void put(wire::Event::Builder out, const move_done& e) {
  auto m = out.initMoveDone();
  m.setRef(e.ref.value);
  m.setAtMs(e.at.value);
}
void put(wire::Event::Builder out, const move_refused& e) { out.setMoveRefused(e.ref.value); }
void put(wire::Event::Builder out, const cancel_joined& e) { put_cancellation(out.initCancelJoined(), e); }
void put(wire::Event::Builder out, const joined_place_ended& e) {
  auto p = out.initJoinedPlaceEnded();
  p.setRef(e.ref.value);
  p.setGeneration(e.generation.value);
  p.setAtMs(e.at.value);
}

// How it is said until when windows can be booked: nearly always in one number, because a round of the largest size has no room for more.
struct said_ends {
  std::optional<std::int64_t> before_ms;
  std::size_t listed = 0;
};
said_ends ends_in(const auto& holder) {
  std::size_t windows = 0;
  bool same = true;  // of all
  std::optional<unix_ms> first;
  std::optional<std::int64_t> before;
  bool before_all = true;
  for (const auto& g : holder.groups)
    for (const auto& w : g.windows) {
      ++windows;
      first = first.value_or(w.book_until);
      same = same && w.book_until == *first;
      const bool none = w.book_until == never_over || w.book_until == unix_ms{};
      const auto distance = none ? 0 : opening_of(g.date, w, std::chrono::minutes{0}).value - w.book_until.value;
      before = before.value_or(distance);
      before_all = before_all && !none && distance == *before;
    }
  if (windows == 0 || (same && *first == unix_ms{}))
    return {};
  return before_all ? said_ends{before, 0} : said_ends{std::nullopt, same ? 1 : windows};
}

// Of a round, or of one part of it.
template <class Builder, class Holder>
void put_places(Builder out, const Holder& from) {
  auto centres = out.initCentres(static_cast<unsigned>(from.centres.size()));
  for (unsigned i = 0; i < centres.size(); ++i) {
    const auto& c = from.centres[i];
    centres[i].setCode(whole(c.code));
    centres[i].setName(whole(c.name));
    centres[i].setState(whole(c.state));
    centres[i].setDistrict(whole(c.district));
    centres[i].setLatitude(c.latitude);
    centres[i].setLongitude(c.longitude);
  }
  auto groups = out.initGroups(static_cast<unsigned>(from.groups.size()));
  for (unsigned i = 0; i < groups.size(); ++i) {
    const auto& g = from.groups[i];
    groups[i].setId(g.id.value);
    groups[i].setCentre(g.centre);
    groups[i].setDay(static_cast<std::int32_t>(std::chrono::sys_days{g.date}.time_since_epoch().count()));
    auto windows = groups[i].initWindows(static_cast<unsigned>(g.windows.size()));
    for (unsigned w = 0; w < windows.size(); ++w) {
      windows[w].setOpensMinute(g.windows[w].opens_minute);
      windows[w].setClosesMinute(g.windows[w].closes_minute);
      windows[w].setCapacity(g.windows[w].capacity);
    }
  }
  const auto ends = ends_in(from);
  out.setSaysEnds(ends.before_ms.has_value());
  out.setEndsBeforeMs(ends.before_ms.value_or(0));
  if (ends.listed == 0)
    return;
  auto list = out.initBookUntilMs(static_cast<unsigned>(ends.listed));
  unsigned n = 0;
  for (const auto& g : from.groups)
    for (const auto& w : g.windows)
      if (n < ends.listed)
        list.set(n++, w.book_until.value);
}
void put(wire::Event::Builder out, const round_imported& e) {
  auto r = out.initRoundImported();
  const auto& d = e.definition;
  r.setId(d.id.value);
  r.setCode(whole(d.code));
  r.setName(whole(d.name));
  r.setTimeZone(whole(d.time_zone));
  r.setOpensAtMs(d.opens_at.value);
  r.setClosesAtMs(d.closes_at.value);
  r.setAgeMin(d.rules.age_min);
  r.setAgeMax(d.rules.age_max);
  r.setPartyMax(d.rules.party_max);
  r.setChangesMax(d.rules.changes_max);
  r.setCitizens(d.rules.citizens);
  put_places(r, d);
  r.setBy(whole(e.by));
  r.setAtMs(e.at.value);
  r.setParts(e.parts);
}
void put(wire::Event::Builder out, const round_part& e) {
  auto p = out.initRoundPart();
  p.setAtMs(e.at.value);
  p.setIndex(e.index);
  put_places(p, e);
}
void put(wire::Event::Builder out, const round_state_changed& e) {
  auto r = out.initRoundStateChanged();
  r.setRound(e.round.value);
  r.setState(static_cast<std::uint8_t>(e.state));
  r.setReason(whole(e.reason));
  r.setBy(whole(e.by));
  r.setAtMs(e.at.value);
  r.setOrder(static_cast<std::uint8_t>(e.order));
}
void put(wire::Event::Builder out, const operator_noted& e) {
  auto n = out.initOperatorNoted();
  n.setWhat(whole(e.what));
  n.setDetail(whole(e.detail));
  n.setBy(whole(e.by));
  n.setAtMs(e.at.value);
}
void put(wire::Event::Builder out, const admission_set& e) {
  auto a = out.initAdmissionSet();
  a.setPosition(e.state.position.value);
  auto rounds = a.initRounds(static_cast<unsigned>(e.state.rounds.size()));
  for (unsigned i = 0; i < rounds.size(); ++i) {
    const auto& from = e.state.rounds[i];
    rounds[i].setRound(from.round.value);
    rounds[i].setState(static_cast<std::uint8_t>(from.state));
    rounds[i].setOpensAtMs(from.opens_at.value);
    rounds[i].setClosesAtMs(from.closes_at.value);
  }
}

}  // namespace

std::string encode_batch(std::span<const owned_event> events) {
  // One reused first segment a thread: most batches need no other.
  constexpr std::size_t scratch_words = 16 * 1024;
  thread_local std::vector<capnp::word> scratch(scratch_words);
  capnp::MallocMessageBuilder message(kj::arrayPtr(scratch.data(), scratch.size()));
  auto list = message.initRoot<wire::Batch>().initEvents(static_cast<unsigned>(events.size()));
  for (unsigned i = 0; i < list.size(); ++i) {
    auto out = list[i];
    out.setGroup(events[i].who.kind == owner_kind::group ? events[i].who.group.value : 0);
    std::visit([&](const auto& kind) { std::visit([&](const auto& e) { put(out, e); }, kind); }, events[i].event);
  }
  std::string bytes(capnp::computeSerializedSizeInWords(message) * sizeof(capnp::word), '\0');
  kj::ArrayOutputStream out(kj::arrayPtr(reinterpret_cast<kj::byte*>(bytes.data()), bytes.size()));
  capnp::writeMessage(out, message);
  return bytes;
}

namespace {

constexpr std::size_t event_bytes_fixed = 512;  // the event's own struct, those in it, and the batch's share
constexpr std::size_t person_bytes_fixed = 128;
constexpr std::size_t reference_bytes = 16;

// With the zero after a text and what is left of a word.
std::size_t text_bytes(const std::string& text) { return text.size() + 2 * sizeof(capnp::word); }
template <class... Text>
std::size_t texts_bytes(const Text&... texts) {
  return (text_bytes(texts) + ...);
}

std::size_t bound_of(const booked& e) {
  std::size_t bytes = 0;
  for (const auto& p : e.people)
    bytes += person_bytes_fixed + text_bytes(p.sealed);
  return bytes;
}
std::size_t bound_of(const declined& e) { return e.refs.size() * reference_bytes; }
std::size_t bound_of(const claims_confirmed& e) { return e.refs.size() * reference_bytes; }
std::size_t bound_of(const capacity_changed& e) { return texts_bytes(e.by, e.reason); }
std::size_t bound_of(const cancel_intended& e) { return texts_bytes(e.by, e.reason); }
std::size_t bound_of(const cancel_joined& e) { return texts_bytes(e.by, e.reason); }
std::size_t bound_of(const changes_forgiven& e) { return texts_bytes(e.by, e.reason); }
std::size_t bound_of(const round_state_changed& e) { return texts_bytes(e.by, e.reason); }
std::size_t bound_of(const operator_noted& e) { return texts_bytes(e.what, e.detail, e.by); }
template <class Holder>
std::size_t bound_of_places(const Holder& from) {
  constexpr std::size_t centre_bytes_fixed = 64, group_bytes_fixed = 40, window_bytes = 8;
  std::size_t bytes = 0;
  for (const auto& c : from.centres)
    bytes += centre_bytes_fixed + texts_bytes(c.code, c.name, c.state, c.district);
  for (const auto& g : from.groups)
    bytes += group_bytes_fixed + window_bytes * g.windows.size();
  return bytes + sizeof(capnp::word) + sizeof(std::int64_t) * ends_in(from).listed;
}
std::size_t bound_of(const round_imported& e) {
  const auto& d = e.definition;
  return texts_bytes(d.code, d.name, d.time_zone, e.by) + bound_of_places(d);
}
std::size_t bound_of(const round_part& e) { return bound_of_places(e); }
std::size_t bound_of(const admission_set& e) {
  constexpr std::size_t round_bytes = 24;
  return e.state.rounds.size() * round_bytes;
}
template <class Small>
std::size_t bound_of(const Small&) {
  static_assert(!requires(const Small& e) { e.by; } && !requires(const Small& e) { e.reason; }, "texts have no length of their own");
  return 0;
}

}  // namespace

std::size_t bytes_bound(const any_event& event) {
  return std::visit([](const auto& kind) { return std::visit([](const auto& e) { return event_bytes_fixed + bound_of(e); }, kind); },
                    event);
}

std::uint16_t count_records(const any_event& event) {
  const auto* group = std::get_if<group_event>(&event);
  const auto* b = group != nullptr ? std::get_if<booked>(group) : nullptr;
  std::uint16_t n = 0;
  if (b != nullptr)
    for (const auto& p : b->people)
      n = static_cast<std::uint16_t>(n + (p.record ? 0 : 1));
  return n;
}

}  // namespace janji::schema
