// Which process start of a node this is, and whether its disk is what it was when it last ran. The configuration store keeps one
// record a node, without a lease: the last number that was given out, and for every disk the boot that was last written on it and
// the one that was given to it since. A start first puts its boot there as pending, then writes it on the disk (synced), then
// confirms it together with its registration. So a stop between any two of these is recognised as the same disk, while a disk
// that was put back, or a copy that was left behind, holds neither and is another disk from then on: it votes on nothing that it
// has forgotten, keeps its log, and is filled again as a learner.
// Pure; any thread.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/replication/types.hpp"

namespace janji::cluster {

using replication::boot_t;

inline constexpr std::size_t disks_known_max = 64;  // of a node; then the oldest is forgotten, and does not come back under its id

struct known_disk {
  std::uint64_t disk = 0;
  boot_t written;  // that is known to stand on it; 0: none
  boot_t pending;  // that may stand on it; 0: none
  friend bool operator==(const known_disk&, const known_disk&) = default;
};

struct boot_record {
  std::uint64_t last_number = 0;
  std::vector<known_disk> disks;  // the one that started last at the end
  bool forgot_some = false;       // disks that are not in the list
  friend bool operator==(const boot_record&, const boot_record&) = default;
};

struct begun_boot {
  boot_t boot;
  std::uint64_t disk = 0;  // that of before, or another id
  std::string why;         // not empty: it is another, and why
  boot_record next;        // to be put in place of the record, before anything is written on the disk
};

// A start with a disk on which `on_disk` was written last (0: nothing). `known`: none where no start was ever recorded. `above`: a
// number that somebody else is known to have used. The random numbers are the new boot's and, should it be one, the new disk's.
[[nodiscard]] begun_boot begin_boot(const std::optional<boot_record>& known, std::uint64_t disk, boot_t on_disk, std::uint64_t above,
                                    std::uint64_t random, std::uint64_t random_disk);
// Once it is written on the disk. None: another start of the same disk came between.
[[nodiscard]] std::optional<boot_record> confirmed(const boot_record& known, std::uint64_t disk, boot_t boot);
// Whether this start is still the disk's last one.
[[nodiscard]] bool is_last(const boot_record& known, std::uint64_t disk, boot_t boot);

[[nodiscard]] std::string to_text(const boot_record& r);
[[nodiscard]] std::expected<boot_record, std::string> boot_record_from_text(std::string_view text);

}  // namespace janji::cluster
