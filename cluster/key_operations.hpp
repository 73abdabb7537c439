// What an operator sees of the cluster's keys and their masters, and may order about them.
//
// Threads: any; calls block on the configuration store, for seconds where that is away.
#pragma once

#include <cstddef>
#include <expected>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cluster/key_rotation.hpp"

namespace janji::cluster {

struct keys_view {
  std::optional<master_record> record;  // none: there was no rotation yet
  std::string wrapped_under;            // this node's key file
  std::vector<key_member> nodes;
  std::size_t copies = 0;                           // the cluster's
  std::size_t copies_left = 0;                      // not wrapped under the record's master, or not saying so
  std::map<std::string, std::size_t> copies_under;  // by the master that opens them here; "": none
  std::vector<std::string> unreadable;              // copies that this node can neither open nor replace

  // What the keys are, or are to be, wrapped under.
  [[nodiscard]] const std::string& master() const { return record ? record->to : wrapped_under; }
  [[nodiscard]] std::size_t files_left() const;
  [[nodiscard]] bool under_way() const { return record && !record->mark.finished; }
};

class key_operations {
public:
  using said = std::expected<std::string, std::string>;  // the error begins with its kind, as operators' other orders'
  virtual ~key_operations() = default;
  virtual std::expected<keys_view, std::string> keys() = 0;
  // Everything is to be wrapped under that master from now on; none: under the one that this node holds beside the one in use. Given
  // again it says how far that is.
  virtual said rotate(const std::optional<store::key_bytes>& to, bool dry_run) = 0;
  // The old one is not taken any more.
  virtual said finish_rotation(bool dry_run) = 0;
};

}  // namespace janji::cluster
