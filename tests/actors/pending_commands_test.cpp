#include "actors/pending_commands.hpp"

#include <gtest/gtest.h>

namespace janji::actors {
namespace {

citizen_command looking_up(std::uint64_t request) {
  lookup_command c;
  c.request = request_id{request};
  c.deadline = unix_ms{10'000};
  return c;
}

TEST(pending_commands, what_waits_for_long_is_given_once_more_and_only_once) {
  pending_commands p;
  p.put(shard_id{3}, looking_up(1), unix_ms{1'000});
  p.put(shard_id{3}, looking_up(2), unix_ms{2'000});
  EXPECT_TRUE(p.overdue(unix_ms{2'499}).empty());
  EXPECT_EQ(p.overdue(unix_ms{2'500}).size(), 1U);
  p.put(shard_id{3}, looking_up(1), unix_ms{2'500});  // as the front does when it asks again
  EXPECT_EQ(p.overdue(unix_ms{9'000}).size(), 1U) << "the other";
  EXPECT_TRUE(p.overdue(unix_ms{9'000}).empty());
  EXPECT_EQ(p.of(shard_id{3}, unix_ms{9'000}).size(), 2U) << "both still wait";
}

TEST(pending_commands, what_was_answered_or_is_too_late_is_not_asked_again) {
  pending_commands p;
  p.put(shard_id{3}, looking_up(1), unix_ms{1'000});
  p.put(shard_id{3}, looking_up(2), unix_ms{1'000});
  p.answered({{request_id{1}, outcome::full}});
  EXPECT_EQ(p.overdue(unix_ms{3'000}).size(), 1U);
  EXPECT_TRUE(p.of(shard_id{3}, unix_ms{10'000}).empty());
  p.expire(unix_ms{10'000});
  EXPECT_EQ(p.size(), 0U);
}

TEST(pending_commands, bounds_what_is_asked_again_at_once) {
  pending_commands p;
  for (std::uint64_t r = 1; r <= pending_commands::overdue_max + 1; ++r)
    p.put(shard_id{0}, looking_up(r), unix_ms{0});
  EXPECT_EQ(p.overdue(unix_ms{5'000}).size(), pending_commands::overdue_max);
  EXPECT_EQ(p.overdue(unix_ms{5'000}).size(), 1U);
}

}  // namespace
}  // namespace janji::actors
