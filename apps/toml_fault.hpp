// What is wrong with a TOML file, on one line, and what to write where the parser's own words do not lead there. Pure; any thread.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace janji::apps {

[[nodiscard]] inline std::string toml_fault(std::string_view said) {
  std::string out(said);
  std::ranges::replace_if(out, [](unsigned char c) { return c < 0x20; }, ' ');
  if (out.contains("determine value type") || out.contains("value_type"))
    out += "; a text stands between straight quotes: name = \"A round\"";
  else if (out.contains("utf-8") || out.contains("UTF-8"))
    out += "; save the file as UTF-8";
  return out;
}

}  // namespace janji::apps
