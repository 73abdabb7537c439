// What every page over HTTP has: who asks, in which language, with which cookies; and which page an address is.
#include "net/site.hpp"

#include <algorithm>
#include <array>

#include "booking/reference_text.hpp"
#include "booking/text_parts.hpp"
#include "net/page_numbers.hpp"
#include "store/packing.hpp"
#include "web/codes.hpp"

namespace janji::net {

namespace {

// Path and query without `lang`, as it can stand in a link.
std::string address_of(const request& r) {
  std::string out = "/";
  for (auto path = r.path.substr(std::min<std::size_t>(1, r.path.size())); !path.empty();)
    out += (out.size() == 1 ? "" : "/") + percent_encoded(next_part(path, '/'));
  char before = '?';
  auto query = r.query;
  while (!query.empty()) {
    const auto one = next_part(query, '&');
    if (one.empty() || one == "lang" || one.starts_with("lang="))
      continue;
    out += before;
    out += one;
    before = '&';
  }
  return out;
}

std::string_view host_in(std::string_view origin) {
  const auto scheme = origin.find("://");
  return scheme == std::string_view::npos ? std::string_view{} : origin.substr(scheme + 3);
}

}  // namespace

std::expected<std::unique_ptr<site>, std::string> site::open(boost::asio::io_context& io, actors::node& node, booking_desk& desk,
                                                             const store::sealing& sealing, const receipt_signer& signer,
                                                             site_options options) {
  std::unique_ptr<site> out(new site(io, node, desk, sealing, signer, std::move(options)));
  for (auto* to : {&out->pages_, &out->makers_}) {
    auto made = web::pages::load();
    if (!made)
      return std::unexpected("the pages: " + made.error());
    *to = std::move(*made);
  }
  return out;
}

site::site(boost::asio::io_context& io, actors::node& node, booking_desk& desk, const store::sealing& sealing, const receipt_signer& signer,
           site_options options)
    : node_(node),
      desk_(desk),
      sealing_(sealing),
      signer_(signer),
      options_(std::move(options)),
      box_(options_.keys),
      look_(io),
      bodies_(io) {}

// The sums are added up on the thread that renders: a round of 200,000 slot groups must not hold up the listener.
void site::look_on() {
  constexpr std::chrono::seconds every{5};
  look_.expires_after(every);
  look_.async_wait([this](boost::system::error_code ec) {
    if (ec)
      return;
    bodies_.get(
        "#sums", node_.catalogue()->version, clock_.now(),
        [this] {
          const page_numbers numbers(node_, current_round());
          const auto sums = numbers.sums();
          const std::lock_guard lock{minutes_mutex_};
          const std::string of = numbers.round == nullptr ? "" : numbers.round->definition.code;
          if (of != minutes_of_)
            minutes_ = {};
          minutes_of_ = of;
          minutes_.look(wall_clock(), sums.whole && numbers.round != nullptr ? std::optional(sums.booked + sums.cancelled) : std::nullopt);
          return std::string();
        },
        [](const prepared_bodies::body_ptr&) {});
    look_on();
  });
}

bool site::is_page(std::string_view path) {
  return path != "*" && path != "/api" && !path.starts_with("/api/") && path != "/livez" && path != "/readyz";
}

void site::handle(const request& r, const page_match& at, responder&& respond) {
  if (at && at.row->to == page_endpoint::asset)
    return asset(r, respond);
  auto v = visit_of(r);
  const auto own = [&]() -> visit& {  // the reader's; what is the same for everybody looks at no cookie but the language
    open_kept(r, v);
    return v;
  };
  if (!at)
    return wrong_address(r, own(), respond);
  switch (at.row->to) {
    case page_endpoint::asset: break;  // answered above
    case page_endpoint::home:
    case page_endpoint::centres:
    case page_endpoint::centres_in:
    case page_endpoint::month:
    case page_endpoint::times:
    case page_endpoint::figures:
    case page_endpoint::status:
    case page_endpoint::help:
    case page_endpoint::privacy:
    case page_endpoint::accessibility:
    case page_endpoint::receipt:
    case page_endpoint::numbers_home:
    case page_endpoint::numbers_in:
    case page_endpoint::numbers_at:
    case page_endpoint::numbers_day: return public_page(r, v, at, std::move(respond));
    case page_endpoint::details: return details_get(r, own(), at.arguments, respond);
    case page_endpoint::details_sent: return details_post(r, own(), at.arguments, respond);
    case page_endpoint::check: return check_get(r, own(), at.arguments, respond);
    case page_endpoint::book: return check_post(r, own(), at.arguments, std::move(respond));
    case page_endpoint::my_booking: return my_booking_get(r, own(), std::move(respond));
    case page_endpoint::send_again: return my_booking_post(r, own(), std::move(respond));
    case page_endpoint::move_centre:
    case page_endpoint::move_day: return change_get(r.query, own(), at, respond);
    case page_endpoint::calendar:
    case page_endpoint::cancel:
    case page_endpoint::move:
    case page_endpoint::move_time: return with_present_bookings(r, std::move(own()), std::move(respond));
    case page_endpoint::cancel_sent:
    case page_endpoint::move_sent: return change_post(r, own(), at, std::move(respond));
    case page_endpoint::find:
    case page_endpoint::find_sent: return find(r, own(), std::move(respond));
    case page_endpoint::forget: return forget(r, own(), true, respond);
    case page_endpoint::start_again: return forget(r, own(), false, respond);
    case page_endpoint::receipt_sent: return receipt_sent(r, own(), respond);
    case page_endpoint::icon: return icon(respond);
    case page_endpoint::robots: return robots(respond);
  }
}

// What they show was perhaps changed on another device since.
void site::with_present_bookings(const request& r, visit&& v, responder&& respond) {
  auto to = std::make_shared<responder>(std::move(respond));
  look_at_mine(r, std::move(v), [this, to, path = std::string(r.path), query = std::string(r.query)](visit&& now, bool /*all_known*/) {
    const auto at = find_route(page_routes, method::get, path);
    if (at.row->to == page_endpoint::calendar)
      return calendar(now, at.arguments[0], *to);
    change_get(query, now, at, *to);
  });
}

// ------------------------------------------------------------------ who asks

visit site::visit_of(const request& r) const {
  visit v;
  v.address = address_of(r);
  v.lang = options_.first_language;
  if (const auto named = web::language_of(query_value(r.query, "lang"))) {
    v.lang = *named;
    v.set_language = true;
  } else if (const auto kept = web::language_of(web::cookie(r.cookie, web::language_cookie).value_or(""))) {
    v.lang = *kept;
  } else if (const auto preferred = web::preferred_language(r.accept_language)) {
    v.lang = *preferred;
  }
  v.gzip = accepts_gzip(r.accept_encoding);
  v.secure = !options_.public_urls.empty() && options_.public_urls.front().starts_with("https:");
  return v;
}

void site::open_kept(const request& r, visit& v) const {
  v.browser = web::cookie(r.cookie, web::browser_cookie).value_or("");
  if (v.browser.size() < 16 || v.browser.size() > 64) {
    v.browser = web::random_text(16);
    v.new_browser = true;
  }
  v.said = web::cookie(r.cookie, web::said_cookie).value_or("");
  if (const auto sealed = web::cookie(r.cookie, web::form_cookie)) {
    v.form_came = true;
    if (const auto text = box_.open(web::form_cookie, *sealed))
      v.draft = web::kept_form_from(*text);
  }
  if (const auto sealed = web::cookie(r.cookie, web::mine_cookie))
    if (const auto text = box_.open(web::mine_cookie, *sealed))
      v.mine = web::kept_bookings_from(*text).value_or(web::kept_bookings{});
}

web::frame site::frame_of(const visit& v, std::string page, std::string_view of) const {
  web::frame f;
  f.lang = v.lang;
  f.page = std::move(page);
  f.address = v.address;
  f.now = wall_clock();
  const auto round = round_named(of);
  if (round != nullptr)
    f.offset = round->body->offset;
  f.state = line_of(round.get());
  f.request_id = v.request_id;
  if (!v.browser.empty())
    f.form_token = box_.form_token(v.browser);
  f.forgettable = v.draft.has_value() || !v.mine.empty();
  return f;
}

web::round_line site::line_of(const actors::round_entry* round) const {
  using enum web::round_kind;
  if (round == nullptr)
    return {.kind = node_.knows_rounds() ? none : unknown};
  const auto now = wall_clock();
  switch (round->status_now(now, node_.judges_past()).status) {
    case booking_status::closed: return {.kind = closed};
    case booking_status::over: return {.kind = over};
    case booking_status::paused: return {.kind = paused, .reason = round->status.reason};
    case booking_status::not_open: return {.kind = not_open, .opens_at = round->definition.opens_at};
    case booking_status::open: return {.kind = open};
  }
  return {.kind = unknown};
}

// ------------------------------------------------------------------ answers

response site::page(const visit& v, std::string html, unsigned status, std::string_view cache) const {
  response out;
  out.status = status;
  out.content_type = "text/html; charset=utf-8";
  constexpr std::size_t gzip_worth_bytes = 1'024;
  if (v.gzip && html.size() >= gzip_worth_bytes) {
    out.body = store::packed(html, store::packing::gzip);
    out.add("Content-Encoding", "gzip");
    out.add("Vary", "Accept-Encoding");
  } else {
    out.body = std::move(html);
  }
  out.add("Cache-Control", cache);
  out.add("Content-Security-Policy", pages_->policy());
  out.add("Referrer-Policy", "same-origin");
  out.add("X-Content-Type-Options", "nosniff");
  if (v.secure)
    out.add(strict_transport.first, strict_transport.second);
  out.no_store = false;  // said above, with whose it is
  if (!v.request_id.empty())
    out.add("X-Request-Id", v.request_id);
  if (v.new_browser)
    add_cookie(out, v, web::browser_cookie, v.browser, web::mine_cookie_s);
  keep_language(out, v);
  if (v.mine_changed)
    keep_mine(out, v);
  return out;
}

void site::add_cookie(response& out, const visit& v, std::string_view name, std::string_view value, long max_age_s) const {
  out.add("Set-Cookie", web::to_text({.name = name, .value = value, .max_age_s = max_age_s, .secure = v.secure}));
}

bool site::another_is_unknown(const visit& v, const web::kept_form& form) {
  return v.draft && !v.draft->key.empty() && (!v.draft->last_code.empty() || v.draft->people.empty()) &&
         (v.draft->draft != form.draft || v.draft->place.path() != form.place.path());
}

void site::no_such_place(const visit& v, responder& respond) const {
  const bool known = current_round() != nullptr || node_.knows_rounds();
  not_there(v, respond, known ? "missing" : "trouble", known ? 404 : 503);
}

// What does not fit is left out: it travels in hidden fields then.
bool site::keep_form(response& out, const visit& v, web::kept_form form) const {
  if (another_is_unknown(v, form))
    return false;
  auto sealed = box_.seal(web::form_cookie, web::to_text(form));
  const bool whole = sealed.size() <= web::limits::cookie_value_bytes_max;
  if (!whole) {
    form.people.clear();
    sealed = box_.seal(web::form_cookie, web::to_text(form));
  }
  add_cookie(out, v, web::form_cookie, sealed, web::form_cookie_s);
  return whole;
}

bool site::is_kept_whole(const visit& v, const web::kept_form& form) const {
  return v.takes_cookies() && !another_is_unknown(v, form) &&
         box_.seal(web::form_cookie, web::to_text(form)).size() <= web::limits::cookie_value_bytes_max;
}

void site::keep_language(response& out, const visit& v) const {
  if (v.set_language)
    add_cookie(out, v, web::language_cookie, web::tag_of(v.lang), web::mine_cookie_s);
}

// Names are whole while there is room for them.
void site::keep_mine(response& out, const visit& v) const {
  auto sealed = box_.seal(web::mine_cookie, web::to_text(v.mine));
  if (sealed.size() > web::limits::cookie_value_bytes_max) {
    auto shorter = v.mine;
    for (auto& b : shorter)
      if (const auto name = cut(b.name, web::kept_name_bytes_max); name.size() < b.name.size())
        b.name = std::string(name) + "…";
    sealed = box_.seal(web::mine_cookie, web::to_text(shorter));
  }
  add_cookie(out, v, web::mine_cookie, sealed, web::mine_cookie_s);
}

response site::see_other(const visit& v, std::string_view where) const {
  response out;
  out.status = 303;
  out.content_type = "text/plain; charset=utf-8";
  out.add("Location", where);
  keep_language(out, v);
  return out;
}

void site::not_there(const visit& v, responder& respond, std::string_view name, unsigned status) const {
  respond(page(v, pages_->text(frame_of(v, std::string(name)), name), status));
}

void site::wrong_address(const request& r, const visit& v, responder& respond) const {
  const auto known = methods_at(page_routes, r.path);
  if (known.empty())
    return not_there(v, respond, "missing", 404);
  auto out = page(v, pages_->text(frame_of(v, "method"), "method"), 405);
  out.add("Allow", known.text());
  respond(std::move(out));
}

void site::asset(const request& r, responder& respond) {
  response out;
  const auto it = std::ranges::find(web::assets(), r.path, &web::asset::path);
  if (it == web::assets().end()) {
    out.status = 404;
    out.content_type = "text/plain; charset=utf-8";
    return respond(std::move(out));
  }
  static const auto small = [] {
    std::vector<std::string> all;
    for (const auto& a : web::assets())
      all.push_back(store::packed(a.content, store::packing::gzip));
    return all;
  }();
  out.content_type = it->content_type;
  out.no_store = false;
  out.add("Cache-Control", "public, max-age=31536000, immutable");
  out.add("Vary", "Accept-Encoding");
  out.add("X-Content-Type-Options", "nosniff");
  if (accepts_gzip(r.accept_encoding)) {
    out.add("Content-Encoding", "gzip");
    out.body = small[static_cast<std::size_t>(it - web::assets().begin())];
  } else {
    out.body = it->content;
  }
  respond(std::move(out));
}

void site::icon(responder& respond) {
  const auto& icon = web::assets().back();
  response out{.content_type = icon.content_type, .body = std::string(icon.content), .no_store = false};
  out.add("Cache-Control", "public, max-age=86400");
  respond(std::move(out));
}

void site::robots(responder& respond) {
  respond({.content_type = "text/plain; charset=utf-8",
           .body = "User-agent: *\nDisallow: /api/\nDisallow: /my-booking\nDisallow: /find\nDisallow: /numbers/\n"});
}

response site::refusal(problem_code code, const request& known) const {
  auto v = visit_of(known);
  v.address = "/";
  v.set_language = v.gzip = false;
  auto f = frame_of(v, "refused");
  f.form_token.clear();
  const auto& row = web::row_of(name_of(code));
  const auto& words = pages_->all();
  web::refused_model m{.heading = "no_booking_heading", .text = words.say(v.lang, row.text), .code = std::string(name_of(code))};
  if (known.accept_language.empty() && web::cookie(known.cookie, web::language_cookie)
                                           .value_or("")
                                           .empty())  // whose language is not known, and may have been in what could not be read
    for (const auto l : web::languages)
      m.more += l == v.lang ? std::string{} : words.say(l, row.text) + " ";
  m.links = {{"/my-booking", words.say(v.lang, "nav_my_booking")}, {"/", words.say(v.lang, "start_page")}};
  if (code == problem_code::busy || code == problem_code::stopping)
    return page(v, pages_->text(f, "trouble"), row_of(code).status);
  return page(v, pages_->refused(f, m), row_of(code).status);
}

// ------------------------------------------------------------------ forms

// An Origin names a page of ours: one of public_urls, or, where none is set, the host that was asked.
bool site::own_origin(const request& r) const {
  const auto host = host_in(r.origin);
  if (host.empty())
    return false;
  if (options_.public_urls.empty())
    return same_word(host, r.host);
  return std::ranges::any_of(options_.public_urls, [&](const std::string& url) {
    const auto own = host_in(url);
    return same_word(host, own.substr(0, own.find('/')));
  });
}

// By its token, and by what the browser says of where it stood. "null" is what a browser says for a page whose policy hides where it was:
// alone it says nothing.
bool site::own_form(const request& r, const visit& v, const web::form& sent) const {
  const bool same_site = r.sec_fetch_site == "same-origin";
  const bool foreign = !r.origin.empty() && r.origin != "null" && !own_origin(r);
  if (foreign || r.sec_fetch_site == "cross-site" || (r.origin == "null" && !same_site))
    return false;
  if (v.new_browser)  // its cookie was not taken: then only where it stood counts
    return same_site || own_origin(r);
  return box_.is_form_token(v.browser, sent.get("form_token"));
}

std::optional<web::form> site::form_of(const request& r, const visit& v, responder& respond) const {
  const bool readable = web::is_form(r.content_type) && r.content_encoding.empty();
  auto sent = readable ? web::form::read(r.body) : std::unexpected(web::form_error{web::form_fault::not_a_form, {}});
  if (sent)
    if (auto strange = web::unknown_field(*sent))
      sent = std::unexpected(web::form_error{web::form_fault::unknown, std::move(*strange)});
  if (!sent) {
    respond(unreadable(v, readable ? problem_code::malformed_request : problem_code::unsupported_media_type, sent.error()));
    return std::nullopt;
  }
  if (auto again = unreadable_again(v, *sent)) {
    respond(std::move(*again));
    return std::nullopt;
  }
  return std::move(*sent);
}

}  // namespace janji::net
