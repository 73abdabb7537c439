// The windows that can be booked, as the load generator knows them, and how a booking chooses one.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace janji::load {

struct slot {
  std::string centre;
  std::string date;   // YYYY-MM-DD
  std::string opens;  // HH:MM
  std::uint64_t capacity = 0;
  std::uint64_t free = 0;
  bool over = false;  // nobody can book it any more: it is chosen by no spread
  [[nodiscard]] std::string place() const { return centre + "/" + date + "/" + opens; }
};

struct slot_list {
  std::string round;
  std::vector<slot> slots;
};

// configs/demo/slot-groups.csv: centre,date,opens,closes,capacity.
std::expected<std::vector<slot>, std::string> read_slots(const std::string& csv_text);

enum class spread_kind : std::uint8_t { groups, one, hot };

struct spread {
  spread_kind kind = spread_kind::groups;
  std::string centre;  // of `one`
  std::string date;
};
// groups | one:<centre>:<date> | hot
std::expected<spread, std::string> read_spread(std::string_view text);

// Draws windows with the weights of a spread: by capacity; `one` only those of that centre-day; `hot` the first window as
// often as hot_factor times the mean of the others, which are alike. Windows can be taken out (full). Not thread-safe.
class slot_chooser {
public:
  static std::expected<slot_chooser, std::string> make(const std::vector<slot>& slots, const spread& how, double hot_factor);

  [[nodiscard]] bool empty() const { return cumulative_.empty() || cumulative_.back() == 0; }
  // An index into the slots; not to be called when empty().
  [[nodiscard]] std::uint32_t draw(std::uint64_t random) const;
  void take_out(std::uint32_t slot);
  [[nodiscard]] bool is_hot(std::uint32_t slot) const { return hot_ && slot == 0; }
  [[nodiscard]] std::size_t left() const;

private:
  void add_up();
  std::vector<std::uint64_t> weights_;
  std::vector<std::uint64_t> cumulative_;
  bool hot_ = false;
};

}  // namespace janji::load
