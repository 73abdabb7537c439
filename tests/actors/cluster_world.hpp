// The world that a walk over a cluster goes through: its parcels, its citizens, and what may happen to its nodes.
// cluster_walk.cpp: what happens; cluster_walk_end.cpp: what must hold afterwards.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <variant>

#include "cluster/audit.hpp"
#include "cluster/placement.hpp"
#include "cluster/replica_codec.hpp"
#include "schema/mail.hpp"
#include "schema/tenure.hpp"
#include "tests/actors/cluster_walk.hpp"
#include "tests/actors/seeded_walk.hpp"
#include "tests/actors/told_denials.hpp"

namespace janji::sim {

inline constexpr int calm_rounds_max = 400;

// The records of all shards: linearizable; answers may be lost after the swap took effect.
class shared_records final : public cluster::config_store {
public:
  std::function<bool()> lose_answer = [] { return false; };
  std::function<void(shard_id, const cluster::versioned_record&)> changed = [](auto, const auto&) {};
  std::expected<cluster::versioned_record, std::string> read(shard_id shard) override {
    if (lose_answer())
      return std::unexpected("nobody answers");
    return records_[shard];
  }
  const cluster::versioned_record& known(shard_id shard) { return records_[shard]; }
  cluster::swap_outcome swap(shard_id shard, std::uint64_t expected_revision, const cluster::shard_record& record) override {
    auto& known = records_[shard];
    if (known.revision != expected_revision)
      return lose_answer() ? cluster::swap_outcome{} : cluster::swap_outcome{cluster::swap_result::lost, known};
    known = {++revision_, record};
    ++swaps;
    changed(shard, known);
    return lose_answer() ? cluster::swap_outcome{} : cluster::swap_outcome{cluster::swap_result::won, known};
  }
  std::function<bool()> lapsed = [] { return false; };  // the registration that a swap compares
  cluster::swap_outcome swap_if_registered(shard_id shard, std::uint64_t expected_revision, const cluster::shard_record& record,
                                           replication::member) override {
    const auto& known = records_[shard];
    if (known.revision != expected_revision || !lapsed())
      return swap(shard, expected_revision, record);
    return lose_answer() ? cluster::swap_outcome{} : cluster::swap_outcome{cluster::swap_result::unregistered, known};
  }
  std::uint64_t swaps = 0;

private:
  std::uint64_t revision_ = 0;
  std::map<shard_id, cluster::versioned_record> records_;
};

// As on a real link, what replicas, owners and fronts say to each other goes as bytes.
struct replica_bytes {
  shard_id shard;
  std::string bytes;
};
struct mail_bytes {
  shard_id shard;
  std::string bytes;
};
struct answer_bytes {
  std::string bytes;
};
struct told_rounds {
  sequence_t applied;
  std::vector<round_event> history;
};
struct seen_record {
  shard_id shard;
  cluster::versioned_record record;
};
struct lost_link {
  std::uint64_t node;
};
struct leaves {
  std::uint64_t node;
};
struct deposed {
  shard_id shard;
};
struct new_link {
  std::uint64_t node;
};
struct heard_bytes {
  std::string bytes;
};
struct table_bytes {
  shard_id shard;
  std::string bytes;
};
struct table_there {
  shard_id shard;
  std::uint64_t number;
};
struct admission_bytes {  // driven, or the answer to that shard's question
  shard_id shard;
  std::string bytes;
};
struct admission_question {
  shard_id shard;
  std::uint64_t number;
};
struct admission_there {
  shard_id shard;
  sequence_t position;
};
using parcel_content = std::variant<replica_bytes, mail_bytes, answer_bytes, told_rounds, seen_record, lost_link, leaves, deposed, new_link,
                                    heard_bytes, table_bytes, table_there, admission_bytes, admission_question, admission_there>;
struct parcel {
  std::size_t from;  // a node, or cluster_nodes: the store of records, or the citizens
  std::size_t to;
  parcel_content what;
};

class cluster_world final : public seeded_walk<cluster_walk_result> {
public:
  cluster_world(cluster_disks& disks, std::uint64_t seed, const cluster_faults& faults, bool trace);
  ~cluster_world() override { trace_ = false; }
  cluster_walk_result run(int steps);

private:
  // One node's way to the others.
  class way final : public actors::peer_port {
  public:
    way(cluster_world& w, std::size_t self) : world_(w), self_(self) {}
    void replicate(shard_id shard, replication::header&& head, replication::message&& what) override {
      const auto to = static_cast<std::size_t>(head.to.node - 1);
      world_.post({self_, to, replica_bytes{shard, cluster::encode_replica_message(head, what)}});
    }
    void forward(std::uint64_t node, shard_id shard, actors::group_mail_for&& mail) override {
      mail.mail.way.sent = world_.nodes_[self_]->now();
      world_.post({self_, node - 1, mail_bytes{shard, schema::encode_mail(mail.group, mail.mail.way, mail.mail.inputs)}});
    }
    void forward(std::uint64_t node, shard_id shard, actors::registry_mail&& mail) override {
      mail.way.sent = world_.nodes_[self_]->now();
      world_.post({self_, node - 1, mail_bytes{shard, schema::encode_mail(mail.way, mail.inputs)}});
    }
    bool tell_rounds_since(std::uint64_t, const schema::rounds_history&) override { return true; }
    void tell_rounds(sequence_t applied, const std::vector<round_event>& history, const std::set<std::uint64_t>&) override {
      for (std::size_t n = 0; n < cluster_nodes; ++n)
        if (n != self_)
          world_.post({self_, n, told_rounds{applied, history}});
    }
    // No read model in this walk.
    std::set<std::uint64_t> tell_figures(const schema::told_figures&, std::optional<std::uint64_t>) override { return {}; }
    void tell_leaving() override {
      for (std::size_t n = 0; n < cluster_nodes; ++n)
        if (n != self_)
          world_.post({self_, n, leaves{self_ + 1}});
    }
    void tell_deposed(shard_id shard) override {
      for (std::size_t n = 0; n < cluster_nodes; ++n)
        if (n != self_)
          world_.post({self_, n, deposed{shard}});
    }
    void tell_heard(const std::vector<schema::heard_shard>& shards) override {
      for (std::size_t n = 0; n < cluster_nodes; ++n)
        if (n != self_)
          world_.post({self_, n, heard_bytes{schema::encode_heard(shards)}});
    }
    void pass_table(std::uint64_t node, shard_id shard, const schema::table_part& part) override {
      world_.post({self_, node - 1, table_bytes{shard, schema::encode_table_part(part)}});
    }
    void acknowledge_table(std::uint64_t node, shard_id shard, std::uint64_t number) override {
      world_.post({self_, node - 1, table_there{shard, number}});
    }
    void tell_admission(const schema::told_admission& told) override {
      for (std::size_t n = 0; n < cluster_nodes; ++n)
        if (n != self_)
          world_.post({self_, n, admission_bytes{{}, schema::encode_told_admission(told)}});
    }
    void tell_admission_held(std::uint64_t node, shard_id shard, sequence_t position) override {
      world_.post({self_, node - 1, admission_there{shard, position}});
    }
    void ask_admission(std::uint64_t node, shard_id shard, std::uint64_t number) override {
      world_.post({self_, node - 1, admission_question{shard, number}});
    }
    void answer_admission(std::uint64_t node, shard_id shard, const schema::told_admission& told) override {
      world_.post({self_, node - 1, admission_bytes{shard, schema::encode_told_admission(told)}});
    }
    void tell_report(const schema::node_report&) override {}  // nor operators
    void ask(std::uint64_t, shard_id, const schema::shard_ask&) override {}
    void say(std::uint64_t, const schema::shard_said&) override {}

  private:
    cluster_world& world_;
    std::size_t self_;
  };

  struct citizen_request {
    enum class kind : std::uint8_t { book, cancel, move } what = kind::book;
    std::vector<unsigned> party;  // citizens; each has the request's key and its place in the party
    key_hash key;
    group_id group;
    std::optional<window_index> window;  // none: the first with room
    reference ref;
  };

  [[nodiscard]] shard_id shard_of(group_id group, std::size_t node);
  static body_hash body_of(const citizen_request& r) { return body_hash{r.group.value * 10 + (r.window ? r.window->value + 1U : 0U)}; }
  static key_hash key_of_request(key_hash of_person) { return key_hash{of_person.value & ~std::uint64_t{7}}; }
  [[nodiscard]] std::int64_t clock_ms() const override { return now_ms_; }
  void begin();
  void import();
  void post(parcel&& p);
  void deliver(std::size_t n);
  void hand_over(std::size_t from, std::size_t to, parcel_content&& what);
  void heard(const std::vector<answer>& answers);
  void decided(std::size_t node, const std::vector<answer>& answers);

  // ---- what may happen
  void step();
  void advance(std::int64_t ms);
  void ask();
  citizen_request new_booking(unsigned citizen);
  // Requests that a front's node has got, and not taken up yet: it was busy, or frozen.
  void take_up(std::size_t n);
  void freeze_or_thaw();
  void check_came(const answer& a, const std::vector<answer>& with);
  void note_denial(const answer& a, const citizen_request& r);
  void order_hand_over();
  // ---- operators' orders about the round (cluster_walk_orders.cpp)
  void order_state(round_state to);
  void order_some_state();
  void order_capacity();
  void state_told(std::uint64_t number, const std::expected<std::string, std::string>& said);
  void take_over_seen(shard_id shard);
  void check_standing(const answer& a, const citizen_request& r);
  [[nodiscard]] bool came_after(const citizen_request& r, std::uint64_t since) const;
  void check_order_in_logs(std::uint64_t number, const std::set<std::uint16_t>& lacking);
  void check_log_order();
  bool open_again();
  actors::citizen_command make(const citizen_request& r, std::size_t front, std::int64_t deadline_ms);
  void stop_node();
  void start(std::size_t n);
  void leave(std::size_t n);
  void cut();
  void check_turns();

  // ---- afterwards
  [[nodiscard]] bool at_rest() const;
  bool quieten();
  void calm(std::int64_t ms);
  bool everybody_serves();
  void finish();
  std::optional<outcome> answer_to(const citizen_request& r);
  void ask_again();
  void check_stores();
  void check_told();
  void check_refusals(const cluster::audited_booking& b);
  void check_denials();
  void check_capacities();

  std::uint16_t shard_count_;
  shared_records records_;
  std::array<std::unique_ptr<way>, cluster_nodes> ways_;
  std::array<std::unique_ptr<simulated_node>, cluster_nodes> nodes_;
  std::vector<parcel> under_way_;
  std::set<std::pair<std::size_t, std::size_t>> cuts_;  // from, to
  bool faults_on_ = true;
  bool hands_over_ = false;
  bool hands_over_often_ = false;  // as in a drain and a rolling restart, while citizens ask
  bool orders_ = false;
  int loss_percent_;
  int deaths_permille_;
  int cuts_permille_;
  std::int64_t deadline_ms_;
  std::int64_t now_ms_ = 0;
  std::vector<group_id> groups_;
  bool imported_ = false;

  std::uint64_t next_request_ = 0, next_key_ = 0, next_reference_ = 0;
  std::map<std::uint64_t, citizen_request> requests_;
  std::set<std::size_t> left_;                   // nodes that are about to stop, or have been at some time
  std::map<std::uint64_t, std::size_t> fronts_;  // where each was asked
  std::map<std::uint64_t, outcome> told_;
  struct waiting_request {
    actors::citizen_command command;
    std::size_t front;
    citizen_request asked;
  };
  std::array<std::uint64_t, cluster_nodes> frozen_until_{};  // step
  std::deque<waiting_request> not_taken_up_;
  // A refusal of a booking, as its leader decided it.
  struct refusal {
    group_id group;
    body_hash body;
    stamp number;
    outcome what;
    std::uint64_t decided_at = 0;  // step
  };
  std::map<std::uint64_t, std::uint64_t> came_at_;     // step at which a request reached its front
  std::multimap<std::uint64_t, refusal> refusals_;     // by key
  std::map<std::uint64_t, std::uint64_t> last_asked_;  // by key: the request sent last
  std::map<std::uint64_t, refusal> gone_;              // keys whose last request was told refused, of bookings
  told_denials denials_;
  std::set<std::uint64_t> reused_;  // keys that were used for two things
  std::vector<citizen_request> bookings_;
  // The last order, and per shard the step from which whatever comes there is judged by it; none where it may not be known yet.
  struct standing_order {
    std::uint64_t number = 0;
    round_state to = round_state::open;
    std::size_t node = 0;  // where it was given
    bool answered = true;
    bool told = false;  // done
    std::map<std::uint16_t, std::uint64_t> from;
  };
  standing_order order_;
  bool closed_ = false;                      // for good
  std::set<std::uint64_t> capacity_orders_;  // request numbers; each stands in the log as its reason
  std::map<std::uint16_t, cluster::shard_record> last_records_;
  std::map<std::uint64_t, reference> confirmed_;  // by key
  std::set<std::uint64_t> cancelled_;             // references
  std::map<unsigned, reference> held_;
};

}  // namespace janji::sim
