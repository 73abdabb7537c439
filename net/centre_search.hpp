// Which centres a page lists: a state's, those that were searched for, or all. Threads: that of the numbers and of the words.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "net/page_numbers.hpp"
#include "web/pages.hpp"
#include "web/words.hpp"

namespace janji::net {

inline constexpr std::size_t centres_listed_max = 100;  // on one page: who looks for another searches for it

// What an address asks for: `place`, cut; "": nothing, or no UTF-8.
[[nodiscard]] std::string searched_place(std::string_view query);

// Those of `m.state`, for `m.people`; where that is none, of the state, the postcode, the name, the district or the code that was searched
// for; where nothing was said or nothing found, all.
void fill_centres(const page_numbers& numbers, const web::words& words, std::string_view place, web::centres_model& m);

}  // namespace janji::net
