// A cluster is upgraded while it runs, and a campaign's log is kept to its end: every version reads what each released one
// wrote.
#include <gtest/gtest.h>

#include "tests/schema/samples.hpp"

namespace janji::schema::samples {

TEST(schema_samples, what_version_1_wrote_is_still_read) { EXPECT_EQ(differences_from_v1(read_released(1)), ""); }

TEST(schema_samples, what_this_version_writes_it_reads) { EXPECT_EQ(differences_from_v1(encode_current()), ""); }

TEST(schema_samples, the_current_version_has_its_samples_in_the_tree) { EXPECT_FALSE(read_released(current_version).empty()); }

// What a renumbered or retyped field does to old bytes looks like this: the same bytes at another place.
TEST(schema_samples, a_field_that_changes_its_place_is_noticed) {
  auto files = read_released(1);
  ASSERT_TRUE(files.contains("batch.bin"));
  const auto good = files["batch.bin"];
  std::size_t unnoticed = 0;
  std::size_t swaps = 0;
  for (std::size_t word = 24; word + 16 <= good.size(); word += 8) {
    auto changed = good;
    std::swap_ranges(changed.begin() + static_cast<std::ptrdiff_t>(word), changed.begin() + static_cast<std::ptrdiff_t>(word + 8),
                     changed.begin() + static_cast<std::ptrdiff_t>(word + 8));
    if (changed == good)
      continue;
    ++swaps;
    files["batch.bin"] = changed;
    unnoticed += differences_from_v1(files).empty() ? 1 : 0;
  }
  EXPECT_GT(swaps, 100U);
  EXPECT_EQ(unnoticed, 0U);
}

}  // namespace janji::schema::samples
