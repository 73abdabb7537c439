// What a node's data was written as: by a node that is alone, or by a member of one cluster under one number. It stands in a file of
// the store's directory, so that a start with settings that contradict it is refused before anything is opened for writing. A cluster
// is told apart from another of its name by an id: random bits that the first node puts into the configuration store, together with
// what all its nodes must have alike.
// Pure but for the two functions that name a file; any thread.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace janji::store {
class node_store;
}

namespace janji::cluster {

// A cluster as the configuration store has it.
struct cluster_identity {
  std::string id;  // 32 hexadecimal digits; empty: not known yet
  std::uint16_t shards = 0;
  std::uint8_t replicas = 0;
  std::uint8_t min_in_sync = 0;
  std::uint64_t founder = 0;  // not 0: the data of this node, which was alone, is being handed to it; nobody else may start
  friend bool operator==(const cluster_identity&, const cluster_identity&) = default;
};
inline constexpr std::string_view cluster_identity_value = "cluster";  // its name in the configuration store
inline constexpr std::size_t cluster_name_bytes_max = 64;
inline constexpr std::uint64_t cluster_node_max = 4'095;

// founder: alone until now; its next start makes a cluster of its data.
enum class membership_kind : std::uint8_t { alone, founder, member };
struct membership_record {
  membership_kind kind = membership_kind::alone;
  std::string cluster;  // its name; of alone: empty, as all that follows
  std::uint64_t node = 0;
  cluster_identity identity;
  friend bool operator==(const membership_record&, const membership_record&) = default;
};

// What a start's settings say; no cluster's name: alone.
struct membership_settings {
  std::string data;
  std::string cluster;
  std::uint64_t node = 0;
  std::string etcd;  // for words
  cluster_identity identity;
};

// What the store itself shows, where nobody wrote a record: an earlier version wrote none. `mixed`: of both, which a start against
// its settings left behind.
enum class disk_kind : std::uint8_t { nothing, alone, member, mixed };

// A log entry that is larger cannot be sent to another node: data that holds one stays that of a node that is alone.
inline constexpr std::size_t replicated_entry_bytes_max = 29U << 20U;

[[nodiscard]] std::string to_text(const cluster_identity& c);
[[nodiscard]] std::expected<cluster_identity, std::string> cluster_identity_from_text(std::string_view text);
[[nodiscard]] std::string to_text(const membership_record& r);
[[nodiscard]] std::expected<membership_record, std::string> membership_record_from_text(std::string_view text);
[[nodiscard]] std::string new_cluster_id();
// Why a cluster cannot have that name and a node that number; none: they can.
[[nodiscard]] std::optional<std::string> wrong_with_name(std::string_view cluster, std::uint64_t node);

// In words: "node 2 of the cluster a", "a node that is alone".
[[nodiscard]] std::string words_of(const membership_record& r);

// Each says in one sentence why a start is refused, naming both sides and what to do; none: nothing stands against it.
[[nodiscard]] std::optional<std::string> contradiction(const membership_record& disk, const membership_settings& s);
// Of data without a record.
[[nodiscard]] std::optional<std::string> contradiction(disk_kind disk, const membership_settings& s);
// Of a cluster as the configuration store has it, with the settings; and with the data, where it knows its cluster.
[[nodiscard]] std::optional<std::string> contradiction(const cluster_identity& there, const std::optional<membership_record>& disk,
                                                       const membership_settings& s);

// The record of the data directory; none: there is none.
[[nodiscard]] std::expected<std::optional<membership_record>, std::string> read_membership(const std::string& data);
// Durable when it returns ok. The store is open, or at least there.
[[nodiscard]] std::expected<void, std::string> write_membership(const std::string& data, const membership_record& r);

// By promises, by records of shards that only a node that is alone keeps in its store, by who numbered its starts.
[[nodiscard]] std::expected<disk_kind, std::string> kind_of(const store::node_store& store);

}  // namespace janji::cluster
