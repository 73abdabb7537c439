// The citizens' API. What is read comes from the node's read model (read_api.cpp); what changes something is checked here
// and becomes a command (book_api.cpp); its answer is put into words (answer_api.cpp), with one receipt signature for all
// answers of a turn. Threads: the citizens' listener's, but for what is said to be safe from any.
#pragma once

#include <array>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <expected>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "actors/node.hpp"
#include "booking/receipt.hpp"
#include "net/which_round.hpp"
#include "net/alternatives.hpp"
#include "net/booking_desk.hpp"
#include "net/booking_form.hpp"
#include "net/door.hpp"
#include "net/front.hpp"
#include "net/http.hpp"
#include "net/prepared_bodies.hpp"
#include "net/problem.hpp"
#include "net/route_table.hpp"
#include "store/sealing.hpp"

namespace janji::net {

struct api_options {
  std::uint16_t shard_count = 64;
  front::options commands;
  std::vector<std::string> cors_origins;  // "*": every one
  std::uint32_t log_one_of = 0;           // requests; 0: none
  net::door* door = nullptr;              // none: everybody passes; outlives the API
  bool show_stamps = false;               // for audits: the number of a refusal, how new a booking's request was
};

class site;

class citizen_api final : public handler, public booking_desk {
public:
  citizen_api(boost::asio::io_context& io, actors::node& node, const store::sealing& sealing, const receipt_signer& signer,
              const api_options& options);

  void handle(const request& r, responder&& respond) override;
  response refusal(const problem& p, const request& known) override;
  void warn(const std::string& words) override { node_.warn(words); }
  arrival hear() override { return {node_.heard(), front_.clock().now()}; }
  std::optional<response> refuse_body(const request& head, std::uint64_t& bytes_max) override;

  // The pages, before the listener opens; they outlive it. None: every path that is none of the API's is not there.
  void serve_pages(site* pages) { pages_ = pages; }

  // ---- the booking desk
  void book(const request& r, std::string_view body, std::string_view key, bool look_only, desk_sink sink) override;
  void look_up(const request& r, reference ref, std::uint8_t token_generation, desk_sink sink) override;
  void cancel(const request& r, reference ref, std::uint8_t token_generation, std::string_view key, desk_sink sink) override;
  void move(const request& r, reference ref, std::uint8_t token_generation, std::string_view body, std::string_view key,
            desk_sink sink) override;
  std::vector<problem> check(std::string_view body) override;

  // ---- any thread
  // Refuses everything that changes something; answers under way are still given.
  void stop_admitting() { stopping_ = true; }
  [[nodiscard]] bool stopping() const { return stopping_; }
  // Not ready while this is not empty: what the node waits for, in words.
  void wait_for(std::string what) { node_.wait_for(std::move(what)); }
  [[nodiscard]] std::string waits_for() const { return node_.waits_for(); }
  [[nodiscard]] bool is_ready() const { return node_.ready() && waits_for().empty(); }
  [[nodiscard]] std::size_t pending() const { return front_.pending(); }
  // The bodies of GET /rounds and /figures, for operators too.
  [[nodiscard]] std::string rounds_list() const;
  [[nodiscard]] std::string figures_of(const actors::round_entry& round) const;

private:
  // ---- routing and what every answer has
  void serve(const api_match& at, const request& r, responder&& respond);
  void refuse_address(const request& r, responder& respond);
  [[nodiscard]] std::optional<problem> turned_away(request_kind what, const request& r, const citizen_hash* citizen = nullptr) const;
  void preflight(const request& r, responder& respond) const;
  [[nodiscard]] caller caller_of(const request& r);
  [[nodiscard]] bool allows(std::string_view origin) const;
  void add_cors(response& r, std::string_view origin) const;
  void refuse(responder& respond, const caller& who, const problem& p);
  void send(responder& respond, const caller& who, response&& r);

  // Has been ready once: what is activated later (a new round, an actor after a failure) is waited for, not refused.
  [[nodiscard]] bool has_started() { return was_ready_ || (was_ready_ = node_.ready()); }

  // A node of a cluster may not have heard of it yet.
  [[nodiscard]] problem_code no_such_round() {
    return has_started() && node_.knows_rounds() ? problem_code::unknown_round : problem_code::not_ready;
  }

  // ---- reading
  void availability(const request& r, responder& respond);
  void send_rounds(const request& r, responder&& respond);
  void send_states(const request& r, responder&& respond);
  void send_centres(const request& r, responder&& respond);
  void send_figures(const request& r, responder&& respond);
  static void livez(responder& respond);
  void readyz(const request& r, responder& respond);
  template <class Make>
  void send_prepared(const request& r, responder&& respond, const std::string& name, Make&& make);
  [[nodiscard]] response public_answer(unix_ms as_of, unix_ms until) const;
  using days_key = std::array<std::int32_t, 4>;  // round, state, from, to
  prepared_bodies::body_ptr days_of(const days_key& which, const std::shared_ptr<const actors::availability_page>& page);
  void refuse_read(const request& r, responder& respond, const problem& p);
  [[nodiscard]] std::string centres_list(std::string_view round, std::uint8_t state) const;

  // ---- changing
  void book(const request& r, responder&& respond);
  void start_booking(const request& r, std::string_view body, std::string key, bool look_only, pending_request&& p);
  [[nodiscard]] pending_request asked_by_page(const request& r, std::string_view key, desk_sink sink);
  void end(pending_request& p, const problem& refusal);
  std::expected<actors::routed_booking, problem> make_booking(const booking_form& form, const actors::round_entry& round,
                                                              const target& where, std::string_view key, const request& r);
  void manage(const request& r, const api_match& at, responder&& respond);
  [[nodiscard]] std::optional<problem> refuse_all();
  [[nodiscard]] std::optional<problem> refuse_round(const actors::round_entry& round, const arrival& arrived) const;
  [[nodiscard]] problem in_words(const pending_request& p, problem_code code) const;
  void move_found(answered_request&& found);
  [[nodiscard]] problem_code without_keys(round_id round) const;
  std::expected<actors::citizen_command, problem> make_move(pending_request& p, const booked_place& from, request_id id) const;

  // ---- answers
  void told(std::vector<answered_request>&& answers);
  // True when the answer has to wait for more: where moved bookings are now.
  bool look_further(answered_request& a);
  void find_moved(answered_request&& a);
  [[nodiscard]] std::optional<answered_request> joined(answered_request&& part);
  void tell(answered_request& a, const std::string* receipts);
  void add_stamp(response& out, const answer& a) const;
  void log(const caller& who, command_kind what, unsigned status, std::string_view code, unix_ms since);

  actors::node& node_;
  const store::sealing& sealing_;
  const receipt_signer& signer_;
  api_options options_;
  front front_;
  alternatives alternatives_;
  struct kept_days {
    std::weak_ptr<const actors::availability_page> page;
    prepared_bodies::body_ptr body;
    bool wanted_often = false;  // asked for again, of this page or the one before
  };
  std::map<days_key, kept_days> days_;
  std::size_t days_bytes_ = 0;
  site* pages_ = nullptr;
  std::uint64_t id_base_ = 0;
  std::uint64_t ids_ = 0;
  std::uint64_t logged_ = 0;
  bool was_ready_ = false;
  bool has_other_fronts_ = false;  // which refuse copies of what comes here
  std::atomic<bool> stopping_{false};
  prepared_bodies bodies_;  // its thread ends before anything above goes
};

}  // namespace janji::net
