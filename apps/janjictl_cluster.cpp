// janjictl's verbs about a cluster: nodes, where shards lie, what is wrong.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <thread>

#include "apps/janjictl.hpp"
#include "cluster/operations.hpp"

namespace janji::apps {

namespace http = boost::beast::http;
namespace json = boost::json;

namespace {
constexpr auto cluster_root = "/admin/v1/cluster";
}

std::expected<json::object, no_picture> picture(const connection& c) {
  auto r = call(c, http::verb::get, cluster_root);
  if (!r)
    return std::unexpected(no_picture{0, r.error()});
  if (r->status != 200 || !r->body.is_object())
    return std::unexpected(no_picture{r->status, failure(refusal(*r), exit_broken, r->url)});
  return std::move(r->body.get_object());
}

namespace {

std::uint64_t number(const json::object& o, const char* name) {
  const auto* v = o.if_contains(name);
  return v != nullptr && v->is_number() ? v->to_number<std::uint64_t>() : 0;
}

std::string list_of(const json::value& v) {
  std::string out;
  for (const auto& n : v.as_array())
    out += (out.empty() ? "" : ",") + scalar(n);
  return out;
}

void print_nodes(const json::object& p) {
  print("{:>5} {:<9} {:<6} {:<5} {:>6} {:>6} {:>6} {:>7} {:>7}  {:<22} {}\n", "node", "state", "there", "role", "weight", "leads", "holds",
        "learns", "wanted", "fronts", "zone");
  for (const auto& v : p.at("nodes").as_array()) {
    const auto& n = v.as_object();
    print("{:>5} {:<9} {:<6} {:<5} {:>6} {:>6} {:>6} {:>7} {:>7}  {:<22} {}\n", number(n, "node"), scalar(n.at("state")),
          n.at("there").as_bool() ? "yes" : "no", scalar(n.at("role")), number(n, "weight"), number(n, "leads"), number(n, "holds"),
          number(n, "learns"), number(n, "wanted"),
          n.contains("fronts") && !n.at("fronts").as_string().empty() ? scalar(n.at("fronts")) : "-", scalar(n.at("zone")));
  }
}

bool is_done(const json::object& shard) {
  const auto& have = shard.at("in_sync").as_array();
  return std::ranges::all_of(shard.at("wanted").as_array(), [&](const auto& n) { return std::ranges::find(have, n) != have.end(); });
}

void print_shards(const json::object& p, bool only_moving) {
  print("{:>5} {:>7} {:>6} {:<14} {:<10} {:<14} {:<7} {:>10}\n", "shard", "epoch", "leader", "in sync", "learners", "wanted", "serves",
        "committed");
  for (const auto& v : p.at("shards").as_array()) {
    const auto& s = v.as_object();
    if (only_moving && is_done(s))
      continue;
    print("{:>5} {:>7} {:>6} {:<14} {:<10} {:<14} {:<7} {:>10}{}\n", number(s, "shard"), number(s, "epoch"), number(s, "leader"),
          list_of(s.at("in_sync")), list_of(s.at("learners")), list_of(s.at("wanted")), s.at("serving").as_bool() ? "yes" : "no",
          number(s, "committed"), s.at("pinned").as_bool() ? "  pinned" : "");
  }
}

int show_picture(const connection& c, const std::function<void(const json::object&)>& table) {
  const auto p = picture(c);
  if (!p)
    return fail(p.error().why);
  if (c.as_json)
    print("{}\n", json::serialize(*p));
  else
    table(*p);
  return 0;
}

// `left` says what is.
int wait_until_done(const connection& c, const std::string& what, const std::function<std::uint64_t(const json::object&)>& left,
                    std::uint32_t seconds) {
  const auto now = [&]() -> result<std::uint64_t> {
    const auto p = picture(c);
    return p ? result<std::uint64_t>(left(*p)) : std::unexpected(p.error().why);
  };
  return wait_until_none(what, now, seconds);
}

std::uint64_t held_by(const json::object& p, std::uint64_t node) {
  for (const auto& n : p.at("nodes").as_array())
    if (number(n.as_object(), "node") == node)
      return number(n.as_object(), "holds") + number(n.as_object(), "learns");
  return 0;
}

// Replicas to be made, and leaderships that are not where they are to be.
std::uint64_t left_to_move(const json::object& p) {
  std::uint64_t left = 0;
  for (const auto& v : p.at("shards").as_array()) {
    const auto& s = v.as_object();
    const auto& wanted = s.at("wanted").as_array();
    left += is_done(s) ? 0 : 1;
    left += !wanted.empty() && s.at("leader") != wanted.front() ? 1 : 0;
    left += s.at("in_sync").as_array().size() + s.at("learners").as_array().size() != wanted.size() ? 1 : 0;
  }
  return left;
}

void add_node_commands(CLI::App& app, connection& c, int& code) {
  auto* node = app.add_subcommand("node", "the nodes of the cluster; a new one joins by being started")->require_subcommand(1);
  node->add_subcommand("list", "all nodes, what they lead and hold")->callback([&c, &code] { code = show_picture(c, print_nodes); });
  auto* which = c.keep<std::uint64_t>();
  auto* wait = c.keep<waiting>();
  for (const auto& [verb, what] : {std::pair{"drain", "move everything off it, leaderships first"},
                                   {"undrain", "let it hold shards again"},
                                   {"remove", "forget it, once it holds nothing and has stopped"},
                                   {"add", "let a removed number join again"}}) {
    auto* sub = node->add_subcommand(verb, what);
    sub->add_option("node", *which, "its number")->required();
    add_wait(sub, wait);
    sub->callback([&c, &code, which, wait, verb = std::string(verb)] {
      code = order(c, http::verb::post, fmt::format("{}/nodes/{}/{}", cluster_root, *which, verb), nullptr, "node list");
      if (code != 0 || c.dry_run || !wait->wanted)
        return;
      if (verb == "drain")
        code = wait_until_done(
            c, fmt::format("draining node {}", *which), [n = *which](const auto& p) { return held_by(p, n); }, wait->seconds);
      else
        code = wait_until_done(c, "moving shards", left_to_move, wait->seconds);
    });
  }
}

void add_rebalance_commands(CLI::App& app, connection& c, int& code) {
  auto* rebalance = app.add_subcommand("rebalance", "moves of shards between nodes")->require_subcommand(1);
  auto* wait = c.keep<waiting>();
  rebalance->add_subcommand("plan", "the shards that are not yet where they are to be")->callback([&c, &code] {
    code = show_picture(c, [](const auto& p) { print_shards(p, true); });
  });
  auto* status = rebalance->add_subcommand("status", "how much is left");
  add_wait(status, wait);
  status->callback([&c, &code, wait] {
    if (wait->wanted) {
      code = wait_until_done(c, "moving shards", left_to_move, wait->seconds);
      return;
    }
    const auto p = picture(c);
    if (!p) {
      code = fail(p.error().why);
      return;
    }
    const json::object said{
        {"moves_left", p->at("moves_left")}, {"moves_paused", p->at("moves_paused")}, {"replicas_missing", p->at("replicas_missing")}};
    print_result(c, said);
  });
  for (const auto& [verb, what] : {std::pair{"pause", "only what is missing is made good"}, {"start", "go on"}})
    rebalance->add_subcommand(verb, what)->callback([&c, &code, verb = std::string(verb)] {
      code = order(c, http::verb::post, fmt::format("{}/moves/{}", cluster_root, verb), nullptr, "rebalance status");
    });
}

int verify_all(const connection& c, const json::object& p) {
  json::array differ;
  const auto& shards = p.at("shards").as_array();
  const bool watched = isatty(STDERR_FILENO) != 0;
  for (const auto& s : shards) {
    const auto n = number(s.as_object(), "shard");
    const auto r = call(c, http::verb::post, fmt::format("{}/shards/{}/verify", cluster_root, n));
    if (!r || r->status != 200)
      differ.push_back({{"shard", n}, {"why", r ? refusal(*r) : r.error().why}});
    if (watched)
      tell("\rverified {} of {}{}", n + 1, shards.size(), n + 1 == shards.size() ? "\n" : "");
  }
  const auto same = shards.size() - differ.size();
  const int code = differ.empty() ? 0 : exit_refused;
  if (c.as_json) {
    print("{}\n", json::serialize(json::object{{"shards", shards.size()}, {"same", same}, {"wrong", std::move(differ)}}));
    return code;
  }
  for (const auto& d : differ)
    print("shard {}: {}\n", scalar(d.at("shard")), scalar(d.at("why")));
  print("{} of {} shards: all replicas hold the same\n", same, shards.size());
  return code;
}

void add_shard_commands(CLI::App& app, connection& c, int& code) {
  auto* shard = app.add_subcommand("shard", "one shard's replicas")->require_subcommand(1);
  shard->add_subcommand("list", "all shards: who leads, who is in sync")->callback([&c, &code] {
    code = show_picture(c, [](const auto& p) { print_shards(p, false); });
  });
  auto* which = c.keep<std::string>();
  auto* nodes = c.keep<std::vector<std::uint64_t>>();
  auto* two = c.keep<std::pair<std::uint64_t, std::uint64_t>>();
  auto* confirm = c.keep<std::string>();
  const auto place = [&c, &code, which](const std::vector<std::uint64_t>& on) {
    json::array list(on.begin(), on.end());
    code = order(c, http::verb::post, fmt::format("{}/shards/{}/place", cluster_root, *which), json::object{{"nodes", std::move(list)}},
                 "shard list");
  };
  auto* shown = shard->add_subcommand("show", "what its log ends with, and its record");
  shown->add_option("shard", *which)->required();
  shown->callback([&c, &code, which] { code = show(c, call(c, http::verb::get, "/admin/v1/show/shard/" + *which), "shard"); });
  auto* move = shard->add_subcommand("move", "to these nodes, the leader first, whatever the placement would choose");
  move->add_option("shard", *which)->required();
  move->add_option("--to", *nodes, "as many as there are replicas")->required()->delimiter(',');
  move->callback([place, nodes] { place(*nodes); });
  auto* unpin = shard->add_subcommand("unpin", "let the placement choose again");
  unpin->add_option("shard", *which)->required();
  unpin->callback([place] { place({}); });
  auto* verify = shard->add_subcommand("verify", "do all its replicas hold the same? `all` for every shard");
  verify->add_option("shard", *which)->required();
  verify->callback([&c, &code, which] {
    if (*which != "all") {
      code = show(c, call(c, http::verb::post, fmt::format("{}/shards/{}/verify", cluster_root, *which)), "result");
      return;
    }
    const auto p = picture(c);
    code = p ? verify_all(c, *p) : fail(p.error().why);
  });
  auto* replace = shard->add_subcommand("replace", "a member that never comes back, where the rest are too few to drop it");
  replace->add_option("shard", *which)->required();
  replace->add_option("--dead", two->first, "its node")->required();
  replace->add_option("--by", two->second, "the learner that takes its place")->required();
  replace->add_option("--confirm", *confirm, "the shard's number again: what only the dead disk held is lost")->required();
  replace->callback([&c, &code, which, two, confirm] {
    if (*confirm != *which) {
      code = fail("--confirm must be the shard's number: everything that was acknowledged is trusted to one disk");
      return;
    }
    code = order(c, http::verb::post, fmt::format("{}/shards/{}/replace", cluster_root, *which),
                 json::object{{"dead", two->first}, {"by", two->second}}, "shard show " + *which);
  });
  auto* promote = shard->add_subcommand(
      "unsafe-promote", "the last resort: every disk that was in sync is gone for good, and this one, which was not, goes on alone");
  promote->add_option("shard", *which)->required();
  promote->add_option("--node", two->first, "whose disk is to be trusted; --dry-run says how far its log goes")->required();
  promote->add_option("--confirm", *confirm, "shard-N: bookings that citizens hold confirmations of may be lost");
  promote->callback([&c, &code, which, two, confirm] {
    if (!c.dry_run && *confirm != "shard-" + *which) {
      code = fail(fmt::format(
          "bookings that citizens hold confirmations of may be lost: look with --dry-run first, then add --confirm shard-{}", *which));
      return;
    }
    code = order(c, http::verb::post, fmt::format("{}/shards/{}/unsafe-promote", cluster_root, *which), json::object{{"node", two->first}},
                 "shard show " + *which);
  });
}

// How many shards have that field, and the first of them.
std::pair<std::size_t, const json::object*> shards_with(const json::array& shards, const char* field) {
  std::pair<std::size_t, const json::object*> out{0, nullptr};
  for (const auto& v : shards)
    if (v.as_object().contains(field) && out.first++ == 0)
      out.second = &v.as_object();
  return out;
}

// Shards that wait for what is known to be committed and on no disk that is there; empty: none does.
std::string disks_put_back(const json::array& shards) {
  const auto [count, s] = shards_with(shards, "missing");
  if (count == 0)
    return "";
  const auto& at = s->at("missing").as_object();
  return fmt::format(
      "{} shards stop, for their disks were put back: shard {}, which the disks of nodes {} hold, lacks position {}.{}. Start the disk "
      "that has it; if it is gone, `--dry-run shard unsafe-promote SHARD --node N` says what would be lost",
      count, scalar(s->at("shard")), list_of(s->at("in_sync")), scalar(at.at("epoch")), scalar(at.at("sequence")));
}

// Of nodes and seconds each.
std::string words_of_clocks(const std::string& apart, const std::string& set) {
  const auto of_set = set.empty() ? "" : "set after the start, moments shown go on as before, a restart puts it right:" + set;
  if (apart.empty())
    return set.empty() ? "together" : of_set;
  return "ahead of this node's:" + apart + (set.empty() ? "" : "; " + of_set);
}

struct tried_line {
  std::string_view what;
  bool good = true;
  std::string detail;
};
struct trial {
  std::vector<tried_line> lines;
  bool silent = false;  // a shard gave no answer
};

// What is shown may be old, or true and of no use: so it is tried. What could not be tried is not passed over, but for a node of an earlier
// version, which cannot.
trial try_cluster(const connection& c) {
  constexpr std::string_view shards_line = "shards answer";
  constexpr std::string_view store_line = "store takes writes";
  const auto tried = call_when_free(c, http::verb::get, std::string(cluster_root) + "/probe");
  if (tried && tried->status == status_unknown)
    return {};
  if (!tried || tried->status != 200 || !tried->body.is_object()) {
    const auto why = "not tried: " + (tried ? refusal(*tried) : tried.error().why);
    return {{{shards_line, false, why}, {store_line, false, why}}, false};
  }
  const auto& t = tried->body.get_object();
  const bool silent = !t.at("shards_silent").as_array().empty();
  const auto wrong = scalar(t.at("store_wrong"));
  return {{{shards_line, !silent, silent ? "no answer from " + list_of(t.at("shards_silent")) : "all, asked from this node"},
           {store_line, wrong.empty(), wrong}},
          silent};
}

// Shards that stand still because too many of their members are away, and what to do about the first; empty: there is none.
std::string disks_waited_for(const json::array& shards) {
  const auto [count, s] = shards_with(shards, "waits_for");
  if (count == 0)
    return "";
  const auto shard = scalar(s->at("shard"));
  const auto& away = s->at("waits_for").as_array();
  const auto& learners = s->at("may_replace").as_array();
  std::string disks;
  for (const auto& d : away)
    disks += fmt::format("{}node {} (disk {})", disks.empty() ? "" : ", ", scalar(d.at("node")), scalar(d.at("disk")));
  std::string what;
  if (away.size() == s->at("in_sync").as_array().size())
    what = fmt::format("all are gone, `--dry-run shard unsafe-promote {} --node N` says what would be lost", shard);
  else if (learners.empty())
    what = fmt::format(
        "they are gone, start a new disk under one of these numbers, or move the shard to nodes that are there (`shard move {} --to "
        "NODES`)",
        shard);
  else
    what = fmt::format("they are gone, `shard replace {0} --dead {1} --by {2} --confirm {0}`", shard, scalar(away.front().at("node")),
                       scalar(learners.front()));
  return fmt::format("{} shards wait for disks: shard {} lacks {}. Start one of them; if {}", count, shard, disks, what);
}

// Everything that a person should know of, one line each.
int check(const connection& c) {
  const auto p = picture(c);
  constexpr unsigned alone = 409;
  constexpr std::uint64_t heard_lately_ms = 5'000;
  if (!p && p.error().status == alone)  // it knows of no others: what it says of itself is all
    return status(c);
  if (!p)
    return fail(p.error().why);
  json::array lines;
  bool all = true;
  const auto one = [&](std::string_view what, bool good, const std::string& detail) {
    all = all && good;
    lines.push_back({{"check", what}, {"ok", good}, {"detail", detail}});
  };
  std::string away;
  std::string low;
  std::string unheard;
  std::string apart;
  std::string set;
  std::string directories;
  std::string waiting;
  std::string hang;
  std::string slow;
  std::vector<std::string> versions;
  for (const auto& v : p->at("nodes").as_array()) {
    const auto& n = v.as_object();
    if (scalar(n.at("state")) == "removed")
      continue;
    const auto name = " " + scalar(n.at("node"));
    const bool heard = n.contains("heard_ms_ago") && number(n, "heard_ms_ago") <= heard_lately_ms;
    if (!n.at("there").as_bool())
      away += name;
    else if (!heard)
      unheard += name;
    if (n.contains("version") && std::ranges::find(versions, scalar(n.at("version"))) == versions.end())
      versions.push_back(scalar(n.at("version")));
    if (!heard)  // what it said last is not so any more, for all that is known
      continue;
    if (n.contains("storage_low") && n.at("storage_low").as_bool())
      low += name;
    const auto disk = n.contains("disk") ? fmt::format("{} (disk {})", name, scalar(n.at("disk"))) : name;
    if (const auto waits = number(n, "disk_waits_ms"); waits >= cluster::disk_hangs_ms)
      hang += fmt::format("{}: an operation has not come back for {:.1f} s", disk, static_cast<double>(waits) / 1000);
    if (const auto* is = n.if_contains("disk_is_slow"); is != nullptr && is->as_bool())
      slow += fmt::format("{}: a write takes {:.0f} ms", disk, n.at("disk_write_ms").to_number<double>());
    if (const auto* ms = n.if_contains("clock_ahead_ms");
        ms != nullptr && std::abs(ms->to_number<std::int64_t>()) > cluster::clocks_apart_max_ms)
      apart += fmt::format("{}: {:.1f} s", name, static_cast<double>(ms->to_number<std::int64_t>()) / 1000);
    if (const auto* ms = n.if_contains("clock_set_ms"); ms != nullptr && cluster::is_clock_set(ms->to_number<std::int64_t>()))
      set += fmt::format("{}: {:.1f} s", name, static_cast<double>(ms->to_number<std::int64_t>()) / 1000);
    const auto told = [&](const char* key, std::string& words) {
      if (n.contains(key))
        words += fmt::format("{}node {}: {}", words.empty() ? "" : "; ", number(n, "node"), scalar(n.at(key)));
    };
    told("directory_wrong", directories);
    told("takes_no_bookings", waiting);
  }
  const auto missing = number(*p, "replicas_missing");
  const auto idle = number(*p, "shards_not_serving");
  one("configuration store", scalar(p->at("store_away")).empty(), scalar(p->at("store_away")));
  one("nodes registered", away.empty(), away.empty() ? "all" : "away:" + away);
  one("nodes heard", unheard.empty(), unheard.empty() ? "all" : "not heard here:" + unheard);
  one("nodes take bookings", waiting.empty(), waiting.empty() ? "all that are heard" : waiting);
  one("shards serve", idle == 0, fmt::format("{} of {} do not", idle, p->at("shards").as_array().size()));
  if (auto words = disks_put_back(p->at("shards").as_array()); !words.empty())
    one("disks remember", false, words);
  if (auto words = disks_waited_for(p->at("shards").as_array()); !words.empty())
    one("enough disks are there", false, words);
  one("replicas complete", missing == 0, fmt::format("{} missing", missing));
  one("shards in place", number(*p, "moves_left") == 0,
      fmt::format("{} replicas to move{}", number(*p, "moves_left"), p->at("moves_paused").as_bool() ? ", moves are paused" : ""));
  one("disks", low.empty(), low.empty() ? "none is low" : "low:" + low);
  one("disks answer", hang.empty(), hang.empty() ? "all" : "of node" + hang);
  one("disks are fast", slow.empty(), slow.empty() ? "none is slow beside the others" : "of node" + slow);
  const auto floor = number(*p, "shards_at_their_floor");
  one("a further loss", floor == 0,
      floor == 0 ? "is survived by every shard" : fmt::format("degraded: no further loss is survived by {} shards", floor));
  if (const auto n = number(*p, "shards_confirmed_by_one_disk"); n != 0)
    one("more than one disk", false, fmt::format("cluster.min_in_sync is 1: a booking of {} shards may be confirmed on one disk alone", n));
  one("directories", directories.empty(), directories.empty() ? "there, and can be written to" : directories);
  const auto tried = try_cluster(c);
  for (const auto& line : tried.lines)
    one(line.what, line.good, line.detail);
  const bool silent = tried.silent;
  if (const auto masters = check_masters(c))
    one("master keys", masters->good, masters->detail);
  one("clocks", apart.empty() && set.empty(), words_of_clocks(apart, set));
  // A node of an earlier version, asked by this program, says none.
  const auto advice = p->contains("feature_level_advice") ? scalar(p->at("feature_level_advice")) : std::string();
  one("feature level", true, fmt::format("{}{}{}", number(*p, "feature_level"), advice.empty() ? "" : ", ", advice));
  one("one version", versions.size() <= 1, fmt::format("{} versions", versions.size()));
  const auto shown = scalar(p->at("verdict"));
  const std::string verdict = silent ? "broken" : !all && shown == "healthy" ? "degraded" : shown;
  if (c.as_json) {
    print("{}\n", json::serialize(json::object{{"ok", all}, {"verdict", verdict}, {"checks", std::move(lines)}}));
  } else {
    for (const auto& l : lines)
      print("{:<7} {:<22} {}\n", l.at("ok").as_bool() ? "ok" : "WRONG", scalar(l.at("check")), scalar(l.at("detail")));
    print("{}\n", verdict);
  }
  return all ? 0 : verdict == "broken" ? exit_broken : exit_refused;
}

}  // namespace

void add_cluster_commands(CLI::App& app, connection& c, int& code) {
  add_node_commands(app, c, code);
  add_rebalance_commands(app, c, code);
  add_shard_commands(app, c, code);
  app.add_subcommand("cluster", "what all nodes share")
      ->require_subcommand(1)
      ->add_subcommand("raise", "the feature level, once every node is of this version; there is no way back to an earlier one")
      ->callback([&c, &code] { code = order(c, http::verb::post, fmt::format("{}/level/raise", cluster_root), nullptr, "check"); });
  app.add_subcommand("check", "is anything wrong in the cluster? one line each; of a node that is alone as status; exit code as of status")
      ->callback([&c, &code] { code = check(c); });
}

}  // namespace janji::apps
