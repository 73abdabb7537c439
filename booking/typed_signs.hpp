// What people type and paste where letters, digits and a few signs alone count: numbers of documents, references, codes. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

namespace janji {

// In capitals, without blanks, dashes and marks that nobody sees, whatever they are made of, and without `ignored`; full-width signs, as
// some keyboards write them, are the usual ones.
[[nodiscard]] std::string typed_signs(std::string_view typed, std::string_view ignored = {});

}  // namespace janji
