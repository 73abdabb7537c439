// Whatever stands in the two files of a round, a zero byte between them: a round without a fault, or errors that name a
// file and a line of it.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "booking/round_import.hpp"

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
  const auto made = janji::import_round(settings(), {"centres", centres}, {"groups", groups});
  if (made) {
    check(janji::round_faults(*made).empty());
    return 0;
  }
  check(!made.error().empty() && made.error().size() <= janji::limits::import_errors_max + 1);
  for (const auto& e : made.error()) {
    check(e.file == "centres" || e.file == "groups" || e.file == "round");
    check(!e.code.empty() && !e.detail.empty());
    const auto& text = e.file == "centres" ? centres : groups;
    check(e.line <= static_cast<std::size_t>(std::ranges::count(text, '\n') + std::ranges::count(text, '\r') + 1));
  }
  return 0;
}
