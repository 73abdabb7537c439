// What the load generator was told, line by line: JSON lines, the first one a header with the windows and their capacities.
// Written in blocks straight to the file, so that nothing is lost with the server, and at most one block with ourselves.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "apps/load/slots.hpp"

namespace janji::load {

enum class operation : std::uint8_t { book, second, cancel, move, browse };
enum class outcome : std::uint8_t { yes, no, unknown };
[[nodiscard]] std::string_view name_of(operation o);
[[nodiscard]] std::string_view name_of(outcome o);

// One answer, or the lack of one.
struct record_entry {
  std::uint64_t request = 0;  // counts the answers of a run
  std::uint64_t citizen = 0;  // the first of the party
  unsigned people = 1;
  operation what = operation::book;
  outcome result = outcome::unknown;
  bool repeated = false;
  int status = 0;            // 0: no answer
  unsigned attempt = 0;      // 0: the first time under this key
  std::int64_t sent_us = 0;  // since 1970
  std::int64_t latency_us = 0;
  std::string key;
  std::string code;   // the problem's, or: timeout, reset
  std::string place;  // asked for, centre/date/window; with result yes what the answer says
  std::vector<std::string> references;
  std::string stamp;  // shard.epoch.boot.count, where the server says it
};

struct record_header {
  std::uint64_t seed = 0;
  std::string mode;
  std::string round;
  std::vector<slot> slots;
};

[[nodiscard]] std::string to_line(const record_entry& e);
[[nodiscard]] std::string to_line(const record_header& h);
std::expected<record_entry, std::string> read_entry(std::string_view line);
std::expected<record_header, std::string> read_header(std::string_view line);

// Safe from several threads.
class recorder {
public:
  static std::expected<std::unique_ptr<recorder>, std::string> open(const std::string& path, const record_header& header);
  ~recorder();
  recorder(const recorder&) = delete;
  recorder& operator=(const recorder&) = delete;
  void add(const record_entry& e);
  // A block that cannot be written is remembered and said here: a record with holes must not pass for a record.
  std::expected<void, std::string> flush();

private:
  recorder(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  void write_block();
  static constexpr std::size_t block_bytes = 64 * 1024;
  std::mutex mutex_;
  int fd_;
  std::string path_;
  std::string block_;
  std::string error_;
};

// Each entry in turn. A torn last line (we were killed while writing) is passed over and counted in `torn`.
std::expected<record_header, std::string> read_record(const std::string& path, const std::function<void(record_entry&&)>& take,
                                                      std::uint64_t& torn);

}  // namespace janji::load
