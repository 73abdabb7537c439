// The audit read in parts: what is wrong within one log, and what only looks wrong between two that were read apart.
#include <gtest/gtest.h>

#include "cluster/cluster_audit.hpp"

namespace janji::cluster {
namespace {

constexpr group_id group{7};
const reference ref = reference::make(shard_id{1}, 42);

citizen_hash citizen(std::uint8_t n) {
  citizen_hash h;
  h.bytes[0] = n;
  return h;
}

schema::owned_event of_rounds(std::uint32_t capacity) {
  round_definition d;
  d.id = round_id{1};
  d.code = "r";
  d.name = "r";
  d.time_zone = "UTC";
  d.centres.push_back({});
  group_definition g;
  g.id = group;
  g.date = std::chrono::year{2027} / 1 / 1;
  g.windows.push_back({540, 600, capacity});
  d.groups.push_back(g);
  return {schema::owner::of_rounds(), round_event{round_imported{d, "op", {}}}};
}
schema::owned_event claim() {
  return {schema::owner::of_registry(), registry_event{claimed{citizen(1), ref, key_hash{1}, body_hash{1}, group, window_index{0}, {}}}};
}
schema::owned_event claim_confirmed() { return {schema::owner::of_registry(), registry_event{claims_confirmed{{ref}}}}; }
schema::owned_event cancel_begun() { return {schema::owner::of_registry(), registry_event{cancel_intended{ref, key_hash{2}, {}, {}, {}}}}; }
schema::owned_event cancel_ended() { return {schema::owner::of_registry(), registry_event{cancel_done{ref, {}}}}; }
schema::owned_event booking(reference of = ref, std::uint8_t who = 1) {
  booked b;
  b.people.push_back({});
  b.people[0].ref = of;
  b.people[0].citizen = citizen(who);
  return {schema::owner::of(group), group_event{b}};
}
schema::owned_event place_given_up() { return {schema::owner::of(group), group_event{place_cancelled{ref, {}, {}}}}; }

// Logs of three shards: 0 the rounds, 1 the citizens', 2 the slot group's. Grows between readings, as `steps` say.
class logs {
public:
  void add(std::uint16_t shard, const schema::owned_event& e) {
    const sequence_t next{all_[shard].size() + 1};
    all_[shard].push_back({{epoch_t{1}, next}, schema::encode_batch(std::vector{e})});
  }
  std::vector<std::function<void()>> after_reading;  // of a shard: what happens before the next is read
  std::vector<std::function<void()>> between;

  std::expected<audit_report, std::string> audit() {
    cluster_audit_watch watch;
    watch.between_readings = [this] {
      ++readings;
      if (!between.empty()) {
        between.front()();
        between.erase(between.begin());
      }
    };
    return audit_cluster(
        3,
        [this](shard_id s, sequence_t after) -> std::expected<std::vector<replication::entry>, std::string> {
          const auto& log = all_[s.value];
          if (after.value < log.size())
            return std::vector{log[after.value]};
          if (!after_reading.empty() && s.value == 1) {
            after_reading.front()();
            after_reading.erase(after_reading.begin());
          }
          return std::vector<replication::entry>{};
        },
        watch);
  }
  int readings = 1;

private:
  std::vector<replication::entry> all_[3];
};

TEST(cluster_audit, counts_what_all_shards_hold) {
  logs l;
  l.add(0, of_rounds(1));
  l.add(1, claim());
  l.add(2, booking());
  l.add(1, claim_confirmed());
  const auto report = l.audit();
  ASSERT_TRUE(report) << report.error();
  EXPECT_TRUE(report->clean());
  EXPECT_EQ(report->live, 1U);
  EXPECT_EQ(report->claims, 1U);
  EXPECT_EQ(report->unsettled, 0U);
  EXPECT_EQ(l.readings, 1);
}

// The claims are read before the booking that came meanwhile: once more, and all fits.
TEST(cluster_audit, reads_again_what_happened_between_two_shards) {
  logs l;
  l.add(0, of_rounds(1));
  l.after_reading.push_back([&] {
    l.add(1, claim());
    l.add(2, booking());
  });
  l.between.push_back([&] { l.add(1, claim_confirmed()); });
  const auto report = l.audit();
  ASSERT_TRUE(report) << report.error();
  EXPECT_TRUE(report->clean()) << report->breaches.front();
  EXPECT_EQ(report->live, 1U);
  EXPECT_EQ(l.readings, 2);
}

// Confirmed when its shard was read, cancelled when the slot group was.
TEST(cluster_audit, a_cancellation_between_two_shards_is_no_breach) {
  logs l;
  l.add(0, of_rounds(1));
  l.add(1, claim());
  l.add(2, booking());
  l.add(1, claim_confirmed());
  l.after_reading.push_back([&] {
    l.add(1, cancel_begun());
    l.add(2, place_given_up());
    l.add(1, cancel_ended());
  });
  const auto report = l.audit();
  ASSERT_TRUE(report) << report.error();
  EXPECT_TRUE(report->clean()) << report->breaches.front();
  EXPECT_EQ(report->cancelled, 1U);
  EXPECT_EQ(report->live, 0U);
}

TEST(cluster_audit, a_booking_that_never_comes_is_a_breach) {
  logs l;
  l.add(0, of_rounds(1));
  l.add(1, claim());
  l.add(1, claim_confirmed());
  const auto report = l.audit();
  ASSERT_TRUE(report) << report.error();
  ASSERT_EQ(report->breach_count, 1U);
  EXPECT_NE(report->breaches[0].find("is confirmed, and there is no booking"), std::string::npos);
  EXPECT_EQ(l.readings, cluster_audit_readings_max);
}

TEST(cluster_audit, a_claim_that_never_comes_is_a_breach) {
  logs l;
  l.add(0, of_rounds(1));
  l.add(2, booking());
  const auto report = l.audit();
  ASSERT_TRUE(report) << report.error();
  ASSERT_EQ(report->breach_count, 1U);
  EXPECT_NE(report->breaches[0].find("is booked without a claim"), std::string::npos);
}

// Wrong within one log: no second reading makes it right, and none is made for it.
TEST(cluster_audit, a_window_over_its_places_is_a_breach_at_once) {
  logs l;
  const auto other = reference::make(shard_id{1}, 43);
  l.add(0, of_rounds(1));
  l.add(1, claim());
  l.add(1,
        {schema::owner::of_registry(), registry_event{claimed{citizen(2), other, key_hash{3}, body_hash{1}, group, window_index{0}, {}}}});
  l.add(2, booking());
  l.add(2, booking(other, 2));
  const auto report = l.audit();
  ASSERT_TRUE(report) << report.error();
  EXPECT_EQ(report->breach_count, 1U);
  EXPECT_NE(report->breaches[0].find("I1: window 0 of slot group 7 has 2 bookings for 1 places"), std::string::npos);
  EXPECT_EQ(l.readings, 1);
}

TEST(cluster_audit, a_claim_may_be_made_again_after_its_release_and_not_before) {
  logs l;
  l.add(0, of_rounds(1));
  l.add(1, claim());
  l.add(1, {schema::owner::of_registry(), registry_event{claim_released{ref}}});
  l.add(1, claim());
  const auto again = l.audit();
  ASSERT_TRUE(again) << again.error();
  EXPECT_TRUE(again->clean());
  EXPECT_EQ(again->unsettled, 1U);
  l.add(1, claim());
  const auto twice = l.audit();
  ASSERT_TRUE(twice) << twice.error();
  ASSERT_EQ(twice->breach_count, 1U);
  EXPECT_NE(twice->breaches[0].find("was made twice"), std::string::npos);
}

// A round that is imported after the rounds were read: its windows have their places from the next reading on.
TEST(cluster_audit, a_round_that_comes_meanwhile_is_known_at_the_next_reading) {
  logs l;
  l.after_reading.push_back([&] {
    l.add(0, of_rounds(0));
    l.add(1, claim());
    l.add(2, booking());
  });
  const auto report = l.audit();
  ASSERT_TRUE(report) << report.error();
  ASSERT_EQ(report->breach_count, 1U);
  EXPECT_NE(report->breaches[0].find("has 1 bookings for 0 places"), std::string::npos);
}

TEST(cluster_audit, windows_that_no_import_names_are_a_breach) {
  logs l;
  l.add(1, claim());
  l.add(2, booking());
  const auto report = l.audit();
  ASSERT_TRUE(report) << report.error();
  ASSERT_EQ(report->breach_count, 1U);
  EXPECT_NE(report->breaches[0].find("which no import names"), std::string::npos);
}

TEST(cluster_audit, a_gap_in_a_log_and_a_shard_that_nobody_leads_are_errors) {
  const auto gap =
      audit_cluster(1, [](shard_id, sequence_t) { return std::vector<replication::entry>{{{epoch_t{1}, sequence_t{2}}, {}}}; }, {});
  ASSERT_FALSE(gap);
  EXPECT_EQ(gap.error(), "shard 0: position 2 came after 0");
  const auto nobody = audit_cluster(
      1, [](shard_id, sequence_t) -> std::expected<std::vector<replication::entry>, std::string> { return std::unexpected("busy"); }, {});
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error(), "shard 0: busy");
}

}  // namespace
}  // namespace janji::cluster
