#include "apps/load/replay.hpp"

#include <gtest/gtest.h>

namespace janji::load {

namespace {

record_entry booked(const std::string& key, const std::string& place, std::vector<std::string> references) {
  record_entry e;
  e.key = key;
  e.citizen = 7;
  e.people = static_cast<unsigned>(references.size());
  e.what = operation::book;
  e.result = outcome::yes;
  e.place = place;
  e.references = std::move(references);
  return e;
}

record_entry moved(const std::string& reference, const std::string& place, outcome result) {
  record_entry e;
  e.key = "move-" + reference;
  e.what = operation::move;
  e.result = result;
  e.place = place;
  e.references = {reference};
  return e;
}

}  // namespace

TEST(Replay, APromiseIsAskedForOnceAtThePlaceThatWasAsked) {
  promise_list list;
  list.answer(booked("k", "UM/2021-06-08/09:00", {"A", "B"}));
  list.answer(booked("k", "UM/2021-06-09/09:00", {"A", "B"}));  // a repeat, told after a move
  const auto found = list.take();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].asked, "UM/2021-06-08/09:00");
  EXPECT_EQ(found[0].people, 2U);
}

TEST(Replay, AfterAMoveTheNewPlaceIsExpected) {
  promise_list list;
  list.answer(booked("k", "UM/2021-06-08/09:00", {"A"}));
  list.answer(moved("A", "UM/2021-06-10/09:00", outcome::yes));
  const auto found = list.take();
  EXPECT_EQ(found.at(0).asked, "UM/2021-06-08/09:00");
  EXPECT_EQ(found.at(0).place, "UM/2021-06-10/09:00");
}

TEST(Replay, AMoveOfUnknownOutcomeLeavesThePlaceOpenUntilItIsTold) {
  promise_list list;
  list.answer(booked("k", "UM/2021-06-08/09:00", {"A"}));
  list.answer(moved("A", "UM/2021-06-10/09:00", outcome::unknown));
  auto copy = list;
  EXPECT_EQ(copy.take().at(0).place, "");
  list.answer(moved("A", "UM/2021-06-10/09:00", outcome::yes));
  EXPECT_EQ(list.take().at(0).place, "UM/2021-06-10/09:00");
}

TEST(Replay, RefusalsAndUnknownsPromiseNothing) {
  promise_list list;
  auto e = booked("k", "UM/2021-06-08/09:00", {"A"});
  e.result = outcome::no;
  list.answer(e);
  e.result = outcome::unknown;
  list.answer(e);
  EXPECT_TRUE(list.take().empty());
}

}  // namespace janji::load
