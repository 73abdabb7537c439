// An appointment as a calendar file (RFC 5545): in UTC, so that no program needs to know the zone. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

#include "booking/types.hpp"

namespace janji::web {

struct calendar_entry {
  std::string uid;  // the same for ever: reference @ public host
  unix_ms made;
  unix_ms from;
  unix_ms to;
  std::string title;
  std::string place;
  std::string text;
  unsigned sequence = 0;  // counts the moves
  bool cancelled = false;
};
[[nodiscard]] std::string calendar_file(const calendar_entry& e);

}  // namespace janji::web
