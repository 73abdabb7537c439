#include "web/embedded.hpp"

#include <algorithm>

namespace janji::web {

std::string_view embedded(std::string_view name) {
  const auto files = embedded_files();
  const auto it = std::ranges::find(files, name, &embedded_file::name);
  return it == files.end() ? std::string_view{} : it->content;
}

}  // namespace janji::web
