// The languages of the pages, how they are named, and which one a reader gets. Pure; any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace janji::web {

enum class language : std::uint8_t { ms, en, zh, ta };
inline constexpr std::array languages{language::ms, language::en, language::zh, language::ta};

[[nodiscard]] std::string_view tag_of(language l);   // of lang="": ms, en, zh-Hans, ta
[[nodiscard]] std::string_view name_of(language l);  // in itself
[[nodiscard]] const char* locale_of(language l);     // of ICU: ms_MY and not ms, whose first weekday and number groups differ
// Of a tag such as EN, en-GB, zh-TW or zh_Hans_MY; none of a language that there are no pages in.
[[nodiscard]] std::optional<language> language_of(std::string_view tag);
// What an Accept-Language header (RFC 9110, 12.5.4) prefers of ours; none where it names none of them. Reads its first 32 ranges in 1 kB,
// whatever its size; what is not a range is passed over.
[[nodiscard]] std::optional<language> preferred_language(std::string_view accept_language);

}  // namespace janji::web
