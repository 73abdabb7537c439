#include "net/links/links_core.hpp"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <charconv>
#include <utility>

#include "cluster/streams/byte_stream.hpp"
#include "cluster/streams/certificates.hpp"
#include "net/links/node_name.hpp"

namespace janji::net {

namespace asio = boost::asio;
using boost::system::error_code;

// ------------------------------------------------------------------ the public face

links::links(std::unique_ptr<links_core> core) : core_(std::move(core)) {}
links::~links() = default;

std::expected<std::unique_ptr<links>, std::string> links::open(link_options options, cluster::peer_events& events) {
  auto core = std::make_unique<links_core>(std::move(options), events);
  if (auto started = core->start(); !started)
    return std::unexpected(started.error());
  return std::unique_ptr<links>(new links(std::move(core)));
}

bool links::send(std::uint64_t node, cluster::peer_message&& message) { return core_->send(node, std::move(message)); }
void links::set_peers(std::map<std::uint64_t, std::string> peers) { core_->set_peers(std::move(peers)); }
void links::set_boots(std::map<std::uint64_t, replication::boot_t> boots) { core_->set_boots(std::move(boots)); }
std::uint16_t links::port() const { return core_->port; }
const link_counters& links::counters() const { return core_->counters; }

std::expected<void, std::string> links::reload() {
  auto read = core_->read_certificates();
  if (!read)
    return std::unexpected(read.error());
  const std::lock_guard lock(core_->tls_mutex_);
  core_->tls_ = std::move(*read);
  return {};
}

// ------------------------------------------------------------------ start and end

links_core::links_core(link_options o, cluster::peer_events& e) : options(std::move(o)), events(e) {}

links_core::~links_core() {
  if (!thread_.joinable())
    return;
  asio::post(io, [this] {
    stopping = true;
    error_code ignored;
    acceptor_.close(ignored);
    for (auto& [node, p] : peers_)
      if (auto session = std::exchange(p.session, nullptr))
        session->close();
    io.stop();
  });
  thread_.join();
}

std::expected<void, std::string> check_own_certificate(const link_options& o) {
  if (o.certificate_file.empty())
    return {};
  const auto own = cluster::read_certificate(o.certificate_file);
  if (!own)
    return std::unexpected(own.error());
  if (const auto why = cluster::not_valid_now(*own); !why.empty())
    return std::unexpected(fmt::format("{}, which is shown to other nodes: {}", o.certificate_file, why));
  const auto found = find_name(own->uris, o.cluster, o.node);
  if (found == name_found::right || (found == name_found::none && o.unnamed_certificates && !o.production))
    return {};
  return std::unexpected(fmt::format("{} names {} and not {}, so that no other node takes it for this one's: have one made with that URI",
                                     o.certificate_file, names_in_words(own->uris), node_name(o.cluster, o.node)));
}

std::expected<std::shared_ptr<asio::ssl::context>, std::string> links_core::read_certificates() const {
  namespace ssl = asio::ssl;
  const auto given = !options.certificate_file.empty() + !options.key_file.empty() + !options.ca_file.empty();
  if (given == 0 && options.production)
    return std::unexpected(std::string("a cluster in production needs certificates for its links"));
  if (given == 0)
    return nullptr;
  if (given != 3)
    return std::unexpected(std::string("links need a certificate, its key and the authority's certificate, or none of them"));
  if (options.production && options.unnamed_certificates)
    return std::unexpected(
        std::string("cluster.mode = production takes no certificate that names no node: leave cluster.unnamed_certificates as it is"));
  if (options.production && cluster::made_for_development(options.ca_file))
    return std::unexpected(options.ca_file + ": this authority was made for development: anybody may have its key");
  auto context = std::make_shared<ssl::context>(ssl::context::tls);
  SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_3_VERSION);
  SSL_CTX_set_session_cache_mode(context->native_handle(), SSL_SESS_CACHE_OFF);  // every link shows its certificate
  SSL_CTX_set_num_tickets(context->native_handle(), 0);
  context->set_verify_mode(ssl::verify_peer | ssl::verify_fail_if_no_peer_cert);
  if (auto loaded = cluster::load(*context, {options.certificate_file, options.key_file, options.ca_file}); !loaded)
    return std::unexpected(loaded.error());
  return context;
}

std::shared_ptr<asio::ssl::context> links_core::tls() {
  const std::lock_guard lock(tls_mutex_);
  return tls_;
}

namespace {

bool is_loopback(const asio::ip::address& a) {
  if (a.is_v6() && a.to_v6().is_v4_mapped())
    return asio::ip::make_address_v4(asio::ip::v4_mapped, a.to_v6()).is_loopback();
  return a.is_loopback();
}

}  // namespace

std::expected<void, std::string> links_core::start() {
  auto certificates = read_certificates();
  if (!certificates)
    return std::unexpected(certificates.error());
  tls_ = std::move(*certificates);
  error_code ec;
  const auto where = fmt::format("{}:{}", options.address, options.port);
  const auto failed = [&] { return std::unexpected(fmt::format("links cannot listen at {}: {}", where, ec.message())); };
  asio::ip::tcp::resolver resolver(io);  // a name, as certificates have it, or an address
  const auto found = resolver.resolve(options.address, std::to_string(options.port), asio::ip::tcp::resolver::passive, ec);
  const auto is_open = [](const auto& one) { return !is_loopback(one.endpoint().address()); };
  if (const auto open = ec || tls_ || options.insecure_listeners ? found.end() : std::find_if(found.begin(), found.end(), is_open);
      open != found.end())
    return std::unexpected(
        fmt::format("cluster.address {} is {}, which other machines reach, and the links are in the clear: give them certificates "
                    "(cluster.certificate_file), or set node.insecure_listeners = true",
                    options.address, open->endpoint().address().to_string()));
  for (auto at = found.begin(); at != found.end(); ++at)  // a name may have addresses of which not all are this machine's
    if (ec = listen(*at); !ec)
      break;
  if (ec)
    return failed();
  port = acceptor_.local_endpoint().port();
  accept();
  thread_ = std::thread([this] {
    const auto work = asio::make_work_guard(io);
    io.run();
  });
  return {};
}

std::string links_core::wrong_certificate(const cluster::byte_stream& link, std::uint64_t node) {
  if (!link.is_encrypted())
    return {};
  const auto uris = link.peer_uris();
  const auto found = find_name(uris, options.cluster, node);
  if (found == name_found::right)
    return {};
  if (found == name_found::wrong || !options.unnamed_certificates)
    return fmt::format("its certificate is of {}, not of {}", names_in_words(uris), node_name(options.cluster, node));
  if (said_unnamed_.insert(node).second)
    log(fmt::format(
        "the certificate of node {} names no node, and is taken because of cluster.unnamed_certificates: any other could be shown "
        "in its place; have one made with the URI {}",
        node, node_name(options.cluster, node)));
  return {};
}

error_code links_core::listen(const asio::ip::tcp::endpoint& at) {
  error_code ec;
  error_code ignored;
  acceptor_.close(ignored);
  acceptor_.open(at.protocol(), ec);
  if (!ec)
    acceptor_.set_option(asio::socket_base::reuse_address(true), ec);
  if (!ec)
    acceptor_.bind(at, ec);
  if (!ec)
    acceptor_.listen(asio::socket_base::max_listen_connections, ec);
  return ec;
}

void links_core::accept() {
  acceptor_.async_accept([this](const error_code& ec, asio::ip::tcp::socket socket) {
    if (stopping || ec == asio::error::operation_aborted)
      return;
    if (ec && ec != asio::error::connection_aborted)
      return accept_later();
    if (!ec)
      greet(std::move(socket));
    accept();
  });
}

// No descriptors are left, most likely.
void links_core::accept_later() {
  close_one_stranger();
  constexpr std::chrono::milliseconds for_a_while{100};
  accept_pause_.expires_after(for_a_while);
  accept_pause_.async_wait([this](const error_code& ec) {
    if (!ec && !stopping)
      accept();
  });
}

void links_core::greet(asio::ip::tcp::socket&& socket) {
  std::erase_if(strangers_, [](const auto& s) {
    const auto there = s.lock();
    return !there || !there->is_stranger;
  });
  if (strangers_.size() >= options.strangers_max) {
    close_one_stranger();
  }
  error_code ignored;
  const auto from = socket.remote_endpoint(ignored).address();
  strangers_.push_back(greet_stranger(*this, std::move(socket)));
  if (const auto s = strangers_.back().lock())
    s->from = from;
}

// The oldest of the address that has most: a flood from one place closes its own.
void links_core::close_one_stranger() {
  std::map<asio::ip::address, std::size_t> of;
  for (const auto& s : strangers_)
    if (const auto there = s.lock())
      ++of[there->from];
  if (of.empty())
    return;
  const auto most = std::ranges::max_element(of, {}, [](const auto& one) { return one.second; })->first;
  const auto oldest = std::ranges::find_if(strangers_, [&](const auto& s) {
    const auto there = s.lock();
    return there && there->from == most;
  });
  if (const auto there = oldest->lock())
    there->close();
  strangers_.erase(oldest);
}

// ------------------------------------------------------------------ senders' side

std::shared_ptr<outbox> links_core::outbox_of(std::uint64_t node) {
  const std::shared_lock lock(outboxes_mutex_);
  const auto it = outboxes_.find(node);
  return it == outboxes_.end() ? nullptr : it->second;
}

bool links_core::send(std::uint64_t node, cluster::peer_message&& message) {
  const auto out = message.payload.size() > cluster::peer_payload_bytes_max ? nullptr : outbox_of(node);
  if (!out) {
    ++counters.dropped_no_link;
    return false;
  }
  const std::lock_guard lock(out->mutex);
  if (!out->up) {
    ++counters.dropped_no_link;
    return false;
  }
  const auto cost = cost_of(message.payload.size());
  // One message always goes into an empty window, however large.
  if (out->in_window != 0 && out->in_window + cost > options.window_bytes_max) {
    ++counters.dropped_window;
    return false;
  }
  out->in_window += cost;
  out->waiting.push_back(std::move(message));
  if (!std::exchange(out->woken, true))
    asio::post(io, [this, node] { flush(node); });
  return true;
}

void links_core::flush(std::uint64_t node) {
  const auto it = peers_.find(node);
  if (it != peers_.end() && it->second.session)
    it->second.session->write_more();
}

std::vector<cluster::peer_message> links_core::take(std::uint64_t node) {
  std::vector<cluster::peer_message> taken;
  const auto out = outbox_of(node);
  if (!out)
    return taken;
  const auto now = std::chrono::steady_clock::now();
  const std::lock_guard lock(out->mutex);
  std::size_t bytes = 0;
  while (!out->waiting.empty() && (bytes == 0 || bytes + cost_of(out->waiting.front().payload.size()) <= frame_bytes_max)) {
    auto& m = out->waiting.front();
    const auto cost = cost_of(m.payload.size());
    if (m.until != std::chrono::steady_clock::time_point{} && m.until <= now) {
      ++counters.dropped_deadline;
      out->in_window -= cost;
    } else {
      bytes += cost;
      taken.push_back(std::move(m));
    }
    out->waiting.pop_front();
  }
  out->woken = !out->waiting.empty() || !taken.empty();  // whoever writes comes back for the rest
  return taken;
}

void links_core::credited(std::uint64_t node, std::size_t cost) {
  if (const auto out = outbox_of(node)) {
    const std::lock_guard lock(out->mutex);
    out->in_window -= std::min(cost, out->in_window);
  }
}

void links_core::close_outbox(outbox& out) {
  const std::lock_guard lock(out.mutex);
  out.up = out.woken = false;
  out.in_window = 0;
  out.waiting.clear();
}

// ------------------------------------------------------------------ peers

void links_core::set_peers(std::map<std::uint64_t, std::string> peers) {
  peers.erase(options.node);
  asio::post(io, [this, peers = std::move(peers)]() mutable { apply_peers(std::move(peers)); });
}

void links_core::apply_peers(std::map<std::uint64_t, std::string> wanted) {
  for (auto it = peers_.begin(); it != peers_.end();) {
    const auto gone = it++;
    if (wanted.contains(gone->first))
      continue;
    if (gone->second.session)
      end_session(gone->second, "it is no member any more");
    const std::unique_lock lock(outboxes_mutex_);
    outboxes_.erase(gone->first);
    peers_.erase(gone);
  }
  for (auto& [node, address] : wanted) {
    auto& p = peers_[node];
    const bool moved = p.address != address;
    p.address = std::move(address);
    {
      const std::unique_lock lock(outboxes_mutex_);
      outboxes_[node] = p.out;
    }
    if (moved)
      p.pause_ms = 0;
    if (!p.session && !p.dialling && (moved || !p.redial))
      dial(node);
  }
}

// A process that was frozen, or a copy of a disk, may go on beside the start that took its place.
void links_core::set_boots(std::map<std::uint64_t, replication::boot_t> boots) {
  asio::post(io, [this, boots = std::move(boots)]() mutable {
    boots_ = std::move(boots);
    for (auto& [node, p] : peers_) {
      const auto known = boots_.find(node);
      if (!p.session || known == boots_.end() || p.session->with.boot >= known->second)
        continue;
      end_session(p, "the node was started again");
      dial(node);  // the start that runs now; the old one's connection, whose end would have led there, is not heard any more
    }
  });
}

// The smaller id dials, so that two nodes never make two links.
void links_core::dial(std::uint64_t node) {
  const auto it = peers_.find(node);
  if (stopping || it == peers_.end() || options.node > node || it->second.session || it->second.dialling)
    return;
  it->second.redial.reset();
  it->second.dialling = true;
  dial_peer(*this, node, it->second.address);
}

void links_core::dial_later(std::uint64_t node) {
  const auto it = peers_.find(node);
  if (stopping || it == peers_.end() || options.node > node)
    return;
  auto& p = it->second;
  p.pause_ms = std::min(p.pause_ms == 0 ? options.redial_ms_min : 2 * p.pause_ms, options.redial_ms_max);
  p.redial = std::make_unique<asio::steady_timer>(io);
  p.redial->expires_after(std::chrono::milliseconds(p.pause_ms / 2 + randombytes_uniform(p.pause_ms)));
  p.redial->async_wait([this, node](const error_code& ec) {
    if (!ec)
      dial(node);
  });
}

void links_core::dial_failed(std::uint64_t node, const std::string& why) {
  const auto it = peers_.find(node);
  if (it == peers_.end())
    return;
  it->second.dialling = false;
  if (std::exchange(it->second.last_trouble, why) != why)
    log(fmt::format("no link to node {}: {}", node, why));
  dial_later(node);
}

void links_core::refuse(const asio::ip::address& from, const std::string& why) {
  ++counters.refused;
  const auto now = std::chrono::steady_clock::now();
  const auto more = std::chrono::duration_cast<std::chrono::seconds>(now - said_at_);
  if (more.count() > 0) {
    words_left_ = static_cast<std::uint32_t>(std::min<std::int64_t>(refusals_said_max, words_left_ + more.count()));
    said_at_ = now;
  }
  if (words_left_ == 0) {
    ++unsaid_;
    return;
  }
  --words_left_;
  log(fmt::format("a link was refused: {}: {}{}", from.to_string(), why, unsaid_ == 0 ? "" : fmt::format(" (and {} before it)", unsaid_)));
  unsaid_ = 0;
}

bool links_core::established(const std::shared_ptr<link_session>& session) {
  const auto it = peers_.find(session->with.node);
  if (stopping || it == peers_.end())
    return false;
  auto& p = it->second;
  p.dialling = false;
  p.pause_ms = 0;
  p.last_trouble.clear();
  p.redial.reset();
  if (p.session)
    end_session(p, "it has made another");  // the peer knows better than we that the old one is gone
  p.session = session;
  {
    const std::lock_guard lock(p.out->mutex);
    p.out->up = true;
  }
  ++counters.up;
  log(fmt::format("link to node {} (boot {}) is up", session->with.node, replication::number_of(session->with.boot)));
  events.link_up(session->with);
  return true;
}

void links_core::end_session(peer_state& p, const std::string& why) {
  const auto session = std::exchange(p.session, nullptr);
  close_outbox(*p.out);
  session->close();
  --counters.up;
  ++counters.broken;
  log(fmt::format("link to node {} (boot {}) is broken: {}", session->with.node, replication::number_of(session->with.boot), why));
  events.link_broken(session->with);
}

void links_core::ended(link_session* session, const std::string& why) {
  const auto it = peers_.find(session->with.node);
  if (stopping || it == peers_.end() || it->second.session.get() != session)
    return;  // replaced, or not wanted
  end_session(it->second, why);
  dial_later(it->first);
}

static std::optional<std::uint64_t> number_in(std::string_view text) {
  std::uint64_t n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  return error == std::errc{} && end == text.data() + text.size() && !text.empty() ? std::optional{n} : std::nullopt;
}

std::string links_core::wrong_with(std::string_view cluster, std::string_view version, std::string_view node, std::string_view boot,
                                   std::string_view to, std::optional<std::uint64_t> expected, cluster::peer& out) const {
  if (version != wire_version)
    return fmt::format("it speaks version '{}' of the links, not {}", version, wire_version);
  if (cluster != options.cluster)
    return fmt::format("it belongs to the cluster '{}', not '{}'", cluster, options.cluster);
  const auto id = number_in(node);
  const auto life = number_in(boot);
  if (!id || !life)
    return "it does not say who it is";
  if (*id == options.node)
    return fmt::format("it says that it is node {}, as we are", *id);
  if (number_in(to) != options.node)
    return fmt::format("it wants node '{}', this is node {}", to, options.node);
  if (expected && *expected != *id)
    return fmt::format("it says that it is node {}, not {}", *id, *expected);
  const auto it = peers_.find(*id);
  if (it == peers_.end())
    return fmt::format("node {} is no member of this cluster", *id);
  if (const auto& now = it->second.session; now && now->with.boot.value > *life)
    return fmt::format("node {} has a later life than boot {}", *id, replication::number_of(replication::boot_t{*life}));
  if (const auto known = boots_.find(*id); known != boots_.end() && known->second.value > *life)
    return fmt::format("node {} was started again since boot {}", *id, replication::number_of(replication::boot_t{*life}));
  out = {*id, replication::boot_t{*life}};
  return {};
}

}  // namespace janji::net
