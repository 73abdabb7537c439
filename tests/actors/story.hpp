// A node of one shard under virtual time: a test reads like the story of its citizen or operator.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/actors/simulated_node.hpp"

namespace janji::sim {

inline constexpr std::int64_t minute_ms = 60'000;

inline citizen_hash citizen(std::uint8_t n) {
  citizen_hash c;
  c.bytes.fill(n);
  return c;
}

// A node of one shard with two slot groups of one window each, and what it said.
class story : public ::testing::Test {
protected:
  // `over_in_ms`: of the windows, whose days are past.
  void begin(const actors::node_options& options, std::uint32_t capacity, const planted_faults& faults = {},
             std::optional<std::int64_t> over_in_ms = std::nullopt) {
    options_ = options;
    node_ = std::make_unique<simulated_node>(disk().wipe(options.shard_count), options, faults);
    node_->on_answers = [this](std::vector<answer>&& a) { said_.insert(said_.end(), a.begin(), a.end()); };
    node_->on_fatal = [this](const std::string& why) { fatal_.push_back(why); };
    node_->on_synced = [this](const store::shard_write& w) { count(w); };
    node_->start();
    node_->settle();
    round_definition d;
    d.code = "R";
    d.name = "a round";
    d.time_zone = "Asia/Kuala_Lumpur";
    d.closes_at = unix_ms{4'000'000'000'000};
    d.centres = {{"A", "centre A", "Selangor", "Petaling", 3, 101}};
    const auto until = over_in_ms ? unix_ms{node_->now().value + *over_in_ms} : never_over;
    for (unsigned day = 1; day <= 2; ++day)
      d.groups.push_back({group_id{}, 0, std::chrono::year{over_in_ms ? 1971 : 2027} / 1 / day, {{540, 600, capacity, until}}});
    node_->order(actors::import_order{std::move(d), "op", [](const auto& done) { ASSERT_TRUE(done); }});
    node_->settle();
    node_->order(actors::state_order{round_id{1}, round_state::open, {}, "op", [](const auto& done) { ASSERT_EQ(done, "open"); }});
    node_->settle();
    const auto catalogue = node_->context().catalogue.get();
    auto it = catalogue->groups.begin();
    here_ = group_id{it->first};
    there_ = group_id{(++it)->first};
  }
  void TearDown() override { node_.reset(); }

  static actors::node_options one_shard() {
    actors::node_options o;
    o.shard_count = 1;
    o.passivate_after_ms = 0;
    o.publish_every_ms = 1'000;
    return o;
  }
  // The idempotency key is the citizen's number; every try brings a new reference, as a front does it.
  request_id book(std::uint8_t who, group_id group, std::int64_t deadline_ms = minute_ms) {
    node_->submit(one(booking(who, group, deadline_ms)));
    return request_id{requests_};
  }
  actors::routed_booking booking(std::uint8_t who, group_id group, std::int64_t deadline_ms = minute_ms) {
    book_command b{request_id{++requests_}, body_hash{1}, window_index{0}, unix_ms{node_->now().value + deadline_ms}, {}};
    b.people.push_back({citizen(who), next_reference(), key_hash{who * 8ULL}, {1, 2}, "sealed"});
    return {group, std::move(b)};
  }
  reference next_reference() { return reference::make(shard_id{0}, ++references_); }
  static std::vector<actors::citizen_command> one(actors::citizen_command&& c) {
    std::vector<actors::citizen_command> turn;
    turn.push_back(std::move(c));
    return turn;
  }
  std::vector<outcome> told(request_id request) const {
    std::vector<outcome> all;
    for (const auto& a : said_)
      if (a.request == request)
        all.push_back(a.what);
    return all;
  }
  // Those who run, slot groups in the order of their days.
  [[nodiscard]] std::vector<caf::actor> running(std::string_view name) const {
    std::vector<caf::actor> found;
    for (const auto& handle : node_->owners())
      if (name == dynamic_cast<caf::local_actor&>(*caf::actor_cast<caf::abstract_actor*>(handle)).name())
        found.push_back(handle);
    return found;
  }
  [[nodiscard]] std::size_t active_groups() const { return running("slot_group").size(); }
  static memory_store& disk() {
    static memory_store shared;
    return shared;
  }
  void count(const store::shard_write& w) {
    for (const auto& entry : w.append) {
      if (entry.payload.empty())
        continue;
      const auto events = schema::decode_batch(entry.payload).value();
      for (const auto& e : events)
        if (const auto* g = std::get_if<group_event>(&e.event))
          bookings_ += std::holds_alternative<booked>(*g) ? 1 : 0;
    }
  }

  actors::node_options options_;
  std::unique_ptr<simulated_node> node_;
  std::vector<answer> said_;
  std::vector<std::string> fatal_;
  group_id here_, there_;
  int bookings_ = 0;
  std::uint64_t requests_ = 0;
  std::uint64_t references_ = 0;
};

using only = std::vector<outcome>;

}  // namespace janji::sim
