// Bytes from anywhere as Cap'n Proto reads them: whole words at a word's boundary; what is left of the last one is zero.
#pragma once

#include <capnp/common.h>

#include <cstring>
#include <string_view>
#include <vector>

namespace janji::schema {

inline std::vector<capnp::word> aligned_words(std::string_view bytes) {
  std::vector<capnp::word> words((bytes.size() + sizeof(capnp::word) - 1) / sizeof(capnp::word));
  if (!bytes.empty())  // memcpy takes no null pointer, not even for nothing
    std::memcpy(words.data(), bytes.data(), bytes.size());
  return words;
}

}  // namespace janji::schema
