#include "booking/round_orders.hpp"

#include <fmt/format.h>

#include <array>

#include "booking/round.hpp"

namespace janji {

namespace {

using enum round_state;

// A cell: the state to come, the same state (it is so already), or why not.
struct cell {
  bool allowed = false;
  round_state to = imported;
  std::string_view why;
};
constexpr cell yes(round_state to) { return {true, to, {}}; }
constexpr cell no(std::string_view why) { return {false, imported, why}; }

constexpr std::string_view never_opened = "it was never opened, open it";
constexpr std::string_view for_good = "closing is for good";
constexpr std::string_view keys_gone = "its keys are destroyed";
constexpr std::string_view close_first = "close it first";

constexpr std::size_t states = 5, orders = 5;
// clang-format off
constexpr std::array<std::array<cell, orders>, states> table{{
    //            open            resume             pause              close        erase
    /*imported*/ {{yes(open),     no(never_opened),  no(never_opened),  yes(closed), no(close_first)}},
    /*open*/     {{yes(open),     yes(open),         yes(paused),       yes(closed), no(close_first)}},
    /*paused*/   {{yes(open),     yes(open),         yes(paused),       yes(closed), no(close_first)}},
    /*closed*/   {{no(for_good),  no(for_good),      no(for_good),      yes(closed), yes(erased)}},
    /*erased*/   {{no(keys_gone), no(keys_gone),     no(keys_gone),     no(keys_gone), yes(erased)}},
}};
// clang-format on
//                                              imported        open       paused       closed        erased
constexpr std::array<cell, states> warming{yes(imported), yes(open), yes(paused), no(for_good), no(keys_gone)};

}  // namespace

std::expected<order_effect, std::string> effect_of(round_state state, round_order order, std::string_view known, std::string_view reason) {
  const auto refused = [&](std::string_view why) {
    return std::unexpected(fmt::format("a round that is {} cannot be {}: {}", name_of(state), name_of(order), why));
  };
  if (order == round_order::unsaid)
    return refused("the order says nothing");
  const auto& found = table[static_cast<std::size_t>(state)][static_cast<std::size_t>(order) - 1];
  if (!found.allowed)
    return refused(found.why);
  if (found.to != state)
    return order_effect{found.to, false};
  if (state == paused)
    return order_effect{found.to, reason == known};
  if (!reason.empty() && reason != known)
    return refused("it is so already, and keeps the reason that it has");
  return order_effect{found.to, true};
}

std::expected<void, std::string> may_warm(round_state state) {
  const auto& found = warming[static_cast<std::size_t>(state)];
  if (!found.allowed)
    return std::unexpected(fmt::format("a round that is {} cannot be warmed: {}", name_of(state), found.why));
  return {};
}

round_state state_after(round_order order) {
  switch (order) {
    case round_order::open:
    case round_order::resume: return open;
    case round_order::pause: return paused;
    case round_order::close: return closed;
    case round_order::erase: return erased;
    case round_order::unsaid: break;
  }
  return imported;
}

round_order order_to(round_state to, round_state from) {
  switch (to) {
    case open: return from == paused ? round_order::resume : round_order::open;
    case paused: return round_order::pause;
    case closed: return round_order::close;
    case erased: return round_order::erase;
    case imported: break;
  }
  return round_order::unsaid;
}

std::string_view name_of(round_order order) {
  switch (order) {
    case round_order::unsaid: return "ordered";
    case round_order::open: return "opened";
    case round_order::resume: return "resumed";
    case round_order::pause: return "paused";
    case round_order::close: return "closed";
    case round_order::erase: return "erased";
  }
  return "";
}

}  // namespace janji
