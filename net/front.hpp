// Between the sockets and the node: every command of one turn of the event loop goes to the node in one message, all
// answers that gathered come back in one post. Bounded; every request is answered, at the latest a moment after its
// deadline, when the node ought to have spoken.
//
// Owns the requests under way. Threads: the citizens' listener's, but for what is said to be safe from any.
#pragma once

#include <array>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/unordered/unordered_flat_map.hpp>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "actors/node.hpp"
#include "booking/civil_time.hpp"
#include "net/booking_desk.hpp"
#include "net/booking_form.hpp"
#include "net/http.hpp"
#include "net/problem.hpp"

namespace janji::net {

// Wall time at the start, then steady: deadlines do not jump when somebody sets the clock. The node counts the same way.
class deadline_clock {
public:
  deadline_clock();
  [[nodiscard]] unix_ms now() const;

private:
  std::int64_t wall_ms_;
  std::chrono::steady_clock::time_point start_;
};
[[nodiscard]] unix_ms wall_clock();
// The date where the day begins first: nobody born today is told that they are not born yet.
[[nodiscard]] civil_date latest_today();

enum class command_kind : std::uint8_t { book, look_up, cancel, move, find_to_move, find_moved };

// Who is to be answered, as far as it goes into the answer.
struct caller {
  std::array<char, 64> id_bytes{};
  std::uint8_t id_size = 0;
  std::string origin;  // only one that may read the answer
  [[nodiscard]] std::string_view id() const { return {id_bytes.data(), id_size}; }
  void set_id(std::string_view id);
};

// A move whose booking is still being looked up: only its round knows the centre's code.
struct move_wish {
  move_form form;
  reference ref;
  std::uint8_t token_generation = 0;
};
struct repeated_party;

struct pending_request {
  responder respond;
  desk_sink page;  // set: it is asked by a page, which is told instead
  caller who;
  command_kind what = command_kind::book;
  std::shared_ptr<const actors::round_catalogue> catalogue;
  std::string idempotency_key;
  std::size_t people = 1;
  group_id group;
  std::optional<window_index> window;     // of the group, when one is named
  std::shared_ptr<repeated_party> party;  // of find_moved: whose places are looked up
  std::size_t party_index = 0;
  std::optional<move_wish> wish;  // of find_to_move
  arrival arrived;
  std::optional<problem> refusal;  // of a booking or a move that is not admitted, unless its key has been answered before
  unix_ms since;
};

struct answered_request {
  pending_request request;
  answer what;
};

class front {
public:
  struct options {
    std::uint32_t deadline_ms = 5'000;
    std::size_t pending_max = 20'000;
  };
  using answered = std::function<void(std::vector<answered_request>&&)>;

  // `told` is called with all answers that gathered since it was called last.
  front(boost::asio::io_context& io, actors::node& node, const options& o, answered told);
  ~front();
  front(const front&) = delete;
  front& operator=(const front&) = delete;

  [[nodiscard]] bool has_room() const { return pending_.size() < options_.pending_max; }
  [[nodiscard]] request_id next_id() { return request_id{++last_request_}; }
  // How long ago it came, at most.
  [[nodiscard]] std::int64_t age_ms(const arrival& a) const { return a.heard ? clock_.now().value - a.at.value : 0; }
  // A request's time is counted from when it may have come at the earliest.
  [[nodiscard]] unix_ms deadline(const arrival& a) const { return unix_ms{(a.heard ? a.at : clock_.now()).value + options_.deadline_ms}; }
  [[nodiscard]] const deadline_clock& clock() const { return clock_; }
  void submit(request_id id, pending_request&& p, actors::citizen_command&& c);

  // Any thread.
  [[nodiscard]] std::size_t pending() const { return pending_count_; }

private:
  // What the node's threads see of this; outlives it as long as they hold it.
  struct mailbox {
    std::mutex mutex;
    std::vector<answer> answers;
    front* owner = nullptr;  // none once it is gone
    boost::asio::io_context* io = nullptr;
  };
  static void take(const std::shared_ptr<mailbox>& box, std::vector<answer>&& answers);
  void tell();
  void watch();

  actors::node& node_;
  options options_;
  answered told_;
  deadline_clock clock_;
  boost::asio::io_context& io_;
  boost::asio::steady_timer watch_;
  std::shared_ptr<mailbox> box_ = std::make_shared<mailbox>();
  boost::unordered_flat_map<std::uint64_t, pending_request> pending_;
  std::deque<std::pair<unix_ms, std::uint64_t>> by_deadline_;
  std::vector<actors::citizen_command> turn_;
  std::uint64_t last_request_ = 0;
  std::atomic<std::size_t> pending_count_{0};
};

}  // namespace janji::net
