// What the connections of a listener hold in memory until their readers have taken it, or until it has come whole. What several hold
// together counts once in all, and for nobody in particular; the rest counts for its address too.
//
// Threads: its listener's only. Outlives its parts.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>

namespace janji::net {

class held_bytes {
public:
  // One thing that is held. Empty, or counted until it goes.
  class part {
  public:
    part() = default;
    part(held_bytes& all, const boost::asio::ip::address& whose, const void* shared, std::size_t bytes)
        : all_(&all), whose_(whose), shared_(shared), bytes_(bytes) {
      all_->add(*this);
    }
    part(part&& other) noexcept : part() { swap(other); }
    part& operator=(part&& other) noexcept {
      part taken(std::move(other));
      swap(taken);
      return *this;
    }
    part(const part&) = delete;
    part& operator=(const part&) = delete;
    ~part() {
      if (all_ != nullptr)
        all_->remove(*this);
    }
    [[nodiscard]] std::size_t bytes() const { return bytes_; }

  private:
    friend class held_bytes;
    void swap(part& other) noexcept {
      std::swap(all_, other.all_);
      std::swap(whose_, other.whose_);
      std::swap(shared_, other.shared_);
      std::swap(bytes_, other.bytes_);
    }
    held_bytes* all_ = nullptr;
    boost::asio::ip::address whose_;
    const void* shared_ = nullptr;
    std::size_t bytes_ = 0;
  };

  [[nodiscard]] std::size_t in_all() const { return in_all_; }
  [[nodiscard]] std::size_t of(const boost::asio::ip::address& whose) const {
    const auto it = by_address_.find(whose);
    return it == by_address_.end() ? 0 : it->second;
  }

private:
  struct hash {
    std::size_t operator()(const boost::asio::ip::address& a) const { return std::hash<boost::asio::ip::address>{}(a); }
  };
  void add(const part& p) {
    if (p.shared_ != nullptr) {
      if (++shared_[p.shared_] == 1)
        in_all_ += p.bytes_;
      return;
    }
    in_all_ += p.bytes_;
    by_address_[p.whose_] += p.bytes_;
  }
  void remove(const part& p) {
    if (p.shared_ != nullptr) {
      const auto it = shared_.find(p.shared_);
      if (--it->second == 0) {
        shared_.erase(it);
        in_all_ -= p.bytes_;
      }
      return;
    }
    in_all_ -= p.bytes_;
    const auto it = by_address_.find(p.whose_);
    it->second -= p.bytes_;
    if (it->second == 0)
      by_address_.erase(it);
  }

  std::size_t in_all_ = 0;
  boost::unordered_flat_map<const void*, std::size_t> shared_;  // -> how many hold it
  boost::unordered_flat_map<boost::asio::ip::address, std::size_t, hash> by_address_;
};

}  // namespace janji::net
