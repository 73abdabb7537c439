// What a browser sends to a page: a form's body, a Cookie header, an Accept-Language, a reference and a code, a cookie that is none of
// ours. What is read as a form can be sent again and means the same; nothing that a stranger writes opens as something that was sealed
// here.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "booking/text_parts.hpp"
#include "web/booking_code.hpp"
#include "booking/text_rules.hpp"
#include "web/form.hpp"
#include "web/kept.hpp"
#include "web/language.hpp"
#include "web/person_fields.hpp"
#include "web/postcodes.hpp"
#include "web/sealed_box.hpp"

namespace {

using namespace janji;

void check(bool good) {
  if (!good)
    std::abort();
}

web::secret_key key() {
  web::secret_key k;
  k.fill(7);
  return k;
}

void check_form(std::string_view body) {
  const auto sent = web::form::read(body);
  if (!sent) {
    check(sent.error().field.size() <= 64 && janji::is_utf8(sent.error().field));
    return;
  }
  std::string again;
  for (const auto& [name, value] : sent->fields()) {
    check(janji::is_utf8(name) && is_utf8(value));
    again += percent_encoded(name) + "=" + percent_encoded(value) + "&";
  }
  if (again.size() <= web::limits::form_bytes_max) {
    const auto back = web::form::read(again);
    check(back && back->fields() == sent->fields());
  }
  const auto people = web::people_in(*sent, 4);
  check(!web::booking_body(people, "r", "c", "2021-06-07", "09:00").empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_form(text);
  (void)web::preferred_language(text);
  (void)web::language_of(text);
  (void)web::cookie(text, web::form_cookie);
  (void)web::input_of(text);
  (void)web::area_of_postcode(text);
  static const web::sealed_box box({key()});
  check(!box.open(web::form_cookie, text) && !box.is_form_token("browser", text));
  if (const auto ref = web::typed_reference(text))
    check(ref->value < (std::uint64_t{1} << 60));
  check(!web::check_booking_code(key(), reference{1}, text) || text.size() >= 13);
  if (const auto kept = web::kept_form_from(text))
    check(web::kept_form_from(web::to_text(*kept)) == kept);
  if (const auto kept = web::kept_bookings_from(text))
    check(web::kept_bookings_from(web::to_text(*kept)) == kept);
  return 0;
}
