// Every address of both listeners: with which method, what answers, for whom it is, what the door is told of it,
// and what may stand in its query and, of an order, in its body (request_rules.hpp). The one place is
// net/routes.json, from which these rows and the lists of docs/api.md and docs/pages.md are made (cmake/JanjiMessages.cmake). A
// handler's switch over its endpoints forgets none. Constants; any thread.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

#include "net/door.hpp"
#include "net/http.hpp"
#include "net/routes.hpp"

namespace janji::net {

enum class audience : std::uint8_t {
  anybody,
  holder,    // of the booking's manage token
  browser,   // from which it was booked
  operators  // who hold the admin token
};

// ---- the citizens' port: the API
enum class api_endpoint : std::uint8_t { book, look_up, move, cancel, availability, rounds, states, centres, figures, livez, readyz };

struct api_route {
  method verb;
  std::string_view pattern;
  api_endpoint to;
  audience who;
  request_kind what;
  std::string_view query;  // the names that its query may have, with spaces between them; "*": any
};
inline constexpr std::array api_routes{
#include "net/api_routes.inc"
};

// ---- the citizens' port: the pages
enum class page_endpoint : std::uint8_t {
  home,
  asset,
  numbers_home,
  numbers_in,
  numbers_at,
  numbers_day,
  centres,
  centres_in,
  month,
  times,
  details,
  details_sent,
  check,
  book,
  my_booking,
  send_again,
  calendar,
  cancel,
  cancel_sent,
  move,
  move_centre,
  move_day,
  move_time,
  move_sent,
  find,
  find_sent,
  forget,
  start_again,
  figures,
  status,
  receipt,
  receipt_sent,
  help,
  privacy,
  accessibility,
  icon,
  robots
};

struct page_route {
  method verb;
  std::string_view pattern;
  page_endpoint to;
  audience who;
  request_kind what;
};
inline constexpr std::array page_routes{
#include "net/page_routes.inc"
};

// ---- the operators' port
enum class admin_endpoint : std::uint8_t {
  livez,
  readyz,
  proof,
  status,
  trail,
  audit,
  receipt_key,
  rounds,
  import,
  figures,
  preflight,
  warm,
  open,
  pause,
  resume,
  close,
  erase,
  capacity,
  release_claim,
  unseal,
  disk,
  disk_release,
  keys,
  keys_rotate,
  keys_finish,
  show,
  cluster,
  cluster_probe,
  cluster_node,
  cluster_moves,
  cluster_level,
  cluster_log,
  cluster_shard
};

struct admin_route {
  method verb;
  std::string_view pattern;
  admin_endpoint to;
  audience who;
  request_kind what;
  std::string_view query;  // as above
  std::string_view body;   // the members that it may have, with their kinds: "reason:text"
};
inline constexpr std::array admin_routes{
#include "net/admin_routes.inc"
};

using api_match = route_match<api_route>;
using page_match = route_match<page_route>;
using admin_match = route_match<admin_route>;

template <class ROW>
constexpr bool is_route(const ROW& row) {
  return row.pattern.starts_with('/') && std::ranges::count(row.pattern, '{') <= std::ptrdiff_t{path_arguments::count_max} &&
         std::ranges::count(row.pattern, '{') == std::ranges::count(row.pattern, '}');
}
static_assert(std::ranges::all_of(api_routes, [](const auto& r) { return is_route(r); }));
static_assert(std::ranges::all_of(page_routes, [](const auto& r) { return is_route(r); }));
static_assert(std::ranges::all_of(admin_routes, [](const auto& r) { return is_route(r); }));

}  // namespace janji::net
