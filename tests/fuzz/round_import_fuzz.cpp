// Whatever stands in the two files of a round, a zero byte between them: a round without a fault, or errors that name a
// file and a line of it.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "booking/round_import.hpp"
#include "booking/text_rules.hpp"

namespace {

janji::round_definition settings() {
  janji::round_definition r;
  r.code = "r1";
  r.name = "A round";
  r.time_zone = "Asia/Kuala_Lumpur";
  r.opens_at = janji::unix_ms{1};
  r.closes_at = janji::unix_ms{2};
  return r;
}

void check(bool good) {
  if (!good)
    std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view both(reinterpret_cast<const char*>(data), size);
  const auto end = std::min(both.find('\0'), both.size());
  const std::string centres(both.substr(0, end));
  const std::string groups(both.substr(std::min(end + 1, both.size())));
  std::vector<janji::import_reading> readings;
  const auto made = janji::import_round(settings(), {"centres", centres}, {"groups", groups}, {}, &readings);
  for (const auto& r : readings)
    check(!r.detail.empty() && janji::is_utf8(r.detail));
  // However the bytes come, it is the same.
  janji::round_importer pieces("centres", "groups");
  for (std::size_t at = 0, n = 1; at < groups.size(); at += n, n = n % 7 + 1)
    pieces.slot_groups(std::string_view(groups).substr(at, n));
  for (std::size_t at = 0, n = 3; at < centres.size(); at += n, n = n % 5 + 1)
    pieces.centres(std::string_view(centres).substr(at, n));
  check(pieces.finish(settings()) == made);
  if (made) {
    check(janji::round_faults(*made).empty());
    return 0;
  }
  check(!made.error().empty() && made.error().size() <= 3 * (janji::limits::import_errors_max + 1));
  for (const auto& e : made.error()) {
    check(e.file == "centres" || e.file == "groups" || e.file == "round");
    check(!e.code.empty() && !e.detail.empty() && janji::is_utf8(e.detail) && janji::is_utf8(e.column));
    const auto& text = e.file == "centres" ? centres : groups;
    check(e.line <= static_cast<std::size_t>(std::ranges::count(text, '\n') + std::ranges::count(text, '\r') + 1));
  }
  return 0;
}
