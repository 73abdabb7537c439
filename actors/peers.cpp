#include "actors/peers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <span>
#include <utility>

#include "actors/mail_queue.hpp"
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

namespace {

struct part_head {
  std::uint64_t number = 0;
  std::uint32_t part = 0, of = 0;
  std::uint64_t kind = 0;
};
static_assert(sizeof(part_head) == 24);

// Calls `send` with as many of the inputs at once as a message holds.
template <class Mail, class Send>
void in_messages(Mail&& mail, Send&& send) {
  Mail some{{}, mail.way};
  std::size_t bytes = 0;
  for (auto& input : mail.inputs) {
    const auto more = bytes_of(input);
    if (!some.inputs.empty() && (bytes + more > mail_bytes_max || some.inputs.size() >= mail_items_a_message_max)) {
      send(some);
      some.inputs.clear();
      bytes = 0;
    }
    bytes += more;
    some.inputs.push_back(std::move(input));
  }
  send(some);
}

// When nobody waits for any of it: what a frozen node had not sent is of no use afterwards, and an order would come too late.
template <class Mail>
std::chrono::steady_clock::time_point until(const Mail& mail) {
  auto latest = mail.way.sent;
  for (const auto& input : mail.inputs)
    latest = std::max(latest, std::visit([&](const auto& m) { return deadline_of(m, mail.way.sent); }, input));
  return std::chrono::steady_clock::now() + std::chrono::milliseconds(latest.value - mail.way.sent.value);
}

}  // namespace

// False: lost, as messages may be.
bool peers::send(std::uint64_t node, shard_id shard, kind what, std::string&& payload, std::chrono::steady_clock::time_point until) {
  if (payload.size() > cluster::peer_payload_bytes_max)
    return send_in_parts(node, shard, what, payload);
  const std::shared_lock gate(gate_);
  return links_ != nullptr && links_->send(node, {shard, static_cast<std::uint16_t>(what), until, std::move(payload)});
}

bool peers::send_in_parts(std::uint64_t node, shard_id shard, kind what, const std::string& payload) {
  if (payload.size() > told_bytes_max)
    return false;
  const std::lock_guard together(parts_mutex_);
  part_head head{++messages_in_parts_, 0, static_cast<std::uint32_t>((payload.size() + part_bytes_max - 1) / part_bytes_max),
                 static_cast<std::uint64_t>(what)};
  for (; head.part < head.of; ++head.part) {
    std::string bytes(sizeof head, '\0');
    std::memcpy(bytes.data(), &head, sizeof head);
    bytes += std::string_view(payload).substr(head.part * part_bytes_max, part_bytes_max);
    if (!send(node, shard, kind::part, std::move(bytes)))
      return false;
  }
  return true;
}

// One message at a time from each node, its parts in their order; another one begins anew.
std::string peers::take_part(const cluster::peer& from, cluster::peer_message& message) {
  part_head head;
  if (message.payload.size() <= sizeof head)
    return "a part of a message that is empty";
  std::memcpy(&head, message.payload.data(), sizeof head);
  const auto bytes = std::string_view(message.payload).substr(sizeof head);
  if (head.of == 0 || head.of > told_bytes_max / part_bytes_max || head.part >= head.of || bytes.size() > part_bytes_max ||
      head.kind == static_cast<std::uint64_t>(kind::part) || head.kind > static_cast<std::uint64_t>(kind::rounds_since))
    return "a part of a message that there cannot be";
  auto& a = assemblies_[from.node];
  if (head.part == 0)
    a = {head.number, 0, {message.shard, static_cast<std::uint16_t>(head.kind), {}, {}}};
  if (a.number != head.number || a.next != head.part)
    return {};  // an earlier one was lost, and with it the message
  a.whole.payload += bytes;
  if (++a.next < head.of)
    return {};
  auto whole = std::move(a.whole);
  assemblies_.erase(from.node);
  return take(from, whole);
}

std::set<std::uint64_t> peers::linked_nodes() {
  const std::lock_guard lock(mutex_);
  return linked_;
}

void peers::send_to_all(kind what, const std::string& payload, shard_id shard) {
  for (const auto node : linked_nodes())
    send(node, shard, what, std::string(payload));
}

void peers::replicate(shard_id shard, replication::header&& head, replication::message&& what) {
  send(head.to.node, shard, kind::replica, cluster::encode_replica_message(head, what));
}
void peers::forward(std::uint64_t node, shard_id shard, group_mail_for&& mail) {
  mail.mail.way.sent = shared_.now();
  in_messages(std::move(mail.mail), [&](const group_mail& some) {
    send(node, shard, kind::mail, schema::encode_mail(mail.group, some.way, some.inputs), until(some));
  });
}
void peers::forward(std::uint64_t node, shard_id shard, registry_mail&& mail) {
  mail.way.sent = shared_.now();
  in_messages(std::move(mail),
              [&](const registry_mail& some) { send(node, shard, kind::mail, schema::encode_mail(some.way, some.inputs), until(some)); });
}
void peers::answer(std::uint64_t node, const std::vector<janji::answer>& answers) {
  for (std::span<const janji::answer> left(answers); !left.empty();) {
    const auto some = left.first(std::min(left.size(), mail_items_a_message_max));
    send(node, {}, kind::answers, schema::encode_answers(some));
    left = left.subspan(some.size());
  }
}
void peers::tell_rounds(sequence_t applied, const std::vector<round_event>& history, const std::set<std::uint64_t>& but) {
  auto to = linked_nodes();
  std::erase_if(to, [&](std::uint64_t node) { return but.contains(node); });
  if (to.empty())
    return;
  const auto bytes = schema::encode_rounds(applied, history);
  for (const auto node : to)
    send(node, {}, kind::rounds, std::string(bytes));
}
bool peers::tell_rounds_since(std::uint64_t node, const schema::rounds_history& what) {
  return linked_nodes().contains(node) && send(node, {}, kind::rounds_since, schema::encode_rounds(what.applied, what.events, what.since));
}
std::set<std::uint64_t> peers::tell_figures(const schema::told_figures& figures, std::optional<std::uint64_t> only) {
  auto to = linked_nodes();
  if (only)
    std::erase_if(to, [&](std::uint64_t node) { return node != *only; });
  if (to.empty())
    return {};
  const auto bytes = schema::encode_figures(figures);
  std::erase_if(to, [&](std::uint64_t node) { return send(node, {}, kind::figures, std::string(bytes)); });
  return to;
}
void peers::tell_leaving() { send_to_all(kind::leaving, {}); }
void peers::tell_deposed(shard_id shard) { send_to_all(kind::deposed, {}, shard); }
void peers::tell_heard(const std::vector<schema::heard_shard>& shards) {
  if (!linked_nodes().empty())
    send_to_all(kind::heard, schema::encode_heard(shards));
}
void peers::pass_table(std::uint64_t node, shard_id shard, const schema::table_part& part) {
  send(node, shard, kind::table_part, schema::encode_table_part(part));
}
void peers::acknowledge_table(std::uint64_t node, shard_id shard, std::uint64_t number) {
  send(node, shard, kind::table_acknowledged, schema::encode_table_acknowledged(number));
}
void peers::tell_admission(const schema::told_admission& told) {
  if (!linked_nodes().empty())
    send_to_all(kind::admission_driven, schema::encode_told_admission(told));
}
void peers::tell_admission_held(std::uint64_t node, shard_id shard, sequence_t position) {
  send(node, shard, kind::admission_held, schema::encode_admission_held(position));
}
void peers::ask_admission(std::uint64_t node, shard_id shard, std::uint64_t number) {
  send(node, shard, kind::admission_asked, schema::encode_admission_asked(number));
}
void peers::answer_admission(std::uint64_t node, shard_id shard, const schema::told_admission& told) {
  send(node, shard, kind::admission_answered, schema::encode_told_admission(told));
}
void peers::tell_report(const schema::node_report& report) {
  if (!linked_nodes().empty())
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
  assemblies_.erase(with.node);
  caf::anon_send(shared_.rounds, tell_rounds_now{with.node});
  caf::anon_send(shared_.reports, report_now{});
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
      shared_.hear(*answers);
      if (!answers->empty())
        shared_.answers(std::move(*answers));
      return {};
    }
    case kind::part: return take_part(from, message);
    case kind::rounds:
    case kind::rounds_since: {
      auto rounds = schema::decode_rounds(message.payload);
      if (!rounds)
        return rounds.error().text;
      caf::anon_send(shared_.rounds, rounds_told{rounds->applied, std::move(rounds->events), rounds->since});
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
    case kind::heard:
    case kind::table_part:
    case kind::table_acknowledged: return take_tenure(from, message);
    case kind::admission_driven:
    case kind::admission_held:
    case kind::admission_asked:
    case kind::admission_answered: return take_admission(from, message);
    case kind::report:
    case kind::ask:
    case kind::said: return take_operators(from, message);
  }
  return "no such kind is known here";
}

// What leaders have counted, and to whom they pass it on.
std::string peers::take_tenure(const cluster::peer& from, const cluster::peer_message& message) {
  if (static_cast<kind>(message.kind) == kind::heard) {
    const auto heard = schema::decode_heard(message.payload);
    if (!heard)
      return heard.error().text;
    shared_.heard.hear(*heard);
  } else if (static_cast<kind>(message.kind) == kind::table_part) {
    auto part = schema::decode_table_part(message.payload);
    if (!part)
      return part.error().text;
    caf::anon_send(shared_.route.shard(message.shard), table_part_told{from.node, std::move(*part)});
  } else {
    const auto number = schema::decode_table_acknowledged(message.payload);
    if (!number)
      return number.error().text;
    caf::anon_send(shared_.route.shard(message.shard), table_heard{*number});
  }
  return {};
}

// Operators' orders about rounds on their way into the log of every shard.
std::string peers::take_admission(const cluster::peer& from, const cluster::peer_message& message) {
  const auto what = static_cast<kind>(message.kind);
  if (what == kind::admission_asked) {
    const auto number = schema::decode_admission_asked(message.payload);
    if (!number)
      return number.error().text;
    caf::anon_send(shared_.route.shard(shard_id{0}), actors::admission_asked{from.node, message.shard, *number});
    return {};
  }
  if (what == kind::admission_held) {
    const auto position = schema::decode_admission_held(message.payload);
    if (!position)
      return position.error().text;
    caf::anon_send(shared_.rounds, actors::admission_held{message.shard, *position});
    return {};
  }
  auto told = schema::decode_told_admission(message.payload);
  if (!told)
    return told.error().text;
  const bool driven = what == kind::admission_driven;
  if (driven != (told->number == 0))
    return "a driven order answers no question, and an answer is to one";
  const auto state = std::make_shared<const admission_state>(std::move(told->state));
  if (!driven) {
    caf::anon_send(shared_.route.shard(message.shard), admission_told{from.node, told->number, state});
    return {};
  }
  for (std::uint16_t s = 0; s < shared_.options.shard_count; ++s)
    caf::anon_send(shared_.route.shard(shard_id{s}), admission_told{from.node, 0, state});
  return {};
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
    shared_.route.send(g->group, group_mail{std::move(g->inputs), g->way}, message.shard);
  } else {
    auto& r = std::get<schema::mail_to_registry>(*mail);
    shared_.route.send(message.shard, registry_mail{std::move(r.inputs), r.way});
  }
  return {};
}

}  // namespace janji::actors
