#include "store/database_log.hpp"

#include <spdlog/spdlog.h>

#include <array>
#include <cstdio>

namespace janji::store {

void database_log::Logv(const char* format, va_list arguments) {
  constexpr std::size_t line_bytes_max = 1024;
  if (!spdlog::should_log(spdlog::level::debug))
    return;
  std::array<char, line_bytes_max> line{};
  std::vsnprintf(line.data(), line.size(), format, arguments);
  spdlog::debug("rocksdb: {}", line.data());
}

}  // namespace janji::store
