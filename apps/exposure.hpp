// What other machines reach of a node, and whether that may be so: nothing is served in the clear beyond this machine that an operator
// has not said may be, and in production not even then (decision 33).
// Looks names up, changes nothing. Any thread.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "apps/settings.hpp"

namespace janji::apps {

// Whether all that the text means as an address to listen at is reached from this machine alone: 127.0.0.0/8 and ::1, also as IPv4 in IPv6.
// `names`: it may be a name, of which every address counts. None: it means nothing.
[[nodiscard]] std::optional<bool> is_this_machines_alone(const std::string& address, bool names);

// The first thing that may not be so, with the setting to change.
[[nodiscard]] std::expected<void, std::string> check_exposure(const settings& s);
// What is served in the clear to other machines though it may be, for the log; one sentence each.
[[nodiscard]] std::vector<std::string> served_in_the_clear(const settings& s);

// What settings say of how etcd is asked; production demands that it is encrypted, and that it knows who asks.
[[nodiscard]] std::expected<void, std::string> check_etcd_access(const settings& s);

}  // namespace janji::apps
