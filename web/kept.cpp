#include "web/kept.hpp"

#include <boost/json.hpp>

namespace janji::web {

namespace json = boost::json;

namespace {

json::array to_json(const chosen_place& p) { return {p.centre, p.centre_name, format_date(p.date), p.from, p.to, p.round}; }

// Throws what Boost.JSON throws; caught where a text comes in.
chosen_place place_from(const json::value& v) {
  const auto& a = v.as_array();
  const auto date = parse_date(std::string(a.at(2).as_string()));
  if (!date)
    throw std::invalid_argument("no date");
  return {std::string(a.at(0).as_string()),
          std::string(a.at(1).as_string()),
          *date,
          a.at(3).to_number<std::uint16_t>(),
          a.at(4).to_number<std::uint16_t>(),
          a.size() > 5 ? std::string(a.at(5).as_string()) : std::string()};
}

std::string text_of(const json::value& v) { return std::string(v.as_string()); }

// What was sealed by a version that wrote another form is as none.
template <class Read>
auto read_text(std::string_view text, Read&& read) -> std::optional<decltype(read(std::declval<const json::value&>()))> {
  try {
    return read(json::parse(json::string_view(text.data(), text.size())));
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

}  // namespace

std::string to_text(const kept_form& f) {
  json::array people;
  for (const auto& p : f.people) {
    json::array values;
    for (const auto& v : p.values)
      values.emplace_back(v);
    people.push_back(std::move(values));
  }
  return json::serialize(json::array{1, f.draft, to_json(f.place), std::move(people), f.key, f.at.value, f.last_code});
}

std::optional<kept_form> kept_form_from(std::string_view text) {
  return read_text(text, [](const json::value& v) {
    const auto& a = v.as_array();
    kept_form f;
    if (a.at(0).to_number<int>() != 1)
      throw std::invalid_argument("another form");
    f.draft = text_of(a.at(1));
    f.place = place_from(a.at(2));
    for (const auto& p : a.at(3).as_array()) {
      person_fields person;
      for (std::size_t i = 0; i < person_field_count; ++i)
        person.values[i] = text_of(p.as_array().at(i));
      f.people.push_back(std::move(person));
    }
    if (f.people.size() > janji::limits::party_people_max)
      throw std::invalid_argument("too many people");
    f.key = text_of(a.at(4));
    f.at = unix_ms{a.at(5).to_number<std::int64_t>()};
    f.last_code = text_of(a.at(6));
    return f;
  });
}

std::string to_text(const kept_bookings& all) {
  json::array list;
  for (const auto& b : all)
    list.push_back(json::array{b.ref.value, b.token_generation, b.moves, b.name, b.number, b.round, to_json(b.place), b.position,
                               b.confirmed_at.value, b.cancelled, b.known_at.value});
  return json::serialize(json::array{1, std::move(list)});
}

std::optional<kept_bookings> kept_bookings_from(std::string_view text) {
  return read_text(text, [](const json::value& v) {
    const auto& whole = v.as_array();
    if (whole.at(0).to_number<int>() != 1)
      throw std::invalid_argument("another form");
    kept_bookings out;
    for (const auto& item : whole.at(1).as_array()) {
      const auto& a = item.as_array();
      kept_booking b;
      b.ref = reference{a.at(0).to_number<std::uint64_t>()};
      b.token_generation = a.at(1).to_number<std::uint8_t>();
      b.moves = a.at(2).to_number<std::uint16_t>();
      b.name = text_of(a.at(3));
      b.number = text_of(a.at(4));
      b.round = text_of(a.at(5));
      b.place = place_from(a.at(6));
      b.position = a.at(7).to_number<std::uint8_t>();
      b.confirmed_at = unix_ms{a.at(8).to_number<std::int64_t>()};
      b.cancelled = a.at(9).as_bool();
      b.known_at = unix_ms{a.at(10).to_number<std::int64_t>()};
      out.push_back(std::move(b));
      if (out.size() > kept_bookings_max)
        throw std::invalid_argument("too many");
    }
    return out;
  });
}

}  // namespace janji::web
