#include "apps/whole_files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <utility>

#include "store/regular_file.hpp"

namespace janji::apps {

namespace {

std::unexpected<std::string> cannot_be_written(const std::string& path, int why) {
  return std::unexpected(fmt::format("{} cannot be written: {}", path.empty() ? "a file without a name" : path, std::strerror(why)));
}

// What is to be removed if a signal ends this process.
std::array<char, PATH_MAX> half_done{};
constexpr std::array ending{SIGINT, SIGTERM, SIGHUP, SIGQUIT};

void remove_half_done(int signal) {
  if (half_done[0] != '\0')
    ::unlink(half_done.data());
  ::signal(signal, SIG_DFL);
  ::raise(signal);
}

}  // namespace

std::expected<std::string, std::string> read_whole(const std::string& path, std::size_t bytes_max, bool input) {
  if (input && path == "-")
    return store::read_to_the_end(STDIN_FILENO, "standard input", bytes_max);
  return store::read_regular_file(path, bytes_max, input ? ", or - for standard input" : "");
}

std::expected<whole_file, std::string> whole_file::begin(const std::string& path) {
  std::error_code ec;
  struct stat is{};
  const bool is_link = ::lstat(path.c_str(), &is) == 0 && S_ISLNK(is.st_mode);
  const auto real = is_link ? std::filesystem::weakly_canonical(path, ec).string() : path;
  if (ec)
    return std::unexpected(fmt::format("{} cannot be written: {}", path, ec.message()));
  if (::stat(real.c_str(), &is) == 0 && !S_ISREG(is.st_mode))
    return std::unexpected(
        fmt::format("{} is {}: name a file, or leave the option out for standard output", path, store::kind_of_file(is.st_mode)));
  auto beside = fmt::format("{}.{}.part", real, ::getpid());
  if (beside.size() >= half_done.size())
    return cannot_be_written(path, ENAMETOOLONG);
  const int fd = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0)
    return cannot_be_written(path, errno);
  std::memcpy(half_done.data(), beside.c_str(), beside.size() + 1);
  for (const int one : ending)
    if (::signal(one, remove_half_done) == SIG_IGN)
      ::signal(one, SIG_IGN);
  auto* file = ::fdopen(fd, "w");
  return whole_file(real, std::move(beside), file);
}

whole_file::whole_file(whole_file&& other) noexcept
    : path_(std::move(other.path_)), beside_(std::move(other.beside_)), file_(std::exchange(other.file_, nullptr)) {}

whole_file::~whole_file() {
  if (file_ == nullptr)
    return;
  std::fclose(file_);
  ::unlink(beside_.c_str());
  half_done[0] = '\0';
}

std::unexpected<std::string> whole_file::failed() const { return cannot_be_written(path_, errno); }

std::expected<void, std::string> whole_file::write(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), file_) != text.size())
    return failed();
  return {};
}

std::expected<void, std::string> whole_file::keep() {
  if (std::fflush(file_) != 0 || ::fsync(::fileno(file_)) != 0)
    return failed();
  auto* const file = std::exchange(file_, nullptr);
  if (std::fclose(file) != 0 || ::rename(beside_.c_str(), path_.c_str()) != 0) {
    auto why = failed();
    ::unlink(beside_.c_str());
    half_done[0] = '\0';
    return why;
  }
  half_done[0] = '\0';
  const auto parent = std::filesystem::path(path_).parent_path().string();
  const int directory = ::open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory >= 0) {
    ::fsync(directory);
    ::close(directory);
  }
  return {};
}

}  // namespace janji::apps
