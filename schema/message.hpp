// How a message of Cap'n Proto that came from elsewhere is read, and one is written: for the codecs, in one place.
#pragma once

#include <capnp/message.h>
#include <capnp/serialize.h>
#include <kj/exception.h>

#include <cstring>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

#include "schema/codec.hpp"
#include "schema/words.hpp"

namespace janji::schema {

// Thrown while a message is read; becomes its error.
struct nonsense {
  const char* what;
};
inline void require(bool holds, const char* what) {
  if (!holds)
    throw nonsense{what};
}

// What several messages have in common.
citizen_hash citizen_of(const auto& from) {
  citizen_hash c;
  const std::uint64_t parts[] = {from.getCitizenLow(), from.getCitizenHigh()};
  std::memcpy(c.bytes.data(), parts, sizeof parts);
  return c;
}
inline std::string text_of(capnp::Text::Reader t, std::size_t most) {
  require(t.size() <= most, "a text is too long");
  return {t.begin(), t.size()};
}
inline window_index window_of(std::uint8_t w) {
  require(w < limits::windows_per_group_max, "a window has a number that there cannot be");
  return window_index{w};
}

// The bytes may stand anywhere. `get` makes of the root what is wanted.
template <class Root, class Get>
auto read_message(std::string_view bytes, Get&& get) -> std::expected<decltype(get(std::declval<typename Root::Reader>())), codec_error> {
  if (bytes.size() % sizeof(capnp::word) != 0)
    return std::unexpected(codec_error{"not a whole number of words"});
  const auto words = aligned_words(bytes);
  capnp::ReaderOptions options;
  options.traversalLimitInWords = words.size() * 2 + 1024;
  options.nestingLimit = 8;
  try {
    capnp::FlatArrayMessageReader message({words.data(), words.size()}, options);
    return get(message.getRoot<Root>());
  } catch (const nonsense& n) {
    return std::unexpected(codec_error{n.what});
  } catch (const kj::Exception& e) {
    return std::unexpected(codec_error{e.getDescription().cStr()});
  }
}

inline std::string bytes_of(capnp::MallocMessageBuilder& message) {
  const auto words = capnp::messageToFlatArray(message);
  const auto bytes = words.asBytes();
  return {reinterpret_cast<const char*>(bytes.begin()), bytes.size()};
}
inline capnp::Data::Reader data_of(std::string_view bytes) { return {reinterpret_cast<const kj::byte*>(bytes.data()), bytes.size()}; }

}  // namespace janji::schema
