#include "schema/tenure.hpp"

#include <algorithm>
#include <utility>

#include "booking/assert.hpp"
#include "schema/message.hpp"
#include "wire/tenure.capnp.h"

namespace janji::schema {

std::string encode_heard(std::span<const heard_shard> shards) {
  assert_always(shards.size() <= limits::shards_max, "there are so many shards at most");
  capnp::MallocMessageBuilder message;
  auto list = message.initRoot<wire::Heard>().initShards(static_cast<unsigned>(shards.size()));
  for (unsigned i = 0; i < list.size(); ++i) {
    list[i].setShard(shards[i].shard.value);
    list[i].setEpoch(shards[i].heard.tenure.epoch.value);
    list[i].setBoot(shards[i].heard.tenure.boot);
    list[i].setCount(shards[i].heard.count);
  }
  return bytes_of(message);
}

std::expected<std::vector<heard_shard>, codec_error> decode_heard(std::string_view bytes) {
  return read_message<wire::Heard>(bytes, [](wire::Heard::Reader from) {
    std::vector<heard_shard> out;
    const auto shards = from.getShards();
    require(shards.size() <= limits::shards_max, "more shards are told of than there can be");
    for (const auto s : shards) {
      require(s.getShard() < limits::shards_max, "a shard has a number that there cannot be");
      out.push_back({shard_id{s.getShard()}, {{epoch_t{s.getEpoch()}, s.getBoot()}, s.getCount()}});
    }
    return out;
  });
}

std::vector<table_part> parts_of(const refusal_table::image& table, std::uint64_t number, bool admission_known) {
  std::vector<table_part> out;
  const auto parts = static_cast<std::uint16_t>(table.buckets.empty() ? 1 : table_parts_max);
  for (std::uint16_t p = 0; p < parts; ++p) {
    table_part part{number, p, parts, table.tenure, table.count, table.salt, {}, admission_known};
    if (!table.buckets.empty()) {
      const auto first = table.buckets.begin() + static_cast<std::ptrdiff_t>(p * table_part_buckets_max);
      part.buckets.assign(first, first + static_cast<std::ptrdiff_t>(table_part_buckets_max));
    }
    out.push_back(std::move(part));
  }
  return out;
}

std::string encode_table_part(const table_part& part) {
  assert_always(part.buckets.size() <= table_part_buckets_max, "a part of a table is within its limit");
  capnp::MallocMessageBuilder message;
  auto to = message.initRoot<wire::TablePart>();
  to.setNumber(part.number);
  to.setPart(part.part);
  to.setParts(part.parts);
  to.setEpoch(part.tenure.epoch.value);
  to.setBoot(part.tenure.boot);
  to.setCount(part.count);
  to.setSalt(part.salt);
  to.setAdmissionKnown(part.admission_known);
  auto buckets = to.initBuckets(static_cast<unsigned>(part.buckets.size()));
  for (unsigned i = 0; i < buckets.size(); ++i)
    buckets.set(i, part.buckets[i]);
  return bytes_of(message);
}

std::expected<table_part, codec_error> decode_table_part(std::string_view bytes) {
  return read_message<wire::TablePart>(bytes, [](wire::TablePart::Reader from) {
    table_part part{from.getNumber(),
                    from.getPart(),
                    from.getParts(),
                    {epoch_t{from.getEpoch()}, from.getBoot()},
                    from.getCount(),
                    from.getSalt(),
                    {},
                    from.getAdmissionKnown()};
    const auto buckets = from.getBuckets();
    const bool whole = part.parts == 1 && buckets.size() == 0;
    require(whole || (part.parts == table_parts_max && buckets.size() == table_part_buckets_max), "a table has no such parts");
    require(part.part < part.parts && part.number != 0, "a part of a table is none that there is");
    part.buckets.reserve(buckets.size());
    for (const auto b : buckets) {
      require(b <= part.count, "a refusal has a number that was not counted");
      part.buckets.push_back(b);
    }
    return part;
  });
}

std::string encode_table_acknowledged(std::uint64_t number) {
  capnp::MallocMessageBuilder message;
  message.initRoot<wire::TableAcknowledged>().setNumber(number);
  return bytes_of(message);
}

std::expected<std::uint64_t, codec_error> decode_table_acknowledged(std::string_view bytes) {
  return read_message<wire::TableAcknowledged>(bytes, [](wire::TableAcknowledged::Reader from) { return from.getNumber(); });
}

// ------------------------------------------------------------------ admission

std::string encode_admission(const admission_state& state) {
  const owned_event event{owner::of_admission(), admission_event{admission_set{state}}};
  return encode_batch({&event, 1});
}

std::expected<admission_state, codec_error> decode_admission(std::string_view bytes) {
  auto batch = decode_batch(bytes);
  if (!batch)
    return std::unexpected(std::move(batch.error()));
  auto* event = batch->size() == 1 ? std::get_if<admission_event>(&batch->front().event) : nullptr;
  if (event == nullptr)
    return std::unexpected(codec_error{"it is no state of admission"});
  return std::move(std::get<admission_set>(*event).state);
}

std::string encode_told_admission(const told_admission& told) {
  capnp::MallocMessageBuilder message;
  auto to = message.initRoot<wire::AdmissionTold>();
  to.setNumber(told.number);
  to.setState(data_of(encode_admission(told.state)));
  return bytes_of(message);
}

std::expected<told_admission, codec_error> decode_told_admission(std::string_view bytes) {
  std::uint64_t number = 0;
  auto state = read_message<wire::AdmissionTold>(bytes, [&](wire::AdmissionTold::Reader from) {
    number = from.getNumber();
    const auto data = from.getState();
    return std::string(reinterpret_cast<const char*>(data.begin()), data.size());
  });
  if (!state)
    return std::unexpected(std::move(state.error()));
  auto read = decode_admission(*state);
  if (!read)
    return std::unexpected(std::move(read.error()));
  return told_admission{number, std::move(*read)};
}

std::string encode_admission_asked(std::uint64_t number) {
  capnp::MallocMessageBuilder message;
  message.initRoot<wire::AdmissionAsked>().setNumber(number);
  return bytes_of(message);
}

std::expected<std::uint64_t, codec_error> decode_admission_asked(std::string_view bytes) {
  return read_message<wire::AdmissionAsked>(bytes, [](wire::AdmissionAsked::Reader from) { return from.getNumber(); });
}

std::string encode_admission_held(sequence_t position) {
  capnp::MallocMessageBuilder message;
  message.initRoot<wire::AdmissionHeld>().setPosition(position.value);
  return bytes_of(message);
}

std::expected<sequence_t, codec_error> decode_admission_held(std::string_view bytes) {
  return read_message<wire::AdmissionHeld>(bytes, [](wire::AdmissionHeld::Reader from) { return sequence_t{from.getPosition()}; });
}

bool table_parts::take(table_part&& part) {
  if (part.number == last_.number)
    return true;
  if (part.number < std::max(made_.number, last_.number))
    return false;  // numbers grow: it is of a hand-over before this one
  auto& table = made_.table;
  const bool of_this = made_.number == part.number && have_.size() == part.parts && table.tenure == part.tenure &&
                       table.count == part.count && table.salt == part.salt && made_.admission_known == part.admission_known;
  if (!of_this) {
    made_ = {part.number, {part.tenure, part.count, part.salt, {}}, part.admission_known};
    table.buckets.resize(part.buckets.empty() ? 0 : refusal_table::bucket_count);
    have_.assign(part.parts, false);
    missing_ = part.parts;
  }
  if (have_[part.part])
    return false;
  have_[part.part] = true;
  std::ranges::copy(part.buckets, table.buckets.begin() + static_cast<std::ptrdiff_t>(part.part * table_part_buckets_max));
  if (--missing_ != 0)
    return false;
  last_ = std::exchange(made_, {});
  have_.clear();
  return true;
}

}  // namespace janji::schema
