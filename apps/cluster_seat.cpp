#include "apps/cluster_seat.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/json.hpp>
#include <utility>

#include "cluster/feature_level.hpp"
#include "cluster/moves.hpp"
#include "cluster/placement.hpp"
#include "cluster/record_text.hpp"
#include "net/front.hpp"

namespace janji::apps {

net::link_options link_options_of(const settings& s) {
  net::link_options o;
  o.cluster = s.text("cluster.name");
  o.node = static_cast<std::uint64_t>(s.number("cluster.node"));
  o.address = s.text("cluster.address");
  o.port = static_cast<std::uint16_t>(s.number("cluster.port"));
  o.certificate_file = s.text("cluster.certificate_file");
  o.key_file = s.text("cluster.key_file");
  o.ca_file = s.text("cluster.ca_file");
  o.production = s.text("cluster.mode") == "production";
  o.unnamed_certificates = s.text("cluster.unnamed_certificates") == "accepted";
  o.insecure_listeners = s.flag("node.insecure_listeners");
  return o;
}

cluster_seat::cluster_seat(const settings& s, store::node_store& store, end_process end)
    : store_(store),
      end_(std::move(end)),
      name_(s.text("cluster.name")),
      shard_count_(static_cast<std::uint16_t>(s.number("node.shards"))),
      replicas_(static_cast<std::uint8_t>(s.number("cluster.replicas"))),
      min_in_sync_(static_cast<std::uint8_t>(s.number("cluster.min_in_sync"))),
      replace_after_(s.number("cluster.replace_after_s")) {
  self_.node = static_cast<std::uint64_t>(s.number("cluster.node"));
  self_.weight = static_cast<std::uint32_t>(s.number("cluster.weight"));
  self_.zone = s.text("cluster.zone");
  self_.stores = s.text("cluster.role") != "front";
  links_ = link_options_of(s);
  links_.log = [](const std::string& line) { spdlog::info("{}", line); };
}

std::expected<std::unique_ptr<cluster_seat>, std::string> cluster_seat::open(const settings& s, store::node_store& store,
                                                                             std::unique_ptr<cluster::etcd::etcd_config_store> etcd,
                                                                             std::size_t links_max, end_process end) {
  if (!etcd)
    return nullptr;
  std::unique_ptr<cluster_seat> seat(new cluster_seat(s, store, std::move(end)));
  seat->etcd_ = std::move(etcd);
  seat->links_.strangers_max = links_max / 2;
  const auto level = seat->etcd_->read_value(cluster::feature_level_value);
  if (!level)
    return cluster::cannot_reach(level.error());
  const auto known = cluster::feature_level_from(level->value);
  if (!known)
    return std::unexpected(known.error());
  if (level->value)
    seat->feature_level_ = *known;
  if (auto begun = seat->begin(); !begun)
    return std::unexpected(begun.error());
  return seat;
}

cluster_seat::~cluster_seat() = default;

actors::cluster_ports cluster_seat::ports() {
  actors::cluster_ports p;
  p.node = links_.node;
  p.records = etcd_.get();
  p.feature_level = feature_level_.value_or(0);
  p.warn = [](const std::string& what) { spdlog::error("{}", what); };
  p.link = [this](cluster::peer_events& events) -> std::expected<std::unique_ptr<cluster::peer_links>, std::string> {
    auto made = net::links::open(links_, events);
    if (!made)
      return std::unexpected(made.error());
    open_links_ = made->get();
    return std::move(*made);
  };
  return p;
}

// What the cluster knows of this node, whether it runs or not. Its state is the operators' to change.
std::expected<void, std::string> cluster_seat::state_itself() {
  const auto name = fmt::format("node/{}", self_.node);
  for (int tries = 0; tries < 5; ++tries) {
    const auto known = etcd_->read_value(name);
    if (!known)
      return cluster::cannot_reach(known.error());
    auto fact = self_;
    if (known->value) {
      const auto before = cluster::fact_from_text(*known->value);
      if (!before)
        return std::unexpected(before.error());
      if (before->state == cluster::node_state::removed)
        return std::unexpected(fmt::format("node {} was removed from the cluster: `janjictl node add {}` at another node lets it in again",
                                           self_.node, self_.node));
      fact.state = before->state;
      if (fact == *before)
        return {};
    }
    const auto put = etcd_->put_value(name, known->revision, cluster::to_text(fact));
    if (!put)
      return cluster::cannot_reach(put.error());
    if (*put)
      return {};
  }
  return std::unexpected(std::string("what is known of this node changes faster than it can be read"));
}

std::expected<void, std::string> cluster_seat::join(actors::node& node, const std::string& fronts) {
  {
    const std::lock_guard lock(mutex_);
    node_ = &node;
  }
  const auto links = fmt::format("{}:{}", links_.address, open_links_->port());
  if (auto stated = state_itself(); !stated)
    return stated;
  if (auto announced = etcd_->announce(
          {links_.node, store_.disk_id(), links_.boot, links, fronts, JANJI_VERSION, cluster::feature_level_newest, net::wall_clock()},
          end_);
      !announced)
    return announced;
  etcd_->follow(*this);
  keys_house_ = std::jthread([this](const std::stop_token& stop) { look_after_keys(stop); });
  house_ = std::jthread([this](const std::stop_token& stop) { keep_house(stop); });
  return {};
}

std::expected<void, std::string> cluster_seat::reload_certificates() {
  auto links = net::check_own_certificate(links_);
  if (links)
    links = open_links_->reload();
  const auto etcd = etcd_->reload();
  if (links && etcd)
    return {};
  return std::unexpected(!links && !etcd ? fmt::format("of the links: {}; for etcd: {}", links.error(), etcd.error())
                         : !links        ? "of the links: " + links.error()
                                         : "for etcd: " + etcd.error());
}

void cluster_seat::withdraw() { etcd_->withdraw(); }

void cluster_seat::leave() {
  house_ = {};
  keys_house_ = {};
  const std::lock_guard lock(mutex_);
  node_ = nullptr;
}

// ------------------------------------------------------------------ what etcd shows

void cluster_seat::picture(cluster::cluster_picture&& now) {
  const std::lock_guard lock(mutex_);
  if (node_ == nullptr)
    return;
  const auto before = std::exchange(members_, {});
  for (auto& m : now.nodes)
    members_[m.node] = std::move(m);
  for (const auto& [id, m] : before)
    if (!members_.contains(id))
      gone_since_.try_emplace(id, clock::now());
  records_.clear();
  for (auto& s : now.shards) {
    node_->record_changed(s);
    records_[s.shard] = std::move(s.record);
  }
  facts_.clear();
  pins_.clear();
  moves_paused_ = false;
  for (const auto& [name, value] : now.values)
    take_value(name, value);
  look_at_keys_again();
  plan();
  changed_ = true;
  wake_.notify_all();
}

void cluster_seat::record_changed(cluster::shard_change&& change) {
  const std::lock_guard lock(mutex_);
  if (node_ == nullptr)
    return;
  node_->record_changed(change);
  records_[change.shard] = std::move(change.record);
}

void cluster_seat::node_announced(cluster::node_registration&& node) {
  const std::lock_guard lock(mutex_);
  if (node_ == nullptr)
    return;
  members_[node.node] = std::move(node);
  plan();
  changed_ = true;
  wake_.notify_all();
}

void cluster_seat::node_gone(std::uint64_t node) {
  const std::lock_guard lock(mutex_);
  if (node_ == nullptr || members_.erase(node) == 0)
    return;
  gone_since_[node] = clock::now();
  spdlog::warn("node {} is not registered any more", node);
  plan();
  changed_ = true;
  wake_.notify_all();
}

void cluster_seat::value_changed(const std::string& name, std::optional<std::string> value) {
  const std::lock_guard lock(mutex_);
  if (node_ == nullptr)
    return;
  take_value(name, value);
  plan();
  changed_ = true;
  wake_.notify_all();
}

namespace {

std::vector<std::uint64_t> nodes_from(std::string_view text) {
  std::vector<std::uint64_t> out;
  boost::system::error_code ec;
  const auto v = boost::json::parse(boost::json::string_view(text.data(), text.size()), ec);
  if (!ec && v.is_array())
    for (const auto& n : v.get_array())
      if (const auto number = n.to_number<std::uint64_t>(ec); !ec)
        out.push_back(number);
  return out;
}

}  // namespace

void cluster_seat::take_value(const std::string& name, const std::optional<std::string>& value) {
  if (const auto node = cluster::number_after(name, "node/")) {
    const auto fact = value ? cluster::fact_from_text(*value) : std::unexpected(std::string());
    if (fact && fact->node == *node)
      facts_[*node] = *fact;
    else if (value)
      spdlog::error("{}: {}", name, fact ? "it names another node" : fact.error());
    else
      facts_.erase(*node);
  } else if (const auto shard = cluster::number_after(name, "pin/"); shard && *shard < shard_count_) {
    const shard_id id{static_cast<std::uint16_t>(*shard)};
    pins_.erase(id);
    if (auto nodes = value ? nodes_from(*value) : std::vector<std::uint64_t>{}; !nodes.empty())
      pins_[id] = std::move(nodes);
  } else if (name == moves_value) {
    moves_paused_ = value == paused_text;
  } else if (name == cluster::feature_level_value) {
    const auto level = cluster::feature_level_from(value);
    if (!level)
      return end_(level.error());
    if (value)  // an etcd that has forgotten takes nothing back
      feature_level_ = *level;
    node_->feature_level_changed(*level);
    look_at_keys_again();
  } else if (name == cluster::master_value || name.starts_with(cluster::holders_prefix) || name.starts_with(cluster::locks_prefix)) {
    look_at_keys_again();
  }
}

void cluster_seat::store_away(const std::string& why) {
  spdlog::warn("etcd is away, nothing can change: {}", why);
  const std::lock_guard lock(mutex_);
  away_ = why;
  if (node_ != nullptr)
    plan();
}
void cluster_seat::store_back() {
  spdlog::info("etcd is back");
  const std::lock_guard lock(mutex_);
  away_.clear();
  if (node_ != nullptr)
    plan();
}

// ------------------------------------------------------------------ where shards are to lie

// One that went is waited for a while: it may only have been started again.
bool cluster_seat::placeable(const cluster::node_fact& fact, clock::time_point now) const {
  if (!fact.stores || fact.state != cluster::node_state::active)
    return false;
  if (members_.contains(fact.node))
    return true;
  const auto gone = gone_since_.find(fact.node);
  return gone != gone_since_.end() && now - gone->second < replace_after_;
}

std::vector<std::uint64_t> cluster_seat::nodes_of_cluster() const {
  std::vector<std::uint64_t> out;
  for (const auto& [id, fact] : facts_)
    if (fact.state != cluster::node_state::removed)
      out.push_back(id);
  return out;
}

void cluster_seat::plan() {
  const auto now = clock::now();
  for (const auto& [id, fact] : facts_)
    if (members_.contains(id))
      gone_since_.erase(id);
    else
      gone_since_.try_emplace(id, now);
  std::vector<cluster::placeable_node> nodes;
  for (const auto& [id, fact] : facts_)
    if (placeable(fact, now))
      nodes.push_back({id, fact.weight, fact.zone});
  wanted_ = cluster::place_shards(shard_count_, replicas_, nodes);
  for (const auto& [shard, pinned] : pins_)
    if (std::ranges::all_of(pinned, [&](auto n) { return facts_.contains(n) && placeable(facts_.at(n), now); }))
      wanted_[shard.value] = pinned;
  cluster::placement_picture picture{wanted_, {}, moves_paused_, !away_.empty(), nodes_of_cluster()};
  for (const auto& [id, m] : members_) {
    addresses_[id] = m.links;
    boots_[id] = m.boot;
    picture.members.push_back(m);
  }
  open_links_->set_boots(boots_);
  open_links_->set_peers(addresses_);
  node_->placement_changed(std::move(picture));
}

// Records of shards that were never begun: each is made by the node that is to lead it, once enough are there, and only while
// that node's own disk knows nothing of the shard. An etcd that forgot everything is not begun anew.
std::vector<cluster_seat::new_shard> cluster_seat::shards_to_begin() {
  std::vector<new_shard> out;
  for (std::uint16_t s = 0; s < wanted_.size(); ++s) {
    const shard_id shard{s};
    const auto& nodes = wanted_[s];
    const auto known = records_.find(shard);
    const bool begun = known != records_.end() && known->second.revision != 0;
    if (begun || nodes.size() < replicas_ || nodes.front() != links_.node || !away_.empty())
      continue;
    cluster::shard_record record{epoch_t{1}, {}, {}, {}, min_in_sync_, replicas_};
    for (const auto n : nodes)
      if (const auto m = members_.find(n); m != members_.end())
        record.in_sync.push_back({n, m->second.disk});
    if (record.in_sync.size() < replicas_)
      continue;
    record.leader = record.in_sync.front();
    record.leader_boot = links_.boot;
    out.push_back({shard, std::move(record)});
  }
  return out;
}

std::vector<shard_id> cluster_seat::shards_without_records() const {
  std::vector<shard_id> out;
  for (std::uint16_t s = 0; s < shard_count_; ++s)
    if (const auto known = records_.find(shard_id{s}); known == records_.end() || known->second.revision == 0)
      out.push_back(shard_id{s});
  return out;
}

// Once a record was seen the cluster has begun, and this disk remembers it: whatever etcd says later.
void cluster_seat::remember_that_it_began(const std::vector<shard_id>& unrecorded) {
  constexpr std::string_view key = "cluster/begun";
  if (remembers_beginning_)
    return;
  const auto there = store_.get(key);
  if (!there)
    return;
  if (there->value.empty() && unrecorded.size() == shard_count_)
    return;
  remembers_beginning_ = !there->value.empty() || store_.swap(key, there->revision, "1").has_value();
}

// A shard that this disk holds was begun once: an etcd that knows nothing of it has forgotten, and perhaps others too, which lie elsewhere.
// Nothing is begun beside it. So where the cluster had begun, and etcd knows of no shard.
bool cluster_seat::etcd_forgot(const std::vector<shard_id>& unrecorded, std::map<shard_id, unsigned>& seen) {
  if (remembers_beginning_ && unrecorded.size() == shard_count_) {
    if (++seen[shard_id{shard_count_}] == 1)
      spdlog::error(
          "this disk has seen the cluster begin, and etcd has no record of any shard: no shard is begun anew (an etcd that forgot?)");
    return true;
  }
  constexpr unsigned said_at = 2;  // a record that was just made may not have come back yet
  bool forgot = false;
  for (const auto shard : unrecorded) {
    const auto tail = store_.tail(shard);
    if (tail && tail->promised.value == 0)
      continue;
    forgot = true;
    if (++seen[shard] == said_at)
      spdlog::error("shard {} has data here and no record in etcd: no shard is begun anew (an etcd that forgot?)", shard.value);
  }
  return forgot;
}

// Before its first shard is begun; none: the level stands, or an earlier version began the cluster.
std::optional<std::uint32_t> cluster_seat::level_to_begin_at() const {
  if (feature_level_ || std::ranges::any_of(records_, [](const auto& r) { return r.second.revision != 0; }))
    return std::nullopt;
  auto least = cluster::feature_level_newest;
  for (const auto& [id, m] : members_)
    least = std::min(least, m.level);
  return least;
}

// False: not known whether it stands.
bool cluster_seat::begin_level(std::uint32_t level) {
  const auto put = etcd_->put_if_absent(cluster::feature_level_value, std::to_string(level));
  if (!put)
    spdlog::warn("the cluster cannot begin yet: {}", put.error());
  return put.has_value();
}

// What takes time, and what must be tried again. Every second, and whenever the plan changes.
void cluster_seat::keep_house(const std::stop_token& stop) {
  std::map<shard_id, unsigned> forgotten;  // how often they were found so
  while (!stop.stop_requested()) {
    std::vector<new_shard> begin;
    std::vector<shard_id> unrecorded;
    std::optional<std::uint32_t> level;
    {
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, stop, std::chrono::seconds(1), [this] { return std::exchange(changed_, false); });
      if (stop.stop_requested() || node_ == nullptr)
        return;
      plan();
      begin = shards_to_begin();
      unrecorded = shards_without_records();
      level = level_to_begin_at();
    }
    remember_that_it_began(unrecorded);
    if (!begin.empty() && etcd_forgot(unrecorded, forgotten))
      begin.clear();
    for (const auto& [shard, record] : begin) {
      if (level && !begin_level(*level))
        break;
      level.reset();
      if (etcd_->swap(shard, 0, record).result == cluster::swap_result::won) {
        spdlog::info("shard {} begins, led here", shard.value);
      }
    }
    write_positions();
  }
}

}  // namespace janji::apps
