// Small values by name, beside the records of shards in the configuration store. Compare-and-swap only.
//
// Threads: calls block on a network; never call them from a pooled actor.
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace janji::cluster {

// How sentences begin that say what is to be put right before the same is tried again.
inline constexpr std::string_view refused_by_etcd = "etcd refuses this node: ";

// Nothing is known to be done; the same order may be given again.
inline std::unexpected<std::string> cannot_reach(const std::string& why) {
  if (why.starts_with(refused_by_etcd))
    return std::unexpected(why);
  return std::unexpected("etcd cannot be reached, try again: " + why);
}

struct versioned_value {
  std::int64_t revision = 0;         // at which it was last changed; 0: there is none
  std::optional<std::string> value;  // none: there is none
};
struct value_condition {
  std::string name;
  std::int64_t revision = 0;  // 0: there is none
};

class value_store {
public:
  virtual ~value_store() = default;
  virtual std::expected<versioned_value, std::string> read_value(std::string_view name) = 0;
  // All whose names begin so, as they stood at one moment.
  virtual std::expected<std::map<std::string, versioned_value>, std::string> read_values(std::string_view prefix) = 0;
  // Puts it where it was last changed at that revision and, `also`, another value at its own. False: not so, and nothing was changed.
  // An error may have been done all the same.
  virtual std::expected<bool, std::string> put_value(std::string_view name, std::int64_t revision, std::string_view value,
                                                     const std::optional<value_condition>& also) = 0;
  virtual std::expected<void, std::string> remove(std::string_view name) = 0;
};

}  // namespace janji::cluster
