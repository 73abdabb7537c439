// What a request may say, as the table of routes has it (route_table.hpp): the names in its query, the members of an order's body and of
// which kind they are, the form of its body. What is not known here would be left out by whoever carries the request out, who would then
// do something else than was meant: so it is refused. Pure functions; any thread.
#pragma once

#include <boost/json/object.hpp>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/http.hpp"
#include "net/problem.hpp"

namespace janji::net {

inline constexpr std::string_view anything = "*";

// A body is JSON as it stands: another type, or a coding, is refused. Who names no type is believed.
[[nodiscard]] std::optional<problem> refuse_media(const request& r);

// `known`: names with spaces between them, or anything. Refused: another name, and one that stands twice.
[[nodiscard]] std::optional<problem> refuse_query(std::string_view query, std::string_view known);

// `known`: "reason:text nodes:numbers". The kinds are text, flag, number (a whole one), numbers (a list of such) and object.
// What is wrong: a member of another name or of another kind, the first 32. `prefix`: what the members stand in, with a dot.
[[nodiscard]] std::vector<field_error> wrong_members(const boost::json::object& body, std::string_view known, std::string_view prefix = {});
// Of an order, of which nothing was done.
[[nodiscard]] std::optional<problem> refuse_members(const boost::json::object& body, std::string_view known, std::string_view prefix = {});
// A member that is not among them: their names are told.
[[nodiscard]] cause unknown_member_beside(std::string_view known);
[[nodiscard]] problem nothing_done(std::vector<field_error> wrong);

// Whether a member stands twice anywhere in it, of which the parser has kept the last: whoever read the first would see another request.
// `text`: what `v` was parsed from.
[[nodiscard]] bool has_member_twice(const boost::json::value& v, std::string_view text);

}  // namespace janji::net
