#include "actors/operator_orders.hpp"

#include <utility>
#include <vector>

namespace janji::actors {

std::expected<std::string, std::string> words_of_order(outcome o, bool sent_again) {
  switch (o) {
    case outcome::found: return "changed";
    case outcome::cancelled: return "released";
    case outcome::not_found: return std::unexpected("not_found: there is no such claim");
    case outcome::window_unknown: return std::unexpected("unknown_window: there is no such window");
    case outcome::interrupted:
      return std::unexpected(
          sent_again
              ? "unknown: another node leads it since the order was given, and it is not known whether it was carried out: look before "
                "you order it again"
              : "changed: what it is about changed after the order was given, or who leads it; look before you order it again");
    case outcome::in_progress: return std::unexpected("busy: another change of it is under way; look before you order it again");
    default: return std::unexpected("unknown: not done in time; look before you ask again");
  }
}

request_id operator_orders::begin(std::uint64_t first, operator_done&& done, unix_ms until, std::function<void(const answer&)> hears) {
  const std::lock_guard lock{mutex_};
  const request_id request{operator_request_bit | first | ++last_};
  waiting_.emplace(request.value, waiting{std::move(done), until, std::move(hears)});
  return request;
}

void operator_orders::send(request_id request, shard_id shard, const std::function<void()>& send) {
  {
    const std::lock_guard lock{mutex_};
    if (const auto it = waiting_.find(request.value); it != waiting_.end()) {
      it->second.shard = shard;
      it->second.send = send;
    }
  }
  send();
}

void operator_orders::send_again(shard_id shard) {
  std::vector<std::function<void()>> again;
  {
    const std::lock_guard lock{mutex_};
    for (auto& [request, w] : waiting_)
      if (w.send && w.shard == shard) {
        w.sent_again = true;
        again.push_back(w.send);
      }
  }
  for (const auto& send : again)
    send();
}

bool operator_orders::answered(const answer& a) {
  if ((a.request.value & operator_request_bit) == 0)
    return false;
  waiting order;
  {
    const std::lock_guard lock{mutex_};
    if (auto known = waiting_.extract(a.request.value))
      order = std::move(known.mapped());
  }
  if (order.hears)
    order.hears(a);
  else if (order.done)
    order.done(words_of_order(a.what, order.sent_again));
  return true;
}

void operator_orders::give_up(unix_ms now) {
  std::vector<operator_done> late;
  {
    const std::lock_guard lock{mutex_};
    std::erase_if(waiting_, [&](auto& w) {
      if (w.second.until > now)
        return false;
      late.push_back(std::move(w.second.done));
      return true;
    });
  }
  for (const auto& done : late)
    done(std::unexpected("unknown: no answer came, and it is not known whether it comes true: look before you ask again"));
}

}  // namespace janji::actors
