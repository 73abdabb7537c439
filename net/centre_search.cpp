#include "net/centre_search.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <tuple>
#include <utility>

#include "booking/states.hpp"
#include "booking/text_parts.hpp"
#include "booking/text_rules.hpp"
#include "net/http.hpp"
#include "web/postcodes.hpp"

namespace janji::net {

namespace {

constexpr std::size_t elsewhere_listed = 3;

double km_between(const centre& a, const centre& b) {
  const auto rad = [](double degrees) { return degrees * std::numbers::pi / 180; };
  const double h = std::pow(std::sin(rad(b.latitude - a.latitude) / 2), 2) +
                   std::cos(rad(a.latitude)) * std::cos(rad(b.latitude)) * std::pow(std::sin(rad(b.longitude - a.longitude) / 2), 2);
  return 2 * 6371 * std::asin(std::sqrt(h));
}

std::string folded(std::string_view text) {
  std::string out;
  for (const char c : text)
    if (c != ' ' && c != '-' && c != '.' && c != '\'')
      out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

web::centre_item item_of_centre(const page_numbers& numbers, const round_definition& d, std::uint16_t index, std::uint8_t people) {
  const auto& c = d.centres[index];
  const auto known = numbers.of_centre(index, people);
  return {c.code, c.name, c.district, state_number(c.state), known.at, known.next, c.latitude, c.longitude};
}

// Where a state's capital lies, roughly: what is near a state that has no centre of its own.
constexpr std::array<std::pair<double, double>, state_count> capitals{{{0, 0},
                                                                       {1.49, 103.74},
                                                                       {6.12, 100.37},
                                                                       {6.13, 102.24},
                                                                       {2.19, 102.25},
                                                                       {2.73, 101.94},
                                                                       {3.82, 103.33},
                                                                       {5.41, 100.33},
                                                                       {4.60, 101.08},
                                                                       {6.44, 100.20},
                                                                       {3.07, 101.52},
                                                                       {5.33, 103.14},
                                                                       {5.98, 116.07},
                                                                       {1.55, 110.36},
                                                                       {3.15, 101.69},
                                                                       {5.28, 115.24},
                                                                       {2.93, 101.69}}};

// Those nearest to a centre of the state, or to its capital where it has none, outside of it.
std::vector<web::centre_item> nearest_outside(const page_numbers& numbers, const round_definition& d, std::uint8_t state,
                                              const centre* from, std::uint8_t people) {
  centre capital;
  std::tie(capital.latitude, capital.longitude) = capitals.at(state);
  if (from == nullptr)
    from = &capital;
  std::vector<std::pair<double, std::uint16_t>> far;
  for (std::uint16_t i = 0; i < d.centres.size(); ++i)
    if (state_number(d.centres[i].state) != state)
      far.emplace_back(km_between(*from, d.centres[i]), i);
  std::ranges::stable_sort(far, {}, [](const auto& f) { return f.first; });
  std::vector<web::centre_item> out;
  for (std::size_t i = 0; i < far.size() && i < elsewhere_listed; ++i)
    out.push_back(item_of_centre(numbers, d, far[i].second, people));
  return out;
}

// By any of its names, in any of the pages' languages.
std::uint8_t state_named(const web::words& words, std::string_view text) {
  if (const auto state = state_number(text); state != 0)
    return state;
  const auto wanted = folded(text);
  for (std::uint8_t s = 1; s < state_count; ++s)
    for (const auto l : web::languages)
      if (folded(words.say(l, "state_" + std::to_string(s))) == wanted)
        return s;
  return 0;
}

void search(const web::words& words, std::string_view place, web::centres_model& m) {
  m.searched = m.typed = place;
  m.state = state_named(words, place);
  if (const auto area = web::area_of_postcode(place)) {
    m.state = area->state;
    m.digits = area->digits;
  }
}

}  // namespace

std::string searched_place(std::string_view query) {
  constexpr std::size_t searched_bytes_max = 100;
  std::string place(cut(query_value(query, "place"), searched_bytes_max));
  return is_utf8(place) ? place : std::string{};
}

void fill_centres(const page_numbers& numbers, const web::words& words, std::string_view place, web::centres_model& m) {
  if (m.state == 0 && !place.empty())
    search(words, place, m);
  if (numbers.round == nullptr)
    return;
  const auto& d = numbers.round->definition;
  const auto wanted = folded(m.searched);
  const centre* one = nullptr;
  const auto take = [&](auto&& fits) {
    for (std::uint16_t i = 0; i < d.centres.size(); ++i) {
      if (!fits(d.centres[i]))
        continue;
      one = &d.centres[i];
      m.centres_all += 1;
      if (m.centres.size() < centres_listed_max)
        m.centres.push_back(item_of_centre(numbers, d, i, m.people));
    }
  };
  if (m.state != 0) {
    take([&](const centre& c) { return state_number(c.state) == m.state; });
    m.searched.clear();
    m.elsewhere = nearest_outside(numbers, d, m.state, one, m.people);
  } else if (!wanted.empty()) {
    take([&](const centre& c) {
      return folded(c.name).contains(wanted) || folded(c.district).contains(wanted) || folded(c.code) == wanted;
    });
    m.found = !m.centres.empty();
  }
  if (m.state == 0 && m.centres.empty())
    take([](const centre&) { return true; });
}

}  // namespace janji::net
