#include "apps/load/audit.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace janji::load {
namespace {

constexpr const char* monday = "WTCKL/2021-06-07/09:00";
constexpr const char* tuesday = "WTCKL/2021-06-08/09:00";

record_header round_of_two() { return {1, "book", "R", {{"WTCKL", "2021-06-07", "09:00", 2, 2}, {"WTCKL", "2021-06-08", "09:00", 2, 2}}}; }

record_entry booking(std::uint64_t citizen, outcome x, std::string reference = {}, const char* place = monday) {
  record_entry e;
  e.citizen = citizen;
  e.key = "key" + std::to_string(citizen);
  e.result = x;
  e.status = x == outcome::yes ? 201 : x == outcome::no ? 409 : 0;
  e.code = x == outcome::no ? "full" : "";
  e.place = place;
  if (!reference.empty())
    e.references = {std::move(reference)};
  return e;
}
record_entry change(operation what, outcome x, std::string reference, const char* place = "") {
  record_entry e;
  e.what = what;
  e.key = "change of " + reference;
  e.result = x;
  e.place = place;
  e.references = {std::move(reference)};
  return e;
}
stored_booking entry(std::string reference, std::string citizen, std::string status = "confirmed", const char* place = monday,
                     std::uint64_t generation = 0) {
  return {std::move(reference), "R", place, std::move(status), std::move(citizen), generation};
}

// What the audit finds in these answers and this store.
audit_findings find(const std::vector<record_entry>& answers, const std::vector<stored_booking>& store, audit_options o = {},
                    bool compared = true) {
  audit a(o);
  a.header(round_of_two());
  for (const auto& e : answers)
    a.answer(e);
  for (const auto& b : store)
    a.stored(b);
  return a.finish(compared);
}

TEST(audit, is_clean_when_all_was_kept) {
  const auto f =
      find({booking(1, outcome::yes, "A"), booking(2, outcome::yes, "B"), booking(3, outcome::no)}, {entry("A", "a"), entry("B", "b")});
  EXPECT_EQ(f.breaches(), 0U) << as_table(f);
  EXPECT_EQ(f.confirmations, 2U);
  EXPECT_EQ(f.entries_live, 2U);
}

TEST(audit, finds_a_promise_that_is_not_in_the_store) {
  const auto f = find({booking(1, outcome::yes, "A"), booking(2, outcome::yes, "B")}, {entry("A", "a")});
  EXPECT_EQ(f.phantom_yes, 1U);
  EXPECT_EQ(f.breaches(), 1U);
  EXPECT_DOUBLE_EQ(f.phantom_rate(), 0.5);
  ASSERT_EQ(f.examples.size(), 1U);
  EXPECT_NE(f.examples[0].find('B'), std::string::npos);
}

TEST(audit, finds_a_window_over_its_capacity) {
  const auto f = find({booking(1, outcome::yes, "A"), booking(2, outcome::yes, "B"), booking(3, outcome::yes, "C")},
                      {entry("A", "a"), entry("B", "b"), entry("C", "c")});
  EXPECT_EQ(f.over_capacity, 1U);
  EXPECT_EQ(f.breaches(), 1U);
}

TEST(audit, finds_a_citizen_who_holds_two) {
  const auto f = find({booking(1, outcome::yes, "A"), booking(2, outcome::yes, "B")}, {entry("A", "same"), entry("B", "same")});
  EXPECT_EQ(f.citizens_with_two, 1U);
  EXPECT_EQ(f.breaches(), 1U);
}

TEST(audit, takes_a_cancelled_booking_for_none) {
  const auto f = find({booking(1, outcome::yes, "A"), change(operation::cancel, outcome::yes, "A"), booking(2, outcome::yes, "B")},
                      {entry("A", "same", "cancelled"), entry("B", "same")});
  EXPECT_EQ(f.breaches(), 0U) << as_table(f);
}

TEST(audit, finds_a_cancellation_that_did_not_happen) {
  EXPECT_EQ(find({booking(1, outcome::yes, "A"), change(operation::cancel, outcome::yes, "A")}, {entry("A", "a")}).status_differs, 1U);
}

TEST(audit, finds_a_booking_that_vanished_into_another_status) {
  EXPECT_EQ(find({booking(1, outcome::yes, "A")}, {entry("A", "a", "cancelled")}).status_differs, 1U);
}

TEST(audit, finds_a_booking_by_a_request_from_before_its_refusal) {
  const auto stamped = [](record_entry e, const char* stamp) {
    e.stamp = stamp;
    return e;
  };
  const auto no = stamped(booking(1, outcome::no), "3.7.99.12");
  const auto ghost = find({no, stamped(booking(1, outcome::yes, "A"), "3.7.99.11")}, {entry("A", "a")});
  EXPECT_EQ(ghost.refused_then_booked, 1U) << as_table(ghost);
  EXPECT_EQ(find({no, stamped(booking(1, outcome::yes, "A"), "3.6.200.99")}, {entry("A", "a")}).refused_then_booked, 1U)
      << "of a former leader";
  EXPECT_EQ(find({no, stamped(booking(1, outcome::yes, "A"), "3.7.99.12")}, {entry("A", "a")}).breaches(), 0U) << "asked again";
  EXPECT_EQ(find({no, stamped(booking(1, outcome::yes, "A"), "3.9.1.0")}, {entry("A", "a")}).breaches(), 0U) << "of a later leader";
  EXPECT_EQ(find({no, stamped(booking(2, outcome::yes, "A"), "3.7.99.2")}, {entry("A", "a")}).breaches(), 0U) << "somebody else";
}

TEST(audit, finds_a_booking_that_its_citizen_was_told_is_refused) {
  const auto f = find({booking(1, outcome::unknown), booking(1, outcome::no)}, {entry("A", "a")});
  EXPECT_EQ(f.unasked_entries, 1U) << as_table(f);
}

TEST(audit, allows_both_ends_of_an_unknown_cancellation) {
  for (const char* status : {"confirmed", "cancelled"})
    EXPECT_EQ(find({booking(1, outcome::yes, "A"), change(operation::cancel, outcome::unknown, "A")}, {entry("A", "a", status)}).breaches(),
              0U)
        << status;
}

TEST(audit, follows_a_move) {
  const auto moved = change(operation::move, outcome::yes, "A", tuesday);
  EXPECT_EQ(find({booking(1, outcome::yes, "A"), moved}, {entry("A", "a", "moved"), entry("A", "a", "confirmed", tuesday, 1)}).breaches(),
            0U);
  EXPECT_EQ(find({booking(1, outcome::yes, "A"), moved}, {entry("A", "a")}).places_differ, 1U);
  EXPECT_EQ(find({booking(1, outcome::yes, "A"), moved}, {entry("A", "a"), entry("A", "a", "confirmed", tuesday, 1)}).generations_wrong, 1U)
      << "both places are live";
}

TEST(audit, allows_either_place_of_an_unknown_move_and_no_third) {
  const auto unknown = change(operation::move, outcome::unknown, "A", tuesday);
  EXPECT_EQ(find({booking(1, outcome::yes, "A"), unknown}, {entry("A", "a")}).breaches(), 0U);
  EXPECT_EQ(find({booking(1, outcome::yes, "A"), unknown}, {entry("A", "a", "moved"), entry("A", "a", "confirmed", tuesday, 1)}).breaches(),
            0U);
  EXPECT_EQ(find({booking(1, outcome::yes, "A"), change(operation::move, outcome::no, "A", tuesday)},
                 {entry("A", "a", "moved"), entry("A", "a", "confirmed", tuesday, 1)})
                .places_differ,
            1U);
}

TEST(audit, finds_another_place_than_promised) {
  EXPECT_EQ(find({booking(1, outcome::yes, "A")}, {entry("A", "a", "confirmed", tuesday)}).places_differ, 1U);
}

TEST(audit, finds_a_key_that_got_two_references) {
  EXPECT_EQ(find({booking(1, outcome::yes, "A"), booking(1, outcome::yes, "B")}, {entry("A", "a")}).keys_with_two_answers, 1U);
}

TEST(audit, finds_a_reference_given_to_two_keys) {
  EXPECT_EQ(find({booking(1, outcome::yes, "A"), booking(2, outcome::yes, "A")}, {entry("A", "a")}).keys_with_two_answers, 1U);
}

TEST(audit, finds_a_confirmed_key_that_was_refused_later) {
  EXPECT_EQ(find({booking(1, outcome::yes, "A"), booking(1, outcome::no)}, {entry("A", "a")}).confirmed_then_refused, 1U);
}

TEST(audit, finds_a_second_booking_promised) {
  auto second = booking(1, outcome::yes, "B", tuesday);
  second.what = operation::second;
  second.key = "another key";
  EXPECT_EQ(find({booking(1, outcome::yes, "A"), second}, {}, {}, false).second_bookings, 1U);
}

TEST(audit, tells_of_unknowns_what_became_of_them) {
  auto later = booking(1, outcome::yes, "A");
  later.repeated = true;
  const auto f = find({booking(1, outcome::unknown), later,                                                // had come true
                       booking(2, outcome::unknown, "", tuesday), booking(2, outcome::yes, "B", tuesday),  // came true when asked again
                       booking(3, outcome::unknown), booking(3, outcome::no),                              // refused when asked again
                       booking(4, outcome::unknown),                                                       // found in the store
                       booking(5, outcome::unknown, "", tuesday)},                                         // not there
                      {entry("A", "a"), entry("B", "b", "confirmed", tuesday), entry("D", "d")});
  EXPECT_EQ(f.breaches(), 0U) << as_table(f);
  EXPECT_EQ(f.unknown_requests, 5U);
  EXPECT_EQ(f.unknown_told_later, 1U);
  EXPECT_EQ(f.unknown_made_good, 1U);
  EXPECT_EQ(f.unknown_refused_later, 1U);
  EXPECT_EQ(f.unknown_came_true, 1U);
  EXPECT_EQ(f.unknown_not_true, 1U);
}

TEST(audit, finds_an_entry_that_nobody_can_have_asked_for) {
  EXPECT_EQ(find({booking(5, outcome::unknown, "", tuesday)}, {entry("X", "x")}).unasked_entries, 1U) << "the unknown was for another day";
  EXPECT_EQ(find({}, {entry("X", "x")}, {.others_booked_too = true}).breaches(), 0U);
}

TEST(audit, finds_one_that_was_refused_after_an_unknown_and_is_there) {
  EXPECT_EQ(find({booking(3, outcome::unknown), booking(3, outcome::no)}, {entry("X", "x")}).unasked_entries, 1U);
}

TEST(audit, finds_places_left_free_though_all_said_full) {
  EXPECT_EQ(find({booking(1, outcome::yes, "A")}, {entry("A", "a")}, {.expect_full = true}).left_free, 3U);
}

TEST(audit, finds_bookings_in_windows_that_do_not_exist) {
  EXPECT_EQ(find({booking(1, outcome::yes, "A", "WTCKL/2021-06-07/23:00")}, {entry("A", "a", "confirmed", "WTCKL/2021-06-07/23:00")})
                .unknown_windows,
            1U);
}

TEST(audit, reads_files_and_says_it_in_json) {
  const auto base = testing::TempDir() + "/janji_audit_" + std::to_string(::getpid());
  {
    std::ofstream record(base + ".record");
    record << to_line(round_of_two()) << to_line(booking(1, outcome::yes, "A")) << to_line(booking(2, outcome::yes, "B"));
    std::ofstream store(base + ".export");
    store
        << R"({"reference":"A","round":"R","centre":"WTCKL","date":"2021-06-07","window":"09:00","status":"confirmed","citizen":"ab","key":"cd","generation":1})"
        << '\n';
  }
  const auto f = audit_files(base + ".record", base + ".export", {});
  ASSERT_TRUE(f) << f.error();
  EXPECT_EQ(f->phantom_yes, 1U);
  EXPECT_NE(as_json(*f).find(R"("phantom_yes":1)"), std::string::npos);
  EXPECT_NE(as_table(*f).find("BREACH"), std::string::npos);
  EXPECT_FALSE(audit_files(base + ".record", base + ".none", {}));
  std::filesystem::remove(base + ".record");
  std::filesystem::remove(base + ".export");
}

TEST(audit, refuses_an_export_it_does_not_understand) {
  EXPECT_FALSE(read_stored("{}"));
  EXPECT_FALSE(read_stored(R"({"reference":"A","citizen":"a","status":"perhaps"})"));
  EXPECT_FALSE(read_stored("not json"));
}

}  // namespace
}  // namespace janji::load
