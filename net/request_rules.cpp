#include "net/request_rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/value.hpp>

#include "booking/text_parts.hpp"
#include "booking/text_rules.hpp"

namespace janji::net {

namespace json = boost::json;

namespace {

constexpr std::size_t told_members_max = 32;

// "capacity, window, reason" of "capacity:number window:text reason:text".
std::string names_in(std::string_view known) {
  std::string out;
  while (!known.empty()) {
    auto one = next_part(known, ' ');
    out.append(out.empty() ? "" : ", ").append(next_part(one, ':'));
  }
  return out.empty() ? "none" : out;
}

// None: there is no member of that name.
std::optional<std::string_view> kind_of(std::string_view name, std::string_view known) {
  while (!known.empty()) {
    auto one = next_part(known, ' ');
    if (next_part(one, ':') == name)
      return one;
  }
  return std::nullopt;
}

bool is_whole(const json::value& v) { return v.is_int64() || v.is_uint64(); }

// What is wrong with a value that is to be of a kind; none: nothing.
std::optional<cause> wrong_with(const json::value& v, std::string_view kind) {
  if (kind == "text" && !v.is_string())
    return cause_of<reason_code::not_text>();
  if (kind == "flag" && !v.is_bool())
    return cause_of<reason_code::not_a_flag>();
  if (kind == "object" && !v.is_object())
    return cause_of<reason_code::not_an_object>();
  if (kind == "numbers" && !v.is_array())
    return cause_of<reason_code::not_a_list>();
  if ((kind == "number" && !is_whole(v)) || (kind == "numbers" && !std::ranges::all_of(v.get_array(), is_whole)))
    return cause_of<reason_code::not_a_number>();
  return std::nullopt;
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

// Of text that is JSON.
std::size_t behind_string(std::string_view text, std::size_t quote) {
  for (auto end = text.find('"', quote + 1); end != std::string_view::npos; end = text.find('"', end + 1))
    if (const auto last = text.find_last_not_of('\\', end - 1); (end - last) % 2 == 1)
      return end + 1;
  return text.size();
}

// Likewise: a colon outside of a string stands behind every member's name.
std::size_t members_written(std::string_view text) {
  std::size_t n = 0;
  for (std::size_t at = 0; at < text.size();) {
    const auto quote = std::min(text.find('"', at), text.size());
    n += static_cast<std::size_t>(std::ranges::count(text.substr(at, quote - at), ':'));
    at = behind_string(text, quote);
  }
  return n;
}

}  // namespace

std::optional<problem> refuse_media(const request& r) {
  constexpr std::string_view wanted = "application/json";
  if (!r.content_encoding.empty() && !same_word(r.content_encoding, "identity"))
    return because<reason_code::coded_body>(problem_code::unsupported_media_type);
  if (r.content_type.empty() || same_word(trimmed(r.content_type.substr(0, r.content_type.find(';'))), wanted))
    return std::nullopt;
  return problem{.code = problem_code::unsupported_media_type};
}

std::optional<problem> refuse_query(std::string_view query, std::string_view known) {
  if (known == anything)
    return std::nullopt;
  std::vector<std::string> seen;
  while (!query.empty()) {
    const auto part = next_part(query, '&');
    if (part.empty())
      continue;  // "a=1&": nothing is said there
    auto name = query_text(part.substr(0, part.find('=')));
    if (!kind_of(name, known))
      return because(problem_code::malformed_request,
                     cause_of<reason_code::unknown_query, "name", "known">(shown_text(name.empty() ? part : name), names_in(known)));
    if (std::ranges::find(seen, name) != seen.end())
      return because(problem_code::malformed_request, cause_of<reason_code::query_twice, "name">(std::move(name)));
    seen.push_back(std::move(name));
  }
  return std::nullopt;
}

std::vector<field_error> wrong_members(const json::object& body, std::string_view known, std::string_view prefix) {
  std::vector<field_error> wrong;
  for (const auto& item : body) {
    const std::string_view name(item.key().data(), item.key().size());
    const auto kind = kind_of(name, known);
    auto why = kind ? wrong_with(item.value(), *kind) : unknown_member_beside(known);
    if (why && wrong.size() < told_members_max)
      wrong.push_back({std::string(prefix) + shown_text(name), std::move(*why)});
  }
  return wrong;
}

std::optional<problem> refuse_members(const json::object& body, std::string_view known, std::string_view prefix) {
  auto wrong = wrong_members(body, known, prefix);
  return wrong.empty() ? std::nullopt : std::optional(nothing_done(std::move(wrong)));
}

cause unknown_member_beside(std::string_view known) { return cause_of<reason_code::unknown_member, "known">(names_in(known)); }

problem nothing_done(std::vector<field_error> wrong) {
  auto p = because<reason_code::nothing_done>(problem_code::invalid);
  for (const auto& w : wrong)
    p.detail += fmt::format("{}: {}{} ", w.field, w.detail(), w.detail().ends_with('.') ? "" : ".");
  p.detail += text_of(reason_code::nothing_done);
  p.fields = std::move(wrong);
  return p;
}

bool has_member_twice(const json::value& v, std::string_view text) { return members_of(v) != members_written(text); }

}  // namespace janji::net
