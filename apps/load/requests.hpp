// The text of requests. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "apps/load/citizens.hpp"
#include "apps/load/options.hpp"
#include "apps/load/record.hpp"

namespace janji::load {

// A request sent on purpose under a key that was used already: at once (twin), or after it was confirmed (later).
enum class repeat_kind : std::uint8_t { first, twin, later };

// One request to be sent, and what is needed to send it again.
struct job {
  operation what = operation::book;
  std::uint64_t citizen = 0;  // the first of the party
  unsigned people = 1;
  std::uint32_t slot = 0;
  std::uint64_t purpose = 0;  // which of the citizen's keys
  unsigned attempt = 0;       // times it was asked again because the outcome was unknown
  repeat_kind repeat = repeat_kind::first;
  std::uint64_t arrival = 0;
  std::string reference;  // of cancel and move
  std::string token;
};

// Which key a citizen's request goes under.
namespace purposes {
inline constexpr std::uint64_t second = std::uint64_t{1} << 32;
inline constexpr std::uint64_t cancel = std::uint64_t{2} << 32;
inline constexpr std::uint64_t move = std::uint64_t{3} << 32;
}  // namespace purposes

class request_writer {
public:
  request_writer(const run_options& o, const crowd& people, const slot_list& slots);
  // Replaces `out` by the request's bytes, for the target named by its Host value.
  void write(const job& j, std::string_view host, std::string& out);
  [[nodiscard]] std::string key(const job& j) const { return key_of(seed_, j.citizen, j.purpose); }
  // centre/date/window as asked for; the window is left out when the server chooses it.
  [[nodiscard]] std::string place(const job& j) const;

private:
  static constexpr std::size_t name_begins_max = 22;  // "Warga Contoh 12345678" and one more
  std::string filler(std::size_t bytes, std::size_t characters_max);
  void write_people(const job& j);
  void write_place(const job& j);
  const run_options& options_;
  const crowd& people_;
  const slot_list& slots_;
  std::uint64_t seed_;
  std::string notes_;
  std::string email_;
  std::string name_;  // what comes behind it
  std::uint64_t filled_ = 0;
  std::string body_;
};

}  // namespace janji::load
