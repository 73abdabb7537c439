// Sealed records on their way to whoever may open them, an operator or /find: read where their shards are led, and gathered at the node
// that was asked. Nothing here can open one.
//
// Threads: sealed_records() on the archive's; gather_sealed_records() on any, and `done` is called on any.
#pragma once

#include <expected>
#include <functional>
#include <string>

#include "actors/context.hpp"
#include "store/node_store.hpp"

namespace janji::actors {

// Of what is committed in a shard that is led here. Bounded in number (schema::sealed_places_max) and in what is read for it. A record that
// cannot be read is a fault of its own; one that came in with a move may lie in another shard, and is named.
[[nodiscard]] schema::shard_said sealed_records(node_context& shared, const store::node_store& store, const load_records& what);

// Those of a slot group, wherever they lie; led where they may. "code: words" where one of the nodes does not say.
void gather_sealed_records(node_context& shared, shard_id shard, const schema::records_ask& ask, sealed_records_done done);

}  // namespace janji::actors
