// What nodes tell each other beside letters and answers: figures, rounds, reports, and the questions of operators.
#include <utility>

#include "booking/assert.hpp"
#include "schema/mail.hpp"
#include "schema/message.hpp"
#include "schema/sealed_places.hpp"
#include "wire/mail.capnp.h"

namespace janji::schema {

namespace {

told_figures get_figures(wire::Figures::Reader from) {
  told_figures out;
  const auto groups = from.getGroups();
  require(groups.size() <= mail_items_max, "figures of too many slot groups");
  for (const auto g : groups) {
    group_figures to{group_id{g.getGroup()}, {}, {}, sequence_t{g.getApplied()}, epoch_t{g.getTenureEpoch()}};
    require(g.getWindows().size() <= limits::windows_per_group_max, "figures of too many windows");
    for (const auto w : g.getWindows())
      to.windows.push_back({w.getCapacity(), w.getBooked(), w.getCancelled(), w.getMovedOut(), w.getOverByOrder()});
    require(g.getBookedByFacts().size() <= std::size_t{state_count} * age_band_count, "figures of too many kinds of people");
    for (const auto n : g.getBookedByFacts())
      to.booked_by_facts.push_back(n);
    out.groups.push_back(std::move(to));
  }
  if (from.getSaysRounds())
    out.rounds = sequence_t{from.getRoundsApplied()};
  require(from.getShards().size() <= limits::shards_max, "figures of too many shards");
  for (const auto s : from.getShards()) {
    require(s < limits::shards_max, "figures of a shard that there cannot be");
    out.shards.emplace_back(s);
  }
  return out;
}

rounds_history get_rounds(wire::Rounds::Reader from) {
  const auto bytes = from.getHistory();
  const auto batch = decode_batch({reinterpret_cast<const char*>(bytes.begin()), bytes.size()});
  require(batch.has_value(), "rounds that cannot be read");
  rounds_history out{sequence_t{from.getApplied()}, {}, sequence_t{from.getSince()}};
  for (const auto& e : *batch) {
    const auto* event = std::get_if<round_event>(&e.event);
    require(event != nullptr, "what is no event of a round");
    out.events.push_back(*event);
  }
  return out;
}

std::optional<std::pair<epoch_t, sequence_t>> missing_of(wire::ShardReport::Reader from) {
  if (from.getMissingEpoch() == 0)
    return std::nullopt;
  return std::pair{epoch_t{from.getMissingEpoch()}, sequence_t{from.getMissingSequence()}};
}

node_report get_report(wire::NodeReport::Reader from) {
  require(from.getShards().size() <= limits::shards_max, "a report of too many shards");
  node_report out{{},
                  from.getStorageLow(),
                  from.getDiskFreeBytes(),
                  from.getDiskTotalBytes(),
                  unix_ms{from.getClockMs()},
                  from.getSaysRounds() ? std::optional(sequence_t{from.getRoundsApplied()}) : std::nullopt,
                  text_of(from.getDirectoryWrong(), mail_text_bytes_max),
                  from.getDiskWaitsMs(),
                  from.getDiskWriteUs(),
                  {},
                  unix_ms{from.getCountedSinceMs()},
                  from.getClockSetMs(),
                  text_of(from.getWaitsFor(), mail_text_bytes_max)};
  require(from.getRefusals().size() <= refusal_codes_max, "a report of too many refusals");
  for (const auto r : from.getRefusals()) {
    require(r.getCode().size() <= refusal_code_bytes_max, "a code too long");
    out.refusals.emplace_back(text_of(r.getCode(), mail_text_bytes_max), r.getTimes());
  }
  for (const auto s : from.getShards())
    out.shards.push_back({shard_id{s.getShard()}, epoch_t{s.getEpoch()}, sequence_t{s.getCommitted()}, sequence_t{s.getTail()},
                          s.getServing(), missing_of(s)});
  return out;
}

shard_ask get_ask(wire::ShardAsk::Reader from) {
  require(from.getVerb() <= static_cast<std::uint8_t>(shard_ask::verb::read_records), "an order that is not known here");
  const auto order = from.getOrder().asChars();
  return {from.getNumber(),
          static_cast<shard_ask::verb>(from.getVerb()),
          sequence_t{from.getUpTo()},
          from.getWhoNode(),
          from.getWhoDisk(),
          from.getByNode(),
          from.getByDisk(),
          {text_of(from.getNoted(), mail_text_bytes_max), text_of(from.getNotedDetail(), mail_text_bytes_max),
           text_of(from.getNotedBy(), mail_text_bytes_max), unix_ms{from.getNotedAtMs()}},
          {order.begin(), order.size()},
          from.getVerb() == static_cast<std::uint8_t>(shard_ask::verb::read_records) ? get_records_ask(from.getRecords()) : records_ask{}};
}

shard_said get_said(wire::ShardSaid::Reader from) {
  const auto log = from.getLog().asChars();
  return {from.getNumber(),
          from.getGood(),
          text_of(from.getText(), mail_text_bytes_max),
          {log.begin(), log.size()},
          sequence_t{from.getRoundsApplied()}};
}

}  // namespace

std::string encode_figures(const told_figures& told) {
  const auto& figures = told.groups;
  assert_always(figures.size() <= mail_items_max, "figures are told in parts");
  capnp::MallocMessageBuilder message;
  auto root = message.initRoot<wire::Figures>();
  root.setSaysRounds(told.rounds.has_value());
  root.setRoundsApplied(told.rounds.value_or(sequence_t{}).value);
  auto shards = root.initShards(static_cast<unsigned>(told.shards.size()));
  for (unsigned i = 0; i < shards.size(); ++i)
    shards.set(i, told.shards[i].value);
  auto list = root.initGroups(static_cast<unsigned>(figures.size()));
  for (unsigned i = 0; i < list.size(); ++i) {
    const auto& from = figures[i];
    list[i].setGroup(from.group.value);
    list[i].setApplied(from.applied.value);
    list[i].setTenureEpoch(from.tenure.value);
    auto windows = list[i].initWindows(static_cast<unsigned>(from.windows.size()));
    for (unsigned w = 0; w < windows.size(); ++w) {
      windows[w].setCapacity(from.windows[w].capacity);
      windows[w].setBooked(from.windows[w].booked);
      windows[w].setCancelled(from.windows[w].cancelled);
      windows[w].setMovedOut(from.windows[w].moved_out);
      windows[w].setOverByOrder(from.windows[w].over_by_order);
    }
    auto facts = list[i].initBookedByFacts(static_cast<unsigned>(from.booked_by_facts.size()));
    for (unsigned n = 0; n < facts.size(); ++n)
      facts.set(n, from.booked_by_facts[n]);
  }
  return bytes_of(message);
}
std::expected<told_figures, codec_error> decode_figures(std::string_view bytes) { return read_message<wire::Figures>(bytes, get_figures); }

std::string encode_rounds(sequence_t applied, std::span<const round_event> history, sequence_t since) {
  std::vector<owned_event> events;
  events.reserve(history.size());
  for (const auto& e : history)
    events.push_back({owner::of_rounds(), e});
  capnp::MallocMessageBuilder message;
  auto to = message.initRoot<wire::Rounds>();
  to.setApplied(applied.value);
  to.setSince(since.value);
  to.setHistory(data_of(encode_batch(events)));
  return bytes_of(message);
}
std::expected<rounds_history, codec_error> decode_rounds(std::string_view bytes) { return read_message<wire::Rounds>(bytes, get_rounds); }

// As much of it as whoever reads it takes.
static std::string cut(const std::string& text) { return text.substr(0, mail_text_bytes_max); }

std::string encode_report(const node_report& report) {
  capnp::MallocMessageBuilder message;
  auto to = message.initRoot<wire::NodeReport>();
  to.setStorageLow(report.storage_low);
  to.setDiskFreeBytes(report.disk_free_bytes);
  to.setDiskTotalBytes(report.disk_total_bytes);
  to.setClockMs(report.clock.value);
  to.setDirectoryWrong(whole(cut(report.directory_wrong)));
  to.setSaysRounds(report.rounds_applied.has_value());
  to.setRoundsApplied(report.rounds_applied.value_or(sequence_t{}).value);
  to.setDiskWaitsMs(report.disk_waits_ms);
  to.setDiskWriteUs(report.disk_write_us);
  to.setCountedSinceMs(report.counted_since.value);
  to.setClockSetMs(report.clock_set_ms);
  to.setWaitsFor(whole(cut(report.waits_for)));
  auto refusals = to.initRefusals(static_cast<unsigned>(report.refusals.size()));
  for (unsigned i = 0; i < refusals.size(); ++i) {
    refusals[i].setCode(whole(report.refusals[i].first));
    refusals[i].setTimes(report.refusals[i].second);
  }
  auto list = to.initShards(static_cast<unsigned>(report.shards.size()));
  for (unsigned i = 0; i < list.size(); ++i) {
    const auto& from = report.shards[i];
    list[i].setShard(from.shard.value);
    list[i].setServing(from.serving);
    list[i].setEpoch(from.epoch.value);
    list[i].setCommitted(from.committed.value);
    list[i].setTail(from.tail.value);
    if (from.missing) {
      list[i].setMissingEpoch(from.missing->first.value);
      list[i].setMissingSequence(from.missing->second.value);
    }
  }
  return bytes_of(message);
}
std::expected<node_report, codec_error> decode_report(std::string_view bytes) { return read_message<wire::NodeReport>(bytes, get_report); }

std::string encode_ask(const shard_ask& ask) {
  capnp::MallocMessageBuilder message;
  auto to = message.initRoot<wire::ShardAsk>();
  to.setNumber(ask.number);
  to.setVerb(static_cast<std::uint8_t>(ask.what));
  to.setUpTo(ask.up_to.value);
  to.setWhoNode(ask.who_node);
  to.setWhoDisk(ask.who_disk);
  to.setByNode(ask.by_node);
  to.setByDisk(ask.by_disk);
  to.setNoted(whole(cut(ask.noted.what)));
  to.setNotedDetail(whole(cut(ask.noted.detail)));
  to.setNotedBy(whole(cut(ask.noted.by)));
  to.setNotedAtMs(ask.noted.at.value);
  to.setOrder(data_of(ask.order));
  if (ask.what == shard_ask::verb::read_records)
    put_records_ask(to.initRecords(), ask.records);
  return bytes_of(message);
}
std::expected<shard_ask, codec_error> decode_ask(std::string_view bytes) { return read_message<wire::ShardAsk>(bytes, get_ask); }

std::string encode_said(const shard_said& said) {
  capnp::MallocMessageBuilder message;
  auto to = message.initRoot<wire::ShardSaid>();
  to.setNumber(said.number);
  to.setGood(said.good);
  to.setText(whole(cut(said.text)));
  to.setLog(data_of(said.log));
  to.setRoundsApplied(said.rounds_applied.value);
  return bytes_of(message);
}
std::expected<shard_said, codec_error> decode_said(std::string_view bytes) { return read_message<wire::ShardSaid>(bytes, get_said); }

}  // namespace janji::schema
