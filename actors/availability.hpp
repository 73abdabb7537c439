// The node's read model: numbers of every slot group as last committed, and per state a page that is ready to send.
// Never on the booking path: groups report at most every publish_every_ms, pages are built at most as often, and readers
// take an immutable copy without asking any actor.
#pragma once

#include <caf/all.hpp>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "actors/context.hpp"

namespace janji::actors {

// Readers' side: any thread.
struct read_model {
  using page_key = std::pair<std::uint16_t, std::uint8_t>;  // round, state
  published<std::map<page_key, std::shared_ptr<const availability_page>>> pages;
  published<std::vector<group_figures>> figures;
  published<freshness> fresh;
};

class availability_actor : public caf::event_based_actor {
public:
  availability_actor(caf::actor_config& config, node_context& shared, read_model& model);
  caf::behavior make_behavior() override;
  const char* name() const override { return "availability"; }

private:
  void take(group_figures&& figures, bool of_this_node);
  void tell_others();
  void tell_changes();
  void tell_who_is_behind();
  void tell_beat();
  void hear_beat(const schema::told_figures& told);
  void lead(std::uint32_t group, bool here);
  void count_groups(const round_catalogue& catalogue);
  void judge_age(const round_catalogue& catalogue);
  [[nodiscard]] std::optional<unix_ms> led_as_of(std::size_t shard) const;
  [[nodiscard]] std::optional<unix_ms> heard_of(const round_entry& round, std::uint32_t index, const round_catalogue& catalogue) const;
  void publish_figures();
  void build();
  [[nodiscard]] bool is_complete(const round_catalogue& catalogue) const;
  [[nodiscard]] std::vector<bool> served_shards() const;
  [[nodiscard]] std::set<read_model::page_key> changed_pages(const round_catalogue& catalogue) const;
  const std::string& day(const round_entry& round, std::uint32_t index, unix_ms moment);
  [[nodiscard]] std::optional<unix_ms> page_as_of(const round_entry& round, std::uint8_t state, const round_catalogue& catalogue) const;
  std::shared_ptr<const availability_page> page(const round_entry& round, std::uint8_t state, const round_catalogue& catalogue);
  std::shared_ptr<availability_page> page_at(const round_entry& round, std::uint8_t state, std::optional<unix_ms> as_of, unix_ms moment);

  node_context& shared_;
  read_model& model_;
  std::map<std::uint32_t, group_figures> numbers_;
  std::map<read_model::page_key, std::shared_ptr<const availability_page>> pages_;
  // By group: its part of a page, while its numbers stand and it is in that time, of a round in that state.
  struct day_text {
    std::string text;
    unix_ms from, until;
    round_state state = round_state::imported;
  };
  std::unordered_map<std::uint32_t, day_text> days_;
  bool judged_past_ = false;                // what days_ were made with
  std::set<std::uint32_t> changed_groups_;  // since the last build
  std::set<std::uint32_t> to_tell_;         // led here, and changed since the other nodes were told
  std::set<std::uint32_t> led_here_;
  std::map<std::uint64_t, std::uint32_t> behind_;  // nodes that have just come, or were not reached: the first group to tell them of
  std::vector<std::uint32_t> groups_of_, led_of_;  // by shard: its slot groups, and those of them that are led here
  std::vector<std::optional<unix_ms>> heard_;      // by shard: when all of its numbers were last known to be those of its leader
  std::optional<unix_ms> rounds_heard_;            // when the rounds known here were last those of who leads them
  bool rounds_whole_ = false;                      // who leads them has said that there are no others
  unix_ms started_at_;
  unix_ms judged_at_;
  std::uint64_t counted_version_ = ~std::uint64_t{0};
  unsigned builds_since_figures_ = 0;
  bool figures_stale_ = true;
  bool catalogue_changed_ = true;
};

}  // namespace janji::actors
