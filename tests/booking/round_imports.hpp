// Imports of rounds from two small files, and what came of them in a line.
#pragma once

#include <fmt/format.h>

#include <expected>
#include <string>
#include <utility>
#include <vector>

#include "booking/round_import.hpp"

namespace janji::round_imports {

inline round_definition settings() {
  round_definition r;
  r.code = "r1";
  r.name = "A round";
  r.time_zone = "Asia/Kuala_Lumpur";
  r.opens_at = unix_ms{1};
  r.closes_at = unix_ms{2};
  return r;
}

inline const std::string centre_header = "code,name,state,district,latitude,longitude\n";
inline const std::string two_centres = centre_header + "A,Hall A,Johor,Kluang,1.5,103.7\nB,Hall B,Selangor,,3,101\n";
inline const std::string group_header = "centre,date,opens,closes,capacity\n";

using result = std::expected<round_definition, std::vector<import_error>>;
inline result import(const std::string& centres, const std::string& groups, round_definition s = settings()) {
  return import_round(std::move(s), {"centres.csv", centres}, {"slots.csv", groups});
}
inline result import_groups(const std::string& rows) { return import(two_centres, group_header + rows); }
inline result import_centres(const std::string& rows) {
  return import(centre_header + rows, group_header + "A,2021-06-07,09:00,17:00,10\n");
}

// "file:line:position column code" of every error, one a line.
inline std::string told(const result& r) {
  if (r)
    return "imported";
  std::string out;
  for (const auto& e : r.error())
    out += fmt::format("{}:{}:{} {} {}\n", e.file, e.line, e.position, e.column, e.code);
  return out;
}

}  // namespace janji::round_imports
