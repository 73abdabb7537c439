// The form's own door: details, check, book. What is posted becomes the body that the API takes and goes the same way; what comes back
// becomes a screen by web/codes.
#include <algorithm>
#include <boost/json.hpp>
#include <charconv>

#include "booking/reference_text.hpp"
#include "net/page_numbers.hpp"
#include "net/site.hpp"
#include "web/codes.hpp"

namespace janji::net {

namespace {

constexpr std::int64_t surely_ended_ms =
    15'000;  // a request lives for ten seconds at most (design: deadlines), and clocks are seconds apart

std::size_t count_in(std::string_view text, std::size_t otherwise) {
  std::size_t n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  return error == std::errc{} && end == text.data() + text.size() && n >= 1 && n <= janji::limits::party_people_max ? n : otherwise;
}

// A draft's id is ours, or it is none.
bool good_draft(std::string_view id) {
  return id.size() == 22 && std::ranges::all_of(id, [](char c) {
           return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
         });
}

web::kept_form form_in(const web::form& sent, const web::chosen_place& place) {
  web::kept_form f;
  f.draft = good_draft(sent.get("draft")) ? std::string(sent.get("draft")) : web::random_text(16);
  f.place = place;
  f.people = web::people_in(sent, count_in(sent.get("people"), 1));
  return f;
}

std::vector<std::pair<std::string, std::string>> hidden_of(const web::kept_form& f) {
  auto out = web::hidden_fields(f.people);
  out.insert(out.begin(), {{"draft", f.draft}, {"people", std::to_string(f.people.size())}});
  return out;
}

// Of a field that is too long.
std::int64_t limit_in(const cause& c) {
  const auto it = std::ranges::find(c.arguments, "limit", &argument::name);
  const auto* n = it == c.arguments.end() ? nullptr : std::get_if<std::int64_t>(&it->value);
  return n == nullptr ? 0 : *n;
}

// The places nearby that a refusal names: a JSON array, or nothing.
std::vector<web::near_place> places_in(const actors::round_entry& round, std::string_view alternatives) {
  std::vector<web::near_place> out;
  if (alternatives.empty())
    return out;
  const auto& centres = round.definition.centres;
  const auto parsed = boost::json::parse({alternatives.data(), alternatives.size()});
  for (const auto& one : parsed.as_array()) {
    const auto& o = one.as_object();
    const std::string code(o.at("centre").as_string());
    const auto at = round.body->centre_by_code.find(code);
    const auto date = parse_date(std::string_view(o.at("date").as_string()));
    const auto from = parse_minute(std::string_view(o.at("window").as_string()));
    if (at != round.body->centre_by_code.end() && date && from)
      out.push_back({code, centres[at->second].name, *date, *from, o.at("free").to_number<std::uint64_t>()});
  }
  return out;
}

std::optional<std::string> place_named(const actors::round_entry& round, const web::chosen_place& place) {
  const auto it = round.body->centre_by_code.find(place.centre);
  return it == round.body->centre_by_code.end() ? std::nullopt : std::optional(round.definition.centres[it->second].name);
}

// As the address said it, where the round does not know it.
web::chosen_place no_longer(const path_arguments& at) {
  return {std::string(at[0]), std::string(at[0]), parse_date(at[1]).value_or(civil_date{}), parse_minute(at[2]).value_or(std::uint16_t{0}),
          0};
}

std::string book_path(const web::chosen_place& p, std::string_view step) { return "/book/at/" + p.path() + "/" + std::string(step); }

}  // namespace

std::optional<site::place_of_path> site::place_of(const path_arguments& at) const {
  place_of_path out{current_round(), {}};
  const auto date = parse_date(at[1]);
  const auto minute = parse_minute(at[2]);
  if (out.round == nullptr || !date || !minute)
    return std::nullopt;
  const auto* group = out.round->find_group(at[0], *date);
  if (group == nullptr)
    return std::nullopt;
  const auto window = std::ranges::find(group->windows, *minute, &window_definition::opens_minute);
  if (window == group->windows.end())
    return std::nullopt;
  const auto& centre = out.round->definition.centres[group->centre];
  out.place = {centre.code, centre.name, *date, window->opens_minute, window->closes_minute};
  return out;
}

// ------------------------------------------------------------------ details

void site::details_get(const request& r, visit& v, const path_arguments& at, responder& respond) {
  const auto where = place_of(at);
  if (!where)
    return no_such_place(v, respond);
  const auto& words = pages_->all();
  if (v.draft && !v.draft->key.empty() && !v.draft->last_code.empty()) {  // one was sent, and how it ended is not known
    web::refused_model m{.heading = "pending_first_heading",
                         .text = words.say(v.lang, "pending_first_text"),
                         .good = true,
                         .action = "/start-again",
                         .button = "start_again_button"};
    m.links = {{"/my-booking", words.say(v.lang, "look_again_link")}};
    return respond(page(v, pages_->refused(frame_of(v, "pending-first"), m)));
  }
  const auto kept = v.draft ? v.draft->people.size() : 0;
  const auto most = std::min<std::size_t>(where->round->definition.rules.party_max, janji::limits::party_people_max);
  const auto count = std::min(count_in(query_value(r.query, "people"), std::max<std::size_t>(kept, 1)), most);
  web::details_model m{.place = where->place, .draft = v.draft ? v.draft->draft : web::random_text(16)};
  if (v.draft)
    m.people = v.draft->people;
  m.people.resize(count);
  auto out = page(v, pages_->details(frame_of(v, "details"), m));
  respond(std::move(out));
}

void site::details_post(const request& r, visit& v, const path_arguments& at, responder& respond) {
  const auto sent = form_of(r, v, respond);
  if (!sent)
    return;
  const auto where = place_of(at);
  const auto& words = pages_->all();
  auto form = form_in(*sent, where ? where->place : no_longer(at));
  if (!where)
    return respond(refused_booking(v, form, {.code = problem_code::unknown_window}));
  web::details_model details{.place = where->place, .draft = form.draft, .people = form.people};
  if (const auto to = web::language_of(sent->get("lang")); to && sent->has("lang")) {
    v.lang = *to;
    v.set_language = true;
    auto out = page(v, pages_->details(frame_of(v, "details"), details));
    keep_form(out, v, form);
    return respond(std::move(out));
  }
  if (sent->get("go") == "change") {
    auto out = page(v, pages_->details(frame_of(v, "details"), details));
    keep_form(out, v, form);
    return respond(std::move(out));
  }
  if (!own_form(r, v, *sent)) {
    details.above = web::banner{words.say(v.lang, "refused_from_elsewhere"), {}};
    return respond(page(v, pages_->details(frame_of(v, "details"), details), 403));
  }
  const auto body = web::booking_body(form.people, where->round->definition.code, form.place.centre, format_date(form.place.date),
                                      format_minute(form.place.from));
  if (const auto wrong = desk_.check(body))
    return respond(refused_booking(v, form, *wrong));
  // The cookie with the key comes with the page, before the press: it is there when the answer is lost.
  form.key = box_.key_for("book", {form.draft, form.place.centre, format_date(form.place.date), format_minute(form.place.from)});
  form.at = clock_.now();
  auto out = page(v, pages_->check(frame_of(v, "check"), {.place = where->place, .draft = form.draft, .people = form.people}));
  keep_form(out, v, form);
  respond(std::move(out));
}

// ------------------------------------------------------------------ check and book

void site::check_post(const request& r, visit& v, const path_arguments& at, responder&& respond) {
  auto sent = form_of(r, v, respond);
  if (!sent)
    return;
  const auto where = place_of(at);
  auto form = form_in(*sent, where ? where->place : no_longer(at));
  if (!where)
    return respond(refused_booking(v, form, {.code = problem_code::unknown_window}));
  web::check_model check{.place = where->place, .draft = form.draft, .people = form.people};
  if (const auto to = web::language_of(sent->get("lang")); to && sent->has("lang")) {
    v.lang = *to;
    v.set_language = true;
    return respond(page(v, pages_->check(frame_of(v, "check"), check)));
  }
  if (!own_form(r, v, *sent)) {
    check.above = web::banner{pages_->all().say(v.lang, "refused_from_elsewhere"), {}};
    return respond(page(v, pages_->check(frame_of(v, "check"), check), 403));
  }
  form.key = box_.key_for("book", {form.draft, form.place.centre, format_date(form.place.date), format_minute(form.place.from)});
  form.at = clock_.now();
  const auto body = web::booking_body(form.people, where->round->definition.code, form.place.centre, format_date(form.place.date),
                                      format_minute(form.place.from));
  auto to = std::make_shared<responder>(std::move(respond));
  desk_.book(r, body, form.key, false, [this, v, form, to](desk_answer&& a) mutable {
    v.request_id = std::move(a.request_id);
    booked(v, form, std::move(a), *to);
  });
}

void site::booked(const visit& v, const web::kept_form& form, desk_answer&& a, responder& respond) {
  if (!a.refusal) {
    auto after = v;
    take_in(after, a, form.people);
    if (v.form_came || !v.new_browser) {  // their cookies are taken
      auto out = see_other("/my-booking");
      if (a.repeated)
        say_once(out, after, "again");
      keep_mine(out, after);
      drop_form(out, after);
      return respond(std::move(out));
    }
    web::my_booking_model m{.repeated = a.repeated, .changeable = false};
    for (const auto& b : after.mine)
      m.bookings.push_back(item_of(b));
    auto out = page(after, pages_->my_booking(frame_of(after, "my-booking"), m), a.repeated ? 200 : 201);
    keep_mine(out, after);
    return respond(std::move(out));
  }
  respond(refused_booking(v, form, *a.refusal));
}

response site::refused_booking(const visit& v, const web::kept_form& form, const problem& p) const {
  const auto code = name_of(p.code);
  const auto& row = web::row_of(code);
  const auto& words = pages_->all();
  const auto status = row_of(p.code).status;
  auto kept = form;
  kept.last_code = code;
  if (row.book == web::screen::unknown) {
    if ((v.form_came || !v.new_browser) && fits_a_cookie(kept)) {
      auto out = see_other("/my-booking");
      keep_form(out, v, kept);
      return out;
    }
    return pending_page(v, kept, p, false);
  }
  kept.key.clear();  // it booked nothing
  if (p.code == problem_code::idempotency_key_reused)
    kept.draft = web::random_text(16);  // what is sent now is another form than the one that was booked with
  const auto round = current_round();
  if (row.book == web::screen::fields) {
    web::details_model m{.place = form.place, .draft = form.draft, .people = form.people, .faults = faults_of(v.lang, p, round.get())};
    if (m.faults.empty())
      m.above = web::banner{refusal_words(v.lang, p, form.people.size()), {}};
    auto out = page(v, pages_->details(frame_of(v, "details"), m), status);
    keep_form(out, v, kept);
    return out;
  }
  const auto people = static_cast<std::uint8_t>(form.people.size());
  const auto count = "people=" + std::to_string(people);
  web::refused_model m{.heading = "no_booking_heading", .text = refusal_words(v.lang, p, form.people.size()), .code = std::string(code)};
  m.hidden = hidden_of(kept);
  switch (row.book) {
    case web::screen::choose:
      m.booked = words.say(v.lang, "you_have_none");
      if (p.code == problem_code::full) {
        const auto time = words.hour(v.lang, form.place.from);
        m.text = words.say(v.lang, "full_while_choosing", {{"time", time}});
        m.booked.clear();
      }
      if (round != nullptr && has_alternatives(p.code))
        m.nearest = places_in(*round, p.alternatives);
      else if (round != nullptr)
        m.nearest = nearest_free(page_numbers(node_, round), form.place.centre, form.place.date, people, form.place.from);
      m.links = {{"/book/at/" + web::percent_encoded(form.place.centre) + "/" + format_date(form.place.date) + "?" + count,
                  words.say(v.lang, "try_another_time")},
                 {"/book/at/" + web::percent_encoded(form.place.centre) + "?" + count, words.say(v.lang, "try_another_day")},
                 {"/book/in?" + count, words.say(v.lang, "try_another_centre")}};
      break;
    case web::screen::already:
      m.heading = "already_heading";
      m.links = {{"/find", words.say(v.lang, "nav_find")}};
      if (!v.mine.empty())
        m.links.insert(m.links.begin(), {"/my-booking", words.say(v.lang, "nav_my_booking")});
      break;
    case web::screen::state:
      m.good = true;
      m.links = {{"/my-booking", words.say(v.lang, "nav_my_booking")}, {"/", words.say(v.lang, "start_page")}};
      break;
    default:
      m.action = book_path(form.place, "check");
      m.button = "send_again_button";
      m.links = {{"/my-booking", words.say(v.lang, "nav_my_booking")}};
      break;
  }
  auto out = page(v, pages_->refused(frame_of(v, "refused"), m), status);
  if (p.retry_after_ms)
    out.add("Retry-After", std::to_string((*p.retry_after_ms + 999) / 1000));
  keep_form(out, v, kept);
  return out;
}

response site::pending_page(const visit& v, const web::kept_form& form, const problem& p, bool looked) const {
  const auto code = name_of(p.code);
  const auto& row = web::row_of(code);
  web::pending_model m{.cause = std::string(p.code == problem_code::not_found ? "cause_no_answer" : row.text),
                       .action = "/my-booking",
                       .code = std::string(code)};
  m.nothing_yet = looked && p.code == problem_code::not_found && clock_.now().value - form.at.value > surely_ended_ms;
  if (p.code == problem_code::not_found && !form.last_code.empty())
    m.cause = std::string(web::row_of(form.last_code).text);
  const auto wait_ms = p.retry_after_ms.value_or(row_of(p.code).retry_after_ms);
  m.shut_s = std::max<std::uint32_t>(3, (wait_ms + 999) / 1000);
  m.again_s = std::max<std::uint32_t>(5, m.shut_s + 2);  // the script asks between the two
  m.hidden = hidden_of(form);
  m.hidden.emplace_back("place", form.place.path());
  m.sent = !form.last_code.empty();
  if (!m.sent && looked && p.code == problem_code::not_found) {
    m.unsent = form.place;
    m.people = form.people.size();
    const auto round = current_round();  // the cookie has no names
    const auto at = round == nullptr ? std::nullopt : place_named(*round, form.place);
    m.unsent->centre_name = at ? *at : form.place.centre;
  }
  m.nothing_yet = m.nothing_yet || !m.sent;
  auto out = page(v, pages_->pending(frame_of(v, "pending"), m), looked ? 200 : row_of(p.code).status);
  if (m.sent)
    out.add("Refresh", std::to_string(m.again_s));
  if (!looked)
    out.add("Retry-After", std::to_string(m.shut_s));
  return out;
}

// ------------------------------------------------------------------ words

// At the person and the field, from code and arguments.
std::vector<web::field_fault> site::faults_of(web::language l, const problem& p, const actors::round_entry* round) const {
  const auto& words = pages_->all();
  std::vector<web::field_fault> out;
  for (const auto& e : p.fields) {
    const auto id = web::input_of(e.field);
    if (!id)
      continue;
    std::string text;
    const auto code = e.code();
    if (code == "missing")
      text = words.say(l, id->ends_with("-birth") ? "birth_missing" : "field_missing");
    else if (code == "too_long")
      text = words.say(l, "field_too_long", {{"max", limit_in(e.because)}});
    else if (code == "bad_date")
      text = words.say(l, "birth_bad");
    else if (code == "contradiction")
      text = words.say(l, "birth_contradiction");
    else if (code == "unknown_state")
      text = words.say(l, "state_wrong");
    else if (code == "identity_impossible") {
      const auto key = "number_" + std::string(name_of(e.because.why));
      text = words.say(l, words.has(key) ? key : e.because.why == reason_code::unknown_country ? "country_unknown" : "number_wrong");
    } else
      text = words.say(l, "field_text_wrong");
    out.push_back({*id, text});
  }
  if (out.empty() && p.position != 0) {
    const bool of_birth = p.code == problem_code::under_age || p.code == problem_code::over_age;
    out.push_back({web::input_id(p.position, of_birth ? web::person_field::birth : web::person_field::number),
                   round == nullptr ? words.say(l, "number_wrong") : refusal_words(l, p, 1)});
  }
  return out;
}

std::string site::refusal_words(web::language l, const problem& p, std::size_t people) const {
  const auto& words = pages_->all();
  const auto round = current_round();
  const auto& row = web::row_of(name_of(p.code));
  switch (p.code) {
    case problem_code::not_enough_together:
      return words.say(l, row.text, {{"n", static_cast<std::int64_t>(p.free.value_or(0))}, {"m", static_cast<std::int64_t>(people)}});
    case problem_code::already_booked:
      return people == 1 ? words.say(l, row.text) : words.say(l, "already_party", {{"n", static_cast<std::int64_t>(people)}});
    case problem_code::not_open:
      return words.say(l, row.text,
                       {{"when", round == nullptr ? "" : words.when(l, round->definition.opens_at, wall_clock(), round->body->offset)}});
    case problem_code::paused:
      return p.why != reason_code::operator_said ? words.say(l, row.text) : words.say(l, "state_paused_reason", {{"reason", detail_of(p)}});
    case problem_code::under_age:
      return words.say(l, row.text, {{"n", std::int64_t{round == nullptr ? 0 : round->definition.rules.age_min}}});
    case problem_code::over_age:
      return words.say(l, row.text, {{"n", std::int64_t{round == nullptr ? 0 : round->definition.rules.age_max}}});
    case problem_code::party_too_large:
      return words.say(l, row.text, {{"n", std::int64_t{round == nullptr ? 4 : round->definition.rules.party_max}}});
    default: return words.say(l, row.text);
  }
}

}  // namespace janji::net
