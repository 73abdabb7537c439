#include "booking/round_orders.hpp"

#include <gtest/gtest.h>

#include <string>

#include "booking/round.hpp"

namespace janji {
namespace {

using enum round_state;
constexpr round_state states[] = {imported, open, paused, closed, erased};
constexpr round_order orders[] = {round_order::open, round_order::resume, round_order::pause, round_order::close, round_order::erase};

// "to" for an event, "=" for what is so already, "-" for a refusal.
std::string effect(round_state state, round_order order, std::string_view known = "", std::string_view reason = "") {
  const auto e = effect_of(state, order, known, reason);
  return !e ? "-" : e->already ? "=" : std::string(name_of(e->to));
}

TEST(round_orders, every_order_does_in_every_state_what_the_table_says) {
  const char* const wanted[5][5] = {
      // open     resume  pause     close     erase
      {"open", "-", "-", "closed", "-"},     // imported
      {"=", "=", "paused", "closed", "-"},   // open
      {"open", "open", "=", "closed", "-"},  // paused
      {"-", "-", "-", "=", "erased"},        // closed
      {"-", "-", "-", "-", "="},             // erased
  };
  for (std::size_t s = 0; s < 5; ++s)
    for (std::size_t o = 0; o < 5; ++o)
      EXPECT_EQ(effect(states[s], orders[o]), wanted[s][o]) << name_of(states[s]) << ", " << name_of(orders[o]);
}

TEST(round_orders, what_can_never_be_booked_again_is_not_warmed) {
  for (const auto s : {imported, open, paused})
    EXPECT_TRUE(may_warm(s)) << name_of(s);
  EXPECT_EQ(may_warm(closed).error(), "a round that is closed cannot be warmed: closing is for good");
  EXPECT_EQ(may_warm(erased).error(), "a round that is erased cannot be warmed: its keys are destroyed");
}

TEST(round_orders, a_refusal_says_the_state_the_order_and_what_to_do) {
  EXPECT_EQ(effect_of(imported, round_order::resume, "", "").error(),
            "a round that is imported cannot be resumed: it was never opened, open it");
  EXPECT_EQ(effect_of(open, round_order::erase, "", "").error(), "a round that is open cannot be erased: close it first");
  EXPECT_EQ(effect_of(closed, round_order::pause, "", "x").error(), "a round that is closed cannot be paused: closing is for good");
  for (const auto s : states)
    for (const auto o : orders)
      if (const auto e = effect_of(s, o, "", ""); !e) {
        EXPECT_TRUE(e.error().contains(name_of(s)) && e.error().contains(": ")) << e.error();
      }
}

TEST(round_orders, a_pauses_reason_is_replaced_and_the_same_one_is_done_already) {
  EXPECT_EQ(effect(paused, round_order::pause, "rain", "flood"), "paused");
  EXPECT_EQ(effect(paused, round_order::pause, "rain", "rain"), "=");
}

TEST(round_orders, another_reason_that_nobody_would_be_shown_is_not_dropped_in_silence) {
  EXPECT_EQ(effect(closed, round_order::close, "all vaccinated", "out of doses"), "-");
  EXPECT_EQ(effect(closed, round_order::close, "all vaccinated", ""), "=");
  EXPECT_EQ(effect(closed, round_order::close, "all vaccinated", "all vaccinated"), "=");
}

TEST(round_orders, an_earlier_versions_order_is_the_one_that_it_means) {
  for (const auto order : orders)
    if (order != round_order::resume) {
      EXPECT_EQ(order_to(state_after(order), imported), order);
    }
  EXPECT_EQ(order_to(open, paused), round_order::resume);
  EXPECT_EQ(order_to(imported, open), round_order::unsaid);
  EXPECT_FALSE(effect_of(open, round_order::unsaid, "", ""));
}

}  // namespace
}  // namespace janji
