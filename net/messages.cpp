#include "net/messages.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace janji::net {

namespace {

constexpr std::array message_table{
#include "net/messages.inc"
};
constexpr auto by_language_and_key = [](const message& a, const message& b) {
  return a.language != b.language ? a.language < b.language : a.key < b.key;
};
static_assert(std::ranges::is_sorted(message_table, by_language_and_key));

// A text in parts: words, the number that a plural goes by, or a placeholder with a branch for each of its categories.
struct message_part {
  enum class kind : std::uint8_t { words, number, placeholder } what = kind::words;
  std::string_view text;  // or the placeholder's name
  struct branch;
  std::vector<branch> branches;
};
struct message_part::branch {
  std::string_view category;
  std::vector<message_part> parts;
};

// Sees to it that whatever ICU would read in another way is an error.
class message_reader {
public:
  explicit message_reader(std::string_view text) : rest_(text) {}

  std::expected<std::vector<message_part>, std::string> read() {
    auto parts = parts_until_end(0);
    if (parts && !rest_.empty())
      return std::unexpected("a } that closes nothing");
    return parts;
  }

private:
  static constexpr int depth_max = 2;  // a plural inside of a plural is too much for whoever translates it

  std::expected<std::vector<message_part>, std::string> parts_until_end(int depth) {
    std::vector<message_part> out;
    while (!rest_.empty() && rest_.front() != '}') {
      if (rest_.front() == '{') {
        auto one = placeholder_here(depth);
        if (!one)
          return std::unexpected(std::move(one.error()));
        out.push_back(std::move(*one));
      } else if (rest_.front() == '#' && depth > 0) {
        out.push_back({message_part::kind::number, take(1), {}});
      } else {
        const auto words = take(std::min(rest_.find_first_of(depth > 0 ? "{}#" : "{}"), rest_.size()));
        if (words.contains('\''))
          return std::unexpected("an apostrophe, which quotes: write ’");
        out.push_back({message_part::kind::words, words, {}});
      }
    }
    return out;
  }

  std::expected<message_part, std::string> placeholder_here(int depth) {
    take(1);
    message_part out{message_part::kind::placeholder, word(), {}};
    if (out.text.empty())
      return std::unexpected("a placeholder without a name");
    if (took('}'))
      return out;
    if (depth >= depth_max - 1 || !took(',') || word() != "plural" || !took(','))
      return std::unexpected("only {name} and {name, plural, ...} are known, the latter not inside of itself: " + std::string(out.text));
    while (!ended()) {
      const auto category = word();
      if (category.empty() || !took('{'))
        return std::unexpected("a category and its words in braces are missing: " + std::string(out.text));
      auto parts = parts_until_end(depth + 1);
      if (!parts)
        return std::unexpected(std::move(parts.error()));
      if (!took('}'))
        return std::unexpected("a { that nothing closes");
      out.branches.push_back({category, std::move(*parts)});
    }
    if (std::ranges::find(out.branches, "other", &message_part::branch::category) == out.branches.end())
      return std::unexpected("other is missing: " + std::string(out.text));
    return out;
  }

  std::string_view take(std::size_t n) {
    const auto out = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return out;
  }
  void skip_spaces() { take(std::min(rest_.find_first_not_of(' '), rest_.size())); }
  std::string_view word() {
    skip_spaces();
    const auto out = take(std::min(rest_.find_first_not_of("abcdefghijklmnopqrstuvwxyz_0123456789="), rest_.size()));
    skip_spaces();
    return out;
  }
  bool took(char c) {
    if (!rest_.starts_with(c))
      return false;
    take(1);
    return true;
  }
  bool ended() {
    skip_spaces();
    return took('}');
  }

  std::string_view rest_;
};

void append_grouped(std::string& out, std::int64_t n) {
  auto digits = std::to_string(n);
  for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > (n < 0 ? 1 : 0); at -= 3)
    digits.insert(static_cast<std::size_t>(at), 1, ',');
  out += digits;
}

const std::vector<message_part>* branch_for(const message_part& plural, std::string_view language, std::int64_t n) {
  const auto of = [&](std::string_view category) -> const std::vector<message_part>* {
    const auto it = std::ranges::find(plural.branches, category, &message_part::branch::category);
    return it == plural.branches.end() ? nullptr : &it->parts;
  };
  if (const auto* exact = of("=" + std::to_string(n)))
    return exact;
  const auto* usual = of(plural_category(language, n));
  return usual != nullptr ? usual : of("other");
}

bool append_parts(std::string& out, const std::vector<message_part>& parts, std::string_view language, std::span<const argument> arguments,
                  std::int64_t number) {
  for (const auto& p : parts) {
    if (p.what == message_part::kind::words) {
      out += p.text;
    } else if (p.what == message_part::kind::number) {
      append_grouped(out, number);
    } else {
      const auto it = std::ranges::find(arguments, p.text, &argument::name);
      if (it == arguments.end())
        return false;
      const auto* n = std::get_if<std::int64_t>(&it->value);
      if (p.branches.empty())
        n != nullptr ? append_grouped(out, *n) : void(out += std::get<std::string>(it->value));
      else if (n == nullptr || !append_parts(out, *branch_for(p, language, *n), language, arguments, *n))
        return false;
    }
  }
  return true;
}

void collect(std::vector<placeholder>& out, const std::vector<message_part>& parts) {
  for (const auto& p : parts) {
    if (p.what != message_part::kind::placeholder)
      continue;
    placeholder one{p.text, {}};
    for (const auto& b : p.branches)
      one.categories.push_back(b.category);
    out.push_back(std::move(one));
    for (const auto& b : p.branches)
      collect(out, b.parts);
  }
}

}  // namespace

std::span<const message> all_messages() { return message_table; }

std::optional<std::string_view> find_message(std::string_view language, std::string_view key) {
  const auto it = std::ranges::lower_bound(message_table, message{language, key, {}}, by_language_and_key);
  if (it == message_table.end() || it->language != language || it->key != key)
    return std::nullopt;
  return it->text;
}

std::string_view plural_category(std::string_view language, std::int64_t n) {
  const bool counts_nothing = language.starts_with("ms") || language.starts_with("zh");
  return n == 1 && !counts_nothing ? "one" : "other";
}

std::optional<std::string> format_message(std::string_view language, std::string_view text, std::span<const argument> arguments) {
  std::string out;
  const auto parts = message_reader(text).read();
  if (!parts || !append_parts(out, *parts, language, arguments, 0))
    return std::nullopt;
  return out;
}

std::expected<std::vector<placeholder>, std::string> placeholders_of(std::string_view text) {
  const auto parts = message_reader(text).read();
  if (!parts)
    return std::unexpected(parts.error());
  std::vector<placeholder> out;
  collect(out, *parts);
  return out;
}

}  // namespace janji::net
