#include "schema/personal_record.hpp"

#include <capnp/message.h>
#include <capnp/serialize.h>
#include <kj/io.h>

#include <array>
#include <vector>

#include "booking/types.hpp"
#include "schema/words.hpp"
#include "wire/person.capnp.h"

namespace janji::schema {

std::string encode(const personal_record& record) {
  std::array<capnp::word, 1024> scratch{};  // all of it as a rule; wiped by its builder
  capnp::MallocMessageBuilder message(kj::arrayPtr(scratch.data(), scratch.size()));
  auto out = message.initRoot<wire::PersonalRecord>();
  out.setIdentityKind(whole(record.identity_kind));
  out.setIdentityNumber(whole(record.identity_number));
  out.setCountry(whole(record.country));
  out.setName(whole(record.name));
  out.setPhone(whole(record.phone));
  out.setEmail(whole(record.email));
  out.setBirthDate(whole(record.birth_date));
  out.setState(whole(record.state));
  out.setNotes(whole(record.notes));
  if (!record.mykad.empty())
    out.setMykad(whole(record.mykad));
  std::string bytes(capnp::computeSerializedSizeInWords(message) * sizeof(capnp::word), '\0');
  kj::ArrayOutputStream to(kj::arrayPtr(reinterpret_cast<kj::byte*>(bytes.data()), bytes.size()));
  capnp::writeMessage(to, message);
  return bytes;
}

std::expected<personal_record, std::string> decode_personal_record(std::string_view bytes) {
  if (bytes.empty() || bytes.size() > limits::sealed_record_bytes_max)
    return std::unexpected("a personal record of that size cannot be right");
  const auto words = aligned_words(bytes);
  try {
    capnp::FlatArrayMessageReader message(kj::arrayPtr(words.data(), words.size()));
    const auto in = message.getRoot<wire::PersonalRecord>();
    const auto text = [](capnp::Text::Reader t) { return std::string(t.begin(), t.size()); };
    return personal_record{text(in.getIdentityKind()), text(in.getIdentityNumber()), text(in.getCountry()),   text(in.getName()),
                           text(in.getPhone()),        text(in.getEmail()),          text(in.getBirthDate()), text(in.getState()),
                           text(in.getNotes()),        text(in.getMykad())};
  } catch (const kj::Exception&) {
    return std::unexpected("a personal record cannot be read");
  }
}

}  // namespace janji::schema
