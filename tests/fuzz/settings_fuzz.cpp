// Whatever stands in the settings' file: settings within their ranges, or one sentence that names the file. What is shown of
// them reads as the same settings.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "apps/settings.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  janji::apps::settings s;
  if (const auto r = s.read_text(text, "file"); !r) {
    if (!r.error().starts_with("file:") || r.error().find('\n') != std::string::npos)
      std::abort();
    return 0;
  }
  const auto shown = s.show();
  janji::apps::settings again;
  if (!again.read_text(shown, "shown") || again.show() != shown)
    std::abort();
  return 0;
}
