#include "apps/nearest.hpp"

#include <algorithm>
#include <vector>

namespace janji::apps {

namespace {
constexpr std::size_t word_bytes_max = 64;
}

// Damerau and Levenshtein's, of neighbours that are swapped once.
std::size_t slips_between(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i)
    d[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j)
    d[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i)
    for (std::size_t j = 1; j <= b.size(); ++j) {
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0U : 1U)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  return d[a.size()][b.size()];
}

std::optional<std::string> nearest(std::string_view typed, std::span<const std::string> words) {
  if (typed.empty() || typed.size() > word_bytes_max)
    return std::nullopt;
  const auto near_enough = std::max<std::size_t>(1, typed.size() / 3);
  std::optional<std::string> best;
  std::size_t slips = near_enough + 1;
  for (const auto& word : words)
    if (const auto n = slips_between(typed, word); n < slips) {
      best = word;
      slips = n;
    }
  const auto begins = std::ranges::find_if(words, [typed](const auto& word) { return word.starts_with(typed); });
  return best || begins == words.end() ? best : std::optional(*begins);
}

}  // namespace janji::apps
