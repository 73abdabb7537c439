// The rows of a round's slot groups, kept small until the whole file and the centres are known: only then can be said which day a
// date such as 7/6/2021 is, and which centre a code. Not thread-safe.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "booking/booking_end.hpp"
#include "booking/import_table.hpp"
#include "booking/round.hpp"
#include "booking/spreadsheet_values.hpp"

namespace janji {

class slot_rows {
public:
  explicit slot_rows(std::string_view file);
  slot_rows(const slot_rows&) = delete;
  slot_rows& operator=(const slot_rows&) = delete;

  import_table& table() { return table_; }
  // When both files are read: the groups, sorted; what is wrong with them goes to the table's faults.
  [[nodiscard]] std::vector<group_definition> groups(const round_definition& round, bool centres_known, const booking_end& until);

private:
  static constexpr std::int32_t no_day = std::numeric_limits<std::int32_t>::min();
  static constexpr std::uint32_t no_code = std::numeric_limits<std::uint32_t>::max();
  static constexpr std::uint16_t no_minute = std::numeric_limits<std::uint16_t>::max();

  struct kept_row {
    std::uint32_t line = 0;
    std::uint32_t code = 0;                            // of the centre, as numbered here
    std::array<std::int32_t, day_order_count> days{};  // since 1970, by order
    std::array<std::uint32_t, 3> at{};                 // where centre, date and opening stand in the line
    std::uint32_t capacity = 0;
    std::uint16_t opens = no_minute;
    std::uint16_t closes = no_minute;
    std::uint32_t centre = 0;          // index into the round's; beyond them: not listed
    std::optional<booking_end> until;  // of this window alone
    bool short_year = false;
    bool month_in_words = false;
    bool in_order = false;  // its date is written in an order of which there are several
    bool good = true;       // its window can be compared with others
  };
  struct shown_date {
    std::size_t row = 0;
    std::string text;
  };
  // That all such dates of the file are in this order.
  struct hypothesis {
    bool possible = true;
    std::uint32_t line = 0;  // of the first row that rules it out
    std::int32_t first = std::numeric_limits<std::int32_t>::max();
    std::int32_t last = no_day;
  };
  using hypotheses = std::array<hypothesis, day_order_count>;
  struct chosen_order {
    std::optional<std::size_t> order;
    std::string because;  // in words; without an order, why there is none
  };
  struct unsure_time {
    csv_place at;
    std::string column;
    std::string text;
    std::uint16_t minute = 0;
    std::string otherwise;  // what is wrong when it is not of the afternoon
  };

  void row(std::span<csv_field* const> fields, bool is_text);
  std::uint32_t number_of(const std::string& code);
  [[nodiscard]] bool is_one_too_many(const kept_row& r) const;
  void read_date(const csv_field& field, kept_row& r);
  std::uint16_t read_minute(const csv_field& field, const char* column);
  void read_capacity(const csv_field& field, kept_row& r);
  void read_end(const csv_field& field, kept_row& r);
  template <class Words>
  void wrong(csv_place at, const char* column, std::string_view code, Words&& words) {
    table_.faults().add(at, column, code, std::forward<Words>(words));
  }
  void settle_days(const round_definition& round);
  void leave_years_of_the_round(const round_definition& round);
  [[nodiscard]] hypotheses judge_orders(bool month_in_words) const;
  [[nodiscard]] static chosen_order choose(const hypotheses& all);
  void settle_day(std::size_t index, const chosen_order& chosen);
  void say_ambiguous(std::size_t index, std::string_view because);
  void settle_times();
  void settle_centres(const round_definition& round, bool known);
  void add_windows(std::vector<group_definition>& to, std::chrono::minutes offset, const booking_end& until);
  [[nodiscard]] static std::vector<std::int32_t> readings_of(const kept_row& r);
  [[nodiscard]] static std::optional<std::int32_t> only_reading(const kept_row& r);
  [[nodiscard]] std::string text_of_date(std::size_t row) const;

  import_table table_;
  std::vector<kept_row> rows_;
  std::size_t bad_rows_ = 0;  // among them
  std::map<std::string, std::uint32_t, std::less<>> codes_;
  std::vector<shown_date> dates_;   // that can be read in several ways, or have a short year; the first of them
  std::vector<unsure_time> times_;  // that may be of the afternoon
  std::uint32_t line_of_24_hours_ = 0;
};

}  // namespace janji
