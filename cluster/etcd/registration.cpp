// This node in etcd: which start of it this is, and its registration under a lease.
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <boost/json.hpp>
#include <utility>

#include "cluster/boots.hpp"
#include "cluster/etcd/channel.hpp"
#include "cluster/record_text.hpp"

namespace janji::cluster::etcd {

namespace json = boost::json;
using namespace std::chrono_literals;

namespace {

constexpr auto poll_every = 100ms;

std::uint64_t random_number() {
  std::uint64_t n = 0;
  randombytes_buf(&n, sizeof n);
  return n;
}

std::string who_is(const node_registration& r) {
  const auto since = r.since.value == 0
                         ? std::string()
                         : fmt::format(", since {:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(static_cast<std::time_t>(r.since.value / 1000)));
  return fmt::format("boot {} at {}{}", replication::number_of(r.boot), r.links, since);
}

std::string runs_already(const node_registration& other, std::uint64_t disk) {
  return fmt::format("node {} runs already{}: {}", other.node, other.disk == disk ? "" : ", with another disk", who_is(other));
}

}  // namespace

// Without a key: revision 0.
std::expected<key_value, failure> etcd_config_store::read_key(channel& c, const std::string& key) {
  const auto before = seen_.load();
  const auto answer = call(c, "/v3/kv/range", range_of_key(key), connection::again::yes);
  if (!answer)
    return std::unexpected(answer.error());
  if (const auto checked = check(*answer, before); !checked)
    return std::unexpected(checked.error());
  auto found = read_range(*answer);
  if (!found)
    return std::unexpected(failure{true, 0, found.error()});
  return found->empty() ? key_value{} : std::move(found->front());
}

// ------------------------------------------------------------------ which start this is

// A lease that is kept alive outlives this wait, also when etcd changes its leader meanwhile and leases begin anew.
std::expected<void, std::string> etcd_config_store::wait_until_free(channel& c, std::uint64_t node, std::uint64_t disk,
                                                                    const gone_check& is_gone) {
  const auto until = steady::now() + 2 * options_.lease + 2s;
  for (bool said = false;;) {
    const auto there = read_key(c, node_key(node));
    if (!there)
      return cannot_reach(there.error().text);
    if (there->mod_revision == 0)
      return {};
    const auto other = registration_from_text(there->value);
    if (!other)
      return std::unexpected(other.error());
    if (is_gone(*other)) {
      gone_ = other->boot;
      return {};
    }
    if (steady::now() > until)
      return std::unexpected(runs_already(*other, disk) + "; it must end before another start of that node can begin");
    if (!std::exchange(said, true))
      say(fmt::format("node {} is registered: {}; waiting for that to lapse", node, who_is(*other)));
    std::this_thread::sleep_for(poll_every);
  }
}

std::expected<etcd_config_store::start, std::string> etcd_config_store::begin_boot(std::uint64_t node, std::uint64_t disk,
                                                                                   replication::boot_t on_disk, const write_on_disk& write,
                                                                                   const gone_check& is_gone) {
  const std::lock_guard lock(calls_);
  auto& c = *caller_;
  if (auto free = wait_until_free(c, node, disk, is_gone); !free)
    return std::unexpected(free.error());
  const auto key = value_key(fmt::format("boot/{}", node));
  const auto put = [&](std::int64_t revision, const boot_record& next) -> std::expected<std::int64_t, std::string> {
    const auto answer = call(c, "/v3/kv/txn", swap_of(key, revision, to_text(next)), connection::again::no);
    const auto said = answer ? read_swap(*answer) : std::unexpected(answer.error().text);
    const auto head = answer ? check(*answer, 0) : std::unexpected(answer.error());
    if (!said || !head)
      return cannot_reach(!said ? said.error() : head.error().text);
    if (!said->succeeded)
      return std::unexpected(fmt::format("another start of node {} began in the same moment, try again", node));
    return head->revision;
  };
  const auto there = read_key(c, key);
  if (!there)
    return cannot_reach(there.error().text);
  std::optional<boot_record> known;
  if (there->mod_revision != 0) {
    auto read = boot_record_from_text(there->value);
    if (!read)
      return std::unexpected(read.error());
    known = std::move(*read);
  }
  const auto begun = cluster::begin_boot(known, disk, on_disk, replication::number_of(gone_), random_number(), random_number());
  const auto pending = put(there->mod_revision, begun.next);
  if (!pending)
    return std::unexpected(pending.error());
  if (auto written = write(begun.boot, begun.disk); !written)
    return std::unexpected(written.error());
  const auto sure = confirmed(begun.next, begun.disk, begun.boot);
  if (const auto done = put(*pending, *sure); !done)
    return std::unexpected(done.error());
  return start{begun.boot, begun.disk, begun.why};
}

// ------------------------------------------------------------------ the registration

std::expected<void, std::string> etcd_config_store::announce(const node_registration& self, taken_call taken) {
  const std::lock_guard one_at_a_time(calls_);
  if (auto done = register_with_lease(*caller_, self); !done)
    return std::unexpected("the node cannot be registered: " + done.error().why);
  {
    const std::lock_guard lock(mine_);
    self_ = self;
  }
  if (!keeping_.joinable()) {
    taken_ = std::move(taken);
    keeper_ = std::make_unique<channel>(endpoints_, tls_, options_.first_endpoint);
    keeping_ = std::jthread([this](const std::stop_token& stop) { keep_alive(stop); });
  }
  return {};
}

// Its revision, 0 where there is none, if what stands there may be replaced by this start.
std::expected<std::int64_t, etcd_config_store::refused> etcd_config_store::revision_to_replace(channel& c, const node_registration& self) {
  const auto there = read_key(c, node_key(self.node));
  if (!there)
    return std::unexpected(refused{false, cannot_reach(there.error().text).error()});
  if (there->mod_revision == 0)
    return 0;
  const auto other = registration_from_text(there->value);
  if (!other)
    return std::unexpected(refused{false, other.error()});
  const bool mine = other->disk == self.disk && other->boot == self.boot;
  const bool gone = other->boot == gone_ && gone_ != replication::boot_t{};
  if (!mine && !gone)
    return std::unexpected(refused{true, runs_already(*other, self.disk)});
  return there->mod_revision;
}

// The condition under which this start is still the node's last one.
std::expected<condition, etcd_config_store::refused> etcd_config_store::still_last(channel& c, const node_registration& self) {
  const auto key = value_key(fmt::format("boot/{}", self.node));
  const auto there = read_key(c, key);
  if (!there)
    return std::unexpected(refused{false, cannot_reach(there.error().text).error()});
  if (there->mod_revision != 0) {
    const auto record = boot_record_from_text(there->value);
    if (!record)
      return std::unexpected(refused{false, record.error()});
    if (!is_last(*record, self.disk, self.boot))
      return std::unexpected(
          refused{true, fmt::format("node {} was started again since boot {}, on another copy of its disk or on another disk", self.node,
                                    replication::number_of(self.boot))});
  }
  return condition{key, there->mod_revision};
}

std::expected<void, etcd_config_store::refused> etcd_config_store::register_with_lease(channel& c, const node_registration& self) {
  constexpr int tries_max = 3;
  for (int tries = 0; tries < tries_max; ++tries) {
    bool changed = false;
    if (auto done = try_to_register(c, self, changed); done || !changed)
      return done;
  }
  return std::unexpected(refused{false, fmt::format("the registration of node {} changed in the same moment, try again", self.node)});
}

// `changed`: what it was to replace is not there any more, so that it is to be looked at again.
std::expected<void, etcd_config_store::refused> etcd_config_store::try_to_register(channel& c, const node_registration& self,
                                                                                   bool& changed) {
  const auto fail = [](std::string why) { return std::unexpected(refused{false, std::move(why)}); };
  const auto revision = revision_to_replace(c, self);
  if (!revision)
    return std::unexpected(revision.error());
  const auto last = still_last(c, self);
  if (!last)
    return std::unexpected(last.error());
  const auto granted = call(c, "/v3/lease/grant", lease_grant_of(options_.lease.count()), connection::again::yes);
  if (!granted)
    return fail(cannot_reach(granted.error().text).error());
  const auto lease = read_number(*granted, "ID");
  if (!lease || *lease == 0)
    return fail("etcd granted no lease");
  const auto put = call(c, "/v3/kv/txn", swap_of(node_key(self.node), *revision, to_text(self), *lease, *last), connection::again::no);
  if (!put)
    return fail(cannot_reach(put.error().text).error());
  const auto said = read_swap(*put);
  if (!said)
    return fail(said.error());
  changed = !said->succeeded;
  if (changed)
    return fail({});
  const std::lock_guard lock(mine_);
  lease_ = *lease;
  return {};
}

void etcd_config_store::withdraw() {
  keeping_.request_stop();
  if (keeper_)
    keeper_->link.interrupt();
  if (keeping_.joinable())
    keeping_.join();
  const std::lock_guard one_at_a_time(calls_);
  std::int64_t lease = 0;
  {
    const std::lock_guard lock(mine_);
    self_.reset();
    lease = std::exchange(lease_, 0);
  }
  if (lease == 0)
    return;
  if (const auto gone = call(*caller_, "/v3/lease/revoke", lease_named(lease), connection::again::no); !gone)
    say("the registration could not be taken back, it lapses: " + gone.error().text);
}

// What the watch shows of a node: when it is this one, and not this start of it, the keeper looks at once.
void etcd_config_store::look_after_own(std::uint64_t node, const node_registration* now) {
  {
    const std::lock_guard lock(mine_);
    if (!self_ || self_->node != node || (now != nullptr && now->disk == self_->disk && now->boot == self_->boot))
      return;
  }
  {
    const std::lock_guard lock(waiting_);
    look_ = true;
  }
  wake_.notify_all();
}

// What changed while nothing was watched.
void etcd_config_store::look_after_own(const std::vector<node_registration>& all) {
  std::uint64_t own = 0;
  {
    const std::lock_guard lock(mine_);
    if (!self_)
      return;
    own = self_->node;
  }
  const auto there = std::ranges::find(all, own, &node_registration::node);
  look_after_own(own, there == all.end() ? nullptr : &*there);
}

void etcd_config_store::keep_alive(const std::stop_token& stop) {
  const auto beat = std::chrono::duration_cast<std::chrono::milliseconds>(options_.lease) / 3;
  bool unsure = false;  // it was to be looked at, and could not be
  while (!stop.stop_requested()) {
    {
      std::unique_lock lock(waiting_);
      wake_.wait_for(lock, stop, beat, [this] { return look_.load(); });
    }
    if (stop.stop_requested())
      return;
    if (!look_.exchange(false) && !unsure && prolong(*keeper_))
      continue;
    std::optional<node_registration> self;
    {
      const std::lock_guard lock(mine_);
      self = self_;
    }
    if (!self)
      continue;
    const auto again = register_with_lease(*keeper_, *self);
    if (stop.stop_requested())
      return;
    unsure = !again;
    if (again)
      say(fmt::format("node {} is registered again: its lease had lapsed", self->node));
    else if (again.error().taken && taken_)
      return taken_(fmt::format("this start, boot {}, ends: {}", replication::number_of(self->boot), again.error().why));
    else
      say("the node cannot be registered: " + again.error().why);
  }
}

// False when the lease has lapsed; a call that fails leaves that open.
bool etcd_config_store::prolong(channel& c) {
  std::int64_t lease = 0;
  {
    const std::lock_guard lock(mine_);
    lease = lease_;
  }
  const auto answer = call(c, "/v3/lease/keepalive", lease_named(lease), connection::again::yes);
  if (!answer)
    return answer.error().code != 5;  // etcd's "not found"
  const auto* result = answer->if_contains("result");
  const auto* o = result != nullptr ? result->if_object() : nullptr;
  if (o == nullptr)
    return true;
  const auto left = read_number(*o, "TTL");
  return !left || *left > 0;
}

}  // namespace janji::cluster::etcd
