#include "schema/sealed_places.hpp"

#include "booking/assert.hpp"
#include "schema/message.hpp"

namespace janji::schema {

namespace {

sealed_place get_sealed_place(wire::SealedPlace::Reader from) {
  const auto sealed = from.getSealed();
  require(from.getStatus() <= static_cast<std::uint8_t>(place_status::moved), "a place in a state that there is not");
  require(sealed.size() <= limits::sealed_record_bytes_max, "a sealed record is too large");
  require(from.getRecordShard() < limits::shards_max, "a sealed record is said to lie in a shard that there cannot be");
  return {reference{from.getRef()},
          generation_t{from.getGeneration()},
          window_of(from.getWindow()),
          static_cast<place_status>(from.getStatus()),
          unix_ms{from.getAtMs()},
          {reinterpret_cast<const char*>(sealed.begin()), sealed.size()},
          text_of(from.getFault(), mail_text_bytes_max),
          {shard_id{from.getRecordShard()}, sequence_t{from.getRecordSequence()}, from.getRecordIndex()}};
}

sealed_places get_sealed_places(wire::SealedPlaces::Reader from) {
  sealed_places out{{}, from.getMore()};
  require(from.getPlaces().size() <= sealed_places_max, "too many sealed records in one message");
  for (const auto p : from.getPlaces())
    out.places.push_back(get_sealed_place(p));
  require(!out.more || !out.places.empty(), "more behind a list that is empty");
  return out;
}

}  // namespace

void put_records_ask(wire::RecordsAsk::Builder to, const records_ask& ask) {
  assert_always(ask.at.size() <= sealed_places_max, "records are asked for in parts");
  to.setGroup(ask.group.value);
  to.setCancelled(ask.cancelled);
  to.setHasOnly(ask.only.has_value());
  to.setOnly(ask.only.value_or(reference{}).value);
  to.setHasAfter(ask.after.has_value());
  to.setAfter(ask.after.value_or(reference{}).value);
  to.setHasWindow(ask.window.has_value());
  to.setWindow(ask.window.value_or(window_index{}).value);
  auto at = to.initAt(static_cast<unsigned>(ask.at.size()));
  for (unsigned i = 0; i < at.size(); ++i) {
    at[i].setSequence(ask.at[i].sequence.value);
    at[i].setIndex(ask.at[i].index);
  }
}

// Of positions the shard is that of the message.
records_ask get_records_ask(wire::RecordsAsk::Reader from) {
  records_ask out{group_id{from.getGroup()}};
  out.cancelled = from.getCancelled();
  if (from.getHasOnly())
    out.only = reference{from.getOnly()};
  if (from.getHasAfter())
    out.after = reference{from.getAfter()};
  if (from.getHasWindow())
    out.window = window_of(from.getWindow());
  require(from.getAt().size() <= sealed_places_max, "too many sealed records are asked for at once");
  for (const auto a : from.getAt())
    out.at.push_back({{}, sequence_t{a.getSequence()}, a.getIndex()});
  return out;
}

std::string encode_sealed_places(const sealed_places& places) {
  assert_always(places.places.size() <= sealed_places_max, "sealed records are told in parts");
  capnp::MallocMessageBuilder message;
  auto root = message.initRoot<wire::SealedPlaces>();
  root.setMore(places.more);
  auto list = root.initPlaces(static_cast<unsigned>(places.places.size()));
  for (unsigned i = 0; i < list.size(); ++i) {
    const auto& from = places.places[i];
    list[i].setRef(from.ref.value);
    list[i].setGeneration(from.generation.value);
    list[i].setWindow(from.window.value);
    list[i].setStatus(static_cast<std::uint8_t>(from.status));
    list[i].setAtMs(from.at.value);
    list[i].setSealed(data_of(from.sealed));
    list[i].setFault(whole(from.fault.substr(0, mail_text_bytes_max)));
    list[i].setRecordShard(from.record.shard.value);
    list[i].setRecordIndex(from.record.index);
    list[i].setRecordSequence(from.record.sequence.value);
  }
  return bytes_of(message);
}

std::expected<sealed_places, codec_error> decode_sealed_places(std::string_view bytes) {
  return read_message<wire::SealedPlaces>(bytes, get_sealed_places);
}

}  // namespace janji::schema
