// How often each code of a refusal was told to citizens by this start of the node. Any thread.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "schema/mail.hpp"

namespace janji::actors {

class refusal_counts {
public:
  // Codes beyond what a report holds are not counted.
  void add(std::string_view code) {
    const std::lock_guard lock(mutex_);
    if (const auto it = counts_.find(code); it != counts_.end())
      ++it->second;
    else if (counts_.size() < schema::refusal_codes_max && code.size() <= schema::refusal_code_bytes_max)
      counts_.emplace(code, 1);
  }
  [[nodiscard]] schema::refusal_counts copy() const {
    const std::lock_guard lock(mutex_);
    return {counts_.begin(), counts_.end()};
  }

private:
  mutable std::mutex mutex_;
  std::map<std::string, std::uint64_t, std::less<>> counts_;
};

}  // namespace janji::actors
