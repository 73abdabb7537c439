// A queue in one piece of memory, which std::deque is not: it takes a new block for every element of this size.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace janji {

template <class T>
class fifo {
public:
  [[nodiscard]] bool empty() const { return head_ == items_.size(); }
  [[nodiscard]] std::size_t size() const { return items_.size() - head_; }
  [[nodiscard]] T& front() { return items_[head_]; }
  // References stay valid until the next push_back() or pop_front().
  [[nodiscard]] T& back() { return items_.back(); }
  [[nodiscard]] auto begin() const { return items_.begin() + static_cast<std::ptrdiff_t>(head_); }
  [[nodiscard]] auto end() const { return items_.end(); }
  void push_back(T&& item) { items_.push_back(std::move(item)); }
  void pop_front() {
    ++head_;
    if (head_ == items_.size()) {
      items_.clear();
      head_ = 0;
    } else if (head_ >= compact_at && head_ * 2 >= items_.size()) {
      items_.erase(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(head_));
      head_ = 0;
    }
  }

private:
  static constexpr std::size_t compact_at = 64;
  std::vector<T> items_;
  std::size_t head_ = 0;
};

}  // namespace janji
