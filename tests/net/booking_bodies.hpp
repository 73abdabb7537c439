// Bodies of bookings as citizens' programs write them.
#pragma once

#include <fmt/format.h>

#include <initializer_list>
#include <string>
#include <string_view>

#include "net/booking_form.hpp"

namespace janji::net::test {

using namespace std::chrono_literals;

inline constexpr civil_date today = 2021y / 5 / 26;

inline constexpr std::string_view adult = R"({"identity":{"type":"mykad","number":"900101-14-5678"},"name":"Aminah"})";

// A booking with these people, and with more members in front.
inline std::string with_people(std::string_view people, std::string_view more = "") {
  return fmt::format(R"({{{}"centre":"A","date":"2021-06-07","people":[{}]}})", more, people);
}
// One adult whose object has this member too, or instead of its own.
inline std::string with_member(std::string_view member) {
  return with_people(fmt::format(R"({{"identity":{{"type":"mykad","number":"900101-14-5678"}},"name":"Aminah",{}}})", member));
}
inline std::string with_identity(std::string_view identity, std::string_view more = "") {
  return with_people(fmt::format(R"({{"identity":{},"name":"Aminah"{}}})", identity, more));
}

// "code" of the whole and "field code" of every field, one a line; "good" when it can be read.
template <class Result>
std::string told(const Result& r) {
  if (r)
    return "good";
  std::string out(name_of(r.error().code));
  for (const auto& f : r.error().fields)
    out += "\n" + f.field + " " + std::string(f.code());
  return out;
}

// Of so many adults, by their numbers.
inline booking_form form_of(std::initializer_list<std::string_view> numbers) {
  std::string people;
  for (const auto n : numbers)
    people += fmt::format(R"({}{{"identity":{{"type":"mykad","number":"{}"}},"name":"N"}})", people.empty() ? "" : ",", n);
  return *read_booking(with_people(people), today);
}

}  // namespace janji::net::test
