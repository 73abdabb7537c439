#include "apps/load/requests.hpp"

#include <fmt/format.h>

namespace janji::load {

request_writer::request_writer(const run_options& o, const crowd& people, const slot_list& slots)
    : options_(o), people_(people), slots_(slots), seed_(people.seed()) {
  // Notes that do not compress, so that bytes on disk are what they seem.
  constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ.0123456789";
  for (std::size_t i = 0; i < o.notes_bytes; ++i)
    notes_ += letters[mix(seed_, i) % letters.size()];
}

std::string request_writer::place(const job& j) const {
  if (j.what == operation::browse)
    return {};
  const auto& s = slots_.slots[j.slot];
  return options_.name_window ? s.place() : s.centre + "/" + s.date + "/";
}

void request_writer::write_place(const job& j) {
  const auto& s = slots_.slots[j.slot];
  body_ += R"("centre":")";
  body_ += s.centre;
  body_ += R"(","date":")";
  body_ += s.date;
  if (options_.name_window) {
    body_ += R"(","window":")";
    body_ += s.opens;
  }
  body_ += '"';
}

void request_writer::write_people(const job& j) {
  body_ += R"(,"people":[)";
  for (unsigned i = 0; i < j.people; ++i) {
    const auto c = people_.at(j.citizen + i);
    if (i != 0)
      body_ += ',';
    body_ += R"({"identity":{"type":"mykad","number":")";
    body_ += c.number();
    fmt::format_to(std::back_inserter(body_), R"("}},"name":"Warga Contoh {}","phone":"+6011{:08}","state":")", c.index,
                   c.index % 100'000'000);
    body_ += people_.state_name(c.state);
    body_ += '"';
    if (!notes_.empty()) {
      body_ += R"(,"notes":")";
      body_ += notes_;
      body_ += '"';
    }
    body_ += '}';
  }
  body_ += ']';
}

void request_writer::write(const job& j, std::string_view host, std::string& out) {
  out.clear();
  auto to = std::back_inserter(out);
  if (j.what == operation::browse) {
    fmt::format_to(to, "GET /api/v1/availability?state=");
    for (const char c : people_.draw(mix(seed_, j.arrival, 0xB0)).name)
      c == ' ' ? out += "%20" : out += c;
    fmt::format_to(to, " HTTP/1.1\r\nHost: {}\r\n\r\n", host);
    return;
  }
  body_.clear();
  if (j.what != operation::cancel) {
    body_ += '{';
    if (j.what != operation::move && !slots_.round.empty())
      fmt::format_to(std::back_inserter(body_), R"("round":"{}",)", slots_.round);
    write_place(j);
    if (j.what != operation::move)
      write_people(j);
    body_ += '}';
  }
  const auto key_text = key(j);
  if (j.what == operation::cancel)
    fmt::format_to(to, "DELETE /api/v1/bookings/{} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nIdempotency-Key: {}\r\n\r\n",
                   j.reference, host, j.token, key_text);
  else if (j.what == operation::move)
    fmt::format_to(to,
                   "PATCH /api/v1/bookings/{} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nContent-Type: "
                   "application/json\r\nIdempotency-Key: {}\r\nContent-Length: {}\r\n\r\n",
                   j.reference, host, j.token, key_text, body_.size());
  else
    fmt::format_to(
        to,
        "POST /api/v1/bookings HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nIdempotency-Key: {}\r\nContent-Length: {}\r\n\r\n",
        host, key_text, body_.size());
  out += body_;
}

}  // namespace janji::load
