// The claims of one shard's citizens: owns each citizen's one place in a round, and the intents of cancels and moves.
// Guarantees: I3; I4 for keys across groups and after cancellations; a claim is released only when every group it names
// has committed that the reference is not live there.
// Pure, not thread-safe, as slot_group. Committed state and what is under way are kept apart.
//
// The flow, step by step: docs/architecture.md.
#pragma once

#include <cstddef>
#include <expected>
#include <functional>
#include <optional>
#include <memory>
#include <string>
#include <vector>

#include "booking/admission.hpp"
#include "booking/faults.hpp"
#include "booking/messages.hpp"
#include "booking/refusal_table.hpp"

namespace janji {

// joined: a cancel has joined the move that is under way.
enum class claim_state : std::uint8_t { pending, confirmed, cancelling, moving, releasing, cancelled, released, joined };

// A claim as committed. Kept small: a national round has millions.
struct claim {
  citizen_hash citizen;
  reference ref;
  key_hash key;
  body_hash body;
  group_id group;
  std::uint32_t at_s = 0;  // seconds since 1970
  generation_t generation;
  generation_t last_generation;  // the highest that a move has tried
  window_index window;
  claim_state state = claim_state::pending;
  std::uint8_t token_generation = 0;
};
static_assert(sizeof(claim) <= 56);

class citizen_registry {
public:
  citizen_registry(shard_id shard, incarnation_t incarnation, planted_faults faults = {});
  ~citizen_registry();
  citizen_registry(citizen_registry&&) noexcept;
  citizen_registry& operator=(citizen_registry&&) noexcept;

  // The shard's refusals, before the first step; shared with its other owners.
  void use(std::shared_ptr<refusal_table> refusals);
  // What the shard admits; also before the first step. Without it whatever comes is admitted.
  void judge_by(std::shared_ptr<const admission_gate> gate);
  void step(unix_ms now, registry_input&& in, std::vector<registry_output>& out);
  void apply(const registry_event& event, log_sequence sequence);

  [[nodiscard]] bool idle() const;
  [[nodiscard]] unix_ms next_deadline() const;

  // Claims not settled (pending without a request under way, cancelling, moving, releasing): a tick drives on up to
  // `sweep_batch` of them, oldest first.
  [[nodiscard]] std::size_t unsettled() const;

  [[nodiscard]] std::size_t size() const;  // all claims ever, also cancelled ones
  // Valid until the next step() or apply().
  [[nodiscard]] const claim* find(reference ref) const;
  [[nodiscard]] const claim* find_citizen(const citizen_hash& citizen) const;  // the latest that is not released
  void for_each(const std::function<void(const claim&)>& visit) const;
  [[nodiscard]] log_sequence applied() const;

  [[nodiscard]] std::string snapshot() const;
  static std::expected<citizen_registry, std::string> restore(std::string_view bytes, shard_id shard, incarnation_t incarnation,
                                                              planted_faults faults = {});
  [[nodiscard]] std::uint64_t state_hash() const;

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace janji
