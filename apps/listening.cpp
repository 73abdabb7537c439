#include "apps/listening.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <set>
#include <sstream>
#include <string>
#include <system_error>

#include "store/regular_file.hpp"

namespace janji::apps {

namespace {

constexpr std::string_view state_listening = "0A";

// Of what the link names; a program that was replaced since it began has more behind its name.
bool is_janjid(const std::filesystem::path& process) {
  std::error_code ec;
  const auto program = std::filesystem::read_symlink(process / "exe", ec).filename().string();
  return !ec && (program == "janjid" || program == "janjid (deleted)");
}

std::set<std::string> open_in(const std::filesystem::path& process) {
  std::set<std::string> out;
  std::error_code ec;
  for (std::filesystem::directory_iterator it(process / "fd", ec), end; !ec && it != end; it.increment(ec)) {
    std::error_code gone;
    out.insert(std::filesystem::read_symlink(it->path(), gone).string());
  }
  return out;
}

}  // namespace

std::vector<listening_socket> listening_at(std::string_view table, unsigned port) {
  std::vector<listening_socket> out;
  std::istringstream lines{std::string(table)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    // sl local_address rem_address st tx_queue:rx_queue tr:tm->when retrnsmt uid timeout inode
    std::string number, local, remote, state, queues, timer, retransmits;
    listening_socket one;
    unsigned timeout = 0;
    if (!(words >> number >> local >> remote >> state >> queues >> timer >> retransmits >> one.user >> timeout >> one.inode))
      continue;
    const auto colon = local.rfind(':');
    unsigned at = 0;
    if (state != state_listening || colon == std::string::npos)
      continue;
    const auto* end = local.data() + local.size();
    if (const auto [stopped, error] = std::from_chars(local.data() + colon + 1, end, at, 16);
        error == std::errc{} && stopped == end && at == port)
      out.push_back(one);
  }
  return out;
}

bool is_node_listening(::pid_t process, ::uid_t user, unsigned port) {
  const std::filesystem::path its = fmt::format("/proc/{}", process);
  constexpr std::size_t table_bytes_max = 64U << 20U;  // of 400,000 connections
  std::vector<listening_socket> there;
  for (const auto* table : {"/proc/net/tcp", "/proc/net/tcp6"})
    if (const auto text = store::read_regular_file(table, table_bytes_max)) {
      const auto some = listening_at(*text, port);
      there.insert(there.end(), some.begin(), some.end());
    }
  const auto open = open_in(its);
  return !there.empty() && is_janjid(its) && std::ranges::all_of(there, [&](const listening_socket& s) {
    return s.user == user && open.contains(fmt::format("socket:[{}]", s.inode));
  });
}

}  // namespace janji::apps
