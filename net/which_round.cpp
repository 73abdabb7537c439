#include "net/which_round.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "booking/civil_time.hpp"
#include "net/front.hpp"

namespace janji::net {

namespace {

std::pair<int, std::int64_t> rank(const actors::round_entry& round, unix_ms now, bool judges_past) {
  const auto& d = round.definition;
  switch (round.status_now(now, judges_past).status) {
    case booking_status::open: return {0, d.opens_at.value};
    case booking_status::paused: return {1, d.opens_at.value};
    case booking_status::not_open: return {d.opens_at > now ? 2 : 3, d.opens_at.value};
    case booking_status::closed:
    case booking_status::over: break;
  }
  return {4, -d.closes_at.value};
}

}  // namespace

std::shared_ptr<const actors::round_entry> find_round(const actors::round_catalogue& catalogue, std::string_view code) {
  for (const auto& round : catalogue.rounds)
    if (round->definition.code == code)
      return round;
  return nullptr;
}

std::shared_ptr<const actors::round_entry> usual_round(const actors::round_catalogue& catalogue, unix_ms now, bool judges_past) {
  const auto best = std::ranges::min_element(catalogue.rounds, {}, [&](const auto& round) { return rank(*round, now, judges_past); });
  return best == catalogue.rounds.end() ? nullptr : *best;
}

std::shared_ptr<const actors::round_entry> round_meant(const actors::node& node, const actors::round_catalogue& catalogue,
                                                       std::string_view code) {
  return code.empty() ? usual_round(catalogue, wall_clock(), node.judges_past()) : find_round(catalogue, code);
}

problem not_admitted(const actors::round_entry& round, problem_code code) {
  if (code == problem_code::paused && round.status.state == round_state::paused && !round.status.reason.empty())
    return because(code, cause_of<reason_code::operator_said, "words">(round.status.reason));
  if (code != problem_code::not_open)
    return {.code = code};
  if (round.definition.opens_at <= wall_clock())  // its operators have not opened it yet, and when they will is not known
    return because<reason_code::not_opened>(code);
  auto opens_at = format_local(round.definition.opens_at, round.body->offset);
  auto p = problem_of<problem_code::not_open, "opens_at">(opens_at);
  p.opens_at = std::move(opens_at);
  if (const auto wait_ms = round.definition.opens_at.value - wall_clock().value; wait_ms > 0)
    p.retry_after_ms = static_cast<std::uint32_t>(std::min<std::int64_t>(wait_ms, 3'600'000));
  return p;
}

}  // namespace janji::net
