#include "apps/load/audit.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <boost/json.hpp>
#include <fstream>

namespace janji::load {

namespace json = boost::json;

namespace {

struct row {
  const char* words;
  const char* name;
  std::uint64_t audit_findings::* value;
};
constexpr std::array breach_rows{
    row{"promised and not there (phantom yes)", "phantom_yes", &audit_findings::phantom_yes},
    row{"at another place than promised", "places_differ", &audit_findings::places_differ},
    row{"with another status than told", "status_differs", &audit_findings::status_differs},
    row{"places beyond capacity", "over_capacity", &audit_findings::over_capacity},
    row{"in windows that do not exist", "unknown_windows", &audit_findings::unknown_windows},
    row{"citizens who hold two", "citizens_with_two", &audit_findings::citizens_with_two},
    row{"keys answered with two references", "keys_with_two_answers", &audit_findings::keys_with_two_answers},
    row{"keys confirmed and later refused", "confirmed_then_refused", &audit_findings::confirmed_then_refused},
    row{"refused, then booked by an older request", "refused_then_booked", &audit_findings::refused_then_booked},
    row{"second bookings promised", "second_bookings", &audit_findings::second_bookings},
    row{"entries nobody can have asked for", "unasked_entries", &audit_findings::unasked_entries},
    row{"bookings live under a wrong generation", "generations_wrong", &audit_findings::generations_wrong},
    row{"places left free when all said full", "left_free", &audit_findings::left_free},
};
constexpr std::array unknown_rows{
    row{"requests with an unknown outcome", "requests", &audit_findings::unknown_requests},
    row{"asked again: had come true", "told_later", &audit_findings::unknown_told_later},
    row{"asked again: came true then", "made_good", &audit_findings::unknown_made_good},
    row{"asked again: refused", "refused_later", &audit_findings::unknown_refused_later},
    row{"not asked again: found in the store", "came_true", &audit_findings::unknown_came_true},
    row{"not asked again: not in the store", "not_true", &audit_findings::unknown_not_true},
};

std::string day_of(const std::string& place) { return place.substr(0, place.rfind('/')); }

// An answer that says no for good: the same request would not have been refused had it been confirmed before.
bool clear_refusal(const record_entry& e) { return e.result == outcome::no && e.status != 429; }

}  // namespace

std::uint64_t audit_findings::breaches() const {
  std::uint64_t sum = 0;
  for (const auto& r : breach_rows)
    sum += this->*r.value;
  return sum;
}

std::expected<stored_booking, std::string> read_stored(std::string_view line) {
  std::array<unsigned char, 4096> buffer;
  json::monotonic_resource memory(buffer.data(), buffer.size());
  json::error_code ec;
  const auto v = json::parse(json::string_view(line.data(), line.size()), ec, &memory);
  if (ec || !v.is_object())
    return std::unexpected("not a JSON object");
  const auto& o = v.get_object();
  const auto text = [&](json::string_view name) {
    const auto* f = o.if_contains(name);
    return f != nullptr && f->is_string() ? std::string(f->get_string().data(), f->get_string().size()) : std::string{};
  };
  stored_booking b;
  b.reference = text("reference");
  b.round = text("round");
  b.place = text("centre") + "/" + text("date") + "/" + text("window");
  b.status = text("status");
  b.citizen = text("citizen");
  if (const auto* g = o.if_contains("generation"); g != nullptr && g->is_number())
    b.generation = g->to_number<std::uint64_t>(ec);
  if (b.reference.empty() || b.citizen.empty() || (b.status != "confirmed" && b.status != "cancelled" && b.status != "moved"))
    return std::unexpected("a line of the export lacks its reference, citizen or a known status");
  return b;
}

void audit::example(const char* of, std::string words) {
  if (examples_[of]++ < 5)
    found_.examples.push_back(std::move(words));
}

std::uint32_t audit::place_number(const std::string& place) {
  const auto [it, fresh] = place_numbers_.try_emplace(place, static_cast<std::uint32_t>(places_.size()));
  if (fresh)
    places_.push_back(place);
  return it->second;
}

void audit::header(const record_header& h) {
  round_ = h.round;
  for (const auto& s : h.slots)
    capacity_[place_number(s.place())] = s.capacity;
}

void audit::answer(const record_entry& e) {
  ++found_.answers;
  if (e.what == operation::book || e.what == operation::second)
    booking_answer(e);
  else if (e.what != operation::browse)
    change_answer(e);
}

namespace {

// shard, then what is compared: epoch, boot, count. None: not said, or nonsense.
std::optional<std::array<std::uint64_t, 4>> stamp_of(std::string_view text) {
  std::array<std::uint64_t, 4> out{};
  const auto* at = text.data();
  const auto* end = text.data() + text.size();
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto read = std::from_chars(at, end, out[i]);
    if (read.ec != std::errc{} || (i + 1 < out.size() ? read.ptr == end || *read.ptr != '.' : read.ptr != end))
      return std::nullopt;
    at = read.ptr + 1;
  }
  return out;
}

}  // namespace

// The number of each refusal of a key, and how new the request was that was booked: whoever was told refused last must not be
// booked by a request that came before it. Key and place are those of one body.
void audit::check_stamps(const record_entry& e, story& s) {
  if (e.stamp.empty())
    return;
  const auto mine = e.place + ' ' + e.stamp;
  if (e.result == outcome::no && e.code != "idempotency_key_reused")
    s.refusals.push_back(mine);
  if (e.result != outcome::yes || e.repeated)
    return;
  const auto booked = stamp_of(e.stamp);
  for (const auto& r : s.refusals) {
    const auto refused = stamp_of(std::string_view(r).substr(r.rfind(' ') + 1));
    if (!booked || !refused || !r.starts_with(e.place + ' ') || (*booked)[0] != (*refused)[0] || *booked >= *refused)
      continue;
    ++found_.refused_then_booked;
    example("ghost", fmt::format("key {} was refused as {} and booked by a request of {}", e.key, r, e.stamp));
  }
}

void audit::booking_answer(const record_entry& e) {
  auto& s = stories_[e.key];
  check_stamps(e, s);
  s.people = static_cast<std::uint8_t>(e.people);
  s.citizen = e.citizen;
  s.second = e.what == operation::second;
  if (!s.promised)
    s.asked = place_number(e.place);
  if (e.result == outcome::unknown) {
    s.unknown = true;
    s.refused = false;
    return;
  }
  if (e.result == outcome::no) {
    if (s.promised && clear_refusal(e)) {
      ++found_.confirmed_then_refused;
      example("refused", fmt::format("key {} was confirmed and later refused with {} {}", e.key, e.status, e.code));
    }
    s.refused = true;
    return;
  }
  if (s.promised) {
    std::vector<std::string> before;
    before.reserve(s.references.size());
    for (const auto r : s.references)
      before.push_back(references_[r]);
    if (before != e.references) {
      ++found_.keys_with_two_answers;
      example("two answers", fmt::format("key {} was answered with {} and with {}", e.key, before.empty() ? "nothing" : before.front(),
                                         e.references.empty() ? "nothing" : e.references.front()));
    }
    return;
  }
  s.promised = true;
  s.told_later = s.unknown && e.repeated;
  for (std::size_t i = 0; i < e.references.size(); ++i) {
    const auto [it, fresh] = reference_numbers_.try_emplace(e.references[i], promises_.size());
    if (!fresh) {
      ++found_.keys_with_two_answers;
      example("two answers", fmt::format("reference {} was given to two keys", e.references[i]));
      continue;
    }
    references_.push_back(e.references[i]);
    promise p;
    p.places.push_back(s.asked);
    p.citizen = e.citizen + i;
    promises_.push_back(std::move(p));
    s.references.push_back(it->second);
    ++found_.confirmations;
  }
}

void audit::change_answer(const record_entry& e) {
  for (const auto& ref : e.references) {
    const auto it = reference_numbers_.find(ref);
    if (it == reference_numbers_.end())
      continue;
    auto& p = promises_[it->second];
    if (e.what == operation::cancel) {
      p.cancelled = p.cancelled || e.result == outcome::yes;
      p.maybe_cancelled = p.maybe_cancelled || e.result == outcome::unknown;
    } else if (e.result == outcome::yes) {
      p.places = {place_number(e.place)};
    } else if (e.result == outcome::unknown) {
      p.places.push_back(place_number(e.place));
    }
  }
}

void audit::stored(const stored_booking& b) {
  if (!round_.empty() && b.round != round_)
    return;  // of citizens whom this record knows nothing of
  const auto place = place_number(b.place);
  ++(b.live() ? found_.entries_live : found_.entries_not_live);
  if (b.live()) {
    if (round_.empty() || b.round == round_)
      ++live_in_[place];
    const auto [holder, first] = live_citizens_.try_emplace(b.round + '/' + b.citizen, b.reference);
    if (!first && holder->second != b.reference) {
      ++found_.citizens_with_two;
      example("two", fmt::format("citizen {} holds {} and {}", b.citizen, holder->second, b.reference));
    }
  }
  const auto known = reference_numbers_.find(b.reference);
  if (known == reference_numbers_.end()) {
    if (b.live())
      ++unmatched_[day_of(b.place)];
    return;
  }
  auto& p = promises_[known->second];
  p.found = true;
  p.newest_generation = std::max(p.newest_generation, b.generation);
  if (!b.live())
    return;
  if (p.found_live) {
    ++found_.generations_wrong;
    example("generation", fmt::format("{} is live at {} and at {}", b.reference, places_[p.live_place], b.place));
  }
  p.found_live = true;
  p.live_place = place;
  p.live_generation = b.generation;
}

void audit::check_promises() {
  for (std::size_t i = 0; i < promises_.size(); ++i) {
    const auto& p = promises_[i];
    const auto& ref = references_[i];
    if (!p.found) {
      ++found_.phantom_yes;
      example("phantom", fmt::format("{} (citizen {}) was promised at {} and is not stored", ref, p.citizen, places_[p.places.front()]));
      continue;
    }
    if (p.found_live ? p.cancelled : !p.cancelled && !p.maybe_cancelled) {
      ++found_.status_differs;
      example("status", fmt::format("{} is {}, its citizen was told otherwise", ref, p.found_live ? "live" : "not live"));
      continue;
    }
    if (!p.found_live)
      continue;
    if (std::ranges::find(p.places, p.live_place) == p.places.end()) {
      ++found_.places_differ;
      example("place", fmt::format("{} was promised at {} and is stored at {}", ref, places_[p.places.front()], places_[p.live_place]));
    }
    if (p.live_generation < p.newest_generation && p.places.size() == 1) {
      ++found_.generations_wrong;
      example("generation", fmt::format("{} is live under generation {} though {} is known", ref, p.live_generation, p.newest_generation));
    }
  }
}

void audit::check_windows() {
  for (const auto& [place, live] : live_in_) {
    const auto it = capacity_.find(place);
    if (it == capacity_.end()) {
      if (capacity_.empty())
        continue;
      found_.unknown_windows += live;
      example("window", fmt::format("{} bookings are at {}, which the round does not have", live, places_[place]));
    } else if (live > it->second) {
      found_.over_capacity += live - it->second;
      example("capacity", fmt::format("{} has {} bookings for {} places", places_[place], live, it->second));
    }
  }
  if (!options_.expect_full)
    return;
  for (const auto& [place, capacity] : capacity_) {
    const auto it = live_in_.find(place);
    const auto live = it == live_in_.end() ? 0 : it->second;
    if (live < capacity) {
      found_.left_free += capacity - live;
      example("free", fmt::format("{} has {} places left", places_[place], capacity - live));
    }
  }
}

// A citizen with a live booking must not be promised another, under whatever key.
void audit::check_seconds() {
  for (const auto& [key, s] : stories_) {
    if (!s.second || !s.promised)
      continue;
    ++found_.second_bookings;
    example("second", fmt::format("citizen {} was promised a second booking under key {}", s.citizen, key));
  }
}

void audit::settle_unknowns() {
  std::map<std::string, std::uint64_t> open;  // centre/date -> people whose outcome stayed unknown
  for (const auto& [key, s] : stories_) {
    if (!s.unknown)
      continue;
    ++found_.unknown_requests;
    if (s.promised) {
      ++(s.told_later ? found_.unknown_told_later : found_.unknown_made_good);
    } else if (s.refused) {
      ++found_.unknown_refused_later;  // a clear no ends it: were it stored, somebody was lied to
    } else if (found_.compared) {
      open[day_of(places_[s.asked])] += s.people;
    }
  }
  if (!found_.compared)
    return;
  for (const auto& [day, people] : open) {
    const auto it = unmatched_.find(day);
    const auto there = it == unmatched_.end() ? 0 : it->second;
    const auto true_ones = std::min(there, people);
    found_.unknown_came_true += true_ones;
    found_.unknown_not_true += people - true_ones;
  }
  if (options_.others_booked_too)
    return;
  for (const auto& [day, there] : unmatched_) {
    const auto it = open.find(day);
    const auto possible = it == open.end() ? 0 : it->second;
    if (there > possible) {
      found_.unasked_entries += there - possible;
      example("unasked",
              fmt::format("{} has {} live entries that nobody was promised, {} can be of unknown outcomes", day, there, possible));
    }
  }
}

audit_findings audit::finish(bool compared) {
  found_.compared = compared;
  check_seconds();
  if (compared) {
    check_promises();
    check_windows();
  }
  settle_unknowns();
  return std::move(found_);
}

std::expected<audit_findings, std::string> audit_files(const std::string& record_file, const std::string& export_file,
                                                       const audit_options& o) {
  // The header comes before the answers: it is read on its own first.
  std::ifstream head(record_file);
  std::string line;
  if (!head || !std::getline(head, line))
    return std::unexpected("cannot read " + record_file);
  const auto header = read_header(line);
  if (!header)
    return std::unexpected(record_file + ": " + header.error());
  auto options = o;
  options.expect_full = o.expect_full || header->mode == "fill";
  audit a(options);
  a.header(*header);
  std::uint64_t torn = 0;
  if (auto read = read_record(record_file, [&](record_entry&& e) { a.answer(e); }, torn); !read)
    return std::unexpected(read.error());
  if (!export_file.empty()) {
    std::ifstream in(export_file);
    if (!in)
      return std::unexpected("cannot read " + export_file);
    for (std::uint64_t row = 1; std::getline(in, line); ++row) {
      if (line.empty())
        continue;
      const auto b = read_stored(line);
      if (!b)
        return std::unexpected(fmt::format("{}:{}: {}", export_file, row, b.error()));
      a.stored(*b);
    }
  }
  auto f = a.finish(!export_file.empty());
  f.torn_lines = torn;
  return f;
}

std::string as_table(const audit_findings& f) {
  std::string out;
  auto to = std::back_inserter(out);
  fmt::format_to(to, "Audit of {} answers{}\n", f.answers, f.compared ? "" : " (the record alone: no export was given)");
  fmt::format_to(to, "  {:<44}{:>12}\n", "promised bookings", f.confirmations);
  if (f.compared)
    fmt::format_to(to, "  {:<44}{:>12}\n  {:<44}{:>12}\n", "live entries in the store", f.entries_live, "entries no longer live",
                   f.entries_not_live);
  for (const auto& r : breach_rows)
    fmt::format_to(to, "  {:<44}{:>12}{}\n", r.words, f.*r.value, f.*r.value == 0 ? "" : "  BREACH");
  if (f.compared)
    fmt::format_to(to, "  {:<44}{:>11.4f}%\n", "phantom-yes rate", 100 * f.phantom_rate());
  for (const auto& r : unknown_rows)
    fmt::format_to(to, "  {:<44}{:>12}\n", r.words, f.*r.value);
  for (const auto& e : f.examples)
    fmt::format_to(to, "  - {}\n", e);
  fmt::format_to(to, "{}\n", f.breaches() == 0 ? "Every promise was kept." : fmt::format("{} BREACHES.", f.breaches()));
  return out;
}

std::string as_json(const audit_findings& f) {
  json::object breaches;
  json::object unknown;
  for (const auto& r : breach_rows)
    breaches[r.name] = f.*r.value;
  for (const auto& r : unknown_rows)
    unknown[r.name] = f.*r.value;
  json::array examples;
  for (const auto& e : f.examples)
    examples.push_back(json::string(e));
  return json::serialize(json::object{{"clean", f.breaches() == 0},
                                      {"compared_with_export", f.compared},
                                      {"answers", f.answers},
                                      {"confirmations", f.confirmations},
                                      {"entries_live", f.entries_live},
                                      {"entries_not_live", f.entries_not_live},
                                      {"phantom_yes_rate", f.phantom_rate()},
                                      {"breaches", std::move(breaches)},
                                      {"unknown", std::move(unknown)},
                                      {"torn_lines", f.torn_lines},
                                      {"examples", std::move(examples)}});
}

}  // namespace janji::load
