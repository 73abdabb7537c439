#include "schema/mail.hpp"

#include <cstring>
#include <optional>
#include <utility>

#include "booking/assert.hpp"
#include "schema/message.hpp"
#include "wire/mail.capnp.h"

namespace janji::schema {

namespace {

using kind = wire::MailItem::Kind;
using builder = wire::MailItem::Builder;
using reader = wire::MailItem::Reader;

// ------------------------------------------------------------------ writing

void put_citizen(auto to, const citizen_hash& c) {
  std::uint64_t high = 0;
  std::memcpy(&high, c.bytes.data() + sizeof high, sizeof high);
  to.setCitizenLow(c.low());
  to.setCitizenHigh(high);
}
void put_text(builder to, std::string_view by, std::string_view reason) {
  to.setBy(whole(std::string(by.substr(0, mail_text_bytes_max))));
  to.setReason(whole(std::string(reason.substr(0, mail_text_bytes_max))));
}
void put_stamp(auto to, const stamp& s) {
  to.setStampEpoch(s.tenure.epoch.value);
  to.setStampBoot(s.tenure.boot);
  to.setStampCount(s.count);
}
void put_place(builder to, kind k, shard_id from, reference ref, generation_t generation) {
  to.setKind(k);
  to.setFrom(from.value);
  to.setRef(ref.value);
  to.setGeneration(generation.value);
}
void put_record(builder to, const std::optional<record_locator>& r) {
  if (!r)
    return;
  to.setHasRecord(true);
  to.setRecordShard(r->shard.value);
  to.setRecordSequence(r->sequence.value);
  to.setRecordIndex(r->index);
}

void put(builder to, const book_command& c) {
  to.setKind(kind::BOOK_COMMAND);
  to.setRequest(c.request.value);
  to.setBody(c.body.value);
  to.setHasWindow(c.window.has_value());
  to.setWindow(c.window ? c.window->value : 0);
  to.setDeadlineMs(c.deadline.value);
  to.setFlag(c.repeat_only);
  to.setLeaderJudges(c.leader_judges);
  put_stamp(to, c.stamp);
  auto people = to.initPeople(static_cast<unsigned>(c.people.size()));
  for (unsigned i = 0; i < people.size(); ++i) {
    auto p = people[i];
    const auto& from = c.people[i];
    put_citizen(p, from.citizen);
    p.setRef(from.proposed.value);
    p.setKey(from.key.value);
    p.setState(from.facts.state);
    p.setAgeBand(from.facts.age_band);
    p.setSealed(data_of(from.sealed));
  }
}
void put(builder to, const claim_result& r) {
  to.setKind(kind::CLAIM_RESULT);
  to.setIncarnation(r.incarnation.value);
  to.setRef(r.ref.value);
  to.setCode(static_cast<std::uint8_t>(r.verdict));
  to.setAtMs(r.at.value);
}
void put(builder to, const settle_ask& m) { put_place(to, kind::SETTLE_ASK, m.from, m.ref, m.generation); }
void put(builder to, const cancel_place& m) { put_place(to, kind::CANCEL_PLACE, m.from, m.ref, m.generation); }
void put(builder to, const release_place& m) { put_place(to, kind::RELEASE_PLACE, m.from, m.ref, m.generation); }
void put(builder to, const drop_place& m) { put_place(to, kind::DROP_PLACE, m.from, m.ref, m.generation); }
void put(builder to, const offer_move& m) {
  put_place(to, kind::OFFER_MOVE, m.from, m.ref, m.generation);
  put_citizen(to, m.citizen);
  to.setNext(m.next.value);
  to.setGroup(m.to.value);
  to.setWindow(m.window.value);
}
void put(builder to, const move_in& m) {
  put_place(to, kind::MOVE_IN, m.from, m.ref, m.generation);
  put_citizen(to, m.citizen);
  to.setKey(m.key.value);
  to.setBody(m.body.value);
  to.setWindow(m.window.value);
  to.setState(m.facts.state);
  to.setAgeBand(m.facts.age_band);
  put_record(to, m.record);
  to.setAtMs(m.at.value);
}
void put(builder to, const move_within& m) {
  put_place(to, kind::MOVE_WITHIN, m.from, m.ref, m.generation);
  to.setNext(m.next.value);
  to.setWindow(m.to.value);
}
void put(builder to, const change_capacity& c) {
  to.setKind(kind::CHANGE_CAPACITY);
  to.setRequest(c.request.value);
  to.setWindow(c.window.value);
  to.setCapacity(c.capacity);
  put_text(to, c.by, c.reason);
  to.setDeadlineMs(c.deadline.value);
  put_stamp(to, c.stamp);
}
void put(builder to, const claim_request& r) {
  to.setKind(kind::CLAIM_REQUEST);
  to.setGroup(r.group.value);
  to.setIncarnation(r.incarnation.value);
  put_citizen(to, r.citizen);
  to.setRef(r.ref.value);
  to.setKey(r.key.value);
  to.setBody(r.body.value);
  to.setWindow(r.window.value);
  to.setDeadlineMs(r.deadline.value);
  to.setAtMs(r.at.value);
}
void put(builder to, const confirm_claims& c) {
  to.setKind(kind::CONFIRM_CLAIMS);
  auto refs = to.initRefs(static_cast<unsigned>(c.refs.size()));
  for (unsigned i = 0; i < refs.size(); ++i)
    refs.set(i, c.refs[i].value);
}
void put(builder to, const settle_answer& a) {
  put_place(to, kind::SETTLE_ANSWER, {}, a.ref, a.generation);
  to.setGroup(a.group.value);
  to.setCode(static_cast<std::uint8_t>(a.status));
}
void put(builder to, const cancel_command& c) {
  to.setKind(kind::CANCEL_COMMAND);
  to.setRequest(c.request.value);
  to.setRef(c.ref.value);
  to.setHasCitizen(c.citizen.has_value());
  if (c.citizen)
    put_citizen(to, *c.citizen);
  to.setTokenGeneration(c.token_generation);
  to.setKey(c.key.value);
  put_text(to, c.by, c.reason);
  to.setDeadlineMs(c.deadline.value);
  put_stamp(to, c.stamp);
}
void put(builder to, const move_command& m) {
  to.setKind(kind::MOVE_COMMAND);
  to.setRequest(m.request.value);
  to.setRef(m.ref.value);
  to.setTokenGeneration(m.token_generation);
  to.setGroup(m.to.value);
  to.setWindow(m.window.value);
  to.setKey(m.key.value);
  to.setBody(m.body.value);
  to.setDeadlineMs(m.deadline.value);
  to.setFlag(m.repeat_only);
  to.setLeaderJudges(m.leader_judges);
  put_stamp(to, m.stamp);
}
void put(builder to, const lookup_command& l) {
  to.setKind(kind::LOOKUP_COMMAND);
  to.setRequest(l.request.value);
  to.setRef(l.ref.value);
  to.setTokenGeneration(l.token_generation);
  to.setDeadlineMs(l.deadline.value);
}
void put(builder to, const place_reply& r) {
  put_place(to, kind::PLACE_REPLY, {}, r.ref, r.generation);
  to.setGroup(r.group.value);
  to.setCode(static_cast<std::uint8_t>(r.kind));
  to.setFlag(r.window_closed);
  to.setOver(r.window_over);
}
template <class Stays>
void put(builder, const Stays&) {
  assert_always(false, "what is a node's own is not sent to others");
}

template <class Input>
std::string encode(group_id group, const passage& way, std::span<const Input> inputs) {
  assert_always(inputs.size() <= mail_items_max, "mail is within its limit");
  capnp::MallocMessageBuilder message;
  auto mail = message.initRoot<wire::Mail>();
  mail.setHops(way.hops);
  mail.setEpoch(way.epoch.value);
  mail.setSentAtMs(way.sent.value);
  mail.setGroup(group.value);
  auto items = mail.initItems(static_cast<unsigned>(inputs.size()));
  for (unsigned i = 0; i < items.size(); ++i)
    std::visit([&](const auto& input) { put(items[i], input); }, inputs[i]);
  return bytes_of(message);
}

// ------------------------------------------------------------------ reading

shard_id shard_of(std::uint16_t s) {
  require(s < limits::shards_max, "a shard has a number that there cannot be");
  return shard_id{s};
}
template <class Enum>
Enum code_of(std::uint8_t code, Enum last) {
  require(code <= static_cast<std::uint8_t>(last), "a verdict or a status is none that there is");
  return static_cast<Enum>(code);
}
citizen_facts facts_of(const auto& from) {
  require(from.getState() < state_count && from.getAgeBand() < age_band_count, "a person's state or age band is none that there is");
  return {from.getState(), from.getAgeBand()};
}
stamp stamp_of(const auto& from) { return {{epoch_t{from.getStampEpoch()}, from.getStampBoot()}, from.getStampCount()}; }

// How far the reader's clock is ahead of the sender's.
struct clocks {
  std::int64_t ahead_ms = 0;
  [[nodiscard]] unix_ms deadline(std::int64_t ms) const {
    const bool told = ms > 0 && ms < moment_max;
    return unix_ms{told ? ms + ahead_ms : ms};
  }
  static constexpr std::int64_t moment_max = std::int64_t{1} << 52U;
};
clocks clocks_of(std::int64_t sent, unix_ms now) {
  require(sent >= 0 && sent < clocks::moment_max, "it was sent at a time that there cannot be");
  return {sent == 0 ? 0 : now.value - sent};
}

book_command get_booking(reader from, const clocks& both) {
  book_command c{request_id{from.getRequest()}, body_hash{from.getBody()}, std::nullopt, both.deadline(from.getDeadlineMs()), {}};
  if (from.getHasWindow())
    c.window = window_of(from.getWindow());
  c.repeat_only = from.getFlag();
  c.leader_judges = from.getLeaderJudges();
  c.stamp = stamp_of(from);
  const auto people = from.getPeople();
  require(people.size() >= 1 && people.size() <= limits::party_people_max, "a booking is of one to four people");
  for (const auto p : people) {
    const auto sealed = p.getSealed();
    require(sealed.size() <= limits::sealed_record_bytes_max, "a sealed record is too large");
    c.people.push_back({citizen_of(p), reference{p.getRef()}, key_hash{p.getKey()}, facts_of(p),
                        std::string(reinterpret_cast<const char*>(sealed.begin()), sealed.size())});
    shard_of(c.people.back().proposed.shard().value);
    for (std::size_t i = 0; i + 1 < c.people.size(); ++i)
      require(c.people[i].citizen != c.people.back().citizen, "the people of a party are different");
  }
  return c;
}

move_in get_move_in(reader from) {
  move_in m{shard_of(from.getFrom()),
            citizen_of(from),
            reference{from.getRef()},
            generation_t{from.getGeneration()},
            key_hash{from.getKey()},
            body_hash{from.getBody()},
            window_of(from.getWindow()),
            facts_of(from),
            std::nullopt,
            unix_ms{from.getAtMs()}};
  if (from.getHasRecord())
    m.record = record_locator{shard_of(from.getRecordShard()), sequence_t{from.getRecordSequence()}, from.getRecordIndex()};
  return m;
}

group_input get_group_input(reader from, const clocks& both) {
  const reference ref{from.getRef()};
  const generation_t generation{from.getGeneration()};
  const auto asker = [&] { return shard_of(from.getFrom()); };
  switch (from.getKind()) {
    case kind::BOOK_COMMAND: return get_booking(from, both);
    case kind::CLAIM_RESULT:
      return claim_result{incarnation_t{from.getIncarnation()}, ref, code_of(from.getCode(), claim_verdict::changes_spent),
                          unix_ms{from.getAtMs()}};
    case kind::SETTLE_ASK: return settle_ask{asker(), ref, generation};
    case kind::CANCEL_PLACE: return cancel_place{asker(), ref, generation};
    case kind::RELEASE_PLACE: return release_place{asker(), ref, generation};
    case kind::DROP_PLACE: return drop_place{asker(), ref, generation};
    case kind::OFFER_MOVE:
      return offer_move{
          asker(), citizen_of(from), ref, generation, generation_t{from.getNext()}, group_id{from.getGroup()}, window_of(from.getWindow())};
    case kind::MOVE_IN: return get_move_in(from);
    case kind::MOVE_WITHIN: return move_within{asker(), ref, generation, generation_t{from.getNext()}, window_of(from.getWindow())};
    case kind::CHANGE_CAPACITY:
      return change_capacity{request_id{from.getRequest()},
                             window_of(from.getWindow()),
                             from.getCapacity(),
                             text_of(from.getBy(), mail_text_bytes_max),
                             text_of(from.getReason(), mail_text_bytes_max),
                             both.deadline(from.getDeadlineMs()),
                             stamp_of(from)};
    default: throw nonsense{"a slot group is sent what is not for one"};
  }
}

confirm_claims get_confirmations(reader from) {
  confirm_claims c;
  const auto refs = from.getRefs();
  require(refs.size() <= mail_items_max, "too many claims are confirmed at once");
  for (const auto r : refs)
    c.refs.emplace_back(r);
  return c;
}

registry_input get_registry_input(reader from, const clocks& both) {
  const reference ref{from.getRef()};
  const generation_t generation{from.getGeneration()};
  const request_id request{from.getRequest()};
  const auto deadline = both.deadline(from.getDeadlineMs());
  const key_hash key{from.getKey()};
  const group_id group{from.getGroup()};
  switch (from.getKind()) {
    case kind::CLAIM_REQUEST:
      return claim_request{group,
                           incarnation_t{from.getIncarnation()},
                           citizen_of(from),
                           ref,
                           key,
                           body_hash{from.getBody()},
                           window_of(from.getWindow()),
                           deadline,
                           unix_ms{from.getAtMs()}};
    case kind::CONFIRM_CLAIMS: return get_confirmations(from);
    case kind::SETTLE_ANSWER: return settle_answer{group, ref, generation, code_of(from.getCode(), settle_status::in_progress)};
    case kind::CANCEL_COMMAND:
      return cancel_command{request,
                            ref,
                            from.getHasCitizen() ? std::optional{citizen_of(from)} : std::nullopt,
                            from.getTokenGeneration(),
                            key,
                            text_of(from.getBy(), mail_text_bytes_max),
                            text_of(from.getReason(), mail_text_bytes_max),
                            deadline,
                            stamp_of(from)};
    case kind::MOVE_COMMAND:
      return move_command{request,
                          ref,
                          from.getTokenGeneration(),
                          group,
                          window_of(from.getWindow()),
                          key,
                          body_hash{from.getBody()},
                          deadline,
                          from.getFlag(),
                          stamp_of(from),
                          from.getLeaderJudges()};
    case kind::LOOKUP_COMMAND: return lookup_command{request, ref, from.getTokenGeneration(), deadline};
    case kind::PLACE_REPLY:
      return place_reply{code_of(from.getCode(), place_reply_kind::dropped), group, ref, generation, from.getFlag(), from.getOver()};
    default: throw nonsense{"a registry is sent what is not for one"};
  }
}

any_mail get_mail(wire::Mail::Reader from, unix_ms now) {
  const auto both = clocks_of(from.getSentAtMs(), now);
  const auto items = from.getItems();
  require(items.size() <= mail_items_max, "too much mail at once");
  if (from.getGroup() != 0) {
    mail_to_group m{group_id{from.getGroup()}, {from.getHops(), epoch_t{from.getEpoch()}, {}}, {}};
    m.inputs.reserve(items.size());
    for (const auto i : items)
      m.inputs.push_back(get_group_input(i, both));
    return m;
  }
  mail_to_registry m{{from.getHops(), epoch_t{from.getEpoch()}, {}}, {}};
  m.inputs.reserve(items.size());
  for (const auto i : items)
    m.inputs.push_back(get_registry_input(i, both));
  return m;
}

std::vector<answer> get_answers(wire::Answers::Reader from) {
  std::vector<answer> out;
  const auto answers = from.getAnswers();
  require(answers.size() <= mail_items_max, "too many answers at once");
  out.reserve(answers.size());
  for (const auto a : answers) {
    answer to{request_id{a.getRequest()}, code_of(a.getOutcome(), outcome::changes_spent), a.getRepeated(), a.getPosition(), {}};
    const auto places = a.getPlaces();
    require(places.size() <= limits::party_people_max && a.getPosition() <= limits::party_people_max,
            "an answer is about one to four people");
    to.free = a.getFree();
    to.shard = shard_of(a.getShard());
    to.stamp = stamp_of(a);
    for (const auto p : places)
      to.places.push_back({reference{p.getRef()}, generation_t{p.getGeneration()}, code_of(p.getStatus(), place_status::moved),
                           group_id{p.getGroup()}, window_of(p.getWindow()), p.getTokenGeneration(), unix_ms{p.getAtMs()}});
    out.push_back(std::move(to));
  }
  return out;
}

}  // namespace

std::string encode_mail(group_id group, const passage& way, std::span<const group_input> inputs) {
  assert_always(group.value != 0, "a slot group has a number");
  return encode(group, way, inputs);
}
std::string encode_mail(const passage& way, std::span<const registry_input> inputs) { return encode({}, way, inputs); }
std::expected<any_mail, codec_error> decode_mail(std::string_view bytes, unix_ms now) {
  return read_message<wire::Mail>(bytes, [now](wire::Mail::Reader from) { return get_mail(from, now); });
}

std::string encode_answers(std::span<const answer> answers) {
  assert_always(answers.size() <= mail_items_max, "answers are within their limit");
  capnp::MallocMessageBuilder message;
  auto list = message.initRoot<wire::Answers>().initAnswers(static_cast<unsigned>(answers.size()));
  for (unsigned i = 0; i < list.size(); ++i) {
    const auto& from = answers[i];
    auto to = list[i];
    to.setRequest(from.request.value);
    to.setOutcome(static_cast<std::uint8_t>(from.what));
    to.setRepeated(from.repeated);
    to.setPosition(from.position);
    to.setFree(from.free);
    to.setShard(from.shard.value);
    put_stamp(to, from.stamp);
    auto places = to.initPlaces(static_cast<unsigned>(from.places.size()));
    for (unsigned n = 0; n < places.size(); ++n) {
      const auto& p = from.places[n];
      places[n].setRef(p.ref.value);
      places[n].setGeneration(p.generation.value);
      places[n].setStatus(static_cast<std::uint8_t>(p.status));
      places[n].setGroup(p.group.value);
      places[n].setWindow(p.window.value);
      places[n].setTokenGeneration(p.token_generation);
      places[n].setAtMs(p.at.value);
    }
  }
  return bytes_of(message);
}
std::expected<std::vector<answer>, codec_error> decode_answers(std::string_view bytes) {
  return read_message<wire::Answers>(bytes, get_answers);
}

}  // namespace janji::schema
