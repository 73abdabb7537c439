// HTTP as the handlers see it: plain values, no sockets, no Beast. Requests and responses live on their listener's thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "booking/stamp.hpp"
#include "booking/text_parts.hpp"

namespace janji::net {

struct problem;

enum class method : std::uint8_t { get, head, post, put, patch, del, options, other };
[[nodiscard]] std::string_view name_of(method m);

// What the front had heard of the shards' leaders at a moment when a request had certainly not come yet. A program that was
// frozen cannot know when one came, only that it had not: so this is a copy taken before its connection was last seen dry.
struct arrival {
  std::shared_ptr<const std::vector<stamp>> heard;  // by shard; none: nothing was heard
  unix_ms at;                                       // when the copy was taken, by the handler's clock
  sequence_t rounds;                                // up to which position of shard 0 the rounds were known; of operators' requests only
  [[nodiscard]] stamp of(shard_id shard) const { return stamp_in(heard.get(), shard); }
};

// Takes a large body piece by piece while it comes. Goes with its connection: of what breaks off nothing is left.
class body_taker {
public:
  virtual ~body_taker() = default;
  virtual void take(std::string_view piece) = 0;
  [[nodiscard]] virtual std::size_t held_bytes() const = 0;  // what it keeps of it in memory
};

// Views into the session's buffers: valid until the handler returns. A header that was not sent is "".
struct request {
  method verb = method::other;
  std::string_view path;  // percent-decoded, without a slash at its end
  std::string_view query;
  std::string_view body;
  body_taker* taker = nullptr;  // has taken the body instead: the handler's own (handler::take_body)
  std::string_view accept_encoding;
  std::string_view accept_language;
  std::string_view authorization;
  std::string_view content_encoding;
  std::string_view content_type;
  std::string_view cookie;
  std::string_view host;
  std::string_view idempotency_key;
  std::string_view if_none_match;
  std::string_view origin;
  std::string_view request_id;
  std::string_view sec_fetch_site;
  std::size_t header_bytes = 0;          // all of its header
  std::array<unsigned char, 16> from{};  // the address that it came from; of IPv4 as IPv6 writes it
  arrival arrived;
  [[nodiscard]] bool reads() const { return verb == method::get || verb == method::head; }
};

struct response {
  unsigned status = 200;
  std::string_view content_type = "application/json";
  std::string body;
  std::shared_ptr<const void> shared;  // keeps `view` alive; when set, `view` is sent instead of `body`
  std::string_view view;
  std::string fields;  // more header lines, each ending in CRLF: add()
  bool no_store = true;

  [[nodiscard]] std::string_view payload() const { return shared ? view : std::string_view(body); }
  // A value with a control character in it is left out: it would begin a line of its own.
  void add(std::string_view name, std::string_view value);
};

// Where an answer goes. Slots number the requests of one connection.
class answer_taker {
public:
  virtual ~answer_taker() = default;
  virtual void answer(std::uint64_t slot, response&& r) = 0;
  virtual void abandon() = 0;
};

// Answers one request, once, from the listener's thread; dropping it unanswered closes the connection.
class responder {
public:
  responder() = default;
  responder(std::shared_ptr<answer_taker> to, std::uint64_t slot) : to_(std::move(to)), slot_(slot) {}
  responder(responder&&) = default;
  responder& operator=(responder&& other) noexcept {
    std::swap(to_, other.to_);
    std::swap(slot_, other.slot_);
    return *this;
  }
  responder(const responder&) = delete;
  responder& operator=(const responder&) = delete;
  ~responder() {
    if (to_)
      to_->abandon();
  }
  void operator()(response&& r) {
    if (const auto to = std::exchange(to_, nullptr))
      to->answer(slot_, std::move(r));
  }
  explicit operator bool() const { return to_ != nullptr; }

private:
  std::shared_ptr<answer_taker> to_;
  std::uint64_t slot_ = 0;
};

class handler {
public:
  virtual ~handler() = default;
  virtual void handle(const request& r, responder&& respond) = 0;
  // The words for a request that never became one (too large, too slow, not HTTP); of `known` what had come of it: its origin, path and
  // language may be "".
  virtual response refusal(const problem& p, const request& known) = 0;
  // Asked when a request's header is there and its body is still to come: the answer to one who may not send it. `bytes_max`: how large it
  // may be, the listener's limit at first.
  virtual std::optional<response> refuse_body(const request& /*head*/, std::uint64_t& /*bytes_max*/) { return std::nullopt; }
  // Asked after that: who takes the body, which is then never in memory whole; nobody: it is in the request.
  virtual std::unique_ptr<body_taker> take_body(const request& /*head*/) { return nullptr; }
  // Something that an operator should hear of, in words; not oftener than once a second.
  virtual void warn(const std::string& /*words*/) {}
  // What is heard of the shards' leaders now. From the listener's thread, often.
  virtual arrival hear() { return {}; }
};

// None: an escape that is none, or one for a character that does not stand in a path: a slash, which would be another one, or a control
// character.
[[nodiscard]] std::optional<std::string> decoded_path(std::string_view path);
// Whether every "%" begins an escape.
[[nodiscard]] bool escapes_are_whole(std::string_view text);
// A name or a value of a query, percent-decoded.
[[nodiscard]] std::string query_text(std::string_view part);
// The value of a query parameter, percent-decoded, "" where it has none; none when it is absent. Of several the first.
[[nodiscard]] std::optional<std::string> query_parameter(std::string_view query, std::string_view name);
// The same; "" when it is absent.
[[nodiscard]] std::string query_value(std::string_view query, std::string_view name);
// The token of "Authorization: Bearer <token>"; "" when there is none. The scheme's case does not matter (RFC 9110).
[[nodiscard]] std::string_view bearer_token(std::string_view authorization);
// Whether a list of content codings takes gzip: "gzip;q=0" does not.
[[nodiscard]] bool accepts_gzip(std::string_view accept_encoding);
// Weak comparison with a list of entity tags (RFC 9110, 13.1.2).
[[nodiscard]] bool matches_etag(std::string_view if_none_match, std::string_view etag);

}  // namespace janji::net
