// Moving and cancelling what is booked from this browser: one person after another, each with a key of its own, stopping at the first that
// cannot be changed or is not known.
#include <algorithm>
#include <boost/json.hpp>
#include <ranges>

#include "booking/reference_text.hpp"
#include "booking/states.hpp"
#include "booking/text_parts.hpp"
#include "net/centre_search.hpp"
#include "net/page_numbers.hpp"
#include "net/site.hpp"
#include "web/codes.hpp"

namespace janji::net {

namespace {

std::vector<std::string_view> who_in(std::string_view query) {
  std::vector<std::string_view> out;
  constexpr std::string_view name = "who=";
  while (!query.empty())
    if (const auto one = next_part(query, '&'); one.starts_with(name))
      out.push_back(one.substr(name.size()));
  return out;
}

std::string query_of(const std::vector<std::size_t>& chosen) {
  std::string out;
  for (const auto i : chosen)
    out += (out.empty() ? "who=" : "&who=") + std::to_string(i + 1);
  return out;
}

// Each once, in their order.
std::vector<web::chosen_place> places_of(const web::kept_bookings& mine, const std::vector<std::size_t>& chosen) {
  std::vector<web::chosen_place> out;
  for (const auto i : chosen)
    if (std::ranges::none_of(out, [&](const auto& p) { return p.path() == mine[i].place.path(); }))
      out.push_back(mine[i].place);
  return out;
}

}  // namespace

// Places in the list of those that are live; none said: whoever is the only one. An address names them by their numbers, a form, which may
// be older than the list, by their handles.
std::vector<std::size_t> site::chosen_of(const web::kept_bookings& mine, const std::vector<std::string_view>& said, named_by how) const {
  std::vector<std::size_t> out;
  std::vector<std::size_t> live;
  for (std::size_t i = 0; i < mine.size(); ++i) {
    if (mine[i].cancelled || (how == named_by::number && is_attended(mine[i])))
      continue;
    live.push_back(i);
    if (std::ranges::find(said, how == named_by::number ? std::to_string(i + 1) : handle_of(mine[i], i)) != said.end())
      out.push_back(i);
  }
  return said.empty() && live.size() == 1 ? live : out;
}

std::vector<std::pair<std::string, std::string>> site::hidden_of_chosen(const web::kept_bookings& mine,
                                                                        const std::vector<std::size_t>& chosen) const {
  std::vector<std::pair<std::string, std::string>> out;
  out.reserve(chosen.size());
  for (const auto i : chosen)
    out.emplace_back("who", handle_of(mine[i], i));
  return out;
}

std::vector<web::booking_item> site::items_of(const web::kept_bookings& mine) const {
  std::vector<web::booking_item> out;
  for (std::size_t i = 0; i < mine.size(); ++i) {
    out.push_back(item_of(mine[i]));
    out.back().handle = handle_of(mine[i], i);
  }
  return out;
}

// Somebody moves within the round of their booking, whichever the pages show; whose booking is of another round is moved by themselves.
std::string site::round_of(const web::kept_bookings& mine, std::vector<std::size_t>& chosen) {
  if (chosen.empty())
    return {};
  const auto& round = mine[chosen.front()].round;
  std::erase_if(chosen, [&](std::size_t i) { return mine[i].round != round; });
  return round;
}

// ------------------------------------------------------------------ asking

// `as_said`: whoever is ticked, be it nobody.
response site::whom_to_change(const visit& v, web::change_model m, bool several, bool as_said) const {
  if (m.chosen.empty() && !m.cancel && !as_said)  // whom to cancel is said, never taken for granted
    for (std::size_t i = 0; i < v.mine.size(); ++i)
      if (!v.mine[i].cancelled && !is_attended(v.mine[i]))
        m.chosen.push_back(i);
  m.choose = several;
  m.posts = m.cancel;
  m.action = m.cancel ? "/my-booking/cancel" : "/my-booking/move";
  if (!m.choose)
    m.hidden = hidden_of_chosen(v.mine, m.chosen);
  return page(v, pages_->change(frame_of(v, "change"), m));
}

void site::change_get(std::string_view query_text, visit& v, const page_match& at, responder& respond) {
  const bool cancel = at.row->to == page_endpoint::cancel;
  const auto centre = at.arguments[0];
  web::change_model m{.cancel = cancel, .people = items_of(v.mine)};
  const auto can_change = [this](const auto& b) { return !b.cancelled && !is_attended(b); };
  const auto live = std::ranges::count_if(v.mine, can_change);
  if (live == 0)
    return respond(see_other(v, "/my-booking"));
  const auto said = who_in(query_text);
  m.chosen = chosen_of(v.mine, said, named_by::number);
  // Whom to move is asked, and only the language was changed by a button of that form.
  const bool asks_again = query_value(query_text, "choose") == "1" && web::language_of(query_value(query_text, "lang")) &&
                          query_value(query_text, "go") != "on";
  if (cancel || (at.row->to == page_endpoint::move && (m.chosen.empty() || asks_again))) {
    return respond(whom_to_change(v, std::move(m), live > 1, asks_again));
  }
  if (m.chosen.empty())
    return respond(see_other(v, "/my-booking/move"));
  const auto round = round_of(v.mine, m.chosen);
  const auto people = static_cast<std::uint8_t>(m.chosen.size());
  const auto query = query_of(m.chosen);
  const page_numbers numbers(node_, round_named(round));
  if (at.row->to == page_endpoint::move) {
    web::centres_model c{.people = people, .now = places_of(v.mine, m.chosen), .base = "/my-booking/move/", .query = query};
    c.hidden.reserve(m.chosen.size());
    for (const auto i : m.chosen)
      c.hidden.emplace_back("who", std::to_string(i + 1));
    const auto place = searched_place(query_text);
    if (place.empty() && numbers.round != nullptr &&
        numbers.round->definition.centres.size() > centres_listed_max)  // those around where they are now
      if (const auto now = numbers.round->body->centre_by_code.find(c.now.front().centre); now != numbers.round->body->centre_by_code.end())
        c.state = state_number(numbers.round->definition.centres[now->second].state);
    fill_centres(numbers, pages_->all(), place, c);
    c.numbers = {numbers.as_of, {}};
    return respond(page(v, pages_->centres(frame_of(v, "move-centre", round), c)));
  }
  const auto base = "/my-booking/move/" + percent_encoded(centre);
  if (at.row->to == page_endpoint::move_centre) {
    web::month_model days{
        .people = people, .centre = std::string(centre), .base = base + "/", .query = query, .back = "/my-booking/move?" + query};
    auto f = frame_of(v, "move-day", round);
    days.today = date_at(f.now, f.offset);
    fill_month(numbers, centre, days);
    if (days.days.empty())
      return no_such_place(v, respond);
    days.numbers = {numbers.as_of, {}};
    return respond(page(v, pages_->month(f, days)));
  }
  if (at.row->to == page_endpoint::move_day) {
    const auto date = parse_date(at.arguments[1]);
    web::times_model times{.people = people,
                           .centre = std::string(centre),
                           .date = date.value_or(civil_date{}),
                           .base = base + "/" + std::string(at.arguments[1]) + "/",
                           .query = query,
                           .back = base + "?" + query};
    if (date)
      fill_times(numbers, centre, times);
    if (times.windows.empty())
      return no_such_place(v, respond);
    times.numbers = {numbers.as_of, {}};
    return respond(page(v, pages_->times(frame_of(v, "move-time", round), times)));
  }
  const auto where = place_of(at.arguments, round);
  if (!where)
    return no_such_place(v, respond);
  m.to = where->place;
  m.posts = true;
  m.action = "/my-booking/move/" + where->place.path();
  m.hidden = hidden_of_chosen(v.mine, m.chosen);
  respond(page(v, pages_->change(frame_of(v, "change", round), m)));
}

// ------------------------------------------------------------------ doing

struct site::change_run {
  visit v;
  responder respond;
  bool cancel = false;
  std::optional<web::chosen_place> to;
  std::vector<std::size_t> chosen;
  std::vector<web::change_end> ends;  // of the chosen, as are the next two
  std::vector<problem> said;          // why it was not changed
  std::vector<web::chosen_place> before;
  std::uint32_t wait_ms = 0;  // before it is asked again
  std::size_t next = 0;
  request asked;  // what of it every step needs: when it came and from where
};

void site::change_post(const request& r, visit& v, const page_match& at, responder&& respond) {
  const auto sent = form_of(r, v, respond);
  if (!sent)
    return;
  auto run = std::make_shared<change_run>();
  run->cancel = at.row->to == page_endpoint::cancel_sent;
  const auto said = sent->all("who");
  run->chosen = chosen_of(v.mine, said, named_by::handle);
  const bool another_language = takes_language(v, *sent);
  if (!run->cancel) {
    const auto where = place_of(at.arguments, round_of(v.mine, run->chosen));
    if (!where)
      return no_such_place(v, respond);
    run->to = where->place;
  }
  if (another_language) {
    run->v = std::move(v);
    return change_again(*sent, *run, respond);
  }
  const bool own = own_form(r, v, *sent);
  const bool are_known = std::ranges::any_of(std::views::iota(std::size_t{0}, v.mine.size()),
                                             [&](std::size_t i) { return std::ranges::find(said, handle_of(v.mine[i], i)) != said.end(); });
  if (own && run->chosen.empty() && are_known)  // all of them are cancelled already
    return respond(see_other(v, "/my-booking"));
  if (!own)
    return respond(change_form(v, *run, "refused_from_elsewhere", 403));
  if (run->chosen.empty())
    return respond(change_form(v, *run, "choose_somebody", 422));
  for (const auto i : run->chosen)
    run->before.push_back(v.mine[i].place);
  run->ends.assign(run->chosen.size(), web::change_end::waits);
  run->said.resize(run->chosen.size());
  run->asked.from = r.from;
  run->asked.arrived = r.arrived;
  run->v = std::move(v);
  run->respond = std::move(respond);
  next_change(run);
}

response site::change_form(const visit& v, const change_run& run, std::string_view fault, unsigned status) const {
  web::change_model m{.cancel = run.cancel,
                      .choose = true,
                      .chosen = run.chosen,
                      .to = run.to,
                      .action = std::string("/my-booking/") + (run.cancel ? "cancel" : "move/" + run.to->path()),
                      .posts = true};
  m.people = items_of(v.mine);
  const auto first = std::ranges::find_if(v.mine, [this](const auto& b) { return !b.cancelled && !is_attended(b); });
  if (first == v.mine.end())
    return see_other(v, "/my-booking");
  if (!fault.empty()) {
    m.faults.push_back({"who-" + std::to_string(first - v.mine.begin() + 1), pages_->all().say(v.lang, fault)});
    m.hidden.emplace_back("tried", fault);
  }
  return page(v, pages_->change(frame_of(v, "change", run.to ? run.to->round : std::string{}), m), status);
}

// What was told, or the question: whose ticks an address can say has one.
void site::change_again(const web::form& sent, change_run& run, responder& respond) const {
  if (take_told(sent, run))
    return respond(run.chosen.empty() ? see_other(run.v, "/my-booking") : changed_page(run));
  for (const auto& [fault, status] : {std::pair{"refused_from_elsewhere", 403U}, std::pair{"choose_somebody", 422U}})
    if (sent.get("tried") == fault)
      return respond(change_form(run.v, run, fault, status));
  if (run.chosen.empty())
    return respond(change_form(run.v, run, "", 200));
  respond(see_other(run.v, (run.cancel ? "/my-booking/cancel?" : "/my-booking/move/" + run.to->path() + "?") + query_of(run.chosen)));
}

void site::next_change(const std::shared_ptr<change_run>& run) {
  if (run->next == run->chosen.size())
    return end_change(*run);
  const auto n = run->next++;
  auto& b = run->v.mine[run->chosen[n]];
  const auto moves = std::to_string(b.moves);
  const auto reference = to_text(b.ref);
  const auto sink = [this, run, n](desk_answer&& a) {
    auto& mine = run->v.mine[run->chosen[n]];
    if (!a.refusal && !a.places.empty()) {
      const auto& p = a.places.front();
      mine.cancelled = p.status == place_status::cancelled;
      mine.moves = p.generation.value;
      mine.known_at = clock_.now();
      mine.confirmed_at = p.at;
      if (const auto named = name_place(*a.catalogue, p.group, p.window); named && !run->cancel)
        mine.place = {named->at->code, named->at->name, named->date, named->window->opens_minute, named->window->closes_minute};
      run->ends[n] = web::change_end::done;
      return next_change(run);
    }
    auto& p = run->said[n] = a.refusal.value_or(problem{.code = problem_code::unknown});
    p.alternatives = {};  // the desk's, for this turn alone
    run->wait_ms = p.retry_after_ms.value_or(row_of(p.code).retry_after_ms);
    run->v.request_id = std::move(a.request_id);
    mine.cancelled = mine.cancelled || p.code == problem_code::cancelled;  // on another device
    if (p.code == problem_code::same_place) {                              // as an earlier press left it: the others may be still to move
      run->ends[n] = web::change_end::kept;
      return next_change(run);
    }
    run->ends[n] = web::row_of(name_of(p.code)).change == web::screen::unknown ? web::change_end::unknown : web::change_end::kept;
    end_change(*run);
  };
  if (run->cancel)
    return desk_.cancel(run->asked, b.ref, b.token_generation, box_.key_for("cancel", {reference, moves}), sink);
  const auto body = R"({"centre":")" + run->to->centre + R"(","date":")" + format_date(run->to->date) + R"(","window":")" +
                    format_minute(run->to->from) + "\"}";
  desk_.move(run->asked, b.ref, b.token_generation, body, box_.key_for("move", {reference, moves, run->to->path()}), sink);
}

void site::end_change(change_run& run) {
  const auto done = std::ranges::count(run.ends, web::change_end::done);
  const auto there = std::ranges::count(run.said, problem_code::same_place, &problem::code);
  if (done > 0 && static_cast<std::size_t>(done + there) == run.ends.size()) {
    auto out = see_other(run.v, "/my-booking");
    say_once(out, run.v, run.cancel ? "cancelled" : "moved");
    keep_mine(out, run.v);
    return run.respond(std::move(out));
  }
  auto out = changed_page(run);
  keep_mine(out, run.v);
  run.respond(std::move(out));
}

response site::changed_page(const change_run& run) const {
  web::changed_model m{.cancel = run.cancel};
  bool unknown = false;
  const problem* last = nullptr;  // that it stopped at, or the last that was at that place already
  std::vector<std::size_t> rest;
  std::vector<std::size_t> moved;
  for (std::size_t i = 0; i < run.chosen.size(); ++i) {
    const auto at = run.chosen[i];
    const bool refused = run.ends[i] == web::change_end::kept || run.ends[i] == web::change_end::unknown;
    if (refused)
      last = &run.said[i];
    m.people.push_back({item_of(run.v.mine[at]), run.ends[i],
                        refused ? refusal_words(run.v.lang, run.said[i], 1, run.v.mine[at].round) : std::string{}, at + 1});
    unknown = unknown || run.ends[i] == web::change_end::unknown;
    if (run.ends[i] != web::change_end::done)
      rest.push_back(at);
    else
      moved.push_back(i);
  }
  m.code = last == nullptr ? std::string_view{} : name_of(last->code);
  if (unknown) {
    m.action = run.cancel ? "/my-booking/cancel" : "/my-booking/move/" + run.to->path();
    m.hidden = hidden_of_chosen(run.v.mine, rest);
    constexpr std::uint32_t least_s = 3;
    m.shut_s = std::max<std::uint32_t>(least_s, (run.wait_ms + 999) / 1000);
  } else if (!run.cancel && !moved.empty()) {
    // Where all who were moved stood before, if it was one place.
    const auto& first = run.before[moved.front()];
    const bool one_place = std::ranges::all_of(moved, [&](std::size_t i) { return run.before[i].path() == first.path(); });
    if (one_place) {
      m.back_action = "/my-booking/move/" + first.path();
      std::vector<std::size_t> back;
      back.reserve(moved.size());
      for (const auto i : moved)
        back.push_back(run.chosen[i]);
      m.back_hidden = hidden_of_chosen(run.v.mine, back);
    }
  }
  const bool attended = last != nullptr && last->why == reason_code::attended;
  if (!run.cancel && !unknown && !attended && web::row_of(m.code).change == web::screen::choose)
    m.another = "/my-booking/move?" + query_of(rest);
  auto f = frame_of(run.v, "changed");
  f.again =
      web::again_form{run.cancel ? "/my-booking/cancel" : "/my-booking/move/" + run.to->path(), hidden_of_chosen(run.v.mine, run.chosen)};
  f.again->hidden.emplace_back("code", told(run));
  return page(run.v, pages_->changed(f, m), unknown ? 503 : 409);
}

// ------------------------------------------------------------------ told again

// How each ended, by their references: the list may be another by then.
std::string site::told(const change_run& run) const {
  boost::json::array each;
  for (std::size_t i = 0; i < run.chosen.size(); ++i) {
    const auto& before = run.before[i];
    each.push_back(boost::json::array{run.v.mine[run.chosen[i]].ref.value, static_cast<int>(run.ends[i]), told(run.said[i], run.v),
                                      before.centre, format_date(before.date), before.from});
  }
  return box_.seal(change_purpose, boost::json::serialize(boost::json::array{told_version, run.cancel, run.wait_ms, std::move(each)}));
}

bool site::take_told(const web::form& sent, change_run& run) const {
  const auto text = box_.open(change_purpose, sent.get("code"));
  if (!text)
    return false;
  std::vector<std::size_t> chosen;
  try {
    const auto all = boost::json::parse(*text);
    const auto& a = all.as_array();
    if (a.at(0).to_number<int>() != told_version || a.at(1).as_bool() != run.cancel)
      return false;
    run.wait_ms = a.at(2).to_number<std::uint32_t>();
    for (const auto& one : a.at(3).as_array()) {
      const auto& e = one.as_array();
      const auto known = std::ranges::find(run.v.mine, reference{e.at(0).to_number<std::uint64_t>()}, &web::kept_booking::ref);
      const auto end = e.at(1).to_number<int>();
      const auto why = told_in(std::string_view(e.at(2).as_string()), run.v);
      const auto day = parse_date(std::string_view(e.at(4).as_string()));
      if (known == run.v.mine.end() || end < 0 || end > static_cast<int>(web::change_end::waits) || !why || !day)
        continue;
      chosen.push_back(static_cast<std::size_t>(known - run.v.mine.begin()));
      run.ends.push_back(static_cast<web::change_end>(end));
      run.said.push_back(*why);
      run.before.push_back({std::string(e.at(3).as_string()), {}, *day, e.at(5).to_number<std::uint16_t>(), 0});
    }
  } catch (const std::exception&) {  // of a version that wrote another
    return false;
  }
  run.chosen = std::move(chosen);
  return true;
}

}  // namespace janji::net
