// Were the promises kept? Compares what the citizens were told (the record) with what is stored (the export). Pure but for
// audit_files(); not thread-safe.
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "apps/load/record.hpp"

namespace janji::load {

// One line of the export: a booking's place, live or not. A moved booking has a line for each of its places.
struct stored_booking {
  std::string reference;
  std::string round;
  std::string place;    // centre/date/window
  std::string status;   // confirmed, cancelled, moved
  std::string citizen;  // hex of the keyed hash
  std::uint64_t generation = 0;
  [[nodiscard]] bool live() const { return status == "confirmed"; }
};
std::expected<stored_booking, std::string> read_stored(std::string_view line);

struct audit_options {
  bool others_booked_too = false;  // entries that this record does not know are no breach
  bool expect_full = false;        // every window must be full at the end (mode fill)
};

struct audit_findings {
  bool compared = false;  // with an export; else the record alone was looked at
  std::uint64_t answers = 0;
  std::uint64_t confirmations = 0;  // references that a citizen was promised
  std::uint64_t entries_live = 0;
  std::uint64_t entries_not_live = 0;

  // breaches
  std::uint64_t phantom_yes = 0;  // promised, and not there
  std::uint64_t places_differ = 0;
  std::uint64_t status_differs = 0;
  std::uint64_t over_capacity = 0;    // places beyond the capacity, over all windows
  std::uint64_t unknown_windows = 0;  // entries in windows that the round does not have
  std::uint64_t citizens_with_two = 0;
  std::uint64_t keys_with_two_answers = 0;
  std::uint64_t confirmed_then_refused = 0;
  std::uint64_t refused_then_booked = 0;  // by a request that came before the refusal
  std::uint64_t second_bookings = 0;      // a citizen with a live booking was promised another
  std::uint64_t unasked_entries = 0;      // live, and neither promised nor possibly an unknown's
  std::uint64_t generations_wrong = 0;    // two live places of one booking, or an older one live
  std::uint64_t left_free = 0;            // with expect_full

  // requests whose answer was unknown at some time
  std::uint64_t unknown_requests = 0;
  std::uint64_t unknown_told_later = 0;  // asked again: it had come true
  std::uint64_t unknown_made_good = 0;   // asked again: came true then
  std::uint64_t unknown_refused_later = 0;
  std::uint64_t unknown_came_true = 0;  // never asked again: found in the store
  std::uint64_t unknown_not_true = 0;
  std::uint64_t torn_lines = 0;

  std::vector<std::string> examples;  // at most a few of each breach, in words
  [[nodiscard]] std::uint64_t breaches() const;
  [[nodiscard]] double phantom_rate() const {
    return confirmations == 0 ? 0 : static_cast<double>(phantom_yes) / static_cast<double>(confirmations);
  }
};

class audit {
public:
  explicit audit(audit_options o) : options_(o) {}
  void header(const record_header& h);
  void answer(const record_entry& e);    // in the order of the record
  void stored(const stored_booking& b);  // in any order, after all answers
  audit_findings finish(bool compared);

private:
  // What one reference's citizen may rely on.
  struct promise {
    std::vector<std::uint32_t> places;  // where it may be: one, or more while a move's outcome is unknown
    bool cancelled = false;
    bool maybe_cancelled = false;
    bool found = false;
    bool found_live = false;
    std::uint32_t live_place = 0;
    std::uint64_t live_generation = 0;
    std::uint64_t newest_generation = 0;
    std::uint64_t citizen = 0;
  };
  // What one idempotency key of a booking was answered.
  struct story {
    std::uint64_t first_reference = 0;  // into references_
    std::uint32_t asked = 0;            // place
    std::uint8_t people = 0;
    bool promised = false;
    bool unknown = false;  // at some time
    bool refused = false;  // the last clear answer, when not promised
    bool told_later = false;
    bool second = false;
    std::uint64_t citizen = 0;
    std::vector<std::uint64_t> references;
    std::vector<std::string> refusals;  // their numbers
  };

  void check_stamps(const record_entry& e, story& s);
  std::uint32_t place_number(const std::string& place);
  void booking_answer(const record_entry& e);
  void change_answer(const record_entry& e);
  void check_seconds();
  void check_promises();
  void check_windows();
  void settle_unknowns();
  void example(const char* of, std::string words);

  audit_options options_;
  audit_findings found_;
  std::string round_;
  std::vector<std::string> places_;
  std::unordered_map<std::string, std::uint32_t> place_numbers_;
  std::unordered_map<std::uint32_t, std::uint64_t> capacity_;
  std::unordered_map<std::uint32_t, std::uint64_t> live_in_;
  std::unordered_map<std::string, std::uint64_t> reference_numbers_;
  std::vector<std::string> references_;
  std::vector<promise> promises_;
  std::unordered_map<std::string, story> stories_;
  std::unordered_map<std::string, std::string> live_citizens_;  // round + citizen -> reference
  std::map<std::string, std::uint64_t> unmatched_;              // centre/date -> live entries nobody was promised
  std::map<std::string, unsigned> examples_;
};

// janji-load audit: export_file may be empty.
std::expected<audit_findings, std::string> audit_files(const std::string& record_file, const std::string& export_file,
                                                       const audit_options& o);
[[nodiscard]] std::string as_table(const audit_findings& f);
[[nodiscard]] std::string as_json(const audit_findings& f);

}  // namespace janji::load
