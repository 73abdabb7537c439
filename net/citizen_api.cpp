#include "net/citizen_api.hpp"

#include <sodium.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "net/site.hpp"

namespace janji::net {

namespace {

constexpr std::string_view bookings_path = "/api/v1/bookings";
constexpr std::uint64_t api_body_bytes_max = 32 * 1024;
constexpr std::size_t api_header_bytes_max = 8 * 1024;  // a page's may be larger: browsers send whatever cookies they have

bool good_id(std::string_view id) {
  return !id.empty() && id.size() <= 64 && std::ranges::all_of(id, [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  });
}

bool is_one_booking(std::string_view path) {
  return path.starts_with(bookings_path) && path.size() > bookings_path.size() + 1 && path[bookings_path.size()] == '/';
}
bool is_probe(std::string_view path) { return path == "/livez" || path == "/readyz"; }

route route_of(const request& r) {
  if (!r.path.starts_with(bookings_path))
    return r.reads() ? route::read : route::other;
  switch (r.verb) {
    case method::get:
    case method::head: return route::look_up;
    case method::post: return route::book;
    case method::del: return route::cancel;
    case method::patch: return route::move;
    default: return route::other;
  }
}

route page_route_of(const request& r) {
  if (r.reads())
    return r.path.starts_with("/my-booking") ? route::look_up : route::read;
  if (r.path.ends_with("/check") || r.path == "/my-booking")
    return route::book;
  if (r.path == "/my-booking/cancel")
    return route::cancel;
  if (r.path.starts_with("/my-booking/move"))
    return route::move;
  return r.path == "/find" ? route::look_up : route::other;
}

std::string_view name_of(command_kind kind) {
  switch (kind) {
    case command_kind::book: return "POST /bookings";
    case command_kind::look_up: return "GET /bookings/{}";
    case command_kind::cancel: return "DELETE /bookings/{}";
    case command_kind::move:
    case command_kind::find_to_move: return "PATCH /bookings/{}";
    case command_kind::find_moved: return "POST /bookings, repeated";
  }
  return "";
}

}  // namespace

std::shared_ptr<const actors::round_entry> find_round(const actors::round_catalogue& catalogue, std::string_view code) {
  for (const auto& round : catalogue.rounds)
    if (code.empty() ? round->status.state == round_state::open : round->definition.code == code)
      return round;
  return code.empty() && !catalogue.rounds.empty() ? catalogue.rounds.front() : nullptr;
}

citizen_api::citizen_api(boost::asio::io_context& io, actors::node& node, const store::sealing& sealing, const receipt_signer& signer,
                         const api_options& options)
    : node_(node),
      sealing_(sealing),
      signer_(signer),
      options_(options),
      front_(io, node, options.commands, [this](std::vector<answered_request>&& answers) { told(std::move(answers)); }),
      bodies_(io) {
  randombytes_buf(&id_base_, sizeof id_base_);
}

void citizen_api::handle(const request& r, responder&& respond) {
  if (is_probe(r.path) && read(r, respond))
    return;
  const bool of_page = pages_ != nullptr && site::is_page(r.path) && r.verb != method::options;
  if (const auto away = turned_away(of_page ? page_route_of(r) : route_of(r), r)) {
    if (of_page)
      return respond(pages_->refusal(away->code, r.accept_language));
    return refuse(respond, caller_of(r), *away);
  }
  if (of_page)
    return pages_->handle(r, std::move(respond));
  if (r.header_bytes > api_header_bytes_max)
    return refuse(respond, caller_of(r), problem_of<problem_code::headers_too_large, "limit">(api_header_bytes_max));
  if (read(r, respond))
    return;
  if (r.verb == method::options)
    return preflight(r, respond);
  if (r.path == bookings_path) {
    if (r.verb != method::post)
      return refuse_method(respond, caller_of(r), allowed_at(r.path));
    return book(r, std::move(respond));
  }
  if (is_one_booking(r.path))
    return manage(r, r.path.substr(bookings_path.size() + 1), std::move(respond));
  const auto who = caller_of(r);
  send(respond, who, to_response({.code = problem_code::no_such_endpoint}, who.id()));
}

std::optional<problem> citizen_api::turned_away(route what, const request& r, const citizen_hash* citizen) const {
  return options_.door == nullptr ? std::nullopt : options_.door->refuse({what, r.from, citizen});
}

// A form may be larger than what the API takes.
std::optional<response> citizen_api::refuse_body(const request& head, std::uint64_t& bytes_max) {
  if (pages_ == nullptr || !site::is_page(head.path))
    bytes_max = std::min(bytes_max, api_body_bytes_max);
  return std::nullopt;
}

response citizen_api::refusal(const problem& p, const request& known) {
  if (pages_ != nullptr && !known.path.empty() && site::is_page(known.path))
    return pages_->refusal(p.code, known.accept_language);
  auto out = to_response(p);
  add_cors(out, known.origin);
  return out;
}

// ------------------------------------------------------------------ who calls

// What may be asked at a path; "": there is nothing.
std::string_view citizen_api::allowed_at(std::string_view path) {
  if (path == "*")
    return "GET, HEAD, POST, DELETE, PATCH, OPTIONS";
  if (path == bookings_path)
    return "POST, OPTIONS";
  if (is_one_booking(path))
    return "GET, HEAD, DELETE, PATCH, OPTIONS";
  return is_read(path) ? "GET, HEAD, OPTIONS" : "";
}

// The request's own id when it brings a good one, else a new one.
caller citizen_api::caller_of(const request& r) {
  caller who;
  if (allows(r.origin))
    who.origin = r.origin;
  if (good_id(r.request_id)) {
    who.set_id(r.request_id);
    return who;
  }
  constexpr std::string_view digits = "0123456789abcdefghjkmnpqrstvwxyz";
  std::array<char, 13> text;  // NOLINT: filled below
  auto id = id_base_ + ++ids_;
  for (auto& c : text) {
    c = digits[id & 31];
    id >>= 5;
  }
  who.set_id({text.data(), text.size()});
  return who;
}

bool citizen_api::allows(std::string_view origin) const {
  return !origin.empty() && std::ranges::any_of(options_.cors_origins, [&](const auto& known) { return known == "*" || known == origin; });
}

void citizen_api::add_cors(response& r, std::string_view origin) const {
  if (options_.cors_origins.empty())
    return;
  r.add("Vary", "Origin");
  if (!allows(origin))
    return;
  r.add("Access-Control-Allow-Origin", origin);
  r.add("Access-Control-Expose-Headers", "Age, ETag, Idempotency-Key, Retry-After, X-Request-Id");
}

void citizen_api::preflight(const request& r, responder& respond) const {
  const auto allowed = allowed_at(r.path);
  if (allowed.empty()) {
    auto no_such = to_response({.code = problem_code::no_such_endpoint});
    add_cors(no_such, r.origin);
    return respond(std::move(no_such));
  }
  response out;
  out.status = 204;
  add_cors(out, r.origin);
  if (allows(r.origin)) {
    out.add("Access-Control-Allow-Methods", allowed);
    out.add("Access-Control-Allow-Headers", "Authorization, Content-Type, Idempotency-Key, If-None-Match, X-Request-Id");
    out.add("Access-Control-Max-Age", "600");
  }
  out.add("Allow", allowed);
  respond(std::move(out));
}

// ------------------------------------------------------------------ what every answer has

void citizen_api::send(responder& respond, const caller& who, response&& r) {
  add_cors(r, who.origin);
  respond(std::move(r));
}

void citizen_api::refuse(responder& respond, const caller& who, const problem& p) {
  node_.count_refusal(name_of(p.code));
  send(respond, who, to_response(p, who.id()));
}

void citizen_api::refuse_method(responder& respond, const caller& who, std::string_view allowed) {
  auto out = to_response(problem_of<problem_code::method_not_allowed, "allowed">(allowed), who.id());
  out.add("Allow", allowed);
  send(respond, who, std::move(out));
}

// Never a name, a number, a reference, a key or a token: what was asked, how it ended, and the id to find it by.
void citizen_api::log(const caller& who, command_kind what, unsigned status, std::string_view code, unix_ms since) {
  const bool wanted = options_.log_one_of != 0 && ++logged_ % options_.log_one_of == 0;
  const auto level = wanted ? spdlog::level::info : spdlog::level::debug;
  if (!spdlog::should_log(level))
    return;
  spdlog::log(level, "request={} {} status={} code={} ms={}", who.id(), name_of(what), status, code.empty() ? "-" : code,
              front_.clock().now().value - since.value);
}

}  // namespace janji::net
