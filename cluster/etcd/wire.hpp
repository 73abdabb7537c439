// The requests that Janji makes of etcd's gateway as JSON, and its answers. Pure.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace janji::cluster::etcd {

struct key_value {
  std::string key;
  std::string value;
  std::int64_t mod_revision = 0;
  std::int64_t lease = 0;
};
struct header {
  std::uint64_t cluster_id = 0;
  std::int64_t revision = 0;
};
struct key_change {
  key_value now;
  bool deleted = false;
};

boost::json::object range_of_key(std::string_view key);
boost::json::object range_of_prefix(std::string_view prefix);
// Puts `value` where the key was last changed at `mod_revision` (0: where there is none); else says what is there.
// `also`: only if that key was last changed at that revision, too.
struct condition {
  std::string key;
  std::int64_t mod_revision = 0;
};
boost::json::object swap_of(std::string_view key, std::int64_t mod_revision, std::string_view value, std::int64_t lease = 0,
                            const std::optional<condition>& also = std::nullopt);
boost::json::object watch_of_prefix(std::string_view prefix, std::int64_t start_revision);
boost::json::object lease_grant_of(std::int64_t seconds);
boost::json::object lease_named(std::int64_t lease);
boost::json::object user_and_password(std::string_view user, std::string_view password);

template <class T>
using read_result = std::expected<T, std::string>;  // the error: what is missing or wrong

read_result<header> read_header(const boost::json::object& answer);
read_result<std::vector<key_value>> read_range(const boost::json::object& answer);
struct swap_answer {
  bool succeeded = false;
  std::optional<key_value> found;  // when it did not succeed; none: there is no such key
};
read_result<swap_answer> read_swap(const boost::json::object& answer);
struct watch_answer {
  header head;
  bool cancelled = false;
  std::string why;
  std::int64_t compact_revision = 0;  // not 0: what was asked for is no longer kept
  std::vector<key_change> changes;
};
read_result<watch_answer> read_watch(const boost::json::object& answer);
// A whole number that etcd writes as text, or as a number; 0 where there is none, as protobuf's JSON has it.
read_result<std::int64_t> read_number(const boost::json::object& o, std::string_view name);
read_result<std::string> read_text(const boost::json::object& o, std::string_view name);

std::string base64(std::string_view bytes);
std::expected<std::string, std::string> from_base64(std::string_view text);

}  // namespace janji::cluster::etcd
