// Files that operators name: read whole and with a bound, or not at all; written whole, or left as they were. Errors are one sentence, with
// what to do. Any thread.
#pragma once

#include <cstdio>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace janji::apps {

inline constexpr std::size_t small_file_bytes_max = 1U << 20U;  // a token, a number, a round's settings, a configuration

// Of a regular file; `-` where `input` allows it: standard input. Nothing that could keep who reads waiting is opened.
[[nodiscard]] std::expected<std::string, std::string> read_whole(const std::string& path, std::size_t bytes_max, bool input = false);

// A file that is there under its name when all of it is on disk, and not before: nothing half done is left, whatever ends the process
// in between but SIGKILL. One at a time in a process.
class whole_file {
public:
  // Only in place of a regular file, or of none.
  static std::expected<whole_file, std::string> begin(const std::string& path);
  ~whole_file();  // what was not kept is gone
  whole_file(whole_file&& other) noexcept;
  whole_file& operator=(whole_file&&) = delete;
  whole_file(const whole_file&) = delete;
  whole_file& operator=(const whole_file&) = delete;

  std::expected<void, std::string> write(std::string_view text);
  std::expected<void, std::string> keep();

private:
  whole_file(std::string path, std::string beside, std::FILE* file) : path_(std::move(path)), beside_(std::move(beside)), file_(file) {}
  [[nodiscard]] std::unexpected<std::string> failed() const;

  std::string path_;
  std::string beside_;
  std::FILE* file_ = nullptr;
};

}  // namespace janji::apps
