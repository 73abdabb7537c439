#include "web/codes.hpp"

#include <gtest/gtest.h>

#include <set>

#include "web/words.hpp"

namespace janji::web {
namespace {

TEST(codes, every_row_has_its_words_and_stands_once) {
  const auto all = words::load();
  ASSERT_TRUE(all);
  std::set<std::string_view> seen;
  for (const auto& row : code_table()) {
    EXPECT_TRUE((*all)->has(row.text)) << row.code;
    EXPECT_TRUE((*all)->has(row.named)) << row.code;
    EXPECT_TRUE(seen.insert(row.code).second) << row.code;
  }
  EXPECT_TRUE(seen.contains("full"));
  EXPECT_GT(seen.size(), 20U);
}

TEST(codes, what_is_not_known_is_never_shown_as_a_no) {
  for (const auto* code :
       {"interrupted", "in_progress", "contended", "busy", "storage_low", "not_ready", "stopping", "unknown", "too_many_requests"}) {
    EXPECT_EQ(row_of(code).book, screen::unknown) << code;
    EXPECT_EQ(row_of(code).change, screen::unknown) << code;
  }
  EXPECT_EQ(row_of("idempotency_key_reused").change, screen::unknown);
  EXPECT_EQ(row_of("a code of a later version").book, screen::unknown);
}

}  // namespace
}  // namespace janji::web
