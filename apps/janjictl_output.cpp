#include "apps/janjictl_output.hpp"

#include <poll.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <cerrno>

namespace janji::apps {

namespace {

struct output {
  bool json = false;
  bool verbose = false;
  bool said = false;  // something stands on stdout
  std::string waiting;
} out;  // one a process

constexpr std::size_t waiting_max = 64U << 10U;

int write_whole_to(int fd, std::string_view text) noexcept {
  while (!text.empty()) {
    const auto n = ::write(fd, text.data(), text.size());
    if (n > 0) {
      text.remove_prefix(static_cast<std::size_t>(n));
    } else if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      pollfd until{fd, POLLOUT, 0};
      ::poll(&until, 1, -1);
    } else if (n == 0 || errno != EINTR) {
      return n == 0 ? EIO : errno;
    }
  }
  return 0;
}

void write_waiting() {
  const auto why = write_whole_to(STDOUT_FILENO, std::exchange(out.waiting, {}));
  if (why != 0)
    throw unwritten{why};
}

}  // namespace

void set_output(bool json, bool verbose) {
  out.json = json;
  out.verbose = verbose;
}

void print_text(std::string_view text) {
  out.said = out.said || !text.empty();
  out.waiting += text;
  if (out.waiting.size() >= waiting_max)
    write_waiting();
}

void flush_output() {
  write_waiting();
  // A file's last bytes may find the disk full only now; what is no file says EINVAL.
  if (out.said && ::fsync(STDOUT_FILENO) != 0 && errno != EINVAL && errno != EROFS && errno != ENOTSUP)
    throw unwritten{errno};
}

void tell_text(std::string_view text) noexcept { (void)write_whole_to(STDERR_FILENO, text); }

int fail(const failure& f, boost::json::object said) {
  tell("janjictl: {}\n", f.why);
  if (out.verbose && !f.details.empty())
    tell("{}\n", f.details);
  if (out.json && !out.said) {
    said["error"] = f.why;
    said["exit_code"] = f.code;
    print("{}\n", boost::json::serialize(said));
  }
  return f.code;
}

}  // namespace janji::apps
