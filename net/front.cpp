#include "net/front.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <iterator>

namespace janji::net {

namespace asio = boost::asio;

namespace {
constexpr std::int64_t node_is_late_ms = 1'000;  // past the deadline, by which it should have answered
constexpr std::chrono::milliseconds watch_every{250};
}  // namespace

unix_ms wall_clock() {
  using namespace std::chrono;
  return unix_ms{duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count()};
}

civil_date latest_today() { return date_at(wall_clock(), std::chrono::hours{14}); }

deadline_clock::deadline_clock() : wall_ms_(wall_clock().value), start_(std::chrono::steady_clock::now()) {}

unix_ms deadline_clock::now() const {
  return unix_ms{wall_ms_ + std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start_).count()};
}

void caller::set_id(std::string_view id) {
  id_size = static_cast<std::uint8_t>(std::min(id.size(), id_bytes.size()));
  std::copy_n(id.begin(), id_size, id_bytes.begin());
}

front::front(asio::io_context& io, actors::node& node, const options& o, answered told)
    : node_(node), options_(o), told_(std::move(told)), io_(io), watch_(io) {
  last_request_ = node_.first_request();
  box_->owner = this;
  box_->io = &io;
  node_.set_answer_sink([box = box_](std::vector<answer>&& answers) { take(box, std::move(answers)); });
  watch();
}

front::~front() {
  node_.set_answer_sink(nullptr);
  const std::lock_guard lock{box_->mutex};
  box_->owner = nullptr;
}

// The first command of a turn asks for the turn's end; then all go together.
void front::submit(request_id id, pending_request&& p, actors::citizen_command&& c) {
  p.since = clock_.now();
  by_deadline_.emplace_back(unix_ms{p.since.value + options_.deadline_ms + node_is_late_ms}, id.value);
  pending_.emplace(id.value, std::move(p));
  pending_count_ = pending_.size();
  turn_.push_back(std::move(c));
  if (turn_.size() == 1)
    asio::post(io_, [this] { node_.submit(std::exchange(turn_, {})); });
}

// On a thread of the node's.
void front::take(const std::shared_ptr<mailbox>& box, std::vector<answer>&& answers) {
  const std::lock_guard lock{box->mutex};
  if (box->owner == nullptr)
    return;
  const bool first = box->answers.empty();
  if (first)
    box->answers = std::move(answers);
  else
    std::ranges::move(answers, std::back_inserter(box->answers));
  if (first)
    asio::post(*box->io, [owner = box->owner] { owner->tell(); });
}

void front::tell() {
  std::vector<answer> answers;
  {
    const std::lock_guard lock{box_->mutex};
    answers.swap(box_->answers);
  }
  std::vector<answered_request> told;
  told.reserve(answers.size());
  for (auto& a : answers) {
    const auto it = pending_.find(a.request.value);
    if (it == pending_.end())
      continue;  // told as unknown before
    told.push_back({std::move(it->second), std::move(a)});
    pending_.erase(it);
  }
  pending_count_ = pending_.size();
  told_(std::move(told));
}

// Whom the node owes an answer for longer than it may: told as unknown.
void front::watch() {
  watch_.expires_after(watch_every);
  watch_.async_wait([this](boost::system::error_code ec) {
    if (ec)
      return;
    const auto now = clock_.now();
    std::vector<answered_request> late;
    while (!by_deadline_.empty()) {
      const auto [due, id] = by_deadline_.front();
      const auto it = pending_.find(id);
      if (it != pending_.end() && due > now)
        break;
      by_deadline_.pop_front();
      if (it == pending_.end())
        continue;
      late.push_back({std::move(it->second), answer{.request = request_id{id}, .what = outcome::unknown}});
      pending_.erase(it);
    }
    pending_count_ = pending_.size();
    if (!late.empty())
      told_(std::move(late));
    watch();
  });
}

}  // namespace janji::net
