// A small drawn map of centres, from their coordinates alone: numbered dots, a bar of kilometres, north up. Equirectangular at the middle
// latitude. It says nothing that the list does not. Pure; any thread.
#pragma once

#include <string>
#include <vector>

namespace janji::web {

struct centre_item;
// "" below three centres whose place is known.
[[nodiscard]] std::string map_svg(const std::vector<centre_item>& centres);

}  // namespace janji::web
