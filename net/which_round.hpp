// Which round is meant: by its code, or, where none is named, the one that pages show and the API takes; and why one takes no bookings.
// Pure but for the clock; any thread.
#pragma once

#include <memory>
#include <string_view>

#include "actors/node.hpp"
#include "net/problem.hpp"

namespace janji::net {

// None: no round that is known here has that code.
[[nodiscard]] std::shared_ptr<const actors::round_entry> find_round(const actors::round_catalogue& catalogue, std::string_view code);

// By what a booking would get now: open, else paused, else the next to open, else one whose operators have not opened it, else the last
// that ended. Of several the one that opened, or opens, first. None: there is no round.
[[nodiscard]] std::shared_ptr<const actors::round_entry> usual_round(const actors::round_catalogue& catalogue, unix_ms now,
                                                                     bool judges_past);

// "": the usual one.
[[nodiscard]] std::shared_ptr<const actors::round_entry> round_meant(const actors::node& node, const actors::round_catalogue& catalogue,
                                                                     std::string_view code);

// In words, whoever has decided it: when it opens, or why it is paused, as far as this node knows.
[[nodiscard]] problem not_admitted(const actors::round_entry& round, problem_code code);

}  // namespace janji::net
