// Messages between nodes as bytes and back: envelopes one after the other, each a Cap'n Proto message by itself. What comes
// from a peer is read within bounds; junk is an error, never a crash. Pure; any thread.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <string>
#include <string_view>

#include "booking/types.hpp"
#include "schema/codec.hpp"

namespace janji::schema {

struct envelope {
  std::uint64_t source_node = 0;
  std::uint64_t source_boot = 0;
  std::uint64_t destination_node = 0;
  std::uint64_t destination_boot = 0;
  shard_id shard;
  unix_ms deadline{};
  std::uint16_t kind = 0;
  std::string_view payload;  // somebody else's bytes
};

void append_envelope(std::string& out, const envelope& e);
// Each envelope in turn; its payload lives for the call only.
std::expected<void, codec_error> for_each_envelope(std::string_view bytes, const std::function<void(const envelope&)>& visit);

}  // namespace janji::schema
