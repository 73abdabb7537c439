// What somebody may have meant who misspelt a word. Pure; any thread.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace janji::apps {

// Letters to be put in, left out, changed or swapped with their neighbour until one word is the other.
[[nodiscard]] std::size_t slips_between(std::string_view a, std::string_view b);
// The nearest word, or the first one that begins so; none: all are too far away to be meant.
[[nodiscard]] std::optional<std::string> nearest(std::string_view typed, std::span<const std::string> words);

}  // namespace janji::apps
