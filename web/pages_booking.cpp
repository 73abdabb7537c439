// What became of a request: confirmed, not known, refused; and changing what is booked.
#include <algorithm>

#include "booking/text_parts.hpp"
#include "web/codes.hpp"
#include "web/form.hpp"
#include "web/pages.hpp"
#include "web/qr.hpp"
#include "web/spelling.hpp"

namespace janji::web {

namespace {

std::string when_words(const words& w, language l, const booking_item& b) { return w.date(l, b.date) + ", " + w.hours(l, b.from, b.to); }

std::string name_words(const words& w, language l, const booking_item& b, std::size_t n) {
  if (b.name.empty())
    return w.say(l, "person_legend", {{"n", static_cast<std::int64_t>(n)}});
  return w.say(l, "person_of", {{"n", static_cast<std::int64_t>(n)}, {"name", b.name}});
}

data booking_data(const words& w, language l, const booking_item& b, std::size_t n, bool changeable) {
  data one;
  one.set("n", std::to_string(n));
  one.set("kind", b.cancelled ? "cancelled" : "confirmed");
  one.set("name", name_words(w, l, b, n));
  one.set("status", b.cancelled ? w.say(l, "cancelled_status") : b.attended ? w.say(l, "attended_status") : std::string{});
  one.set("centre", b.centre_name);
  one.set("content_lang", "ms");
  std::string where = b.district;
  if (b.state != 0)
    where += (where.empty() ? "" : ", ") + w.say(l, "state_" + std::to_string(b.state));
  one.set("address", where);
  one.set("when", when_words(w, l, b));
  one.set("number", b.number.empty() ? std::string{} : w.say(l, "number_ends", {{"digits", b.number}}));
  one.set("reference", b.reference);
  one.set("reference_spelt", spelt(w, l, b.reference));
  one.set("code", b.code);
  one.set("code_spelt", spelt(w, l, b.code));
  one.set("live", !b.cancelled);
  one.set("ics", changeable && !b.cancelled ? "/my-booking/" + std::to_string(n) + "/appointment.ics" : std::string{});
  const bool proof = !b.receipt.empty() && !b.cancelled;
  one.set("qr", proof ? qr_svg(b.qr.empty() ? b.receipt : b.qr) : std::string{});
  one.set("qr_caption", w.say(l, b.qr.empty() ? "qr_caption_text" : "qr_caption"));
  one.set("receipt_href", "/receipt#" + b.receipt);
  one.set("proof", proof ? b.receipt : std::string{});
  return one;
}

}  // namespace

std::string pages::my_booking(const frame& f, const my_booking_model& m) const {
  const auto l = f.lang;
  data d;
  d.set("banner", false);
  if (m.doubt || !m.done.empty() || m.repeated) {
    data b;
    b.set("kind", m.doubt ? "wait" : "good");
    b.set("text", words_->say(l, m.doubt ? "unknown_not_kept" : m.done.empty() ? "confirmed_again" : m.done));
    d.set("banner", b);
  }
  const auto live = std::ranges::count_if(m.bookings, [](const auto& b) { return !b.cancelled; });
  const auto to_change = std::ranges::count_if(m.bookings, [](const auto& b) { return !b.cancelled && !b.attended; });
  const bool any = !m.bookings.empty();
  if (!any) {
    d.set("heading", words_->say(l, "nothing_heading"));
    d.set("said", words_->say(l, "nothing_text"));
  } else if (live == 0) {
    d.set("heading", words_->say(l, "cancelled_heading"));
    d.set("said", words_->say(l, "cancelled_text"));
  } else {
    d.set("heading", words_->say(l, "confirmed_heading", {{"n", live}}));
    d.set("said", to_change == 0 ? std::string{} : words_->say(l, "confirmed_text"));
  }
  std::string age_text;
  if (m.known_at) {
    const auto time = words_->clock(l, *m.known_at, f.offset);
    age_text = words_->say(l, "as_known", {{"time", time}});
  }
  d.set("age", age_text);
  list bookings;
  for (std::size_t i = 0; i < m.bookings.size(); ++i) {
    bookings.push_back(booking_data(*words_, l, m.bookings[i], i + 1, m.changeable));
  }
  d.set("bookings", bookings);
  d.set("unsent", false);
  if (m.unsent) {
    data one;
    const auto when = when_of(l, m.unsent->date, m.unsent->from, m.unsent->to);
    one.set("text", words_->say(l, "unsent_text", {{"place", m.unsent->centre_name}, {"when", when}}));
    const auto round = m.unsent->round.empty() ? std::string{} : "?round=" + percent_encoded(m.unsent->round);
    one.set("href", "/book/at/" + m.unsent->path() + "/check" + round);
    d.set("unsent", one);
  }
  d.set("any_live", live > 0);
  d.set("form_token", f.form_token);
  d.set("changeable", m.changeable && to_change > 0);
  d.set("again", live == 0);
  return lay_out(f, words_->say(l, "my_title"), templates_->render(l, "my_booking", d));
}

std::string pages::pending(const frame& f, const pending_model& m) const {
  const auto l = f.lang;
  data d;
  d.set("heading", words_->say(l, m.unsent ? "unsent_heading" : "unknown_heading"));
  d.set("cause", m.unsent || m.cause.empty() ? std::string{} : words_->say(l, m.cause));
  d.set("button", words_->say(l, "ask_again_button"));
  if (!m.kept) {
    d.set("text", words_->say(l, "unknown_not_kept"));
  } else if (m.unsent) {
    const auto when = when_of(l, m.unsent->date, m.unsent->from, m.unsent->to);
    d.set("text", words_->say(l, "unsent_text", {{"place", m.unsent->centre_name}, {"when", when}}));
    d.set("button", words_->say(l, "book_button", {{"n", static_cast<std::int64_t>(m.people)}}));
  } else {
    d.set("text", words_->say(l, m.nothing_yet ? "unknown_nothing_yet" : "unknown_text"));
  }
  d.set("next", words_->say(l, "unknown_next", {{"n", std::int64_t{m.again_s}}}));
  d.set("after", std::to_string(m.again_s));
  d.set("form", !m.action.empty());
  d.set("action", m.action);
  d.set("shut", std::to_string(m.shut_s));
  d.set("sent", m.sent);
  d.set("looks_again", m.looks_again && m.sent);
  d.set("look", m.in_place);
  d.set("look_link", !m.in_place && m.kept);
  d.set("hidden", hidden(f, m.hidden));
  d.set("form_token", f.form_token);
  d.set("trace", trace(f, m.code));
  return lay_out(f, words_->say(l, m.unsent ? "unsent_heading" : "unknown_title"), templates_->render(l, "pending", d));
}

std::string pages::refused(const frame& f, const refused_model& m) const {
  const auto l = f.lang;
  data d;
  const auto heading = words_->say(l, m.heading);
  d.set("heading", heading);
  d.set("kind", m.good ? "wait" : "stop");
  d.set("text", m.text);
  d.set("booked", m.booked);
  d.set("more", m.more);
  d.set("nearest_forms", false);
  if (!m.nearest.empty()) {
    list items;
    for (const auto& p : m.nearest) {
      data one;
      const chosen_place place{p.centre, p.centre_name, p.date, p.from, 0};
      one.set("action", "/book/at/" + place.path() + "/details");
      one.set("hidden", hidden(f, m.hidden));
      one.set("centre", p.centre_name);
      one.set("content_lang", "ms");
      one.set("when", when_of(l, p.date, p.from, 0));
      one.set("text", words_->say(l, "free_places", {{"n", static_cast<std::int64_t>(p.free)}}));
      items.push_back(one);
    }
    d.set("nearest_forms", data("items", items));
  }
  list steps;
  for (const auto& s : m.steps) {
    data one;
    one.set("action", s.action);
    one.set("hidden", hidden(f, s.hidden));
    one.set("text", s.text);
    steps.push_back(one);
  }
  d.set("steps", steps);
  d.set("form", !m.action.empty() && !m.form_last);
  d.set("last_form", !m.action.empty() && m.form_last);
  d.set("action", m.action);
  d.set("hidden", hidden(f, m.hidden));
  d.set("button", m.button.empty() ? std::string{} : words_->say(l, m.button));
  list links;
  for (const auto& [href, text] : m.links) {
    data one;
    one.set("href", href);
    one.set("text", text);
    one.set("main", m.main_link && links.empty());
    links.push_back(one);
  }
  d.set("links", links);
  d.set("trace", trace(f, m.code));
  return lay_out(f, heading, templates_->render(l, "refused", d));
}

std::string pages::find(const frame& f, const find_model& m) const {
  const auto l = f.lang;
  data d;
  d.set("errors", faults(f, m.faults));
  d.set("failed", m.failed);
  d.set("unknown", m.unknown);
  d.set("tried", m.tried);
  d.set("form_token", f.form_token);
  std::string fields;
  for (const auto& [id, label, hint, value] : {std::tuple{"reference", "label_reference", "hint_reference", &m.reference},
                                               std::tuple{"code", "label_code", "hint_code", &m.code}}) {
    data one;
    one.set("id", id);
    one.set("label", words_->say(l, label));
    one.set("hint", words_->say(l, hint));
    one.set("optional", false);
    const auto fault = std::ranges::find(m.faults, id, &field_fault::id);
    one.set("error", fault == m.faults.end() ? std::string{} : fault->text);
    one.set("described", std::string(id) + "-hint" + (fault == m.faults.end() ? "" : " " + std::string(id) + "-error"));
    one.set("options", false);
    one.set("area", false);
    data in;
    in.set("value", *value);
    in.set("autocomplete", "off");
    in.set("spellcheck", true);
    in.set("type", false);
    in.set("inputmode", false);
    one.set("input", in);
    fields += input(f, one);
  }
  d.set("fields", fields);
  d.set("language_buttons", language_buttons(f));
  auto title = words_->say(l, "find_title");
  if (!m.faults.empty())
    title = words_->say(l, "title_error", {{"title", title}});
  return lay_out(f, title, templates_->render(l, "find", d), {.language_links = false});
}

std::string pages::change(const frame& f, const change_model& m) const {
  const auto l = f.lang;
  data d;
  d.set("errors", faults(f, m.faults));
  d.set("heading", words_->say(l, m.cancel ? "cancel_heading" : m.to ? "move_check_heading" : "move_heading"));
  std::string said;
  if (m.cancel) {
    said = words_->say(l, "cancel_said");
  } else if (m.to) {
    const auto when = when_of(l, m.to->date, m.to->from, m.to->to);
    said = words_->say(l, "move_to", {{"place", m.to->centre_name}, {"when", when}});
  }
  d.set("said", said);
  d.set("method", m.posts ? "post" : "get");
  d.set("posts", m.posts);
  d.set("action", m.action);
  d.set("hidden", m.posts ? hidden(f, m.hidden) : std::string{});
  d.set("choose", m.choose);
  d.set("fault", m.choose && !m.faults.empty() ? m.faults.front().text : std::string{});
  d.set("language_buttons", language_buttons(f));
  list people;
  std::size_t chosen = 0;
  for (std::size_t i = 0; i < m.people.size(); ++i) {
    const bool is_chosen = std::ranges::find(m.chosen, i) != m.chosen.end();
    if (!m.choose && !is_chosen)
      continue;
    if (m.people[i].cancelled || m.people[i].attended)
      continue;
    chosen += is_chosen ? 1 : 0;
    data one;
    one.set("n", std::to_string(i + 1));
    one.set("value", m.posts ? m.people[i].handle : std::to_string(i + 1));
    one.set("name", name_words(*words_, l, m.people[i], i + 1));
    one.set("when", when_words(*words_, l, m.people[i]));
    one.set("checked", is_chosen);
    people.push_back(one);
  }
  d.set("one_by_one", people.size() > 1 ? words_->say(l, m.cancel ? "one_by_one_cancel" : "one_by_one") : std::string{});
  d.set("people", people);
  d.set("keep", m.cancel);
  const auto n = static_cast<std::int64_t>(std::max<std::size_t>(m.choose ? people.size() : chosen, 1));
  d.set("button_kind", m.cancel ? "danger" : "main");
  if (m.cancel)
    d.set("button", words_->say(l, "cancel_button", {{"n", n}}));
  else
    d.set("button", m.to ? words_->say(l, "move_button", {{"n", n}}) : words_->say(l, "move_choose_button"));
  auto title = words_->say(l, m.cancel ? "cancel_title" : "move_title");
  if (!m.faults.empty())
    title = words_->say(l, "title_error", {{"title", title}});
  return lay_out(f, title, templates_->render(l, "change", d), {.language_links = false});
}

std::string pages::changed(const frame& f, const changed_model& m) const {
  const auto l = f.lang;
  data d;
  d.set("heading", words_->say(l, "changed_heading"));
  list people;
  for (const auto& p : m.people) {
    data one;
    one.set("name", name_words(*words_, l, p.booking, p.n));
    const auto when = when_words(*words_, l, p.booking);
    switch (p.end) {
      case change_end::done:
        one.set("kind", "good");
        one.set("text", m.cancel ? words_->say(l, "each_cancelled")
                                 : words_->say(l, "each_moved", {{"place", p.booking.centre_name}, {"when", when}}));
        break;
      case change_end::kept:
        one.set("kind", "stop");
        one.set("text", p.booking.cancelled
                            ? words_->say(l, "each_not_changed", {{"why", p.why}})
                            : words_->say(l, "each_kept", {{"why", p.why}, {"place", p.booking.centre_name}, {"when", when}}));
        break;
      case change_end::unknown:
        one.set("kind", "wait");
        one.set("text", words_->say(l, "each_unknown", {{"why", p.why}, {"place", p.booking.centre_name}, {"when", when}}));
        break;
      case change_end::waits:
        one.set("kind", "wait");
        one.set("text", words_->say(l, "each_waits"));
        break;
    }
    people.push_back(one);
  }
  d.set("people", people);
  d.set("retry", false);
  if (!m.action.empty()) {
    data one;
    one.set("action", m.action);
    one.set("hidden", hidden(f, m.hidden));
    one.set("shut", std::to_string(m.shut_s));
    d.set("retry", one);
  }
  d.set("unknown", !m.action.empty());
  d.set("another", m.another);
  d.set("bring", false);
  if (!m.back_action.empty()) {
    data one;
    one.set("action", m.back_action);
    one.set("hidden", hidden(f, m.back_hidden));
    d.set("bring", one);
  }
  d.set("trace", trace(f, m.code));
  return lay_out(f, words_->say(l, m.cancel ? "cancel_title" : "move_title"), templates_->render(l, "changed", d));
}

}  // namespace janji::web
