// What a session says and reads that depends on no session.
#pragma once

#include <boost/beast/http/verb.hpp>
#include <string>
#include <string_view>

#include "net/http.hpp"

namespace janji::net {

[[nodiscard]] method method_of(boost::beast::http::verb v);
// The first line of an answer, with its end; 500 for a status that we do not send.
[[nodiscard]] std::string_view status_line(unsigned status);
inline constexpr std::string_view closes_line = "Connection: close\r\n";
inline constexpr std::string_view keeps_line = "Connection: keep-alive\r\n";
[[nodiscard]] inline bool has_body(const response& r) { return r.status != 204 && r.status != 304; }
// All that stands before an answer's body. `date_field`, `connection`: lines with their ends, or nothing.
void append_head(std::string& out, const response& r, std::string_view date_field, std::string_view connection);
// The value of a line ("origin:") of a header that may be cut short or wrong: a page elsewhere may read why it is refused, in its reader's
// language. "": there is none, or several.
[[nodiscard]] std::string_view field_in(std::string_view head, std::string_view name);
// Whether it is of a request whose answer has no body.
[[nodiscard]] bool is_head(std::string_view head);
// The path of the request line of such a header, as it was written; "" where that line has not come whole.
[[nodiscard]] std::string_view path_in(std::string_view head);
// A line that begins with white space continues the one before (RFC 9112, 5.2: to be rejected).
[[nodiscard]] bool has_folded_lines(std::string_view head);

}  // namespace janji::net
