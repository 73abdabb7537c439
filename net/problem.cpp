#include "net/problem.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "booking/assert.hpp"
#include "net/json_text.hpp"

namespace janji::net {

namespace {

constexpr std::string_view english = "en";

using enum problem_code;

// The sentences of a code or a reason, looked up once. "": there is none.
struct words_of_a_problem {
  std::string_view title;
  std::string_view detail;
};
const auto& words_of_problems() {
  static const auto words = [] {
    std::array<words_of_a_problem, problem_code_count> out;
    for (const auto& row : problem_rows) {
      const auto key = "problem." + std::string(row.name);
      out[static_cast<std::size_t>(row.code)] = {find_message(english, key + ".title").value_or(""),
                                                 find_message(english, key + ".detail").value_or("")};
    }
    return out;
  }();
  return words;
}
const auto& words_of_reasons() {
  static const auto words = [] {
    std::array<std::string_view, reason_code_count> out;
    for (const auto& row : reason_rows)
      out[static_cast<std::size_t>(row.why)] = find_message(english, "reason." + std::string(row.name)).value_or("");
    return out;
  }();
  return words;
}

std::string_view unformatted_detail(const problem& p) {
  return p.why != reason_code::none ? words_of_reasons()[static_cast<std::size_t>(p.why)]
                                    : words_of_problems()[static_cast<std::size_t>(p.code)].detail;
}

// A sentence that lacks an argument is not said.
std::string sentence(std::string_view text, const std::vector<argument>& arguments) {
  if (!text.contains('{'))
    return std::string(text);
  return format_message(english, text, arguments).value_or(std::string{});
}

}  // namespace

std::string_view text_of(reason_code why) { return words_of_reasons()[static_cast<std::size_t>(why)]; }
std::string_view title_of(problem_code code) { return words_of_problems()[static_cast<std::size_t>(code)].title; }

std::string detail_of(const problem& p) { return sentence(unformatted_detail(p), p.arguments); }

cause cause_of_text(const text_fault& f) {
  const auto row = std::ranges::find(reason_rows, f.code, &reason_row::name);
  assert_always(row != reason_rows.end(), "every fault of a text is a reason");
  return {row->why,
          {make_argument("position", f.position), make_argument("character", fmt::format("U+{:04X}", static_cast<unsigned>(f.character)))}};
}

std::string field_error::detail() const { return sentence(text_of(because.why), because.arguments); }

std::optional<problem_code> code_of(outcome o) {
  switch (o) {
    case outcome::confirmed:
    case outcome::cancelled:
    case outcome::moved:
    case outcome::found: return std::nullopt;
    case outcome::full: return full;
    case outcome::already_booked: return already_booked;
    case outcome::key_reused: return idempotency_key_reused;
    case outcome::not_found: return not_found;
    case outcome::same_place: return same_place;
    case outcome::window_unknown: return unknown_window;
    case outcome::window_closed: return window_closed;
    case outcome::contended: return contended;
    case outcome::in_progress: return in_progress;
    case outcome::busy: return busy;
    case outcome::unknown: return unknown;
    case outcome::interrupted: return interrupted;
    case outcome::not_enough_together: return not_enough_together;
    case outcome::not_open: return not_open;
    case outcome::paused: return paused;
    case outcome::closed: return closed;
    case outcome::window_over: return window_over;
    case outcome::changes_spent: return changes_spent;
  }
  return unknown;
}

void append_json(std::string& out, std::string_view text) {
  constexpr std::string_view hex = "0123456789abcdef";
  const auto plain = [](char c) { return c != '"' && c != '\\' && static_cast<unsigned char>(c) >= 0x20; };
  out += '"';
  if (std::ranges::all_of(text, plain)) {  // nearly always
    out.append(text).append(1, '"');
    return;
  }
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20) {
      out += "\\u00";
      out += hex[byte >> 4];
      out += hex[byte & 15];
    } else {
      out += c;
    }
  }
  out += '"';
}

namespace {

void append_member(std::string& out, std::string_view name, std::string_view text) {
  out.append(",\"").append(name).append("\":");
  append_json(out, text);
}

void append_arguments(std::string& out, const std::vector<argument>& arguments) {
  if (arguments.empty())
    return;
  out += ",\"arguments\":{";
  for (const auto& a : arguments) {
    out.append(out.back() == '{' ? "\"" : ",\"").append(a.name).append("\":");
    if (const auto* n = std::get_if<std::int64_t>(&a.value))
      append_number(out, *n);
    else
      append_json(out, std::get<std::string>(a.value));
  }
  out += '}';
}

void append_fields(std::string& out, const std::vector<field_error>& fields) {
  out += ",\"fields\":[";
  for (const auto& f : fields) {
    out += out.back() == '[' ? "{\"field\":" : ",{\"field\":";
    append_json(out, f.field);
    append_member(out, "code", f.code());
    if (const auto name = name_of(f.because.why); name != f.code())
      append_member(out, "reason", name);
    append_arguments(out, f.because.arguments);
    append_member(out, "detail", f.detail());
    out += '}';
  }
  out += ']';
}

}  // namespace

response to_response(const problem& p, std::string_view request_id) {
  const auto& row = row_of(p.code);
  response out;
  out.status = row.status;
  out.content_type = "application/problem+json";
  auto& body = out.body;
  body.reserve(384 + p.alternatives.size());
  body.append(R"({"type":"https://janji.invalid/problems/)").append(row.name);
  body.append(R"(","title":")").append(title_of(p.code)).append(R"(","status":)");
  append_number(body, row.status);
  body.append(R"(,"code":")").append(row.name).append("\"");
  if (p.why != reason_code::none)
    append_member(body, "reason", name_of(p.why));
  append_arguments(body, p.arguments);
  if (!p.detail.empty())
    append_member(body, "detail", p.detail);
  else if (const auto text = unformatted_detail(p); !text.contains('{'))
    text.empty() ? void() : append_member(body, "detail", text);
  else if (const auto detail = detail_of(p); !detail.empty())
    append_member(body, "detail", detail);
  if (!request_id.empty()) {
    append_member(body, "request_id", request_id);
    out.add("X-Request-Id", request_id);
  }
  if (const auto ms = p.retry_after_ms.value_or(row.retry_after_ms); ms != 0) {
    body += ",\"retry_after_ms\":";
    append_number(body, ms);
    out.add("Retry-After", std::to_string((ms + 999) / 1000));
  }
  if (p.position != 0) {
    body += ",\"position\":";
    append_number(body, unsigned{p.position});
  }
  if (p.free) {
    body += ",\"free\":";
    append_number(body, *p.free);
  }
  if (!p.opens_at.empty())
    append_member(body, "opens_at", p.opens_at);
  if (!p.fields.empty())
    append_fields(body, p.fields);
  if (!p.alternatives.empty())
    body.append(",\"alternatives\":").append(p.alternatives);
  body += '}';
  if (row.status == 401)
    out.add("WWW-Authenticate", "Bearer");
  return out;
}

}  // namespace janji::net
