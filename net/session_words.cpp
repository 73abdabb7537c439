#include "net/session_words.hpp"

#include <fmt/format.h>

namespace janji::net {

namespace http = boost::beast::http;

method method_of(http::verb v) {
  switch (v) {
    case http::verb::get: return method::get;
    case http::verb::head: return method::head;
    case http::verb::post: return method::post;
    case http::verb::put: return method::put;
    case http::verb::patch: return method::patch;
    case http::verb::delete_: return method::del;
    case http::verb::options: return method::options;
    default: return method::other;
  }
}

std::string_view status_line(unsigned status) {
  switch (status) {
    case 200: return "HTTP/1.1 200 OK\r\n";
    case 201: return "HTTP/1.1 201 Created\r\n";
    case 202: return "HTTP/1.1 202 Accepted\r\n";
    case 204: return "HTTP/1.1 204 No Content\r\n";
    case 302: return "HTTP/1.1 302 Found\r\n";
    case 303: return "HTTP/1.1 303 See Other\r\n";
    case 304: return "HTTP/1.1 304 Not Modified\r\n";
    case 307: return "HTTP/1.1 307 Temporary Redirect\r\n";
    case 400: return "HTTP/1.1 400 Bad Request\r\n";
    case 401: return "HTTP/1.1 401 Unauthorized\r\n";
    case 403: return "HTTP/1.1 403 Forbidden\r\n";
    case 404: return "HTTP/1.1 404 Not Found\r\n";
    case 405: return "HTTP/1.1 405 Method Not Allowed\r\n";
    case 408: return "HTTP/1.1 408 Request Timeout\r\n";
    case 409: return "HTTP/1.1 409 Conflict\r\n";
    case 410: return "HTTP/1.1 410 Gone\r\n";
    case 413: return "HTTP/1.1 413 Content Too Large\r\n";
    case 414: return "HTTP/1.1 414 URI Too Long\r\n";
    case 415: return "HTTP/1.1 415 Unsupported Media Type\r\n";
    case 422: return "HTTP/1.1 422 Unprocessable Content\r\n";
    case 429: return "HTTP/1.1 429 Too Many Requests\r\n";
    case 431: return "HTTP/1.1 431 Request Header Fields Too Large\r\n";
    case 503: return "HTTP/1.1 503 Service Unavailable\r\n";
    case 504: return "HTTP/1.1 504 Gateway Timeout\r\n";
    default: return "HTTP/1.1 500 Internal Server Error\r\n";
  }
}

void append_head(std::string& out, const response& r, std::string_view date_field, std::string_view connection) {
  out += status_line(r.status);
  out += date_field;
  if (has_body(r)) {
    const fmt::format_int size(r.payload().size());
    out.append("Content-Type: ").append(r.content_type).append("\r\nContent-Length: ").append(size.data(), size.size()).append("\r\n");
  }
  if (r.no_store)
    out += "Cache-Control: no-store\r\n";
  out.append(r.fields).append(connection).append("\r\n");
}

std::string_view field_in(std::string_view head, std::string_view name) {
  std::string_view found;
  for (auto at = head.find("\r\n"); at != std::string_view::npos; at = head.find("\r\n", at + 2)) {
    const auto line = head.substr(at + 2, head.find("\r\n", at + 2) - at - 2);
    const bool whole = at + 2 + line.size() < head.size();
    if (!whole || !same_word(line.substr(0, name.size()), name))
      continue;
    if (!found.empty())
      return {};
    found = trimmed(line.substr(name.size()));
  }
  return found;
}

bool is_head(std::string_view head) { return head.starts_with("HEAD "); }

std::string_view path_in(std::string_view head) {
  const auto line = head.substr(0, head.find("\r\n"));
  const auto begin = line.find(' ');
  const bool whole = line.size() < head.size() || line.contains('?');  // a target may be too long, and its path be there
  if (!whole || begin == std::string_view::npos)
    return {};
  const auto target = line.substr(begin + 1, line.find(' ', begin + 1) - begin - 1);
  return target.starts_with('/') ? target.substr(0, target.find('?')) : std::string_view{};
}

bool has_folded_lines(std::string_view head) {
  for (auto at = head.find('\n'); at != std::string_view::npos; at = head.find('\n', at + 1))
    if (at + 1 < head.size() && (head[at + 1] == ' ' || head[at + 1] == '\t'))
      return true;
  return false;
}

}  // namespace janji::net
