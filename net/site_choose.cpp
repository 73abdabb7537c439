// The pages that are the same for everybody: made on a thread of their own, once a second for all who ask, from what this node has heard.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <numbers>

#include "booking/states.hpp"
#include "net/page_numbers.hpp"
#include "net/site.hpp"
#include "web/postcodes.hpp"

namespace janji::net {

namespace {

constexpr std::size_t centres_shown_max = 100;
constexpr std::size_t elsewhere_shown = 3;
constexpr std::size_t place_bytes_max = 100;

double km_between(const centre& a, const centre& b) {
  const auto rad = [](double degrees) { return degrees * std::numbers::pi / 180; };
  const double h = std::pow(std::sin(rad(b.latitude - a.latitude) / 2), 2) +
                   std::cos(rad(a.latitude)) * std::cos(rad(b.latitude)) * std::pow(std::sin(rad(b.longitude - a.longitude) / 2), 2);
  return 2 * 6371 * std::asin(std::sqrt(h));
}

std::uint8_t people_of(std::string_view query, std::uint8_t most) {
  const auto text = query_value(query, "people");
  unsigned n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  return error == std::errc{} && end == text.data() + text.size() && n >= 1 && n <= most ? static_cast<std::uint8_t>(n) : std::uint8_t{1};
}

std::string numbers_address(const std::string& page, std::uint8_t people, web::language l) {
  return "/numbers/" + page + "?people=" + std::to_string(people) + "&lang=" + std::string(web::tag_of(l));
}

web::centre_item item_of_centre(const page_numbers& numbers, const round_definition& d, std::uint16_t index, std::uint8_t people) {
  const auto& c = d.centres[index];
  const auto known = numbers.of_centre(index, people);
  return {c.code, c.name, c.district, state_number(c.state), known.free, known.next, c.latitude, c.longitude};
}

// Where a state's capital lies, roughly: what is near a state that has no centre of its own.
constexpr std::array<std::pair<double, double>, state_count> capitals{{{0, 0},
                                                                       {1.49, 103.74},
                                                                       {6.12, 100.37},
                                                                       {6.13, 102.24},
                                                                       {2.19, 102.25},
                                                                       {2.73, 101.94},
                                                                       {3.82, 103.33},
                                                                       {5.41, 100.33},
                                                                       {4.60, 101.08},
                                                                       {6.44, 100.20},
                                                                       {3.07, 101.52},
                                                                       {5.33, 103.14},
                                                                       {5.98, 116.07},
                                                                       {1.55, 110.36},
                                                                       {3.15, 101.69},
                                                                       {5.28, 115.24},
                                                                       {2.93, 101.69}}};

// Those nearest to a centre of the state, or to its capital where it has none, outside of it.
std::vector<web::centre_item> nearest_outside(const page_numbers& numbers, const round_definition& d, std::uint8_t state,
                                              const centre* from, std::uint8_t people) {
  centre capital;
  std::tie(capital.latitude, capital.longitude) = capitals.at(state);
  if (from == nullptr)
    from = &capital;
  std::vector<std::pair<double, std::uint16_t>> far;
  for (std::uint16_t i = 0; i < d.centres.size(); ++i)
    if (state_number(d.centres[i].state) != state)
      far.emplace_back(km_between(*from, d.centres[i]), i);
  std::ranges::stable_sort(far, {}, [](const auto& f) { return f.first; });
  std::vector<web::centre_item> out;
  for (std::size_t i = 0; i < far.size() && i < elsewhere_shown; ++i)
    out.push_back(item_of_centre(numbers, d, far[i].second, people));
  return out;
}

std::string folded(std::string_view text) {
  std::string out;
  for (const char c : text)
    if (c != ' ' && c != '-' && c != '.' && c != '\'')
      out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

}  // namespace

void site::public_page(const request& r, const visit& v, std::vector<std::string> parts, bool numbers, responder&& respond) {
  const auto round = current_round();
  const std::uint8_t most = round == nullptr ? std::uint8_t{4} : round->definition.rules.party_max;
  asked_public a{v, std::move(parts), {}, people_of(r.query, most), numbers};
  if (a.parts.size() == 2 && a.parts[0] == "book" && a.parts[1] == "in")
    a.place = query_value(r.query, "place").substr(0, place_bytes_max);
  // What cannot be: said at once, and nothing is made for it.
  const bool of_centre = a.parts.size() >= 2 && a.parts[a.parts[0] == "book" ? 1 : 0] == "at";
  const auto centre_at = a.parts.empty() ? 0U : a.parts[0] == "book" ? 2U : 1U;
  if (of_centre && round != nullptr && !round->body->centre_by_code.contains(a.parts[centre_at]))
    return not_there(v, respond, "missing", 404);
  if (of_centre && a.parts.size() > centre_at + 1) {
    const auto date = parse_date(a.parts[centre_at + 1]);
    if (!date || (round != nullptr && round->find_group(a.parts[centre_at], *date) == nullptr))
      return not_there(v, respond, "missing", 404);
  }
  const bool of_state = a.parts.size() == centre_at + 1 && centre_at > 0 && a.parts[centre_at - 1] == "in";
  if (of_state && state_number(a.parts[centre_at]) == 0)
    return not_there(v, respond, "missing", 404);
  const auto answer = [this, v, numbers](const std::string& text, unix_ms as_of, bool gzip, const std::shared_ptr<const std::string>& small,
                                         std::string_view etag) {
    auto out = page(v, {}, 200);
    out.fields.clear();
    out.content_type = numbers ? "application/json" : "text/html; charset=utf-8";
    out.add("Cache-Control", "no-cache");
    out.add("Vary", "Accept-Encoding, Accept-Language, Cookie");
    if (!numbers) {
      out.add("Content-Security-Policy", pages_->policy());
      out.add("Referrer-Policy", "same-origin");
    }
    out.add("X-Content-Type-Options", "nosniff");
    out.add("Age", std::to_string(std::max<std::int64_t>(0, (clock_.now().value - as_of.value) / 1000)));
    out.add("ETag", etag);
    if (v.set_language)
      add_cookie(out, v, web::language_cookie, web::tag_of(v.lang), web::mine_cookie_s);
    if (gzip && small != nullptr && !small->empty()) {
      out.add("Content-Encoding", "gzip");
      out.shared = small;
      out.view = *small;
    } else {
      out.body = text;
    }
    return out;
  };
  if (!a.place.empty()) {  // as many as there are words: not kept
    const auto text = render_public(a);
    return respond(answer(text, clock_.now(), false, nullptr, "W/\"search\""));
  }
  std::string name(web::tag_of(v.lang));
  name += numbers ? "#" : "";
  for (const auto& part : a.parts)
    name += "/" + part;
  name += "?" + std::to_string(a.people);
  const auto version = node_.catalogue()->version;
  const bool gzip = accepts_gzip(r.accept_encoding);
  auto kept = std::make_shared<responder>(std::move(respond));
  bodies_.get(
      name, version, clock_.now(), [this, a = std::move(a)] { return render_public(a); },
      [this, v, kept, answer, gzip, seen = std::string(r.if_none_match)](const prepared_bodies::body_ptr& body) {
        if (body == nullptr)
          return not_there(v, *kept, "trouble", 503);
        const auto etag = "W/\"" + std::to_string(std::hash<std::string>{}(body->text)) + "\"";
        auto out = answer(body->text, body->as_of, gzip, body->gzip, etag);
        if (matches_etag(seen, etag)) {
          out.status = 304;
          out.body.clear();
          out.shared.reset();
        }
        (*kept)(std::move(out));
      });
}

std::string site::render_public(const asked_public& a) const {
  const auto& p = a.parts;
  if (p.empty() || p[0] == "home")
    return home(a);
  if (p[0] == "figures")
    return figures(a);
  if (p[0] == "status")
    return status(a);
  if (p[0] == "help" || p[0] == "privacy" || p[0] == "accessibility") {
    auto f = frame_of(a.v, p[0]);
    f.indexed = true;
    f.form_token.clear();
    f.forgettable = false;
    return makers_->text(f, p[0]);
  }
  const std::size_t first = p[0] == "book" ? 1 : 0;
  if (p[first] == "in")
    return centres(a);
  return p.size() == first + 2 ? month(a) : times(a);
}

namespace {

// A public page is the same for everybody: it knows no cookie and has no form that changes anything.
web::frame public_frame(web::frame f) {
  f.indexed = true;
  f.form_token.clear();
  f.forgettable = false;
  return f;
}

}  // namespace

std::string site::home(const asked_public& a) const {
  const page_numbers numbers(node_, current_round());
  const auto f = public_frame(frame_of(a.v, "home"));
  web::home_model m{.people = a.people};
  m.has_round = numbers.round != nullptr;
  if (numbers.round != nullptr) {
    const auto& d = numbers.round->definition;
    m.people_max = d.rules.party_max;
    m.age_min = d.rules.age_min;
    m.age_max = d.rules.age_max;
    std::map<std::uint8_t, web::room> by_state;
    for (std::uint16_t i = 0; i < d.centres.size(); ++i) {
      const auto state = state_number(d.centres[i].state);
      const auto free = numbers.of_centre(i, a.people).free;
      const auto [it, is_new] = by_state.try_emplace(state, web::room{0});
      it->second = free && it->second ? web::room(*free + *it->second) : std::nullopt;
    }
    for (const auto& [state, free] : by_state)
      m.states.push_back({state, free});
    const auto sums = numbers.sums();
    m.places = sums.places;
    if (sums.whole)
      m.booked = sums.booked;
  }
  m.numbers = {numbers.as_of, numbers_address("home", a.people, a.v.lang)};
  return a.numbers ? makers_->home_numbers(f, m) : makers_->home(f, m);
}

std::string site::centres(const asked_public& a) const {
  const auto& pages = a.place.empty() ? *makers_ : *pages_;  // a search is made where it is asked
  const page_numbers numbers(node_, current_round());
  const auto f = public_frame(frame_of(a.v, "centres"));
  web::centres_model m{.people = a.people, .query = "people=" + std::to_string(a.people)};
  const std::size_t first = a.parts[0] == "book" ? 2 : 1;
  std::string poll = "in";
  if (a.parts.size() > first) {
    m.state = state_number(a.parts[first]);
    poll += "/" + web::percent_encoded(a.parts[first]);
  } else if (!a.place.empty()) {
    m.searched = a.place;
    m.state = state_number(a.place);
    if (const auto area = web::area_of_postcode(a.place)) {
      m.state = area->state;
      m.digits = area->digits;
    }
  }
  if (numbers.round != nullptr) {
    const auto& d = numbers.round->definition;
    m.people_max = d.rules.party_max;
    const auto wanted = folded(m.searched);
    const centre* one = nullptr;
    const auto take = [&](auto&& fits) {
      for (std::uint16_t i = 0; i < d.centres.size() && m.centres.size() < centres_shown_max; ++i)
        if (fits(d.centres[i])) {
          m.centres.push_back(item_of_centre(numbers, d, i, a.people));
          one = &d.centres[i];
        }
    };
    if (m.state != 0) {
      take([&](const centre& c) { return state_number(c.state) == m.state; });
      m.searched.clear();
      m.elsewhere = nearest_outside(numbers, d, m.state, one, a.people);
    } else if (!wanted.empty()) {
      take([&](const centre& c) {
        return folded(c.name).contains(wanted) || folded(c.district).contains(wanted) || folded(c.code) == wanted;
      });
      m.found = !m.centres.empty();
    }
    if (m.state == 0 && m.centres.empty())
      take([](const centre&) { return true; });
  }
  m.numbers = {numbers.as_of, a.place.empty() ? numbers_address(poll, a.people, a.v.lang) : std::string{}};
  return a.numbers ? pages.centres_numbers(f, m) : pages.centres(f, m);
}

std::string site::month(const asked_public& a) const {
  const page_numbers numbers(node_, current_round());
  const auto f = public_frame(frame_of(a.v, "month"));
  const auto& code = a.parts.back();
  web::month_model m{.people = a.people, .centre = code};
  m.base = "/book/at/" + web::percent_encoded(code) + "/";
  m.query = "people=" + std::to_string(a.people);
  m.today = date_at(f.now, f.offset);
  fill_month(numbers, code, m);
  if (numbers.round != nullptr) {
    const auto it = numbers.round->body->centre_by_code.find(code);
    if (it != numbers.round->body->centre_by_code.end())
      m.back = "/book/in/" + web::percent_encoded(numbers.round->definition.centres[it->second].state) + "?" + m.query;
    if (!m.days.empty() && std::ranges::none_of(m.days, [](const auto& day) { return !day.free || *day.free > 0; }))
      m.nearest = near(*numbers.round, code, m.today, a.people);
  }
  m.numbers = {numbers.as_of, numbers_address("at/" + web::percent_encoded(code), a.people, a.v.lang)};
  return a.numbers ? makers_->month_numbers(f, m) : makers_->month(f, m);
}

std::string site::times(const asked_public& a) const {
  const page_numbers numbers(node_, current_round());
  const auto f = public_frame(frame_of(a.v, "times"));
  const auto& code = a.parts[a.parts.size() - 2];
  const auto date = parse_date(a.parts.back());
  web::times_model m{.people = a.people, .centre = code, .date = date.value_or(civil_date{}), .ending = "/details"};
  m.base = "/book/at/" + web::percent_encoded(code) + "/" + a.parts.back() + "/";
  m.query = "people=" + std::to_string(a.people);
  m.back = "/book/at/" + web::percent_encoded(code) + "?" + m.query;
  fill_times(numbers, code, m);
  if (numbers.round != nullptr && std::ranges::none_of(m.windows, [](const auto& w) { return !w.free || *w.free > 0; }))
    m.nearest = near(*numbers.round, code, m.date, a.people);
  m.numbers = {numbers.as_of, numbers_address("at/" + web::percent_encoded(code) + "/" + a.parts.back(), a.people, a.v.lang)};
  return a.numbers ? makers_->times_numbers(f, m) : makers_->times(f, m);
}

// The same centre's nearest days first, then its state's; what is not known to be free is not offered, nor is the time `but` of that day,
// which somebody was just refused, though the numbers may be older than that.
std::vector<web::near_place> site::near(const actors::round_entry& round, std::string_view code, civil_date date, std::uint8_t people,
                                        std::optional<std::uint16_t> but) const {
  const auto& d = round.definition;
  const auto own = round.body->centre_by_code.find(code);
  if (own == round.body->centre_by_code.end())
    return {};
  const page_numbers numbers(node_, round.body == nullptr ? nullptr : std::make_shared<const actors::round_entry>(round));
  const auto wanted = day_number_of(date);
  const auto& state = d.centres[own->second].state;
  struct found {
    bool elsewhere;
    std::int32_t days;
    web::near_place place;
  };
  std::vector<found> all;
  for (const auto& g : d.groups) {
    if (d.centres[g.centre].state != state)
      continue;
    for (std::size_t w = 0; w < g.windows.size(); ++w) {
      const auto free = numbers.of_window(g, w);
      const bool refused = but && g.windows[w].opens_minute == *but && g.centre == own->second && g.date == date;
      if (!free || *free < people || refused || numbers.is_over(g, w))
        continue;
      all.push_back({g.centre != own->second,
                     std::abs(day_number_of(g.date) - wanted),
                     {d.centres[g.centre].code, d.centres[g.centre].name, g.date, g.windows[w].opens_minute, *free}});
    }
  }
  constexpr std::size_t shown = 3;
  const auto some = std::min(shown, all.size());
  std::ranges::partial_sort(all, all.begin() + static_cast<std::ptrdiff_t>(some), {},
                            [](const found& f) { return std::pair{f.elsewhere, f.days}; });
  std::vector<web::near_place> out;
  for (std::size_t i = 0; i < some; ++i)
    out.push_back(all[i].place);
  return out;
}

std::string site::figures(const asked_public& a) const {
  const page_numbers numbers(node_, current_round());
  const auto f = public_frame(frame_of(a.v, "figures"));
  const auto& words = makers_->all();
  web::figures_model m;
  m.numbers = {numbers.as_of, "/numbers/figures?lang=" + std::string(web::tag_of(a.v.lang))};
  const auto sums = numbers.sums();
  m.heard = sums.whole && numbers.round != nullptr;
  m.places = sums.places;
  m.booked = sums.booked;
  m.free = sums.free;
  m.cancelled = sums.cancelled;
  if (numbers.round != nullptr) {
    const auto& d = numbers.round->definition;
    for (std::uint16_t i = 0; i < d.centres.size() && i < centres_shown_max; ++i) {
      const auto of = numbers.sums_of_centre(i);
      const auto known = [&](std::uint64_t n) { return of.whole ? std::optional(n) : std::nullopt; };
      m.centres.push_back({d.centres[i].name, "ms", {of.places, known(of.booked), known(of.free)}});
    }
    const auto by_state = numbers.booked_by_state();
    for (std::uint8_t s = 0; s < state_count; ++s)
      if (by_state[s] != 0)
        m.states.push_back({words.say(a.v.lang, s == 0 ? std::string("state_not_said") : "state_" + std::to_string(s)), "", {by_state[s]}});
  }
  const auto told = node_.refusals();
  for (const auto& [code, times] : told.by_code)
    m.refusals.push_back({code, "en", {times}});
  m.since = told.since;
  m.nodes = told.nodes;
  m.nodes_all = told.nodes + told.unheard;
  return a.numbers ? makers_->figures_numbers(f, m) : makers_->figures(f, m);
}

std::string site::status(const asked_public& a) const {
  const page_numbers numbers(node_, current_round());
  const auto f = public_frame(frame_of(a.v, "status"));
  constexpr std::int64_t old_after_ms = 10'000;
  web::status_model m;
  const auto now = node_.now();
  const auto fresh = node_.how_fresh();
  const auto state_of = [&](const std::optional<unix_ms>& at) {
    return !at ? web::part_state::unknown : now.value - at->value > old_after_ms ? web::part_state::old : web::part_state::good;
  };
  m.rounds_at = fresh->of_rounds;
  m.rounds = state_of(fresh->of_rounds);
  m.places_at = numbers.as_of;
  m.places = state_of(numbers.as_of);
  const auto status = node_.status();
  const bool some_wait =
      std::ranges::any_of(status.shards, [](const auto& s) { return s.missing.has_value(); }) || !status.shards_unheard.empty();
  m.bookings = is_stopping_()  ? web::part_state::stopping
               : some_wait     ? web::part_state::some_old
               : node_.ready() ? web::part_state::good
                               : web::part_state::unknown;
  m.numbers = {numbers.as_of, {}};
  constexpr std::size_t hour = 60;
  const std::lock_guard lock{minutes_mutex_};
  for (const auto& minute : minutes_.last(f.now, hour))
    m.hour.push_back({minute.at, minute.booked});
  return makers_->status(f, m);
}

}  // namespace janji::net
