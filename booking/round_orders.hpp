// What may be ordered of a round, and what becomes of it: one table, state by order. Pure; any thread.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "booking/admission.hpp"

namespace janji {

struct order_effect {
  round_state to = round_state::imported;
  // It is so already: done without an event. Where the order brings another reason than the round has, that is put in its place (a pause)
  // or refused, because nobody would be shown it.
  bool already = false;
};

// What the order makes of a round in that state, whose reason is `known`; an error says in a sentence why it does not, and what does.
[[nodiscard]] std::expected<order_effect, std::string> effect_of(round_state state, round_order order, std::string_view known,
                                                                 std::string_view reason);
// Warming makes nothing else of a round; an error says in a sentence why there is nothing to be warm for.
[[nodiscard]] std::expected<void, std::string> may_warm(round_state state);
[[nodiscard]] round_state state_after(round_order order);
// The order that an earlier version means, which says the state to come alone: an opening is also a resumption there.
[[nodiscard]] round_order order_to(round_state to, round_state from);
[[nodiscard]] std::string_view name_of(round_order order);

}  // namespace janji
