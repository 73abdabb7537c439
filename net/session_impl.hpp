// One connection as session_reading.cpp and session.cpp share it: the only files that know Beast's parser.
#pragma once

#include <algorithm>
#include <array>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <expected>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/held_bytes.hpp"
#include "net/problem.hpp"
#include "net/session.hpp"
#include "store/secret.hpp"
#include "store/wiping.hpp"

namespace janji::net {

namespace http = boost::beast::http;

class session final : public connection, public std::enable_shared_from_this<session> {
public:
  session(stream_socket&& socket, const boost::asio::ip::address& address, std::shared_ptr<listener_core> core, arrival after)
      : socket_(std::move(socket)),
        core_(std::move(core)),
        address_((address.is_v4() ? make_address_v6(boost::asio::ip::v4_mapped, address.to_v4()) : address.to_v6()).to_bytes()),
        dry_after_(std::move(after)),
        held_through_(core_->looks) {
    from = address;
    ++core_->connections;
    watched_ = core_->watch.add(socket_.descriptor(), static_cast<connection*>(this));
  }
  ~session() override {
    const store::wiping_scope wipes;
    close();
    wipe_read();
    wipe_sent();
    parser_.reset();
    in_.reset();
  }
  session(const session&) = delete;
  session& operator=(const session&) = delete;

  void start() override {
    self_ = shared_from_this();
    watched_ ? set_due() : close();
  }
  void turn_away() override {
    self_ = shared_from_this();
    turned_away_ = true;
    ++core_->turned_away_now;
    refuse(problem_code::busy);
    pump();
  }
  void overdue() override;
  void stop() override;
  void answer(std::uint64_t slot, response&& r) override;
  void abandon() override { close(); }
  void give_way() override {
    const auto self = shared_from_this();
    close();
  }
  void changed(const socket_change& what) override;
  void serve() override;
  void send_ready() override {
    answer_later_ = false;
    pump();
  }
  [[nodiscard]] bool owes_nothing() const override {
    return std::ranges::all_of(slots_, [](const exchange& e) { return e.ready; });
  }
  [[nodiscard]] std::size_t holds_alone() const override {
    auto bytes = received_.alone() + unsent_.alone() + (large_ ? large_->held.alone() : 0);
    for (const auto& e : slots_)
      bytes += e.held.alone();
    return bytes;
  }

private:
  using parser = http::request_parser<http::string_body>;
  enum class phase : std::uint8_t { idle, header, body };
  // A request under way and, when it is ready, its answer.
  struct exchange {
    response answer;
    held_bytes::part held;  // of a large answer
    bool ready = false;
    bool head_only = false;
    bool keep_alive = true;
    bool old_version = false;  // HTTP/1.0
    std::string origin;        // of the request
  };

  [[nodiscard]] bool may_take() const {
    return !closed_ && !last_ && slots_.size() < limits::pipeline_max && out_.size() < limits::gathered_bytes_max && !large_ &&
           large_ready_ == 0 && ready_bytes_ < limits::gathered_bytes_max;
  }
  // A large answer keeps those behind it waiting, be they ready or not.
  [[nodiscard]] bool has_answer() const { return !slots_.empty() && slots_.front().ready; }
  [[nodiscard]] bool has_bytes() const { return !starved_ && in_begin_ < in_end_ && may_take(); }
  [[nodiscard]] bool may_read() const { return readable_ && !closed_ && !eof_ && (lingering_ || may_take()); }
  void read();
  void make_space();
  void forget_taken();
  void rest();
  void serve_later();
  [[nodiscard]] const arrival& arrived() const;
  // What was read may hold requests that are not taken yet: no look at the socket says anything of them.
  [[nodiscard]] bool may_be_behind() const { return held_through_ == for_good; }
  void on_read(std::size_t n);
  void pump();
  void take_requests();
  void know_from(std::string_view head);
  bool invite();
  bool invites_body();
  void pass_body_on();
  bool skip_empty_lines();
  std::expected<std::size_t, problem_code> header_size(std::string_view unread);
  enum class list_header : std::uint8_t { accept_encoding, accept_language, if_none_match };
  // What of a header is no part of `request_`.
  struct odd_fields {
    std::uint32_t seen = 0;  // of those that may stand once
    std::string_view twice;  // the first of them that does
    std::string_view length;
    std::string_view expected;
    bool unknown_encoding = false;
  };
  void join(list_header which, std::string_view& to, std::string_view more);
  void take_field(const parser::value_type::fields_type::value_type& f, odd_fields& odd);
  std::optional<problem> check_header(std::string_view head);
  std::optional<problem_code> check_target(std::string_view target);
  [[nodiscard]] bool gone_behind() const;
  void dispatch();
  void refuse(problem_code code) { refuse(with_limit(code)); }
  void refuse(const problem& p) { refuse(core_->handle.refusal(p, request_)); }
  [[nodiscard]] problem with_limit(problem_code code) const;
  void refuse(response&& r);
  void gather();
  void serialize(exchange& e);
  void write();
  void finish();
  void close();
  void set_due();
  bool count_received();
  void wipe_read();
  void wipe_sent();
  void hold(exchange& e);
  void find_place();
  void count_unsent();
  [[nodiscard]] waiting_list* place() const;

  stream_socket socket_;
  std::shared_ptr<session> self_;  // while it is open
  std::shared_ptr<listener_core> core_;
  std::array<unsigned char, 16> address_;  // of `from`, as requests have it

  // ---- when what is read came
  arrival dry_after_;  // the copy taken before the connection was last known to be dry, but for looks after held_through_
  static constexpr auto for_good = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t held_through_;  // looks up to this one say nothing of it
  bool watched_ = false;

  // ---- reading
  std::unique_ptr<char[]> in_;
  std::size_t in_capacity_ = 0;
  std::size_t in_begin_ = 0;
  std::size_t in_end_ = 0;
  std::optional<parser> parser_;
  std::unique_ptr<body_taker> taker_;  // of the body under way
  request request_;
  std::uint64_t body_bytes_max_ = 0;                   // of it
  std::string path_;                                   // of it, where it had to be decoded
  std::unique_ptr<std::array<std::string, 3>> lists_;  // of it, by list_header, where one came in several lines
  std::uint32_t empty_lines_ = 0;                      // before the request under way
  std::size_t searched_ = 0;                           // of the header under way, for its end
  bool expects_continue_ = false;
  phase phase_ = phase::idle;
  std::uint32_t phase_since_s_ = 0;
  bool readable_ = false;  // there may be something; false: there was nothing, and a change will tell
  bool writable_ = false;  // of the changes that were not served yet
  bool ended_ = false;     // its other side sends no more
  bool urgent_ = false;
  bool serve_later_ = false;
  bool all_read_ = false;      // by the last read
  held_bytes::part received_;  // what is more than a small request
  bool starved_ = false;       // the parser needs more bytes than there are
  bool eof_ = false;
  bool read_private_ = false;  // what was read may hold names or tokens

  // ---- answering
  std::vector<exchange> slots_;
  std::uint64_t first_slot_ = 0;
  std::string out_;
  std::size_t sent_ = 0;
  bool sent_private_ = false;      // of out_
  std::optional<exchange> large_;  // goes out after `out_`, from where it lies
  std::size_t large_ready_ = 0;    // of slots_
  std::size_t ready_bytes_ = 0;    // of slots_, but for the large ones
  held_bytes::part unsent_;        // what is more than a small answer of out_ and of these
  bool pumping_ = false;
  bool answer_later_ = false;
  bool writing_ = false;
  bool last_ = false;                // no request is taken any more; closed after the last answer
  std::uint32_t write_since_s_ = 0;  // that nothing was taken of what is to be sent
  bool lingering_ = false;
  bool linger_is_due_ = false;  // whatever comes puts its end off no further
  std::size_t lingered_bytes_ = 0;
  bool closed_ = false;
  bool turned_away_ = false;
  waiting_list* place_ = nullptr;  // where it stands
  bool place_passed_ = false;      // it did something since it stands there
};

}  // namespace janji::net
