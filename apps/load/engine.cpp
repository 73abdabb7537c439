#include "apps/load/engine.hpp"

#include <fmt/format.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/write.hpp>
#include <cmath>

#include "apps/load/client.hpp"
#include "apps/load/engine_core.hpp"

namespace janji::load {

// ------------------------------------------------------------------ connections

void engine::open_connections() {
  tcp::resolver resolver(io_);
  for (const auto& t : o_.targets) {
    boost::system::error_code ec;
    const auto found = resolver.resolve(t.host, "", ec);
    if (ec || found.empty())
      return fail("cannot find " + t.host + ": " + ec.message());
    addresses_.push_back(found.begin()->endpoint());
  }
  for (unsigned i = thread_; i < o_.connections; i += o_.threads) {
    auto c = std::make_unique<connection>(io_);
    c->target = i % o_.targets.size();
    connections_.push_back(std::move(c));
    connect(*connections_.back());
  }
}

void engine::connect(connection& c) {
  c.now = connection::state::connecting;
  ++c.life;
  const auto port = port_of(o_.targets[c.target]);
  if (!port)
    return connected(c, asio::error::connection_refused);
  c.host = fmt::format("{}:{}", o_.targets[c.target].host, *port);
  c.socket = tcp::socket(io_);
  c.socket.async_connect({addresses_[c.target].address(), *port}, [this, &c, life = c.life](boost::system::error_code ec) {
    if (life == c.life)
      connected(c, ec);
  });
}

void engine::connected(connection& c, boost::system::error_code ec) {
  if (ec) {
    close(c);
    if (!o_.tolerate_restarts)
      return fail(fmt::format("cannot connect to {}: {}", c.host, ec.message()));
    const auto jitter = milliseconds(static_cast<int>(mix(c.life, reinterpret_cast<std::uintptr_t>(&c)) % 10));
    c.connect_at = clock::now() + c.back_off + jitter;
    c.back_off = std::min(c.back_off * 2, back_off_greatest);
    return;
  }
  boost::system::error_code ignored;
  c.socket.set_option(tcp::no_delay(true), ignored);
  c.socket.non_blocking(true, ignored);
  ++stats_.connects;
  ++up_;
  c.back_off = back_off_least;
  c.in_size = 0;
  c.in.resize(16 * 1024);
  c.now = connection::state::idle;
  serve(c);
}

void engine::close(connection& c) {
  if (c.now == connection::state::idle || c.now == connection::state::busy)
    --up_;
  if (c.now == connection::state::busy)
    --busy_;
  std::erase(idle_, &c);
  c.now = connection::state::down;
  ++c.life;
  boost::system::error_code ignored;
  c.socket.close(ignored);
  c.connect_at = clock::now() + c.back_off;
}

// The connection ended under a request, or the answer did not come in time: nobody knows what became of it.
void engine::lose(connection& c, std::string_view why, int ask_again_s) {
  ++stats_.connections_lost;
  const bool was_busy = c.now == connection::state::busy;
  close(c);
  if (was_busy)
    settle(c, 0, why, ask_again_s);
  if (!finished_)
    connect(c);
}

// ------------------------------------------------------------------ what is sent

job engine::new_booking(std::uint64_t arrival) {
  job j;
  j.arrival = arrival;
  const auto chance = mix(o_.seed, arrival, 0xA1);
  if (o_.people > 1 && falls(o_.party_share, chance))
    j.people = 2 + static_cast<unsigned>(mix(chance) % (o_.people - 1));
  j.citizen = state_.next_citizen.fetch_add(j.people, std::memory_order_relaxed);
  j.slot = (chooser_.empty() ? all_ : chooser_).draw(mix(o_.seed, j.citizen, 0xA2));
  if (j.citizen + j.people > crowd::citizens_max)
    fail("there are no more citizens: start again with a lower --first");
  return j;
}

// A new piece of work, if the run still wants one.
std::optional<job> engine::arrive() {
  if (stopping_)
    return std::nullopt;
  if (o_.mode == run_mode::fill && chooser_.empty()) {
    if (extra_left_ == 0) {
      stop_load();
      return std::nullopt;
    }
    --extra_left_;
  }
  const auto arrival = state_.arrivals.fetch_add(1, std::memory_order_relaxed);
  if (o_.requests != 0 && arrival >= o_.requests) {
    stopping_ = true;
    return std::nullopt;
  }
  ++own_arrivals_;
  const bool browse = o_.mode == run_mode::browse || (o_.mode == run_mode::mixed && falls(o_.browse_share, mix(o_.seed, arrival, 0xA3)));
  if (!browse)
    return new_booking(arrival);
  job j;
  j.what = operation::browse;
  j.arrival = arrival;
  return j;
}

std::optional<waiting> engine::next() {
  if (!follow_ups_.empty()) {
    auto w = std::move(follow_ups_.front());
    follow_ups_.pop_front();
    return w;
  }
  const auto now = clock::now();
  if (o_.rate <= 0) {
    auto j = arrive();
    return j ? std::optional(waiting{std::move(*j), now}) : std::nullopt;
  }
  const auto due = start_ + std::chrono::duration_cast<clock::duration>(
                                std::chrono::duration<double>(static_cast<double>(own_arrivals_) * o_.threads / o_.rate));
  if (due > now)
    return std::nullopt;
  auto j = arrive();
  return j ? std::optional(waiting{std::move(*j), due}) : std::nullopt;
}

void engine::serve(connection& c) {
  if (finished_)
    return;
  if (auto w = next())
    return send(c, std::move(*w));
  c.now = connection::state::idle;
  idle_.push_back(&c);
  arm_arrival();
}

void engine::serve_idle() {
  while (!idle_.empty()) {
    auto w = next();
    if (!w)
      return arm_arrival();
    auto* c = idle_.back();
    idle_.pop_back();
    send(*c, std::move(*w));
  }
}

void engine::arm_arrival() {
  if (armed_ || o_.rate <= 0 || stopping_)
    return;
  armed_ = true;
  arrival_.expires_at(start_ + std::chrono::duration_cast<clock::duration>(
                                   std::chrono::duration<double>(static_cast<double>(own_arrivals_) * o_.threads / o_.rate)));
  arrival_.async_wait([this](boost::system::error_code ec) {
    armed_ = false;
    if (!ec && !finished_)
      serve_idle();
  });
}

void engine::send(connection& c, waiting&& w) {
  c.doing = std::move(w.what);
  c.due = w.due;
  c.now = connection::state::busy;
  ++busy_;
  ++stats_.requests;
  writer_.write(c.doing, c.host, c.out);
  stats_.bytes_sent += c.out.size();
  c.body.clear();
  c.parser.emplace(c.body, !o_.null_target && c.doing.what != operation::browse);
  c.sent = clock::now();
  if (c.doing.what == operation::book && c.doing.repeat == repeat_kind::first && c.doing.attempt == 0 &&
      falls(o_.retry_share / 2, mix(o_.seed, c.doing.citizen, 0xF7))) {
    auto twin = c.doing;  // the impatient citizen: the same again before there is an answer
    twin.repeat = repeat_kind::twin;
    push(std::move(twin));
  }
  boost::system::error_code ec;
  const auto n = c.socket.write_some(asio::buffer(c.out), ec);
  if (ec && ec != asio::error::would_block)
    return lose(c, "reset");
  if (n == c.out.size())
    return read(c);
  asio::async_write(c.socket, asio::buffer(c.out.data() + n, c.out.size() - n),
                    [this, &c, life = c.life](boost::system::error_code failed, std::size_t) {
                      if (life != c.life || finished_)
                        return;
                      failed ? lose(c, "reset") : read(c);
                    });
}

void engine::read(connection& c) {
  if (c.in_size == c.in.size())
    c.in.resize(c.in.size() * 2);
  c.socket.async_read_some(asio::buffer(c.in.data() + c.in_size, c.in.size() - c.in_size),
                           [this, &c, life = c.life](boost::system::error_code ec, std::size_t n) {
                             if (life != c.life || finished_)
                               return;
                             ec ? lose(c, "reset") : on_read(c, n);
                           });
}

void engine::on_read(connection& c, std::size_t n) {
  stats_.bytes_received += n;
  c.in_size += n;
  boost::system::error_code ec;
  const auto used = c.parser->put(asio::const_buffer(c.in.data(), c.in_size), ec);
  c.in_size -= used;
  if (c.in_size != 0 && used != 0)
    std::copy(c.in.begin() + static_cast<std::ptrdiff_t>(used), c.in.begin() + static_cast<std::ptrdiff_t>(used + c.in_size), c.in.begin());
  if (ec && ec != boost::beast::http::error::need_more)
    return lose(c, "unreadable");
  if (c.in.size() > limits::answer_bytes_max)
    return lose(c, "too_large");
  c.parser->is_done() ? answered(c) : read(c);
}

void engine::answered(connection& c) {
  --busy_;
  c.now = connection::state::idle;
  const bool keep = c.parser->keep_alive() && c.in_size == 0;
  settle(c, c.parser->status(), {}, c.parser->retry_after_s());
  if (keep)
    return serve(c);
  close(c);
  if (!finished_)
    connect(c);
}

// ------------------------------------------------------------------ time

void engine::on_tick() {
  const auto now = clock::now();
  if (!warm_ && seconds(now - start_) >= o_.warmup_s) {
    warm_ = true;
    if (o_.warmup_s > 0) {
      const auto keep = std::pair{stats_.people_confirmed, stats_.connects};
      stats_ = {};
      std::tie(stats_.people_confirmed, stats_.connects) = keep;
    }
    measured_from_ = now;
    cpu_from_ = cpu_s();
  }
  if (state_.stop.load(std::memory_order_relaxed) || (o_.duration_s > 0 && seconds(now - start_) >= o_.duration_s + o_.warmup_s))
    stop_load();
  while (!delayed_.empty() && delayed_.top().due <= now) {
    follow_ups_.push_back({delayed_.top().what, now});
    delayed_.pop();
  }
  if (now >= next_check_)
    check_times(now);
  serve_idle();
  if (now >= next_progress_) {
    next_progress_ = now + std::chrono::seconds(1);
    if (thread_ == 0)
      progress();
  }
  check_end(now);
  if (finished_)
    return io_.stop();
  ticker_.expires_after(tick);
  ticker_.async_wait([this](boost::system::error_code ec) {
    if (!ec)
      on_tick();
  });
}

void engine::check_times(clock::time_point now) {
  next_check_ = now + milliseconds(50);
  for (auto& c : connections_) {
    if (c->now == connection::state::busy && now - c->sent > milliseconds(o_.timeout_ms))
      lose(*c, "timeout");
    else if (c->now == connection::state::busy && impatient(*c) && now - c->sent > milliseconds(o_.impatient_ms))
      lose(*c, "impatient", 0);
    else if (c->now == connection::state::down && now >= c->connect_at)
      connect(*c);
  }
}

// A citizen who waits no longer, and asks the same elsewhere while the first request may be on its way still.
bool engine::impatient(const connection& c) const {
  const auto& j = c.doing;
  return j.what == operation::book && j.attempt < impatient_attempts && falls(o_.impatient_share, mix(o_.seed, j.citizen, 0xF7));
}

void engine::stop_load() {
  stopping_ = true;
  if (frozen_)
    return;
  frozen_ = true;
  stopped_at_ = clock::now();
  stats_.measured_s = seconds(stopped_at_ - measured_from_);
  stats_.client_cpu_s = cpu_s() - cpu_from_;
}

void engine::check_end(clock::time_point now) {
  const bool quiet = busy_ == 0 && follow_ups_.empty();
  if (stopping_ && !frozen_ && quiet)
    stop_load();  // by number of requests: the rate counts to the last answer
  if (!frozen_)
    return;
  if ((quiet && delayed_.empty()) || seconds(now - stopped_at_) >= o_.drain_s || !stats_.fatal.empty())
    finished_ = true;
}

void engine::fail(std::string why) {
  if (stats_.fatal.empty())
    stats_.fatal = std::move(why);
  state_.stop = true;
  stop_load();
}

void engine::progress() {
  if (state_.record != nullptr)
    if (auto written = state_.record->flush(); !written)
      fail(written.error());
  if (o_.quiet)
    return;
  std::string line = fmt::format("{:>5.0f} s", seconds(clock::now() - start_));
  for (std::size_t i = 0; i < answer_class_count; ++i) {
    const auto n = state_.answered[i].load(std::memory_order_relaxed);
    if (n != 0)
      line += fmt::format("  {} {}/s", answer_class_names[i], n - shown_[i]);
    shown_[i] = n;
  }
  fmt::print(stderr, "{}  p99 {:.1f} ms  {} of {} connections{}\n", line, static_cast<double>(last_second_.percentile(99)) / 1000, up_,
             connections_.size(), delayed_.empty() ? "" : fmt::format("  {} to ask again", delayed_.size()));
  last_second_.clear();
}

run_stats engine::run() {
  start_ = measured_from_ = clock::now();
  cpu_from_ = cpu_s();
  next_progress_ = start_ + std::chrono::seconds(1);
  next_check_ = start_;
  if (o_.mode == run_mode::fill) {
    std::uint64_t places = 0;
    for (const auto& s : state_.slots->slots)
      places += s.free;
    extra_left_ = static_cast<std::uint64_t>(std::ceil(static_cast<double>(places) * o_.fill_extra / o_.threads)) + 10;
  }
  open_connections();
  on_tick();
  io_.run();
  finished_ = true;
  for (auto& c : connections_)
    if (c->now == connection::state::busy)
      lose(*c, "unfinished");
  stats_.unresolved += delayed_.size() + follow_ups_.size();
  stats_.windows_left = o_.mode == run_mode::fill ? chooser_.left() : 0;
  return std::move(stats_);
}

run_stats run_engine(run_state& state, unsigned thread) {
  const auto& o = *state.options;
  auto chooser = slot_chooser::make(state.slots->slots, o.where, o.hot_factor);
  if (!chooser && o.mode != run_mode::browse) {
    run_stats failed;
    failed.fatal = chooser.error();
    return failed;
  }
  return std::make_unique<engine>(state, thread, chooser ? std::move(*chooser) : slot_chooser{})->run();
}

}  // namespace janji::load
