// The form's own door: details, check, book. What is posted becomes the body that the API takes and goes the same way; what comes back
// becomes a screen by web/codes.
#include <algorithm>
#include <map>

#include "booking/reference_text.hpp"
#include "booking/text_parts.hpp"
#include "net/site.hpp"
#include "web/codes.hpp"

namespace janji::net {

namespace {

// Up to which person something was typed. The kind of document is chosen from the beginning.
std::size_t filled_in(const std::vector<web::person_fields>& people) {
  for (auto n = people.size(); n > 0; --n)
    for (const auto& row : web::person_field_table())
      if (row.field != web::person_field::kind && !people[n - 1].get(row.field).empty())
        return n;
  return 0;
}

// A draft's id is ours, or it is none.
bool good_draft(std::string_view id) {
  return id.size() == 22 && std::ranges::all_of(id, [](char c) {
           return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
         });
}

// Of a field that is too long.
std::int64_t limit_in(const cause& c) {
  const auto it = std::ranges::find(c.arguments, "limit", &argument::name);
  const auto* n = it == c.arguments.end() ? nullptr : std::get_if<std::int64_t>(&it->value);
  return n == nullptr ? 0 : *n;
}

// As the address said it, where the round does not know it.
web::chosen_place no_longer(const path_arguments& at, std::string round) {
  return {
      std::string(at[0]), std::string(at[0]), parse_date(at[1]).value_or(civil_date{}), parse_minute(at[2]).value_or(std::uint16_t{0}), 0,
      std::move(round)};
}

bool same_place(const web::chosen_place& a, const web::chosen_place& b) {
  return a.path() == b.path() && (a.round == b.round || a.round.empty() || b.round.empty());
}

// The page with its button was there, and no answer came to this browser.
bool may_have_been_sent(const web::kept_form& f) { return !f.key.empty() && f.last_code.empty() && !f.people.empty(); }

std::string cut_round(std::string_view code) { return std::string(cut(code, janji::limits::round_code_bytes_max)); }

}  // namespace

// The form's, which may be another than the one that pages show by now; "": it says none.
std::string site::round_in(const web::form& sent) { return cut_round(sent.get("round")); }

// Where the form's round is not the one that the pages show, the address names it.
std::string site::step_of(const web::chosen_place& place, std::string_view step) const {
  const auto shown = current_round();
  const bool other = !place.round.empty() && (shown == nullptr || shown->definition.code != place.round);
  return book_path(place, step) + (other ? "?round=" + percent_encoded(place.round) : std::string{});
}

// As many as it says; where it does not say so many, all that were filled in.
site::form_read site::form_in(const web::form& sent, const web::chosen_place& place) {
  form_read out;
  const auto said = whole_number(sent.get("people"));
  auto people = web::people_in(sent, janji::limits::party_people_max);
  const auto filled = filled_in(people);
  out.is_counted = said && *said >= 1 && *said <= janji::limits::party_people_max && filled <= *said;
  people.resize(out.is_counted ? *said : std::max<std::size_t>(filled, 1));
  out.form.draft = good_draft(sent.get("draft")) ? std::string(sent.get("draft")) : web::random_text(16);
  out.form.place = place;
  out.form.people = std::move(people);
  return out;
}

std::string site::body_of(const web::kept_form& form) const {
  const auto round = round_named(form.place.round);
  return web::booking_body(form.people, round == nullptr ? form.place.round : round->definition.code, form.place.centre,
                           format_date(form.place.date), format_minute(form.place.from));
}

std::string site::key_of(const web::kept_form& form) const {
  return box_.key_for("book", {form.draft, form.place.centre, format_date(form.place.date), format_minute(form.place.from)});
}

// The reader chose another language by a button of the form.
bool site::takes_language(visit& v, const web::form& sent) {
  const auto to = web::language_of(sent.get("lang"));
  if (!to || !sent.has("lang"))
    return false;
  v.lang = *to;
  v.set_language = true;
  return true;
}

std::shared_ptr<const actors::round_entry> site::round_named(std::string_view code) const {
  return round_meant(node_, *node_.catalogue(), code);
}

std::optional<site::place_of_path> site::place_of(const path_arguments& at, std::string_view round) const {
  place_of_path out{round_named(round), {}};
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
  out.place = {centre.code, centre.name, *date, window->opens_minute, window->closes_minute, out.round->definition.code};
  return out;
}

// ------------------------------------------------------------------ details

void site::details_get(const request& r, visit& v, const path_arguments& at, responder& respond) {
  const auto where = place_of(at, cut_round(query_value(r.query, "round")));
  if (!where)
    return no_such_place(v, respond);
  const bool lost = v.draft && is_beyond_looking(*v.draft) && !same_place(v.draft->place, where->place);
  if (lost || (v.draft && !v.draft->key.empty() && !v.draft->last_code.empty()))  // one was sent, and how it ended is not known
    return respond(pending_first(v));
  const auto most = std::min<std::size_t>(where->round->definition.rules.party_max, janji::limits::party_people_max);
  const auto count = people_asked(r.query, v.draft ? std::max<std::size_t>(v.draft->people.size(), 1) : 1, most);
  if (!v.draft || !may_have_been_sent(*v.draft) || same_place(v.draft->place, where->place))
    return respond(details_at(v, where->place, count));
  // Before its key is given up for another place.
  auto to = std::make_shared<responder>(std::move(respond));
  desk_.book(r, body_of(*v.draft), v.draft->key, true, [this, v, place = where->place, count, to](const desk_answer& a) {
    if (!a.refusal || a.refusal->code == problem_code::idempotency_key_reused)
      return (*to)(see_other(v, "/my-booking"));  // which says what is booked
    const auto code = a.refusal->code;
    const bool nobody_knows = code != problem_code::not_found && web::row_of(name_of(code)).book == web::screen::unknown;
    (*to)(nobody_knows ? pending_first(v) : details_at(v, place, count));
  });
}

response site::pending_first(const visit& v) const {
  const auto& words = pages_->all();
  web::refused_model m{.heading = "pending_first_heading",
                       .text = words.say(v.lang, "pending_first_text"),
                       .good = true,
                       .action = "/start-again",
                       .button = "start_again_button",
                       .form_last = true};
  m.links = {{"/my-booking", words.say(v.lang, "look_again_link")}};
  return page(v, pages_->refused(frame_of(v, "pending-first"), m));
}

response site::details_at(const visit& v, const web::chosen_place& place, std::size_t people) const {
  auto form = v.draft.value_or(web::kept_form{.draft = web::random_text(16)});
  if (!same_place(form.place, place) || form.people.size() != people)  // what was wrong then need not be wrong now
    form.last_code.clear();
  form.place = place;
  form.people.resize(people);
  return details_page(v, form, wrong_in(form), v.draft ? kept_nowhere : asked_again);  // nobody's yet: Back restores what was typed
}

// Where no round is known yet nothing is known of the place either: that is no refusal, and of what was pressed it is not known what
// became.
void site::not_bookable(visit& v, web::kept_form form, bool pressed, responder& respond) const {
  if (round_named(form.place.round) != nullptr || node_.knows_rounds())
    return respond(refused_booking(v, form, {.code = problem_code::unknown_window}));
  if (pressed) {
    form.key = key_of(form);
    form.at = clock_.now();
    return respond(refused_booking(v, form, {.code = problem_code::not_ready}));
  }
  web::details_model m{.place = form.place, .draft = form.draft, .people = form.people};
  m.above = web::banner{pages_->all().say(v.lang, "trouble_text"), {}};
  auto out = page(v, pages_->details(frame_of(v, "details", form.place.round), m), row_of(problem_code::not_ready).status);
  keep_form(out, v, form);
  respond(std::move(out));
}

response site::not_taken(const visit& v, const web::kept_form& form, page_endpoint step, bool another_language) const {
  std::optional<web::banner> why;
  if (!another_language)
    why = web::banner{pages_->all().say(v.lang, "refused_from_elsewhere"), {}};
  const unsigned status = why ? 403 : 200;
  if (step == page_endpoint::check)
    return page(v,
                pages_->check(frame_of(v, "check", form.place.round),
                              {.place = form.place, .draft = form.draft, .people = form.people, .above = why}),
                status);
  return page(v,
              pages_->details(frame_of(v, "details", form.place.round),
                              {.place = form.place, .draft = form.draft, .people = form.people, .above = why}),
              status);
}

response site::for_how_many(const visit& v, const web::kept_form& form) const {
  web::details_model m{.place = form.place, .draft = form.draft, .people = form.people, .uncounted = true};
  m.above = web::banner{pages_->all().say(v.lang, "refused_people"), {}};
  return page(v, pages_->details(frame_of(v, "details", form.place.round), m), row_of(problem_code::invalid).status);
}

void site::details_post(const request& r, visit& v, const path_arguments& at, responder& respond) {
  const auto sent = form_of(r, v, respond);
  if (!sent)
    return;
  const auto round = round_in(*sent);
  const auto where = place_of(at, round);
  auto [form, is_counted] = form_in(*sent, where ? where->place : no_longer(at, round));
  const bool another_language = takes_language(v, *sent);
  if (!own_form(r, v, *sent))
    return respond(not_taken(v, form, page_endpoint::details, another_language));
  if (!is_counted || (another_language && sent->get("tried") == "people"))
    return respond(for_how_many(v, form));
  if (!where)
    return not_bookable(v, std::move(form), false, respond);
  if (sent->get("go") == "change") {
    form.key = key_of(form);  // the check page was there, and is again
    form.at = clock_.now();
    return respond(details_step(v, form));
  }
  if (another_language && sent->get("tried") != "1")
    return respond(details_step(v, form));
  if (const auto wrong = desk_.check(body_of(form)); !wrong.empty()) {
    const auto code = name_of(wrong.front().code);
    if (web::row_of(code).book != web::screen::fields)
      return respond(refused_booking(v, form, wrong.front()));
    form.last_code = code;
    return respond(details_step(v, form));
  }
  respond(another_language ? details_step(v, form) : check_step(v, form));
}

std::vector<problem> site::wrong_in(const web::kept_form& form) const {
  return web::row_of(form.last_code).book == web::screen::fields ? desk_.check(body_of(form)) : std::vector<problem>{};
}

// What no field has is said above: of the whole party, or of a place.
response site::details_page(const visit& v, const web::kept_form& form, const std::vector<problem>& wrong, std::string_view cache) const {
  web::details_model m{.place = form.place, .draft = form.draft, .people = form.people, .faults = faults_of(v.lang, wrong, form)};
  m.tried = !wrong.empty();
  const auto of_all = std::ranges::find_if(wrong, [](const problem& p) { return p.position == 0 && p.fields.empty(); });
  if (of_all != wrong.end())
    m.above = web::banner{refusal_words(v.lang, *of_all, form.people.size(), form.place.round), {}};
  else if (!wrong.empty() && m.faults.empty())
    m.above = web::banner{refusal_words(v.lang, wrong.front(), form.people.size(), form.place.round), {}};
  auto f = frame_of(v, "details", form.place.round);
  f.forgettable = true;  // with scripts what is typed is kept from the first letter on
  return page(v, pages_->details(f, m), wrong.empty() ? 200 : row_of(wrong.front().code).status, cache);
}

response site::details_step(const visit& v, const web::kept_form& form) const {
  if (auto kept = by_cookie(v, form, step_of(form.place, "details")))
    return std::move(*kept);
  auto out = details_page(v, form, wrong_in(form));
  keep_form(out, v, form);
  return out;
}

std::optional<response> site::by_cookie(const visit& v, const web::kept_form& form, std::string_view where) const {
  auto out = see_other(v, where);
  if (!v.takes_cookies() || !keep_form(out, v, form))
    return std::nullopt;
  return out;
}

// ------------------------------------------------------------------ check and book

// The cookie with the key comes with the page, before the press: it is there when the answer is lost.
response site::check_step(const visit& v, web::kept_form form) const {
  form.key = key_of(form);
  form.at = clock_.now();
  if (v.draft && v.draft->key == form.key && !v.draft->last_code.empty())  // it was sent, and how it ended is not known
    return see_other(v, "/my-booking");
  if (auto kept = by_cookie(v, form, step_of(form.place, "check")))
    return std::move(*kept);
  web::check_model m{.place = form.place, .draft = form.draft, .people = form.people};
  if (another_is_unknown(v, form))
    m.above = web::banner{pages_->all().say(v.lang, "pending_first_text"), {}};
  auto out = page(v, pages_->check(frame_of(v, "check", form.place.round), m));
  keep_form(out, v, form);
  return out;
}

void site::check_get(const request& r, const visit& v, const path_arguments& at, responder& respond) const {
  const auto where = place_of(at, cut_round(query_value(r.query, "round")));
  if (!where)
    return no_such_place(v, respond);
  if (v.draft && same_place(v.draft->place, where->place)) {
    const auto& last = v.draft->last_code;
    // It was sent, and how it ended is not known.
    if (!v.draft->key.empty() && (!last.empty() || v.draft->people.empty()))
      return respond(see_other(v, "/my-booking"));
    const bool waits = !v.draft->people.empty() && !last.empty() && web::row_of(last).book == web::screen::state;  // for the round
    const auto closed = not_now(where->place);
    auto form = *v.draft;
    form.place = where->place;
    if (waits && closed)
      return respond(refused_booking(v, form, *closed, seen::looked));
    if (waits || !v.draft->key.empty()) {
      auto out = page(v, pages_->check(frame_of(v, "check", where->place.round),
                                       {.place = where->place, .draft = v.draft->draft, .people = v.draft->people}));
      form.key = key_of(form);
      form.at = clock_.now();
      form.last_code.clear();
      if (waits)
        keep_form(out, v, std::move(form));
      if (closed)
        look_later(out, where->place);
      return respond(std::move(out));
    }
  }
  // Back, after it was booked.
  const bool booked =
      !v.draft && std::ranges::any_of(v.mine, [&](const auto& b) { return !b.cancelled && b.place.path() == where->place.path(); });
  respond(see_other(v, booked ? "/my-booking" : step_of(where->place, "details")));
}

void site::check_post(const request& r, visit& v, const path_arguments& at, responder&& respond) {
  auto sent = form_of(r, v, respond);
  if (!sent)
    return;
  const auto round = round_in(*sent);
  const auto where = place_of(at, round);
  auto [form, is_counted] = form_in(*sent, where ? where->place : no_longer(at, round));
  const bool another_language = takes_language(v, *sent);
  if (!own_form(r, v, *sent))
    return respond(not_taken(v, form, page_endpoint::check, another_language));
  if (!is_counted)
    return respond(for_how_many(v, form));
  if (another_language)
    if (const auto said = told_in(sent->get("code"), v))
      return respond(refused_booking(v, form, *said));
  const bool books = sent->get("go") == "book" && !another_language;
  if (!where)
    return not_bookable(v, std::move(form), books, respond);
  if (!books)  // a press that does not say so books nothing
    return respond(check_step(v, form));
  form.key = key_of(form);
  form.at = clock_.now();
  auto to = std::make_shared<responder>(std::move(respond));
  desk_.book(r, body_of(form), form.key, false, [this, v, form, to](desk_answer&& a) mutable {
    v.request_id = std::move(a.request_id);
    booked(v, form, std::move(a), *to);
  });
}

void site::booked(const visit& v, const web::kept_form& form, desk_answer&& a, responder& respond) {
  if (!a.refusal) {
    auto after = v;
    take_in(after, a, form.people);
    if (v.takes_cookies()) {
      auto out = see_other(v, "/my-booking");
      if (a.repeated)
        say_once(out, after, "again");
      keep_mine(out, after);
      if (!v.draft || v.draft->draft == form.draft)  // else it is another tab's
        drop_form(out, after);
      return respond(std::move(out));
    }
    auto out = booked_in_place(after, a.repeated, a.repeated ? 200 : 201);
    keep_mine(out, after);
    return respond(std::move(out));
  }
  respond(refused_booking(v, form, *a.refusal));
}

// ------------------------------------------------------------------ words

std::string site::fault_words(web::language l, const field_error& e, std::string_view input) const {
  const auto& words = pages_->all();
  const auto code = e.code();
  if (code == "missing")
    return words.say(l, input.ends_with("-birth") ? "birth_missing" : "field_missing");
  if (code == "too_long")
    return words.say(l, "field_too_long", {{"max", limit_in(e.because)}});
  if (code == "bad_date")
    return words.say(l, "birth_bad");
  if (code == "contradiction")
    return words.say(l, "birth_contradiction");
  if (code == "unknown_state")
    return words.say(l, "state_wrong");
  if (code != "identity_impossible")
    return words.say(l, "field_text_wrong");
  const std::string why(name_of(e.because.why));
  if (e.because.why == reason_code::unknown_country)
    return words.say(l, "country_unknown");
  if (why.starts_with("passport_") || why.starts_with("service_"))
    return words.say(l, "number_malformed");
  return words.say(l, words.has("number_" + why) ? "number_" + why : "number_wrong");
}

// At the person and the field, in the order of the page; of one field the first.
std::vector<web::field_fault> site::faults_of(web::language l, const std::vector<problem>& wrong, const web::kept_form& form) const {
  std::map<std::string, std::string> by_input;
  for (const auto& p : wrong) {
    for (const auto& e : p.fields)
      if (const auto id = web::input_of(e.field))
        by_input.try_emplace(*id, fault_words(l, e, *id));
    if (p.position == 0 || p.position > form.people.size())
      continue;
    // An age is at fault where it was said: by a date, or by the number.
    const bool by_date = (p.code == problem_code::under_age || p.code == problem_code::over_age) &&
                         !form.people[p.position - 1u].get(web::person_field::birth).empty();
    by_input.try_emplace(web::input_id(p.position, by_date ? web::person_field::birth : web::person_field::number),
                         refusal_words(l, p, 1, form.place.round));
  }
  std::vector<web::field_fault> out;
  for (std::size_t n = 1; n <= form.people.size(); ++n)
    for (const auto& row : web::person_field_table())
      if (const auto it = by_input.find(web::input_id(n, row.field)); it != by_input.end())
        out.push_back({it->first, it->second});
  return out;
}

std::string site::refusal_words(web::language l, const problem& p, std::size_t people, std::string_view of) const {
  const auto& words = pages_->all();
  const auto round = round_named(of);
  const auto& row = web::row_of(name_of(p.code));
  if (p.why == reason_code::attended)
    return words.say(l, "attended_status");
  switch (p.code) {
    case problem_code::not_enough_together:
      return words.say(l, row.text, {{"n", static_cast<std::int64_t>(p.free.value_or(0))}, {"m", static_cast<std::int64_t>(people)}});
    case problem_code::already_booked:
      return people == 1 ? words.say(l, row.text) : words.say(l, "already_party", {{"n", static_cast<std::int64_t>(people)}});
    case problem_code::not_open:
      if (round == nullptr || round->definition.opens_at <= wall_clock())
        return words.say(l, "state_not_opened");
      return words.say(l, row.text, {{"when", words.when(l, round->definition.opens_at, wall_clock(), round->body->offset)}});
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
