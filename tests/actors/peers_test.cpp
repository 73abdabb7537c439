// What nodes say to each other in parts: as much as must be, whole or not at all.
#include "actors/peers.hpp"

#include <vector>

#include "tests/actors/one_actor_test.hpp"

namespace janji::actors {
namespace {

// A link to another node of the same kind, which loses what it is told to.
struct wire final : cluster::peer_links {
  bool send(std::uint64_t, cluster::peer_message&& message) override {
    largest = std::max(largest, message.payload.size());
    if (++sent == lose)
      return true;
    to->received({1, {}}, std::move(message));
    return true;
  }
  peers* to = nullptr;
  std::size_t sent = 0, lose = 0, largest = 0;
};

class peers_test : public one_actor_test {
protected:
  peers_test() : one_actor_test(nobody_, one_shard()), here_(shared_), there_(shared_) {
    shared_.node_id = 2;
    shared_.warn = [this](const std::string& what) { warnings_.push_back(what); };
    shared_.rounds = spawn_stub({[this](rounds_told& t) { told_.push_back(std::move(t)); }, [](const tell_rounds_now&) {}});
    shared_.availability = spawn_stub({[](const tell_numbers&) {}});
    shared_.reports = spawn_stub({[](report_now) {}});
    shard_ = spawn_stub({[this](registry_mail& m) { mail_.push_back(m.inputs.size()); },
                         [this](group_mail_for& m) { groups_.push_back(m.group); }, [](const link_back&) {}});
    shared_.route.set_shard(shard_id{0}, shard_);
    wire_.to = &there_;
    here_.use(wire_);
    here_.link_up({2, {}});
    settle();
  }
  ~peers_test() override {
    here_.close();
    for (const auto& a : {shared_.rounds, shared_.availability, shared_.reports, shard_})
      caf::anon_send_exit(a, caf::exit_reason::kill);
    shared_.route.clear();
    shared_.rounds = shared_.availability = shared_.reports = shard_ = nullptr;
    settle();
  }
  static node_options one_shard() {
    node_options o;
    o.shard_count = 1;
    return o;
  }
  // 200,000 slot groups of six windows each: the most that a round may have, and 17 MB.
  static round_imported the_largest() {
    round_imported r;
    r.definition.code = "R";
    r.definition.centres = {{"A", "centre A", "Selangor", "Petaling", 3, 101}};
    r.definition.groups.assign(limits::round_groups_max,
                               {group_id{1}, 0, std::chrono::year{2027} / 1 / 1, std::vector<window_definition>(6, {540, 600, 10})});
    return r;
  }
  void tell_all() {
    here_.tell_rounds_since(2, {sequence_t{9}, {the_largest()}, {}});
    settle();
  }

  silent_nodes nobody_;
  peers here_, there_;
  wire wire_;
  caf::actor shard_;
  std::vector<rounds_told> told_;
  std::vector<std::size_t> mail_;
  std::vector<group_id> groups_;
  std::vector<std::string> warnings_;
};

TEST_F(peers_test, the_largest_round_comes_in_parts_and_whole) {
  tell_all();
  ASSERT_EQ(told_.size(), 1U);
  EXPECT_EQ(std::get<round_imported>(told_[0].history.at(0)).definition.groups.size(), limits::round_groups_max);
  EXPECT_EQ(told_[0].applied, sequence_t{9});
  EXPECT_GT(wire_.sent, 10U);
  EXPECT_LE(wire_.largest, part_bytes_max + 64);
}

TEST_F(peers_test, a_message_of_which_a_part_is_lost_is_not_taken_and_the_next_one_is) {
  for (const std::size_t lost : {1, 5, 17}) {
    wire_.sent = 0;
    wire_.lose = lost;
    tell_all();
    EXPECT_TRUE(told_.empty()) << "part " << lost;
    wire_.lose = 0;
    tell_all();
    EXPECT_EQ(told_.size(), 1U) << "part " << lost;
    told_.clear();
  }
}

TEST_F(peers_test, parts_that_there_cannot_be_are_dropped) {
  const auto part = [&](std::uint64_t number, std::uint32_t n, std::uint32_t of, std::uint64_t kind, std::size_t bytes) {
    std::string payload(24 + bytes, 'x');
    std::memcpy(payload.data(), &number, 8);
    std::memcpy(payload.data() + 8, &n, 4);
    std::memcpy(payload.data() + 12, &of, 4);
    std::memcpy(payload.data() + 16, &kind, 8);
    there_.received({1, {}}, {shard_id{0}, 11, {}, std::move(payload)});
  };
  part(1, 0, 0, 4, 8);
  part(1, 1, 1, 4, 8);
  part(1, 0, 1'000'000, 4, 8);
  part(1, 0, 2, 11, 8);
  part(1, 0, 2, 999, 8);
  part(1, 0, 2, 4, 0);
  part(1, 0, 1, 4, 8);
  there_.received({1, {}}, {shard_id{0}, 11, {}, "x"});
  settle();
  EXPECT_TRUE(told_.empty());
  EXPECT_FALSE(warnings_.empty());
}

// A turn of a front that was frozen may bring more than a message holds.
TEST_F(peers_test, much_mail_goes_in_several_messages) {
  registry_mail mail;
  mail.inputs.assign(70'000, lookup_command{request_id{1}, reference{1}, 0, unix_ms{9'000'000}});
  here_.forward(2, shard_id{0}, std::move(mail));
  settle();
  std::size_t all = 0;
  for (const auto n : mail_) {
    EXPECT_LE(n, mail_items_a_message_max);
    all += n;
  }
  EXPECT_EQ(all, 70'000U);
  EXPECT_LT(wire_.largest, cluster::peer_payload_bytes_max / 4);
}

// A node that has just started leads before it has heard of all rounds: what comes waits at the shard, and is not dropped.
TEST_F(peers_test, mail_for_a_slot_group_that_is_not_known_here_yet_comes_to_its_shard) {
  shared_.route.set_shard_of_group([](group_id) { return shard_id{limits::shards_max}; });
  group_mail_for mail{group_id{77}, {}};
  mail.mail.inputs.emplace_back(release_place{shard_id{0}, reference{1}, {}});
  here_.forward(2, shard_id{0}, std::move(mail));
  settle();
  EXPECT_EQ(groups_, std::vector<group_id>{group_id{77}});
}

}  // namespace
}  // namespace janji::actors
