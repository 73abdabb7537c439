// What the operators' endpoints share: JSON in and out, and orders' refusals as problems.
#pragma once

#include <boost/json.hpp>
#include <expected>
#include <string>
#include <string_view>

#include "net/http.hpp"
#include "net/problem.hpp"

namespace janji::net {

inline response json_response(const boost::json::value& v, unsigned status = 200) {
  response out;
  out.status = status;
  out.body = boost::json::serialize(v) + "\n";
  return out;
}

inline std::expected<boost::json::object, problem> object_of(std::string_view body) {
  if (body.empty())
    return boost::json::object{};
  boost::system::error_code ec;
  auto v = boost::json::parse(boost::json::string_view(body.data(), body.size()), ec);
  if (ec || !v.is_object())
    return std::unexpected(
        problem{.code = problem_code::malformed_json, .detail = ec ? ec.message() : "The request must be a JSON object."});
  return v.get_object();
}

inline std::string text_of(const boost::json::object& o, std::string_view name) {
  const auto* v = o.if_contains(boost::json::string_view(name.data(), name.size()));
  return v != nullptr && v->is_string() ? std::string(v->get_string()) : std::string{};
}

// "code: words" of an order that was refused, as a problem.
inline problem refused(const std::string& why) {
  for (const auto code : {problem_code::wrong_state, problem_code::busy, problem_code::not_found, problem_code::unknown_window})
    if (const auto name = name_of(code); why.starts_with(std::string(name) + ": "))
      return {.code = code, .detail = why.substr(name.size() + 2)};
  return {.code = problem_code::busy, .detail = why};
}

}  // namespace janji::net
