#include "schema/envelope.hpp"

#include <capnp/message.h>
#include <capnp/serialize.h>
#include <wire/envelope.capnp.h>

#include <array>
#include <vector>

#include "schema/words.hpp"

namespace janji::schema {

void append_envelope(std::string& out, const envelope& e) {
  std::array<capnp::word, 64> scratch{};
  kj::ArrayPtr<capnp::word> first(scratch.data(), scratch.size());
  capnp::MallocMessageBuilder builder(first);
  auto w = builder.initRoot<wire::Envelope>();
  w.setSourceNode(e.source_node);
  w.setSourceBoot(e.source_boot);
  w.setDestinationNode(e.destination_node);
  w.setDestinationBoot(e.destination_boot);
  w.setShard(e.shard.value);
  w.setDeadlineMs(e.deadline.value);
  w.setKind(e.kind);
  w.setPayload({reinterpret_cast<const kj::byte*>(e.payload.data()), e.payload.size()});
  const auto words = capnp::messageToFlatArray(builder);
  const auto bytes = words.asBytes();
  out.append(reinterpret_cast<const char*>(bytes.begin()), bytes.size());
}

std::expected<void, codec_error> for_each_envelope(std::string_view bytes, const std::function<void(const envelope&)>& visit) {
  if (bytes.size() % sizeof(capnp::word) != 0)
    return std::unexpected(codec_error{"a message is not a whole number of words"});
  const auto aligned = aligned_words(bytes);
  kj::ArrayPtr<const capnp::word> rest(aligned.data(), aligned.size());
  try {
    while (rest.size() != 0) {
      capnp::ReaderOptions options;
      options.traversalLimitInWords = rest.size() + 16;
      options.nestingLimit = 4;
      capnp::FlatArrayMessageReader reader(rest, options);
      const auto e = reader.getRoot<wire::Envelope>();
      const auto payload = e.getPayload();
      visit({e.getSourceNode(),
             e.getSourceBoot(),
             e.getDestinationNode(),
             e.getDestinationBoot(),
             shard_id{e.getShard()},
             unix_ms{e.getDeadlineMs()},
             e.getKind(),
             {reinterpret_cast<const char*>(payload.begin()), payload.size()}});
      const auto* next = reader.getEnd();
      if (next <= rest.begin())
        return std::unexpected(codec_error{"a message has no end"});
      rest = {next, rest.end()};
    }
  } catch (const kj::Exception& e) {
    return std::unexpected(codec_error{std::string("a message cannot be read: ") + e.getDescription().cStr()});
  }
  return {};
}

}  // namespace janji::schema
