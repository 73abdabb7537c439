// How a node takes its place: which start of it this is, and the keys that it shares.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "apps/cluster_seat.hpp"
#include "cluster/record_text.hpp"

namespace janji::apps {

namespace {

// Its machine answers, and says that no process has that port: whoever was there has ended. A process that is frozen, and a machine
// that cannot be reached, say nothing of the kind.
bool nobody_listens(const std::string& host_and_port) {
  namespace asio = boost::asio;
  constexpr auto patience = std::chrono::milliseconds(500);
  const auto colon = host_and_port.rfind(':');
  if (colon == std::string::npos)
    return false;
  asio::io_context io(1);
  boost::system::error_code ec;
  const auto found = asio::ip::tcp::resolver(io).resolve(host_and_port.substr(0, colon), host_and_port.substr(colon + 1), ec);
  if (ec || found.empty())
    return false;
  // Each address by itself: what all of them together come to is what the last one said.
  return std::ranges::all_of(found, [&](const auto& address) {
    boost::system::error_code said = asio::error::would_block;
    asio::io_context one(1);
    asio::ip::tcp::socket socket(one);
    socket.async_connect(address.endpoint(), [&](const boost::system::error_code& e) { said = e; });
    one.run_for(patience);
    return said == asio::error::connection_refused;
  });
}

}  // namespace

// Which start of this node it is. Afterwards the disk says so too.
std::expected<void, std::string> cluster_seat::begin() {
  const auto write = [this](replication::boot_t boot, std::uint64_t disk) -> std::expected<void, std::string> {
    if (auto written = store_.begin_boot(boot.value, disk); !written)
      return std::unexpected(written.error().text());
    return {};
  };
  const auto begun = etcd_->begin_boot(links_.node, store_.disk_id(), replication::boot_t{store_.boot()}, write,
                                       [](const auto& other) { return nobody_listens(other.links); });
  if (!begun)
    return std::unexpected(begun.error());
  links_.boot = begun->boot;
  if (!begun->why.empty())
    spdlog::warn("this disk is taken for a new one, and is filled again from the others: {}", begun->why);
  return {};
}

// ------------------------------------------------------------------ keys

// A round's by whoever imports it, before it is there; the others' until the first shard begins. What is missing later was lost here, and
// a new one would let everybody book again: others may hold the lost one.
std::expected<bool, std::string> cluster_seat::may_be_made(const std::string& name) {
  const auto slash = name.find('/');
  if (const auto kind = name.substr(0, slash); kind == "citizen" || kind == "data") {
    const auto id = cluster::number_after(name, kind + "/");
    const std::lock_guard lock(mutex_);
    const auto catalogue = node_ == nullptr ? nullptr : node_->catalogue();
    const auto* round = catalogue && id ? catalogue->find(round_id{static_cast<std::uint16_t>(*id)}) : nullptr;
    return id && round == nullptr && being_made_.contains(round_id{static_cast<std::uint16_t>(*id)});
  }
  const auto first = etcd_->read(shard_id{0});
  if (!first)
    return cluster::cannot_reach(first.error());
  return first->revision == 0;
}

std::expected<void, std::string> cluster_seat::agree_on_fingerprint(const std::string& mine) {
  const auto there = etcd_->put_if_absent("keys-fingerprint", mine);
  if (!there)
    return cluster::cannot_reach(there.error());
  if (*there != mine)
    return std::unexpected(
        fmt::format("the keys of this node (fingerprint {}) are not the cluster's ({}): put its own back, or wipe it and "
                    "let it join anew",
                    mine, *there));
  return {};
}

}  // namespace janji::apps
