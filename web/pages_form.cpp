// The form: who comes, and is this right.
#include <algorithm>

#include "booking/states.hpp"
#include "booking/text_parts.hpp"
#include "web/pages.hpp"

namespace janji::web {

namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kinds{
    {{"mykad", "kind_mykad"}, {"passport", "kind_passport"}, {"army", "kind_army"}, {"police", "kind_police"}}};

const field_fault* fault_of(const std::vector<field_fault>& faults, std::string_view id) {
  const auto it = std::ranges::find(faults, id, &field_fault::id);
  return it == faults.end() ? nullptr : &*it;
}

std::string_view input_mode(person_field f) {
  switch (f) {
    case person_field::phone: return "tel";
    case person_field::email: return "email";
    case person_field::birth: return "numeric";  // of a passport the number has letters: there the script knows the kind
    default: return "";
  }
}

data option(const std::string& value, const std::string& text, bool checked) {
  data d;
  d.set("value", value);
  d.set("text", text);
  d.set("checked", checked);
  return d;
}

}  // namespace

std::string pages::input(const frame& f, const data& values) const { return templates_->render(f.lang, "field", values); }

std::string pages::person_inputs(const frame& f, std::size_t n, const person_fields& p, const std::vector<field_fault>& faults) const {
  const auto l = f.lang;
  std::string out;
  for (const auto& row : person_field_table()) {
    const auto id = input_id(n, row.field);
    const auto& value = p.get(row.field);
    const auto* fault = fault_of(faults, id);
    data d;
    d.set("id", id);
    d.set("label", words_->say(l, row.label));
    d.set("optional", row.optional && row.field != person_field::birth && row.field != person_field::country);
    d.set("hint", row.hint.empty() ? std::string{} : words_->say(l, row.hint));
    d.set("error", fault == nullptr ? std::string{} : fault->text);
    std::string described;
    if (!row.hint.empty())
      described = id + "-hint";
    if (fault != nullptr)
      described += (described.empty() ? "" : " ") + id + "-error";
    d.set("described", described);
    d.set("options", false);
    d.set("area", false);
    d.set("input", false);
    if (row.field == person_field::kind) {
      list options;
      for (const auto& [kind, key] : kinds)
        options.push_back(option(std::string(kind), words_->say(l, key), value == kind || (value.empty() && kind == kinds.front().first)));
      d.set("options", data("option", options));
    } else if (row.field == person_field::state) {
      list options{option("", words_->say(l, "choose_nothing"), value.empty())};
      for (std::uint8_t s = 1; s < state_count; ++s)
        options.push_back(option(std::string(state_name(s)), words_->say(l, "state_" + std::to_string(s)), value == state_name(s)));
      d.set("options", data("option", options));
    } else if (row.field == person_field::notes) {
      d.set("area", data("value", value));
    } else {
      data one;
      one.set("value", value);
      one.set("type", row.field == person_field::phone ? "tel" : row.field == person_field::email ? "email" : "");
      one.set("inputmode", std::string(input_mode(row.field)));
      // Of the others a browser would fill in the first again.
      one.set("autocomplete", n == 1 ? std::string(row.fill_in) : std::string("off"));
      one.set("spellcheck", row.field != person_field::notes);
      d.set("input", one);
    }
    out += input(f, d);
  }
  return out;
}

// In the summary each fault says whose it is, and of which field: beside the field that can be seen.
std::vector<field_fault> pages::named_faults(language l, const std::vector<field_fault>& faults, std::size_t people) const {
  std::vector<field_fault> out;
  for (const auto& fault : faults) {
    auto named = fault;
    for (std::size_t n = 1; n <= people; ++n)
      for (const auto& row : person_field_table())
        if (fault.id == input_id(n, row.field)) {
          const auto whose = people == 1 ? std::string{} : words_->say(l, "person_legend", {{"n", static_cast<std::int64_t>(n)}}) + ", ";
          named.text = whose + words_->say(l, row.label) + ": " + fault.text;
        }
    out.push_back(std::move(named));
  }
  return out;
}

std::string pages::details(const frame& f, const details_model& m) const {
  const auto l = f.lang;
  data d;
  d.set("errors", faults(f, named_faults(l, m.faults, m.people.size())));
  if (m.above) {
    data b;
    b.set("kind", "wait");
    b.set("text", m.above->text);
    b.set("nearest", nearest(f, m.above->nearest, static_cast<std::uint8_t>(m.people.size())));
    d.set("banner", b);
  } else {
    d.set("banner", false);
  }
  const auto count = std::to_string(m.people.size());
  d.set("back", "/book/at/" + percent_encoded(m.place.centre) + "/" + format_date(m.place.date) + "?people=" + count);
  d.set("heading", words_->say(l, "details_heading"));
  d.set("content_lang", "ms");
  d.set("centre", m.place.centre_name);
  d.set("when", when_of(l, m.place.date, m.place.from, m.place.to));
  d.set("action", "/book/at/" + m.place.path() + "/details");
  d.set("draft", m.draft);
  d.set("round", m.place.round);
  d.set("form_token", f.form_token);
  d.set("count", count);
  d.set("uncounted", m.uncounted);
  d.set("tried", m.tried || !m.faults.empty());
  list people;
  for (std::size_t i = 0; i < m.people.size(); ++i) {
    data one;
    one.set("legend", words_->say(l, "person_legend", {{"n", static_cast<std::int64_t>(i + 1)}}));
    one.set("fields", person_inputs(f, i + 1, m.people[i], m.faults));
    people.push_back(one);
  }
  d.set("people", people);
  d.set("language_buttons", language_buttons(f));
  auto title = words_->say(l, "details_title");
  if (!m.faults.empty())
    title = words_->say(l, "title_error", {{"title", title}});
  return lay_out(f, title, templates_->render(l, "details", d), {.language_links = false});
}

std::string pages::check(const frame& f, const check_model& m) const {
  const auto l = f.lang;
  data d;
  if (m.above) {
    data b;
    b.set("kind", "wait");
    b.set("text", m.above->text);
    b.set("nearest", nearest(f, m.above->nearest, static_cast<std::uint8_t>(m.people.size())));
    d.set("banner", b);
  } else {
    d.set("banner", false);
  }
  const auto query = "?people=" + std::to_string(m.people.size());
  d.set("content_lang", "ms");
  d.set("centre", m.place.centre_name);
  d.set("change_centre", "/book/in" + query);
  d.set("when", when_of(l, m.place.date, m.place.from, m.place.to));
  d.set("change_time", "/book/at/" + percent_encoded(m.place.centre) + query);
  list people;
  for (std::size_t i = 0; i < m.people.size(); ++i) {
    data one;
    one.set("legend", words_->say(l, "person_legend", {{"n", static_cast<std::int64_t>(i + 1)}}));
    list rows;
    for (const auto& row : person_field_table()) {
      auto value = m.people[i].get(row.field);
      if (value.empty())
        continue;
      if (row.field == person_field::kind)
        for (const auto& [kind, key] : kinds)
          if (value == kind)
            value = words_->say(l, key);
      if (row.field == person_field::state)
        if (const auto number = state_number(value); number != 0)
          value = words_->say(l, "state_" + std::to_string(number));
      data line;
      line.set("label", words_->say(l, row.label));
      line.set("value", value);
      rows.push_back(line);
    }
    one.set("rows", rows);
    people.push_back(one);
  }
  d.set("people", people);
  d.set("action", "/book/at/" + m.place.path() + "/check");
  d.set("details", "/book/at/" + m.place.path() + "/details");
  d.set("draft", m.draft);
  auto fields = hidden_fields(m.people);
  fields.insert(fields.begin(), {{"draft", m.draft}, {"round", m.place.round}, {"people", std::to_string(m.people.size())}});
  d.set("hidden", hidden(f, fields));
  d.set("open", !f.state || f.state->kind == round_kind::open);  // else the server opens the button
  d.set("button", words_->say(l, "book_button", {{"n", static_cast<std::int64_t>(m.people.size())}}));
  d.set("language_buttons", language_buttons(f));
  return lay_out(f, words_->say(l, "check_title"), templates_->render(l, "check", d), {.language_links = false});
}

}  // namespace janji::web
