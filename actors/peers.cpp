#include "actors/peers.hpp"

#include <fmt/format.h>

#include <utility>

#include "cluster/replica_codec.hpp"
#include "schema/mail.hpp"

namespace janji::actors {

// ------------------------------------------------------------------ to other nodes

void peers::use(cluster::peer_links& links) {
  const std::unique_lock gate(gate_);
  links_ = &links;
}

void peers::close() {
  const std::unique_lock gate(gate_);
  links_ = nullptr;
  closed_ = true;
}

// False: lost, as messages may be.
bool peers::send(std::uint64_t node, shard_id shard, kind what, std::string&& payload) {
  const std::shared_lock gate(gate_);
  return links_ != nullptr && links_->send(node, {shard, static_cast<std::uint16_t>(what), {}, std::move(payload)});
}

std::set<std::uint64_t> peers::linked() {
  const std::lock_guard lock(mutex_);
  return linked_;
}

void peers::send_to_all(kind what, const std::string& payload, shard_id shard) {
  for (const auto node : linked())
    send(node, shard, what, std::string(payload));
}

void peers::replicate(shard_id shard, replication::header&& head, replication::message&& what) {
  send(head.to.node, shard, kind::replica, cluster::encode_replica_message(head, what));
}
void peers::forward(std::uint64_t node, shard_id shard, group_mail_for&& mail) {
  mail.mail.way.sent = shared_.now();
  send(node, shard, kind::mail, schema::encode_mail(mail.group, mail.mail.way, mail.mail.inputs));
}
void peers::forward(std::uint64_t node, shard_id shard, registry_mail&& mail) {
  mail.way.sent = shared_.now();
  send(node, shard, kind::mail, schema::encode_mail(mail.way, mail.inputs));
}
void peers::answer(std::uint64_t node, const std::vector<janji::answer>& answers) {
  send(node, {}, kind::answers, schema::encode_answers(answers));
}
void peers::tell_rounds(sequence_t applied, const std::vector<round_event>& history) {
  if (!linked().empty())
    send_to_all(kind::rounds, schema::encode_rounds(applied, history));
}
std::set<std::uint64_t> peers::tell_figures(const std::vector<group_figures>& figures, std::optional<std::uint64_t> only) {
  auto to = linked();
  if (only)
    std::erase_if(to, [&](std::uint64_t node) { return node != *only; });
  if (to.empty() || figures.empty())
    return {};
  const auto bytes = schema::encode_figures(figures);
  std::erase_if(to, [&](std::uint64_t node) { return send(node, {}, kind::figures, std::string(bytes)); });
  return to;
}
void peers::tell_leaving() { send_to_all(kind::leaving, {}); }
void peers::tell_deposed(shard_id shard) { send_to_all(kind::deposed, {}, shard); }
void peers::tell_report(const schema::node_report& report) {
  if (!linked().empty())
    send_to_all(kind::report, schema::encode_report(report));
}
void peers::ask(std::uint64_t node, shard_id shard, const schema::shard_ask& what) {
  send(node, shard, kind::ask, schema::encode_ask(what));
}
void peers::say(std::uint64_t node, const schema::shard_said& what) { send(node, {}, kind::said, schema::encode_said(what)); }

// ------------------------------------------------------------------ from other nodes

void peers::link_up(const cluster::peer& with) {
  const std::shared_lock gate(gate_);
  if (closed_)
    return;
  {
    const std::lock_guard lock(mutex_);
    linked_.insert(with.node);
  }
  caf::anon_send(shared_.rounds, tell_rounds_now{});
  caf::anon_send(shared_.availability, tell_numbers{with.node});
  for (std::uint16_t s = 0; s < shared_.options.shard_count; ++s)
    caf::anon_send(shared_.route.shard(shard_id{s}), link_back{with.node});
}

void peers::link_broken(const cluster::peer& with) {
  const std::shared_lock gate(gate_);
  if (closed_)
    return;
  {
    const std::lock_guard lock(mutex_);
    linked_.erase(with.node);
  }
  for (std::uint16_t s = 0; s < shared_.options.shard_count; ++s)
    caf::anon_send(shared_.route.shard(shard_id{s}), link_lost{with.node});
}

void peers::received(const cluster::peer& from, cluster::peer_message&& message) {
  const std::shared_lock gate(gate_);
  if (closed_)
    return;
  const auto wrong = take(from, message);
  if (!wrong.empty() && complained_of_.insert(message.kind).second)
    shared_.warn(fmt::format("node {} sent a message of kind {} that is dropped: {}", from.node, message.kind, wrong));
}

// Empty, or why it is dropped.
std::string peers::take(const cluster::peer& from, cluster::peer_message& message) {
  if (message.shard.value >= shared_.options.shard_count)
    return "there is no such shard";
  switch (static_cast<kind>(message.kind)) {
    case kind::replica: return take_replica(from, message);
    case kind::mail: return take_mail(message);
    case kind::answers: {
      auto answers = schema::decode_answers(message.payload);
      if (!answers)
        return answers.error().text;
      std::erase_if(*answers, [this](const janji::answer& a) { return node_of(a.request) != shared_.node_id; });
      if (!answers->empty())
        shared_.answers(std::move(*answers));
      return {};
    }
    case kind::rounds: {
      auto rounds = schema::decode_rounds(message.payload);
      if (!rounds)
        return rounds.error().text;
      caf::anon_send(shared_.rounds, rounds_told{rounds->applied, std::move(rounds->events)});
      return {};
    }
    case kind::figures: {
      auto figures = schema::decode_figures(message.payload);
      if (!figures)
        return figures.error().text;
      caf::anon_send(shared_.availability, numbers_elsewhere{std::move(*figures)});
      return {};
    }
    case kind::leaving:
      for (std::uint16_t s = 0; s < shared_.options.shard_count; ++s)
        caf::anon_send(shared_.route.shard(shard_id{s}), node_leaves{from.node});
      return {};
    case kind::deposed: caf::anon_send(shared_.route.shard(message.shard), leader_deposed{}); return {};
    case kind::report:
    case kind::ask:
    case kind::said: return take_operators(from, message);
  }
  return "no such kind is known here";
}

// What operators want to know of nodes and shards.
std::string peers::take_operators(const cluster::peer& from, const cluster::peer_message& message) {
  if (static_cast<kind>(message.kind) == kind::report) {
    auto report = schema::decode_report(message.payload);
    if (!report)
      return report.error().text;
    caf::anon_send(shared_.reports, report_told{from.node, std::move(*report)});
  } else if (static_cast<kind>(message.kind) == kind::ask) {
    const auto ask = schema::decode_ask(message.payload);
    if (!ask)
      return ask.error().text;
    caf::anon_send(shared_.reports, shard_asked{from.node, message.shard, *ask});
  } else {
    auto said = schema::decode_said(message.payload);
    if (!said)
      return said.error().text;
    caf::anon_send(shared_.reports, shard_answered{from.node, std::move(*said)});
  }
  return {};
}

// No node sends these: the shard's plug-ins have no snapshot to give and none to install.
static bool asks_for_snapshot(const replication::message& m) {
  const auto* pull = std::get_if<replication::pull_request>(&m);
  const auto* pulled = std::get_if<replication::pulled>(&m);
  return std::holds_alternative<replication::install_request>(m) || (pull != nullptr && pull->whole) ||
         (pulled != nullptr && pulled->state);
}

// The link vouches for the sender, the message does not.
std::string peers::take_replica(const cluster::peer& from, const cluster::peer_message& message) {
  auto said = cluster::decode_replica_message(message.payload);
  if (!said)
    return said.error();
  if (said->head.from.node != from.node || said->head.from_boot != from.boot)
    return "it says that it is from somebody else";
  if (asks_for_snapshot(said->what))
    return "it is about a snapshot of a log; logs are kept whole";
  caf::anon_send(shared_.route.shard(message.shard), replica_said{said->head, std::move(said->what)});
  return {};
}

std::string peers::take_mail(const cluster::peer_message& message) {
  auto mail = schema::decode_mail(message.payload, shared_.now());
  if (!mail)
    return mail.error().text;
  if (auto* g = std::get_if<schema::mail_to_group>(&*mail)) {
    shared_.route.send(g->group, group_mail{std::move(g->inputs), g->way});
  } else {
    auto& r = std::get<schema::mail_to_registry>(*mail);
    shared_.route.send(message.shard, registry_mail{std::move(r.inputs), r.way});
  }
  return {};
}

}  // namespace janji::actors
