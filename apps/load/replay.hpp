// Asks for every promise of a record again, under its key: the same references must come back, at the place that was told
// last. Nothing is booked by it that was not booked before.
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "apps/load/client.hpp"
#include "apps/load/record.hpp"

namespace janji::load {

// What a booking's key was promised, and where its first person is by what was told since.
struct promised {
  std::string key;
  std::uint64_t citizen = 0;
  unsigned people = 1;
  std::string asked;  // centre/date/window of the request
  std::string place;  // as told last; empty: a move's outcome is unknown
  std::vector<std::string> references;
};

// Collects promises from a record's answers, in their order. Pure; not thread-safe.
class promise_list {
public:
  void answer(const record_entry& e);
  [[nodiscard]] std::vector<promised> take() { return std::move(list_); }

private:
  std::vector<promised> list_;
  std::map<std::string, std::size_t, std::less<>> by_key_;
  std::map<std::string, std::size_t, std::less<>> by_first_reference_;
};

struct replay_findings {
  std::uint64_t asked = 0;
  std::uint64_t same = 0;
  std::uint64_t different = 0;   // another reference or place
  std::uint64_t refused = 0;     // or booked anew
  std::uint64_t unanswered = 0;  // no clear answer, however often it was asked
  std::vector<std::string> examples;
  [[nodiscard]] bool clean() const { return same == asked; }
};

// notes_bytes: as in the recorded run. Errors are one sentence.
std::expected<replay_findings, std::string> replay(const std::string& record_file, const target& t, std::size_t notes_bytes);

[[nodiscard]] std::string as_json(const replay_findings& f);
[[nodiscard]] std::string as_table(const replay_findings& f);

}  // namespace janji::load
