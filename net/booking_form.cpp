#include "net/booking_form.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <initializer_list>
#include <map>

#include "booking/states.hpp"
#include "booking/text_parts.hpp"
#include "booking/text_rules.hpp"
#include "booking/typed_signs.hpp"
#include "net/request_rules.hpp"

namespace janji::net {

namespace json = boost::json;

namespace {

constexpr std::size_t told_faults_max = 32;  // a body of thousands of wrong fields must not become a far larger answer

void tell(std::vector<field_error>& wrong, field_error one) {
  if (wrong.size() < told_faults_max)
    wrong.push_back(std::move(one));
}

class field_reader {
public:
  field_reader(const json::object& from, std::string prefix, std::vector<field_error>& wrong)
      : from_(from), prefix_(std::move(prefix)), wrong_(wrong) {}

  void only(std::initializer_list<std::string_view> names) {
    for (const auto& item : from_)
      if (std::ranges::find(names, std::string_view(item.key().data(), item.key().size())) == names.end())
        wrong<reason_code::unknown_field>(shown_text({item.key().data(), item.key().size()}));
  }
  // What is only compared or taken apart, as it was typed.
  std::string word(std::string_view name, bool required, std::size_t characters_max = janji::limits::text_characters_max) {
    const auto typed = given(name, required);
    if (!typed || typed->empty())
      return {};
    const auto fault = people_text(*typed, text_lines::many);
    if (!fault)
      wrong(name, cause_of_text(fault.error()));
    else if (const auto length = text_length(*typed); length > characters_max)
      wrong(name, cause_of<reason_code::too_long, "length", "limit">(length, characters_max));
    else if (!fault->empty())
      return std::string(*typed);
    else if (required)
      wrong<reason_code::missing_blank>(name);
    return {};
  }
  // What staff will read, as people_text leaves it.
  std::string text(std::string_view name, bool required, std::size_t characters_max = janji::limits::text_characters_max,
                   text_lines lines = text_lines::one) {
    const auto typed = given(name, required);
    if (!typed)
      return {};
    auto clean = people_text(*typed, lines);
    if (!clean) {
      wrong(name, cause_of_text(clean.error()));
      return {};
    }
    if (const auto length = text_length(*clean); length > characters_max) {
      wrong(name, cause_of<reason_code::too_long, "length", "limit">(length, characters_max));
      return {};
    }
    if (required && clean->empty() && !typed->empty())
      wrong<reason_code::missing_blank>(name);
    return std::move(*clean);
  }
  std::optional<std::string_view> given(std::string_view name, bool required) {
    const auto* v = from_.if_contains(json::string_view(name.data(), name.size()));
    if (v == nullptr || v->is_null()) {
      if (required)
        wrong<reason_code::missing>(name);
      return std::nullopt;
    }
    if (!v->is_string()) {
      wrong<reason_code::not_text>(name);
      return std::nullopt;
    }
    const auto& s = v->get_string();
    if (required && s.empty())
      wrong<reason_code::missing>(name);
    return std::string_view(s.data(), s.size());
  }
  void wrong(std::string_view name, cause c) { tell(wrong_, {prefix_ + std::string(name), std::move(c)}); }
  template <reason_code WHY>
  void wrong(std::string_view name) {
    wrong(name, cause_of<WHY>());
  }
  [[nodiscard]] const json::value* get(std::string_view name) const {
    return from_.if_contains(json::string_view(name.data(), name.size()));
  }

private:
  const json::object& from_;
  std::string prefix_;
  std::vector<field_error>& wrong_;
};

template <class Form>
void read_place(field_reader& fields, Form& form) {
  form.centre = typed_word(fields.word("centre", true));
  const auto date = typed_word(fields.word("date", true));
  if (const auto parsed = parse_date(date))
    form.date = *parsed;
  else if (!date.empty())
    fields.template wrong<reason_code::bad_date>("date");
  const auto window = typed_word(fields.word("window", false));
  if (!window.empty()) {
    form.window_minute = parse_minute(window);
    if (!form.window_minute)
      fields.template wrong<reason_code::bad_time>("window");
  }
}

// As the table has it, with what its sentence needs.
cause cause_of_fault(const identity_fault& f) {
  using enum reason_code;
  switch (f.error) {
    case identity_error::unknown_kind: return cause_of<unknown_kind>();
    case identity_error::unknown_country: return cause_of<unknown_country>();
    case identity_error::wrong_length: return cause_of<wrong_length, "length", "wanted">(f.length, janji::limits::mykad_digits);
    case identity_error::not_digits: return cause_of<not_digits>();
    case identity_error::impossible_birth_date: return cause_of<impossible_birth_date>();
    case identity_error::unassigned_place: return cause_of<unassigned_place, "place">(f.place);
    case identity_error::passport_length:
      return cause_of<passport_length, "length", "least", "most">(f.length, janji::limits::passport_length_min,
                                                                  janji::limits::passport_length_max);
    case identity_error::passport_character: return cause_of<passport_character>();
    case identity_error::service_length:
      return cause_of<service_length, "length", "least", "most">(f.length, janji::limits::service_length_min,
                                                                 janji::limits::service_length_max);
    case identity_error::service_form: return cause_of<service_form>();
    case identity_error::not_a_citizens_passport: return cause_of<not_a_citizens_passport>();
    case identity_error::other_mykad: return cause_of<other_mykad>();
  }
  return cause_of<unknown_kind>();
}

std::string pasted_number(field_reader& fields, std::string_view name, bool required) {
  auto number = fields.word(name, required, janji::limits::identity_characters_max);
  std::erase_if(number, [](char c) { return c == '\t' || c == '\r' || c == '\n'; });  // out of a table
  return number;
}

void read_identity_of(const json::value* v, const std::string& prefix, civil_date today, person_form& person,
                      std::vector<field_error>& wrong) {
  if (v == nullptr || v->is_null())
    return tell(wrong, {prefix + "identity", cause_of<reason_code::missing_identity>()});
  if (!v->is_object())
    return tell(wrong, {prefix + "identity", cause_of<reason_code::not_an_object>()});
  const auto faults_before = wrong.size();
  field_reader fields(v->get_object(), prefix + "identity.", wrong);
  fields.only({"type", "number", "country", "mykad"});
  auto& r = person.record;
  r.identity_kind = fields.word("type", true, janji::limits::identity_characters_max);
  r.identity_number = pasted_number(fields, "number", true);
  r.country = fields.word("country", false, janji::limits::identity_characters_max);
  r.mykad = pasted_number(fields, "mykad", false);
  if (wrong.size() != faults_before)
    return;
  auto who = read_identity({r.identity_kind, r.identity_number, r.country, r.mykad}, today);
  if (!who)
    return tell(wrong, told_fault(prefix + "identity.", who.error()));
  person.who = std::move(*who);
  if (person.who.document.empty())
    r.mykad.clear();  // it says nothing new
}

void read_birth(field_reader& fields, civil_date today, person_form& person) {
  const auto* given = fields.get("birth_date");
  const auto text = typed_word(fields.word("birth_date", false));
  if (given != nullptr && !given->is_null() && !given->is_string())
    return;  // said already
  std::optional<civil_date> told = person.who.birth;
  if (!text.empty()) {
    const auto parsed = parse_date(text);
    if (!parsed)
      return fields.wrong<reason_code::bad_date>("birth_date");
    if (*parsed > today)
      return fields.wrong<reason_code::not_yet_born>("birth_date");
    if (told && *told != *parsed)
      return fields.wrong<reason_code::contradiction>("birth_date");
    told = parsed;
  }
  if (!told) {
    if (!person.who.canonical.empty())
      fields.wrong<reason_code::missing_birth_date>("birth_date");
    return;
  }
  person.birth = *told;
  person.record.birth_date = format_date(*told);
}

person_form read_person(const json::value& v, const std::string& prefix, civil_date today, std::vector<field_error>& wrong) {
  person_form person;
  if (!v.is_object()) {
    tell(wrong, {prefix, cause_of<reason_code::not_an_object>()});
    return person;
  }
  field_reader fields(v.get_object(), prefix + ".", wrong);
  fields.only({"identity", "name", "phone", "email", "birth_date", "state", "notes"});
  read_identity_of(fields.get("identity"), prefix + ".", today, person, wrong);
  person.record.name = fields.text("name", true, janji::limits::name_characters_max);
  person.record.phone = fields.text("phone", false, janji::limits::phone_characters_max);
  person.record.email = fields.text("email", false);
  person.record.notes = fields.text("notes", false, janji::limits::notes_characters_max, text_lines::many);
  person.record.state = fields.text("state", false);
  if (!person.record.state.empty()) {
    person.state = state_number(person.record.state);
    if (person.state == 0)
      fields.wrong<reason_code::no_such_state>("state");
  }
  read_birth(fields, today, person);
  return person;
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
    return std::unexpected(because(problem_code::malformed_json, cause_of<reason_code::not_json, "fault">(ec.message())));
  if (!v.is_object())
    return std::unexpected(because<reason_code::body_not_an_object>(problem_code::malformed_json));
  if (has_member_twice(v, body))
    return std::unexpected(because<reason_code::field_twice>(problem_code::malformed_json));
  return use(v.get_object());
}

}  // namespace

field_error told_fault(std::string_view prefix, const identity_fault& fault) {
  return {std::string(prefix).append(name_of(fault.part)), cause_of_fault(fault)};
}

std::expected<read_form, problem> read_fields(std::string_view body, civil_date today) {
  return with_object(body, [&](const json::object& o) -> std::expected<read_form, problem> {
    read_form out;
    auto& [form, wrong] = out;
    field_reader fields(o, "", wrong);
    fields.only({"round", "centre", "date", "window", "people"});
    form.round = typed_word(fields.word("round", false));
    read_place(fields, form);
    const auto* people = fields.get("people");
    if (people != nullptr && !people->is_null() && !people->is_array())
      fields.wrong<reason_code::not_a_list>("people");
    else if (people == nullptr || people->is_null() || people->get_array().empty())
      fields.wrong<reason_code::missing_people>("people");
    else if (const auto size = people->get_array().size(); size > janji::limits::party_people_max)
      return std::unexpected(problem_of<problem_code::party_too_large, "people", "limit">(size, janji::limits::party_people_max));
    else
      for (std::size_t i = 0; i < people->get_array().size(); ++i)
        form.people.push_back(read_person(people->get_array()[i], "people[" + std::to_string(i) + "]", today, wrong));
    return out;
  });
}

problem problem_of_fields(std::vector<field_error> wrong) {
  const bool only_identity = std::ranges::all_of(wrong, [](const field_error& e) { return e.code() == "identity_impossible"; });
  return {.code = only_identity ? problem_code::identity_impossible : problem_code::invalid, .fields = std::move(wrong)};
}

std::expected<booking_form, problem> read_booking(std::string_view body, civil_date today) {
  auto read = read_fields(body, today);
  if (!read)
    return std::unexpected(std::move(read.error()));
  if (!read->wrong.empty())
    return std::unexpected(problem_of_fields(std::move(read->wrong)));
  return std::move(read->form);
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
    return std::unexpected(problem_of<problem_code::date_outside_round, "centre", "date">(shown_text(centre), format_date(date)));
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

std::vector<problem> problems_of_people(const actors::round_entry& round, const booking_form& form) {
  std::vector<problem> out;
  const auto& rules = round.definition.rules;
  if (form.people.size() > rules.party_max)
    out.push_back(problem_of<problem_code::party_too_large, "people", "limit">(form.people.size(), rules.party_max));
  std::map<std::string_view, std::size_t> seen;
  for (std::size_t i = 0; i < form.people.size(); ++i) {
    const auto& p = form.people[i];
    const auto position = static_cast<std::uint8_t>(i + 1);
    const auto of_position = [&](problem&& refusal) {
      refusal.position = position;
      out.push_back(std::move(refusal));
    };
    if (p.who.canonical.empty())
      continue;
    if (const auto [first, is_new] = seen.emplace(p.who.canonical, i + 1); !is_new)
      of_position(problem_of<problem_code::same_citizen_twice, "first", "second">(first->second, position));
    if (p.record.birth_date.empty())
      continue;
    const auto age = age_on(p.birth, form.date);
    if (age < rules.age_min)
      of_position(problem_of<problem_code::under_age, "age", "limit">(age, rules.age_min));
    else if (age > rules.age_max)
      of_position(problem_of<problem_code::over_age, "age", "limit">(age, rules.age_max));
  }
  return out;
}

std::optional<problem> check_people(const actors::round_entry& round, const booking_form& form) {
  auto all = problems_of_people(round, form);
  return all.empty() ? std::nullopt : std::optional(std::move(all.front()));
}

std::string canonical(const booking_form& form) {
  std::string out = form.centre + '\x1f' + format_date(form.date) + '\x1f';
  if (form.window_minute)
    out += format_minute(*form.window_minute);
  for (const auto& p : form.people) {
    for (const std::string_view part :
         {std::string_view(p.who.canonical), std::string_view(p.record.name), std::string_view(p.record.phone),
          std::string_view(p.record.email), std::string_view(p.record.birth_date), state_name(p.state), std::string_view(p.record.notes)}) {
      out += '\x1f';  // stands in none of them
      out += part;
    }
    if (!p.who.document.empty())  // another document of the same person is another body
      out += '\x1e' + p.who.document;
  }
  return out;
}

schema::personal_record largest_record() {
  namespace most = janji::limits;
  const auto longest = [](std::size_t characters) { return std::string(characters * most::character_bytes_max, 'x'); };
  constexpr std::size_t state_bytes_max = 32;              // of those there are
  constexpr std::size_t identity_character_bytes_max = 3;  // of letters and digits, in full width too, of spaces and of dashes
  const std::string of_identity(most::identity_characters_max * identity_character_bytes_max, 'x');
  return {.identity_kind = of_identity,
          .identity_number = of_identity,
          .country = of_identity,
          .name = longest(most::name_characters_max),
          .phone = longest(most::phone_characters_max),
          .email = longest(most::text_characters_max),
          .birth_date = "2021-05-26",
          .state = std::string(state_bytes_max, 'x'),
          .notes = longest(most::notes_characters_max),
          .mykad = of_identity};
}

std::uint8_t age_band_of(int age) {
  if (age < 18)
    return 1;
  if (age < 40)
    return 2;
  return age < 60 ? 3 : 4;
}

}  // namespace janji::net
