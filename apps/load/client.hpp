// A blocking HTTP client for what is asked once: slots before the load, the audit after it.
#pragma once

#include <chrono>
#include <expected>
#include <string>
#include <string_view>

#include "apps/load/options.hpp"

namespace janji::load {

struct plain_answer {
  unsigned status = 0;
  std::string body;
};

// http://host:port, host a name or an address.
std::expected<target, std::string> read_target(std::string_view url);
// The port of a target, from its file when it has one.
std::expected<std::uint16_t, std::string> port_of(const target& t);
// Whether all addresses of the host are this machine's own.
std::expected<bool, std::string> is_loopback(const std::string& host);

std::expected<plain_answer, std::string> get(const target& t, const std::string& path, const std::string& bearer = {},
                                             std::chrono::seconds limit = std::chrono::seconds(30));

// The windows of the round that is open (or of `round`), with what is free now.
std::expected<slot_list, std::string> ask_slots(const target& t, const std::string& round);

}  // namespace janji::load
