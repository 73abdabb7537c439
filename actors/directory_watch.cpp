#include "actors/directory_watch.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "store/small_file.hpp"

namespace janji::actors {

namespace {

// Empty, or why a few bytes cannot be brought to the disk.
std::string write_probe(const std::string& file) {
  const int fd = store::open_anew(file);
  if (fd < 0)
    return std::strerror(errno);
  constexpr std::string_view text = "written to see whether it can be\n";
  const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fdatasync(fd) == 0;
  std::string why = written ? "" : std::strerror(errno);
  ::close(fd);
  ::unlink(file.c_str());
  return why;
}

}  // namespace

directory_watch::directory_watch(const std::string& path) {
  if (path.empty())
    return;
  const auto store = path + "/store";
  written_in_ = path;
  if (!remember(path, "directory"))
    opened_.push_back({path, "directory"});  // that is not there: it is said
  if (remember(store, "directory"))
    written_in_ = store;
  // CURRENT is replaced whenever the manifest is: it has to be there, no more.
  for (const auto* name : {"LOCK", "IDENTITY"})
    (void)remember(store + "/" + name, "file");
  (void)remember(store + "/CURRENT", "file", true);
  (void)remember(path + "/keys", "file", true);
  (void)remember(path + "/keys.rounds", "file");
}

bool directory_watch::remember(std::string path, const char* kind, bool replaceable) {
  struct stat now{};
  if (::stat(path.c_str(), &now) != 0)
    return false;
  opened_.push_back({std::move(path), kind, replaceable, now.st_dev, now.st_ino});
  return true;
}

std::string directory_watch::look() {
  for (const auto& o : opened_) {
    struct stat now{};
    if (::stat(o.path.c_str(), &now) != 0)
      return fmt::format("{} cannot be found: {}", o.path, std::strerror(errno));
    if (!o.replaceable && (now.st_dev != o.device || now.st_ino != o.inode))
      return fmt::format("{} is another {} than the one that was opened", o.path, o.kind);
  }
  if (opened_.empty())
    return {};
  if (looks_++ % write_every == 0)
    cannot_write_ = write_probe(written_in_ + "/.probe");
  return cannot_write_.empty() ? "" : fmt::format("{} cannot be written to: {}", written_in_, cannot_write_);
}

}  // namespace janji::actors
