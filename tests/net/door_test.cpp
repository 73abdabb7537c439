// The one place that every request of a citizen passes.
#include "net/door.hpp"

#include <fmt/format.h>

#include "tests/net/api_server.hpp"

namespace janji::net {
namespace {

using test::api_server;

// Notes who comes, and refuses what the test says.
class noting_door final : public door {
public:
  std::optional<problem> refuse(const passage& p) override {
    const std::lock_guard lock(mutex_);
    seen_.push_back(p.what);
    from_ = p.from;
    if (p.citizen != nullptr)
      citizens_.push_back(*p.citizen);
    const bool away = p.citizen != nullptr ? citizen_away_ == citizens_.size() : what_away_ == p.what;
    return away ? std::optional(problem{.code = problem_code::too_many_requests}) : std::nullopt;
  }
  void turn_away(std::optional<request_kind> what) {
    const std::lock_guard lock(mutex_);
    what_away_ = what;
    seen_.clear();
  }
  void turn_away_citizen(std::size_t nth) {
    const std::lock_guard lock(mutex_);
    citizen_away_ = nth;
    citizens_.clear();
  }
  [[nodiscard]] std::vector<request_kind> seen() const {
    const std::lock_guard lock(mutex_);
    return seen_;
  }
  [[nodiscard]] std::size_t citizens() const {
    const std::lock_guard lock(mutex_);
    return citizens_.size();
  }
  [[nodiscard]] std::array<unsigned char, 16> from() const {
    const std::lock_guard lock(mutex_);
    return from_;
  }

private:
  mutable std::mutex mutex_;
  std::vector<request_kind> seen_;
  std::vector<citizen_hash> citizens_;
  std::array<unsigned char, 16> from_{};
  std::optional<request_kind> what_away_;
  std::size_t citizen_away_ = 0;
};

std::string person(int n) {
  return fmt::format(R"({{"identity":{{"type":"mykad","number":"900101-14-{:04}"}},"name":"Aminah","state":"Johor"}})", n);
}

TEST(door, every_request_of_a_citizen_passes_it_and_is_refused_there) {
  noting_door door;
  api_server s(20'000, false, nullptr, &door);
  s.import("r1", "A,2021-06-01,09:00,12:00,9\n");
  s.open("r1");
  const auto booked =
      s.ask("POST", "/api/v1/bookings", "", fmt::format(R"({{"centre":"A","date":"2021-06-01","people":[{}]}})", person(1)));
  ASSERT_EQ(booked.outcome(), "201") << booked.body;
  const std::array<unsigned char, 16> loopback{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1};
  EXPECT_EQ(door.from(), loopback);
  const auto one = "/api/v1/bookings/" + booked.at("/bookings/0/reference");
  const auto token = fmt::format("Authorization: Bearer {}\r\n", booked.at("/bookings/0/manage_token"));
  struct asked {
    request_kind what;
    std::string_view verb;
    std::string target;
  };
  for (const auto& [what, verb, target] :
       {asked{request_kind::read, "GET", "/api/v1/rounds"}, asked{request_kind::read, "GET", "/api/v1/availability?state=Johor"},
        asked{request_kind::read, "GET", "/nothing"}, asked{request_kind::book, "POST", "/api/v1/bookings"},
        asked{request_kind::look_up, "GET", one}, asked{request_kind::cancel, "DELETE", one}, asked{request_kind::move, "PATCH", one},
        asked{request_kind::other, "OPTIONS", "/api/v1/rounds"}, asked{request_kind::other, "PUT", "/api/v1/rounds"}}) {
    door.turn_away(what);
    EXPECT_EQ(s.ask(verb, target, token).outcome(), "429 too_many_requests") << verb << " " << target;
    EXPECT_EQ(door.seen(), std::vector{what}) << verb << " " << target;
  }
  EXPECT_EQ(s.ask("GET", "/livez").status, 200U) << "probes pass beside it";
  EXPECT_EQ(s.ask("GET", "/readyz").status, 200U);
  door.turn_away(std::nullopt);
  EXPECT_EQ(s.ask("GET", one, token).at("/status"), "confirmed");
}

TEST(door, of_a_booking_each_person_passes_it_and_nothing_is_booked_when_one_may_not) {
  noting_door door;
  api_server s(20'000, false, nullptr, &door);
  s.import("r1", "A,2021-06-01,09:00,12:00,2\n");
  s.open("r1");
  const auto book = [&](int first, int second) {
    return s.ask("POST", "/api/v1/bookings", "",
                 fmt::format(R"({{"centre":"A","date":"2021-06-01","people":[{},{}]}})", person(first), person(second)));
  };
  door.turn_away_citizen(2);
  EXPECT_EQ(book(1, 2).outcome(), "429 too_many_requests");
  EXPECT_EQ(door.citizens(), 2U);
  door.turn_away_citizen(0);
  EXPECT_EQ(book(1, 3).outcome(), "201") << "both places are free";
}

}  // namespace
}  // namespace janji::net
