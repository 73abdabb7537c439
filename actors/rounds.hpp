// The actor that owns the rounds and the operators' trail: events in shard 0's log, published to everybody as one
// immutable catalogue. An order is answered when its event is committed, and not before.
#pragma once

#include <caf/all.hpp>
#include <deque>

#include "actors/catalogue.hpp"
#include "actors/context.hpp"

namespace janji::actors {

class rounds_actor : public caf::event_based_actor {
public:
  // `builder` holds what is committed already.
  rounds_actor(caf::actor_config& config, node_context& shared, catalogue_builder builder, sequence_t applied);
  caf::behavior make_behavior() override;
  const char* name() const override { return "rounds"; }

private:
  struct waiting {
    std::uint64_t token = 0;
    incarnation_t incarnation;  // to which it was given
    round_event event;
    operator_done done;
    std::string answer;
  };
  void take(import_order& o);
  void take(state_order& o);
  void append(round_event event, operator_done done, std::string answer);
  void committed(const round_committed& c);
  void take_over(rounds_read& r);
  void take(rounds_told& t);
  void publish();
  void tell_others();

  node_context& shared_;
  catalogue_builder builder_;
  sequence_t applied_;
  incarnation_t incarnation_;  // of shard 0's leadership here; none where it is led elsewhere
  bool leading_ = false;       // of a cluster
  std::deque<waiting> waiting_;
  std::uint64_t next_token_ = 0;
};

}  // namespace janji::actors
