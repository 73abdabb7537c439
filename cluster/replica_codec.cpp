#include "cluster/replica_codec.hpp"

#include <wire/replica.capnp.h>

#include <utility>

#include "schema/message.hpp"

namespace janji::cluster {

using namespace replication;
using schema::nonsense;
using schema::require;

namespace {

using kind = wire::ReplicaMessage::Kind;
using builder = wire::ReplicaMessage::Builder;
using reader = wire::ReplicaMessage::Reader;

// ------------------------------------------------------------------ writing

void put(wire::ReplicaMember::Builder to, const member& m) {
  to.setNode(m.node);
  to.setDisk(m.disk);
}
void put(wire::LogPosition::Builder to, position p) {
  to.setEpoch(p.epoch.value);
  to.setSequence(p.sequence.value);
}
capnp::Data::Reader data_of(std::string_view bytes) { return {reinterpret_cast<const kj::byte*>(bytes.data()), bytes.size()}; }

void put_members(auto list, const std::vector<member>& members) {
  for (unsigned i = 0; i < list.size(); ++i)
    put(list[i], members[i]);
}
void put(wire::ReplicaRecord::Builder to, const versioned_record& r) {
  to.setRevision(r.revision);
  to.setEpoch(r.record.epoch.value);
  put(to.initLeader(), r.record.leader);
  put_members(to.initInSync(static_cast<unsigned>(r.record.in_sync.size())), r.record.in_sync);
  put_members(to.initLearners(static_cast<unsigned>(r.record.learners.size())), r.record.learners);
  to.setMinInSync(r.record.min_in_sync);
  to.setReplicasWanted(r.record.replicas_wanted);
  to.setTenureEpoch(r.record.tenure.epoch.value);
  to.setTenureBoot(r.record.tenure.boot);
  to.setHandOver(r.record.hand_over);
  to.setLeaderBoot(r.record.leader_boot.value);
  to.setGivenUpBelow(r.record.given_up_below.value);
}
void put(builder to, const std::vector<entry>& entries) {
  auto list = to.initEntries(static_cast<unsigned>(entries.size()));
  for (unsigned i = 0; i < list.size(); ++i) {
    put(list[i].initAt(), entries[i].at);
    list[i].setPayload(data_of(entries[i].payload));
  }
}
void put(wire::LogShape::Builder to, const log_shape& log) {
  put(to.initBase(), log.base);
  put(to.initTail(), log.tail);
  auto runs = to.initRuns(static_cast<unsigned>(log.runs.size()));
  for (unsigned i = 0; i < runs.size(); ++i) {
    runs[i].setEpoch(log.runs[i].epoch.value);
    runs[i].setFirst(log.runs[i].first.value);
  }
}
void put(wire::LogSnapshot::Builder to, const snapshot& s) {
  put(to.initAt(), s.at);
  to.setBytes(data_of(s.bytes));
}

struct write {
  builder to;
  void operator()(const promise_request& m) {
    to.setKind(kind::PROMISE_REQUEST);
    put(to.initRecord(), m.record);
  }
  void operator()(const pull_request& m) {
    to.setKind(kind::PULL_REQUEST);
    put(to.initPosition(), m.after);
    to.setFlag(m.whole);
  }
  void operator()(const append_request& m) {
    to.setKind(kind::APPEND_REQUEST);
    put(to.initPosition(), m.previous);
    put(to, m.entries);
    to.setCommit(m.commit.value);
    to.setFlag(m.may_cut);
  }
  void operator()(const install_request& m) {
    to.setKind(kind::INSTALL_REQUEST);
    put(to.initSnapshot(), m.state);
  }
  void operator()(const heartbeat& m) {
    to.setKind(kind::HEARTBEAT);
    to.setRound(m.round);
    to.setCommit(m.commit.value);
    to.setTail(m.tail.value);
  }
  void operator()(const promise& m) {
    to.setKind(kind::PROMISE);
    put(to.initLog(), m.log);
    to.setCommit(m.commit.value);
  }
  void operator()(const pulled& m) {
    to.setKind(kind::PULLED);
    put(to.initPosition(), m.previous);
    put(to, m.entries);
    if (m.state)
      put(to.initSnapshot(), *m.state);
  }
  void operator()(const acknowledgement& m) {
    to.setKind(kind::ACKNOWLEDGEMENT);
    put(to.initPosition(), m.at);
  }
  void operator()(const refusal& m) {
    to.setKind(kind::REFUSAL);
    to.setPromised(m.promised.value);
    put(to.initLog(), m.log);
    to.setCommit(m.commit.value);
    to.setFlag(m.blocked);
  }
  void operator()(const heartbeat_answer& m) {
    to.setKind(kind::HEARTBEAT_ANSWER);
    to.setRound(m.round);
    to.setDiskUs(m.disk_us);
  }
};

// ------------------------------------------------------------------ reading

member member_of(wire::ReplicaMember::Reader m) { return {m.getNode(), m.getDisk()}; }
position position_of(wire::LogPosition::Reader p) { return {epoch_t{p.getEpoch()}, sequence_t{p.getSequence()}}; }
std::string bytes_of(capnp::Data::Reader d) { return {reinterpret_cast<const char*>(d.begin()), d.size()}; }

std::vector<member> members_of(capnp::List<wire::ReplicaMember>::Reader list) {
  require(list.size() <= limits::record_members_max, "a record names too many members");
  std::vector<member> out;
  for (const auto m : list)
    out.push_back(member_of(m));
  return out;
}
versioned_record record_of(wire::ReplicaRecord::Reader r) {
  return {r.getRevision(),
          {epoch_t{r.getEpoch()},
           member_of(r.getLeader()),
           members_of(r.getInSync()),
           members_of(r.getLearners()),
           r.getMinInSync(),
           r.getReplicasWanted(),
           {epoch_t{r.getTenureEpoch()}, r.getTenureBoot()},
           r.getHandOver(),
           boot_t{r.getLeaderBoot()},
           epoch_t{r.getGivenUpBelow()}}};
}
// Entries follow each other without a gap, and epochs never go back.
std::vector<entry> entries_of(reader from, position previous) {
  const auto list = from.getEntries();
  require(list.size() <= limits::entries_max, "too many entries in one message");
  std::vector<entry> out;
  out.reserve(list.size());
  for (const auto e : list) {
    const auto at = position_of(e.getAt());
    require(at.sequence.value == previous.sequence.value + 1 && at.epoch >= previous.epoch, "entries do not follow each other");
    out.push_back({at, bytes_of(e.getPayload())});
    previous = at;
  }
  return out;
}
log_shape shape_of(wire::LogShape::Reader from) {
  log_shape log{position_of(from.getBase()), {}, position_of(from.getTail())};
  const auto runs = from.getRuns();
  require(runs.size() <= limits::log_runs_max, "a log of too many epochs");
  require(log.base.sequence <= log.tail.sequence && log.base.epoch <= log.tail.epoch, "a log that ends before it begins");
  for (const auto r : runs) {
    const log_shape::run next{epoch_t{r.getEpoch()}, sequence_t{r.getFirst()}};
    const auto before = log.runs.empty() ? log_shape::run{log.base.epoch, log.base.sequence} : log.runs.back();
    require(next.first > before.first && next.epoch > before.epoch, "the epochs of a log do not follow each other");
    require(next.first <= log.tail.sequence, "an epoch begins beyond the end of its log");
    log.runs.push_back(next);
  }
  require(log.tail.epoch == (log.runs.empty() ? log.base.epoch : log.runs.back().epoch), "a log ends in another epoch than its last");
  return log;
}
snapshot snapshot_of(wire::LogSnapshot::Reader s) { return {position_of(s.getAt()), bytes_of(s.getBytes())}; }

message message_of(reader m) {
  const auto at = position_of(m.getPosition());
  const sequence_t commit{m.getCommit()};
  switch (m.getKind()) {
    case kind::PROMISE_REQUEST: return promise_request{record_of(m.getRecord())};
    case kind::PULL_REQUEST: return pull_request{at, m.getFlag()};
    case kind::APPEND_REQUEST: return append_request{at, entries_of(m, at), commit, m.getFlag()};
    case kind::INSTALL_REQUEST: return install_request{snapshot_of(m.getSnapshot())};
    case kind::HEARTBEAT: return heartbeat{m.getRound(), commit, sequence_t{m.getTail()}};
    case kind::PROMISE: return promise{shape_of(m.getLog()), commit};
    case kind::PULLED: {
      pulled p{at, entries_of(m, at), std::nullopt};
      if (m.hasSnapshot())
        p.state = snapshot_of(m.getSnapshot());
      return p;
    }
    case kind::ACKNOWLEDGEMENT: return acknowledgement{at};
    case kind::REFUSAL: return refusal{epoch_t{m.getPromised()}, shape_of(m.getLog()), commit, m.getFlag()};
    case kind::HEARTBEAT_ANSWER: return heartbeat_answer{m.getRound(), m.getDiskUs()};
    default: throw nonsense{"a replica says what this version does not know"};
  }
}

}  // namespace

std::string encode_replica_message(const header& head, const message& what) {
  capnp::MallocMessageBuilder message;
  auto to = message.initRoot<wire::ReplicaMessage>();
  to.setEpoch(head.epoch.value);
  put(to.initFrom(), head.from);
  to.setFromBoot(head.from_boot.value);
  put(to.initTo(), head.to);
  to.setToBoot(head.to_boot.value);
  std::visit(write{to}, what);
  return schema::bytes_of(message);
}

std::expected<replica_message, std::string> decode_replica_message(std::string_view bytes) {
  auto read = schema::read_message<wire::ReplicaMessage>(bytes, [](reader m) {
    return replica_message{
        {epoch_t{m.getEpoch()}, member_of(m.getFrom()), boot_t{m.getFromBoot()}, member_of(m.getTo()), boot_t{m.getToBoot()}},
        message_of(m)};
  });
  if (!read)
    return std::unexpected(std::move(read.error().text));
  return std::move(*read);
}

// Written as the answer of a replica to another that pulls.
std::string encode_log_part(std::vector<entry> entries) {
  pulled p;
  if (!entries.empty())
    p.previous = {entries.front().at.epoch, sequence_t{entries.front().at.sequence.value - 1}};
  p.entries = std::move(entries);
  return encode_replica_message({}, p);
}

std::expected<std::vector<entry>, std::string> decode_log_part(std::string_view bytes) {
  auto m = decode_replica_message(bytes);
  if (!m)
    return std::unexpected(m.error());
  auto* p = std::get_if<pulled>(&m->what);
  if (p == nullptr || p->state)
    return std::unexpected("it is no part of a log");
  return std::move(p->entries);
}

}  // namespace janji::cluster
