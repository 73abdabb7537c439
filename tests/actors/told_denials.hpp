// Whether what citizens were told as a refusal can have been true, judged at the end by what the logs hold. What nobody knows
// the moment of is taken for the citizens' worst: a place counts from the step at which somebody first asked for it, until the step
// at which somebody was told that it is free.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "booking/events.hpp"
#include "booking/messages.hpp"

namespace janji::sim {

class told_denials {
public:
  using moment = std::uint64_t;  // step of the walk
  struct denial {
    outcome what = outcome::full;
    key_hash key;  // of the request; its party's follow it
    std::vector<citizen_hash> party;
    group_id group;
    std::optional<window_index> window;
    std::uint8_t position = 0;
    std::uint32_t free = 0;
    moment came = 0;
    moment decided = 0;
  };

  void has(group_id group, std::vector<std::uint32_t> capacities) { capacities_[group.value] = std::move(capacities); }
  // Whether the order comes true, and when, is not known: it may have been so for every denial.
  void ordered(group_id group, window_index window, std::uint32_t capacity) {
    auto& least = capacities_.at(group.value).at(window.value);
    least = std::min(least, capacity);
  }
  // A booking, or a move to there, was asked for; only the first time counts.
  void asked(key_hash key, moment at) { first_asked_.try_emplace(of_request(key), at); }
  void asked(reference ref, group_id group, window_index window, moment at) {
    first_moved_.try_emplace({ref.value, group.value, window.value}, at);
  }
  // Somebody was told that no place of `ref` under a generation below this lives.
  void freed(reference ref, generation_t below, moment at) { freed_[ref.value].emplace_back(below, at); }
  void denied(denial&& d) { denials_.push_back(std::move(d)); }

  void take(group_id group, const group_event& committed);
  // After the logs of all shards were taken: what is wrong, in words.
  [[nodiscard]] std::optional<std::string> judge() const;

private:
  struct place {
    reference ref;
    generation_t generation;
    citizen_hash citizen;
    std::uint64_t key = 0;  // of its request
    group_id group;
    window_index window;
    bool moved = false;
  };
  static std::uint64_t of_request(key_hash key) { return key.value & ~std::uint64_t{7}; }
  [[nodiscard]] bool may_have_stood(const place& p, const denial& d) const;
  [[nodiscard]] std::optional<std::string> no_room(const denial& d) const;
  [[nodiscard]] std::optional<std::string> no_place_held(const denial& d) const;

  std::map<std::uint32_t, std::vector<std::uint32_t>> capacities_;
  std::map<std::uint64_t, moment> first_asked_;
  std::map<std::tuple<std::uint64_t, std::uint32_t, std::uint8_t>, moment> first_moved_;
  std::map<std::uint64_t, std::vector<std::pair<generation_t, moment>>> freed_;
  std::vector<denial> denials_;
  std::vector<place> places_;
};

}  // namespace janji::sim
