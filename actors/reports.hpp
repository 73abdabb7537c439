// What the nodes of a cluster tell each other for operators' eyes: once a second how their replicas stand; and questions and
// orders about one shard, asked of the nodes that have it and gathered here. Nothing of it decides anything about bookings.
#pragma once

#include <caf/all.hpp>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "actors/context.hpp"

namespace janji::actors {

class reports_actor : public caf::event_based_actor {
public:
  reports_actor(caf::actor_config& config, node_context& shared) : caf::event_based_actor(config), shared_(shared) {}
  caf::behavior make_behavior() override;
  const char* name() const override { return "reports"; }

private:
  struct said {
    bool good = false;
    std::string text;  // a part of a log is bytes
    sequence_t rounds_applied;
  };
  // An order of an operator of this node, until all who were asked have answered or it has taken too long.
  struct gathering {
    schema::shard_ask ask;
    shard_id shard;
    std::vector<std::uint64_t> asked;
    std::map<std::uint64_t, said> heard;  // by node
    operator_done done;
    unix_ms until;
    unix_ms again_until;       // a note that failed is tried again with the next report
    std::uint64_t ticket = 0;  // round_order: whose answer it is
  };

  void report();
  void heard(std::uint64_t node, schema::node_report&& report);
  void verify(verify_order& o);
  void read_log(read_log_order& o);
  void read_records(records_order& o);
  void note(note_order& o);
  [[nodiscard]] operator_done answer_to(std::uint64_t number);
  void note_again();
  void replace(replace_order& o);
  void pass(pass_round_order& o);
  void order_here(const shard_asked& a, std::uint64_t number);
  void begin(gathering&& g);
  void asked(const shard_asked& a);
  void entries_read(entries_loaded& e);
  void say(std::uint64_t number, schema::shard_said&& what);
  void answered(std::uint64_t node, std::uint64_t number, said&& what);
  void give_up_late_ones();
  void answer_order(gathering& g);
  void finish(gathering& g);

  node_context& shared_;
  std::uint64_t next_number_ = 0;
  std::map<std::uint64_t, gathering> gathering_;  // by number
  std::vector<gathering> unnoted_;                // tried again
  std::set<std::uint64_t> clocks_apart_;          // nodes of which it was said
  struct other_asker {
    std::uint64_t node = 0, number = 0;  // its own
    unix_ms until;
  };
  std::map<std::uint64_t, other_asker> for_others_;  // by own number
};

}  // namespace janji::actors
