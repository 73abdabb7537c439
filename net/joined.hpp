// One answer for all who ask while it is being found. Owns whoever waits for it, `WAITING_MAX` at most. Not thread-safe.
#pragma once

#include <cstddef>
#include <functional>
#include <utility>
#include <vector>

namespace janji::net {

template <class ANSWER, std::size_t WAITING_MAX = 64>
class joined {
public:
  using taker = std::function<void(const ANSWER&)>;
  static constexpr std::size_t waiting_max = WAITING_MAX;

  [[nodiscard]] bool full() const { return waiting_.size() >= waiting_max; }
  // True: nobody waited before, so whoever calls has the answer found, and calls answer().
  [[nodiscard]] bool join(taker t) {
    waiting_.push_back(std::move(t));
    return waiting_.size() == 1;
  }
  // Who asks from now on, also while this is told, waits for the next.
  void answer(const ANSWER& a) {
    for (const auto& t : std::exchange(waiting_, {}))
      t(a);
  }

private:
  std::vector<taker> waiting_;
};

}  // namespace janji::net
