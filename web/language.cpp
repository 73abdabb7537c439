#include "web/language.hpp"

#include <algorithm>

#include "booking/text_parts.hpp"

namespace janji::web {

namespace {

constexpr std::size_t header_bytes_read = 1024;
constexpr std::size_t ranges_read = 32;
constexpr int full_weight = 1000;

struct row {
  std::string_view tag;
  std::string_view name;
  const char* locale;
  std::string_view primary;  // subtag
};
constexpr std::array rows{row{"ms", "Bahasa Melayu", "ms_MY", "ms"}, row{"en", "English", "en_MY", "en"},
                          row{"zh-Hans", "中文", "zh_Hans", "zh"}, row{"ta", "தமிழ்", "ta_MY", "ta"}};

// "q=0.8" in thousandths; a weight that is none counts as none given.
int weight_of(std::string_view parameter) {
  parameter = trimmed(parameter);
  if (parameter.size() < 3 || !same_word(parameter.substr(0, 2), "q="))
    return full_weight;
  parameter.remove_prefix(2);
  if (parameter.front() == '1')
    return full_weight;
  if (parameter.front() != '0')
    return full_weight;
  int weight = 0;
  int digit = 100;
  for (const char c : parameter.substr(std::min<std::size_t>(2, parameter.size()))) {
    if (c < '0' || c > '9' || digit == 0)
      break;
    weight += (c - '0') * digit;
    digit /= 10;
  }
  return weight;
}

}  // namespace

std::string_view tag_of(language l) { return rows[static_cast<std::size_t>(l)].tag; }
std::string_view name_of(language l) { return rows[static_cast<std::size_t>(l)].name; }
const char* locale_of(language l) { return rows[static_cast<std::size_t>(l)].locale; }

// By the first subtag: Chinese of Taiwan is nearer to ours than Malay is, though ICU's matcher says otherwise.
std::optional<language> language_of(std::string_view tag) {
  const auto primary = tag.substr(0, std::min(tag.find_first_of("-_"), tag.size()));
  for (const auto l : languages)
    if (same_word(primary, rows[static_cast<std::size_t>(l)].primary))
      return l;
  return std::nullopt;
}

std::optional<language> preferred_language(std::string_view accept_language) {
  accept_language = accept_language.substr(0, header_bytes_read);
  std::optional<language> best;
  int best_weight = 0;
  for (std::size_t i = 0; i < ranges_read && !accept_language.empty(); ++i) {
    auto range = next_part(accept_language, ',');
    const auto tag = trimmed(next_part(range, ';'));
    const auto found = language_of(tag);
    const auto weight = weight_of(range);
    if (found && weight > best_weight) {
      best = found;
      best_weight = weight;
    }
  }
  return best;
}

}  // namespace janji::web
