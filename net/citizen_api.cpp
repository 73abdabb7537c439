#include "net/citizen_api.hpp"

#include <sodium.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "net/request_rules.hpp"
#include "net/site.hpp"
#include "store/wiping.hpp"

namespace janji::net {

namespace {

constexpr std::uint64_t api_body_bytes_max = 32 * 1024;
constexpr std::size_t api_header_bytes_max = 8 * 1024;  // a page's may be larger: browsers send whatever cookies they have

bool good_id(std::string_view id) {
  return !id.empty() && id.size() <= 64 && std::ranges::all_of(id, [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  });
}

bool is_probe(std::string_view path) { return path == "/livez" || path == "/readyz"; }

template <class ROW>
request_kind kind_of(const route_match<ROW>& at, const request& r) {
  return at ? at.row->what : r.reads() ? request_kind::read : request_kind::other;
}

// What may be asked at an address of the API's; "": there is none.
std::string allowed_at(std::string_view path) {
  if (path == "*")
    return "GET, HEAD, POST, DELETE, PATCH, OPTIONS";
  auto known = methods_at(api_routes, path);
  if (known.empty())
    return {};
  known.add(method::options);
  return known.text();
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

citizen_api::citizen_api(boost::asio::io_context& io, actors::node& node, const store::sealing& sealing, const receipt_signer& signer,
                         const api_options& options)
    : node_(node),
      sealing_(sealing),
      signer_(signer),
      options_(options),
      front_(io, node, options.commands,
             [this](std::vector<answered_request>&& answers) {
               store::in_private([&] { told(std::move(answers)); });  // tokens are made there
             }),
      bodies_(io) {
  randombytes_buf(&id_base_, sizeof id_base_);
  has_other_fronts_ = node.status().clustered;
}

void citizen_api::handle(const request& r, responder&& respond) {
  const auto at = find_route(api_routes, r.verb, r.path);
  if (is_probe(r.path) && r.verb != method::options)
    return at ? serve(at, r, std::move(respond)) : refuse_address(r, respond);
  const bool of_page = pages_ != nullptr && site::is_page(r.path) && r.verb != method::options;
  const auto page = of_page ? find_route(page_routes, r.verb, r.path) : page_match{};
  if (const auto away = turned_away(of_page ? kind_of(page, r) : kind_of(at, r), r)) {
    if (of_page)
      return respond(pages_->refusal(away->code, r));
    return refuse(respond, caller_of(r), *away);
  }
  if (of_page)
    return pages_->handle(r, page, std::move(respond));
  if (r.header_bytes > api_header_bytes_max)
    return refuse(respond, caller_of(r), problem_of<problem_code::headers_too_large, "limit">(api_header_bytes_max));
  if (r.verb == method::options)
    return preflight(r, respond);
  return at ? serve(at, r, std::move(respond)) : refuse_address(r, respond);
}

void citizen_api::serve(const api_match& at, const request& r, responder&& respond) {
  if (const auto no = refuse_query(r.query, at.row->query)) {
    const auto who = caller_of(r);
    return at.row->what == request_kind::read ? send(respond, who, to_response(*no, who.id())) : refuse(respond, who, *no);
  }
  switch (at.row->to) {
    case api_endpoint::book: return book(r, std::move(respond));
    case api_endpoint::look_up:
    case api_endpoint::move:
    case api_endpoint::cancel: return manage(r, at, std::move(respond));
    case api_endpoint::availability: return availability(r, respond);
    case api_endpoint::rounds: return send_rounds(r, std::move(respond));
    case api_endpoint::states: return send_states(r, std::move(respond));
    case api_endpoint::centres: return send_centres(r, std::move(respond));
    case api_endpoint::figures: return send_figures(r, std::move(respond));
    case api_endpoint::livez: return livez(respond);
    case api_endpoint::readyz: return readyz(r, respond);
  }
}

// There is no such address, or it does not know the method.
void citizen_api::refuse_address(const request& r, responder& respond) {
  const auto who = caller_of(r);
  const auto allowed = allowed_at(r.path);
  if (allowed.empty())
    return send(respond, who, to_response({.code = problem_code::no_such_endpoint}, who.id()));
  auto out = to_response(problem_of<problem_code::method_not_allowed, "allowed">(allowed), who.id());
  out.add("Allow", allowed);
  send(respond, who, std::move(out));
}

std::optional<problem> citizen_api::turned_away(request_kind what, const request& r, const citizen_hash* citizen) const {
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
    return pages_->refusal(p.code, known);
  auto out = to_response(p, caller_of(known).id());
  add_cors(out, known.origin);
  return out;
}

// ------------------------------------------------------------------ who calls

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
  if (const auto of_page = methods_at(page_routes, r.path); allowed.empty() && pages_ != nullptr && !of_page.empty()) {
    response out{.status = 204};
    out.add("Allow", of_page.text());
    return respond(std::move(out));
  }
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
