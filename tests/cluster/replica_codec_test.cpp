#include "cluster/replica_codec.hpp"

#include <gtest/gtest.h>

namespace janji::cluster {
namespace {

using namespace replication;

const header head{epoch_t{7}, {1, 0xFFFF'FFFF'FFFF'FFFF}, boot_t{3}, {2, 5}, boot_t{0}};
const log_shape shape{
    {epoch_t{2}, sequence_t{10}}, {{epoch_t{3}, sequence_t{15}}, {epoch_t{7}, sequence_t{20}}}, {epoch_t{7}, sequence_t{25}}};
const position after{epoch_t{2}, sequence_t{10}};
const std::vector<entry> entries{
    {{epoch_t{2}, sequence_t{11}}, "a"}, {{epoch_t{4}, sequence_t{12}}, ""}, {{epoch_t{4}, sequence_t{13}}, std::string("\0b", 2)}};

std::vector<message> all() {
  versioned_record r{9, {epoch_t{7}, {1, 2}, {{1, 2}, {3, 4}}, {{5, 6}}, 2, 3, {epoch_t{6}, 11}, 12, boot_t{13}, epoch_t{14}}};
  return {promise_request{r},
          pull_request{after, true},
          append_request{after, entries, sequence_t{8}, true},
          install_request{{after, "state"}},
          heartbeat{4, sequence_t{5}, sequence_t{6}},
          promise{shape, sequence_t{12}},
          pulled{after, entries, std::nullopt},
          pulled{after, {}, snapshot{after, "state"}},
          acknowledgement{after},
          refusal{epoch_t{9}, log_shape{}, sequence_t{3}, true},
          heartbeat_answer{4, 203'000}};
}

TEST(replica_codec, every_message_comes_back_as_it_was_sent) {
  for (const auto& m : all()) {
    const auto bytes = encode_replica_message(head, m);
    const auto back = decode_replica_message(bytes);
    ASSERT_TRUE(back.has_value()) << m.index() << ": " << back.error();
    EXPECT_TRUE(back->what == m) << m.index();
    EXPECT_TRUE(back->head == head);
    EXPECT_EQ(encode_replica_message(back->head, back->what), bytes);
  }
}

TEST(replica_codec, what_cannot_be_is_an_error) {
  const auto good = [](message m) { return decode_replica_message(encode_replica_message(head, m)).has_value(); };
  EXPECT_FALSE(good(append_request{after, {entries[1]}, {}, false})) << "a gap";
  EXPECT_FALSE(good(append_request{{epoch_t{5}, sequence_t{11}}, {entries[1]}, {}, false})) << "an epoch that goes back";
  auto backwards = shape;
  std::swap(backwards.runs[0], backwards.runs[1]);
  EXPECT_FALSE(good(promise{backwards, {}}));
  auto beyond = shape;
  beyond.tail.sequence = sequence_t{18};
  EXPECT_FALSE(good(promise{beyond, {}}));
  auto other_end = shape;
  other_end.tail.epoch = epoch_t{8};
  EXPECT_FALSE(good(refusal{{}, other_end, {}, false}));
  auto crowd = versioned_record{};
  crowd.record.in_sync.resize(limits::record_members_max + 1);
  EXPECT_FALSE(good(promise_request{crowd}));
  const auto bytes = encode_replica_message(head, all()[2]);
  for (std::size_t n = 0; n + 1 < bytes.size(); n += 4)
    (void)decode_replica_message(std::string_view(bytes).substr(0, n));
  EXPECT_FALSE(decode_replica_message(std::string_view(bytes).substr(0, bytes.size() - 8)).has_value());
  EXPECT_FALSE(decode_replica_message(std::string(64, '\0')).has_value()) << "no kind";
}

TEST(replica_codec, a_part_of_a_log_comes_back_and_nothing_else_is_one) {
  const auto back = decode_log_part(encode_log_part(entries));
  ASSERT_TRUE(back.has_value()) << back.error();
  ASSERT_EQ(back->size(), entries.size());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    EXPECT_EQ((*back)[i].at, entries[i].at);
    EXPECT_EQ((*back)[i].payload, entries[i].payload);
  }
  EXPECT_TRUE(decode_log_part(encode_log_part({}))->empty());
  EXPECT_FALSE(decode_log_part(encode_replica_message(head, heartbeat{4, sequence_t{5}, sequence_t{6}})));
  EXPECT_FALSE(decode_log_part(encode_replica_message(head, pulled{after, {}, snapshot{after, "state"}})));
  EXPECT_FALSE(decode_log_part("junk"));
}

}  // namespace
}  // namespace janji::cluster
