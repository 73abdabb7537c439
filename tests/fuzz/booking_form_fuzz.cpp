// Whatever stands in a body: a booking or a move within its limits, or a refusal that is JSON and not much larger.
#include <boost/json.hpp>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "net/booking_form.hpp"

// find_target() needs it and is not called here; its own file needs what this program does without.
namespace janji::actors {
const group_definition* round_entry::find_group(std::string_view, std::chrono::year_month_day) const { return nullptr; }
}  // namespace janji::actors

namespace {

using namespace janji;

constexpr civil_date today{std::chrono::year{2021}, std::chrono::May, std::chrono::day{26}};

void check(bool good) {
  if (!good)
    std::abort();
}

void check_refusal(const net::problem& p) {
  const auto r = net::to_response(p, "id");
  boost::system::error_code ec;
  const auto v = boost::json::parse(r.body, ec);
  check(!ec && v.is_object() && r.body.size() < 16 * 1024);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  static const actors::round_entry round;
  if (const auto form = net::read_booking(body, today)) {
    check(!form->people.empty() && form->people.size() <= limits::party_people_max && form->date.ok());
    for (const auto& p : form->people) {
      check(!p.who.canonical.empty() && p.birth.ok() && p.birth <= today && !p.record.name.empty() && p.state < state_count);
      check(text_length(p.record.notes) <= limits::notes_characters_max && text_length(p.record.name) <= limits::name_characters_max);
      check(schema::encode(p.record).size() <= limits::person_bytes_max + limits::person_framing_bytes_max);
    }
    const auto again = net::read_booking(body, today);
    check(again && net::canonical(*again) == net::canonical(*form));
    if (const auto p = net::check_people(round, *form))
      check_refusal(*p);
  } else {
    check_refusal(form.error());
  }
  if (const auto form = net::read_move(body))
    check(form->date.ok() && !form->centre.empty());
  else
    check_refusal(form.error());
  return 0;
}
