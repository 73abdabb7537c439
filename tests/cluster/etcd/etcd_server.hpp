// A real etcd of one member or of several, each a child process on free ports with a directory of its own; ended by pid.
#pragma once

#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "cluster/etcd/connection.hpp"
#include "cluster/etcd/etcd_config_store.hpp"
#include "tests/temporary_directory.hpp"

namespace janji::cluster::etcd::test {

inline std::uint16_t free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
  socklen_t size = sizeof address;
  std::uint16_t port = 0;
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0 && ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0)
    port = ntohs(address.sin_port);
  ::close(fd);
  return port;
}

class etcd_server {
public:
  // Nothing when this machine has no etcd.
  static bool there() { return ::access("/usr/bin/etcd", X_OK) == 0; }

  explicit etcd_server(std::vector<std::string> more = {}, bool tls = false) : more_(std::move(more)), tls_(tls), port_(free_port()) {
    start();
  }
  // Members of one etcd.
  static std::vector<std::unique_ptr<etcd_server>> members(std::size_t count) {
    std::vector<place> places;
    std::string all;
    for (std::size_t i = 0; i < count; ++i) {
      places.push_back({"member-" + std::to_string(i + 1), "http://127.0.0.1:" + std::to_string(free_port()), {}});
      all += (i == 0 ? "" : ",") + places.back().name + "=" + places.back().peer;
    }
    std::vector<std::unique_ptr<etcd_server>> out;
    for (auto& p : places) {
      p.all = all;
      out.push_back(std::unique_ptr<etcd_server>(new etcd_server(p)));
    }
    return out;
  }
  ~etcd_server() { kill(); }
  etcd_server(const etcd_server&) = delete;
  etcd_server& operator=(const etcd_server&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::string url() const { return (tls_ ? "https://localhost:" : "http://127.0.0.1:") + std::to_string(port_); }
  void kill() {
    if (pid_ <= 0)
      return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }
  // It answers nobody, and its connections stay open.
  void freeze() const { ::kill(pid_, SIGSTOP); }
  void thaw() const { ::kill(pid_, SIGCONT); }
  void forget() { std::filesystem::remove_all(data()); }
  void start() {
    auto at = place_;
    if (at.all.empty()) {
      at = {"member-" + std::to_string(++lives_ == 1 || std::filesystem::exists(data()) ? 1 : lives_),
            "http://127.0.0.1:" + std::to_string(free_port()),
            {}};
      at.all = at.name + "=" + at.peer;
    }
    std::vector<std::string> words{"/usr/bin/etcd",
                                   "--name=" + at.name,
                                   "--data-dir=" + data(),
                                   "--listen-client-urls=" + url_to_listen(),
                                   "--advertise-client-urls=" + url(),
                                   "--listen-peer-urls=" + at.peer,
                                   "--initial-advertise-peer-urls=" + at.peer,
                                   "--initial-cluster=" + at.all,
                                   "--initial-cluster-token=" + (place_.all.empty() ? at.name : at.all),
                                   "--unsafe-no-fsync"};
    words.insert(words.end(), more_.begin(), more_.end());
    std::vector<char*> arguments;
    for (auto& w : words)
      arguments.push_back(w.data());
    arguments.push_back(nullptr);
    const auto log = directory_.path() + "/log";
    pid_ = ::fork();
    if (pid_ != 0)
      return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    ::dup2(out, 1);
    ::dup2(out, 2);
    ::execv(arguments[0], arguments.data());
    ::_exit(127);
  }
  // Until it answers a read; false when patience ends.
  [[nodiscard]] bool answers(const options& o) const {
    auto store = *etcd_config_store::open(o);
    return comes_true([&] { return store->read(shard_id{0}).has_value(); });
  }
  // Until it says that it follows nobody; false when patience ends. Before that it waits for those that are gone.
  [[nodiscard]] bool knows_no_leader() const {
    connection asks({*parse_endpoint(url())}, nullptr);
    return comes_true([&] {
      const auto said = asks.post("/v3/maintenance/status", {}, "", connection::again::no, steady::now() + std::chrono::seconds(1));
      return !said && said.error().text.contains("no leader");
    });
  }
  [[nodiscard]] options reach() const {
    options o;
    o.endpoints = {url()};
    return o;
  }

private:
  // Of another process, which is polled.
  static bool comes_true(const std::function<bool()>& what) {
    const auto until = steady::now() + std::chrono::seconds(30);
    while (!what()) {
      if (steady::now() > until)
        return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return true;
  }
  struct place {
    std::string name, peer;
    std::string all;  // empty: it is alone
  };
  explicit etcd_server(place at) : tls_(false), port_(free_port()), place_(std::move(at)) { start(); }

  [[nodiscard]] std::string data() const { return directory_.path() + "/data"; }
  // Over TLS also where no certificate of the tests has a name for it.
  [[nodiscard]] std::string url_to_listen() const {
    const auto port = std::to_string(port_);
    return tls_ ? "https://127.0.0.1:" + port + ",https://127.0.0.2:" + port : "http://127.0.0.1:" + port;
  }

  janji::test::temporary_directory directory_;
  std::vector<std::string> more_;
  bool tls_;
  std::uint16_t port_;
  place place_;
  pid_t pid_ = 0;
  int lives_ = 0;
};

}  // namespace janji::cluster::etcd::test
