@0xb7d1c2f0a9e84c53;
# What leaders of shards tell fronts and each other of their tenures: how many refusals they have counted, and, when a tenure
# is handed over, which. Kept nowhere; fields are only ever added, as in log.capnp.
using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("janji::wire");

struct Heard {
  shards @0 :List(HeardShard);
}
struct HeardShard {
  shard @0 :UInt16;
  epoch @1 :UInt64;
  boot @2 :UInt64;
  count @3 :UInt64;
}

struct TableAcknowledged {
  number @0 :UInt64;
}

# A part of a table of refusals, under the number of the hand-over.
struct TablePart {
  number @0 :UInt64;
  part @1 :UInt16;
  parts @2 :UInt16;
  epoch @3 :UInt64;
  boot @4 :UInt64;
  count @5 :UInt64;
  salt @6 :UInt64;
  buckets @7 :List(UInt64);
  # The state of admission in the shard's log is the present one.
  admissionKnown @8 :Bool;
}

# What is committed in shard 0 of admission, to the leaders of other shards: a Batch of one admissionSet. Driven, number 0, or in
# answer to a question.
struct AdmissionTold {
  number @0 :UInt64;
  state @1 :Data;
}
# A question of a shard's leader to shard 0's.
struct AdmissionAsked {
  number @0 :UInt64;
}
# A shard has it in its log, committed, up to here.
struct AdmissionHeld {
  position @0 :UInt64;
}
