// Books through bench/redis.lua: N connections, one request under way on each, one thread. Ends with the audit: what was
// said to be booked must be what the counters and the set hold.
#include <fcntl.h>
#include <fmt/format.h>
#include <hiredis/hiredis.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <boost/json.hpp>
#include <chrono>
#include <fstream>
#include <memory>
#include <sstream>
#include <vector>

#include "apps/load/citizens.hpp"
#include "apps/load/histogram.hpp"

namespace janji::bench {

namespace {

using clock = std::chrono::steady_clock;

struct free_reply {
  void operator()(redisReply* r) const { freeReplyObject(r); }
  void operator()(redisContext* c) const { redisFree(c); }
};
using reply = std::unique_ptr<redisReply, free_reply>;
using context = std::unique_ptr<redisContext, free_reply>;

struct load_options {
  int port = 0;
  unsigned connections = 50;
  double duration_s = 10;
  unsigned groups = 408;
  std::uint64_t capacity = 1'000'000;
  std::string script;
};

struct driver {
  explicit driver(const load_options& o) : options(o) {}
  bool prepare();
  bool run();
  bool audit();
  void send(std::size_t at);
  bool receive(std::size_t at);
  [[nodiscard]] std::string report() const;

  const load_options& options;
  context control;
  std::string sha;
  std::vector<context> sockets;
  std::vector<clock::time_point> sent;
  std::uint64_t next = 0;
  std::uint64_t yes = 0;
  std::uint64_t full = 0;
  std::uint64_t other = 0;
  std::uint64_t under_way = 0;
  std::uint64_t counted = 0;
  std::uint64_t members = 0;
  double measured_s = 0;
  bool stopping = false;
  load::histogram latency_us;
  std::string command;
};

bool driver::prepare() {
  control.reset(redisConnect("127.0.0.1", options.port));
  std::ifstream in(options.script);
  std::stringstream text;
  text << in.rdbuf();
  if (!in || !control || control->err != 0)
    return false;
  const reply loaded(static_cast<redisReply*>(redisCommand(control.get(), "SCRIPT LOAD %s", text.str().c_str())));
  if (!loaded || loaded->type != REDIS_REPLY_STRING)
    return false;
  sha = loaded->str;
  for (unsigned i = 0; i < options.connections; ++i) {
    sockets.emplace_back(redisConnect("127.0.0.1", options.port));
    if (!sockets.back() || sockets.back()->err != 0)
      return false;
    const int fd = sockets.back()->fd;
    const int yes_ = 1;
    (void)::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes_, sizeof yes_);
    (void)::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
  }
  sent.resize(sockets.size());
  return true;
}

void driver::send(std::size_t at) {
  const auto citizen = next++;
  const auto group = fmt::format("g{}", load::mix(citizen) % options.groups);
  const auto capacity = std::to_string(options.capacity);
  const auto who = fmt::format("{:016x}", load::mix(citizen, 1));
  command.clear();
  auto to = std::back_inserter(command);
  fmt::format_to(to,
                 "*8\r\n$7\r\nEVALSHA\r\n$40\r\n{}\r\n$1\r\n2\r\n$6\r\ngroups\r\n$8\r\ncitizens\r\n${}\r\n{}\r\n${}\r\n{}\r\n$16\r\n{}\r\n",
                 sha, group.size(), group, capacity.size(), capacity, who);
  sent[at] = clock::now();
  if (::send(sockets[at]->fd, command.data(), command.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(command.size())) {
    fmt::print(stderr, "redis_driver: a command of {} bytes did not fit into an empty socket\n", command.size());
    std::abort();
  }
  ++under_way;
}

// False when the server is gone.
bool driver::receive(std::size_t at) {
  std::array<char, 4096> bytes;
  const auto n = ::recv(sockets[at]->fd, bytes.data(), bytes.size(), 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR))
    return true;
  if (n <= 0 || redisReaderFeed(sockets[at]->reader, bytes.data(), static_cast<std::size_t>(n)) != REDIS_OK)
    return false;
  void* got = nullptr;
  if (redisReaderGetReply(sockets[at]->reader, &got) != REDIS_OK)
    return false;
  const reply answer(static_cast<redisReply*>(got));
  if (!answer)
    return true;
  --under_way;
  if (!stopping)
    latency_us.record(static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(clock::now() - sent[at]).count()));
  ++(answer->type != REDIS_REPLY_INTEGER ? other : answer->integer == 1 ? yes : answer->integer == 0 ? full : other);
  if (!stopping)
    send(at);
  return true;
}

bool driver::run() {
  const int poll = ::epoll_create1(EPOLL_CLOEXEC);
  for (std::size_t i = 0; i < sockets.size(); ++i) {
    epoll_event e{};
    e.events = EPOLLIN;
    e.data.u64 = i;
    (void)::epoll_ctl(poll, EPOLL_CTL_ADD, sockets[i]->fd, &e);
  }
  const auto start = clock::now();
  for (std::size_t i = 0; i < sockets.size(); ++i)
    send(i);
  std::array<epoll_event, 256> events;
  bool good = true;
  const auto end = start + std::chrono::duration<double>(options.duration_s);
  while (good && under_way > 0) {
    const int n = ::epoll_wait(poll, events.data(), static_cast<int>(events.size()), 1000);
    if (!stopping && clock::now() >= end) {
      stopping = true;
      measured_s = std::chrono::duration<double>(clock::now() - start).count();
    }
    for (int i = 0; i < n && good; ++i)
      good = receive(static_cast<std::size_t>(events[static_cast<std::size_t>(i)].data.u64));
    good = good && clock::now() < end + std::chrono::seconds(30);
  }
  ::close(poll);
  return good;
}

bool driver::audit() {
  const reply all(static_cast<redisReply*>(redisCommand(control.get(), "HVALS groups")));
  const reply size(static_cast<redisReply*>(redisCommand(control.get(), "SCARD citizens")));
  if (!all || !size || all->type != REDIS_REPLY_ARRAY || size->type != REDIS_REPLY_INTEGER)
    return false;
  bool over = false;
  for (std::size_t i = 0; i < all->elements; ++i) {
    const auto n = std::strtoull(all->element[i]->str, nullptr, 10);
    counted += n;
    over = over || n > options.capacity;
  }
  members = static_cast<std::uint64_t>(size->integer);
  return !over && counted == yes && members == yes;
}

std::string driver::report() const {
  const auto ms = [&](double p) { return static_cast<double>(latency_us.percentile(p)) / 1000; };
  return boost::json::serialize(boost::json::object{{"connections", options.connections},
                                                    {"groups", options.groups},
                                                    {"measured_s", measured_s},
                                                    {"booked", yes},
                                                    {"full", full},
                                                    {"other", other},
                                                    {"per_s", static_cast<double>(latency_us.count()) / measured_s},
                                                    {"mean_ms", latency_us.mean() / 1000},
                                                    {"p50_ms", ms(50)},
                                                    {"p99_ms", ms(99)},
                                                    {"counted", counted},
                                                    {"members", members}});
}

int run(int argc, char** argv) {
  CLI::App app{"redis_driver: books through redis.lua on a Redis of its own"};
  load_options o;
  app.add_option("--port", o.port, "of the Redis server, on this machine")->required()->check(CLI::Range(1, 65535));
  app.add_option("--script", o.script, "the Lua script")->required()->check(CLI::ExistingFile);
  app.add_option("--connections", o.connections)->check(CLI::Range(1U, 4096U))->capture_default_str();
  app.add_option("--duration", o.duration_s)->check(CLI::Range(0.1, 3600.0))->capture_default_str();
  app.add_option("--groups", o.groups, "1: one hot group")->check(CLI::Range(1U, 1'000'000U))->capture_default_str();
  app.add_option("--capacity", o.capacity, "of each group")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  driver d(o);
  if (!d.prepare()) {
    fmt::print(stderr, "redis_driver: cannot reach the server or load the script\n");
    return 2;
  }
  const bool ran = d.run();
  const bool clean = ran && d.audit();
  fmt::print("{}\n", d.report());
  if (!ran)
    fmt::print(stderr, "redis_driver: the server stopped answering\n");
  return clean ? 0 : 1;
}

}  // namespace

}  // namespace janji::bench

int main(int argc, char** argv) { return janji::bench::run(argc, argv); }
