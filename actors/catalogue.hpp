// Builds the immutable catalogue of rounds from the committed events of shard 0. Pure; lives in the rounds actor.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/node.hpp"
#include "booking/round.hpp"
#include "booking/round_parts.hpp"

namespace janji::actors {

// Besides rounds and the last state of each; the trail shows fewer.
inline constexpr std::size_t orders_kept_max = trail_entries_shown * 6 / 5;

class catalogue_builder {
public:
  explicit catalogue_builder(std::uint16_t shard_count) : shard_count_(shard_count) {}
  // Begins anew; versions go on growing.
  [[nodiscard]] catalogue_builder emptied() const {
    catalogue_builder b(shard_count_);
    b.version_ = version_;
    return b;
  }

  // Gives the definition its round id and its groups their ids, beyond all that were ever given.
  void number(round_definition& definition) const;
  // Applies an event committed at that position of shard 0's log; keeps it for the snapshot and the audit trail. Of orders only the
  // last are kept: what a round is now does not depend on the others.
  // A part of an import changes nothing until the import has ended, and is then no event of its own any more.
  void apply(round_event event, sequence_t at = {});
  // What a snapshot holds: all that was committed up to its position, in which order it came is known and where is not.
  void apply_snapshot(const std::vector<round_event>& events, sequence_t at);
  [[nodiscard]] std::shared_ptr<const round_catalogue> build();
  [[nodiscard]] const std::vector<round_event>& history() const { return history_; }
  // What was applied of an import that has not ended.
  [[nodiscard]] const std::vector<round_event>& pending() const { return parts_.pending(); }
  // What came after a position; none where that is not known any more.
  [[nodiscard]] std::optional<std::vector<round_event>> since(sequence_t known) const;
  [[nodiscard]] const round_entry* find(round_id id) const;
  [[nodiscard]] const round_entry* find(std::string_view code) const;
  // The position of the last order that changed the round's state, or one behind it; 0: none did.
  [[nodiscard]] sequence_t changed_at(round_id id) const;
  // Who may book, as of a position at or behind the last order that changed it and of no other: what is to be in every shard's log.
  [[nodiscard]] admission_state admission() const;

private:
  [[nodiscard]] trail_entry trail_entry_of(const round_event& event) const;
  void add_round(const round_definition& definition, unix_ms at);
  void forget_old_orders();

  std::uint16_t shard_count_;
  std::vector<std::shared_ptr<const round_entry>> rounds_;
  group_index groups_;
  std::vector<round_event> history_;
  round_joiner parts_;
  std::vector<sequence_t> positions_;  // of the history's events
  sequence_t known_from_;              // positions up to here are a snapshot's
  std::uint32_t next_group_ = 1;
  std::uint16_t next_round_ = 1;
  std::uint64_t version_ = 0;
};

// The stable key of a slot group: "round/centre/YYYY-MM-DD".
std::string group_key(const round_definition& round, const group_definition& group);

}  // namespace janji::actors
