// Whatever a peer's payload is made of: an error, or what can be written again and says the same.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "cluster/replica_codec.hpp"
#include "schema/mail.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace janji;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto mail = schema::decode_mail(bytes, {})) {
    const auto again = std::visit(
        [](const auto& m) {
          if constexpr (requires { m.group; })
            return schema::encode_mail(m.group, m.way, m.inputs);
          else
            return schema::encode_mail(m.way, m.inputs);
        },
        *mail);
    const auto back = schema::decode_mail(again, {});
    if (!back || back->index() != mail->index())
      std::abort();
  }
  if (const auto answers = schema::decode_answers(bytes))
    if (!schema::decode_answers(schema::encode_answers(*answers)))
      std::abort();
  if (const auto figures = schema::decode_figures(bytes))
    if (!schema::decode_figures(schema::encode_figures(*figures)))
      std::abort();
  if (const auto rounds = schema::decode_rounds(bytes))
    if (!schema::decode_rounds(schema::encode_rounds(rounds->applied, rounds->events)))
      std::abort();
  if (const auto report = schema::decode_report(bytes))
    if (schema::decode_report(schema::encode_report(*report)) != *report)
      std::abort();
  if (const auto ask = schema::decode_ask(bytes))
    if (schema::decode_ask(schema::encode_ask(*ask)) != *ask)
      std::abort();
  if (const auto said = schema::decode_said(bytes))
    if (schema::decode_said(schema::encode_said(*said)) != *said)
      std::abort();
  if (const auto places = schema::decode_sealed_places(bytes))
    if (schema::decode_sealed_places(schema::encode_sealed_places(*places)) != *places)
      std::abort();
  if (const auto said = cluster::decode_replica_message(bytes)) {
    const auto again = cluster::encode_replica_message(said->head, said->what);
    const auto back = cluster::decode_replica_message(again);
    if (!back || cluster::encode_replica_message(back->head, back->what) != again)
      std::abort();
  }
  return 0;
}
