// The node's variables in the environment: JANJI_<SECTION>_<NAME> of a setting, and those of the master key. Pure but for the registry of
// settings; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace janji::apps {

// "JANJI_HTTP_PORT" of "http.port".
[[nodiscard]] std::string variable_of(std::string_view setting_name);

// Kubernetes puts variables of every service into every container, and docker of every link: a service "janji-node" gives
// JANJI_NODE_SERVICE_HOST=10.96.0.1, JANJI_NODE_PORT=tcp://10.96.0.1:9000 and JANJI_NODE_PORT_9000_TCP_ADDR=10.96.0.1. Nobody has written
// them. Only such names with such values are; what a service "janji-http" makes of JANJI_HTTP_PORT is among them.
[[nodiscard]] bool is_of_a_service(std::string_view name, std::string_view value);

// What is wrong with a variable that looks as if it were the node's and is not: it would be in force nowhere. In a sentence, without its
// value. None: it is one of the node's, or somebody else's.
[[nodiscard]] std::optional<std::string> wrong_variable(std::string_view name, std::string_view value);

}  // namespace janji::apps
