#include "net/cluster_api.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/json.hpp>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include "cluster/feature_level.hpp"
#include "cluster/moves.hpp"
#include "cluster/record_text.hpp"
#include "cluster/replica_codec.hpp"
#include "booking/assert.hpp"
#include "booking/text_parts.hpp"
#include "net/admin_json.hpp"
#include "net/front.hpp"

namespace janji::net {

namespace json = boost::json;

namespace {

using told_reports = std::map<std::uint64_t, actors::told_report>;

std::uint64_t number_in(const json::object& o, std::string_view name) {
  const auto* v = o.if_contains(json::string_view(name.data(), name.size()));
  boost::system::error_code ec;
  const auto n = v != nullptr && v->is_number() ? v->to_number<std::uint64_t>(ec) : 0;
  return ec ? 0 : n;
}

json::array nodes_of(const std::vector<replication::member>& list) {
  json::array out;
  for (const auto& m : list)
    out.push_back(m.node);
  return out;
}

bool is_fresh(const actors::told_report& told, unix_ms now) { return now.value - told.at.value < actors::report_stale_ms; }

// Of the disks that were heard of lately.
std::uint32_t usual_write_us(const cluster::cluster_view& v, const told_reports& reports, unix_ms now) {
  std::vector<std::uint32_t> known;
  for (const auto& [node, told] : reports)
    if (is_fresh(told, now) && told.report.disk_write_us != 0)
      known.push_back(told.report.disk_write_us);
  std::size_t enough = 1;
  for (const auto& s : v.shards)
    enough = std::max<std::size_t>(enough, s.record.record.min_in_sync);
  return replication::usual_write_us(std::move(known), enough);
}

bool is_slow(const actors::told_report& told, std::uint32_t usual_us, unix_ms now) {
  return is_fresh(told, now) && replication::machine_options{}.slow.is_slow(told.report.disk_write_us, usual_us);
}

// What leaders wait for because no disk that they hear holds it (rule 22), as fresh reports say.
std::map<std::uint16_t, std::pair<std::uint64_t, std::uint64_t>> missing(const told_reports& reports, unix_ms now) {
  std::map<std::uint16_t, std::pair<std::uint64_t, std::uint64_t>> out;
  for (const auto& [node, told] : reports)
    if (is_fresh(told, now))
      for (const auto& s : told.report.shards)
        if (s.missing)
          out[s.shard.value] = {s.missing->first.value, s.missing->second.value};
  return out;
}

// Whose disks are there: what is registered, and, since a registration alone may lapse while its node goes on, nodes without one that were
// heard lately.
struct presence {
  std::vector<cluster::node_registration> registered;
  std::set<std::uint64_t> heard;

  presence(const cluster::cluster_view& v, const told_reports& reports, unix_ms now) {
    for (const auto& n : v.nodes)
      if (const auto told = reports.find(n.fact.node); n.registered)
        registered.push_back(*n.registered);
      else if (told != reports.end() && is_fresh(told->second, now))
        heard.insert(n.fact.node);
  }
  // Of a shard's set.
  [[nodiscard]] std::vector<replication::member> away(const cluster::shard_record& r) const {
    auto out = cluster::disks_away(r, registered);
    std::erase_if(out, [this](const replication::member& m) { return heard.contains(m.node); });
    return out;
  }
};

// Where the members that are there are too few to serve: for whom it waits. And who could take a place: learners that are there.
struct waiting_for {
  std::vector<replication::member> disks;
  std::vector<replication::member> learners;
};
waiting_for waits_for(const presence& there, const cluster::shard_record& r) {
  waiting_for w{there.away(r), r.learners};
  if (r.in_sync.size() - w.disks.size() >= r.min_in_sync)
    return {};
  std::erase_if(w.learners, [&](const replication::member& m) {
    return std::ranges::none_of(there.registered, [&](const auto& n) { return replication::member{n.node, n.disk} == m; });
  });
  return w;
}

// Which shards are served somewhere, as fresh reports say. A leader that waits for its members confirms nothing.
std::set<std::uint16_t> served(const cluster::cluster_view& v, const presence& there, const told_reports& reports, unix_ms now) {
  std::set<std::uint16_t> out;
  for (const auto& [node, told] : reports)
    if (is_fresh(told, now))
      for (const auto& s : told.report.shards)
        if (s.serving)
          out.insert(s.shard.value);
  for (const auto& s : v.shards)
    if (!waits_for(there, s.record.record).disks.empty())
      out.erase(s.shard.value);
  return out;
}

struct judgement {
  std::size_t not_serving = 0, missing_replicas = 0, below_floor = 0, nodes_away = 0, low_disks = 0, hung_disks = 0, slow_disks = 0;
  std::size_t wrong_directories = 0, nodes_waiting = 0, clocks_set = 0, moves_left = 0, by_one_disk = 0;
  [[nodiscard]] std::string_view verdict(bool store_away) const {
    if (not_serving != 0)
      return "broken";
    const bool a_disk_is_bad = low_disks != 0 || hung_disks != 0 || slow_disks != 0 || wrong_directories != 0;
    const bool a_node_is_bad = nodes_away != 0 || nodes_waiting != 0 || clocks_set != 0;
    return missing_replicas != 0 || a_node_is_bad || a_disk_is_bad || store_away ? "degraded" : "healthy";
  }
};

judgement judge(const cluster::cluster_view& v, const told_reports& reports, unix_ms now) {
  judgement j;
  const presence there(v, reports, now);
  const auto serves = served(v, there, reports, now);
  for (const auto& s : v.shards) {
    const auto& r = s.record.record;
    const auto complete = r.in_sync.size() - there.away(r).size();
    j.not_serving += serves.contains(s.shard.value) ? 0 : 1;
    j.missing_replicas += r.replicas_wanted > complete ? r.replicas_wanted - complete : 0;
    j.below_floor += s.record.revision != 0 && complete <= r.min_in_sync && r.replicas_wanted > r.min_in_sync ? 1 : 0;
    j.by_one_disk += s.record.revision != 0 && r.min_in_sync <= 1 && r.replicas_wanted > 1 ? 1 : 0;
  }
  for (const auto& n : v.nodes)
    j.nodes_away += n.fact.state != cluster::node_state::removed && !n.registered ? 1 : 0;
  const auto usual_us = usual_write_us(v, reports, now);
  for (const auto& [node, told] : reports)
    if (is_fresh(told, now)) {
      j.slow_disks += is_slow(told, usual_us, now) ? 1 : 0;
      j.low_disks += told.report.storage_low ? 1 : 0;
      j.clocks_set += cluster::is_clock_set(told.report.clock_set_ms) ? 1 : 0;
      j.wrong_directories += told.report.directory_wrong.empty() ? 0 : 1;
      j.nodes_waiting += told.report.waits_for.empty() ? 0 : 1;
      j.hung_disks += told.report.disk_waits_ms >= cluster::disk_hangs_ms ? 1 : 0;
    }
  j.moves_left = cluster::moves_left(v);
  return j;
}

// Empty: there is nothing to do about it.
std::string feature_level_advice(const cluster::cluster_view& v) {
  if (v.feature_level >= cluster::feature_level_newest)
    return {};
  if (const auto no = cluster::why_not_raise(v))
    return fmt::format("it can be raised to {} later: {}", cluster::feature_level_newest, *no);
  return fmt::format("it can be raised to {}: janjictl cluster raise", cluster::feature_level_newest);
}

// A node that serves no citizens tells nobody where.
std::string_view role_of(const cluster::node_view& n) {
  if (!n.fact.stores)
    return "front";
  return n.registered && n.registered->fronts.empty() ? "store" : "both";
}

json::object node_json(const cluster::node_view& n, const told_reports& reports, std::uint32_t usual_us, unix_ms now) {
  json::object out{{"node", n.fact.node},
                   {"state", cluster::name_of(n.fact.state)},
                   {"there", n.registered.has_value()},
                   {"zone", n.fact.zone},
                   {"weight", n.fact.weight},
                   {"role", role_of(n)},
                   {"leads", n.leads},
                   {"holds", n.holds},
                   {"learns", n.learns},
                   {"wanted", n.wanted}};
  if (n.registered) {
    out["disk"] = fmt::format("{:x}", n.registered->disk);
    out["links"] = n.registered->links;
    out["fronts"] = n.registered->fronts;
    out["version"] = n.registered->version;
  }
  if (const auto told = reports.find(n.fact.node); told != reports.end()) {
    out["heard_ms_ago"] = now.value - told->second.at.value;
    out["disk_free_bytes"] = told->second.report.disk_free_bytes;
    out["storage_low"] = told->second.report.storage_low;
    if (told->second.report.clock != unix_ms{})
      out["clock_ahead_ms"] = told->second.clock_ahead_ms;  // the way here took some of it
    out["clock_set_ms"] = told->second.report.clock_set_ms;
    if (!told->second.report.directory_wrong.empty())
      out["directory_wrong"] = told->second.report.directory_wrong;
    if (!told->second.report.waits_for.empty())
      out["takes_no_bookings"] = told->second.report.waits_for;
    out["disk_waits_ms"] = told->second.report.disk_waits_ms;
    out["disk_is_slow"] = is_slow(told->second, usual_us, now);
    out["disk_write_ms"] = told->second.report.disk_write_us / 1000.0;
  }
  return out;
}

json::array shards_json(const cluster::cluster_view& v, const told_reports& reports, unix_ms now) {
  const presence there(v, reports, now);
  const auto serves = served(v, there, reports, now);
  const auto lost = missing(reports, now);
  std::map<std::uint16_t, std::uint64_t> committed;
  for (const auto& [node, told] : reports)
    for (const auto& s : told.report.shards)
      committed[s.shard.value] = std::max(committed[s.shard.value], s.committed.value);
  json::array out;
  for (const auto& s : v.shards) {
    const auto& r = s.record.record;
    json::array wanted;
    for (const auto n : s.wanted)
      wanted.push_back(n);
    out.push_back({{"shard", s.shard.value},
                   {"epoch", r.epoch.value},
                   {"leader", r.leader.node},
                   {"in_sync", nodes_of(r.in_sync)},
                   {"learners", nodes_of(r.learners)},
                   {"wanted", std::move(wanted)},
                   {"pinned", s.pinned},
                   {"serving", serves.contains(s.shard.value)},
                   {"committed", committed[s.shard.value]}});
    if (const auto at = lost.find(s.shard.value); at != lost.end())
      out.back().as_object()["missing"] = json::object{{"epoch", at->second.first}, {"sequence", at->second.second}};
    if (const auto w = waits_for(there, r); !w.disks.empty()) {
      json::array disks;
      for (const auto& m : w.disks)
        disks.push_back({{"node", m.node}, {"disk", fmt::format("{:x}", m.disk)}});
      out.back().as_object()["waits_for"] = std::move(disks);
      out.back().as_object()["may_replace"] = nodes_of(w.learners);
    }
  }
  return out;
}

}  // namespace

void cluster_api::serve(const admin_match& at, const request& r, bool dry_run, responder&& respond) {
  if (cluster_ == nullptr)
    return respond(to_response(because<reason_code::alone>(problem_code::wrong_state)));
  const auto body = object_of(r.body);
  if (!body)
    return respond(to_response(body.error()));
  const auto order = last_part(at.row->pattern);
  switch (at.row->to) {
    case admin_endpoint::cluster: return respond(json_response(picture()));
    case admin_endpoint::cluster_probe: return probe(std::move(respond));
    case admin_endpoint::cluster_log: return read_log(at.arguments[0], query_value(r.query, "after"), std::move(respond));
    case admin_endpoint::cluster_node: return change_node(at.arguments[0], order, dry_run, std::move(respond));
    case admin_endpoint::cluster_moves:
      return carry_out(std::move(respond), dry_run, fmt::format("rebalance {}", order), {},
                       [this, pause = order == "pause", dry_run] { return cluster_->pause_moves(pause, dry_run); });
    case admin_endpoint::cluster_level:
      return carry_out(std::move(respond), dry_run, "cluster raise", fmt::format("level {}", cluster::feature_level_newest),
                       [this, dry_run] { return cluster_->raise_feature_level(dry_run); });
    case admin_endpoint::cluster_shard: return change_shard(at.arguments[0], order, *body, dry_run, std::move(respond));
    default: assert_always(false, "admin_api::serve() sends what is the cluster's here, and nothing else");
  }
}

json::object cluster_api::picture() const {
  const auto view = cluster_->view();
  const auto reports = node_.reports();
  const auto now = node_.now();
  const auto j = judge(view, *reports, now);
  const auto usual_us = usual_write_us(view, *reports, now);
  json::array nodes;
  for (const auto& n : view.nodes)
    nodes.push_back(node_json(n, *reports, usual_us, now));
  return {{"verdict", j.verdict(!view.store_away.empty())},
          {"cluster", view.name},
          {"self", view.self},
          {"nodes", std::move(nodes)},
          {"shards_not_serving", j.not_serving},
          {"replicas_missing", j.missing_replicas},
          {"shards_at_their_floor", j.below_floor},
          {"shards_confirmed_by_one_disk", j.by_one_disk},
          {"moves_left", j.moves_left},
          {"moves_paused", view.moves_paused},
          {"feature_level", view.feature_level},
          {"feature_level_advice", feature_level_advice(view)},
          {"store_away", view.store_away},
          {"shards", shards_json(view, *reports, now)}};
}

json::object cluster_api::summary() const {
  if (cluster_ == nullptr)
    return {};
  const auto view = cluster_->view();
  const auto j = judge(view, *node_.reports(), node_.now());
  const auto there = std::ranges::count_if(view.nodes, [](const auto& n) { return n.registered.has_value(); });
  return {{"name", view.name},
          {"verdict", j.verdict(!view.store_away.empty())},
          {"node", view.self},
          {"nodes", view.nodes.size()},
          {"nodes_there", there},
          {"shards_not_serving", j.not_serving},
          {"replicas_missing", j.missing_replicas},
          {"shards_at_their_floor", j.below_floor},
          {"moves_left", j.moves_left},
          {"moves_paused", view.moves_paused},
          {"feature_level", view.feature_level},
          {"feature_level_advice", feature_level_advice(view)},
          {"store_away", view.store_away}};
}

std::optional<finding> cluster_api::room_for(std::uint64_t bytes) const {
  if (cluster_ == nullptr)
    return std::nullopt;
  return net::room_for(bytes, cluster_->view(), *node_.reports(), node_.now());
}

void cluster_api::change_node(std::string_view number, std::string_view order, bool dry_run, responder&& respond) {
  static const std::map<std::string_view, cluster::node_state> verbs{{"add", cluster::node_state::active},
                                                                     {"undrain", cluster::node_state::active},
                                                                     {"drain", cluster::node_state::draining},
                                                                     {"remove", cluster::node_state::removed}};
  const auto node = whole_number(number);
  const auto verb = verbs.find(order);
  if (!node || verb == verbs.end())
    return respond(to_response({.code = problem_code::no_such_endpoint}));
  carry_out(std::move(respond), dry_run, fmt::format("node {}", order), fmt::format("node {}", *node),
            [this, node = *node, to = verb->second, dry_run] { return cluster_->change_node(node, to, dry_run); });
}

// What a node has said of its copy of a shard.
std::string cluster_api::held_by(std::uint64_t node, shard_id shard) const {
  const auto reports = node_.reports();
  if (const auto told = reports->find(node); told != reports->end())
    for (const auto& s : told->second.report.shards)
      if (s.shard == shard)
        return fmt::format("its log ends at position {}, {} of it known to be committed", s.tail.value, s.committed.value);
  return "it has not said how far its log goes";
}

// What `view` cannot show: whether what is there answers.
void cluster_api::probe(responder&& respond) {
  if (probes_.full())
    return respond(to_response(because<reason_code::too_many_wait>(problem_code::busy)));
  if (!probes_.join([kept = std::make_shared<responder>(std::move(respond))](const response& r) { (*kept)(response(r)); }))
    return;
  prober_.run([this] {
    const auto written = cluster_->probe_store();
    boost::asio::post(io_, [this, written] {
      shards_.ask([this, written](const shard_probe::silent_shards& silent) {
        json::array shards(silent.begin(), silent.end());
        probes_.answer(json_response(json::object{{"shards_silent", std::move(shards)}, {"store_wrong", written ? "" : written.error()}}));
      });
    });
  });
}

// Citizens' records are in it as they are kept: sealed.
void cluster_api::read_log(std::string_view number, const std::string& after, responder&& respond) {
  const auto shard = whole_number(number);
  const auto from = whole_number(after.empty() ? "0" : after);
  if (!shard || *shard >= limits::shards_max)
    return respond(to_response({.code = problem_code::no_such_endpoint}));
  if (!from)
    return respond(to_response(because<reason_code::bad_position>(problem_code::malformed_request)));
  auto kept = std::make_shared<responder>(std::move(respond));
  node_.read_log(shard_id{static_cast<std::uint16_t>(*shard)}, sequence_t{*from}, [this, kept](auto part) {
    boost::asio::post(io_, [kept, part = std::move(part)]() mutable {
      if (!part)
        return (*kept)(to_response(refused(part.error())));
      (*kept)({.content_type = "application/octet-stream", .body = std::move(*part)});
    });
  });
}

void cluster_api::change_shard(std::string_view number_text, std::string_view order, const json::object& body, bool dry_run,
                               responder&& respond) {
  const auto number = whole_number(number_text);
  if (!number || *number >= limits::shards_max)
    return respond(to_response({.code = problem_code::no_such_endpoint}));
  const shard_id shard{static_cast<std::uint16_t>(*number)};
  if (order == "verify")
    return node_.verify_shard(shard, done(std::move(respond)));
  const auto about = fmt::format("shard {}", shard.value);
  if (order == "replace") {
    const auto dead = number_in(body, "dead");
    const auto by = number_in(body, "by");
    auto say = done(std::move(respond));
    return node_.replace_member(
        shard, dead, by,
        [&node = node_, say, dry_run, detail = fmt::format("{}: node {} by node {}", about, dead, by)](const auto& what) {
          if (what && !dry_run)
            note(node, "shard replace", detail);
          say(what);
        },
        dry_run);
  }
  if (order == "unsafe-promote")
    return carry_out(std::move(respond), dry_run, "shard unsafe-promote", fmt::format("{}: node {}", about, number_in(body, "node")),
                     [this, shard, node = number_in(body, "node"), dry_run]() -> said {
                       auto what = cluster_->promote_alone(shard, node, dry_run);
                       return what ? said(*what + "; " + held_by(node, shard)) : what;
                     });
  std::vector<std::uint64_t> nodes;
  if (const auto* list = body.if_contains("nodes"); list != nullptr && list->is_array()) {
    if (list->get_array().size() > cluster::limits::record_members_max)
      return respond(to_response(
          because(problem_code::invalid, cause_of<reason_code::too_many_replicas, "limit">(cluster::limits::record_members_max))));
    for (const auto& n : list->get_array())
      nodes.push_back(number_in(json::object{{"n", n}}, "n"));
  }
  carry_out(std::move(respond), dry_run, "shard place", fmt::format("{}: nodes {}", about, fmt::join(nodes, ", ")),
            [this, shard, nodes, dry_run] { return cluster_->pin(shard, nodes, dry_run); });
}

void cluster_api::carry_out(responder&& respond, bool dry_run, std::string what, std::string detail, std::function<said()> change) {
  changes_.run(std::move(respond), [this, dry_run, what = std::move(what), detail = std::move(detail), change = std::move(change)] {
    const auto result = change();
    if (result && !dry_run)
      note(node_, what, detail);
    return answer_of(result);
  });
}

actors::operator_done cluster_api::done(responder&& respond) {
  auto kept = std::make_shared<responder>(std::move(respond));
  return [this, kept](const auto& what) { boost::asio::post(io_, [kept, what] { (*kept)(answer_of(what)); }); };
}

}  // namespace janji::net
