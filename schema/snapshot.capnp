@0xb90f3c52d1e7a846;
# A snapshot as the store keeps it: whose, of which moment, and the owner's own bytes. The same rules as in log.capnp.
using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("janji::wire");

struct Snapshot {
  shard @0 :UInt16;
  # 0: slot group, 1: registry, 2: rounds, 3: the shard's checkpoint, 4: its admission
  kind @1 :UInt8;
  group @2 :UInt32;
  applied @3 :UInt64;
  state @4 :Data;
  # Of the owner's own bytes; an owner refuses a newer one than it knows.
  version @5 :UInt16;
}
