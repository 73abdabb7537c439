// zlib, with memory from the program's own heap: what it gives back is wiped where a wiping_scope says so. By itself it asks malloc, and
// leaves there what it packed. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace janji::store {

enum class packing { zlib, gzip };

// At its fastest: whoever waits is a reader.
[[nodiscard]] std::string packed(std::string_view plain, packing as);
// Of packing::zlib; none: it is damaged, or longer than that.
[[nodiscard]] std::optional<std::string> unpacked(std::string_view packed, std::size_t bytes_max);

}  // namespace janji::store
