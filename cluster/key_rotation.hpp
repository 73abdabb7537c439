// The rotation of the master key in a cluster, in its rules. One record in the configuration store says under which master the keys are
// to be wrapped: the order to rotate changes it, and is given with that. Every node that sees it wraps its own key file again, and those
// of the cluster's copies that nobody has wrapped yet; an order to finish changes it once more, when nothing is left. Each change has a
// mark that is greater than all before, and every key file says up to which it was wrapped: so a node knows whether it has missed a
// rotation, or whether the store has forgotten one. Masters are named by their fingerprints alone.
// Pure; any thread.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/key_locks.hpp"
#include "cluster/replication/types.hpp"
#include "store/key_ring.hpp"

namespace janji::cluster {

using store::rotation_mark;

inline constexpr std::string_view master_value = "master";      // the record's name in the configuration store
inline constexpr std::string_view holders_prefix = "masters/";  // of what a node says of itself, by its number
inline constexpr std::string_view copies_prefix = "key/";

struct master_record {
  rotation_mark mark;
  std::string from;      // accepted until the rotation is finished; empty: whatever a node holds
  std::string to;        // what is wrapped, or wrapped again, is wrapped under it
  std::uint64_t by = 0;  // the node that was ordered; 0: a node whose file was ahead of a store that forgot
  friend bool operator==(const master_record&, const master_record&) = default;
};

// What a node says of its masters and its key file. It stays when the node is away.
struct key_holder {
  std::uint64_t node = 0;
  replication::boot_t boot;
  std::vector<std::string> held;           // what its next start would have
  std::string wrapped_under;               // its file
  rotation_mark mark;                      // of its file
  std::string wrong;                       // not empty: what of its masters cannot be had
  std::vector<std::uint16_t> rounds = {};  // whose keys it holds; an earlier version names none
  friend bool operator==(const key_holder&, const key_holder&) = default;
};

[[nodiscard]] std::string to_text(const master_record& r);
[[nodiscard]] std::expected<master_record, std::string> master_record_from_text(std::string_view text);
[[nodiscard]] std::string to_text(const key_holder& h);
[[nodiscard]] std::expected<key_holder, std::string> key_holder_from_text(std::string_view text);

// A wrapped key as the configuration store has it. Before the first rotation it does not name its master: earlier versions read it. That of
// a round is, from a feature level on, what key_locks.hpp says, and names it.
struct key_copy {
  std::string master;
  std::string box;
  [[nodiscard]] bool is_erasable() const { return are_boxes(box); }
};
[[nodiscard]] std::string to_text(const key_copy& c);
[[nodiscard]] key_copy key_copy_from_text(std::string_view text);

// What a node has to do, whose file was wrapped up to `mark` under `wrapped_under`, and which holds these masters.
enum class key_step : std::uint8_t {
  none,
  wrap_again,  // its file, under the record's master
  put_back,    // the record: the store has forgotten a rotation that the file has seen
  refused,     // it lacks the record's master
};
[[nodiscard]] key_step next_key_step(const std::optional<master_record>& record, rotation_mark mark, const std::string& wrapped_under,
                                     std::span<const std::string> held);
// Why a node that lacks the record's master cannot go on, or not in full.
[[nodiscard]] std::string why_refused(const master_record& record, std::span<const std::string> held);
// Whether a copy under that master is taken.
[[nodiscard]] bool is_accepted(const std::optional<master_record>& record, const std::string& master);

// A node of the cluster, whether it is there or not; those that were removed are none.
struct key_member {
  std::uint64_t node = 0;
  bool there = false;
  replication::boot_t boot;  // that it is registered with
  std::optional<key_holder> said;
  [[nodiscard]] bool has_said() const { return said && (!there || said->boot == boot); }
  [[nodiscard]] bool holds(const std::string& master) const;
  [[nodiscard]] bool is_wrapped(const master_record& record) const;
};
// None: nothing stands against it. The sentence names the nodes.
[[nodiscard]] std::optional<std::string> why_not_rotate(std::span<const key_member> members, const std::string& to);
[[nodiscard]] std::optional<std::string> why_not_finish(std::span<const key_member> members, const master_record& record,
                                                        std::size_t copies_left, std::span<const std::string> unreadable);

}  // namespace janji::cluster
