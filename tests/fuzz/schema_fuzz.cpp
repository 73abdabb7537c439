// Whatever bytes a log entry, a personal record or a peer's message is made of: an error or values within the limits, never a crash.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "schema/codec.hpp"
#include "schema/envelope.hpp"
#include "schema/personal_record.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto batch = janji::schema::decode_batch(bytes)) {
    std::uint16_t records = 0;
    for (const auto& e : *batch)
      records = static_cast<std::uint16_t>(records + janji::schema::count_records(e.event));
    // What was let through can be written again, and says the same.
    const auto again = janji::schema::encode_batch(*batch);
    const auto back = janji::schema::decode_batch(again);
    if (!back || back->size() != batch->size() || janji::schema::encode_batch(*back) != again)
      std::abort();
    if (records > 0)
      (void)janji::schema::sealed_record(bytes, static_cast<std::uint16_t>(records - 1));
  }
  (void)janji::schema::decode_personal_record(bytes);
  std::string again;
  std::size_t envelopes = 0;
  const auto read = janji::schema::for_each_envelope(bytes, [&](const janji::schema::envelope& e) {
    janji::schema::append_envelope(again, e);
    ++envelopes;
  });
  if (read && (!janji::schema::for_each_envelope(again, [&](const janji::schema::envelope&) { --envelopes; }) || envelopes != 0))
    std::abort();
  return 0;
}
