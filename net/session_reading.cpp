// What comes over a connection: read, held against the limits, made into requests.
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <cstring>

#include "booking/assert.hpp"
#include "net/session_impl.hpp"
#include "net/session_words.hpp"

namespace janji::net {

namespace asio = boost::asio;

namespace {

constexpr std::size_t first_bytes = 4096;  // of what is read

std::string_view view_of(boost::beast::string_view s) { return {s.data(), s.size()}; }

}  // namespace

void session::changed(const socket_change& what) {
  if (closed_)
    return;
  if (what.readable && !readable_) {
    readable_ = true;
    if (!may_be_behind())
      dry_after_ = arrived();
    held_through_ = for_good;
  }
  ended_ = ended_ || what.ended;
  urgent_ = urgent_ || what.urgent;
  writable_ = writable_ || (writing_ && what.writable);
  if ((what.readable || writable_ || urgent_) && !std::exchange(serve_later_, true))
    core_->changed.push_back(shared_from_this());
}

const arrival& session::arrived() const { return core_->looked_last > held_through_ ? core_->looked : dry_after_; }

void session::serve() {
  serve_later_ = false;
  if (urgent_)  // what is behind it could not be told from what has not come
    return close();
  if (std::exchange(writable_, false) && std::exchange(writing_, false))
    pump();
  read();
}

void session::serve_later() {
  if (!std::exchange(serve_later_, true))
    core_->serve_later(shared_from_this());
}

// Nothing of what was taken stays.
void session::forget_taken() {
  wipe_read();
  in_begin_ = in_end_ = 0;
  if (in_capacity_ > first_bytes) {
    in_.reset();
    in_capacity_ = 0;
  }
}

void session::make_space() {
  if (in_end_ == in_capacity_ && in_begin_ > 0) {
    std::memmove(in_.get(), in_.get() + in_begin_, in_end_ - in_begin_);
    in_end_ -= in_begin_;
    in_begin_ = 0;
  }
  if (in_end_ == in_capacity_) {
    const auto grown = in_capacity_ == 0 ? first_bytes : in_capacity_ * 2;
    auto more = std::make_unique_for_overwrite<char[]>(grown);
    std::copy_n(in_.get(), in_end_, more.get());  // there is nothing yet to copy from at first
    in_ = std::move(more);
    in_capacity_ = grown;
    assert_always(grown <= 4 * core_->limits.header_bytes_max, "the parser leaves no more than an unfinished header");
    (void)count_received();
  }
}

void session::read() {
  if (!may_read())
    return;
  const store::wiping_scope wipes;
  make_space();
  const auto space = in_capacity_ - in_end_;
  const auto n = socket_.receive(in_.get() + in_end_, space);
  if (!n && !stream_socket::would_wait(n.error()))
    return close();
  // Less than there was room for: that was all, and what comes later changes it. Behind it there may be its end, which has been told.
  all_read_ = !n || *n < space;
  if (!n || (all_read_ && !ended_))
    readable_ = false;
  n ? on_read(*n) : rest();
}

void session::on_read(std::size_t n) {
  const bool end = n == 0;
  if (lingering_) {
    lingered_bytes_ += n;
    if (end || lingered_bytes_ > limits::linger_bytes_max)
      return close();
    return rest();
  }
  if (end) {  // half closed: what was asked is still answered
    eof_ = last_ = true;
    if (slots_.empty() && !writing_)
      return close();
    return;
  }
  in_end_ += n;
  starved_ = false;
  pump();
}

// When all was taken that could be: the rest in a turn of its own, so that one who sends much gives way to others.
void session::rest() {
  if (closed_)
    return;
  const store::wiping_scope wipes;
  if (in_begin_ == in_end_)
    forget_taken();
  if (may_read())
    serve_later();
  // Nothing was left since the last look.
  if (!readable_ && (in_begin_ == in_end_ || starved_) && may_be_behind()) {
    dry_after_ = core_->looked;
    held_through_ = core_->looks;
  }
  set_due();
}

// Takes what can be taken and answers what can be answered, until one side waits.
void session::pump() {
  if (pumping_ || closed_)
    return;
  pumping_ = true;
  do {
    take_requests();
    gather();
    write();
    if (invite())
      write();
  } while (!closed_ && !writing_ && (has_answer() || has_bytes()));
  pumping_ = false;
  rest();
}

// What was taken; of a buffer that grew or was moved within itself, all that is not to be taken yet.
void session::wipe_read() {
  if (!read_private_ || in_ == nullptr)
    return;
  read_private_ = phase_ != phase::idle;  // there is more to come
  store::wipe(in_.get(), in_begin_);
  store::wipe(in_.get() + in_end_, in_capacity_ - in_end_);
}

void session::take_requests() {
  const store::wiping_scope wipes;  // of the parser, and of whoever handles what it has read
  while (has_bytes()) {
    if (!parser_) {
      if (!skip_empty_lines())
        return;
      parser_.emplace();
      parser_->header_limit(static_cast<std::uint32_t>(core_->limits.header_bytes_max));
      parser_->body_limit(core_->limits.body_bytes_max);
      body_bytes_max_ = core_->limits.body_bytes_max;
      phase_ = phase::header;
      place_passed_ = true;
      phase_since_s_ = core_->wheel.now_s();
      searched_ = 0;
    }
    std::string_view unread(in_.get() + in_begin_, in_end_ - in_begin_);
    if (phase_ == phase::header) {
      const auto size = header_size(unread);
      if (!size) {
        know_from(unread);
        return refuse(size.error());
      }
      if (*size == 0) {
        starved_ = true;
        return;
      }
      unread = unread.substr(0, *size);
    }
    boost::system::error_code ec;
    const auto used = parser_->put(asio::buffer(unread.data(), unread.size()), ec);
    in_begin_ += used;
    pass_body_on();
    if (phase_ == phase::header) {
      if (ec || !parser_->is_header_done() || used != unread.size()) {
        know_from(unread);
        return refuse(ec == http::error::body_limit ? problem_code::body_too_large : problem_code::malformed_request);
      }
      empty_lines_ = 0;
      phase_ = phase::body;
      place_passed_ = true;
      phase_since_s_ = core_->wheel.now_s();
      if (const auto wrong = check_header(unread))
        return refuse(*wrong);
      if (!parser_->is_done() && !invites_body())
        return;
    } else if (ec == http::error::need_more) {
      starved_ = true;
    } else if (ec) {
      return refuse(ec == http::error::body_limit ? problem_code::body_too_large : problem_code::malformed_request);
    } else if (!count_received()) {
      return refuse(problem_code::busy);
    }
    if (parser_->is_done())
      dispatch();
    else if (starved_ && in_end_ - in_begin_ >= 2 * core_->limits.header_bytes_max)
      return refuse(problem_code::headers_too_large);  // a chunk's header without an end
  }
}

// Of a header that is refused: whose it is, as far as it can be told.
void session::know_from(std::string_view head) {
  request_.verb = is_head(head) ? method::head : method::other;
  request_.origin = field_in(head, "origin:");
  request_.accept_language = field_in(head, "accept-language:");
  request_.cookie = field_in(head, "cookie:");
  request_.path = path_in(head);
}

// Before a body is waited for: whoever may not send it, or not so much, is told.
bool session::invites_body() {
  std::uint64_t most = core_->limits.body_bytes_max;
  if (auto refused = core_->handle.refuse_body(request_, most)) {
    refuse(std::move(*refused));
    return false;
  }
  parser_->body_limit(most);
  body_bytes_max_ = most;
  const auto announced = parser_->content_length();
  const bool too_large = announced && *announced > most;
  if (!too_large)
    taker_ = core_->handle.take_body(request_);
  if (!too_large && count_received())
    return true;
  refuse(too_large ? problem_code::body_too_large : problem_code::busy);
  return false;
}

// The parser gathers a body in a string: what it has of one that is taken while it comes goes on at once.
void session::pass_body_on() {
  if (!taker_)
    return;
  std::string piece;
  std::swap(piece, parser_->get().body());
  if (!piece.empty())
    taker_->take(piece);
}

// What is coming and is no small request: of those there are no more than connections. False: there is no room for it.
bool session::count_received() {
  constexpr std::size_t small_bytes = 8 * 1024;
  const auto bytes = in_capacity_ + (parser_ ? parser_->get().body().capacity() : 0) + (taker_ ? taker_->held_bytes() : 0);
  const auto counted = bytes > small_bytes ? bytes : 0;
  if (counted == received_.bytes())
    return true;
  received_ = counted == 0 ? held_bytes::part() : held_bytes::part(core_->held, from, nullptr, counted);
  return counted == 0 || core_->make_fit(from, this);
}

// Tells who waits for it to send the body, once all that was asked before is answered.
bool session::invite() {
  if (!expects_continue_ || closed_ || in_begin_ != in_end_ || !slots_.empty() || large_)
    return false;
  expects_continue_ = false;
  out_ += "HTTP/1.1 100 Continue\r\n\r\n";
  return true;
}

// Some programs end a body with one line more than it has (RFC 9112, 2.2): between requests it is as if nothing had come. False: nothing
// else has.
bool session::skip_empty_lines() {
  constexpr std::uint32_t lines_max = 4;
  const auto unread = [this] { return std::string_view(in_.get() + in_begin_, in_end_ - in_begin_); };
  for (; empty_lines_ < lines_max && unread().starts_with("\r\n"); ++empty_lines_)
    in_begin_ += 2;
  starved_ = unread().empty() || (empty_lines_ < lines_max && unread() == "\r");
  return !starved_;
}

// The size of the header that `unread` begins with; 0 while its end has not come. Beast's parser gets it whole: it would
// apply its limit to each part that comes, and what continues over two parts could not be told any more.
std::expected<std::size_t, problem_code> session::header_size(std::string_view unread) {
  constexpr std::string_view mark = "\r\n\r\n";
  const auto most = core_->limits.header_bytes_max;
  const auto end = unread.find(mark, searched_ - std::min(searched_, mark.size() - 1));
  const bool whole = end != std::string_view::npos;
  const auto header = unread.substr(0, whole ? end + mark.size() : unread.size());
  const bool begins_a_word = static_cast<unsigned char>(header.front()) > ' ' && static_cast<unsigned char>(header.front()) < 0x7F;
  if (!begins_a_word)  // TLS, most likely: said at once, not after a wait for an end that will not come
    return std::unexpected(problem_code::malformed_request);
  for (auto at = header.find('\n', searched_); at != std::string_view::npos; at = header.find('\n', at + 1))
    if (header[at - 1] != '\r')
      return std::unexpected(problem_code::malformed_request);
  searched_ = header.size();
  if (header.size() > most || (!whole && header.size() == most))
    return std::unexpected(header.substr(0, most).contains("\r\n") ? problem_code::headers_too_large : problem_code::target_too_long);
  return whole ? header.size() : 0;
}

// A list may come in several lines, as if they were one (RFC 9110, 5.3).
void session::join(list_header which, std::string_view& to, std::string_view more) {
  if (to.empty() || more.empty()) {
    to = to.empty() ? more : to;
    return;
  }
  if (!lists_)
    lists_ = std::make_unique<std::array<std::string, 3>>();
  auto& whole = (*lists_)[static_cast<std::size_t>(which)];
  if (to.data() != whole.data())
    whole = to;
  whole.append(", ").append(more);
  to = whole;
}

// One header. Of those that may stand once and stand twice, who reads the first and who reads the last would have seen two requests.
void session::take_field(const parser::value_type::fields_type::value_type& f, odd_fields& odd) {
  const auto value = view_of(f.value());
  const auto once = [&](std::uint32_t bit, std::string_view name, std::string_view& to) {
    if ((odd.seen & bit) != 0 && odd.twice.empty())
      odd.twice = name;
    odd.seen |= bit;
    to = value;
  };
  switch (f.name()) {
    case http::field::host: return once(512U, "Host", request_.host);
    case http::field::content_length: return once(1U, "Content-Length", odd.length);
    case http::field::transfer_encoding: {
      std::string_view encoding;
      once(1024U, "Transfer-Encoding", encoding);
      odd.unknown_encoding = odd.unknown_encoding || !same_word(encoding, "chunked");
      return;
    }
    case http::field::accept_encoding: return join(list_header::accept_encoding, request_.accept_encoding, value);
    case http::field::accept_language: return join(list_header::accept_language, request_.accept_language, value);
    case http::field::if_none_match: return join(list_header::if_none_match, request_.if_none_match, value);
    case http::field::cookie:
      if (request_.cookie.empty())  // of several the first: browsers send one
        request_.cookie = value;
      return;
    case http::field::authorization: return once(2U, "Authorization", request_.authorization);
    case http::field::content_type: return once(4U, "Content-Type", request_.content_type);
    case http::field::content_encoding: return once(8U, "Content-Encoding", request_.content_encoding);
    case http::field::origin: return once(16U, "Origin", request_.origin);
    case http::field::sec_fetch_site: return once(256U, "Sec-Fetch-Site", request_.sec_fetch_site);
    case http::field::expect: return once(32U, "Expect", odd.expected);
    case http::field::unknown:
      if (boost::beast::iequals(f.name_string(), "Idempotency-Key")) {
        once(64U, "Idempotency-Key", request_.idempotency_key);
        if (value.empty())
          request_.idempotency_key = R"("")";  // an empty one is none that counts
      } else if (boost::beast::iequals(f.name_string(), "X-Request-Id")) {
        once(128U, "X-Request-Id", request_.request_id);
      }
      return;
    default: return;
  }
}

// What Beast's parser lets pass and another server in front might read differently is refused: its answer would go to
// somebody else's request (RFC 9112, 11.2). None when there is nothing to say against it.
std::optional<problem> session::check_header(std::string_view head) {
  const auto& message = parser_->get();
  request_ = {};
  lists_.reset();
  request_.from = address_;
  request_.header_bytes = head.size();
  request_.verb = method_of(message.method());
  const auto version = message.version();
  odd_fields odd;
  for (const auto& f : message)
    take_field(f, odd);
  if (!request_.reads() || !request_.authorization.empty() || !request_.cookie.empty())
    read_private_ = true;
  expects_continue_ = version == 11 && same_word(odd.expected, "100-continue");
  const bool coded = (odd.seen & 1024U) != 0;
  const bool known_version = version == 11 || (version == 10 && !coded);
  const bool bad_length =
      odd.length.find_first_not_of("0123456789") != std::string_view::npos;  // a list, which the parser takes for its first
  const bool no_host = version == 11 && (odd.seen & 512U) == 0;
  // Last, like what check_target() says: a page elsewhere may read this refusal, its origin being known.
  if (!odd.twice.empty())
    return because(problem_code::malformed_request, cause_of<reason_code::repeated_header, "header">(odd.twice));
  if (odd.unknown_encoding || bad_length || !known_version || no_host || has_folded_lines(head))
    return problem{.code = problem_code::malformed_request};
  if (const auto code = check_target(view_of(message.target())))
    return with_limit(*code);
  return std::nullopt;
}

std::optional<problem_code> session::check_target(std::string_view target) {
  if (target.size() > core_->limits.target_bytes_max) {
    request_.path = target.starts_with('/') ? target.substr(0, target.find('?')) : std::string_view{};  // a page, or the API
    return problem_code::target_too_long;
  }
  if (const auto scheme = target.find("://"); scheme != std::string_view::npos && !target.starts_with('/')) {  // as to a proxy
    const auto path = target.find('/', scheme + 3);
    target = path == std::string_view::npos ? std::string_view("/") : target.substr(path);
  }
  if (!target.starts_with('/') && !(target == "*" && request_.verb == method::options))
    return problem_code::malformed_request;
  const auto mark = target.find('?');
  request_.path = target.substr(0, mark);
  request_.query = mark == std::string_view::npos ? std::string_view{} : target.substr(mark + 1);
  if (request_.path.contains('%')) {
    auto decoded = decoded_path(request_.path);
    if (!decoded)
      return problem_code::malformed_request;
    path_ = std::move(*decoded);
    request_.path = path_;
  }
  if (request_.path.size() > 1 && request_.path.ends_with('/'))
    request_.path.remove_suffix(1);
  return escapes_are_whole(request_.query) ? std::nullopt : std::optional(problem_code::malformed_request);
}

// Who has gone already waits for no answer, and may have asked again elsewhere.
bool session::gone_behind() const {
  char byte = 0;
  return ended_ && in_begin_ == in_end_ && !request_.reads() &&
         (all_read_ || ::recv(socket_.descriptor(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0);
}

void session::dispatch() {
  if (gone_behind())
    return close();
  const auto& message = parser_->get();
  request_.body = message.body();
  request_.taker = taker_.get();
  request_.arrived = arrived();
  exchange e;
  e.keep_alive = parser_->keep_alive() && !core_->stopping;
  e.head_only = request_.verb == method::head;
  e.old_version = message.version() == 10;
  e.origin = request_.origin;
  last_ = !e.keep_alive;
  slots_.push_back(std::move(e));
  expects_continue_ = false;
  phase_ = phase::idle;
  place_passed_ = true;
  if (read_private_) {
    sent_private_ = true;
    store::wiping_scope::with_the_stack();
  }
  core_->handle.handle(request_, responder(shared_from_this(), first_slot_ + slots_.size() - 1));
  parser_.reset();
  taker_.reset();
  request_ = {};  // its views went with the parser
  lists_.reset();
  (void)count_received();
}

}  // namespace janji::net
