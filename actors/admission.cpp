#include "actors/admission.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace janji::actors {

void admission_driver::lead(admission_state&& now, bool anew) {
  if (anew)
    std::ranges::fill(held_, sequence_t{});
  leads_ = true;
  state_ = std::make_shared<const admission_state>(std::move(now));
  drive();
}

void admission_driver::wait(held_by_all done) {
  waiting_.push_back({state_->position, unix_ms{shared_.now().value + shared_.options.order_patience_ms}, std::move(done)});
  answer();
}

void admission_driver::held(shard_id shard, sequence_t position) {
  if (shard.value >= held_.size())
    return;
  held_[shard.value] = std::max(held_[shard.value], position);
  answer();
}

// Where not all nodes know of driven orders it is the fronts that judge, and nobody is to have them.
std::vector<shard_id> admission_driver::lacking(sequence_t position) const {
  std::vector<shard_id> out;
  if (!shared_.counts_refusals() || shared_.faults.orders_told_early)
    return out;
  for (std::uint16_t s = 0; s < held_.size(); ++s)
    if (held_[s] < position)
      out.emplace_back(s);
  return out;
}

void admission_driver::drive() {
  driven_at_ = shared_.now();
  const auto leader = shared_.peers == nullptr ? shared_.node_id : shared_.leader_of(shard_id{0});
  if (!leads_ || !shared_.counts_refusals() || state_->position == sequence_t{} || (leader != 0 && leader != shared_.node_id))
    return;
  for (std::uint16_t s = 0; s < held_.size(); ++s)
    if (held_[s] < state_->position)
      caf::anon_send(shared_.route.shard(shard_id{s}), admission_told{shared_.node_id, 0, state_});
  if (shared_.peers != nullptr && std::ranges::any_of(held_, [this](sequence_t h) { return h < state_->position; }))
    shared_.peers->tell_admission({0, *state_});
}

void admission_driver::pass_time() {
  if (shared_.now().value - driven_at_.value >= drive_every_ms && leads_ && !lacking(state_->position).empty())
    drive();
  answer();
}

void admission_driver::answer() {
  std::vector<std::pair<held_by_all, std::vector<shard_id>>> done;
  std::erase_if(waiting_, [&](waiter& w) {
    auto without = lacking(w.position);
    if (!without.empty() && shared_.now() < w.until)
      return false;
    done.emplace_back(std::move(w.done), std::move(without));
    return true;
  });
  for (const auto& [say, without] : done)
    say(without);
}

std::string words_of_lacking(const std::vector<shard_id>& lacking) {
  if (lacking.empty())
    return {};
  std::vector<std::uint16_t> numbers;
  numbers.reserve(lacking.size());
  for (const auto s : lacking)
    numbers.push_back(s.value);
  const bool one = numbers.size() == 1;
  return fmt::format("; the order stands, but shard{} {} {} not have it yet: bookings there go on as before until {}", one ? "" : "s",
                     fmt::join(numbers, ", "), one ? "does" : "do", one ? "it does" : "they do");
}

std::vector<shard_id> lacking_in(std::string_view words) {
  constexpr std::string_view begins = "the order stands, but shard";
  const auto at = words.find(begins);
  if (at == std::string_view::npos)
    return {};
  words.remove_prefix(at + begins.size());
  words = words.substr(0, words.find(" do"));
  std::vector<shard_id> out;
  while (!words.empty()) {
    const auto digit = words.find_first_of("0123456789");
    if (digit == std::string_view::npos)
      break;
    words.remove_prefix(digit);
    std::uint16_t n = 0;
    const auto [end, error] = std::from_chars(words.data(), words.data() + words.size(), n);
    if (error != std::errc{})
      return {};
    out.push_back(shard_id{n});
    words.remove_prefix(static_cast<std::size_t>(end - words.data()));
  }
  return out;
}

}  // namespace janji::actors
