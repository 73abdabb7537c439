#include "booking/refusal_table.hpp"

#include <utility>

#include "booking/entry_index.hpp"

namespace janji {

key_hash capacity_key(group_id group, window_index window) { return key_hash{spread(std::uint64_t{group.value} << 8U | window.value) + 1}; }

std::size_t refusal_table::bucket_of(key_hash key) const { return spread(key.value ^ image_.salt) % bucket_count; }

// Keys and citizens of one shard share the buckets; nobody is in the same place in both.
std::size_t refusal_table::bucket_of(const citizen_hash& citizen) const {
  return spread(spread(citizen.low() + 1) ^ image_.salt) % bucket_count;
}

refusal_table::verdict refusal_table::admit(const stamp& s, std::size_t bucket) const {
  const std::lock_guard lock(mutex_);
  if (stopped_)
    return verdict::stopped;
  if (s.tenure == nobodys_tenure)
    return verdict::interrupted;
  if (!enforced_)
    return verdict::admitted;
  const bool older = !image_.buckets.empty() && s.count < image_.buckets[bucket];
  return s.tenure != image_.tenure || older ? verdict::interrupted : verdict::admitted;
}

std::optional<stamp> refusal_table::number(std::size_t bucket) {
  const std::lock_guard lock(mutex_);
  if (stopped_)
    return std::nullopt;
  if (image_.buckets.empty())
    image_.buckets.resize(bucket_count);
  image_.buckets[bucket] = ++image_.count;
  return stamp{image_.tenure, image_.count};
}

void refusal_table::note_claim(const citizen_hash& citizen) {
  const std::lock_guard lock(mutex_);
  if (stopped_)
    return noted_while_stopped_.push_back(citizen.low());
  last_claims_[citizen.low()] = ++image_.count;
}

bool refusal_table::claimed_since(const stamp& s, const citizen_hash& citizen) const {
  const std::lock_guard lock(mutex_);
  if (!enforced_)
    return false;
  const auto it = last_claims_.find(citizen.low());
  return s.count < (it == last_claims_.end() ? passed_on_at_ : it->second);
}

void refusal_table::enforce(bool on) {
  const std::lock_guard lock(mutex_);
  enforced_ = on;
}
bool refusal_table::enforced() const {
  const std::lock_guard lock(mutex_);
  return enforced_;
}
void refusal_table::stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
}
void refusal_table::go_on() {
  const std::lock_guard lock(mutex_);
  stopped_ = false;
  for (const auto citizen : std::exchange(noted_while_stopped_, {}))
    last_claims_[citizen] = ++image_.count;
}
bool refusal_table::stopped() const { return stopped_; }
stamp refusal_table::now() const {
  const std::lock_guard lock(mutex_);
  return {image_.tenure, image_.count};
}
refusal_table::image refusal_table::copy() const {
  const std::lock_guard lock(mutex_);
  return image_;
}

}  // namespace janji
