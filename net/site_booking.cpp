// What is booked from this browser: shown, found again, forgotten. A GET only looks.
#include <algorithm>

#include "booking/reference_text.hpp"
#include "booking/states.hpp"
#include "booking/text_parts.hpp"
#include "net/private_post.hpp"
#include "net/site.hpp"
#include "schema/personal_record.hpp"
#include "web/calendar.hpp"
#include "web/codes.hpp"

namespace janji::net {

namespace {

// The place that a form says, by its path: "WTCKL/2021-06-07/09:00".
std::optional<web::chosen_place> place_from_path(std::string_view text) {
  const auto first = text.find('/');
  const auto second = first == std::string_view::npos ? first : text.find('/', first + 1);
  if (second == std::string_view::npos)
    return std::nullopt;
  const auto date = parse_date(text.substr(first + 1, second - first - 1));
  const auto minute = parse_minute(text.substr(second + 1));
  if (!date || !minute)
    return std::nullopt;
  if (first > janji::limits::centre_code_bytes_max)
    return std::nullopt;
  const std::string code(text.substr(0, first));
  return web::chosen_place{code, code, *date, *minute, 0};
}

}  // namespace

// ------------------------------------------------------------------ GET

void site::my_booking_get(const request& r, visit& v, responder&& respond) {
  const bool begun = v.draft && is_beyond_looking(*v.draft) && v.draft->last_code.empty();
  if (!v.draft || v.draft->key.empty() || (begun && !v.mine.empty())) {
    const bool again = v.said == "again";
    const auto* done = v.said == "moved" ? "moved_done" : v.said == "cancelled" ? "cancelled_done" : "";
    return show_mine(r, std::move(v), again, done, std::move(respond));
  }
  if (is_beyond_looking(*v.draft))
    return respond(beyond_looking(v));
  // Something was sent, or was about to be, and how it ended is not known: asked by its key.
  const auto form = *v.draft;
  auto to = std::make_shared<responder>(std::move(respond));
  request asked;  // what of it a look needs: when it came and from where
  asked.from = r.from;
  asked.arrived = r.arrived;
  desk_.book(r, body_of(form), form.key, true, [this, v, form, to, asked](desk_answer&& a) mutable {
    v.request_id = std::move(a.request_id);
    const bool never_sent = form.last_code.empty() && a.refusal && a.refusal->code == problem_code::not_found;
    if (never_sent && !v.mine.empty())
      return show_mine(asked, std::move(v), false, "", std::move(*to));
    if (a.refusal && a.refusal->code == problem_code::idempotency_key_reused)
      return (*to)(refused_booking(v, form, *a.refusal));
    if (a.refusal)
      return (*to)(pending_page(v, form, *a.refusal, seen::looked, false));
    auto after = v;
    take_in(after, a, form.people);
    web::my_booking_model m{.repeated = false};
    for (const auto& b : after.mine)
      m.bookings.push_back(item_of(b, true));
    after.draft.reset();
    auto out = page(after, pages_->my_booking(frame_of(after, "my-booking"), m));
    keep_mine(out, after);
    drop_form(out, after);
    (*to)(std::move(out));
  });
}

// Sends again what is under way, with the same key.
void site::my_booking_post(const request& r, visit& v, responder&& respond) {
  const auto sent = form_of(r, v, respond);
  if (!sent)
    return;
  // What the page has is sent again, whatever another tab did to the cookie.
  const bool another_language = takes_language(v, *sent);
  if (another_language && sent->has("reference"))
    return show_list_again(r, v, *sent, std::move(respond));
  form_read read;
  auto& form = read.form;
  if (auto place = place_from_path(sent->get("place"))) {
    place->round = round_in(*sent);
    read = form_in(*sent, *place);
    if (v.draft && v.draft->draft == form.draft && v.draft->place.path() == place->path())
      form.last_code = v.draft->last_code;
  } else if (v.draft && !v.draft->people.empty()) {
    form = *v.draft;
  } else {
    return respond(see_other(v, "/my-booking"));
  }
  if (!own_form(r, v, *sent))
    return respond(pending_page(v, form, {.code = problem_code::forbidden}, seen::pressed, true));
  if (!read.is_counted)
    return respond(for_how_many(v, form));
  if (another_language || sent->get("go") == "look") {
    const auto last = told_in(sent->get("code"), v);
    form.last_code = name_of(last ? last->code : problem_code::unknown);
    return look_by_key(r, v, std::move(form), std::move(respond));
  }
  form.key = key_of(form);
  form.at = clock_.now();
  auto to = std::make_shared<responder>(std::move(respond));
  desk_.book(r, body_of(form), form.key, false, [this, v, form, to](desk_answer&& a) mutable {
    v.request_id = std::move(a.request_id);
    booked(v, form, std::move(a), *to);
  });
}

namespace {

// The looks at several bookings of one page; the last to come makes it.
struct looking {
  visit v;
  std::size_t missing = 0;
  bool all_known = true;
};

}  // namespace

void site::show_mine(const request& r, visit&& v, bool repeated, std::string done, responder&& respond) {
  auto to = std::make_shared<responder>(std::move(respond));
  look_at_mine(r, std::move(v), [this, repeated, done = std::move(done), to](visit&& now, bool all_known) {
    web::my_booking_model m{.repeated = repeated && !now.mine.empty(), .done = now.mine.empty() ? std::string{} : done};
    std::optional<unix_ms> oldest;
    for (const auto& b : now.mine) {
      m.bookings.push_back(item_of(b, true));
      if (!oldest || b.known_at < *oldest)
        oldest = b.known_at;
    }
    if (now.draft && !now.draft->key.empty() && now.draft->last_code.empty() && !now.draft->people.empty())
      m.unsent = named(now.draft->place);
    m.doubt = now.draft && is_beyond_looking(*now.draft);
    if (!all_known)
      m.known_at = oldest;
    auto out = page(now, pages_->my_booking(frame_of(now, "my-booking"), m));
    if (!now.said.empty())
      add_cookie(out, now, web::said_cookie, "", 0);
    (*to)(std::move(out));
  });
}

void site::look_at_mine(const request& r, visit&& v, const looked& then) {
  auto state = std::make_shared<looking>();
  state->v = std::move(v);
  state->missing = state->v.mine.size();
  if (state->missing == 0)
    return then(std::move(state->v), true);
  for (std::size_t i = 0; i < state->v.mine.size(); ++i) {
    const auto& b = state->v.mine[i];
    desk_.look_up(r, b.ref, b.token_generation, [this, state, i, then](desk_answer&& a) {
      auto& mine = state->v.mine[i];
      if (a.refusal || a.places.empty()) {
        state->all_known = false;
      } else {
        const auto& p = a.places.front();
        const auto before = mine;
        mine.cancelled = p.status == place_status::cancelled;
        mine.moves = p.generation.value;
        mine.confirmed_at = p.at;
        mine.known_at = clock_.now();
        if (const auto n = name_place(*a.catalogue, p.group, p.window)) {
          mine.round = n->round->code;
          mine.place = {n->at->code, n->at->name, n->date, n->window->opens_minute, n->window->closes_minute};
        }
        // Not for `known_at` alone: an answer that comes late would take away what another tab booked meanwhile.
        auto looked_at = before;
        looked_at.known_at = mine.known_at;
        state->v.mine_changed = state->v.mine_changed || mine != looked_at;
      }
      if (--state->missing == 0)
        then(std::move(state->v), state->all_known);
    });
  }
}

// What was booked comes to the list that this browser keeps, the newest last; one that is there stays at its place. Of more than it holds
// the oldest goes that is cancelled, else the oldest.
void site::take_in(visit& v, const desk_answer& a, const std::vector<web::person_fields>& people) const {
  for (std::size_t i = 0; i < a.places.size(); ++i) {
    const auto& p = a.places[i];
    auto known = std::ranges::find(v.mine, p.ref, &web::kept_booking::ref);
    if (known == v.mine.end())
      known = v.mine.insert(v.mine.end(), web::kept_booking{.ref = p.ref});
    auto& b = *known;
    b.token_generation = p.token_generation;
    b.moves = p.generation.value;
    if (i < people.size()) {
      b.name = people[i].get(web::person_field::name);
      std::string plain;
      for (const char c : people[i].get(web::person_field::number))
        if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'))
          plain += c;
      b.number = plain.size() > 4 ? plain.substr(plain.size() - 4) : std::string{};
    }
    if (const auto n = name_place(*a.catalogue, p.group, p.window)) {
      b.round = n->round->code;
      b.place = {n->at->code, n->at->name, n->date, n->window->opens_minute, n->window->closes_minute};
    }
    b.position = static_cast<std::uint8_t>(i + 1);
    b.confirmed_at = p.at;
    b.cancelled = p.status == place_status::cancelled;
    b.known_at = clock_.now();
  }
  while (v.mine.size() > web::kept_bookings_max) {
    const auto cancelled = std::ranges::find(v.mine, true, &web::kept_booking::cancelled);
    v.mine.erase(cancelled == v.mine.end() ? v.mine.begin() : cancelled);
  }
}

std::string site::code_of(reference ref, std::uint8_t token_generation) const {
  return web::booking_code(options_.keys.front(), ref, token_generation);
}

// By what a form of this browser's names one: its place in the list, and that it is still that booking.
std::string site::handle_of(const web::kept_booking& b, std::size_t at) const {
  constexpr std::size_t signs = 8;
  return std::to_string(at + 1) + "." + box_.key_for("who", {to_text(b.ref)}).substr(0, signs);
}

// The cookie has no names of centres.
web::chosen_place site::named(web::chosen_place place) const {
  place.centre_name = name_of_centre(round_named(place.round).get(), place.centre);
  return place;
}

bool site::is_attended(const web::kept_booking& b) const {
  const auto catalogue = node_.catalogue();
  const auto round = find_round(*catalogue, b.round);
  const auto* group = round == nullptr ? nullptr : round->find_group(b.place.centre, b.place.date);
  if (group == nullptr || !node_.judges_past())
    return false;
  const auto at = std::ranges::find(group->windows, b.place.from, &window_definition::opens_minute) - group->windows.begin();
  const auto end = catalogue->end_of(group->id, window_index{static_cast<std::uint8_t>(at)});
  return end && end->change_until <= wall_clock();
}

std::string site::name_of_centre(const actors::round_entry* round, std::string_view code) {
  if (round != nullptr)
    if (const auto at = round->body->centre_by_code.find(code); at != round->body->centre_by_code.end())
      return round->definition.centres[at->second].name;
  return std::string(code);
}

web::booking_item site::item_of(const web::kept_booking& b, bool with_proof) const {
  web::booking_item out{
      .name = b.name, .number = b.number, .centre_name = b.place.centre_name, .date = b.place.date, .from = b.place.from, .to = b.place.to};
  out.reference = to_text(b.ref);
  out.code = code_of(b.ref, b.token_generation);
  if (const auto round = round_named(b.round); round != nullptr)
    if (const auto at = round->body->centre_by_code.find(b.place.centre); at != round->body->centre_by_code.end()) {
      out.district = round->definition.centres[at->second].district;
      out.state = state_number(round->definition.centres[at->second].state);
    }
  out.cancelled = b.cancelled;
  out.attended = is_attended(b);
  if (with_proof && !b.cancelled && !b.round.empty()) {
    receipt_statement s{.round = b.round, .reference = out.reference, .centre = b.place.centre, .date = format_date(b.place.date)};
    s.window = format_minute(b.place.from) + "-" + format_minute(b.place.to);
    s.confirmed_at = format_utc(b.confirmed_at);
    s.position = b.position;
    out.receipt = signer_.sign_alone(s);
    // A telephone's camera opens what is an address.
    constexpr std::size_t code_characters_max = 400;
    if (!options_.public_urls.empty())
      out.qr = options_.public_urls.front() + "/receipt#" + out.receipt;
    if (out.qr.size() > code_characters_max)
      out.qr.clear();
  }
  return out;
}

void site::calendar(const visit& v, std::string_view number, responder& respond) const {
  const auto n = whole_number(number).value_or(0);
  if (n == 0 || n > v.mine.size())
    return not_there(v, respond, "missing", 404);
  const auto& b = v.mine[n - 1];
  const auto f = frame_of(v, "my-booking", b.round);
  const auto& words = pages_->all();
  const auto begins = start_of_day(b.place.date, f.offset);
  const auto host = options_.public_urls.empty() ? std::string("janji")
                                                 : options_.public_urls.front().substr(options_.public_urls.front().find("://") + 3);
  web::calendar_entry e{.uid = to_text(b.ref) + "@" + host,
                        .made = b.known_at,
                        .from = unix_ms{begins.value + std::int64_t{b.place.from} * 60'000},
                        .to = unix_ms{begins.value + std::int64_t{b.place.to} * 60'000},
                        .title = words.say(v.lang, "calendar_title"),
                        .place = b.place.centre_name};
  e.text = words.date(v.lang, b.place.date) + ", " + words.hours(v.lang, b.place.from, b.place.to) + "\n" +
           words.say(v.lang, "label_reference") + ": " + to_text(b.ref) + "\n" + words.say(v.lang, "calendar_bring");
  e.sequence = b.moves;
  e.cancelled = b.cancelled;
  response out;
  out.content_type = "text/calendar; charset=utf-8";
  out.body = web::calendar_file(e);
  out.add("Content-Disposition", "attachment; filename=\"janji.ics\"");
  out.add("X-Content-Type-Options", "nosniff");
  respond(std::move(out));
}

// ------------------------------------------------------------------ find, forget

void site::find(const request& r, visit& v, responder&& respond) {
  if (r.reads())
    return respond(page(v, pages_->find(frame_of(v, "find"), {})));
  const auto sent = form_of(r, v, respond);
  if (!sent)
    return;
  web::find_model m{.reference = std::string(sent->get("reference")), .code = std::string(sent->get("code"))};
  const auto ref = web::typed_reference(m.reference);
  if (takes_language(v, *sent)) {  // only shown again, with what was found to be wrong
    const auto said = code_named(sent->get("tried"));
    return respond(said ? not_found(v, std::move(m), ref.has_value(), *said) : page(v, pages_->find(frame_of(v, "find"), m)));
  }
  if (!own_form(r, v, *sent))
    return respond(not_found(v, std::move(m), true, problem_code::forbidden));
  if (!ref || m.code.empty())
    return respond(not_found(v, std::move(m), ref.has_value(), problem_code::invalid));
  // The code is judged here alone: whether there is such a booking makes no difference to one that does not fit.
  std::optional<std::uint8_t> generation;
  for (const auto& key : options_.keys)
    if (const auto fits = web::check_booking_code(key, *ref, m.code))
      generation = fits;
  if (!generation)
    return respond(not_found(v, std::move(m), true, problem_code::not_found));
  auto to = std::make_shared<responder>(std::move(respond));
  desk_.look_up(r, *ref, *generation, [this, v, m, to](desk_answer&& a) mutable {
    v.request_id = std::move(a.request_id);
    if (a.refusal || a.places.empty())
      return (*to)(not_found(v, std::move(m), true, a.refusal ? a.refusal->code : problem_code::not_found));
    read_record(a, [this, v, a, to](const std::vector<web::person_fields>& people) {
      auto after = v;
      take_in(after, a, people);
      auto out = see_other(v, "/my-booking");
      keep_mine(out, after);
      (*to)(std::move(out));
    });
  });
}

// The form again, with what was typed, and what is wrong with it or with us.
response site::not_found(const visit& v, web::find_model m, bool is_reference, problem_code why) const {
  const auto& words = pages_->all();
  m.tried = name_of(why);
  if (why == problem_code::invalid) {
    if (!is_reference)
      m.faults.push_back({"reference", words.say(v.lang, m.reference.empty() ? "field_missing" : "reference_wrong")});
    if (m.code.empty())
      m.faults.push_back({"code", words.say(v.lang, "field_missing")});
  } else if (why == problem_code::forbidden) {
    m.faults.push_back({"reference", words.say(v.lang, "refused_from_elsewhere")});
  } else if (why == problem_code::not_found) {
    for (const auto* field : {"reference", "code"})
      m.faults.push_back({field, words.say(v.lang, "find_failed")});
    m.failed = true;
  } else {  // it is us
    m.unknown = words.say(v.lang, web::row_of(name_of(why)).text);
  }
  auto f = frame_of(v, "find");
  return page(v, pages_->find(f, m), row_of(why).status);
}

// Dear, where it is read: the log is. A few at a time, and not for long: the booking is shown all the same, without the name.
void site::read_record(const desk_answer& a, record_read then) {
  const auto& place = a.places.front();
  const auto group = a.catalogue->groups.find(place.group.value);
  if (group == a.catalogue->groups.end() || records_read_->load() >= records_read_max)
    return then({});
  struct reading {
    record_read then;
    boost::asio::steady_timer patience;
  };
  const auto state = std::make_shared<reading>(std::move(then), boost::asio::steady_timer(look_.get_executor()));
  const auto end = [state](const std::vector<web::person_fields>& people) {
    state->patience.cancel();
    if (const auto waiting = std::exchange(state->then, nullptr))
      waiting(people);
  };
  state->patience.expires_after(record_patience);
  state->patience.async_wait([end](boost::system::error_code ec) {
    if (!ec)
      end({});
  });
  ++*records_read_;
  node_.sealed_records({.group = place.group, .only = place.ref, .cancelled = true},
                       [this, end, round = group->second.round, at_once = records_read_, executor = look_.get_executor(),
                        here = std::weak_ptr<void>(alive_)](auto found) {
                         --*at_once;
                         post_private(executor, [this, end, round, here, found = std::move(found)] {
                           if (const auto still = here.lock())
                             end(opened(round, found));
                         });
                       });
}

std::vector<web::person_fields> site::opened(round_id round, const std::expected<schema::sealed_places, std::string>& found) const {
  if (!found || found->places.empty() || !found->places.front().fault.empty())
    return {};
  const auto& place = found->places.front();
  const auto plain = sealing_.unseal(round, place.ref, place.sealed);
  const auto record = plain ? schema::decode_personal_record(*plain) : std::unexpected(std::string());
  if (!record)
    return {};
  web::person_fields person;
  person.get(web::person_field::name) = record->name;
  person.get(web::person_field::number) = record->identity_number;
  return {person};
}

void site::forget(const request& r, visit& v, bool all, responder& respond) const {
  const auto sent = form_of(r, v, respond);
  if (!sent)
    return;
  const bool another_language = takes_language(v, *sent);
  const auto* const address = all ? "/forget" : "/start-again";
  if (!own_form(r, v, *sent) || (another_language && told_in(sent->get("code"), v))) {
    const auto& words = pages_->all();
    web::refused_model m{.heading = "not_changed_heading",
                         .text = words.say(v.lang, "refused_from_elsewhere"),
                         .action = address,
                         .button = "send_again_button"};
    auto f = frame_of(v, "refused");
    f.again = web::again_form{address, {{"code", told({.code = problem_code::forbidden}, v)}}};
    return respond(page(v, pages_->refused(f, m), 403));
  }
  // In another language it only says it again; of whoever has begun anew meanwhile nothing is forgotten.
  if (another_language && (!all || v.draft || !v.mine.empty()))
    return respond(see_other(v, "/"));
  if (!all) {
    auto out = see_other(v, "/");
    drop_form(out, v);
    return respond(std::move(out));
  }
  v.draft.reset();
  v.mine.clear();
  v.new_browser = false;
  v.set_language = another_language;
  auto f = frame_of(v, "forgotten");
  f.again = web::again_form{address, {}};
  auto out = page(v, pages_->text(f, "forgotten"));
  if (!another_language) {
    for (const auto name : {web::form_cookie, web::mine_cookie, web::browser_cookie, web::language_cookie, web::said_cookie})
      add_cookie(out, v, name, "", 0);
    out.add("Clear-Site-Data", "\"storage\"");
  }
  respond(std::move(out));
}

}  // namespace janji::net
