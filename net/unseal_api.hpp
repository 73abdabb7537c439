// The operators' order to open sealed records, POST /admin/v1/unseal: of one booking, or of a centre's day, a part at a time. Part of
// admin_api, which has checked the token before.
//
// Guarantees. What is opened was committed in the audit trail before: by whom, why, what, and how many records. Where that cannot be
// committed nothing is opened; where it is not known whether it was, nothing is opened either, and the trail may say so all the same.
// What citizens wrote stands in the answer, which no cache keeps, and nowhere else. A record that does not open is a fault of its own.
//
// Threads: handle() is called on the operators' thread, and so is every answer.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/json/object.hpp>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "actors/node.hpp"
#include "net/http.hpp"
#include "net/problem.hpp"
#include "store/sealing.hpp"

namespace janji::net {

class unseal_api {
public:
  unseal_api(boost::asio::io_context& io, actors::node& node, const store::sealing& sealing) : io_(io), node_(node), sealing_(sealing) {}

  void handle(const request& r, bool dry_run, responder&& respond);

private:
  static constexpr unsigned under_way_max = 4;
  static constexpr std::int64_t in_a_row_max = 30;  // each is a line of the audit trail, which shows the last thousand
  static constexpr std::int64_t one_more_after_ms = 1'000;

  // One order on its way.
  struct job {
    std::string reason;
    std::string about;  // for the trail
    std::optional<reference> ref;
    round_id round;
    schema::records_ask ask;
    bool dry_run = false;
    schema::sealed_places found;
    responder respond;
    std::shared_ptr<void> turn;
  };
  using job_ptr = std::shared_ptr<job>;

  [[nodiscard]] std::expected<void, problem> read(const boost::json::object& body, job& to) const;
  [[nodiscard]] std::expected<void, problem> read_day(const boost::json::object& body, job& to) const;
  [[nodiscard]] std::optional<problem> why_closed(round_id round) const;
  [[nodiscard]] bool take_turn();
  void find(const job_ptr& j);
  void placed(const job_ptr& j, const std::expected<booked_place, std::string>& place);
  void gather(const job_ptr& j);
  void gathered(const job_ptr& j, std::expected<schema::sealed_places, std::string>&& found);
  void noted(const job_ptr& j, const std::expected<std::string, std::string>& done);
  [[nodiscard]] boost::json::object opened(const actors::round_entry& round, group_id group, const schema::sealed_place& place) const;

  boost::asio::io_context& io_;
  actors::node& node_;
  const store::sealing& sealing_;
  std::shared_ptr<std::atomic<unsigned>> under_way_ = std::make_shared<std::atomic<unsigned>>(0);
  std::int64_t left_ = in_a_row_max;
  std::int64_t refilled_at_ms_ = 0;
};

}  // namespace janji::net
