#include "apps/load/slots.hpp"

#include <algorithm>
#include <charconv>
#include <sstream>

namespace janji::load {

std::expected<std::vector<slot>, std::string> read_slots(const std::string& csv_text) {
  std::vector<slot> out;
  std::istringstream in(csv_text);
  std::string line;
  for (unsigned row = 1; std::getline(in, line); ++row) {
    if (!line.empty() && line.back() == '\r')
      line.pop_back();
    if (row == 1) {
      if (line != "centre,date,opens,closes,capacity")
        return std::unexpected("a file of slots must begin with centre,date,opens,closes,capacity");
      continue;
    }
    if (line.empty())
      continue;
    std::istringstream fields(line);
    slot s;
    std::string closes;
    std::string capacity;
    std::getline(fields, s.centre, ',');
    std::getline(fields, s.date, ',');
    std::getline(fields, s.opens, ',');
    std::getline(fields, closes, ',');
    std::getline(fields, capacity, ',');
    const auto [end, ec] = std::from_chars(capacity.data(), capacity.data() + capacity.size(), s.capacity);
    if (ec != std::errc{} || end != capacity.data() + capacity.size())
      return std::unexpected("line " + std::to_string(row) + " of the slots: '" + capacity + "' is not a capacity");
    s.free = s.capacity;
    out.push_back(std::move(s));
  }
  return out;
}

std::expected<spread, std::string> read_spread(std::string_view text) {
  if (text == "groups")
    return spread{};
  if (text == "hot")
    return spread{spread_kind::hot, {}, {}};
  if (text.starts_with("one:")) {
    const auto rest = text.substr(4);
    const auto colon = rest.find(':');
    if (colon != std::string_view::npos && colon > 0 && colon + 1 < rest.size())
      return spread{spread_kind::one, std::string(rest.substr(0, colon)), std::string(rest.substr(colon + 1))};
  }
  return std::unexpected("--spread is groups, hot or one:<centre>:<date>");
}

std::expected<slot_chooser, std::string> slot_chooser::make(const std::vector<slot>& slots, const spread& how, double hot_factor) {
  slot_chooser c;
  for (const auto& s : slots) {
    const bool wanted = how.kind != spread_kind::one || (s.centre == how.centre && s.date == how.date);
    c.weights_.push_back(!wanted || s.over ? 0 : how.kind == spread_kind::hot ? 1'000 : std::max<std::uint64_t>(s.capacity, 1));
  }
  if (how.kind == spread_kind::hot) {
    if (slots.size() < 2)
      return std::unexpected("a hot group needs others to be compared with");
    c.weights_[0] = static_cast<std::uint64_t>(hot_factor * 1'000);
    c.hot_ = true;
  }
  c.add_up();
  if (c.empty())
    return std::unexpected(how.kind == spread_kind::one ? "there is no slot group " + how.centre + " on " + how.date + " that can be booked"
                                                        : "there are no slots to book");
  return c;
}

void slot_chooser::add_up() {
  cumulative_.clear();
  std::uint64_t sum = 0;
  for (const auto w : weights_)
    cumulative_.push_back(sum += w);
}

std::uint32_t slot_chooser::draw(std::uint64_t random) const {
  return static_cast<std::uint32_t>(std::ranges::upper_bound(cumulative_, random % cumulative_.back()) - cumulative_.begin());
}

void slot_chooser::take_out(std::uint32_t slot) {
  if (weights_[slot] == 0)
    return;
  weights_[slot] = 0;
  add_up();
}

std::size_t slot_chooser::left() const {
  return static_cast<std::size_t>(std::ranges::count_if(weights_, [](auto w) { return w != 0; }));
}

}  // namespace janji::load
