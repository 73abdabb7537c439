#include "apps/load/report.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>

namespace janji::load {

namespace json = boost::json;

namespace {
double ms(std::uint64_t us) { return static_cast<double>(us) / 1000; }
double us_of_cpu(const run_stats& s) {
  return s.requests == 0 || s.measured_s <= 0 ? 0 : s.client_cpu_s * 1e6 / static_cast<double>(s.requests);
}
}  // namespace

std::string as_table(const run_options& o, const run_stats& s, const server_audit& a) {
  std::string out;
  auto to = std::back_inserter(out);
  fmt::format_to(to, "{}: {} connections, {} thread{}, {}, {:.2f} s measured, seed {}\n", o.mode_name, o.connections, o.threads,
                 o.threads == 1 ? "" : "s",
                 o.rate > 0 ? fmt::format("open loop at {:.0f}/s (latency from the schedule)", o.rate) : std::string("closed loop"),
                 s.measured_s, o.seed);
  fmt::format_to(to, "{:<14}{:>12}{:>12}{:>10}{:>10}{:>10}{:>10}{:>10}{:>10}\n", "answers", "count", "a second", "mean ms", "p50", "p90",
                 "p99", "p99.9", "max");
  for (std::size_t i = 0; i < answer_class_count; ++i) {
    const auto& h = s.latency_us[i];
    if (h.count() != 0)
      fmt::format_to(to, "{:<14}{:>12}{:>12.0f}{:>10.2f}{:>10.2f}{:>10.2f}{:>10.2f}{:>10.2f}{:>10.2f}\n", answer_class_names[i], h.count(),
                     s.rate(static_cast<answer_class>(i)), h.mean() / 1000, ms(h.percentile(50)), ms(h.percentile(90)),
                     ms(h.percentile(99)), ms(h.percentile(99.9)), ms(h.max()));
  }
  if (s.people_confirmed != 0)
    fmt::format_to(to, "people confirmed {}\n", s.people_confirmed);
  for (const auto& [code, n] : s.codes)
    fmt::format_to(to, "  {:<38}{:>12}\n", code, n);
  fmt::format_to(to, "sent {} bytes, received {}; {} connections made, {} lost; client {:.2f} us of CPU a request\n", s.bytes_sent,
                 s.bytes_received, s.connects, s.connections_lost, us_of_cpu(s));
  if (s.retries_of_unknowns != 0 || s.unresolved != 0)
    fmt::format_to(to, "unknown outcomes asked again {} times, {} unknown to the end\n", s.retries_of_unknowns, s.unresolved);
  if (s.follow_ups_dropped != 0)
    fmt::format_to(to, "{} retries, cancels or moves were left out: too many were waiting\n", s.follow_ups_dropped);
  if (o.mode == run_mode::fill)
    fmt::format_to(to, "{}\n",
                   s.windows_left == 0 ? std::string("every window said full") : fmt::format("{} windows never said full", s.windows_left));
  if (a.asked)
    fmt::format_to(to, "audit of the store: {}{}\n", a.words,
                   a.shown == 0 ? std::string() : fmt::format("; {} bookings looked up, {} missing", a.shown, a.missing));
  if (!s.fatal.empty())
    fmt::format_to(to, "ENDED EARLY: {}\n", s.fatal);
  return out;
}

std::string as_json(const run_options& o, const run_stats& s, const server_audit& a) {
  json::object classes;
  for (std::size_t i = 0; i < answer_class_count; ++i) {
    const auto& h = s.latency_us[i];
    if (h.count() != 0)
      classes[answer_class_names[i].data()] = json::object{{"count", h.count()},
                                                           {"per_s", s.rate(static_cast<answer_class>(i))},
                                                           {"mean_ms", h.mean() / 1000},
                                                           {"p50_ms", ms(h.percentile(50))},
                                                           {"p90_ms", ms(h.percentile(90))},
                                                           {"p99_ms", ms(h.percentile(99))},
                                                           {"p999_ms", ms(h.percentile(99.9))},
                                                           {"max_ms", ms(h.max())}};
  }
  json::object codes;
  for (const auto& [code, n] : s.codes)
    codes[code] = n;
  json::object out{{"mode", o.mode_name},
                   {"connections", o.connections},
                   {"threads", o.threads},
                   {"rate", o.rate},
                   {"seed", o.seed},
                   {"measured_s", s.measured_s},
                   {"requests", s.requests},
                   {"people_confirmed", s.people_confirmed},
                   {"answers", std::move(classes)},
                   {"codes", std::move(codes)},
                   {"bytes_sent", s.bytes_sent},
                   {"bytes_received", s.bytes_received},
                   {"connects", s.connects},
                   {"connections_lost", s.connections_lost},
                   {"client_cpu_us_per_request", us_of_cpu(s)},
                   {"unknowns_asked_again", s.retries_of_unknowns},
                   {"unresolved", s.unresolved},
                   {"follow_ups_dropped", s.follow_ups_dropped}};
  if (o.mode == run_mode::fill)
    out["windows_left"] = s.windows_left;
  if (a.asked)
    out["audit"] = json::object{{"clean", a.clean}, {"words", a.words}, {"shown", a.shown}, {"missing", a.missing}};
  if (!s.fatal.empty())
    out["ended_early"] = s.fatal;
  return json::serialize(out) + "\n";
}

}  // namespace janji::load
