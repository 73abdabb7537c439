// What people type and paste where letters, digits and a few signs alone count: numbers of documents, references, codes. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

namespace janji {

// In capitals, without blanks, dashes, quotes, middle dots and marks that nobody sees, whatever they are made of, and without `ignored`;
// full-width signs, as some keyboards write them, are the usual ones.
[[nodiscard]] std::string typed_signs(std::string_view typed, std::string_view ignored = {});
// Of a code, a date, a time of day, each of which has a form of its own: without the blanks around it and marks that nobody sees; dashes of
// every kind are that of ASCII, full-width signs the usual ones. Capitals stay, and what stands within.
[[nodiscard]] std::string typed_word(std::string_view typed);

}  // namespace janji
