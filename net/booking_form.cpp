#include "net/booking_form.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <initializer_list>
#include <set>

#include "booking/states.hpp"
#include "booking/text_rules.hpp"

namespace janji::net {

namespace json = boost::json;

namespace {

constexpr std::size_t text_max = 200;
constexpr std::size_t notes_max = 3500;
constexpr std::size_t phone_max = 32;
constexpr std::size_t told_faults_max = 32;  // a body of thousands of wrong fields must not become a far larger answer

void tell(std::vector<field_error>& wrong, std::string field, std::string code, std::string detail) {
  if (wrong.size() < told_faults_max)
    wrong.push_back({std::move(field), std::move(code), std::move(detail)});
}

class field_reader {
public:
  field_reader(const json::object& from, std::string prefix, std::vector<field_error>& wrong)
      : from_(from), prefix_(std::move(prefix)), wrong_(wrong) {}

  void only(std::initializer_list<std::string_view> names) {
    for (const auto& item : from_)
      if (std::ranges::find(names, std::string_view(item.key().data(), item.key().size())) == names.end())
        wrong(told_name({item.key().data(), item.key().size()}), "unknown_field", "This field is not known.");
  }
  // What is only compared or taken apart, as it was typed.
  std::string word(std::string_view name, bool required) {
    const auto typed = given(name, required, text_max);
    if (!typed || typed->empty())
      return {};
    const auto fault = people_text(*typed, text_lines::many);
    if (fault && !fault->empty())
      return std::string(*typed);
    if (!fault)
      wrong(std::string(name), std::string(fault.error().code), words_of(fault.error()));
    else if (required)
      wrong(std::string(name), "missing", "This field is needed.");
    return {};
  }
  // What staff will read, as people_text leaves it.
  std::string text(std::string_view name, bool required, std::size_t size_max = text_max, text_lines lines = text_lines::one) {
    const auto typed = given(name, required, size_max);
    if (!typed)
      return {};
    auto clean = people_text(*typed, lines);
    if (!clean)
      wrong(std::string(name), std::string(clean.error().code), words_of(clean.error()));
    else if (clean->size() > size_max)  // some characters are longer in their usual form
      wrong(std::string(name), "too_long", "This field is too long.");
    else if (required && clean->empty() && !typed->empty())
      wrong(std::string(name), "missing", "This field has nothing but blanks.");
    return clean ? std::move(*clean) : std::string{};
  }
  std::optional<std::string_view> given(std::string_view name, bool required, std::size_t size_max) {
    const auto* v = from_.if_contains(json::string_view(name.data(), name.size()));
    if (v == nullptr || v->is_null()) {
      if (required)
        wrong(std::string(name), "missing", "This field is needed.");
      return std::nullopt;
    }
    if (!v->is_string()) {
      wrong(std::string(name), "not_text", "This field must be text.");
      return std::nullopt;
    }
    const auto& s = v->get_string();
    if (s.size() > size_max) {
      wrong(std::string(name), "too_long", "This field is too long.");
      return std::nullopt;
    }
    if (required && s.empty())
      wrong(std::string(name), "missing", "This field is needed.");
    return std::string_view(s.data(), s.size());
  }
  void wrong(const std::string& name, std::string code, std::string detail) {
    tell(wrong_, prefix_ + name, std::move(code), std::move(detail));
  }
  [[nodiscard]] const json::value* get(std::string_view name) const {
    return from_.if_contains(json::string_view(name.data(), name.size()));
  }

private:
  const json::object& from_;
  std::string prefix_;
  std::vector<field_error>& wrong_;
};

problem malformed(std::string detail) { return {.code = problem_code::malformed_json, .detail = std::move(detail)}; }

template <class Form>
void read_place(field_reader& fields, Form& form) {
  form.centre = fields.word("centre", true);
  const auto date = fields.word("date", true);
  if (const auto parsed = parse_date(date))
    form.date = *parsed;
  else if (!date.empty())
    fields.wrong("date", "bad_date", "A date is written YYYY-MM-DD.");
  const auto window = fields.word("window", false);
  if (!window.empty()) {
    form.window_minute = parse_minute(window);
    if (!form.window_minute)
      fields.wrong("window", "bad_time", "A time is written HH:MM.");
  }
}

void read_identity_of(const json::value* v, const std::string& prefix, civil_date today, person_form& person,
                      std::vector<field_error>& wrong) {
  if (v == nullptr || !v->is_object()) {
    tell(wrong, prefix + "identity", "missing", "An identity with type and number is needed.");
    return;
  }
  field_reader fields(v->get_object(), prefix + "identity.", wrong);
  fields.only({"type", "number", "country"});
  auto& r = person.record;
  r.identity_kind = fields.word("type", true);
  r.identity_number = fields.word("number", true);
  std::erase_if(r.identity_number, [](char c) { return c == '\t' || c == '\r' || c == '\n'; });  // pasted along, out of a table
  r.country = fields.word("country", false);
  if (r.identity_kind.empty() || r.identity_number.empty())
    return;
  auto who = read_identity(r.identity_kind, r.identity_number, r.country, today);
  if (!who) {
    const auto e = who.error();
    const auto* about = e == identity_error::unknown_kind ? "type" : e == identity_error::unknown_country ? "country" : "number";
    fields.wrong(about, "identity_impossible", std::string(words_of(e)));
  } else
    person.who = std::move(*who);
}

void read_birth(field_reader& fields, civil_date today, person_form& person) {
  const auto text = fields.word("birth_date", false);
  std::optional<civil_date> told = person.who.birth;
  if (!text.empty()) {
    const auto parsed = parse_date(text);
    if (!parsed || *parsed > today)
      return fields.wrong("birth_date", "bad_date", "A date of birth is written YYYY-MM-DD and is past.");
    if (told && *told != *parsed)
      return fields.wrong("birth_date", "contradiction", "The date of birth is not that of the identity number.");
    told = parsed;
  }
  if (!told) {
    if (!person.who.canonical.empty())
      fields.wrong("birth_date", "missing", "The date of birth is needed with this kind of identity.");
    return;
  }
  person.birth = *told;
  person.record.birth_date = format_date(*told);
}

person_form read_person(const json::value& v, const std::string& prefix, civil_date today, std::vector<field_error>& wrong) {
  person_form person;
  if (!v.is_object()) {
    tell(wrong, prefix, "not_an_object", "A person is an object.");
    return person;
  }
  field_reader fields(v.get_object(), prefix + ".", wrong);
  fields.only({"identity", "name", "phone", "email", "birth_date", "state", "notes"});
  read_identity_of(fields.get("identity"), prefix + ".", today, person, wrong);
  person.record.name = fields.text("name", true);
  person.record.phone = fields.text("phone", false, phone_max);
  person.record.email = fields.text("email", false);
  person.record.notes = fields.text("notes", false, notes_max, text_lines::many);
  person.record.state = fields.text("state", false);
  if (!person.record.state.empty()) {
    person.state = state_number(person.record.state);
    if (person.state == 0)
      fields.wrong("state", "unknown_state", "There is no such state.");
  }
  read_birth(fields, today, person);
  return person;
}

std::size_t members_of(const json::value& v) {
  std::size_t n = 0;
  if (const auto* o = v.if_object()) {
    n = o->size();
    for (const auto& member : *o)
      n += members_of(member.value());
  } else if (const auto* a = v.if_array()) {
    for (const auto& element : *a)
      n += members_of(element);
  }
  return n;
}

// Of text that is JSON: a colon outside of a string stands behind every member's name.
std::size_t members_written(std::string_view text) {
  std::size_t n = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"')
      in_string = !in_string;
    else if (in_string && text[i] == '\\')
      ++i;
    else if (!in_string && text[i] == ':')
      ++n;
  }
  return n;
}

// Parses into a buffer on the stack; deep nesting, trailing text and a member that stands twice are errors: of two, the parser
// keeps the last, and whoever read the first would have seen another booking.
template <class Use>
auto with_object(std::string_view body, Use&& use) -> std::invoke_result_t<Use, const json::object&> {
  std::array<unsigned char, 8192> buffer;  // NOLINT: filled by the parser
  json::monotonic_resource memory(buffer.data(), buffer.size());
  json::parse_options options;
  options.max_depth = 8;
  boost::system::error_code ec;
  const auto v = json::parse(json::string_view(body.data(), body.size()), ec, &memory, options);
  if (ec)
    return std::unexpected(malformed(ec.message()));
  if (!v.is_object())
    return std::unexpected(malformed("The request must be a JSON object."));
  if (members_of(v) != members_written(body))
    return std::unexpected(malformed("A field stands twice."));
  return use(v.get_object());
}

}  // namespace

std::expected<booking_form, problem> read_booking(std::string_view body, civil_date today) {
  return with_object(body, [&](const json::object& o) -> std::expected<booking_form, problem> {
    std::vector<field_error> wrong;
    booking_form form;
    field_reader fields(o, "", wrong);
    fields.only({"round", "centre", "date", "window", "people"});
    form.round = fields.word("round", false);
    read_place(fields, form);
    const auto* people = fields.get("people");
    if (people == nullptr || !people->is_array() || people->get_array().empty())
      fields.wrong("people", "missing", "At least one person is needed.");
    else if (people->get_array().size() > limits::party_people_max)
      return std::unexpected(problem{.code = problem_code::party_too_large, .detail = "A party is of at most four people."});
    else
      for (std::size_t i = 0; i < people->get_array().size(); ++i)
        form.people.push_back(read_person(people->get_array()[i], "people[" + std::to_string(i) + "]", today, wrong));
    if (wrong.empty())
      return form;
    const bool only_identity = std::ranges::all_of(wrong, [](const field_error& e) { return e.code == "identity_impossible"; });
    return std::unexpected(
        problem{.code = only_identity ? problem_code::identity_impossible : problem_code::invalid, .fields = std::move(wrong)});
  });
}

std::expected<move_form, problem> read_move(std::string_view body) {
  return with_object(body, [](const json::object& o) -> std::expected<move_form, problem> {
    std::vector<field_error> wrong;
    move_form form;
    field_reader fields(o, "", wrong);
    fields.only({"centre", "date", "window"});
    read_place(fields, form);
    if (!wrong.empty())
      return std::unexpected(problem{.code = problem_code::invalid, .fields = std::move(wrong)});
    return form;
  });
}

std::expected<target, problem> find_target(const actors::round_entry& round, std::string_view centre, civil_date date,
                                           std::optional<std::uint16_t> window_minute) {
  if (!round.body->centre_by_code.contains(centre))
    return std::unexpected(problem{.code = problem_code::unknown_centre});
  const auto* group = round.find_group(centre, date);
  if (group == nullptr)
    return std::unexpected(problem{.code = problem_code::date_outside_round});
  target t{group, std::nullopt};
  if (window_minute) {
    const auto it = std::ranges::find(group->windows, *window_minute, &window_definition::opens_minute);
    if (it == group->windows.end())
      return std::unexpected(problem{.code = problem_code::unknown_window});
    t.window = window_index{static_cast<std::uint8_t>(it - group->windows.begin())};
  } else if (group->windows.size() == 1) {
    t.window = window_index{0};
  }
  return t;
}

std::optional<problem> check_people(const actors::round_entry& round, const booking_form& form) {
  const auto& rules = round.definition.rules;
  if (form.people.size() > rules.party_max)
    return problem{.code = problem_code::party_too_large};
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < form.people.size(); ++i) {
    const auto& p = form.people[i];
    const auto position = static_cast<std::uint8_t>(i + 1);
    if (!seen.insert(p.who.canonical).second)
      return problem{.code = problem_code::same_citizen_twice, .position = position};
    const auto age = age_on(p.birth, form.date);
    if (age < rules.age_min)
      return problem{.code = problem_code::under_age,
                     .detail = "The least age on the day is " + std::to_string(rules.age_min) + ".",
                     .position = position};
    if (age > rules.age_max)
      return problem{.code = problem_code::over_age,
                     .detail = "The greatest age on the day is " + std::to_string(rules.age_max) + ".",
                     .position = position};
  }
  return std::nullopt;
}

std::string canonical(const booking_form& form) {
  std::string out = form.centre + '\x1f' + format_date(form.date) + '\x1f';
  if (form.window_minute)
    out += format_minute(*form.window_minute);
  for (const auto& p : form.people)
    for (const std::string_view part :
         {std::string_view(p.who.canonical), std::string_view(p.record.name), std::string_view(p.record.phone),
          std::string_view(p.record.email), std::string_view(p.record.birth_date), state_name(p.state), std::string_view(p.record.notes)}) {
      out += '\x1f';  // stands in none of them
      out += part;
    }
  return out;
}

schema::personal_record largest_record() {
  const auto longest = [](std::size_t bytes) { return std::string(bytes, 'x'); };
  constexpr std::size_t word_max = 32;  // of the kinds of identity, countries and states there are
  return {longest(word_max),  longest(janji::limits::identity_bytes_max),
          longest(word_max),  longest(text_max),
          longest(phone_max), longest(text_max),
          "2021-05-26",       longest(word_max),
          longest(notes_max)};
}

std::uint8_t age_band_of(int age) {
  if (age < 18)
    return 1;
  if (age < 40)
    return 2;
  return age < 60 ? 3 : 4;
}

}  // namespace janji::net
