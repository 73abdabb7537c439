// The files of this folder that are built into the program: messages, templates, styles, scripts.
#pragma once

#include <span>
#include <string_view>

namespace janji::web {

struct embedded_file {
  std::string_view name;  // "messages/en.toml"
  std::string_view content;
};
[[nodiscard]] std::span<const embedded_file> embedded_files();
// "" where there is none.
[[nodiscard]] std::string_view embedded(std::string_view name);

}  // namespace janji::web
