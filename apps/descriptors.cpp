#include "apps/descriptors.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace janji::apps {

namespace {

// Standard streams, event loops (three each), locks, keys, connections to etcd, what is open for a moment.
constexpr std::size_t own = 96;

struct share {
  std::size_t least;
  std::size_t most;
  std::size_t one_of;  // of so many that are left, above the least
};
constexpr share of_store{64, 1'024, 4};
constexpr share of_links{24, 256, 8};
constexpr share of_operators{8, 64, 16};
constexpr std::size_t citizens_least = 16;
constexpr share of_turned_away{4, 256, 8};  // of the citizens'

std::size_t take(std::size_t& left, const share& s) {
  const auto more = std::min(left / s.one_of, s.most - s.least);
  left -= more;
  return s.least + more;
}

}  // namespace

void hold_standard_streams(bool told) {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (::fcntl(fd, F_GETFD) < 0 && errno == EBADF)
      (void)::open("/dev/null",
                   fd == STDIN_FILENO || (told && fd == STDOUT_FILENO) ? O_RDONLY : O_WRONLY);  // the least number that is free
}

std::size_t raise_descriptor_limit(const descriptor_wishes& w) {
  const auto wanted = own + of_store.most + of_links.most + of_operators.most + of_turned_away.most + w.citizens;
  rlimit now{};
  if (::getrlimit(RLIMIT_NOFILE, &now) != 0)
    return 0;
  if (now.rlim_cur < wanted && now.rlim_cur < now.rlim_max) {
    const rlimit more{std::min<rlim_t>(wanted, now.rlim_max), now.rlim_max};
    if (::setrlimit(RLIMIT_NOFILE, &more) == 0)
      now = more;
  }
  return now.rlim_cur;
}

std::expected<descriptor_budget, std::string> divide_descriptors(std::size_t allowed, const descriptor_wishes& w) {
  const bool serves = w.citizens != 0;
  const auto least = own + of_store.least + of_operators.least + (w.in_cluster ? of_links.least : 0) +
                     (serves ? citizens_least + of_turned_away.least : 0);
  if (allowed < least)
    return std::unexpected(
        fmt::format("{} files and connections may be open at once, and a node needs {}: raise the limit (ulimit -n, "
                    "LimitNOFILE of systemd, --ulimit nofile of docker)",
                    allowed, least));
  descriptor_budget b;
  auto left = allowed - least;
  b.store = take(left, of_store);
  if (w.in_cluster)
    b.links = take(left, of_links);
  b.operators = take(left, of_operators);
  if (!serves)
    return b;
  const auto turned_away =
      std::min({left / of_turned_away.one_of, w.citizens / of_turned_away.one_of, of_turned_away.most - of_turned_away.least});
  b.turned_away = of_turned_away.least + turned_away;
  b.citizens = std::min(w.citizens, citizens_least + left - turned_away);
  return b;
}

}  // namespace janji::apps
