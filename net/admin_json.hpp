// What the operators' endpoints share: JSON in and out, and orders' refusals as problems.
#pragma once

#include <boost/json.hpp>
#include <expected>
#include <string>
#include <string_view>

#include "booking/text_length.hpp"
#include "booking/text_rules.hpp"
#include "booking/types.hpp"
#include "net/http.hpp"
#include "net/problem.hpp"
#include "net/request_rules.hpp"

namespace janji::net {

inline response json_response(const boost::json::value& v, unsigned status = 200) {
  response out;
  out.status = status;
  out.body = boost::json::serialize(v) + "\n";
  return out;
}

// Whoever uses a member of it has its name and kind in the table of routes, by which it was judged: refuse_members().
inline std::expected<boost::json::object, problem> object_of(std::string_view body) {
  if (body.empty())
    return boost::json::object{};
  boost::system::error_code ec;
  auto v = boost::json::parse(boost::json::string_view(body.data(), body.size()), ec);
  if (ec || !v.is_object())
    return std::unexpected(ec ? because(problem_code::malformed_json, cause_of<reason_code::not_json, "fault">(ec.message()))
                              : because<reason_code::body_not_an_object>(problem_code::malformed_json));
  if (has_member_twice(v, body))
    return std::unexpected(because<reason_code::field_twice>(problem_code::malformed_json));
  return v.get_object();
}

inline std::string text_of(const boost::json::object& o, std::string_view name) {
  const auto* v = o.if_contains(boost::json::string_view(name.data(), name.size()));
  return v != nullptr && v->is_string() ? std::string(v->get_string()) : std::string{};
}

// A text of an order, which stands in a log for ever: none that is no text or too long, and as operator_text leaves it.
inline std::expected<std::string, problem> order_text(const boost::json::object& o, std::string_view name,
                                                      std::size_t characters_max = janji::limits::reason_characters_max) {
  const auto* v = o.if_contains(boost::json::string_view(name.data(), name.size()));
  if (v == nullptr)
    return std::string{};
  const auto wrong = [&](cause c) {
    auto p = because(problem_code::invalid, c);
    p.fields.push_back({std::string(name), std::move(c)});
    return std::unexpected(std::move(p));
  };
  if (!v->is_string())
    return wrong(cause_of<reason_code::not_text>());
  auto text = operator_text({v->get_string().data(), v->get_string().size()});
  if (!text)
    return wrong(cause_of_text(text.error()));
  if (const auto characters = text_length(*text); characters > characters_max || text->size() > janji::limits::order_text_bytes_max)
    return wrong(cause_of<reason_code::too_long, "length", "limit">(characters, characters_max));
  return std::move(*text);
}

// Whether only what would be done is to be said. An order whose dry_run cannot be read is not carried out.
inline std::expected<bool, problem> dry_run_of(std::string_view query) {
  const auto given = query_parameter(query, "dry_run");
  if (!given || *given == "false")
    return false;
  if (*given == "true")
    return true;
  return std::unexpected(because<reason_code::bad_dry_run>(problem_code::invalid));
}

// "code: words" of an order that was refused, as a problem.
inline problem refused(const std::string& why) {
  for (const auto code : {problem_code::wrong_state, problem_code::changed, problem_code::busy, problem_code::not_found,
                          problem_code::unknown_window, problem_code::invalid, problem_code::unknown})
    if (const auto name = name_of(code); why.starts_with(std::string(name) + ": "))
      return {.code = code, .detail = why.substr(name.size() + 2)};
  return {.code = problem_code::busy, .detail = why};
}

// What an order came to that stands, where something of it is still to be done. As actors say which shards lack one.
inline constexpr std::string_view stands_but = "the order stands, but ";
inline std::string and_left_undone(const std::string& done, std::string_view what) {
  return done + (done.contains(stands_but) ? ", and " : std::string("; ").append(stands_but)) + std::string(what);
}

}  // namespace janji::net
