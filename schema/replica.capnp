@0x9d3c7e51f0a8b246;
# What the replicas of one shard say to each other (cluster/replication/messages.hpp). Fields are only ever added.
using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("janji::wire");

struct ReplicaMember {
  node @0 :UInt64;
  disk @1 :UInt64;
}
struct ReplicaRecord {
  revision @0 :UInt64;
  epoch @1 :UInt64;
  leader @2 :ReplicaMember;
  inSync @3 :List(ReplicaMember);
  learners @4 :List(ReplicaMember);
  minInSync @5 :UInt8;
  replicasWanted @6 :UInt8;
  tenureEpoch @7 :UInt64;
  tenureBoot @8 :UInt64;
  handOver @9 :UInt64;
  leaderBoot @10 :UInt64;
  givenUpBelow @11 :UInt64;
}
struct LogPosition {
  epoch @0 :UInt64;
  sequence @1 :UInt64;
}
struct LogEntry {
  at @0 :LogPosition;
  payload @1 :Data;
}
struct LogRun {
  epoch @0 :UInt64;
  first @1 :UInt64;
}
struct LogShape {
  base @0 :LogPosition;
  runs @1 :List(LogRun);
  tail @2 :LogPosition;
}
struct LogSnapshot {
  at @0 :LogPosition;
  bytes @1 :Data;
}

struct ReplicaMessage {
  kind @0 :Kind;
  enum Kind {
    none @0;
    promiseRequest @1;
    pullRequest @2;
    appendRequest @3;
    installRequest @4;
    heartbeat @5;
    promise @6;
    pulled @7;
    acknowledgement @8;
    refusal @9;
    heartbeatAnswer @10;
  }
  epoch @1 :UInt64;
  from @2 :ReplicaMember;
  fromBoot @3 :UInt64;
  to @4 :ReplicaMember;
  toBoot @5 :UInt64;
  flag @6 :Bool;               # whole, may cut, blocked
  record @7 :ReplicaRecord;
  position @8 :LogPosition;    # after, previous, at
  entries @9 :List(LogEntry);
  snapshot @10 :LogSnapshot;
  log @11 :LogShape;
  commit @12 :UInt64;
  tail @13 :UInt64;
  promised @14 :UInt64;
  round @15 :UInt64;
  diskUs @16 :UInt32;          # how long a write to the sender's disk takes lately
}
