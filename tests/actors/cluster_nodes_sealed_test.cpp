// What operators open of bookings that lie anywhere in a cluster of three real nodes.
#include <array>
#include <future>
#include <map>

#include "tests/actors/cluster_nodes.hpp"

namespace janji::actors {
namespace {

// What operators open, as it is kept.
struct sealed_records_test : cluster_nodes_test {
  using records = std::map<std::uint64_t, std::string>;  // by reference
  std::expected<records, std::string> sealed_at(std::size_t at, std::uint32_t group) {
    records out;
    schema::records_ask ask{group_id{group}};
    for (;;) {
      std::promise<std::expected<schema::sealed_places, std::string>> told;
      nodes_[at].runs->sealed_records(ask, [&told](auto r) { told.set_value(std::move(r)); });
      const auto part = told.get_future().get();
      if (!part)
        return std::unexpected(part.error());
      for (const auto& p : part->places)
        out[p.ref.value] = p.sealed + p.fault;
      if (!part->more)
        return out;
      ask.after = part->places.back().ref;
    }
  }
  std::expected<booked_place, std::string> place_at(std::size_t at, reference ref) {
    std::promise<std::expected<booked_place, std::string>> told;
    nodes_[at].runs->find_place(ref, [&told](auto r) { told.set_value(std::move(r)); });
    return told.get_future().get();
  }
  void move(reference ref, unsigned citizen, std::uint32_t to) {
    ASSERT_TRUE(eventually([&] {
      const request_id request{++next_request_[0]};
      const unix_ms until{nodes_[0].runs->now().value + 1'000};
      std::vector<citizen_command> turn;
      turn.emplace_back(
          move_command{request, ref, 0, group_id{to}, window_index{0}, key_hash{5'000ULL + citizen * 16ULL + to}, body_hash{to}, until});
      nodes_[0].runs->submit(std::move(turn));
      return wait_for(request, 1'500ms).what == outcome::moved;
    }));
  }
  template <class T>
  static std::string why_not(const std::expected<T, std::string>& said) {
    return said ? std::string() : said.error();
  }
  void raise_level() {
    for (auto& n : nodes_)
      if (n.runs)
        n.runs->feature_level_changed(1);
  }
};

TEST_F(sealed_records_test, any_node_is_told_what_lies_anywhere_wherever_it_was_moved_to_and_whoever_dies) {
  import();
  std::map<std::uint32_t, records> expected;
  std::map<reference, std::uint32_t> where;
  for (unsigned citizen = 0; citizen < 48; ++citizen) {
    const auto said = book(citizen % nodes_count, citizen, group_of(citizen));
    ASSERT_EQ(said.what, outcome::confirmed) << "citizen " << citizen;
    const auto ref = said.places.at(0).ref;
    auto group = group_of(citizen);
    for (unsigned moves = citizen % 3; moves > 0; --moves) {
      group = 1 + group % 12;
      move(ref, citizen, group);
      ASSERT_FALSE(HasFatalFailure());
    }
    expected[group][ref.value] = sealed_of(citizen);
    where[ref] = group;
  }
  raise_level();
  const auto all_at = [&](std::size_t at) {
    for (std::uint32_t group = 1; group <= 12; ++group)
      EXPECT_TRUE(eventually([&] { return sealed_at(at, group) == expected[group]; })) << "node " << at + 1 << ", group " << group;
    for (const auto& [ref, group] : where)
      EXPECT_TRUE(eventually([&] { return place_at(at, ref).value_or(booked_place{}).group == group_id{group}; })) << "node " << at + 1;
    EXPECT_TRUE(why_not(place_at(at, reference::make(shard_id{3}, 1ULL << 40U))).starts_with("not_found: "));
  };
  for (std::size_t at = 0; at < nodes_count; ++at)
    all_at(at);
  end(2);
  for (std::size_t at = 0; at < 2; ++at)
    all_at(at);
}

// What it has on its disk may not be what is committed any more.
TEST_F(sealed_records_test, a_node_that_nobody_follows_any_more_tells_nothing) {
  import();
  for (unsigned citizen = 0; citizen < 12; ++citizen)
    ASSERT_EQ(book(0, citizen, group_of(citizen)).what, outcome::confirmed);
  raise_level();
  end(1);
  end(2);
  std::array<std::promise<std::string>, 12> told;
  for (std::uint32_t group = 1; group <= 12; ++group)
    nodes_[0].runs->sealed_records({group_id{group}}, [&told, group](const auto& r) { told[group - 1].set_value(why_not(r)); });
  for (auto& t : told)
    EXPECT_TRUE(t.get_future().get().starts_with("busy: "));
}

// Whichever leads it by then: a node whose disk seems slow hands over what it leads.
TEST_F(sealed_records_test, below_the_feature_level_a_node_tells_what_it_leads_and_asks_nobody) {
  import();
  std::size_t own = 0;
  for (std::size_t at = 0; at < nodes_count; ++at)
    for (std::uint32_t group = 1; group <= 12; ++group) {
      bool leads = false;
      std::expected<records, std::string> said;
      EXPECT_TRUE(eventually([&] {  // it has not heard of every record yet
        leads = records_.read(shard_of_group(group))->record.leader.node == at + 1;
        said = sealed_at(at, group);
        return said.has_value() == leads && !why_not(said).starts_with("busy: ");
      })) << "node "
          << at + 1 << ", group " << group;
      own += leads ? 1 : 0;
      EXPECT_TRUE(said || said.error().starts_with("wrong_state: ")) << said.error();
    }
  EXPECT_GT(own, 0U);
}

}  // namespace
}  // namespace janji::actors
