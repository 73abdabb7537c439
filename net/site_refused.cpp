// What a press came to that booked nothing, or of which it is not known: each code's screen by web/codes, with the form in it wherever the
// browser does not keep all of it.
#include <algorithm>
#include <boost/json.hpp>

#include "booking/text_parts.hpp"
#include "net/page_numbers.hpp"
#include "net/site.hpp"
#include "web/codes.hpp"

namespace janji::net {

namespace {

constexpr std::int64_t surely_ended_ms =
    15'000;  // a request lives for ten seconds at most (design: deadlines), and clocks are seconds apart
constexpr std::int64_t look_again_s = 30;

// The places nearby that a refusal names: a JSON array, or nothing.
std::vector<web::near_place> places_in(const actors::round_entry& round, std::string_view alternatives) {
  std::vector<web::near_place> out;
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

std::string with_query(std::string address, const std::string& query) {
  address += address.contains('?') ? '&' : '?';
  return address + query;
}

}  // namespace

std::vector<std::pair<std::string, std::string>> site::hidden_of(const web::kept_form& f) {
  auto out = web::hidden_fields(f.people);
  out.insert(out.begin(), {{"draft", f.draft}, {"round", f.place.round}, {"people", std::to_string(f.people.size())}});
  return out;
}

std::string site::book_path(const web::chosen_place& p, std::string_view step) { return "/book/at/" + p.path() + "/" + std::string(step); }

response site::refused_booking(const visit& v, const web::kept_form& form, const problem& p, seen how) const {
  const auto code = name_of(p.code);
  const auto& row = web::row_of(code);
  auto kept = form;
  kept.last_code = code;
  if (row.book == web::screen::unknown) {
    if (auto looks = by_cookie(v, kept, "/my-booking"))
      return std::move(*looks);
    return pending_page(v, kept, p, seen::pressed, true);
  }
  kept.key.clear();  // it booked nothing
  if (p.code == problem_code::idempotency_key_reused)
    kept.draft = web::random_text(16);  // what is sent now is another form than the one that was booked with
  if (row.book == web::screen::fields) {
    auto out = details_page(v, kept, {p});
    keep_form(out, v, kept);
    return out;
  }
  web::refused_model m{.heading = "no_booking_heading",
                       .text = refusal_words(v.lang, p, form.people.size(), form.place.round),
                       .hidden = hidden_of(kept),
                       .code = std::string(code)};
  const bool whole = is_kept_whole(v, kept);
  switch (row.book) {
    case web::screen::choose: refuse_place(m, v, kept, p, whole); break;
    case web::screen::already: refuse_again(m, v, kept, p, whole); break;
    case web::screen::state: refuse_for_now(m, v, kept, p); break;
    default:
      m.action = book_path(form.place, "check");
      m.button = "send_again_button";
      m.hidden.emplace_back("go", "book");
      m.links = {{"/my-booking", pages_->all().say(v.lang, "nav_my_booking")}};
      break;
  }
  const bool looks = row.book == web::screen::state && p.code != problem_code::closed && whole;
  if (looks)
    m.more = pages_->all().say(v.lang, "looks_again_in", {{"n", look_again_s}});
  auto f = frame_of(v, "refused", form.place.round);
  if (how == seen::pressed) {
    f.again = web::again_form{book_path(form.place, "check"), hidden_of(kept)};
    f.again->hidden.emplace_back("code", told(p, v));
  }
  auto out = page(v, pages_->refused(f, m), how == seen::pressed ? row_of(p.code).status : 200);
  if (p.retry_after_ms)
    out.add("Retry-After", std::to_string((*p.retry_after_ms + 999) / 1000));
  keep_form(out, v, kept);
  if (looks)
    look_later(out, form.place);  // with the form as it was, and a button once it can be pressed
  return out;
}

// The nearest as buttons of the same form. The pages where another is chosen are links: they know the form by its cookie.
void site::refuse_place(web::refused_model& m, const visit& v, const web::kept_form& kept, const problem& p, bool whole) const {
  const auto& words = pages_->all();
  const auto round = round_named(kept.place.round);
  const auto people = static_cast<std::uint8_t>(kept.people.size());
  const auto count = "people=" + std::to_string(people);
  m.booked = words.say(v.lang, "you_have_none");
  if (p.code == problem_code::full) {
    const auto time = words.hour(v.lang, kept.place.from);
    m.text = words.say(v.lang, "full_while_choosing", {{"time", time}});
    m.booked.clear();
  }
  if (const auto fewer = p.free.value_or(0); p.code == problem_code::not_enough_together && fewer > 0 && fewer < people) {
    auto text = words.say(v.lang, "book_for_fewer", {{"n", std::int64_t{fewer}}});
    if (whole) {
      m.links.emplace_back(with_query(step_of(kept.place, "details"), "people=" + std::to_string(fewer)), std::move(text));
    } else {
      auto some = kept;
      some.people.resize(fewer);
      m.steps.push_back({book_path(kept.place, "details"), hidden_of(some), std::move(text)});
    }
  }
  if (round != nullptr && !p.alternatives.empty())
    m.nearest = places_in(*round, p.alternatives);
  else if (round != nullptr)
    m.nearest = nearest_free(page_numbers(node_, round), kept.place.centre, kept.place.date, people, kept.place.from);
  const auto centre = "/book/at/" + percent_encoded(kept.place.centre);
  m.links.emplace_back(centre + "/" + format_date(kept.place.date) + "?" + count, words.say(v.lang, "try_another_time"));
  m.links.emplace_back(centre + "?" + count, words.say(v.lang, "try_another_day"));
  m.links.emplace_back("/book/in?" + count, words.say(v.lang, "try_another_centre"));
}

void site::refuse_again(web::refused_model& m, const visit& v, const web::kept_form& kept, const problem& p, bool whole) const {
  const auto& words = pages_->all();
  if (p.code == problem_code::already_booked) {
    m.heading = "already_heading";
    m.links.emplace_back("/find", words.say(v.lang, "nav_find"));
  }
  if (!v.mine.empty())
    m.links.insert(m.links.begin(), {"/my-booking", words.say(v.lang, "nav_my_booking")});
  auto text = words.say(v.lang, "change_details_button");
  if (whole)
    m.links.emplace_back(step_of(kept.place, "details"), std::move(text));
  else
    m.steps.push_back({book_path(kept.place, "details"), hidden_of(kept), std::move(text)});
}

void site::refuse_for_now(web::refused_model& m, const visit& v, const web::kept_form& kept, const problem& p) const {
  const auto& words = pages_->all();
  m.good = true;
  m.action = book_path(kept.place, "check");
  m.button = "look_again_link";
  m.hidden.emplace_back("go", "look");
  m.links = {{"/my-booking", words.say(v.lang, "nav_my_booking")}, {"/", words.say(v.lang, "start_page")}};
  if (p.code == problem_code::paused && p.why == reason_code::operator_said)
    m.booked = words.say(v.lang, "form_kept");  // the others' sentences say it
  if (p.code != problem_code::closed)
    return;
  m.links.insert(m.links.begin(), {"/find", words.say(v.lang, "nav_find")});
  m.main_link = m.form_last = true;
}

std::optional<problem> site::not_now(const web::chosen_place& place) const {
  const auto round = round_named(place.round);
  if (round == nullptr)
    return std::nullopt;
  switch (round->status_now(wall_clock(), node_.judges_past()).status) {
    case booking_status::closed: return not_admitted(*round, problem_code::closed);
    case booking_status::not_open: return not_admitted(*round, problem_code::not_open);
    case booking_status::paused: return not_admitted(*round, problem_code::paused);
    case booking_status::open:
    case booking_status::over: break;
  }
  return std::nullopt;
}

void site::look_later(response& out, const web::chosen_place& place) const {
  auto seconds = look_again_s;
  const auto round = round_named(place.round);
  if (round != nullptr && round->definition.opens_at > wall_clock())  // not long after it opens
    seconds = std::clamp<std::int64_t>((round->definition.opens_at.value - wall_clock().value) / 1000 + 1, 1, look_again_s);
  out.add("Refresh", std::to_string(seconds) + "; url=" + step_of(place, "check"));
}

response site::pending_page(const visit& v, const web::kept_form& form, const problem& p, seen how, bool in_place) const {
  const bool looked = how == seen::looked;
  const auto code = name_of(p.code);
  const auto& row = web::row_of(code);
  web::pending_model m{.cause = std::string(p.code == problem_code::not_found ? "cause_no_answer" : row.text),
                       .action = "/my-booking",
                       .code = std::string(code)};
  m.nothing_yet = looked && p.code == problem_code::not_found && clock_.now().value - form.at.value > surely_ended_ms;
  if (p.code == problem_code::not_found && !form.last_code.empty())
    m.cause = std::string(web::row_of(form.last_code).text);
  auto wait_ms = p.retry_after_ms.value_or(row_of(p.code).retry_after_ms);
  const auto last = code_named(form.last_code);
  if (last)
    wait_ms = std::max(wait_ms, row_of(*last).retry_after_ms);
  m.shut_s = std::max<std::uint32_t>(3, (wait_ms + 999) / 1000);
  m.again_s = std::max<std::uint32_t>(5, m.shut_s + 2);  // the script asks between the two
  m.hidden = hidden_of(form);
  m.hidden.emplace_back("place", form.place.path());
  m.sent = !form.last_code.empty();
  if (!m.sent && looked && p.code == problem_code::not_found) {
    m.unsent = named(form.place);
    m.people = form.people.size();
  }
  m.nothing_yet = m.nothing_yet || !m.sent;
  m.looks_again = m.sent && !in_place;  // else this page alone has the form
  m.in_place = in_place;
  auto f = frame_of(v, "pending");
  if (in_place) {
    m.hidden.emplace_back("code", told(looked && last ? problem{.code = *last} : p, v));
    f.again = web::again_form{m.action, m.hidden};
  }
  auto out = page(v, pages_->pending(f, m), looked ? 200 : row_of(p.code).status);
  if (m.looks_again)
    out.add("Refresh", std::to_string(m.again_s));
  if (!looked)
    out.add("Retry-After", std::to_string(m.shut_s));
  if (in_place && !form.key.empty())  // that something was sent, though the form be too large: then nobody says that there is nothing
    keep_form(out, v, form);
  return out;
}

// Neither "yes" nor "no" can be said from here. The page that was pressed has the form.
response site::beyond_looking(const visit& v) const {
  web::pending_model m{.cause = v.draft->last_code.empty() ? "" : std::string(web::row_of(v.draft->last_code).text),
                       .sent = false,
                       .kept = false,
                       .code = v.draft->last_code};
  return page(v, pages_->pending(frame_of(v, "pending"), m));
}

}  // namespace janji::net
