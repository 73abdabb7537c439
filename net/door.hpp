// Where every request of a citizen passes before anything is done for it, and where it can be turned away. What turns it away (limits, a
// waiting line, a challenge) is somebody else's: this is the one place that asks.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "booking/types.hpp"
#include "net/problem.hpp"

namespace janji::net {

enum class request_kind : std::uint8_t { read, book, look_up, cancel, move, other };

struct passage {
  request_kind what = request_kind::other;
  std::array<unsigned char, 16> from{};   // the caller's address; of IPv4 as IPv6 writes it
  const citizen_hash* citizen = nullptr;  // none: it is not known yet, or never is
};

class door {
public:
  virtual ~door() = default;
  // Asked when a request has come, before its body is looked at, and of a booking once more for each of its people. None: it may pass.
  // A refusal is *not known*: 429 or 503. Threads: the citizens' listener's.
  virtual std::optional<problem> refuse(const passage& p) = 0;
};

}  // namespace janji::net
