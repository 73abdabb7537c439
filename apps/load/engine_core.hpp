// One thread of a load: its connections, what it sends, what becomes of the answers (engine_answers.cpp). Everything here
// belongs to that thread; what it shares with the others is in run_state.
#pragma once

#include <time.h>

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <queue>
#include <string>
#include <vector>

#include "apps/load/answer.hpp"
#include "apps/load/engine.hpp"
#include "apps/load/requests.hpp"

namespace janji::load {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;
using clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

inline constexpr auto tick = milliseconds(10);
inline constexpr auto back_off_least = milliseconds(10);
inline constexpr auto back_off_greatest = milliseconds(500);

inline double seconds(clock::duration d) { return std::chrono::duration<double>(d).count(); }
inline std::uint64_t micros(clock::duration d) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, std::chrono::duration_cast<std::chrono::microseconds>(d).count()));
}
inline double cpu_s() {
  timespec t{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}
inline constexpr unsigned impatient_attempts = 3;  // then they wait
// True for a share of all (a, b), the same ones each time.
inline bool falls(double share, std::uint64_t random) { return share > 0 && static_cast<double>(random >> 11) * 0x1p-53 < share; }

struct connection {
  enum class state : std::uint8_t { down, connecting, idle, busy };
  explicit connection(asio::io_context& io) : socket(io) {}
  tcp::socket socket;
  std::size_t target = 0;
  std::string host;  // value of the Host field
  state now = state::down;
  std::uint64_t life = 0;  // counts its sockets: handlers of a former one do nothing
  clock::time_point connect_at{};
  milliseconds back_off = back_off_least;
  job doing;
  clock::time_point due{};  // latency counts from here
  clock::time_point sent{};
  std::string out;
  std::string in;
  std::size_t in_size = 0;
  std::string body;
  std::optional<answer_parser> parser;
};

struct waiting {
  job what;
  clock::time_point due;
};
struct later {
  bool operator()(const waiting& a, const waiting& b) const { return a.due > b.due; }
};

class engine {
public:
  engine(run_state& state, unsigned thread, slot_chooser chooser)
      : state_(state),
        o_(*state.options),
        thread_(thread),
        chooser_(std::move(chooser)),
        all_(chooser_),
        writer_(o_, *state.people, *state.slots),
        ticker_(io_),
        arrival_(io_) {}

  run_stats run();

private:
  void open_connections();
  void connect(connection& c);
  void connected(connection& c, boost::system::error_code ec);
  void lose(connection& c, std::string_view why, int ask_again_s = -1);
  [[nodiscard]] bool impatient(const connection& c) const;
  void close(connection& c);

  void serve(connection& c);
  void serve_idle();
  std::optional<waiting> next();
  std::optional<job> arrive();
  job new_booking(std::uint64_t arrival);
  void send(connection& c, waiting&& w);
  void read(connection& c);
  void on_read(connection& c, std::size_t n);
  void answered(connection& c);

  void settle(connection& c, int status, std::string_view code, int retry_after_s);
  answer_class booked(const job& j, const confirmation& answer);
  void count(answer_class k, clock::duration latency);
  void write_record(connection& c, outcome x, int status, std::string_view code, const confirmation* answer);
  void follow_up(const job& done, const confirmation& answer);
  void push(job&& j);
  void ask_again(const job& j, int retry_after_s);
  void after_full(const job& j);

  void on_tick();
  void check_times(clock::time_point now);
  void check_end(clock::time_point now);
  void arm_arrival();
  void progress();
  void stop_load();
  void fail(std::string why);

  run_state& state_;
  const run_options& o_;
  unsigned thread_;
  slot_chooser chooser_;
  slot_chooser all_;
  request_writer writer_;
  asio::io_context io_{1};
  asio::steady_timer ticker_;
  asio::steady_timer arrival_;
  std::vector<std::unique_ptr<connection>> connections_;
  std::vector<tcp::endpoint> addresses_;
  std::vector<connection*> idle_;
  std::deque<waiting> follow_ups_;
  std::priority_queue<waiting, std::vector<waiting>, later> delayed_;
  run_stats stats_;
  histogram last_second_;
  std::array<std::uint64_t, answer_class_count> shown_{};
  clock::time_point start_;
  clock::time_point measured_from_;
  clock::time_point stopped_at_;
  clock::time_point next_progress_;
  clock::time_point next_check_;
  std::uint64_t own_arrivals_ = 0;
  std::uint64_t extra_left_ = 0;  // of fill: bookings still to be refused when everything is full
  double cpu_from_ = 0;
  std::size_t busy_ = 0;
  std::size_t up_ = 0;
  bool warm_ = false;
  bool armed_ = false;
  bool stopping_ = false;
  bool finished_ = false;
  bool frozen_ = false;  // rates are taken
};

}  // namespace janji::load
