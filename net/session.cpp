// What goes over a connection, how long it may take, and its end.
#include <utility>

#include "booking/assert.hpp"
#include "net/session_impl.hpp"
#include "net/session_words.hpp"

namespace janji::net {

// ------------------------------------------------------------------ answering

void session::answer(std::uint64_t slot, response&& r) {
  if (closed_)
    return;
  assert_always(slot >= first_slot_ && slot < first_slot_ + slots_.size(), "an answer is for a request under way");
  auto& e = slots_[slot - first_slot_];
  e.answer = std::move(r);
  e.ready = true;
  hold(e);
  if (pumping_ || std::exchange(answer_later_, true))
    return;
  core_->answer_later(shared_from_this());
}

// A large answer stays until its reader has taken it. Where there is no room for one more, and nobody who takes his time over another,
// its reader is to ask again.
void session::hold(exchange& e) {
  const auto payload = e.answer.payload();
  if (payload.size() <= limits::copied_body_bytes_max || e.head_only) {
    ready_bytes_ += e.head_only ? 0 : payload.size();
    return;
  }
  e.held = held_bytes::part(core_->held, from, e.answer.shared ? payload.data() : nullptr, payload.size());
  ++large_ready_;
  if (core_->make_fit(from, this))
    return;
  e.held = {};
  --large_ready_;
  e.answer = core_->handle.refusal({.code = problem_code::busy}, {.origin = e.origin});
  ready_bytes_ += e.answer.payload().size();
}

// Where a limit is the reason, whoever is refused is told which.
problem session::with_limit(problem_code code) const {
  using enum problem_code;
  switch (code) {
    case body_too_large: return problem_of<body_too_large, "limit">(body_bytes_max_);
    case target_too_long: return problem_of<target_too_long, "limit">(core_->limits.target_bytes_max);
    case headers_too_large: return problem_of<headers_too_large, "limit">(core_->limits.header_bytes_max);
    default: return {.code = code};
  }
}

// Bytes that are no request of ours: say what is wrong, in its turn, and close.
void session::refuse(response&& r) {
  const store::wiping_scope wipes;  // of what has come of the request
  exchange e;
  e.answer = std::move(r);
  e.ready = true;
  e.keep_alive = false;
  e.head_only = request_.verb == method::head;
  e.origin = request_.origin;
  hold(e);
  slots_.push_back(std::move(e));
  parser_.reset();
  taker_.reset();
  request_ = {};
  lists_.reset();
  expects_continue_ = false;
  phase_ = phase::idle;
  last_ = true;
  (void)count_received();
}

void session::gather() {
  const store::wiping_scope wipes;  // of answers with tokens in them
  std::size_t done = 0;
  while (done < slots_.size() && slots_[done].ready && !large_ && out_.size() < limits::gathered_bytes_max)
    serialize(slots_[done++]);
  slots_.erase(slots_.begin(), slots_.begin() + static_cast<std::ptrdiff_t>(done));
  first_slot_ += done;
}

void session::serialize(exchange& e) {
  auto& r = e.answer;
  const auto payload = r.payload();
  append_head(out_, r, core_->date_field, !e.keep_alive ? closes_line : e.old_version ? keeps_line : std::string_view{});
  const bool is_large = e.held.bytes() != 0;
  large_ready_ -= is_large ? 1 : 0;
  ready_bytes_ -= is_large || e.head_only ? 0 : payload.size();
  if (!has_body(r) || e.head_only || payload.empty())
    return;
  if (is_large)
    large_ = std::move(e);
  else
    out_ += payload;
}

// Small answers are not counted while there are few of them.
void session::count_unsent() {
  constexpr std::size_t few_bytes = 16 * 1024;
  const auto bytes = closed_ ? 0 : out_.size() + ready_bytes_;
  const auto counted = bytes > few_bytes ? bytes : 0;
  if (counted == unsent_.bytes())
    return;
  unsent_ = counted == 0 ? held_bytes::part() : held_bytes::part(core_->held, from, nullptr, counted);
  if (counted != 0)
    (void)core_->make_fit(from, this);
}

// At once as far as the socket takes it; the rest when it is ready again.
void session::write() {
  if (writing_ || closed_)
    return;
  const store::wiping_scope wipes;  // of a large answer that was sent
  const auto large = [&] { return large_ ? large_->answer.payload() : std::string_view{}; };
  const auto total = out_.size() + large().size();
  while (sent_ < total) {
    const auto head = std::string_view(out_).substr(std::min(sent_, out_.size()));
    const auto tail = large().substr(sent_ > out_.size() ? sent_ - out_.size() : 0);
    const auto n = socket_.send(head, tail);
    if (!n && stream_socket::would_wait(n.error())) {
      writing_ = true;
      writable_ = false;  // what was told before
      write_since_s_ = core_->wheel.now_s();
      return;
    }
    if (!n)
      return close();
    sent_ += *n;
  }
  sent_ = 0;
  if (slots_.empty())
    wipe_sent();
  out_.clear();
  large_.reset();
  if (out_.capacity() > limits::copied_body_bytes_max)
    out_.shrink_to_fit();
  if (last_ && slots_.empty())
    finish();
}

void session::wipe_sent() {
  if (!std::exchange(sent_private_, false))
    return;
  out_.resize(out_.capacity());  // of what stood there before too
  store::wipe(out_);
}

// Closing while the other side still sends would reset the connection and take our last answer with it.
void session::finish() {
  if (eof_)
    return close();
  socket_.end_sending();
  lingering_ = true;
  in_begin_ = in_end_ = 0;
}

// ------------------------------------------------------------------ time

// Where those stand who may have to give way. Who is turned away has no connection to give: it hears why, and has a bound of its own.
waiting_list* session::place() const {
  if (closed_ || turned_away_)
    return nullptr;
  if (writing_)
    return &core_->reading;
  if (!slots_.empty())
    return nullptr;
  if (lingering_)
    return &core_->ending;
  return received_.bytes() != 0 ? &core_->filling : &core_->asking;
}

void session::find_place() {
  count_unsent();
  auto* to = place();
  if (!std::exchange(place_passed_, false) && to == place_)
    return;
  place_hook::unlink();
  place_ = to;
  waits_since = ++core_->waits;
  if (to != nullptr)
    to->push_back(*this);
}

void session::set_due() {
  find_place();
  if (closed_)
    return;
  const auto& l = core_->limits;
  const auto rest = [&](std::uint32_t whole, std::uint32_t since_s) {
    const auto passed = core_->wheel.now_s() - since_s;
    return whole > passed ? whole - passed : 0;
  };
  constexpr std::uint32_t answers_due_s = 3600;  // those who answer have deadlines of their own
  if (lingering_ && std::exchange(linger_is_due_, true))
    return;
  if (lingering_)
    core_->wheel.set(*this, limits::linger_s);
  else if (writing_)
    core_->wheel.set(*this, rest(l.write_timeout_s, write_since_s_));
  else if (phase_ == phase::header)
    core_->wheel.set(*this, rest(l.header_timeout_s, phase_since_s_));
  else if (phase_ == phase::body)
    core_->wheel.set(*this, rest(l.body_timeout_s, phase_since_s_));
  else
    core_->wheel.set(*this, slots_.empty() ? l.idle_timeout_s : answers_due_s);
}

void session::overdue() {
  const auto self = shared_from_this();
  const bool half_a_request = phase_ != phase::idle && !lingering_ && !writing_;
  if (!half_a_request)
    return close();
  if (phase_ == phase::header)
    know_from({in_.get() + in_begin_, in_end_ - in_begin_});
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
  const store::wiping_scope wipes;  // of answers that nobody takes
  closed_ = true;
  const auto self = std::move(self_);
  if (watched_)
    core_->watch.closed();
  socket_.close();
  --core_->connections;
  core_->turned_away_now -= turned_away_ ? 1 : 0;
  wheel_hook::unlink();
  place_hook::unlink();
  slots_.clear();
  large_.reset();
  taker_.reset();
  received_ = {};
  unsent_ = {};
}

std::shared_ptr<connection> make_connection(stream_socket&& socket, const boost::asio::ip::address& from,
                                            std::shared_ptr<listener_core> core, arrival after) {
  return std::make_shared<session>(std::move(socket), from, std::move(core), std::move(after));
}

}  // namespace janji::net
