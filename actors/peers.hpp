// This node's actors and the links: what they say to those of other nodes, and what comes from there to them. What comes is
// checked; junk is counted, said once a kind, and dropped.
//
// Threads: peer_port from any; peer_events from the links' own.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <shared_mutex>

#include "actors/context.hpp"
#include "cluster/peer_links.hpp"

namespace janji::actors {

// Whose request this is: the number of the node that made it, in the bits below the operators'; below that the node's life. An answer
// to what a former life asked may come late, and must not be taken for the answer to another citizen's request.
inline constexpr unsigned request_node_shift = 48;
inline constexpr unsigned request_life_shift = 36;
inline constexpr std::uint64_t request_node_mask = 0xFFF;
inline constexpr std::uint64_t request_life_mask = 0xFFF;
inline std::uint64_t node_of(request_id r) { return r.value >> request_node_shift & request_node_mask; }
inline std::uint64_t first_request_of(std::uint64_t node, std::uint64_t boot) {
  return node << request_node_shift | (replication::number_of(replication::boot_t{boot}) & request_life_mask) << request_life_shift;
}

// A message that no payload of a link holds goes in parts, and counts when all of them are there. Less than a link's window.
inline constexpr std::size_t told_bytes_max = 30U << 20U;
inline constexpr std::size_t part_bytes_max = 1U << 20U;
// Mail and answers go in messages of at most so much; one that is larger goes alone.
inline constexpr std::size_t mail_bytes_max = 1U << 20U;
inline constexpr std::size_t mail_items_a_message_max = 4'096;
static_assert(mail_items_a_message_max <= schema::mail_items_max && mail_bytes_max < cluster::peer_payload_bytes_max);
static_assert(2 * janji::limits::party_people_max * janji::limits::sealed_record_bytes_max < mail_bytes_max);  // a booking never goes alone

class peers final : public peer_port, public cluster::peer_events {
public:
  explicit peers(node_context& shared) : shared_(shared) {}
  // Until then, and after close(), everything that is sent is lost.
  void use(cluster::peer_links& links);
  // When this has returned no event is at work and none begins, and the links are not used any more.
  void close();

  void replicate(shard_id shard, replication::header&& head, replication::message&& what) override;
  void forward(std::uint64_t node, shard_id shard, group_mail_for&& mail) override;
  void forward(std::uint64_t node, shard_id shard, registry_mail&& mail) override;
  void tell_rounds(sequence_t applied, const std::vector<round_event>& history, const std::set<std::uint64_t>& but) override;
  bool tell_rounds_since(std::uint64_t node, const schema::rounds_history& what) override;
  std::set<std::uint64_t> tell_figures(const schema::told_figures& figures, std::optional<std::uint64_t> only) override;
  [[nodiscard]] std::set<std::uint64_t> linked_nodes() override;
  void tell_leaving() override;
  void tell_deposed(shard_id shard) override;
  void tell_heard(const std::vector<schema::heard_shard>& shards) override;
  void pass_table(std::uint64_t node, shard_id shard, const schema::table_part& part) override;
  void acknowledge_table(std::uint64_t node, shard_id shard, std::uint64_t number) override;
  void tell_admission(const schema::told_admission& told) override;
  void tell_admission_held(std::uint64_t node, shard_id shard, sequence_t position) override;
  void ask_admission(std::uint64_t node, shard_id shard, std::uint64_t number) override;
  void answer_admission(std::uint64_t node, shard_id shard, const schema::told_admission& told) override;
  void tell_report(const schema::node_report& report) override;
  void ask(std::uint64_t node, shard_id shard, const schema::shard_ask& what) override;
  void say(std::uint64_t node, const schema::shard_said& what) override;
  void answer(std::uint64_t node, const std::vector<janji::answer>& answers);

  void link_up(const cluster::peer& with) override;
  void link_broken(const cluster::peer& with) override;
  void received(const cluster::peer& from, cluster::peer_message&& message) override;

private:
  enum class kind : std::uint16_t {
    replica = 1,
    mail = 2,
    answers = 3,
    rounds = 4,
    figures = 5,
    leaving = 6,
    report = 7,
    ask = 8,
    said = 9,
    deposed = 10,
    part = 11,
    rounds_since = 12,
    heard = 16,
    table_part = 17,
    table_acknowledged = 18,
    admission_driven = 19,
    admission_held = 20,
    admission_asked = 21,
    admission_answered = 22
  };
  // A message of which parts have come, in their order.
  struct assembly {
    std::uint64_t number = 0;
    std::uint32_t next = 0;
    cluster::peer_message whole;
  };
  bool send(std::uint64_t node, shard_id shard, kind what, std::string&& payload, std::chrono::steady_clock::time_point until = {});
  bool send_in_parts(std::uint64_t node, shard_id shard, kind what, const std::string& payload);
  [[nodiscard]] std::string take_part(const cluster::peer& from, cluster::peer_message& message);
  void send_to_all(kind what, const std::string& payload, shard_id shard = {});
  [[nodiscard]] std::string take(const cluster::peer& from, cluster::peer_message& message);
  [[nodiscard]] std::string take_replica(const cluster::peer& from, const cluster::peer_message& message);
  [[nodiscard]] std::string take_mail(const cluster::peer_message& message);
  [[nodiscard]] std::string take_tenure(const cluster::peer& from, const cluster::peer_message& message);
  [[nodiscard]] std::string take_admission(const cluster::peer& from, const cluster::peer_message& message);
  [[nodiscard]] std::string take_operators(const cluster::peer& from, const cluster::peer_message& message);

  node_context& shared_;
  std::shared_mutex gate_;
  cluster::peer_links* links_ = nullptr;  // under gate_, and so is closed_
  bool closed_ = false;
  std::mutex mutex_;
  std::set<std::uint64_t> linked_;                // under mutex_
  std::mutex parts_mutex_;                        // parts of one message stand together on a link
  std::uint64_t messages_in_parts_ = 0;           // under parts_mutex_
  std::map<std::uint64_t, assembly> assemblies_;  // by node; the links' thread, and so below
  std::set<std::uint16_t> complained_of_;
};

}  // namespace janji::actors
