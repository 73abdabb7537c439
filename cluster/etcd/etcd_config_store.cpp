#include "cluster/etcd/etcd_config_store.hpp"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <boost/asio/ssl/context.hpp>
#include <boost/json.hpp>
#include <utility>

#include "cluster/etcd/channel.hpp"
#include "cluster/positions.hpp"
#include "cluster/record_text.hpp"

namespace janji::cluster::etcd {

namespace json = boost::json;
using namespace std::chrono_literals;

namespace {

// The name of a value that is told to those who follow: not what only its owner reads.
std::optional<std::string_view> value_of(std::string_view name) {
  constexpr std::string_view values = "value/";
  if (!name.starts_with(values))
    return std::nullopt;
  name.remove_prefix(values.size());
  const bool own = name.starts_with("key/") || name.starts_with("boot/") || name.starts_with("probe/") || name.starts_with(positions_value);
  return own ? std::nullopt : std::optional{name};
}

bool is_about_who_asks(std::string_view cancelled) {
  constexpr std::array said{"permission denied", "user name is empty", "invalid auth token", "revision of auth store is old"};
  return std::ranges::any_of(said, [&](const char* words) { return cancelled.contains(words); });
}

std::expected<versioned_record, std::string> record_of(const key_value& kv) {
  auto record = record_from_text(kv.value);
  if (!record)
    return std::unexpected(fmt::format("{}: {}", kv.key, record.error()));
  return versioned_record{static_cast<std::uint64_t>(kv.mod_revision), std::move(*record)};
}

}  // namespace

// ------------------------------------------------------------------ opening

std::expected<std::unique_ptr<etcd_config_store>, std::string> etcd_config_store::open(options o, log_line log) {
  if (o.endpoints.empty() || o.endpoints.size() > endpoints_max)
    return std::unexpected(fmt::format("etcd has from one to {} endpoints", endpoints_max));
  if (o.cluster.empty() || o.cluster.find('/') != std::string::npos)
    return std::unexpected(std::string("a cluster has a name, without a slash"));
  if (o.certificate_file.empty() != o.key_file.empty())
    return std::unexpected(std::string("cluster.etcd_certificate_file needs cluster.etcd_key_file, and the key its certificate"));
  if (o.user.empty() != (o.password_file.empty() && o.password.empty()))
    return std::unexpected(std::string("cluster.etcd_user needs cluster.etcd_password_file, and the password its user"));
  if (auto password = password_of(o); !password)
    return std::unexpected(password.error());
  std::unique_ptr<etcd_config_store> made(new etcd_config_store(std::move(o), std::move(log)));
  bool tls = false;
  for (const auto& text : made->options_.endpoints) {
    auto e = parse_endpoint(text);
    if (!e)
      return std::unexpected(e.error());
    tls = tls || e->tls;
    made->endpoints_.push_back(std::move(*e));
  }
  if (tls) {
    auto context = read_certificates(made->options_);
    if (!context)
      return std::unexpected(context.error());
    made->tls_ = std::make_shared<tls_files>(std::move(*context));
  }
  made->caller_ = std::make_unique<channel>(made->endpoints_, made->tls_, made->options_.first_endpoint);
  return made;
}

etcd_config_store::etcd_config_store(options o, log_line log)
    : options_(std::move(o)), log_(std::move(log)), prefix_("/janji/" + options_.cluster + "/") {}

etcd_config_store::~etcd_config_store() {
  keeping_.request_stop();
  watching_.request_stop();
  if (keeper_)
    keeper_->link.interrupt();
  if (watcher_)
    watcher_->link.interrupt();
}

std::string etcd_config_store::shard_key(shard_id shard) const { return fmt::format("{}shard/{}", prefix_, shard.value); }
std::string etcd_config_store::node_key(std::uint64_t node) const { return fmt::format("{}node/{}", prefix_, node); }

std::string etcd_config_store::value_key(std::string_view name) const { return fmt::format("{}value/{}", prefix_, name); }

void etcd_config_store::say(const std::string& text) const {
  if (log_)
    log_(text);
}

// ------------------------------------------------------------------ calls

std::expected<header, failure> etcd_config_store::same_cluster(const header& h) {
  std::uint64_t known = 0;
  if (h.cluster_id == 0 || (!cluster_id_.compare_exchange_strong(known, h.cluster_id) && known != h.cluster_id))
    return std::unexpected(failure{true, 0, fmt::format("this etcd is another cluster ({:x}) than before ({:x})", h.cluster_id, known)});
  return h;
}

// Of linearizable answers only; `at_least`: the greatest revision known before the call was made.
std::expected<header, failure> etcd_config_store::check(const json::object& answer, std::int64_t at_least) {
  const auto h = read_header(answer);
  if (!h)
    return std::unexpected(failure{true, 0, h.error()});
  if (h->revision < at_least)
    return std::unexpected(
        failure{true, 0, fmt::format("etcd has forgotten: its revision went back from {} to {}", at_least, h->revision), true});
  auto same = same_cluster(*h);
  if (same)
    for (auto known = seen_.load(); known < h->revision && !seen_.compare_exchange_weak(known, h->revision);) {
    }
  return same;
}

std::expected<versioned_record, std::string> etcd_config_store::read(shard_id shard) {
  const std::lock_guard lock(calls_);
  const auto found = read_key(*caller_, shard_key(shard));
  if (!found)
    return std::unexpected(found.error().text);
  return found->mod_revision == 0 ? versioned_record{} : record_of(*found);
}

swap_outcome etcd_config_store::swap(shard_id shard, std::uint64_t expected_revision, const shard_record& record) {
  const std::lock_guard lock(calls_);
  return settle(call(*caller_, "/v3/kv/txn", swap_of(shard_key(shard), static_cast<std::int64_t>(expected_revision), to_text(record)),
                     connection::again::no),
                record);
}

swap_outcome etcd_config_store::swap_if_registered(shard_id shard, std::uint64_t expected_revision, const shard_record& record,
                                                   replication::member who) {
  const std::lock_guard lock(calls_);
  const auto key = node_key(who.node);
  const auto found = read_key(*caller_, key);
  if (!found) {  // the swap is not sent
    say("a registration cannot be read: " + found.error().text);
    return {swap_result::not_done, {}};
  }
  condition registered{key, 0};
  if (found->mod_revision != 0)
    if (const auto known = registration_from_text(found->value); known && known->disk == who.disk)
      registered.mod_revision = found->mod_revision;
  if (registered.mod_revision == 0)
    registered.mod_revision = -1;  // matches nothing: the swap is not made, and says what the record is
  return settle(
      call(*caller_, "/v3/kv/txn", swap_of(shard_key(shard), static_cast<std::int64_t>(expected_revision), to_text(record), 0, registered),
           connection::again::no),
      record, expected_revision);
}

std::expected<positions, std::string> etcd_config_store::outside() {
  const auto found = read_values(positions_value);
  if (!found)
    return std::unexpected(found.error());
  positions all;
  for (const auto& [name, there] : *found) {
    const auto read = positions_from_text(*there.value);
    if (!read)
      return std::unexpected(name + ": " + read.error());
    merge(all, *read);
  }
  return all;
}

std::expected<std::string, std::string> etcd_config_store::put_if_absent(std::string_view name, std::string_view value) {
  const std::lock_guard lock(calls_);
  const auto answer = call(*caller_, "/v3/kv/txn", swap_of(value_key(name), 0, value), connection::again::yes);
  if (!answer)
    return std::unexpected(answer.error().text);
  if (const auto checked = check(*answer, 0); !checked)
    return std::unexpected(checked.error().text);
  auto said = read_swap(*answer);
  if (!said)
    return std::unexpected(said.error());
  if (said->succeeded)
    return std::string(value);
  if (!said->found)
    return std::unexpected(std::string("it is there and is not"));
  return std::move(said->found->value);
}

std::expected<void, std::string> etcd_config_store::remove(std::string_view name) {
  const std::lock_guard lock(calls_);
  const auto answer = call(*caller_, "/v3/kv/deleterange", range_of_key(value_key(name)), connection::again::yes);
  if (!answer)
    return std::unexpected(answer.error().text);
  if (const auto checked = check(*answer, 0); !checked)
    return std::unexpected(checked.error().text);
  return {};
}

std::expected<versioned_value, std::string> etcd_config_store::read_value(std::string_view name) {
  const std::lock_guard lock(calls_);
  auto found = read_key(*caller_, value_key(name));
  if (!found)
    return std::unexpected(found.error().text);
  if (found->mod_revision == 0)
    return versioned_value{};
  return versioned_value{found->mod_revision, std::move(found->value)};
}

std::expected<std::map<std::string, versioned_value>, std::string> etcd_config_store::read_values(std::string_view prefix) {
  const std::lock_guard lock(calls_);
  const auto before = seen_.load();
  const auto answer = call(*caller_, "/v3/kv/range", range_of_prefix(value_key(prefix)), connection::again::yes);
  if (!answer)
    return std::unexpected(answer.error().text);
  if (const auto checked = check(*answer, before); !checked)
    return std::unexpected(checked.error().text);
  auto found = read_range(*answer);
  if (!found)
    return std::unexpected(found.error());
  const auto name_begins = value_key("").size();
  std::map<std::string, versioned_value> out;
  for (auto& kv : *found)
    out[kv.key.substr(name_begins)] = {kv.mod_revision, std::move(kv.value)};
  return out;
}

std::expected<bool, std::string> etcd_config_store::put_value(std::string_view name, std::int64_t revision, std::string_view value,
                                                              const std::optional<value_condition>& also) {
  const std::lock_guard lock(calls_);
  const auto condition_also = also ? std::optional(condition{value_key(also->name), also->revision}) : std::nullopt;
  const auto answer = call(*caller_, "/v3/kv/txn", swap_of(value_key(name), revision, value, 0, condition_also), connection::again::no);
  if (!answer)
    return std::unexpected(answer.error().text);
  if (const auto checked = check(*answer, 0); !checked)
    return std::unexpected(checked.error().text);
  const auto said = read_swap(*answer);
  if (!said)
    return std::unexpected(said.error());
  return said->succeeded;
}

// What was not answered, or answered by an etcd that is not the one known, is unknown. seen_ is not compared: a swap that
// succeeded has compared more.
swap_outcome etcd_config_store::settle(std::expected<json::object, failure> answer, const shard_record& record,
                                       std::optional<std::uint64_t> unchanged_at) {
  if (!answer && !answer.error().may_have_happened) {
    say("a swap was not made: " + answer.error().text);
    return {swap_result::not_done, {}};
  }
  if (!answer) {
    say("a swap has no known outcome: " + answer.error().text);
    return {};
  }
  const auto head = check(*answer, 0);
  const auto said = read_swap(*answer);
  if (!head || !said) {
    say("a swap has no known outcome: " + (!head ? head.error().text : said.error()));
    return {};
  }
  if (said->succeeded)
    return {swap_result::won, {static_cast<std::uint64_t>(head->revision), record}};
  if (!said->found)
    return {swap_result::lost, {}};
  auto found = record_of(*said->found);
  if (!found) {
    say(found.error());
    return {};
  }
  const bool unchanged = unchanged_at && found->revision == *unchanged_at;
  return {unchanged ? swap_result::unregistered : swap_result::lost, std::move(*found)};
}

// ------------------------------------------------------------------ watching

void etcd_config_store::follow(config_events& events) {
  events_ = &events;
  watcher_ = std::make_unique<channel>(endpoints_, tls_, options_.first_endpoint);
  watching_ = std::jthread([this](const std::stop_token& stop) { watch(stop); });
}

void etcd_config_store::watch(const std::stop_token& stop) {
  constexpr auto first_pause = 50ms;
  constexpr auto longest_pause = 2'000ms;
  constexpr auto refused_pause = 1'000ms;  // until somebody does something about it
  std::int64_t next = 0;                   // revision to go on from; 0: a picture is needed
  auto pause = first_pause;
  const auto failed = [&](const failure& f) {
    if (stop.stop_requested())
      return;
    const bool first = !std::exchange(away_, true);
    const bool refused = f.text.starts_with(refused_by_etcd);
    if (first || (f.forgotten && !std::exchange(told_forgotten_, true)) || (refused && !told_refused_))
      events_->store_away(f.text);
    told_refused_ = refused;
    if (refused)
      pause = std::max<std::chrono::milliseconds>(pause, refused_pause);
    wait(stop, pause / 2 + std::chrono::milliseconds(randombytes_uniform(static_cast<std::uint32_t>(pause.count()))));
    pause = std::min<std::chrono::milliseconds>(2 * pause, longest_pause);
  };
  while (!stop.stop_requested()) {
    if (next == 0) {
      const auto told = tell_picture(*watcher_);
      if (!told) {
        failed(told.error());
        continue;
      }
      next = *told;
      pause = first_pause;
    }
    bool missed = false;
    auto watched = is_current(*watcher_, next);
    if (watched)
      watched = tell_changes(*watcher_, next, missed);
    else
      missed = watched.error().forgotten;
    if (missed)
      next = 0;
    if (watched)
      pause = first_pause;
    else
      failed(watched.error());
  }
}

std::expected<std::int64_t, failure> etcd_config_store::tell_picture(channel& c) {
  const auto before = seen_.load();
  const auto answer = call(c, "/v3/kv/range", range_of_prefix(prefix_), connection::again::yes);
  if (!answer)
    return std::unexpected(answer.error());
  const auto head = check(*answer, before);
  if (!head)
    return std::unexpected(head.error());
  const auto found = read_range(*answer);
  if (!found)
    return std::unexpected(failure{true, 0, found.error()});
  cluster_picture picture;
  for (const auto& kv : *found) {
    const auto name = std::string_view(kv.key).substr(prefix_.size());
    if (const auto shard = number_after(name, "shard/")) {
      if (auto record = record_of(kv))
        picture.shards.push_back({shard_id{static_cast<std::uint16_t>(*shard)}, std::move(*record)});
      else
        say(record.error());
    } else if (number_after(name, "node/")) {
      if (auto node = registration_from_text(kv.value))
        picture.nodes.push_back(std::move(*node));
      else
        say(kv.key + ": " + node.error());
    } else if (const auto value = value_of(name)) {
      picture.values[std::string(*value)] = kv.value;
    }
  }
  reached();
  look_after_own(picture.nodes);
  events_->picture(std::move(picture));
  return head->revision + 1;
}

// A watch says nothing where nothing changes, and so does one on a member that hears of nothing any more: before each renewal the
// member must answer a read that only one with a leader can answer.
std::expected<void, failure> etcd_config_store::is_current(channel& c, std::int64_t next) {
  const auto before = seen_.load();
  const auto answer = call(c, "/v3/kv/range", range_of_key(prefix_), connection::again::yes);
  if (!answer)
    return std::unexpected(answer.error());
  const auto head = check(*answer, std::max(before, next - 1));
  if (head)
    return {};
  c.link.leave();
  return std::unexpected(head.error());
}

std::expected<void, failure> etcd_config_store::tell_changes(channel& c, std::int64_t& next, bool& missed) {
  if (!options_.user.empty() && c.token.empty() && !c.open_to_all) {
    missed = true;  // the token has lapsed: reading the picture again fetches one
    return {};
  }
  std::expected<void, failure> result;
  bool behind = false;
  const auto each = [&](json::object&& o) {
    auto said = read_watch(o);
    if (!said) {
      result = std::unexpected(failure{true, 0, said.error()});
      return false;
    }
    if (const auto same = same_cluster(said->head); !same) {
      result = std::unexpected(same.error());
      missed = true;
      return false;
    }
    if (said->head.revision + 1 < next) {  // else it would wait in silence for the past to come again
      result = std::unexpected(failure{
          true, 0,
          fmt::format("etcd has forgotten, or this member of it lags: its revision is {}, {} was seen", said->head.revision, next - 1),
          true});
      missed = behind = true;
      return false;
    }
    if (said->cancelled && is_about_who_asks(said->why)) {
      c.token.clear();  // it lapses between two calls, too: the picture is read with another, and only who is refused then waits
      c.open_to_all = false;
      missed = true;
      if (c.watches_refused++ > 0)
        result = std::unexpected(explained({false, code_unauthenticated, said->why}));
      return false;
    }
    if (said->compact_revision != 0 || said->cancelled) {  // what was missed is read as a picture
      say("the watch was ended: " + (said->why.empty() ? "what it asked for is compacted" : said->why));
      missed = true;
      return false;
    }
    c.watches_refused = 0;
    reached();
    for (auto& change : said->changes) {
      next = std::max(next, change.now.mod_revision + 1);
      tell(std::move(change));
    }
    return true;
  };
  const auto ended = c.link.stream("/v3/watch", watch_of_prefix(prefix_, next), c.token, each, steady::now() + options_.watch_renewal);
  if (behind)
    c.link.leave();
  if (!result)
    return result;
  if (!ended && ended.error().code == code_unauthenticated)
    c.token.clear();
  if (!ended)
    return std::unexpected(explained(ended.error()));
  return {};
}

void etcd_config_store::reached() {
  told_forgotten_ = told_refused_ = false;
  if (std::exchange(away_, false))
    events_->store_back();
}

void etcd_config_store::tell(key_change&& change) {
  const auto name = std::string_view(change.now.key).substr(std::min(prefix_.size(), change.now.key.size()));
  if (const auto shard = number_after(name, "shard/")) {
    const shard_id id{static_cast<std::uint16_t>(*shard)};
    if (change.deleted)
      return events_->record_changed({id, {}});
    if (auto record = record_of(change.now))
      events_->record_changed({id, std::move(*record)});
    else
      say(record.error());
  } else if (const auto node = number_after(name, "node/")) {
    auto read = change.deleted ? std::unexpected(std::string()) : registration_from_text(change.now.value);
    look_after_own(*node, read ? &*read : nullptr);
    if (change.deleted)
      return events_->node_gone(*node);
    if (read)
      events_->node_announced(std::move(*read));
    else
      say(change.now.key + ": " + read.error());
  } else if (const auto value = value_of(name)) {
    events_->value_changed(std::string(*value), change.deleted ? std::nullopt : std::optional(std::move(change.now.value)));
  }
}

void etcd_config_store::wait(const std::stop_token& stop, std::chrono::milliseconds at_most) {
  std::unique_lock lock(waiting_);
  wake_.wait_for(lock, stop, at_most, [] { return false; });
}

}  // namespace janji::cluster::etcd
