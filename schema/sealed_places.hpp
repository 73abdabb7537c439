// Questions for sealed records, as they go from node to node: a part of a shard_ask (schema/mail.hpp). What comes from a peer is checked
// as what comes from a stranger. Pure; any thread.
#pragma once

#include "schema/mail.hpp"
#include "wire/mail.capnp.h"

namespace janji::schema {

void put_records_ask(wire::RecordsAsk::Builder to, const records_ask& ask);
// Throws as message.hpp has it.
[[nodiscard]] records_ask get_records_ask(wire::RecordsAsk::Reader from);

}  // namespace janji::schema
