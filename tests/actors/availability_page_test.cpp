#include "actors/availability_page.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <memory>
#include <random>

namespace janji::actors {
namespace {

namespace json = boost::json;

// A page of centres with days as they come, as the read model makes it.
std::unique_ptr<availability_page> page_of(const std::vector<std::vector<std::int32_t>>& centres) {
  auto made = std::make_unique<availability_page>();
  auto& p = *made;
  const auto here = [&p] { return static_cast<std::uint32_t>(p.body.size()); };
  p.body = R"({"as_of":null,)";
  p.status_begin = here();
  p.body += R"("status":"open","centres":[)";
  p.centres_begin = here();
  for (std::size_t c = 0; c < centres.size(); ++c) {
    if (c != 0)
      p.body += ',';
    const auto head = here();
    p.body += fmt::format(R"({{"code":"C{}","days":[)", c);
    const availability_page::span head_text{head, here()};
    for (std::size_t d = 0; d < centres[c].size(); ++d) {
      if (d != 0)
        p.body += ',';
      const auto begin = here();
      p.body += fmt::format(R"({{"day":{}}})", centres[c][d]);
      p.add_day(centres[c][d], {begin, here()});
    }
    p.centres.push_back({head_text, static_cast<std::uint32_t>(p.days.size())});
    p.body += "]}";
  }
  p.body += "]}";
  return made;
}

// The same by reading the whole.
json::value expected(const availability_page& p, std::int32_t from, std::int32_t to) {
  auto v = json::parse(p.body);
  for (auto& c : v.at("centres").as_array()) {
    json::array kept;
    for (const auto& d : c.at("days").as_array())
      if (d.at("day").as_int64() >= from && d.at("day").as_int64() <= to)
        kept.push_back(d);
    c.at("days") = std::move(kept);
  }
  return v;
}

TEST(availability_page, a_range_of_days_is_what_the_whole_says_of_them) {
  const unsigned seed = std::random_device{}();
  std::mt19937 random(seed);
  for (int i = 0; i < 300; ++i) {
    std::vector<std::vector<std::int32_t>> centres(random() % 5);
    for (auto& days : centres)
      for (std::int32_t d = 0; d < 12; ++d)
        if (random() % 2 == 0)
          days.push_back(18'000 + d);
    const auto made = page_of(centres);
    const auto& p = *made;
    const auto from = 17'998 + static_cast<std::int32_t>(random() % 16);
    const auto to = from + static_cast<std::int32_t>(random() % 8) - 1;
    EXPECT_EQ(json::parse(p.only_days({from, to})), expected(p, from, to)) << "seed " << seed << ", " << p.body << " " << from << " " << to;
  }
}

TEST(availability_page, it_knows_its_first_and_last_day) {
  EXPECT_EQ(page_of({})->all_days(), std::nullopt);
  EXPECT_EQ(page_of({{}, {5, 9}, {3}})->all_days(), (availability_page::range{3, 9}));
}

TEST(availability_page, it_is_compressed_when_it_was_asked_for_and_not_by_who_asks) {
  const auto made = page_of({{1, 2, 3}});
  const auto& p = *made;
  EXPECT_FALSE(p.gzip_asked_for());
  EXPECT_EQ(p.gzip(), "");
  EXPECT_TRUE(p.gzip_asked_for());
  p.compress();
  EXPECT_FALSE(p.gzip().empty());
}

}  // namespace
}  // namespace janji::actors
