// One coarse timer for thousands: whoever waits stands in the list of a second. Putting a deadline off is one assignment;
// its owner is found too early then, and moved on. Not thread-safe; owns nothing.
// Source: G. Varghese, A. Lauck, "Hashed and Hierarchical Timing Wheels", 1987 (scheme 6).
#pragma once

#include <algorithm>
#include <array>
#include <boost/intrusive/list.hpp>
#include <cstddef>
#include <cstdint>

namespace janji::net {

using wheel_hook = boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

class timed : public wheel_hook {
private:
  friend class timer_wheel;
  std::uint32_t due_s_ = 0;
  std::uint32_t listed_s_ = 0;  // the second in whose list it stands
};

class timer_wheel {
public:
  [[nodiscard]] std::uint32_t now_s() const { return now_s_; }

  // `t` will be told `after_s` seconds from now (a second later at most), unless it is put off before. The present second is
  // partly over, so it does not count.
  void set(timed& t, std::uint32_t after_s) {
    t.due_s_ = now_s_ + after_s + 1;
    if (!t.is_linked() || t.listed_s_ > t.due_s_)
      list(t);
  }

  // One second has passed. `expired` may destroy the one it is given, and no other.
  template <class Expired>
  void advance(Expired&& expired) {
    ++now_s_;
    slot_list passed;
    passed.swap(slots_[now_s_ % slots_.size()]);
    while (!passed.empty()) {
      auto& t = passed.front();
      passed.pop_front();
      if (t.due_s_ > now_s_)
        list(t);
      else
        expired(t);
    }
  }

  // `use` may destroy the one it is given, and no other.
  template <class Use>
  void for_each(Use&& use) {
    for (auto& slot : slots_)
      for (auto it = slot.begin(); it != slot.end();)
        use(*it++);
  }

private:
  using slot_list = boost::intrusive::list<timed, boost::intrusive::constant_time_size<false>>;

  void list(timed& t) {
    if (t.is_linked())
      t.unlink();
    t.listed_s_ = std::min<std::uint32_t>(t.due_s_, now_s_ + static_cast<std::uint32_t>(slots_.size()) - 1);
    slots_[t.listed_s_ % slots_.size()].push_back(t);
  }

  std::array<slot_list, 64> slots_;
  std::uint32_t now_s_ = 0;
};

}  // namespace janji::net
