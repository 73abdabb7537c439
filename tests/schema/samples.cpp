#include "tests/schema/samples.hpp"

#include <capnp/message.h>
#include <capnp/serialize.h>
#include <kj/io.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "wire/envelope.capnp.h"
#include "wire/snapshot.capnp.h"

namespace janji::schema::samples {

namespace {

citizen_hash citizen(std::uint8_t first) {
  citizen_hash c;
  for (std::size_t i = 0; i < c.bytes.size(); ++i)
    c.bytes[i] = static_cast<std::uint8_t>(first + i);
  return c;
}
constexpr reference ref(std::uint64_t n) { return reference::make(shard_id{17}, n); }
constexpr unix_ms at(std::int64_t n) { return unix_ms{1'621'987'200'000 + n}; }

round_imported imported() {
  round_definition d;
  d.id = round_id{3};
  d.code = "2021-3";
  d.name = "Pusingan ketiga";
  d.time_zone = "Asia/Kuala_Lumpur";
  d.opens_at = at(0);
  d.closes_at = at(86'400'000);
  d.rules = {18, 99, 3};
  d.centres = {{"SPICE", "SPICE Arena", "Pulau Pinang", "Bayan Lepas", 5.3241, 100.2787},
               {"WTCKL", "WTC KL", "Kuala Lumpur", "", 3.1, -0.5}};
  using namespace std::chrono;
  d.groups = {{group_id{7}, 0, 2021y / June / 8d, {{480, 720, 1000}, {780, 1020, 900}}},
              {group_id{8}, 1, 2021y / June / 9d, {{0, 1440, 1}}}};
  return {d, "aisyah", at(1)};
}

std::string flat(capnp::MessageBuilder& message) {
  std::string bytes(capnp::computeSerializedSizeInWords(message) * sizeof(capnp::word), '\0');
  kj::ArrayOutputStream to(kj::arrayPtr(reinterpret_cast<kj::byte*>(bytes.data()), bytes.size()));
  capnp::writeMessage(to, message);
  return bytes;
}

template <class Read>
std::string read_flat(const std::string& bytes, Read&& read) {
  std::vector<capnp::word> words(bytes.size() / sizeof(capnp::word));
  std::memcpy(words.data(), bytes.data(), words.size() * sizeof(capnp::word));
  try {
    capnp::FlatArrayMessageReader message(kj::arrayPtr(words.data(), words.size()));
    return read(message) ? "" : "says something else";
  } catch (const kj::Exception& e) {
    return e.getDescription().cStr();
  }
}

std::string envelope_bytes() {
  capnp::MallocMessageBuilder message;
  auto e = message.initRoot<wire::Envelope>();
  e.setSourceNode(1);
  e.setSourceBoot(2);
  e.setDestinationNode(3);
  e.setDestinationBoot(4);
  e.setShard(5);
  e.setDeadlineMs(6);
  e.setKind(7);
  e.setPayload(capnp::Data::Reader(reinterpret_cast<const kj::byte*>("payload"), 7));
  return flat(message);
}
std::string envelope_fault(const std::string& bytes) {
  return read_flat(bytes, [](auto& m) {
    const auto e = m.template getRoot<wire::Envelope>();
    return e.getSourceNode() == 1 && e.getSourceBoot() == 2 && e.getDestinationNode() == 3 && e.getDestinationBoot() == 4 &&
           e.getShard() == 5 && e.getDeadlineMs() == 6 && e.getKind() == 7 &&
           e.getPayload().asChars() == kj::StringPtr("payload").asArray();
  });
}
std::string snapshot_bytes() {
  capnp::MallocMessageBuilder message;
  auto s = message.initRoot<wire::Snapshot>();
  s.setShard(5);
  s.setKind(2);
  s.setGroup(7);
  s.setApplied(99);
  s.setVersion(1);
  s.setState(capnp::Data::Reader(reinterpret_cast<const kj::byte*>("state"), 5));
  return flat(message);
}
std::string snapshot_fault(const std::string& bytes) {
  return read_flat(bytes, [](auto& m) {
    const auto s = m.template getRoot<wire::Snapshot>();
    return s.getShard() == 5 && s.getKind() == 2 && s.getGroup() == 7 && s.getApplied() == 99 && s.getVersion() == 1 &&
           s.getState().asChars() == kj::StringPtr("state").asArray();
  });
}

}  // namespace

std::vector<owned_event> events_v1() {
  const auto group = owner::of(group_id{7});
  const auto registry = owner::of_registry();
  const auto rounds = owner::of_rounds();
  std::vector<owned_event> all;
  const auto add = [&all](owner who, any_event e) { all.push_back({who, std::move(e)}); };
  add(group, group_event{booked{window_index{3},
                                body_hash{0xabcdef01},
                                false,
                                at(2),
                                {{citizen(1), ref(101), generation_t{0}, key_hash{11}, {14, 2}, std::string(300, 'x'), std::nullopt},
                                 {citizen(2), ref(102), generation_t{0}, key_hash{12}, {16, 4}, std::string("a\0b", 3), std::nullopt}}}});
  add(group, group_event{booked{window_index{63},
                                body_hash{5},
                                true,
                                at(3),
                                {{citizen(3),
                                  ref(103),
                                  generation_t{9},
                                  key_hash{13},
                                  {0, 0},
                                  {},
                                  record_locator{shard_id{1023}, sequence_t{1ULL << 40}, 65535}}}}});
  add(group, group_event{declined{{{ref(104), generation_t{1}}, {ref(105), generation_t{65535}}}, at(4)}});
  add(group, group_event{place_cancelled{ref(106), generation_t{2}, at(5)}});
  add(group, group_event{place_released{ref(107), generation_t{3}, at(6)}});
  add(group, group_event{moved_within{ref(108), generation_t{4}, generation_t{5}, window_index{1}, at(7)}});
  add(group, group_event{capacity_changed{window_index{2}, 1'000'000, "farid", "vaccine short", at(8)}});
  add(registry, registry_event{claimed{citizen(9), ref(109), key_hash{14}, body_hash{15}, group_id{7}, window_index{4}, at(9)}});
  add(registry, registry_event{claims_confirmed{{ref(110), ref(111), ref(112)}}});
  add(registry, registry_event{claim_released{ref(113)}});
  add(registry, registry_event{cancel_intended{ref(114), key_hash{16}, "", "", at(10)}});
  add(registry, registry_event{cancel_done{ref(115), at(11)}});
  add(registry, registry_event{move_intended{ref(116), group_id{8}, window_index{5}, key_hash{17}, body_hash{18}, at(12)}});
  add(registry, registry_event{move_booked{ref(117)}});
  add(registry, registry_event{move_done{ref(118), at(13)}});
  add(registry, registry_event{move_refused{ref(119)}});
  add(rounds, round_event{imported()});
  add(rounds, round_event{round_state_changed{round_id{3}, round_state::paused, "banjir", "aisyah", at(14)}});
  add(rounds, round_event{operator_noted{"keys rotate", "/etc/janji/new.key", "aisyah", at(15)}});
  return all;
}

personal_record person_v1() {
  return {"mykad",      "900101-07-5555", "MYS",        "Nur Aisyah binti Ahmad", "+60123456789", "aisyah@example.org",
          "1990-01-01", "Pulau Pinang",   "kerusi roda"};
}

bool same(const owned_event& a, const owned_event& b) {
  if (a.who != b.who || a.event.index() != b.event.index())
    return false;
  if (const auto* r = std::get_if<round_event>(&a.event)) {
    const auto& other = std::get<round_event>(b.event);
    if (r->index() != other.index())
      return false;
    if (const auto* i = std::get_if<round_imported>(r)) {
      const auto& o = std::get<round_imported>(other);
      return i->definition == o.definition && i->by == o.by && i->at == o.at && i->parts == o.parts;
    }
    if (const auto* s = std::get_if<round_state_changed>(r)) {
      const auto& o = std::get<round_state_changed>(other);
      return s->round == o.round && s->state == o.state && s->reason == o.reason && s->by == o.by && s->at == o.at;
    }
    if (const auto* p = std::get_if<round_part>(r)) {
      const auto& o = std::get<round_part>(other);
      return p->at == o.at && p->index == o.index && p->centres == o.centres && p->groups == o.groups;
    }
    const auto& n = std::get<operator_noted>(*r);
    const auto& o = std::get<operator_noted>(other);
    return n.what == o.what && n.detail == o.detail && n.by == o.by && n.at == o.at;
  }
  if (const auto* g = std::get_if<group_event>(&a.event))
    return *g == std::get<group_event>(b.event);
  return std::get<registry_event>(a.event) == std::get<registry_event>(b.event);
}

std::map<std::string, std::string> encode_current() {
  return {{"batch.bin", encode_batch(events_v1())},
          {"person.bin", encode(person_v1())},
          {"envelope.bin", envelope_bytes()},
          {"snapshot.bin", snapshot_bytes()}};
}

std::map<std::string, std::string> read_released(int version) {
  std::map<std::string, std::string> files;
  std::error_code none;
  for (const auto& f : std::filesystem::directory_iterator(std::string(JANJI_SCHEMA_SAMPLES) + "/v" + std::to_string(version), none)) {
    std::ifstream in(f.path(), std::ios::binary);
    files[f.path().filename().string()] = {std::istreambuf_iterator<char>(in), {}};
  }
  return files;
}

std::string differences_from_v1(const std::map<std::string, std::string>& files) {
  for (const auto* name : {"batch.bin", "person.bin", "envelope.bin", "snapshot.bin"})
    if (!files.contains(name))
      return std::string(name) + " is missing";
  const auto batch = decode_batch(files.at("batch.bin"));
  if (!batch)
    return "batch.bin: " + batch.error().text;
  const auto expected = events_v1();
  if (batch->size() != expected.size())
    return "batch.bin has another number of events";
  for (std::size_t i = 0; i < expected.size(); ++i)
    if (!same((*batch)[i], expected[i]))
      return "batch.bin: event " + std::to_string(i) + " says something else";
  const auto person = decode_personal_record(files.at("person.bin"));
  if (!person || *person != person_v1())
    return "person.bin: " + (person ? std::string("says something else") : person.error());
  if (auto fault = envelope_fault(files.at("envelope.bin")); !fault.empty())
    return "envelope.bin: " + fault;
  if (auto fault = snapshot_fault(files.at("snapshot.bin")); !fault.empty())
    return "snapshot.bin: " + fault;
  return {};
}

}  // namespace janji::schema::samples
