// Builds the immutable catalogue of rounds from the committed events of shard 0. Pure; lives in the rounds actor.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "actors/node.hpp"
#include "booking/round.hpp"

namespace janji::actors {

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
  // Applies a committed event; keeps it for the snapshot and the audit trail.
  void apply(const round_event& event);
  [[nodiscard]] std::shared_ptr<const round_catalogue> build();
  [[nodiscard]] const std::vector<round_event>& history() const { return history_; }
  [[nodiscard]] const round_entry* find(round_id id) const;
  [[nodiscard]] const round_entry* find(std::string_view code) const;

private:
  [[nodiscard]] trail_entry trail_entry_of(const round_event& event) const;

  std::uint16_t shard_count_;
  std::vector<std::shared_ptr<const round_entry>> rounds_;
  std::vector<round_event> history_;
  std::uint32_t next_group_ = 1;
  std::uint16_t next_round_ = 1;
  std::uint64_t version_ = 0;
};

// The stable key of a slot group: "round/centre/YYYY-MM-DD".
std::string group_key(const round_definition& round, const group_definition& group);

}  // namespace janji::actors
