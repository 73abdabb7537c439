// The pages that are the same for everybody: made on a thread of their own, once a second for all who ask, from what this node has heard.
#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>

#include "booking/assert.hpp"
#include "booking/states.hpp"
#include "booking/text_parts.hpp"
#include "net/centre_search.hpp"
#include "net/page_numbers.hpp"
#include "net/site.hpp"
#include "web/codes.hpp"

namespace janji::net {

namespace {

std::string numbers_address(const std::string& page, std::uint8_t people, web::language l) {
  return "/numbers/" + page + "?people=" + std::to_string(people) + "&lang=" + std::string(web::tag_of(l));
}

}  // namespace

std::size_t site::people_asked(std::string_view query, std::size_t otherwise, std::size_t most) {
  const auto said = whole_number(query_value(query, "people"));
  return static_cast<std::size_t>(std::min<std::uint64_t>(said && *said >= 1 ? *said : otherwise, most));
}

std::optional<site::asked_public> site::asked_of(const request& r, const visit& v, const page_match& at) const {
  const auto round = current_round();
  asked_public a{.page = at.row->to, .lang = v.lang, .address = v.address.substr(0, v.address.find('?'))};
  a.people = static_cast<std::uint8_t>(people_asked(r.query, 1, round == nullptr ? std::uint8_t{4} : round->definition.rules.party_max));
  a.numbers = at.row->pattern.starts_with("/numbers/");
  const auto people_query = a.people == 1 ? std::string{} : "?people=" + std::to_string(a.people);
  a.address += people_query;
  switch (a.page) {
    case page_endpoint::centres:
      a.place = searched_place(r.query);
      if (!a.place.empty())
        a.address = v.address;
      return a;
    case page_endpoint::centres_in:
    case page_endpoint::numbers_in:
      a.state = state_number(at.arguments[0]);
      if (a.state == 0)
        return std::nullopt;
      a.address = "/book/in/" + percent_encoded(state_name(a.state)) + people_query;  // however it was written
      return a;
    case page_endpoint::times:
    case page_endpoint::numbers_day: {
      const auto date = parse_date(at.arguments[1]);
      if (round == nullptr || !date || round->find_group(at.arguments[0], *date) == nullptr)
        return std::nullopt;
      a.date = *date;
      a.centre = at.arguments[0];
      return a;
    }
    case page_endpoint::month:
    case page_endpoint::numbers_at:
      if (round == nullptr || !round->body->centre_by_code.contains(at.arguments[0]))
        return std::nullopt;
      a.centre = at.arguments[0];
      return a;
    default: return a;
  }
}

response site::public_answer(const visit& v, const asked_public& a, unix_ms as_of, std::string_view etag) const {
  response out{.content_type = a.numbers ? "application/json" : "text/html; charset=utf-8", .no_store = false};
  out.add("Cache-Control", "no-cache");
  out.add("Vary", "Accept-Encoding, Accept-Language, Cookie");
  if (!a.numbers) {
    out.add("Content-Security-Policy", pages_->policy());
    out.add("Referrer-Policy", "same-origin");
  }
  out.add("X-Content-Type-Options", "nosniff");
  if (v.secure)
    out.add(strict_transport.first, strict_transport.second);
  out.add("Age", std::to_string(std::max<std::int64_t>(0, (clock_.now().value - as_of.value) / 1000)));
  if (!etag.empty())
    out.add("ETag", etag);
  keep_language(out, v);
  return out;
}

void site::public_page(const request& r, visit& v, const page_match& at, responder&& respond) {
  auto asked = asked_of(r, v, at);
  if (!asked) {
    open_kept(r, v);
    return no_such_place(v, respond);
  }
  const auto name = fmt::format("{}{}{}", web::tag_of(v.lang), asked->numbers ? "#" : " ", asked->address);
  auto kept = std::make_shared<responder>(std::move(respond));
  bodies_.get(
      name, node_.catalogue()->version, clock_.now(), [this, a = *asked] { return render_public(a); },
      [this, v, a = *asked, kept, seen = std::string(r.if_none_match)](const prepared_bodies::body_ptr& body) {
        if (body == nullptr)
          return not_there(v, *kept, "trouble", 503);
        if (body->etag.empty())
          body->etag = fmt::format("W/\"{:x}\"", XXH3_64bits(body->text.data(), body->text.size()));
        auto out = public_answer(v, a, body->as_of, body->etag);
        if (matches_etag(seen, body->etag))
          out.status = 304;
        else
          put_body(out, body, v.gzip);
        (*kept)(std::move(out));
      });
}

std::string site::render_public(const asked_public& a) const {
  switch (a.page) {
    case page_endpoint::home:
    case page_endpoint::numbers_home: return home(a);
    case page_endpoint::figures: return figures(a);
    case page_endpoint::status: return status(a);
    case page_endpoint::help: return makers_->text(public_frame(a, "help"), "help");
    case page_endpoint::privacy: return makers_->text(public_frame(a, "privacy"), "privacy");
    case page_endpoint::accessibility: return makers_->text(public_frame(a, "accessibility"), "accessibility");
    case page_endpoint::receipt: return receipt_page(a);
    case page_endpoint::month:
    case page_endpoint::numbers_at: return month(a);
    case page_endpoint::times:
    case page_endpoint::numbers_day: return times(a);
    case page_endpoint::centres:
    case page_endpoint::centres_in:
    case page_endpoint::numbers_in: return centres(a);
    default: assert_always(false, "site::handle() sends public pages here, and no others");
  }
  return {};
}

// A public page is the same for everybody: it knows no cookie and has no form that changes anything.
web::frame site::public_frame(const asked_public& a, std::string page) const {
  visit nobody;
  nobody.lang = a.lang;
  nobody.address = a.address;
  auto f = frame_of(nobody, std::move(page));
  f.indexed = true;
  return f;
}

std::string site::home(const asked_public& a) const {
  const page_numbers numbers(node_, current_round());
  const auto f = public_frame(a, "home");
  web::home_model m{.people = a.people};
  m.has_round = numbers.round != nullptr;
  if (numbers.round != nullptr) {
    const auto& d = numbers.round->definition;
    m.people_max = d.rules.party_max;
    m.age_min = d.rules.age_min;
    m.age_max = d.rules.age_max;
    std::map<std::uint8_t, added_places> by_state;
    for (std::uint16_t i = 0; i < d.centres.size(); ++i)
      by_state[state_number(d.centres[i].state)].add(numbers.of_centre(i, a.people).at);
    for (const auto& [state, sum] : by_state)
      m.states.push_back({state, sum.sum()});
    const auto sums = numbers.sums();
    m.places = sums.places;
    if (sums.whole)
      m.booked = sums.booked;
  }
  m.numbers = {numbers.as_of, numbers_address("home", a.people, a.lang)};
  return a.numbers ? makers_->home_numbers(f, m) : makers_->home(f, m);
}

std::string site::centres(const asked_public& a) const {
  const page_numbers numbers(node_, current_round());
  const auto f = public_frame(a, "centres");
  const auto people = std::to_string(a.people);
  web::centres_model m{.people = a.people, .state = a.state, .query = "people=" + people, .hidden = {{"people", people}}};
  fill_centres(numbers, makers_->all(), a.place, m);
  if (numbers.round != nullptr)
    m.people_max = numbers.round->definition.rules.party_max;
  const auto poll = a.state == 0 ? std::string("in") : "in/" + percent_encoded(state_name(a.state));
  m.numbers = {numbers.as_of, a.place.empty() ? numbers_address(poll, a.people, a.lang) : std::string{}};
  return a.numbers ? makers_->centres_numbers(f, m) : makers_->centres(f, m);
}

std::string site::month(const asked_public& a) const {
  const page_numbers numbers(node_, current_round());
  const auto f = public_frame(a, "month");
  const auto& code = a.centre;
  web::month_model m{.people = a.people, .centre = code};
  m.base = "/book/at/" + percent_encoded(code) + "/";
  m.query = "people=" + std::to_string(a.people);
  m.today = date_at(f.now, f.offset);
  fill_month(numbers, code, m);
  if (numbers.round != nullptr) {
    const auto it = numbers.round->body->centre_by_code.find(code);
    if (it != numbers.round->body->centre_by_code.end())
      m.back = "/book/in/" + percent_encoded(numbers.round->definition.centres[it->second].state) + "?" + m.query;
    if (!m.days.empty() && std::ranges::none_of(m.days, [](const auto& day) { return !day.at.free || *day.at.free > 0; }))
      m.nearest = nearest_free(numbers, code, m.today, a.people);
  }
  m.numbers = {numbers.as_of, numbers_address("at/" + percent_encoded(code), a.people, a.lang)};
  return a.numbers ? makers_->month_numbers(f, m) : makers_->month(f, m);
}

std::string site::times(const asked_public& a) const {
  const page_numbers numbers(node_, current_round());
  const auto f = public_frame(a, "times");
  const auto& code = a.centre;
  const auto day = format_date(a.date);
  web::times_model m{.people = a.people, .centre = code, .date = a.date, .ending = "/details"};
  m.base = "/book/at/" + percent_encoded(code) + "/" + day + "/";
  m.query = "people=" + std::to_string(a.people);
  m.back = "/book/at/" + percent_encoded(code) + "?" + m.query;
  fill_times(numbers, code, m);
  if (numbers.round != nullptr && std::ranges::none_of(m.windows, [](const auto& w) { return !w.at.free || *w.at.free > 0; }))
    m.nearest = nearest_free(numbers, code, m.date, a.people);
  m.numbers = {numbers.as_of, numbers_address("at/" + percent_encoded(code) + "/" + day, a.people, a.lang)};
  return a.numbers ? makers_->times_numbers(f, m) : makers_->times(f, m);
}

std::string site::figures(const asked_public& a) const {
  const page_numbers numbers(node_, current_round());
  const auto f = public_frame(a, "figures");
  const auto& words = makers_->all();
  web::figures_model m;
  m.numbers = {numbers.as_of, {}};
  const auto sums = numbers.sums();
  m.heard = sums.whole && numbers.round != nullptr;
  m.places = sums.places;
  m.booked = sums.booked;
  m.free = sums.free;
  m.cancelled = sums.cancelled;
  if (numbers.round != nullptr) {
    const auto& d = numbers.round->definition;
    m.centres_all = d.centres.size();
    for (std::uint16_t i = 0; i < d.centres.size() && i < centres_listed_max; ++i) {
      const auto of = numbers.sums_of_centre(i);
      const auto known = [&](std::uint64_t n) { return of.whole ? std::optional(n) : std::nullopt; };
      m.centres.push_back({d.centres[i].name, "ms", {of.places, known(of.booked), known(of.free)}});
    }
    const auto by_state = numbers.booked_by_state();
    for (std::uint8_t s = 0; s < state_count; ++s)
      if (by_state[s] != 0)
        m.states.push_back({words.say(a.lang, s == 0 ? std::string("state_not_said") : "state_" + std::to_string(s)), "", {by_state[s]}});
  }
  constexpr std::size_t three_hours = 18;
  {
    const std::lock_guard lock{minutes_mutex_};
    for (const auto& span : minutes_.last(f.now, three_hours, 10))
      m.times.push_back({span.at, span.booked});
  }
  const auto told = node_.refusals();
  for (const auto& [code, times] : told.by_code)
    m.refusals.push_back(web::row_of(code).code == code
                             ? web::figures_model::row{words.say(a.lang, web::row_of(code).named), "", {times}, code}
                             : web::figures_model::row{code, "en", {times}, ""});
  m.since = told.since;
  m.nodes = told.nodes;
  m.nodes_all = told.nodes + told.unheard;
  return makers_->figures(f, m);
}

std::string site::status(const asked_public& a) const {
  const page_numbers numbers(node_, current_round());
  const auto f = public_frame(a, "status");
  web::status_model m;
  const auto now = node_.now();
  const auto fresh = node_.how_fresh();
  const auto state_of = [&](const std::optional<unix_ms>& at) {
    return !at ? web::part_state::unknown : web::is_old(*at, now) ? web::part_state::old : web::part_state::good;
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
