#include "apps/load/answer.hpp"

#include <boost/json.hpp>
#include <charconv>

namespace janji::load {

namespace json = boost::json;

void answer_parser::on_field_impl(boost::beast::http::field name, view name_text, view value, error_code&) {
  if (name == boost::beast::http::field::unknown && boost::beast::iequals(name_text, "X-Janji-Stamp"))
    stamp_.assign(value.data(), value.size());
  if (name != boost::beast::http::field::retry_after)
    return;
  int seconds = 0;
  if (std::from_chars(value.data(), value.data() + value.size(), seconds).ec == std::errc{})
    retry_after_s_ = seconds;
}

confirmation read_confirmation(std::string_view body) {
  std::array<unsigned char, 16'384> buffer;
  json::monotonic_resource memory(buffer.data(), buffer.size());
  json::error_code ec;
  const auto v = json::parse(json::string_view(body.data(), body.size()), ec, &memory);
  confirmation c;
  if (ec || !v.is_object())
    return c;
  const auto& o = v.get_object();
  const auto text = [](const json::object& from, json::string_view name) {
    const auto* f = from.if_contains(name);
    return f != nullptr && f->is_string() ? std::string(f->get_string().data(), f->get_string().size()) : std::string{};
  };
  c.place = text(o, "centre") + "/" + text(o, "date");
  if (const auto* w = o.if_contains("window"); w != nullptr && w->is_object())
    c.place += "/" + text(w->get_object(), "opens");
  const auto* again = o.if_contains("repeated");
  c.repeated = again != nullptr && again->is_bool() && again->get_bool();
  if (const auto* bookings = o.if_contains("bookings"); bookings != nullptr && bookings->is_array()) {
    for (const auto& b : bookings->get_array())
      if (b.is_object()) {
        c.references.push_back(text(b.get_object(), "reference"));
        c.tokens.push_back(text(b.get_object(), "manage_token"));
      }
  } else {
    c.references.push_back(text(o, "reference"));
  }
  c.readable = !c.references.empty();
  for (const auto& r : c.references)
    c.readable = c.readable && !r.empty();
  return c;
}

std::string_view problem_code(std::string_view body) {
  constexpr std::string_view name = R"("code":")";
  const auto at = body.find(name);
  if (at == std::string_view::npos)
    return {};
  const auto rest = body.substr(at + name.size());
  const auto end = rest.find('"');
  const auto code = rest.substr(0, end);
  const bool plain = end <= 64 &&  // so there is one
                     code.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string_view::npos;
  return plain ? code : std::string_view{};
}

}  // namespace janji::load
