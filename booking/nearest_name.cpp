#include "booking/nearest_name.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "booking/ascii_case.hpp"

namespace janji {

namespace {

constexpr std::size_t name_bytes_compared = 40;

// Its words, sorted.
std::vector<std::string> words_of_name(std::string_view name) {
  std::vector<std::string> out(1);
  for (const char c : name)
    if (c == '_' || c == ' ' || c == '-' || c == '.')
      out.emplace_back();
    else
      out.back().push_back(c);
  std::ranges::sort(out);
  return out;
}

std::size_t name_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> now(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j)
    last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    now[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      now[j] = std::min({last[j] + 1, now[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        now[j] = std::min(now[j], before[j - 2] + 1);
    }
    std::swap(before, last);
    std::swap(last, now);
  }
  return last[b.size()];
}

}  // namespace

std::string_view nearest_name(std::string_view given, std::span<const std::string_view> known) {
  if (given.empty() || given.size() > name_bytes_compared)
    return {};
  const auto wanted = in_lower_case(std::string(given));
  std::string_view nearest;
  std::size_t least = std::max<std::size_t>(1, wanted.size() / 3) + 1;
  for (const auto name : known) {
    const auto other = in_lower_case(std::string(name));
    const auto distance = words_of_name(other) == words_of_name(wanted) ? 0 : name_distance(wanted, other);
    if (distance < least) {
      least = distance;
      nearest = name;
    }
  }
  return nearest;
}

}  // namespace janji
