// A hash index over the records of a vector: stores only their numbers (4 bytes) and reads the key from the record, which
// is what keeps a booking under a hundred bytes. The vector's records may be moved in memory, not renumbered.
#pragma once

#include <boost/unordered/unordered_flat_set.hpp>
#include <cstdint>
#include <optional>
#include <vector>

namespace janji {

// Spreads keys that are already random, or small numbers.
inline std::size_t spread(std::uint64_t v) {
  v ^= v >> 32;
  v *= 0x9e3779b97f4a7c15ULL;
  return static_cast<std::size_t>(v ^ (v >> 29));
}

// `Key` is a function object: (const Record&) -> std::uint64_t or another comparable, hashable by hash_of().
template <class Record, class Key>
class entry_index {
public:
  using key_type = std::invoke_result_t<Key, const Record&>;

  explicit entry_index(const std::vector<Record>& records) : set_(0, hasher{&records}, equal{&records}) {}

  [[nodiscard]] std::optional<std::uint32_t> find(const key_type& key) const {
    const auto it = set_.find(probe{key});
    if (it == set_.end())
      return std::nullopt;
    return *it;
  }
  // Puts record `number` under its key, in place of the one that was there.
  void put(std::uint32_t number) {
    const auto [it, fresh] = set_.insert(number);
    if (!fresh) {
      set_.erase(it);
      set_.insert(number);
    }
  }
  // Leaves the one that was there.
  void put_first(std::uint32_t number) { set_.insert(number); }
  void erase(std::uint32_t number) { set_.erase(number); }
  void reserve(std::size_t n) { set_.reserve(n); }
  // After the vector itself has moved to another object.
  void rebuild(const std::vector<Record>& records, auto&& put_if) {
    set_ = set_type(0, hasher{&records}, equal{&records});
    set_.reserve(records.size());
    for (std::uint32_t i = 0; i < records.size(); ++i)
      if (put_if(records[i]))
        put(i);
  }
  void rebuild_first(const std::vector<Record>& records) {
    set_ = set_type(0, hasher{&records}, equal{&records});
    set_.reserve(records.size());
    for (std::uint32_t i = 0; i < records.size(); ++i)
      put_first(i);
  }

private:
  struct probe {
    key_type key;
  };
  struct hasher {
    using is_transparent = void;
    const std::vector<Record>* records = nullptr;
    std::size_t operator()(std::uint32_t n) const { return hash_of(Key{}((*records)[n])); }
    std::size_t operator()(const probe& p) const { return hash_of(p.key); }
    static std::size_t hash_of(std::uint64_t v) { return spread(v); }
    template <class K>
      requires requires(const K& k) { k.low(); }
    static std::size_t hash_of(const K& k) {
      return spread(k.low());
    }
  };
  struct equal {
    using is_transparent = void;
    const std::vector<Record>* records = nullptr;
    bool operator()(std::uint32_t a, std::uint32_t b) const { return Key{}((*records)[a]) == Key{}((*records)[b]); }
    bool operator()(const probe& p, std::uint32_t b) const { return p.key == Key{}((*records)[b]); }
    bool operator()(std::uint32_t a, const probe& p) const { return p.key == Key{}((*records)[a]); }
  };
  using set_type = boost::unordered_flat_set<std::uint32_t, hasher, equal>;
  set_type set_;
};

}  // namespace janji
