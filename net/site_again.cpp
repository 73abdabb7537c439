// Pages that answer a post, shown again in another language: from what stands sealed in them, and from what can be looked up. Nothing here
// books, moves or cancels.
#include <boost/json.hpp>

#include "net/site.hpp"
#include "web/codes.hpp"

namespace janji::net {

namespace {

namespace json = boost::json;

}  // namespace

// Of a reason only what the pages say of it.
std::string site::told(const problem& p, const visit& v) const {
  const bool said = p.why == reason_code::operator_said;
  const std::string why = said || p.why == reason_code::attended ? std::string(name_of(p.why)) : std::string{};
  return box_.seal(told_purpose, json::serialize(json::array{told_version, std::string(name_of(p.code)), why, said ? detail_of(p) : "",
                                                             p.free ? std::int64_t{*p.free} : std::int64_t{-1}, v.request_id}));
}

std::optional<problem> site::told_in(std::string_view sealed, visit& v) const {
  const auto text = box_.open(told_purpose, sealed);
  if (!text)
    return std::nullopt;
  try {
    const auto all = json::parse(*text);
    const auto& a = all.as_array();
    if (a.at(0).to_number<int>() != told_version)
      return std::nullopt;
    const auto code = code_named(std::string_view(a.at(1).as_string()));
    if (!code)
      return std::nullopt;
    problem p{.code = *code};
    const std::string_view why = a.at(2).as_string();
    if (why == name_of(reason_code::operator_said))
      p = because(p.code, cause_of<reason_code::operator_said, "words">(std::string(a.at(3).as_string())));
    else if (why == name_of(reason_code::attended))
      p.why = reason_code::attended;
    if (const auto free = a.at(4).to_number<std::int64_t>(); free >= 0)
      p.free = static_cast<std::uint32_t>(free);
    v.request_id = std::string(a.at(5).as_string());
    return p;
  } catch (const std::exception&) {  // of a version that wrote another
    return std::nullopt;
  }
}

// A form that cannot be read is told by its fault alone: nothing of it can be shown.
response site::unreadable(const visit& v, problem_code code, const web::form_error& e) const {
  const auto& words = pages_->all();
  web::refused_model m{.heading = "no_booking_heading", .text = words.say(v.lang, "refused_request"), .code = std::string(name_of(code))};
  if (!e.field.empty())
    m.more = e.what == web::form_fault::unknown
                 ? words.say(v.lang, "field_unknown", {{"name", e.field}})
                 : e.field + ": " + words.say(v.lang, e.what == web::form_fault::twice ? "field_twice" : "field_text_wrong");
  m.links = {{"/my-booking", words.say(v.lang, "nav_my_booking")}, {"/", words.say(v.lang, "start_page")}};
  auto f = frame_of(v, "refused");
  const auto told = json::serialize(json::array{told_version, std::string(name_of(code)), static_cast<int>(e.what), e.field});
  f.again = web::again_form{v.address, {{"code", box_.seal(unread_purpose, told)}}};
  return page(v, pages_->refused(f, m), row_of(code).status);
}

std::optional<response> site::unreadable_again(const visit& v, const web::form& sent) const {
  const auto text = sent.has("lang") ? box_.open(unread_purpose, sent.get("code")) : std::nullopt;
  if (!text)
    return std::nullopt;
  try {
    const auto all = json::parse(*text);
    const auto& a = all.as_array();
    const auto what = a.at(2).to_number<int>();
    if (a.at(0).to_number<int>() != told_version || what < 0 || what > static_cast<int>(web::form_fault::unknown))
      return std::nullopt;
    auto now = v;
    if (!takes_language(now, sent))
      return std::nullopt;
    return unreadable(now, code_named(std::string_view(a.at(1).as_string())).value_or(problem_code::malformed_request),
                      {static_cast<web::form_fault>(what), std::string(a.at(3).as_string())});
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

// Where the browser takes no cookies it has its bookings nowhere else.
response site::booked_in_place(const visit& v, bool repeated, unsigned status) const {
  web::my_booking_model m{.repeated = repeated, .changeable = false};
  for (const auto& b : v.mine)
    m.bookings.push_back(item_of(b, true));
  auto f = frame_of(v, "my-booking");
  f.again = web::again_form{"/my-booking", {{"reference", box_.seal(list_purpose, web::to_text(v.mine))}}};
  return page(v, pages_->my_booking(f, m), status);
}

void site::show_list_again(const request& r, visit& v, const web::form& sent, responder&& respond) {
  const auto text = box_.open(list_purpose, sent.get("reference"));
  auto list = text ? web::kept_bookings_from(*text) : std::nullopt;
  if (!list || list->empty())
    return respond(see_other(v, "/my-booking"));
  v.mine = std::move(*list);
  look_at_mine(r, std::move(v), [this, to = std::make_shared<responder>(std::move(respond))](visit&& now, bool /*all_known*/) {
    now.mine_changed = false;  // a cookie, if there is one by now, has more than this page
    (*to)(booked_in_place(now, false, 200));
  });
}

// What became of the form in the page, by its key alone.
void site::look_by_key(const request& r, visit& v, web::kept_form form, responder&& respond) {
  form.key = key_of(form);
  form.at = clock_.now();
  auto to = std::make_shared<responder>(std::move(respond));
  desk_.book(r, body_of(form), form.key, true, [this, v, form, to](desk_answer&& a) mutable {
    v.request_id = std::move(a.request_id);
    a.repeated = false;  // the reader sees it for the first time
    if (!a.refusal || a.refusal->code == problem_code::idempotency_key_reused)
      return booked(v, form, std::move(a), *to);
    (*to)(pending_page(v, form, *a.refusal, seen::looked, true));
  });
}

}  // namespace janji::net
