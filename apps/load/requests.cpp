#include "apps/load/requests.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "booking/text_length.hpp"

namespace janji::load {

request_writer::request_writer(const run_options& o, const crowd& people, const slot_list& slots)
    : options_(o), people_(people), slots_(slots), seed_(people.seed()) {
  auto left = o.notes_bytes;
  for (const auto& [text, characters] : {std::pair{&notes_, janji::limits::notes_characters_max},
                                         {&email_, janji::limits::text_characters_max},
                                         {&name_, janji::limits::name_characters_max - name_begins_max}}) {
    *text = filler(left, characters);
    left -= text->size();
  }
}

// So many bytes, or as many as go into so many characters, as few of them wide as will do. They do not compress, so that bytes are what
// they seem.
std::string request_writer::filler(std::size_t bytes, std::size_t characters_max) {
  constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ.0123456789";
  constexpr std::uint64_t wide_first = 0x20000;  // ideographs: four bytes each
  constexpr std::uint64_t wide_count = 0xA6DF;
  const auto wide = bytes > characters_max ? std::min({(bytes - characters_max + 2) / 3, bytes / 4, characters_max}) : 0;
  std::string out;
  for (std::size_t i = 0; i < wide; ++i) {
    const auto c = wide_first + mix(seed_, filled_++) % wide_count;
    out += {static_cast<char>(0xF0 | c >> 18), static_cast<char>(0x80 | (c >> 12 & 0x3F)), static_cast<char>(0x80 | (c >> 6 & 0x3F)),
            static_cast<char>(0x80 | (c & 0x3F))};
  }
  const auto narrow = std::min(bytes - out.size(), characters_max - wide);
  for (std::size_t i = 0; i < narrow; ++i)
    out += letters[mix(seed_, filled_++) % letters.size()];
  return out;
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
    fmt::format_to(std::back_inserter(body_), R"("}},"name":"Warga Contoh {}{}","phone":"+6011{:08}","state":")", c.index, name_,
                   c.index % 100'000'000);
    body_ += people_.state_name(c.state);
    body_ += '"';
    for (const auto& [name, text] : {std::pair{"notes", &notes_}, {"email", &email_}})
      if (!text->empty())
        fmt::format_to(std::back_inserter(body_), R"(,"{}":"{}")", name, *text);
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
