// Bookings as a citizen's page sees them, over a real node and a real store.
#include <fmt/format.h>

#include "tests/net/api_server.hpp"

namespace janji::net {
namespace {

using test::api_answer;
using test::api_server;

// One node for all: every test has days and citizens of its own.
class citizen_api_test : public testing::Test {
protected:
  static void SetUpTestSuite() {
    server_ = std::make_unique<api_server>();
    std::string rows;
    for (int day = 1; day <= 30; ++day)
      rows += fmt::format("A,2021-06-{:02},09:00,12:00,2\nA,2021-06-{:02},13:00,17:00,2\nB,2021-06-{:02},09:00,17:00,1\n", day, day, day);
    server_->import("r1", rows + "C,2021-06-07,09:00,17:00,5\nC,2021-06-08,09:00,17:00,4\n");
    server_->open("r1");
  }
  static void TearDownTestSuite() { server_.reset(); }

  static api_server& server() { return *server_; }
  static std::string citizen() { return fmt::format("900101-14-{:04}", ++citizens_); }
  static std::string key() { return fmt::format("key-for-a-test-of-the-api-{}", ++keys_); }
  static std::string person(std::string_view number) {
    return fmt::format(R"({{"identity":{{"type":"mykad","number":"{}"}},"name":"Aminah","state":"Johor"}})", number);
  }
  static std::string body(std::string_view place, std::string_view people) { return fmt::format(R"({{{},"people":[{}]}})", place, people); }
  static std::string place(std::string_view centre, int day, std::string_view window = "") {
    return fmt::format(R"("centre":"{}","date":"2021-06-{:02}"{})", centre, day,
                       window.empty() ? "" : fmt::format(R"(,"window":"{}")", window));
  }
  static api_answer book(std::string_view key, std::string_view body) {
    return server().ask("POST", "/api/v1/bookings", key.empty() ? "" : fmt::format("Idempotency-Key: {}\r\n", key), body);
  }
  // A booking with its token in hand.
  struct held {
    std::string target;
    std::string token;
  };
  static held of(const api_answer& a, int position = 0) {
    EXPECT_TRUE(a.status == 201 || a.status == 200) << a.body;
    return {"/api/v1/bookings/" + a.at(fmt::format("/bookings/{}/reference", position)),
            a.at(fmt::format("/bookings/{}/manage_token", position))};
  }
  static api_answer with_token(std::string_view verb, const held& h, std::string_view body = "", std::string_view key = "") {
    return server().ask(
        verb, h.target,
        fmt::format("Authorization: Bearer {}\r\n{}", h.token, key.empty() ? "" : fmt::format("Idempotency-Key: {}\r\n", key)), body);
  }

private:
  static inline std::unique_ptr<api_server> server_;
  static inline int citizens_ = 0;
  static inline int keys_ = 0;
};

// ---- changes

// A round of its own: two changes each.
class changes_over_the_api : public testing::Test {
protected:
  changes_over_the_api() {
    s_.import("two", "A,2021-06-07,09:00,17:00,20\nB,2021-06-07,09:00,17:00,1\n", R"("changes_max":2)");
    s_.open("two");
  }
  api_answer book(std::string_view key, std::initializer_list<int> who, std::string_view centre = "A") {
    std::string people;
    for (const auto n : who)
      people += fmt::format(R"({}{{"identity":{{"type":"mykad","number":"900101-14-{:04}"}},"name":"N"}})", people.empty() ? "" : ",", n);
    return s_.ask("POST", "/api/v1/bookings", fmt::format("Idempotency-Key: {:k<30}\r\n", key),
                  fmt::format(R"({{"centre":"{}","date":"2021-06-07","people":[{}]}})", centre, people));
  }
  api_answer manage(const api_answer& booked, std::string_view verb, std::string_view body = "", int position = 0) {
    return s_.ask(verb, "/api/v1/bookings/" + booked.at(fmt::format("/bookings/{}/reference", position)),
                  fmt::format("Authorization: Bearer {}\r\n", booked.at(fmt::format("/bookings/{}/manage_token", position))), body);
  }
  api_server s_;
};

TEST_F(changes_over_the_api, that_are_used_up_are_told_and_the_booking_stays) {
  const auto first = book("a", {1});
  ASSERT_EQ(first.outcome(), "201") << first.body;
  ASSERT_EQ(manage(first, "DELETE").outcome(), "200");
  const auto second = book("b", {1});
  ASSERT_EQ(second.outcome(), "201") << second.body;
  EXPECT_EQ(manage(second, "PATCH", R"({"centre":"B","date":"2021-06-07"})").outcome(), "409 changes_spent");
  EXPECT_EQ(manage(second, "GET").at("/status"), "confirmed");
  EXPECT_EQ(book("b", {1}).outcome(), "200") << "asked again it is told again";
  EXPECT_EQ(manage(second, "DELETE").outcome(), "200") << "a place can always be given back";
  EXPECT_EQ(book("c", {1}).outcome(), "409 changes_spent");
  EXPECT_EQ(book("d", {1}, "B").outcome(), "409 changes_spent") << "whatever the key, wherever";
  EXPECT_EQ(book("b", {1}).at("/status"), "cancelled");
  const auto party = book("e", {2, 1});
  EXPECT_EQ(party.outcome(), "409 changes_spent");
  EXPECT_EQ(party.at("/position"), "") << "not whom of a party it is about";
  EXPECT_EQ(book("f", {2}).outcome(), "201") << "the other one has changes left";
  EXPECT_EQ(s_.ask("GET", "/api/v1/rounds").at("/rounds/0/rules/changes_max"), "2");

  const auto release = R"({"round":"two","identity":{"type":"mykad","number":"900101-14-0001"},"reason":"card seen"})";
  EXPECT_TRUE(api_server::eventually([&] { return s_.admin("POST", "/admin/v1/claims/release", release).outcome() == "200"; }))
      << "once it is known there that the citizen's last request came before it";
  EXPECT_EQ(book("g", {1}).outcome(), "201") << "staff let them begin anew";
}

// What was refused costs the log nothing: or a stranger fills the disk with it.
TEST_F(changes_over_the_api, that_are_refused_leave_the_log_as_it_is) {
  for (const auto* key : {"a", "b"})
    for (const int who : {1, 2, 3, 4})
      ASSERT_EQ(manage(book(fmt::format("{}{}", key, who), {who}), "DELETE").outcome(), "200");
  const auto log_bytes = [&] { return s_.admin("GET", "/admin/v1/status").at("/log_bytes"); };
  ASSERT_TRUE(api_server::eventually([&, last = std::string()]() mutable { return std::exchange(last, log_bytes()) == last; }));
  const auto before = log_bytes();
  for (int n = 0; n < 20; ++n)
    ASSERT_EQ(book(fmt::format("party-{}", n), {1, 2, 3, 4}).outcome(), "409 changes_spent");
  EXPECT_EQ(log_bytes(), before);
}

// ---- book

// ---- one person, several documents

std::string with_identity(std::string_view identity, std::string_view more = "") {
  return fmt::format(R"({{"identity":{},"name":"Aminah"{}}})", identity, more);
}
std::string by_mykad(std::string_view number) { return with_identity(fmt::format(R"({{"type":"mykad","number":"{}"}})", number)); }
// Passports, army and police numbers that nobody else has.
std::string by_document(std::string_view type, std::string_view mykad) {
  static int documents = 0;
  const auto number = fmt::format("{}{:06}", type == "police" ? "RF" : "A", ++documents);
  return with_identity(fmt::format(R"({{"type":"{}","number":"{}","country":"{}"{}}})", type, number, type == "passport" ? "MYS" : "",
                                   mykad.empty() ? "" : fmt::format(R"(,"mykad":"{}")", mykad)),
                       mykad.empty() ? R"(,"birth_date":"1990-01-01")" : "");
}

TEST_F(citizen_api_test, one_person_books_once_by_whichever_document_in_whichever_order) {
  int day = 20;
  for (const std::string_view type : {"passport", "army", "police"}) {
    const auto one = citizen();
    ASSERT_EQ(book(key(), body(place("A", day, "09:00"), by_mykad(one))).outcome(), "201");
    EXPECT_EQ(book(key(), body(place("A", day, "13:00"), by_document(type, one))).outcome(), "409 already_booked") << type;
    const auto other = citizen();
    ASSERT_EQ(book(key(), body(place("A", day, "13:00"), by_document(type, other))).outcome(), "201") << type;
    EXPECT_EQ(book(key(), body(place("A", day, "09:00"), by_mykad(other))).outcome(), "409 already_booked") << type;
    EXPECT_EQ(book(key(), body(place("A", day, "09:00"), by_document("passport", other))).outcome(), "409 already_booked")
        << "a second " << type;
    ++day;
  }
}

TEST_F(citizen_api_test, a_party_with_one_person_twice_or_with_one_who_has_a_booking_is_refused_by_whichever_document) {
  const auto one = citizen();
  const auto twice = book(key(), body(place("A", 23), by_mykad(one) + "," + by_document("passport", one)));
  EXPECT_EQ(twice.outcome(), "422 same_citizen_twice");
  EXPECT_EQ(twice.at("/arguments/first"), "1");
  EXPECT_EQ(twice.at("/arguments/second"), "2");
  EXPECT_EQ(book(key(), body(place("A", 23), by_document("army", one) + "," + by_document("police", one))).outcome(),
            "422 same_citizen_twice");
  ASSERT_EQ(book(key(), body(place("A", 23, "09:00"), by_document("police", one))).outcome(), "201");
  EXPECT_EQ(book(key(), body(place("A", 23, "13:00"), by_mykad(citizen()) + "," + by_mykad(one))).outcome(), "409 already_booked");
  const auto two = citizen();
  ASSERT_EQ(book(key(), body(place("A", 24, "09:00"), by_mykad(two) + "," + by_document("passport", citizen()))).outcome(), "201");
  EXPECT_EQ(book(key(), body(place("A", 24, "13:00"), by_document("passport", two))).outcome(), "409 already_booked");
}

TEST_F(citizen_api_test, a_document_without_the_mykad_number_is_a_person_of_its_own) {
  ASSERT_EQ(book(key(), body(place("A", 25, "09:00"), by_mykad(citizen()))).outcome(), "201");
  EXPECT_EQ(book(key(), body(place("A", 25, "13:00"), by_document("passport", ""))).outcome(), "201");
}

TEST_F(citizen_api_test, another_document_of_the_same_person_under_the_same_key_is_another_body) {
  const auto one = citizen();
  const auto k = key();
  ASSERT_EQ(book(k, body(place("A", 26, "09:00"), by_mykad(one))).outcome(), "201");
  EXPECT_EQ(book(k, body(place("A", 26, "09:00"), by_document("passport", one))).outcome(), "422 idempotency_key_reused");
}

TEST_F(citizen_api_test, the_largest_party_that_the_limits_permit_can_book) {
  const auto letters = [](std::size_t n) {
    std::string out;
    while (n-- != 0)
      out += "𠀀";
    return out;
  };
  std::string people;
  for (int i = 0; i < 2; ++i)
    for (const std::string_view type : {"passport", "army"}) {
      const auto who = citizen();
      people += fmt::format(
          R"({}{{"identity":{{"type":"{}","number":"A99990{}{}","country":"MYS","mykad":"{}"}},"name":"{}","phone":"{}","email":"{}","state":"Johor","notes":"{}"}})",
          people.empty() ? "" : ",", type, i, type.size(), who, letters(200), letters(32), letters(200), letters(500));
    }
  const auto k = key();
  const auto whole = body(place("C", 8), people);
  ASSERT_LT(whole.size(), 32U * 1024U);
  const auto booked = book(k, whole);
  ASSERT_EQ(booked.outcome(), "201") << booked.body.substr(0, 500);
  EXPECT_EQ(booked.at("/bookings/3/status"), "confirmed");
  EXPECT_EQ(book(k, whole).at("/repeated"), "true");
  const auto too_large = book(key(), body(place("C", 7), std::string(33'000, ' ')));
  EXPECT_EQ(too_large.outcome(), "413 body_too_large");
  EXPECT_EQ(too_large.at("/arguments/limit"), "32768");
}

TEST_F(citizen_api_test, a_booking_is_confirmed_with_a_receipt_that_anyone_can_check) {
  const auto a = book(key(), body(place("A", 1, "13:00"), person(citizen())));
  ASSERT_EQ(a.outcome(), "201") << a.body;
  EXPECT_EQ(a.at("/status"), "confirmed");
  EXPECT_EQ(a.at("/round"), "r1");
  EXPECT_EQ(a.at("/centre"), "A");
  EXPECT_EQ(a.at("/date"), "2021-06-01");
  EXPECT_EQ(a.at("/window"), R"({"opens":"13:00","closes":"17:00"})");
  EXPECT_EQ(a.at("/repeated"), "");
  EXPECT_EQ(a.field("cache-control"), "no-store");
  EXPECT_FALSE(a.field("x-request-id").empty());
  const auto receipt = verify_receipt(a.at("/bookings/0/receipt"), server().receipt_key());
  ASSERT_TRUE(receipt);
  EXPECT_EQ(receipt->reference, a.at("/bookings/0/reference"));
  EXPECT_EQ(receipt->centre, "A");
  EXPECT_EQ(receipt->date, "2021-06-01");
  EXPECT_EQ(receipt->window, "13:00-17:00");
}

TEST_F(citizen_api_test, asked_again_with_the_same_key_it_is_the_same_booking) {
  const auto k = key();
  const auto who = citizen();
  const auto first = book(k, body(place("A", 2, "09:00"), person(who)));
  ASSERT_EQ(first.outcome(), "201") << first.body;
  for (const auto& again :
       {body(place("A", 2, "09:00"), person(who)),
        fmt::format(R"({{ "people":[{}], "round":"r1", "window":"09:00","date":"2021-06-02","centre":"A"}})", person(who))}) {
    const auto a = book(k, again);
    EXPECT_EQ(a.outcome(), "200") << a.body;
    EXPECT_EQ(a.at("/repeated"), "true");
    EXPECT_EQ(a.at("/bookings/0/reference"), first.at("/bookings/0/reference"));
    EXPECT_EQ(a.at("/bookings/0/manage_token"), first.at("/bookings/0/manage_token"));
    EXPECT_EQ(a.field("idempotency-key"), k);
  }
}

TEST_F(citizen_api_test, the_same_key_for_something_else_is_refused) {
  const auto k = key();
  const auto who = citizen();
  ASSERT_EQ(book(k, body(place("A", 2, "13:00"), person(who))).outcome(), "201");
  EXPECT_EQ(book(k, body(place("A", 2, "09:00"), person(who))).outcome(), "422 idempotency_key_reused");
  EXPECT_EQ(book(k, body(place("A", 3, "13:00"), person(who))).outcome(), "422 idempotency_key_reused");
}

TEST_F(citizen_api_test, one_citizen_holds_one_booking_whatever_the_number_looks_like) {
  ASSERT_EQ(book(key(), body(place("A", 3), person("900101-14-9001"))).outcome(), "201");
  const auto a = book(key(), body(place("A", 4), person("900101 149001")));
  EXPECT_EQ(a.outcome(), "409 already_booked");
  EXPECT_EQ(a.body.find("9001"), std::string::npos) << "nothing more is told about whoever holds it";
}

TEST_F(citizen_api_test, without_a_key_the_server_makes_one_that_can_be_used_again) {
  const auto who = citizen();
  const auto first = book("", body(place("A", 4), person(who)));
  ASSERT_EQ(first.outcome(), "201");
  const auto made = first.field("idempotency-key");
  EXPECT_GE(made.size(), 22U);
  EXPECT_EQ(book(made, body(place("A", 4), person(who))).at("/repeated"), "true");
}

TEST_F(citizen_api_test, a_key_that_cannot_be_used_is_refused) {
  for (const auto& k :
       {std::string("short"), std::string(21, 'k'), std::string(129, 'k'), std::string(30, '!'), std::string(22, 'k') + " x"})
    EXPECT_EQ(book(k, body(place("A", 5), person("900101-14-9999"))).outcome(), "400 bad_idempotency_key") << k;
}

TEST_F(citizen_api_test, whoever_finds_it_full_is_told_where_there_is_room) {
  ASSERT_EQ(book(key(), body(place("B", 6), person(citizen()))).outcome(), "201");
  const auto a = book(key(), body(place("B", 6), person(citizen())));
  EXPECT_EQ(a.outcome(), "409 full");
  EXPECT_EQ(a.at("/alternatives/0/centre"), "B") << a.body;
  EXPECT_TRUE(a.at("/alternatives/0/date") == "2021-06-05" || a.at("/alternatives/0/date") == "2021-06-07") << a.body;
  EXPECT_EQ(a.at("/alternatives/2/free"), "1");
}

TEST_F(citizen_api_test, what_cannot_be_booked_has_a_code_of_its_own) {
  const auto told = [&](std::string_view where, std::string_view people) { return book(key(), body(where, people)).outcome(); };
  const auto adult = person("900101-14-9999");
  EXPECT_EQ(told(R"("centre":"Z","date":"2021-06-07")", adult), "422 unknown_centre");
  EXPECT_EQ(told(R"("centre":"A","date":"2021-07-07")", adult), "422 date_outside_round");
  EXPECT_EQ(told(place("A", 7, "10:00"), adult), "422 unknown_window");
  EXPECT_EQ(told(place("A", 7) + R"(,"round":"r9")", adult), "422 unknown_round");
  EXPECT_EQ(told(place("A", 7), person("100101-14-0001")), "422 under_age");
  EXPECT_EQ(told(place("A", 7), person("901301-14-0001")), "422 identity_impossible");
  EXPECT_EQ(told(place("A", 7), adult + "," + adult), "422 same_citizen_twice");
  EXPECT_EQ(told(place("A", 7), fmt::format("{0},{0},{0},{0},{0}", adult)), "422 party_too_large");
  EXPECT_EQ(told(place("A", 7), "{}"), "422 invalid");
  EXPECT_EQ(book(key(), "{").outcome(), "400 malformed_json");
}

TEST_F(citizen_api_test, the_body_must_be_json) {
  const auto ask = [&](std::string_view type) {
    return server().ask("POST", "/api/v1/bookings", fmt::format("Content-Type: {}\r\n", type), "{}").outcome();
  };
  EXPECT_EQ(ask("text/plain"), "415 unsupported_media_type");
  EXPECT_EQ(ask("application/jsonp"), "415 unsupported_media_type");
  EXPECT_EQ(ask("application/x-www-form-urlencoded"), "415 unsupported_media_type");
  EXPECT_EQ(ask("application/json"), "422 invalid");
  EXPECT_EQ(ask("Application/JSON; charset=utf-8"), "422 invalid");
}

// ---- parties

TEST_F(citizen_api_test, a_party_has_a_reference_and_a_token_each) {
  const auto a = book(key(), body(place("A", 8, "09:00"), person(citizen()) + "," + person(citizen())));
  ASSERT_EQ(a.outcome(), "201") << a.body;
  EXPECT_NE(a.at("/bookings/0/reference"), a.at("/bookings/1/reference"));
  EXPECT_EQ(a.at("/bookings/1/position"), "2");
  EXPECT_EQ(with_token("GET", of(a, 1)).at("/status"), "confirmed");
  EXPECT_EQ(with_token("GET", {of(a, 1).target, of(a, 0).token}).outcome(), "404 not_found");
  EXPECT_EQ(with_token("DELETE", of(a, 0)).at("/status"), "cancelled");
  EXPECT_EQ(with_token("GET", of(a, 1)).at("/status"), "confirmed") << "each cancels alone";
}

TEST_F(citizen_api_test, of_a_party_with_a_holder_none_is_booked_and_nothing_is_held) {
  const auto holder = citizen();
  ASSERT_EQ(book(key(), body(place("A", 9), person(holder))).outcome(), "201");
  const auto a = book(key(), body(place("A", 10, "09:00"), person(citizen()) + "," + person(holder)));
  EXPECT_EQ(a.outcome(), "409 already_booked");
  EXPECT_EQ(a.at("/position"), "") << "who has a booking is not told to whoever asks with three others";
  EXPECT_EQ(book(key(), body(place("A", 10, "09:00"), person(citizen()) + "," + person(citizen()))).outcome(), "201")
      << "both places are free";
}

TEST_F(citizen_api_test, a_key_in_quotes_is_that_key) {
  const auto k = key();
  const auto who = body(place("C", 7), person(citizen()));
  const auto a = book("\"" + k + "\"", who);
  ASSERT_EQ(a.outcome(), "201") << a.body;
  EXPECT_EQ(a.field("idempotency-key"), k);
  EXPECT_EQ(book(k, who).outcome(), "200");
  for (const auto& bad : {"\"" + k, k + "\"", std::string("\"\"")})
    EXPECT_EQ(book(bad, who).outcome(), "400 bad_idempotency_key") << bad;
}

TEST_F(citizen_api_test, a_body_that_is_compressed_is_told_that_it_is_not_taken) {
  const auto a = server().ask("POST", "/api/v1/bookings", "Content-Encoding: gzip\r\n", body(place("A", 3), person(citizen())));
  EXPECT_EQ(a.outcome(), "415 unsupported_media_type");
}

TEST_F(citizen_api_test, a_reference_may_be_written_as_browsers_encode_it) {
  const auto h = of(book(key(), body(place("C", 7), person(citizen()))));
  std::string encoded = "/api/v1/bookings/";
  for (const unsigned char c : h.target.substr(encoded.size()))
    encoded += fmt::format("%{:02X}", c);
  EXPECT_EQ(with_token("GET", {encoded, h.token}).at("/status"), "confirmed");
  EXPECT_EQ(with_token("GET", {h.target + "/", h.token}).at("/status"), "confirmed");
}

// ---- look up, cancel, move

TEST_F(citizen_api_test, a_booking_is_looked_up_with_its_token) {
  const auto h = of(book(key(), body(place("A", 11), person(citizen()))));
  const auto a = with_token("GET", h);
  EXPECT_EQ(a.outcome(), "200");
  EXPECT_EQ(a.at("/status"), "confirmed");
  EXPECT_EQ(a.at("/centre"), "A");
  EXPECT_TRUE(verify_receipt(a.at("/receipt"), server().receipt_key()));
  EXPECT_EQ(a.field("cache-control"), "no-store");
}

TEST_F(citizen_api_test, a_wrong_token_and_an_unknown_reference_are_the_same_404) {
  const auto h = of(book(key(), body(place("A", 12), person(citizen()))));
  const auto other = of(book(key(), body(place("A", 12), person(citizen()))));
  auto wrong = h;
  wrong.token.back() = wrong.token.back() == 'A' ? 'B' : 'A';
  const held all[] = {{h.target, ""},
                      {h.target, "x"},
                      {h.target, other.token},
                      {other.target, h.token},
                      wrong,
                      {"/api/v1/bookings/0000-0000-0000-0", h.token},
                      {"/api/v1/bookings/nonsense", h.token},
                      {"/api/v1/bookings/ZZZZ-ZZZZ-ZZZZ-V", h.token},
                      {"/api/v1/bookings/" + std::string(2000, 'x'), h.token}};
  const auto without_id = [](api_answer a) {
    auto o = a.parsed().as_object();
    o.erase("request_id");
    return test::json::serialize(o);
  };
  const auto wanted = without_id(with_token("GET", all[0]));
  for (const auto& one : all)
    for (const auto* verb : {"GET", "DELETE", "PATCH"}) {
      const auto a = with_token(verb, one, R"({"centre":"A","date":"2021-06-13"})");
      EXPECT_EQ(a.outcome(), "404 not_found") << verb << one.target;
      EXPECT_EQ(without_id(a), wanted);
    }
  EXPECT_EQ(with_token("GET", h).at("/status"), "confirmed");
}

TEST_F(citizen_api_test, a_cancelled_place_is_free_at_once_and_its_holder_may_book_anew) {
  const auto k = key();
  const auto who = citizen();
  const auto h = of(book(k, body(place("B", 13), person(who))));
  EXPECT_EQ(with_token("DELETE", h).at("/status"), "cancelled");
  EXPECT_EQ(with_token("DELETE", h).at("/status"), "cancelled") << "again";
  EXPECT_EQ(with_token("GET", h).at("/status"), "cancelled");
  EXPECT_EQ(book(key(), body(place("B", 13), person(citizen()))).outcome(), "201") << "the only place";
  const auto again = book(k, body(place("B", 13), person(who)));
  EXPECT_EQ(again.outcome(), "200");
  EXPECT_EQ(again.at("/status"), "cancelled") << "the old key tells what became of it";
  EXPECT_EQ(book(key(), body(place("B", 14), person(who))).outcome(), "201");
}

TEST_F(citizen_api_test, a_move_takes_the_new_place_and_gives_up_the_old) {
  const auto k = key();
  const auto who = citizen();
  const auto h = of(book(k, body(place("B", 15), person(who))));
  const auto moved = with_token("PATCH", h, R"({"centre":"A","date":"2021-06-15","window":"13:00"})");
  ASSERT_EQ(moved.outcome(), "200") << moved.body;
  EXPECT_EQ(moved.at("/centre"), "A");
  EXPECT_EQ(moved.at("/window/opens"), "13:00");
  EXPECT_EQ(verify_receipt(moved.at("/receipt"), server().receipt_key())->centre, "A");
  EXPECT_EQ(with_token("GET", h).at("/centre"), "A");
  EXPECT_EQ(book(key(), body(place("B", 15), person(citizen()))).outcome(), "201") << "the old place is free";
  const auto again = book(k, body(place("B", 15), person(who)));
  EXPECT_EQ(again.at("/repeated"), "true");
  EXPECT_EQ(again.at("/centre"), "A") << "the retry tells where the booking is now";
}

TEST_F(citizen_api_test, a_move_that_cannot_be_changes_nothing) {
  const auto h = of(book(key(), body(place("A", 16, "09:00"), person(citizen()))));
  ASSERT_EQ(book(key(), body(place("B", 16), person(citizen()))).outcome(), "201");
  const auto told = [&](std::string_view wish) { return with_token("PATCH", h, wish).outcome(); };
  EXPECT_EQ(told(R"({"centre":"B","date":"2021-06-16"})"), "409 full");
  EXPECT_EQ(told(R"({"centre":"A","date":"2021-06-16","window":"09:00"})"), "409 same_place");
  EXPECT_EQ(told(R"({"centre":"A","date":"2021-06-17"})"), "422 invalid") << "a day of several windows";
  EXPECT_EQ(told(R"({"centre":"Z","date":"2021-06-17"})"), "422 unknown_centre");
  EXPECT_EQ(told(R"({"centre":"A"})"), "422 invalid");
  EXPECT_EQ(told("[]"), "400 malformed_json");
  EXPECT_EQ(with_token("GET", h).at("/date"), "2021-06-16");
  EXPECT_EQ(with_token("GET", h).at("/window/opens"), "09:00");
  EXPECT_EQ(with_token("DELETE", h).at("/status"), "cancelled");
  EXPECT_EQ(told(R"({"centre":"B","date":"2021-06-17"})"), "409 cancelled");
}

TEST_F(citizen_api_test, a_move_asked_again_with_its_key_is_the_same_move) {
  const auto h = of(book(key(), body(place("A", 18), person(citizen()))));
  const auto k = key();
  const auto first = with_token("PATCH", h, R"({"centre":"B","date":"2021-06-18"})", k);
  ASSERT_EQ(first.outcome(), "200") << first.body;
  const auto again = with_token("PATCH", h, R"({"centre":"B","date":"2021-06-18"})", k);
  EXPECT_EQ(again.outcome(), "200") << again.body;
  EXPECT_EQ(again.at("/centre"), "B");
  EXPECT_EQ(with_token("PATCH", h, R"({"centre":"A","date":"2021-06-18","window":"09:00"})", k).outcome(), "422 idempotency_key_reused");
}

// ---- many at once

TEST_F(citizen_api_test, the_same_request_from_many_sockets_is_one_booking) {
  const auto k = key();
  const auto b = body(place("A", 19), person(citizen()));
  std::vector<std::future<api_answer>> all;
  for (int i = 0; i < 30; ++i)
    all.push_back(std::async(std::launch::async, [&] { return book(k, b); }));
  std::map<std::string, int> references;
  int created = 0;
  for (auto& f : all) {
    const auto a = f.get();
    EXPECT_TRUE(a.status == 200 || a.status == 201) << a.body;
    created += a.status == 201 ? 1 : 0;
    ++references[a.at("/bookings/0/reference")];
  }
  EXPECT_EQ(references.size(), 1U);
  EXPECT_GE(created, 1);
}

TEST_F(citizen_api_test, one_citizen_at_many_groups_gets_exactly_one) {
  const auto who = citizen();
  std::vector<std::future<api_answer>> all;
  for (int day = 1; day <= 30; ++day)
    all.push_back(std::async(std::launch::async, [&, day, k = key()] { return book(k, body(place("A", day, "13:00"), person(who))); }));
  std::map<std::string, int> told;
  for (auto& f : all)
    ++told[f.get().outcome()];
  EXPECT_EQ(told["201"], 1);
  told.erase("201");
  for (const auto& [outcome, n] : told)
    EXPECT_TRUE(outcome == "409 already_booked" || outcome == "503 in_progress" || outcome == "409 full") << outcome << " " << n;
}

}  // namespace
}  // namespace janji::net
