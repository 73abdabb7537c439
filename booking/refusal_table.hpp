// The refusals that a shard's leader has counted in its tenure, by idempotency key (of bookings) and by citizen (of changes):
// for each of a fixed number of buckets the number of the last one. A request that reached its front before a refusal of its
// key was decided bears a lesser count than the bucket, and is not admitted any more, however late it comes.
//
// Belongs to the shard, not to a slot group or a registry, so that passivation and a failed owner lose nothing; it is in no
// snapshot, never grows and never forgets. A planned hand-over passes it on whole; any other leader begins a new tenure.
//
// Threads: any; all owners of a shard share one.
#pragma once

#include <atomic>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <limits>
#include <mutex>
#include <optional>
#include <vector>

#include "booking/faults.hpp"
#include "booking/stamp.hpp"

namespace janji {

// Of orders about a window's capacity, among the keys of bookings.
[[nodiscard]] key_hash capacity_key(group_id group, window_index window);

class refusal_table {
public:
  static constexpr std::size_t bucket_count = 16'384;
  enum class verdict : std::uint8_t {
    admitted,
    interrupted,  // older than a refusal, or of another tenure, or of nobody's: not known, ask again
    stopped,      // the tenure is being handed over: nothing is said, and the next leader is asked the same
  };
  // All that the next leader needs to go on with the tenure.
  struct image {
    tenure_id tenure;
    std::uint64_t count = 0;
    std::uint64_t salt = 0;
    std::vector<std::uint64_t> buckets;  // none while nothing was refused
    friend bool operator==(const image&, const image&) = default;
  };

  // `salt`: random bits of the tenure, so that nobody can choose keys of one bucket.
  refusal_table(tenure_id tenure, std::uint64_t salt) : image_{tenure, 0, salt, {}} {}
  explicit refusal_table(image&& passed_on) : image_(std::move(passed_on)), passed_on_at_(image_.count) {}
  // Of a machine without a shard: admits whatever comes.
  refusal_table() : enforced_(false) {}

  [[nodiscard]] verdict admit(const stamp& s, key_hash key) const { return admit(s, bucket_of(key)); }
  [[nodiscard]] verdict admit(const stamp& s, const citizen_hash& citizen) const { return admit(s, bucket_of(citizen)); }
  // Numbers a refusal, or the end of a change. None while the tenure is being handed over: then it must not be said.
  std::optional<stamp> number(key_hash key) { return number(bucket_of(key)); }
  std::optional<stamp> number(const citizen_hash& citizen) { return number(bucket_of(citizen)); }

  // A claim was made: orders about its citizen that were given before it are not about it. Counted, and of no bucket: it interrupts
  // nobody else. Which claims were made is not passed on; the next leader takes all for as old as its part of the tenure.
  void note_claim(const citizen_hash& citizen);
  // One was made, or may have been, after a request with that stamp came.
  [[nodiscard]] bool claimed_since(const stamp& s, const citizen_hash& citizen) const;

  // While there are nodes of an earlier version, which stamp nothing, requests are taken as of this tenure; but nobody's are of none.
  void enforce(bool on);
  [[nodiscard]] bool enforced() const;
  void stop();   // admitting, and numbering; what was counted until now is what the next leader gets
  void go_on();  // the tenure was not handed over
  [[nodiscard]] bool stopped() const;
  [[nodiscard]] stamp now() const;
  [[nodiscard]] image copy() const;

private:
  [[nodiscard]] verdict admit(const stamp& s, std::size_t bucket) const;
  std::optional<stamp> number(std::size_t bucket);
  [[nodiscard]] std::size_t bucket_of(key_hash key) const;
  [[nodiscard]] std::size_t bucket_of(const citizen_hash& citizen) const;

  mutable std::mutex mutex_;
  image image_;
  std::uint64_t passed_on_at_ = 0;                                       // count at which this leader's part of the tenure began
  boost::unordered_flat_map<std::uint64_t, std::uint64_t> last_claims_;  // citizen -> count; grows with the shard's citizens
  std::vector<std::uint64_t> noted_while_stopped_;                       // eight bytes for each that was given to the log meanwhile
  bool enforced_ = true;
  std::atomic<bool> stopped_{false};  // written under it; owners ask after every step
};

// As admit(); tests plant faults in it.
template <class About>
[[nodiscard]] refusal_table::verdict judge(const refusal_table& table, stamp s, const About& about, const planted_faults& faults) {
  if (faults.forget_refusals)
    s.count = std::numeric_limits<std::uint64_t>::max();
  if (faults.any_tenure)
    s.tenure = table.now().tenure;
  return table.admit(s, about);
}

}  // namespace janji
