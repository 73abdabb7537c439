// The node: opens the store, starts the actors, serves citizens and operators until it is told to stop.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sodium.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <optional>
#include <span>
#include <thread>

#include "actors/node.hpp"
#include "apps/cluster_seat.hpp"
#include "apps/descriptors.hpp"
#include "apps/exposure.hpp"
#include "apps/membership.hpp"
#include "apps/ports_file.hpp"
#include "apps/process.hpp"
#include "apps/round_keys.hpp"
#include "apps/settings.hpp"
#include "apps/stop_limit.hpp"
#include "booking/receipt.hpp"
#include "net/admin_api.hpp"
#include "net/citizen_api.hpp"
#include "net/site.hpp"
#include "net/listener.hpp"
#include "store/key_ring.hpp"
#include "store/master_keys.hpp"
#include "store/node_store.hpp"
#include "store/sealing.hpp"
#include "store/secret.hpp"
#include "store/small_file.hpp"

namespace janji::apps {

namespace {

namespace asio = boost::asio;
template <class T>
using result = std::expected<T, std::string>;

result<bool> is_there(const std::string& file) {
  std::error_code ec;
  const bool there = std::filesystem::exists(file, ec);
  if (ec)
    return std::unexpected(fmt::format("{} cannot be looked at: {}", file, ec.message()));
  return there;
}

// A file of one's own that an interrupted start of an earlier version left.
bool is_left_empty(const std::string& file) {
  std::error_code ec;
  return std::filesystem::symlink_status(file, ec).type() == std::filesystem::file_type::regular && std::filesystem::is_empty(file, ec) &&
         !ec;
}

// The operators' token: made at the first start, mode 0600. `named`: an operator has said where it is, and may be about to write it.
result<store::secret_text> admin_token(const std::string& file, bool named) {
  const auto there = is_there(file);
  if (!there)
    return std::unexpected(there.error());
  std::error_code ec;
  if (!*there || (!named && is_left_empty(file))) {
    store::secret_text random;
    random.resize(24);
    randombytes_buf(random.data(), random.size());
    store::secret_text token;
    token.resize(sodium_base64_ENCODED_LEN(random.size(), sodium_base64_VARIANT_URLSAFE_NO_PADDING));
    sodium_bin2base64(token.data(), token.size(), reinterpret_cast<const unsigned char*>(random.data()), random.size(),
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    token.data()[token.size() - 1] = '\n';
    std::filesystem::remove(file + ".new", ec);  // laid there by somebody who is to read what is written
    if (auto written = store::replace_file(file, token); !written)
      return std::unexpected(fmt::format("the admin token {} cannot be written: {}", file, written.error().text()));
    token.resize(token.size() - 1);
    return token;
  }
  auto token = store::read_secret_file(file, "the admin token");
  if (!token)
    return std::unexpected(token.error().text());
  if (token->size() < 16)
    return std::unexpected(fmt::format("{} does not hold an admin token of at least 16 characters", file));
  return std::move(*token);
}

result<void> check_shards(store::node_store& store, std::int64_t shards) {
  if (auto r = agrees_in_shards(store, shards); !r)
    return r;
  const auto known = store.get("shards");
  if (known && known->revision == 0)
    if (auto r = store.swap("shards", 0, std::to_string(shards)); !r)
      return std::unexpected(r.error().text());
  return {};
}

// A secret of the environment is taken out of it: /proc shows it to whoever may look at the process.
store::secret_text taken_from_environment(const char* name) {
  auto* const text = std::getenv(name);
  if (text == nullptr)
    return {};
  store::secret_text taken(text);
  store::wipe(text, std::strlen(text));
  ::unsetenv(name);
  return taken;
}

// Its directory is there. Once: what the environment had is gone from it.
store::master_sources sources_of(const settings& s, bool create) {
  const auto& named = s.text("node.master_key_file");
  const auto file = named.empty() ? s.text("node.data") + "/master.key" : named;
  const auto& next = s.text("node.next_master_key_file");
  return {{file, taken_from_environment("JANJI_MASTER_KEY"), create},
          next.empty() ? file + ".next" : next,
          taken_from_environment("JANJI_MASTER_KEY_NEXT")};
}

struct server {
  std::unique_ptr<store::node_store> store;
  std::unique_ptr<cluster_seat> seat;  // none: the node is alone
  std::unique_ptr<store::key_ring> keys;
  std::unique_ptr<store::sealing> sealing;
  std::unique_ptr<receipt_signer> signer;
  std::unique_ptr<actors::node> node;
  asio::io_context citizens_io{1};
  asio::io_context admin_io{1};
  store::master_sources masters;
  descriptor_budget descriptors;
  ports_file ports;
  std::unique_ptr<net::citizen_api> citizens_api;
  std::unique_ptr<net::site> pages;
  std::unique_ptr<net::admin_api> operators_api;
  std::unique_ptr<net::listener> citizens;  // none: this node only holds shards
  std::unique_ptr<net::listener> operators;
  std::unique_ptr<round_keys> rounds;  // its thread ends before anything above goes

  result<void> open(const settings& s);
  result<void> divide(const settings& s);
  result<void> open_keys(const settings& s, bool may_be_new);
  result<void> check_keys(const std::string& data);
  result<void> listen(const settings& s);
  int serve(const settings& s);
  void reload_on(asio::signal_set& hangup);
  result<void> write_ports(const std::string& data, const std::string& admin_address);
};

[[noreturn]] void die(const std::string& why) {
  say_last("janjid: " + why);
  std::_Exit(3);  // nothing more may be written or said
}

[[noreturn]] void refuse(const std::string& why) {
  say_last("janjid: " + why);
  std::_Exit(2);
}

bool serves_citizens(const settings& s) { return s.text("cluster.role") != "store"; }

// Swapped out, keys would stand on a disk that nobody erases.
result<void> keys_are_locked(const settings& s) {
  const auto why = store::vault::why_not_locked();
  if (why.empty())
    return {};
  if (s.text("cluster.mode") == "production")
    return std::unexpected(why);
  spdlog::warn("{}", why);
  return {};
}

// Before anything is opened: too few descriptors are told of here, and not by whatever is opened last.
result<void> server::divide(const settings& s) {
  const auto wished = serves_citizens(s) ? static_cast<std::size_t>(s.number("http.connections_max")) : 0;
  const descriptor_wishes wishes{wished, !s.text("cluster.name").empty()};
  const auto allowed = raise_descriptor_limit(wishes);
  const auto divided = divide_descriptors(allowed, wishes);
  if (!divided)
    return std::unexpected(divided.error());
  descriptors = *divided;
  if (descriptors.citizens < wished)
    spdlog::warn("{} files and connections may be open at once (ulimit -n, LimitNOFILE): http.connections_max is {} and not {}", allowed,
                 descriptors.citizens, wished);
  return {};
}

result<void> server::open(const settings& s) {
  const auto& data = s.text("node.data");
  auto membership = start_membership::judge(s);
  if (!membership)
    return std::unexpected(membership.error());
  std::error_code ec;
  std::filesystem::create_directories(data, ec);
  if (ec)
    return std::unexpected(fmt::format("the directory {} cannot be made: {}", data, ec.message()));
  // Keys without their store, or a store without its keys, is a loss that nobody may paper over with new ones: with new keys
  // everyone could book again, and no token or record of before could be read.
  const auto has_keys = is_there(data + "/keys");
  if (!has_keys)
    return std::unexpected(has_keys.error());
  const bool first_start = !*has_keys;
  store::store_options options;
  options.path = data + "/store";
  options.create_if_missing = first_start;
  options.counts_boots = s.text("cluster.name").empty();  // else etcd does
  constexpr int of_the_store_itself = 16;                 // its logs, its manifest, what it is about to write
  options.files_max = static_cast<int>(descriptors.store) - of_the_store_itself;
  options.disk_low_mark = s.real("store.disk_low_mark");
  options.ballast_bytes = static_cast<std::uint64_t>(s.number("store.ballast_mb")) << 20;
  auto opened = store::node_store::open(options);
  if (!opened)
    return std::unexpected(opened.error().text());
  store = std::move(*opened);
  if (auto r = check_shards(*store, s.number("node.shards")); !r)
    return r;
  if (auto r = membership->write(*store); !r)
    return r;

  const auto known = store->get("keys");
  if (!known)
    return std::unexpected(known.error().text());
  if (first_start && known->revision != 0)
    return std::unexpected(
        fmt::format("the keys of the store in {} are missing: put {}/keys and its master key back", store->path(), data));
  masters = sources_of(s, first_start);
  if (auto r = open_keys(s, known->revision == 0); !r)
    return r;
  const auto disk = store->disk_id();
  auto place = cluster_seat::open(s, *store, membership->take_etcd(), descriptors.links, refuse);
  if (!place)
    return std::unexpected(place.error());
  seat = std::move(*place);
  if (seat) {
    if (auto r = seat->keep_keys(*keys, [this] { return store::read_masters(masters); }); !r)
      return r;
    if (membership->begins() && store->disk_id() != disk)
      return std::unexpected(fmt::format("the data in {} is a copy of that which the cluster {} is being made of: start that one", data,
                                         membership->record().cluster));
    if (membership->founds())
      if (auto r = seat->found(*membership, *keys); !r)
        return r;
    if (auto r = round_keys::put_back_common(*keys, *seat); !r)
      return std::unexpected(r.error());
  }
  if (known->revision == 0)
    if (auto r = store->swap("keys", 0, "made"); !r)
      return std::unexpected(r.error().text());
  auto seals = store::sealing::open(*keys);
  if (!seals)
    return std::unexpected(seals.error().text());
  sealing = std::move(*seals);
  if (auto r = check_keys(data); !r)
    return r;
  signer = std::make_unique<receipt_signer>(sealing->receipt_seed());

  actors::node_options n;
  n.shard_count = static_cast<std::uint16_t>(s.number("node.shards"));
  n.actor_threads = static_cast<unsigned>(s.number("node.actor_threads"));
  n.passivate_after_ms = static_cast<std::uint32_t>(s.number("store.passivate_after_ms"));
  n.snapshot_every_events = static_cast<std::uint32_t>(s.number("store.snapshot_every_events"));
  n.publish_every_ms = static_cast<std::uint32_t>(s.number("read.publish_every_ms"));
  n.data_directory = s.text("node.data");
  if (seat)
    n.cluster.emplace().hand_overs_max = static_cast<std::uint32_t>(s.number("cluster.hand_overs_at_once"));
  auto started = actors::node::start(n, *store, die, seat ? seat->ports() : actors::cluster_ports{});
  if (!started)
    return std::unexpected(started.error());
  node = std::move(*started);
  rounds = std::make_unique<round_keys>(*keys, *sealing, *store, *node, seat.get(), data);
  return rounds->begin();
}

// With whichever of the masters that are there.
result<void> server::open_keys(const settings& s, bool may_be_new) {
  if (const auto now = store::load_master(masters.now); !now)
    return std::unexpected(now.error().text());
  const auto held = store::read_masters(masters);
  if (!held.wrong.empty() && !masters.next_environment.empty())
    return std::unexpected(held.wrong);
  if (!held.wrong.empty())
    spdlog::warn("{}", held.wrong);
  auto ring = store::key_ring::open(s.text("node.data") + "/keys", held.keys, may_be_new);
  if (!ring)
    return std::unexpected(ring.error().text());
  keys = std::move(*ring);
  if (s.text("cluster.name").empty())  // a cluster's are once its feature level permits
    if (auto r = keys->make_erasable(); !r)
      return std::unexpected(r.error().text());
  return {};
}

// The data and the cluster know whose keys they are.
result<void> server::check_keys(const std::string& data) {
  const auto mine = fingerprint_of_keys(*keys);
  const auto known = store->get("keys-fingerprint");
  if (!known)
    return std::unexpected(known.error().text());
  if (known->revision == 0) {
    if (auto r = store->swap("keys-fingerprint", 0, mine); !r)
      return std::unexpected(r.error().text());
  } else if (known->value != mine) {
    return std::unexpected(
        fmt::format("{}/keys is not the key file that the store in {} was written with (fingerprint {}, not {}): put the right "
                    "one back",
                    data, store->path(), mine, known->value));
  }
  if (seat)
    return seat->agree_on_fingerprint(mine);
  return {};
}

result<void> server::listen(const settings& s) {
  for (const auto& sentence : served_in_the_clear(s))
    spdlog::warn("{}", sentence);
  const auto token_file = s.text("admin.token_file").empty() ? s.text("node.data") + "/admin.token" : s.text("admin.token_file");
  auto token = admin_token(token_file, !s.text("admin.token_file").empty());
  if (!token)
    return std::unexpected(token.error());
  net::api_options api;
  api.shard_count = static_cast<std::uint16_t>(s.number("node.shards"));
  api.commands.deadline_ms = static_cast<std::uint32_t>(s.number("http.deadline_ms"));
  api.commands.pending_max = static_cast<std::size_t>(s.number("http.pending_max"));
  api.show_stamps = s.text("http.stamps") == "on";
  api.log_one_of = static_cast<std::uint32_t>(s.number("log.one_request_of"));
  std::istringstream origins(s.text("cors.origins"));
  for (std::string origin; origins >> origin;)
    api.cors_origins.push_back(origin);
  citizens_api = std::make_unique<net::citizen_api>(citizens_io, *node, *sealing, *signer, api);
  net::site_options site;
  std::istringstream urls(s.text("http.public_url"));
  for (std::string url; urls >> url;)
    site.public_urls.push_back(url);
  site.first_language = web::language_of(s.text("pages.language")).value_or(web::language::ms);
  site.keys.push_back(sealing->page_key());
  auto opened = net::site::open(citizens_io, *node, *citizens_api, *sealing, *signer, std::move(site));
  if (!opened)
    return std::unexpected(opened.error());
  pages = std::move(*opened);
  pages->stopping([this] { return citizens_api->stopping(); });
  citizens_api->serve_pages(pages.get());
  pages->look_on();
  operators_api = std::make_unique<net::admin_api>(
      admin_io, *node, *store, *keys, *sealing, *signer, *citizens_api, std::move(*token), api.shard_count, seat.get(),
      net::master_ports{[this] { return store::read_masters(masters); }, seat ? &seat->key_orders() : nullptr, rounds->ports()});
  net::http_limits limits;
  limits.connections_max = descriptors.citizens;
  limits.turned_away_max = descriptors.turned_away;
  limits.header_timeout_s = limits.body_timeout_s = static_cast<std::uint32_t>(s.number("http.request_timeout_s"));
  limits.idle_timeout_s = static_cast<std::uint32_t>(s.number("http.idle_timeout_s"));
  if (serves_citizens(s)) {
    limits.header_bytes_max = std::size_t{32} << 10;  // of pages; the API takes less, and says so
    limits.body_bytes_max = net::site::form_bytes_max;
    auto front =
        net::listener::open(citizens_io, s.text("http.address"), static_cast<std::uint16_t>(s.number("http.port")), limits, *citizens_api);
    if (!front)
      return std::unexpected(front.error());
    citizens = std::move(*front);
  }
  limits.connections_max = descriptors.operators - descriptors.operators / 4;
  limits.turned_away_max = descriptors.operators / 4;
  limits.header_bytes_max = net::http_limits{}.header_bytes_max;
  limits.body_bytes_max = std::size_t{96} << 20;  // an import carries two files
  limits.held_bytes_max = limits.held_by_address_max = 2 * limits.body_bytes_max;
  limits.callers_give_way = false;
  limits.body_timeout_s = 300;
  limits.look_every = std::chrono::milliseconds(5);  // an order given at another node a moment ago is known
  auto back =
      net::listener::open(admin_io, s.text("admin.address"), static_cast<std::uint16_t>(s.number("admin.port")), limits, *operators_api);
  if (!back)
    return std::unexpected(back.error());
  operators = std::move(*back);
  rounds->run([this](std::string lacking) { citizens_api->wait_for(std::move(lacking)); }, refuse, die);
  if (!seat)
    return {};
  return seat->join(*node, citizens ? fmt::format("{}:{}", s.text("http.address"), citizens->port()) : std::string{});
}

// Where it listens, for programs.
result<void> server::write_ports(const std::string& data, const std::string& admin_address) {
  auto written = ports_file::write(data, {citizens ? citizens->port() : 0U, operators->port(), admin_address, operators_api->proof_key()});
  if (!written)
    return std::unexpected(written.error());
  ports = std::move(*written);
  return {};
}

// SIGHUP: certificates are read anew.
void server::reload_on(asio::signal_set& hangup) {
  hangup.async_wait([this, &hangup](boost::system::error_code ec, int) {
    if (ec)
      return;
    if (!seat)
      spdlog::info("SIGHUP: there is nothing to read anew");
    else if (const auto read = seat->reload_certificates(); read)
      spdlog::info("SIGHUP: the certificates were read anew");
    else
      spdlog::error("SIGHUP: certificates stay as they were, {}", read.error());
    reload_on(hangup);
  });
}

int server::serve(const settings& s) {
  const std::chrono::milliseconds limit_ms(s.number("stop.limit_ms"));
  stop_limit limit(limit_ms);
  asio::io_context signals_io{1};  // on a thread of its own: the others may wait for a disk
  asio::signal_set signals(signals_io, SIGTERM, SIGINT, SIGQUIT);
  signals.add(SIGPWR);   // the machine's power fails
  signals.add(SIGXCPU);  // its time is up, by a limit of who started it
  signals.async_wait([&](boost::system::error_code ec, int signal) {
    if (ec)
      return;
    limit.begin();
    spdlog::info("signal {}: stopping", signal);
    citizens_api->stop_admitting();
    if (citizens)
      asio::post(citizens_io, [this] { citizens->stop_accepting(); });
    // What is under way is answered first.
    while (citizens_api->pending() != 0 && limit.left() > limit_ms / 2)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    net::stop_after_answers(citizens_io);
    net::stop_after_answers(admin_io);
  });
  asio::signal_set hangup(admin_io, SIGHUP);
  reload_on(hangup);
  const auto until_stopped = asio::make_work_guard(citizens_io);
  std::thread waits_for_signals([&] { signals_io.run(); });
  std::thread admin([this] { admin_io.run(); });
  citizens_io.run();
  waits_for_signals.join();
  admin.join();
  rounds->end();
  if (seat)
    seat->withdraw();
  node->stop(static_cast<std::uint32_t>(limit.left().count()));
  if (seat)
    seat->leave();
  ports = {};  // before another may have them
  citizens.reset();
  operators.reset();
  operators_api.reset();
  pages.reset();  // its thread reads the node
  citizens_api.reset();
  node.reset();
  std::signal(SIGHUP, SIG_IGN);
  spdlog::info("stopped");
  return 0;
}

// For who asked for it: not said in part.
void print(const std::string& text) {
  if (std::fputs(text.c_str(), stdout) == EOF || std::fflush(stdout) != 0)
    refuse(fmt::format("what there is to say cannot be written: {}", std::strerror(errno)));
}

struct short_flag {
  std::string flag;
  std::string setting;
  std::optional<std::string> text;  // none: not given
};

// The later wins: file, environment, flags, --set.
result<void> read_settings(settings& s, const std::string& config, std::span<const short_flag> flags,
                           const std::vector<std::string>& more) {
  if (!config.empty())
    if (auto r = s.read_file(config); !r)
      return r;
  if (auto r = s.read_environment(); !r)
    return r;
  for (const auto& f : flags)
    if (f.text)
      if (auto r = s.set(f.setting, *f.text, f.flag); !r)
        return r;
  for (const std::string_view one : more) {
    const auto equals = one.find('=');
    if (equals == std::string_view::npos)
      return std::unexpected(fmt::format("--set: {} is to be followed by =value", one));
    if (auto r = s.set(one.substr(0, equals), one.substr(equals + 1), "--set"); !r)
      return r;
  }
  return {};
}

int run(int argc, char** argv) {
  begin_process();
  // A generator of this process's own, seeded by the kernel, instead of a system call for every nonce and reference.
  randombytes_set_implementation(&randombytes_internal_implementation);
  CLI::App app{"janjid: a node of the appointment cluster"};
  std::string config;
  bool check = false;
  bool docs = false;
  app.set_version_flag("--version", "janjid " JANJI_VERSION);
  app.add_option("--config", config, "configuration file (TOML)")->check(CLI::ExistingFile);
  app.add_flag("--check-config", check, "print the configuration in force, hold it against the data, and end");
  app.add_flag("--print-config-docs", docs, "print all settings as a table and end");
  std::array<short_flag, 6> flags{{{"--data", "node.data", {}},
                                   {"--port", "http.port", {}},
                                   {"--bind", "http.address", {}},
                                   {"--admin-port", "admin.port", {}},
                                   {"--master-key-file", "node.master_key_file", {}},
                                   {"--log-level", "log.level", {}}}};
  for (auto& f : flags)
    app.add_option(f.flag, f.text, "overrides " + f.setting);
  std::vector<std::string> more;
  app.add_option("--set", more, "overrides any setting: --set section.name=value");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    const auto code = app.exit(e);
    if (std::cout.flush())
      return code;
    refuse("what there is to say cannot be written");
  }
  if (docs) {
    print(registry_as_markdown());
    return 0;
  }
  settings s;
  auto good = read_settings(s, config, flags, more);
  if (good && check) {
    print(s.show());
    if (const auto agrees = start_membership::judge_data(s); !agrees)
      refuse(agrees.error());
    return 0;
  }
  begin_log(s.text("log.level"));
  if (good)
    good = keys_are_locked(s);
  server node;
  if (good)
    good = node.divide(s);
  if (good)
    good = node.open(s);
  if (good)
    good = node.listen(s);
  if (good)
    good = node.write_ports(s.text("node.data"), s.text("admin.address"));
  if (!good)
    refuse(good.error());
  const auto front = node.citizens ? fmt::format("serving http://{}:{}", s.text("http.address"), node.citizens->port())
                                   : std::string("holding shards, serving no citizens;");
  say(fmt::format("janjid: {} admin http://{}:{} data {}", front, s.text("admin.address"), node.operators->port(), s.text("node.data")));
  const auto code = node.serve(s);
  end_log();
  return code;
}

}  // namespace

}  // namespace janji::apps

int main(int argc, char** argv) { return janji::apps::run(argc, argv); }
