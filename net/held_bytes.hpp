// What the connections of a listener hold in memory until their readers have taken it, or until it has come whole. Bytes that several hold
// together count once in all, and once for each address that holds them.
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
    // `shared`: where the bytes lie, if others may hold them too.
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
    // Of what is counted in all, so much goes with this part.
    [[nodiscard]] std::size_t alone() const { return all_ == nullptr ? 0 : all_->alone(*this); }

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
  using address = boost::asio::ip::address;
  struct counted {
    std::size_t holders = 0;
    std::size_t bytes = 0;
  };
  struct hash {
    std::size_t operator()(const address& a) const { return std::hash<address>{}(a); }
    std::size_t operator()(const std::pair<address, const void*>& p) const {
      return std::hash<address>{}(p.first) ^ (std::hash<const void*>{}(p.second) * 0x9E3779B97F4A7C15U);
    }
  };
  void add(const part& p) {
    if (p.shared_ == nullptr) {
      in_all_ += p.bytes_;
      by_address_[p.whose_] += p.bytes_;
      return;
    }
    if (auto& c = shared_[p.shared_]; ++c.holders == 1)
      in_all_ += c.bytes = p.bytes_;
    if (auto& c = shared_by_[{p.whose_, p.shared_}]; ++c.holders == 1)
      by_address_[p.whose_] += c.bytes = p.bytes_;
  }
  void remove(const part& p) {
    if (p.shared_ == nullptr) {
      in_all_ -= p.bytes_;
      return take_from(p.whose_, p.bytes_);
    }
    if (const auto it = shared_.find(p.shared_); --it->second.holders == 0) {
      in_all_ -= it->second.bytes;
      shared_.erase(it);
    }
    if (const auto it = shared_by_.find({p.whose_, p.shared_}); --it->second.holders == 0) {
      take_from(p.whose_, it->second.bytes);
      shared_by_.erase(it);
    }
  }
  void take_from(const address& whose, std::size_t bytes) {
    const auto it = by_address_.find(whose);
    it->second -= bytes;
    if (it->second == 0)
      by_address_.erase(it);
  }
  [[nodiscard]] std::size_t alone(const part& p) const {
    if (p.shared_ == nullptr)
      return p.bytes_;
    const auto it = shared_.find(p.shared_);
    return it->second.holders == 1 ? it->second.bytes : 0;
  }

  std::size_t in_all_ = 0;
  boost::unordered_flat_map<const void*, counted> shared_;
  boost::unordered_flat_map<std::pair<address, const void*>, counted, hash> shared_by_;
  boost::unordered_flat_map<address, std::size_t, hash> by_address_;
};

}  // namespace janji::net
