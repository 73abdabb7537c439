#include "net/routes.hpp"

#include <gtest/gtest.h>

#include <fmt/format.h>
#include <set>

#include "net/route_table.hpp"

namespace janji::net {
namespace {

std::string parts_of(std::string_view pattern, std::string_view path) {
  const auto at = fitted(pattern, path);
  if (!at)
    return "no";
  std::string out;
  for (std::size_t i = 0; i < at->size(); ++i)
    out.append(i == 0 ? "" : "|").append((*at)[i]);
  return out;
}

TEST(routes, a_path_fits_a_pattern_part_by_part) {
  EXPECT_EQ(parts_of("/", "/"), "");
  EXPECT_EQ(parts_of("/find", "/find"), "");
  EXPECT_EQ(parts_of("/book/at/{centre}/{date}", "/book/at/A/2021-06-07"), "A|2021-06-07");
  EXPECT_EQ(parts_of("/book/at/{centre}/details", "/book/at/A B/details"), "A B");
  EXPECT_EQ(parts_of("/show/{what...}", "/show/group/r/A/2021-06-07"), "group/r/A/2021-06-07");
}

TEST(routes, what_is_longer_shorter_or_empty_does_not_fit) {
  EXPECT_EQ(parts_of("/", "/x"), "no");
  EXPECT_EQ(parts_of("/find", "/"), "no");
  EXPECT_EQ(parts_of("/find", "/findx"), "no");
  EXPECT_EQ(parts_of("/find", "/find/x"), "no");
  EXPECT_EQ(parts_of("/book/at/{centre}", "/book/at"), "no");
  EXPECT_EQ(parts_of("/book/at/{centre}", "/book/at/"), "no");
  EXPECT_EQ(parts_of("/book/at/{centre}/{date}", "/book/at//x"), "no");
  EXPECT_EQ(parts_of("/book/at/{centre}", "/book/at/A/x"), "no");
  EXPECT_EQ(parts_of("/show/{what...}", "/show/"), "no");
  EXPECT_EQ(parts_of("/show/{what...}", "/show"), "no");
  EXPECT_EQ(parts_of("/find", ""), "no");
}

TEST(routes, head_is_known_wherever_get_is) {
  EXPECT_EQ(find_route(api_routes, method::head, "/api/v1/rounds").row->to, api_endpoint::rounds);
  EXPECT_FALSE(find_route(api_routes, method::head, "/api/v1/bookings"));
  EXPECT_EQ(methods_at(api_routes, "/api/v1/bookings/x").text(), "GET, HEAD, DELETE, PATCH");
  EXPECT_EQ(methods_at(page_routes, "/find").text(), "GET, HEAD, POST");
  EXPECT_EQ(methods_at(page_routes, "/forget").text(), "POST");
  EXPECT_TRUE(methods_at(page_routes, "/forgotten").empty());
}

// A pattern with every name filled in, which is what a request asks for.
std::string filled(std::string_view pattern) {
  std::string out;
  for (; !pattern.empty(); pattern.remove_prefix(1)) {
    if (pattern.front() == '{') {
      out += "x";
      pattern.remove_prefix(pattern.find('}'));
    } else {
      out += pattern.front();
    }
  }
  return out;
}

template <class ROWS>
void expect_reached(const ROWS& rows) {
  std::set<std::pair<method, std::string_view>> seen;
  for (const auto& row : rows) {
    EXPECT_TRUE(seen.emplace(row.verb, row.pattern).second) << row.pattern << " stands twice";
    const auto at = find_route(rows, row.verb, filled(row.pattern));
    ASSERT_TRUE(at) << row.pattern;
    EXPECT_EQ(at.row->pattern, row.pattern) << "an earlier row takes its requests";
  }
}

TEST(routes, no_row_hides_another) {
  expect_reached(api_routes);
  expect_reached(page_routes);
  expect_reached(admin_routes);
}

TEST(routes, nothing_but_probes_and_the_proof_is_for_anybody_on_the_operators_port) {
  for (const auto& row : admin_routes)
    EXPECT_EQ(row.who == audience::anybody,
              row.to == admin_endpoint::livez || row.to == admin_endpoint::readyz || row.to == admin_endpoint::proof)
        << row.pattern;
}

TEST(routes, no_get_of_a_page_changes_anything) {
  for (const auto& row : page_routes)
    EXPECT_TRUE(row.verb != method::get || row.what == request_kind::read || row.what == request_kind::look_up) << row.pattern;
}

}  // namespace
}  // namespace janji::net
