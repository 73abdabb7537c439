// Mail that waits at a shard for an owner that is not there yet: counted, weighed over the node, and never kept past its time.
// Not thread-safe; lives in a shard's actor. The weight is the node's, and any thread's.
#pragma once

#include <atomic>
#include <cstddef>
#include <utility>
#include <variant>
#include <vector>

#include "actors/messages.hpp"

namespace janji::actors {

inline constexpr std::size_t waiting_mail_bytes_max = 64U << 20U;    // of a node, for owners that are not there
inline constexpr std::size_t queued_events_bytes_max = 256U << 20U;  // of a node, on their way to the log
inline constexpr std::int64_t undated_mail_ms = 10'000;              // what says no deadline comes again by itself

template <class Input>
std::size_t bytes_of(const Input& input) {
  std::size_t bytes = sizeof(Input);
  std::visit(
      [&](const auto& m) {
        if constexpr (requires { m.people; })
          for (const auto& p : m.people)
            bytes += sizeof p + p.sealed.size();
        if constexpr (requires { m.reason; })
          bytes += m.by.size() + m.reason.size();
        if constexpr (requires { m.refs; })
          bytes += m.refs.size() * sizeof m.refs.front();
      },
      input);
  return bytes;
}
template <class Mail>
std::size_t bytes_of_mail(const Mail& mail) {
  std::size_t bytes = sizeof(Mail);
  for (const auto& input : mail.inputs)
    bytes += bytes_of(input);
  return bytes;
}

// A part of a bound that many share, given back when this goes.
class held_bytes {
public:
  held_bytes() = default;
  held_bytes(held_bytes&& other) noexcept : of_(std::exchange(other.of_, nullptr)), bytes_(other.bytes_) {}
  held_bytes& operator=(held_bytes&& other) noexcept {
    std::swap(of_, other.of_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~held_bytes() {
    if (of_ != nullptr)
      *of_ -= bytes_;
  }
  // False: there is no room, and nothing is held.
  [[nodiscard]] bool hold(std::atomic<std::size_t>& of, std::size_t bytes, std::size_t bytes_max) {
    if (of.fetch_add(bytes) + bytes > bytes_max) {
      of -= bytes;
      return false;
    }
    of_ = &of;
    bytes_ = bytes;
    return true;
  }

private:
  std::atomic<std::size_t>* of_ = nullptr;
  std::size_t bytes_ = 0;
};

// Until when somebody waits for it.
template <class Input>
unix_ms deadline_of(const Input& input, unix_ms since) {
  if constexpr (requires { input.deadline; })
    if (input.deadline != unix_ms{})
      return input.deadline;
  return unix_ms{since.value + undated_mail_ms};
}

// Takes out what nobody waits for any more; commands among it go to `late`.
template <class Mail>
void drop_late(Mail& mail, unix_ms since, unix_ms now, std::vector<request_id>& late) {
  std::erase_if(mail.inputs, [&](const auto& input) {
    return std::visit(
        [&](const auto& m) {
          const bool over = deadline_of(m, since) <= now;
          if constexpr (requires { m.request; })
            if (over)
              late.push_back(m.request);
          return over;
        },
        input);
  });
}

template <class Mail>
class mail_queue {
public:
  // Takes the mail; false: past a bound, and it is the caller's still.
  [[nodiscard]] bool put(std::atomic<std::size_t>& weight, std::size_t count_max, Mail& mail, unix_ms now) {
    held_bytes held;
    if (mail_.size() >= count_max || !held.hold(weight, bytes_of_mail(mail), waiting_mail_bytes_max))
      return false;
    mail_.push_back({std::move(mail), now, std::move(held)});
    return true;
  }
  [[nodiscard]] std::vector<Mail> take() {
    std::vector<Mail> all;
    all.reserve(mail_.size());
    for (auto& k : std::exchange(mail_, {}))
      all.push_back(std::move(k.mail));
    return all;
  }
  void expire(unix_ms now, std::vector<request_id>& late) {
    std::erase_if(mail_, [&](kept& k) {
      drop_late(k.mail, k.since, now, late);
      return k.mail.inputs.empty();
    });
  }
  [[nodiscard]] bool empty() const { return mail_.empty(); }
  [[nodiscard]] std::size_t size() const { return mail_.size(); }

private:
  struct kept {
    Mail mail;
    unix_ms since;
    held_bytes held;
  };
  std::vector<kept> mail_;
};

}  // namespace janji::actors
