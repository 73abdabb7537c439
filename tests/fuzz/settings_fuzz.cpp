// Whatever stands in the settings' file: settings within their ranges, or what is wrong with them, each fault a line that names the file.
// What is shown of them reads as the same settings.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "apps/settings.hpp"

static bool are_faults(std::string_view told) {
  bool first = true;
  while (!told.empty() || first) {
    const auto line = told.substr(0, told.find('\n'));
    if (!line.starts_with("file:") && (first || !line.starts_with("and ")))
      return false;
    told.remove_prefix(std::min(line.size() + 1, told.size()));
    first = false;
  }
  return true;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  janji::apps::settings s;
  if (const auto r = s.read_text(text, "file"); !r) {
    if (!are_faults(r.error()))
      std::abort();
    return 0;
  }
  const auto shown = s.show();
  janji::apps::settings again;
  if (!again.read_text(shown, "shown") || again.show() != shown)
    std::abort();
  return 0;
}
