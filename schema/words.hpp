// Bytes and texts as Cap'n Proto takes them.
#pragma once

#include <capnp/blob.h>
#include <capnp/common.h>

#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace janji::schema {

// Bytes from anywhere: whole words at a word's boundary; what is left of the last one is zero.
inline std::vector<capnp::word> aligned_words(std::string_view bytes) {
  std::vector<capnp::word> words((bytes.size() + sizeof(capnp::word) - 1) / sizeof(capnp::word));
  if (!bytes.empty())  // memcpy takes no null pointer, not even for nothing
    std::memcpy(words.data(), bytes.data(), bytes.size());
  return words;
}

// All of it: from a string as it is Cap'n Proto would take what stands before its first zero. As long as the string lives.
inline capnp::Text::Reader whole(const std::string& text) { return {text.c_str(), text.size()}; }

}  // namespace janji::schema
