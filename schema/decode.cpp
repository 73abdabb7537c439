#include <capnp/message.h>
#include <capnp/serialize.h>
#include <kj/exception.h>

#include <algorithm>
#include <cstring>

#include "booking/booking_end.hpp"
#include "schema/codec.hpp"
#include "schema/message.hpp"
#include "wire/log.capnp.h"

namespace janji::schema {

namespace {

std::string text(capnp::Text::Reader t) { return {t.begin(), t.size()}; }
// What a calendar of people can mean, and what std::chrono converts without overflow: the years 1970 to 9999.
std::chrono::year_month_day date_of(std::int32_t day) {
  require(day >= 0 && day <= 2'932'896, "a day is out of range");
  return std::chrono::sys_days{std::chrono::days{day}};
}

group_event get_booked(wire::Booked::Reader b) {
  const auto people = b.getPeople();
  booked e{window_of(b.getWindow()),
           body_hash{b.getBody()},
           b.getMovedIn(),
           unix_ms{b.getAtMs()},
           {},
           {{epoch_t{b.getStampEpoch()}, b.getStampBoot()}, b.getStampCount()}};
  require(people.size() >= 1 && people.size() <= limits::party_people_max, "a booking is of one to four people");
  e.people.reserve(people.size());
  for (const auto p : people) {
    booked_person to{citizen_of(p),        reference{p.getRef()},          generation_t{p.getGeneration()},
                     key_hash{p.getKey()}, {p.getState(), p.getAgeBand()}, {},
                     std::nullopt};
    const auto sealed = p.getSealed();
    require(sealed.size() <= limits::sealed_record_bytes_max, "a sealed record is too large");
    require(p.getState() < state_count && p.getAgeBand() < age_band_count, "a person's state or age band is none that there is");
    require(sealed.size() == 0 || !p.hasRecord(), "a sealed record is both here and elsewhere");
    to.sealed.assign(reinterpret_cast<const char*>(sealed.begin()), sealed.size());
    if (p.hasRecord()) {
      const auto r = p.getRecord();
      require(r.getShard() < limits::shards_max, "a sealed record is said to lie in a shard that there cannot be");
      to.record = record_locator{shard_id{r.getShard()}, sequence_t{r.getSequence()}, r.getIndex()};
    }
    e.people.push_back(std::move(to));
  }
  return e;
}

group_event get_declined(wire::Declined::Reader d) {
  declined e{{}, unix_ms{d.getAtMs()}};
  const auto places = d.getPlaces();
  require(places.size() <= limits::group_appends_max, "an event declines more references than there can be");
  for (const auto p : places)
    e.refs.emplace_back(reference{p.getRef()}, generation_t{p.getGeneration()});
  return e;
}

template <class Event>
Event get_place(wire::Place::Reader p) {
  return {reference{p.getRef()}, generation_t{p.getGeneration()}, unix_ms{p.getAtMs()}};
}

template <class Reader, class Holder>
void get_ends(Reader from, Holder& to) {
  const auto before_ms = from.getEndsBeforeMs();
  const auto ends = from.getBookUntilMs();
  constexpr std::int64_t most = std::int64_t{1} << 48U;  // thousands of years: no sum with a day's moment overflows
  require(before_ms > -most && before_ms < most, "windows end at a time that there cannot be");
  unsigned n = 0;
  for (auto& g : to.groups)
    for (auto& w : g.windows) {
      if (from.getSaysEnds())
        w.book_until = unix_ms{opening_of(g.date, w, std::chrono::minutes{0}).value - before_ms};
      else if (ends.size() == 1)
        w.book_until = unix_ms{ends[0]};
      else if (n < ends.size())
        w.book_until = unix_ms{ends[n]};
      ++n;
    }
  require(ends.size() <= 1 || ends.size() == n, "not every window says until when it can be booked");
}

// Of a round, or of one part of it.
template <class Reader, class Holder>
void get_places(Reader from, Holder& to) {
  const auto centres = from.getCentres();
  const auto groups = from.getGroups();
  require(centres.size() <= limits::round_centres_max && groups.size() <= limits::round_groups_max,
          "a round has more centres or slot groups than there can be");
  for (const auto c : centres)
    to.centres.push_back(
        {text(c.getCode()), text(c.getName()), text(c.getState()), text(c.getDistrict()), c.getLatitude(), c.getLongitude()});
  for (const auto g : groups) {
    group_definition group{group_id{g.getId()}, g.getCentre(), date_of(g.getDay()), {}};
    const auto windows = g.getWindows();
    require(windows.size() >= 1 && windows.size() <= limits::windows_per_group_max, "a slot group has 1 to 64 windows");
    for (const auto w : windows)
      group.windows.push_back({w.getOpensMinute(), w.getClosesMinute(), w.getCapacity()});
    to.groups.push_back(std::move(group));
  }
  get_ends(from, to);
}

round_event get_round(wire::RoundImported::Reader r) {
  round_imported e;
  auto& d = e.definition;
  d.id = round_id{r.getId()};
  d.code = text(r.getCode());
  d.name = text(r.getName());
  d.time_zone = text(r.getTimeZone());
  d.opens_at = unix_ms{r.getOpensAtMs()};
  d.closes_at = unix_ms{r.getClosesAtMs()};
  d.rules = {r.getAgeMin(), r.getAgeMax(), r.getPartyMax()};
  if (r.getChangesMax() != 0)
    d.rules.changes_max = r.getChangesMax();
  d.rules.citizens = r.getCitizens();
  get_places(r, d);
  require(std::ranges::all_of(d.groups, [&](const auto& g) { return g.centre < d.centres.size(); }),
          "a slot group names a centre that is not there");
  e.parts = r.getParts();
  require(e.parts == 0 || (d.centres.empty() && d.groups.empty()), "a round whose centres and groups stand in parts has none itself");
  e.by = text(r.getBy());
  e.at = unix_ms{r.getAtMs()};
  return e;
}

round_event get_part(wire::RoundPart::Reader p) {
  round_part e{unix_ms{p.getAtMs()}, p.getIndex(), {}, {}};
  get_places(p, e);
  return e;
}

round_event get_state(wire::RoundStateChanged::Reader r) {
  require(r.getState() <= static_cast<std::uint8_t>(round_state::erased), "a round has no such state");
  require(r.getOrder() <= static_cast<std::uint8_t>(round_order::erase), "there is no such order about a round");
  return round_state_changed{round_id{r.getRound()}, static_cast<round_state>(r.getState()), text(r.getReason()), text(r.getBy()),
                             unix_ms{r.getAtMs()},   static_cast<round_order>(r.getOrder())};
}

admission_event get_admission(wire::AdmissionSet::Reader a) {
  admission_set e{{sequence_t{a.getPosition()}, {}}};
  auto& rounds = e.state.rounds;
  rounds.reserve(a.getRounds().size());
  for (const auto r : a.getRounds()) {
    require(r.getState() <= static_cast<std::uint8_t>(round_state::erased), "a round has no such state");
    require(rounds.empty() || rounds.back().round.value < r.getRound(), "rounds stand by number, each once");
    rounds.push_back(
        {round_id{r.getRound()}, static_cast<round_state>(r.getState()), unix_ms{r.getOpensAtMs()}, unix_ms{r.getClosesAtMs()}});
  }
  return e;
}

registry_event get_claimed(wire::Claimed::Reader c) {
  return claimed{citizen_of(c),          reference{c.getRef()},    key_hash{c.getKey()}, body_hash{c.getBody()},
                 group_id{c.getGroup()}, window_of(c.getWindow()), unix_ms{c.getAtMs()}, c.getCounted()};
}

registry_event get_confirmed(capnp::List<std::uint64_t>::Reader refs) {
  require(refs.size() <= limits::registry_appends_max * limits::party_people_max, "an event confirms more claims than there can be");
  claims_confirmed e;
  for (const auto ref : refs)
    e.refs.emplace_back(ref);
  return e;
}

owned_event get(wire::Event::Reader from) {
  const auto group = owner::of(group_id{from.getGroup()});
  const auto registry = owner::of_registry();
  using wire_event = wire::Event;
  switch (from.which()) {
    case wire_event::BOOKED: return {group, get_booked(from.getBooked())};
    case wire_event::DECLINED: return {group, get_declined(from.getDeclined())};
    case wire_event::PLACE_CANCELLED: return {group, group_event{get_place<place_cancelled>(from.getPlaceCancelled())}};
    case wire_event::PLACE_RELEASED: return {group, group_event{get_place<place_released>(from.getPlaceReleased())}};
    case wire_event::MOVED_WITHIN: {
      const auto m = from.getMovedWithin();
      return {group, group_event{moved_within{reference{m.getRef()}, generation_t{m.getGeneration()}, generation_t{m.getNext()},
                                              window_of(m.getTo()), unix_ms{m.getAtMs()}}}};
    }
    case wire_event::CAPACITY_CHANGED: {
      const auto c = from.getCapacityChanged();
      return {group, group_event{capacity_changed{window_of(c.getWindow()), c.getCapacity(), text(c.getBy()), text(c.getReason()),
                                                  unix_ms{c.getAtMs()}}}};
    }
    case wire_event::CLAIMED: return {registry, get_claimed(from.getClaimed())};
    case wire_event::CLAIMS_CONFIRMED: return {registry, get_confirmed(from.getClaimsConfirmed())};
    case wire_event::CLAIM_RELEASED: return {registry, registry_event{claim_released{reference{from.getClaimReleased()}}}};
    case wire_event::CANCEL_INTENDED: {
      const auto c = from.getCancelIntended();
      return {registry, registry_event{cancel_intended{reference{c.getRef()}, key_hash{c.getKey()}, text(c.getBy()), text(c.getReason()),
                                                       unix_ms{c.getAtMs()}}}};
    }
    case wire_event::CANCEL_DONE:
      return {registry, registry_event{cancel_done{reference{from.getCancelDone().getRef()}, unix_ms{from.getCancelDone().getAtMs()}}}};
    case wire_event::MOVE_INTENDED: {
      const auto m = from.getMoveIntended();
      return {registry, registry_event{move_intended{reference{m.getRef()}, group_id{m.getTo()}, window_of(m.getWindow()),
                                                     key_hash{m.getKey()}, body_hash{m.getBody()}, unix_ms{m.getAtMs()}}}};
    }
    case wire_event::MOVE_BOOKED: return {registry, registry_event{move_booked{reference{from.getMoveBooked()}}}};
    case wire_event::MOVE_DONE:
      return {registry, registry_event{move_done{reference{from.getMoveDone().getRef()}, unix_ms{from.getMoveDone().getAtMs()}}}};
    case wire_event::MOVE_REFUSED: return {registry, registry_event{move_refused{reference{from.getMoveRefused()}}}};
    case wire_event::CANCEL_JOINED: {
      const auto c = from.getCancelJoined();
      return {registry, registry_event{cancel_joined{reference{c.getRef()}, key_hash{c.getKey()}, text(c.getBy()), text(c.getReason()),
                                                     unix_ms{c.getAtMs()}}}};
    }
    case wire_event::CHANGES_FORGIVEN: {
      const auto c = from.getChangesForgiven();
      return {registry, registry_event{changes_forgiven{citizen_of(c), text(c.getBy()), text(c.getReason()), unix_ms{c.getAtMs()}}}};
    }
    case wire_event::JOINED_PLACE_ENDED: return {registry, registry_event{get_place<joined_place_ended>(from.getJoinedPlaceEnded())}};
    case wire_event::ADMISSION_SET: return {owner::of_admission(), get_admission(from.getAdmissionSet())};
    case wire_event::ROUND_IMPORTED: return {owner::of_rounds(), get_round(from.getRoundImported())};
    case wire_event::ROUND_PART: return {owner::of_rounds(), get_part(from.getRoundPart())};
    case wire_event::ROUND_STATE_CHANGED: return {owner::of_rounds(), get_state(from.getRoundStateChanged())};
    case wire_event::OPERATOR_NOTED: {
      const auto n = from.getOperatorNoted();
      return {owner::of_rounds(),
              round_event{operator_noted{text(n.getWhat()), text(n.getDetail()), text(n.getBy()), unix_ms{n.getAtMs()}}}};
    }
  }
  throw nonsense{"an event of a kind that this program does not know"};
}

// The smallest form in which any version of this program wrote an event: two words of data and one pointer. A list that
// claims more events than its bytes have room for is hostile: it would cost memory out of proportion.
constexpr std::size_t event_words_min = 3;

// Calls `read` with the events; every way in which the bytes can be wrong becomes an error.
template <class Read>
auto with_events(std::string_view bytes, Read&& read)
    -> std::expected<std::invoke_result_t<Read, capnp::List<wire::Event>::Reader>, codec_error> {
  if (bytes.size() > entry_bytes_max || bytes.size() % sizeof(capnp::word) != 0 || bytes.empty())
    return std::unexpected(codec_error{"a log entry of " + std::to_string(bytes.size()) + " bytes cannot be right"});
  const auto count = bytes.size() / sizeof(capnp::word);
  kj::Array<capnp::word> copy;  // only of bytes that do not lie on a word's boundary
  const auto* words = reinterpret_cast<const capnp::word*>(bytes.data());
  if (reinterpret_cast<std::uintptr_t>(bytes.data()) % alignof(capnp::word) != 0) {
    copy = kj::heapArray<capnp::word>(count);
    std::memcpy(copy.begin(), bytes.data(), bytes.size());
    words = copy.begin();
  }
  std::string why;
  try {
    capnp::ReaderOptions options;
    options.traversalLimitInWords = count * 2 + 1024;
    options.nestingLimit = 16;
    capnp::FlatArrayMessageReader message(kj::arrayPtr(words, count), options);
    const auto events = message.getRoot<wire::Batch>().getEvents();
    require(events.size() <= count / event_words_min, "it claims more events than it has room for");
    return read(events);
  } catch (const kj::Exception& e) {
    why = e.getDescription().cStr();
  } catch (const nonsense& e) {
    why = e.what;
  }
  return std::unexpected(codec_error{"a log entry cannot be read: " + why});
}

}  // namespace

std::expected<std::vector<owned_event>, codec_error> decode_batch(std::string_view bytes) {
  return with_events(bytes, [](auto list) {
    std::vector<owned_event> events;
    events.reserve(list.size());
    for (const auto e : list)
      events.push_back(get(e));
    return events;
  });
}

std::expected<void, codec_error> for_each_event(std::string_view bytes, const std::function<bool(owned_event&&)>& visit) {
  auto visited = with_events(bytes, [&](auto list) {
    for (const auto e : list)
      if (!visit(get(e)))
        break;
    return true;
  });
  if (!visited)
    return std::unexpected(std::move(visited.error()));
  return {};
}

std::expected<std::string, codec_error> sealed_record(std::string_view entry, std::uint16_t index) {
  return with_events(entry, [index](auto list) {
    std::uint32_t n = 0;
    for (const auto e : list) {
      if (!e.isBooked())
        continue;
      for (const auto p : e.getBooked().getPeople())
        if (!p.hasRecord() && n++ == index) {
          const auto sealed = p.getSealed();
          require(sealed.size() != 0 && sealed.size() <= limits::sealed_record_bytes_max,
                  "the sealed record of that number has no right size");
          return std::string(reinterpret_cast<const char*>(sealed.begin()), sealed.size());
        }
    }
    throw nonsense{"it has no sealed record of that number"};
  });
}

}  // namespace janji::schema
