// Whether a node's settings fit together, as a start judges them before it looks at certificates, data or etcd.
// Looks names up, changes nothing. Any thread.
#pragma once

#include <expected>
#include <string>

#include "apps/settings.hpp"

namespace janji::apps {

// The first thing that may not be so, in a sentence.
[[nodiscard]] std::expected<void, std::string> check_settings(const settings& s);

}  // namespace janji::apps
