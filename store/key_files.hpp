// What files of keys have in common: hexadecimal text, and a replacement that is whole or not there. Pure but for the files; any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "store/error.hpp"

namespace janji::store {

// Two keys of each of 65,536 rounds.
inline constexpr std::size_t key_file_bytes_max = 32U << 20U;

[[nodiscard]] std::string hex(const void* data, std::size_t size);
// False: `text` is not exactly `size` bytes in hexadecimal digits.
[[nodiscard]] bool unhex(std::string_view text, void* to, std::size_t size);
// replace_file() of small_file.hpp, and what it held is overwritten, as far as the file system writes in place.
result<void> replace_and_overwrite(const std::string& path, std::string_view text);
// A stop in the midst of that is made good here.
void overwrite_what_was_left(const std::string& path);

}  // namespace janji::store
