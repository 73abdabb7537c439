#include "net/session.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/post.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <expected>
#include <optional>
#include <vector>

#include "booking/assert.hpp"
#include "net/session_words.hpp"

namespace janji::net {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using tcp = asio::ip::tcp;

namespace {

std::string_view view_of(boost::beast::string_view s) { return {s.data(), s.size()}; }

}  // namespace

class session final : public connection, public std::enable_shared_from_this<session> {
public:
  session(tcp::socket&& socket, std::shared_ptr<listener_core> core, arrival after)
      : socket_(std::move(socket)), core_(std::move(core)), dry_after_(std::move(after)) {
    ++core_->connections;
    watched_ = core_->watch.add(socket_.native_handle(), static_cast<connection*>(this));
  }
  ~session() override {
    if (watched_ && !closed_)
      core_->watch.closed();
    --core_->connections;
  }
  session(const session&) = delete;
  session& operator=(const session&) = delete;

  void start() override {
    read();
    set_due();
  }
  void turn_away() override {
    refuse(problem_code::busy);
    pump();
  }
  void overdue() override;
  void stop() override;
  void answer(std::uint64_t slot, response&& r) override;
  void abandon() override { close(); }
  void named() override { hold_arrival(); }

private:
  using parser = http::request_parser<http::string_body>;
  enum class phase : std::uint8_t { idle, header, body };
  // A request under way and, when it is ready, its answer.
  struct exchange {
    response answer;
    bool ready = false;
    bool head_only = false;
    bool keep_alive = true;
    bool old_version = false;  // HTTP/1.0
  };

  [[nodiscard]] bool may_take() const {
    return !closed_ && !last_ && slots_.size() < limits::pipeline_max && out_.size() < limits::gathered_bytes_max && !large_;
  }
  // A large answer keeps those behind it waiting, be they ready or not.
  [[nodiscard]] bool has_answer() const { return !slots_.empty() && slots_.front().ready; }
  [[nodiscard]] bool has_bytes() const { return !starved_ && in_begin_ < in_end_ && may_take(); }
  void read(bool from_the_loop = false);
  void wait_to_read();
  // What came until now came no later than the next copy is taken.
  void hold_arrival();
  [[nodiscard]] const arrival& arrived() const;
  void seen_dry(arrival&& before) {
    dry_after_ = std::move(before);
    held_ = !watched_;
  }
  void look_before_answer();
  void on_read(boost::system::error_code ec, std::size_t n);
  void pump();
  void take_requests();
  bool invite();
  std::expected<std::size_t, problem_code> header_size(std::string_view unread);
  std::optional<problem_code> check_header(std::string_view head);
  std::optional<problem_code> check_target(std::string_view target);
  [[nodiscard]] bool gone_behind();
  void dispatch();
  void refuse(problem_code code);
  void gather();
  void serialize(exchange& e);
  void write();
  void finish();
  void close();
  void set_due();

  tcp::socket socket_;
  std::shared_ptr<listener_core> core_;

  // ---- when what is read came
  arrival dry_after_;  // the copy taken before the connection was last seen dry by itself
  bool held_ = true;   // something was read or named since: later looks at all connections say nothing of it
  bool watched_ = false;

  // ---- reading
  std::unique_ptr<char[]> in_;
  std::size_t in_capacity_ = 0;
  std::size_t in_begin_ = 0;
  std::size_t in_end_ = 0;
  std::optional<parser> parser_;
  request request_;
  std::size_t searched_ = 0;  // of the header under way, for its end
  bool expects_continue_ = false;
  phase phase_ = phase::idle;
  std::uint32_t phase_since_s_ = 0;
  bool reading_ = false;
  bool starved_ = false;  // the parser needs more bytes than there are
  bool eof_ = false;

  // ---- answering
  std::vector<exchange> slots_;
  std::uint64_t first_slot_ = 0;
  std::string out_;
  std::size_t sent_ = 0;
  std::optional<response> large_;  // goes out after `out_`, from where it lies
  bool pumping_ = false;
  bool pump_posted_ = false;
  bool writing_ = false;
  bool last_ = false;  // no request is taken any more; closed after the last answer
  bool lingering_ = false;
  std::size_t lingered_bytes_ = 0;
  bool closed_ = false;
};

// ------------------------------------------------------------------ reading

void session::hold_arrival() {
  if (!held_)
    dry_after_ = arrived();
  held_ = true;
}

const arrival& session::arrived() const { return !held_ && core_->looked.at > dry_after_.at ? core_->looked : dry_after_; }

// So that whoever reads the answer and asks again at once is not taken to have asked before it.
void session::look_before_answer() {
  if (held_ || !core_->hears)
    return;
  auto before = core_->handle.hear();
  std::array<pollfd, 2> both{pollfd{socket_.native_handle(), POLLIN, 0}, pollfd{core_->acceptor.native_handle(), POLLIN, 0}};
  if (::poll(both.data(), both.size(), 0) < 0)
    return;
  if (both[1].revents == 0)  // nor does one who connects anew for it
    core_->seen_dry(before);
  if (both[0].revents == 0)
    seen_dry(std::move(before));
  else
    hold_arrival();
}

void session::wait_to_read() {
  reading_ = true;
  socket_.async_wait(tcp::socket::wait_read, [self = shared_from_this()](boost::system::error_code ec) {
    self->reading_ = false;
    if (self->closed_)
      return;
    if (ec)
      return self->close();
    self->read(true);
  });
}

// `from_the_loop`: what is read is handled at once; else in a turn of its own, so that one who sends much gives way to others.
void session::read(bool from_the_loop) {
  const bool wanted = lingering_ || may_take();
  if (reading_ || closed_ || eof_ || !wanted)
    return;
  if (in_begin_ == in_end_)
    in_begin_ = in_end_ = 0;
  if (in_end_ == in_capacity_ && in_begin_ > 0) {
    std::memmove(in_.get(), in_.get() + in_begin_, in_end_ - in_begin_);
    in_end_ -= in_begin_;
    in_begin_ = 0;
  }
  if (in_end_ == in_capacity_) {
    constexpr std::size_t first_bytes = 4096;
    const auto grown = in_capacity_ == 0 ? first_bytes : in_capacity_ * 2;
    auto more = std::make_unique_for_overwrite<char[]>(grown);
    std::copy_n(in_.get(), in_end_, more.get());  // there is nothing yet to copy from at first
    in_ = std::move(more);
    in_capacity_ = grown;
    assert_always(grown <= 4 * core_->limits.header_bytes_max, "the parser leaves no more than an unfinished header");
  }
  auto before = core_->handle.hear();
  boost::system::error_code ec;
  const auto n = socket_.read_some(asio::buffer(in_.get() + in_end_, in_capacity_ - in_end_), ec);
  if (ec == asio::error::would_block || ec == asio::error::try_again) {
    // What was read and waits until an answer is written came before; then it is looked again.
    if (writing_ && in_begin_ != in_end_ && !starved_)
      return;
    seen_dry(std::move(before));
    return wait_to_read();
  }
  hold_arrival();
  reading_ = true;
  if (from_the_loop)
    return on_read(ec, n);
  asio::post(core_->io, [self = shared_from_this(), ec, n] { self->on_read(ec, n); });
}

void session::on_read(boost::system::error_code ec, std::size_t n) {
  reading_ = false;
  if (closed_)
    return;
  if (ec && ec != asio::error::eof)
    return close();
  if (lingering_) {
    lingered_bytes_ += n;
    if (ec || lingered_bytes_ > limits::linger_bytes_max)
      return close();
    return read();
  }
  if (ec) {  // half closed: what was asked is still answered
    eof_ = last_ = true;
    if (slots_.empty() && !writing_)
      return close();
    return;
  }
  in_end_ += n;
  starved_ = false;
  pump();
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
  read();
  set_due();
}

void session::take_requests() {
  while (has_bytes()) {
    if (!parser_) {
      parser_.emplace();
      parser_->header_limit(static_cast<std::uint32_t>(core_->limits.header_bytes_max));
      parser_->body_limit(core_->limits.body_bytes_max);
      phase_ = phase::header;
      phase_since_s_ = core_->wheel.now_s();
      searched_ = 0;
    }
    std::string_view unread(in_.get() + in_begin_, in_end_ - in_begin_);
    if (phase_ == phase::header) {
      const auto size = header_size(unread);
      if (!size)
        return refuse(size.error());
      if (*size == 0) {
        starved_ = true;
        return;
      }
      unread = unread.substr(0, *size);
    }
    boost::system::error_code ec;
    const auto used = parser_->put(asio::buffer(unread.data(), unread.size()), ec);
    in_begin_ += used;
    if (phase_ == phase::header) {
      if (ec || !parser_->is_header_done() || used != unread.size())
        return refuse(ec == http::error::body_limit ? problem_code::body_too_large : problem_code::malformed_request);
      phase_ = phase::body;
      phase_since_s_ = core_->wheel.now_s();
      if (const auto code = check_header(unread))
        return refuse(*code);
    } else if (ec == http::error::need_more) {
      starved_ = true;
    } else if (ec) {
      return refuse(ec == http::error::body_limit ? problem_code::body_too_large : problem_code::malformed_request);
    }
    if (parser_->is_done())
      dispatch();
    else if (starved_ && in_end_ - in_begin_ >= 2 * core_->limits.header_bytes_max)
      return refuse(problem_code::headers_too_large);  // a chunk's header without an end
  }
}

// Tells who waits for it to send the body, once all that was asked before is answered.
bool session::invite() {
  if (!expects_continue_ || closed_ || in_begin_ != in_end_ || !slots_.empty() || large_)
    return false;
  expects_continue_ = false;
  out_ += "HTTP/1.1 100 Continue\r\n\r\n";
  return true;
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

// What Beast's parser lets pass and another server in front might read differently is refused: its answer would go to
// somebody else's request (RFC 9112, 11.2). None when there is nothing to say against it.
std::optional<problem_code> session::check_header(std::string_view head) {
  const auto& message = parser_->get();
  request_ = {};
  request_.verb = method_of(message.method());
  const auto version = message.version();
  int hosts = 0;
  int lengths = 0;
  int encodings = 0;
  for (const auto& f : message) {
    const auto value = view_of(f.value());
    switch (f.name()) {
      case http::field::host: ++hosts; break;
      case http::field::content_length:
        ++lengths;
        if (value.find_first_not_of("0123456789") != std::string_view::npos)  // a list, which the parser takes for its first
          return problem_code::malformed_request;
        break;
      case http::field::transfer_encoding:
        ++encodings;
        if (!boost::beast::iequals(f.value(), "chunked"))
          return problem_code::malformed_request;
        break;
      case http::field::accept_encoding: request_.accept_encoding = value; break;
      case http::field::authorization: request_.authorization = value; break;
      case http::field::content_type: request_.content_type = value; break;
      case http::field::if_none_match: request_.if_none_match = value; break;
      case http::field::origin: request_.origin = value; break;
      case http::field::expect: expects_continue_ = version == 11 && boost::beast::iequals(f.value(), "100-continue"); break;
      case http::field::unknown:
        if (boost::beast::iequals(f.name_string(), "Idempotency-Key"))
          request_.idempotency_key = value;
        else if (boost::beast::iequals(f.name_string(), "X-Request-Id"))
          request_.request_id = value;
        break;
      default: break;
    }
  }
  const bool known_version = version == 11 || (version == 10 && encodings == 0);
  if (!known_version || hosts > 1 || (version == 11 && hosts == 0) || lengths > 1 || encodings > 1 || has_folded_lines(head))
    return problem_code::malformed_request;
  return check_target(view_of(message.target()));  // last: a page elsewhere may read this refusal, its origin being known
}

std::optional<problem_code> session::check_target(std::string_view target) {
  if (target.size() > core_->limits.target_bytes_max)
    return problem_code::target_too_long;
  if (const auto scheme = target.find("://"); scheme != std::string_view::npos && !target.starts_with('/')) {  // as to a proxy
    const auto path = target.find('/', scheme + 3);
    target = path == std::string_view::npos ? std::string_view("/") : target.substr(path);
  }
  if (!target.starts_with('/') && !(target == "*" && request_.verb == method::options))
    return problem_code::malformed_request;
  const auto mark = target.find('?');
  request_.path = target.substr(0, mark);
  request_.query = mark == std::string_view::npos ? std::string_view{} : target.substr(mark + 1);
  return std::nullopt;
}

// Who has gone already waits for no answer, and may have asked again elsewhere.
bool session::gone_behind() {
  if (request_.reads() || in_begin_ != in_end_)
    return false;
  char byte = 0;
  const auto n = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return n == 0 || (n < 0 && errno == ECONNRESET);
}

void session::dispatch() {
  if (gone_behind())
    return close();
  const auto& message = parser_->get();
  request_.body = message.body();
  request_.arrived = arrived();
  exchange e;
  e.keep_alive = parser_->keep_alive() && !core_->stopping;
  e.head_only = request_.verb == method::head;
  e.old_version = message.version() == 10;
  last_ = !e.keep_alive;
  slots_.push_back(std::move(e));
  expects_continue_ = false;
  phase_ = phase::idle;
  core_->handle.handle(request_, responder(shared_from_this(), first_slot_ + slots_.size() - 1));
  parser_.reset();
  request_ = {};  // its views went with the parser
}

// ------------------------------------------------------------------ answering

void session::answer(std::uint64_t slot, response&& r) {
  if (closed_)
    return;
  assert_always(slot >= first_slot_ && slot < first_slot_ + slots_.size(), "an answer is for a request under way");
  auto& e = slots_[slot - first_slot_];
  e.answer = std::move(r);
  e.ready = true;
  if (pumping_)
    return;
  look_before_answer();
  if (slots_.size() == 1)
    return pump();
  if (pump_posted_)
    return;
  pump_posted_ = true;  // others of this turn may be ready too: one write for all
  asio::post(core_->io, [self = shared_from_this()] {
    self->pump_posted_ = false;
    self->pump();
  });
}

// Bytes that are no request of ours: say what is wrong, in its turn, and close.
void session::refuse(problem_code code) {
  exchange e;
  e.answer = core_->handle.refusal(code, request_.origin);
  e.ready = true;
  e.keep_alive = false;
  e.head_only = request_.verb == method::head && phase_ == phase::body;
  slots_.push_back(std::move(e));
  parser_.reset();
  request_ = {};
  expects_continue_ = false;
  phase_ = phase::idle;
  last_ = true;
}

void session::gather() {
  std::size_t done = 0;
  while (done < slots_.size() && slots_[done].ready && !large_ && out_.size() < limits::gathered_bytes_max)
    serialize(slots_[done++]);
  slots_.erase(slots_.begin(), slots_.begin() + static_cast<std::ptrdiff_t>(done));
  first_slot_ += done;
}

void session::serialize(exchange& e) {
  auto& r = e.answer;
  const auto payload = r.payload();
  const bool has_body = r.status != 204 && r.status != 304;
  std::array<char, 24> digits;  // NOLINT: filled by to_chars
  out_ += status_line(r.status);
  out_ += core_->date_field;
  if (has_body) {
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), payload.size()).ptr;
    out_.append("Content-Type: ").append(r.content_type).append("\r\nContent-Length: ").append(digits.data(), end).append("\r\n");
  }
  if (r.no_store)
    out_ += "Cache-Control: no-store\r\n";
  out_ += r.fields;
  if (!e.keep_alive)
    out_ += "Connection: close\r\n";
  else if (e.old_version)
    out_ += "Connection: keep-alive\r\n";
  out_ += "\r\n";
  if (!has_body || e.head_only || payload.empty())
    return;
  if (payload.size() <= limits::copied_body_bytes_max)
    out_ += payload;
  else
    large_ = std::move(r);
}

// At once as far as the socket takes it; the rest when it is ready again.
void session::write() {
  if (writing_ || closed_)
    return;
  const auto large = [&] { return large_ ? large_->payload() : std::string_view{}; };
  const auto total = out_.size() + large().size();
  while (sent_ < total) {
    const auto head = std::string_view(out_).substr(std::min(sent_, out_.size()));
    const auto tail = large().substr(sent_ > out_.size() ? sent_ - out_.size() : 0);
    const std::array<asio::const_buffer, 2> buffers{asio::buffer(head.data(), head.size()), asio::buffer(tail.data(), tail.size())};
    boost::system::error_code ec;
    const auto n = tail.empty() ? socket_.write_some(buffers[0], ec) : socket_.write_some(buffers, ec);
    if (ec == asio::error::would_block || ec == asio::error::try_again) {
      writing_ = true;
      return socket_.async_wait(tcp::socket::wait_write, [self = shared_from_this()](boost::system::error_code failed) {
        self->writing_ = false;
        if (failed)
          return self->close();
        self->pump();
      });
    }
    if (ec)
      return close();
    sent_ += n;
  }
  sent_ = 0;
  out_.clear();
  large_.reset();
  if (out_.capacity() > 2 * limits::gathered_bytes_max)
    out_.shrink_to_fit();
  if (last_ && slots_.empty())
    finish();
}

// Closing while the other side still sends would reset the connection and take our last answer with it.
void session::finish() {
  if (eof_)
    return close();
  boost::system::error_code ignored;
  socket_.shutdown(tcp::socket::shutdown_send, ignored);
  lingering_ = true;
  in_begin_ = in_end_ = 0;
}

// ------------------------------------------------------------------ time

void session::set_due() {
  if (closed_)
    return;
  const auto& l = core_->limits;
  const auto rest = [&](std::uint32_t whole) {
    const auto passed = core_->wheel.now_s() - phase_since_s_;
    return whole > passed ? whole - passed : 0;
  };
  constexpr std::uint32_t answers_due_s = 3600;  // those who answer have deadlines of their own
  if (lingering_)
    core_->wheel.set(*this, limits::linger_s);
  else if (writing_)
    core_->wheel.set(*this, l.write_timeout_s);
  else if (phase_ == phase::header)
    core_->wheel.set(*this, rest(l.header_timeout_s));
  else if (phase_ == phase::body)
    core_->wheel.set(*this, rest(l.body_timeout_s));
  else
    core_->wheel.set(*this, slots_.empty() ? l.idle_timeout_s : answers_due_s);
}

void session::overdue() {
  const auto self = shared_from_this();
  const bool half_a_request = phase_ != phase::idle && !lingering_ && !writing_;
  if (!half_a_request)
    return close();
  refuse(problem_code::request_timeout);
  pump();
}

void session::stop() {
  const auto self = shared_from_this();
  if (phase_ != phase::idle)
    return;  // half a request: its answer will be the last
  last_ = true;
  if (!slots_.empty())
    slots_.back().keep_alive = false;  // who reads "close" on an earlier one would read no further
  if (slots_.empty() && !writing_ && !lingering_)
    close();
}

void session::close() {
  if (closed_)
    return;
  closed_ = true;
  if (watched_)
    core_->watch.closed();
  boost::system::error_code ignored;
  socket_.close(ignored);
  unlink();
}

std::shared_ptr<connection> make_connection(tcp::socket&& socket, std::shared_ptr<listener_core> core, arrival after) {
  return std::make_shared<session>(std::move(socket), std::move(core), std::move(after));
}

}  // namespace janji::net
