@0xe2b4a9d15c7f6038;
# What slot groups, registries and fronts of different nodes send each other. Kept nowhere: but nodes of two versions talk
# during a rolling upgrade, so fields are only ever added, as in log.capnp. A kind that a node does not know is an error.
using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("janji::wire");

struct Mail {
  hops @0 :UInt8;
  # Of mail for a slot group; 0 in mail for the shard's registry.
  group @1 :UInt32;
  items @2 :List(MailItem);
  # Of the latest record that whoever sent it on knew.
  epoch @3 :UInt64;
  # By the sender's clock, as the deadlines are; 0: by the reader's.
  sentAtMs @4 :Int64;
}

struct MailPerson {
  citizenLow @0 :UInt64;
  citizenHigh @1 :UInt64;
  ref @2 :UInt64;
  key @3 :UInt64;
  state @4 :UInt8;
  ageBand @5 :UInt8;
  sealed @6 :Data;
}

# One struct for all kinds: each uses the fields that its type in booking/messages.hpp has. Codes, outcomes and statuses are
# the numbers of the enums there, which only grow at their ends.
struct MailItem {
  kind @0 :Kind;
  enum Kind {
    none @0;
    bookCommand @1;
    claimResult @2;
    settleAsk @3;
    cancelPlace @4;
    offerMove @5;
    moveIn @6;
    releasePlace @7;
    moveWithin @8;
    changeCapacity @9;
    claimRequest @10;
    confirmClaims @11;
    settleAnswer @12;
    cancelCommand @13;
    moveCommand @14;
    lookupCommand @15;
    placeReply @16;
    dropPlace @17;
  }
  code @1 :UInt8;              # a verdict, a status, the kind of a reply
  flag @2 :Bool;               # repeat only; the window is closed
  hasWindow @3 :Bool;
  window @4 :UInt8;
  tokenGeneration @5 :UInt8;
  state @6 :UInt8;
  ageBand @7 :UInt8;
  generation @8 :UInt16;
  next @9 :UInt16;
  from @10 :UInt16;            # shard of the registry that asks
  recordShard @11 :UInt16;
  recordIndex @12 :UInt16;
  hasRecord @13 :Bool;
  hasCitizen @14 :Bool;
  group @15 :UInt32;           # of a claim, a move's end, an answer
  body @16 :UInt32;
  capacity @17 :UInt32;
  request @18 :UInt64;
  incarnation @19 :UInt64;
  ref @20 :UInt64;
  key @21 :UInt64;
  citizenLow @22 :UInt64;
  citizenHigh @23 :UInt64;
  recordSequence @24 :UInt64;
  deadlineMs @25 :Int64;
  atMs @26 :Int64;
  refs @27 :List(UInt64);
  people @28 :List(MailPerson);
  by @29 :Text;
  reason @30 :Text;
  # What the front had heard of the shard's leader when the request arrived.
  stampEpoch @31 :UInt64;
  stampBoot @32 :UInt64;
  stampCount @33 :UInt64;
  # The front has left it to the leader whether the round admits it.
  leaderJudges @34 :Bool;
  # Of a place reply: the window can no longer be moved into.
  over @35 :Bool;
}

struct Answers {
  answers @0 :List(Answer);
}
struct Answer {
  request @0 :UInt64;
  outcome @1 :UInt8;
  repeated @2 :Bool;
  position @3 :UInt8;
  places @4 :List(AnsweredPlace);
  free @5 :UInt32;
  shard @6 :UInt16;
  stampEpoch @7 :UInt64;
  stampBoot @8 :UInt64;
  stampCount @9 :UInt64;
}
struct AnsweredPlace {
  ref @0 :UInt64;
  generation @1 :UInt16;
  status @2 :UInt8;
  window @3 :UInt8;
  tokenGeneration @4 :UInt8;
  group @5 :UInt32;
  atMs @6 :Int64;
}

# Committed numbers of slot groups, for the read model of every front.
struct Figures {
  groups @0 :List(GroupFigures);
  # Shards that the sender leads and has told everything of, up to here: their numbers are as of now.
  shards @1 :List(UInt16);
  # Where the sender leads the rounds and these shards name theirs: the position up to which rounds are committed.
  saysRounds @2 :Bool;
  roundsApplied @3 :UInt64;
}
struct GroupFigures {
  group @0 :UInt32;
  applied @1 :UInt64;
  windows @2 :List(WindowFigures);
  bookedByFacts @3 :List(UInt32);
  # In which the tenure of the shard's leader began. 0: an earlier version.
  tenureEpoch @4 :UInt64;
}
struct WindowFigures {
  capacity @0 :UInt32;
  booked @1 :UInt32;
  cancelled @2 :UInt32;
  movedOut @3 :UInt32;
  overByOrder @4 :UInt32;
}

# The rounds as committed up to a position of shard 0's log: a Batch of all events so far.
struct Rounds {
  applied @0 :UInt64;
  history @1 :Data;
  # The events are those after this position; 0: all.
  since @2 :UInt64;
}

# What a node tells all others once a second: of every shard's replica that it has.
struct NodeReport {
  shards @0 :List(ShardReport);
  storageLow @1 :Bool;
  diskFreeBytes @2 :UInt64;
  diskTotalBytes @3 :UInt64;
  # The node's clock.
  clockMs @4 :Int64;
  # Position of shard 0's log up to which the node knows the rounds, if it says so: then it takes what came after it.
  saysRounds @5 :Bool;
  roundsApplied @6 :UInt64;
  # What is wrong with the node's own directory.
  directoryWrong @7 :Text;
  # How long the oldest operation of its disk has not come back, and how long a write takes lately.
  diskWaitsMs @8 :UInt32;
  diskWriteUs @9 :UInt32;
  # What it has refused to citizens since its start.
  refusals @10 :List(RefusalCount);
  countedSinceMs @11 :Int64;
  # How far the node's clock has been set since its start.
  clockSetMs @12 :Int64;
  # Why it takes no bookings, though it has started.
  waitsFor @13 :Text;
}
struct RefusalCount {
  code @0 :Text;
  times @1 :UInt64;
}
struct ShardReport {
  shard @0 :UInt16;
  serving @1 :Bool;
  epoch @2 :UInt64;
  committed @3 :UInt64;
  tail @4 :UInt64;
  # Known to be committed, and on no disk that is heard; epoch 0: nothing is missing.
  missingEpoch @5 :UInt64;
  missingSequence @6 :UInt64;
}

# An operator's question or order about the shard of the envelope, and what became of it. The verb is a number that only grows:
# 0 hash the log up to a position, 1 replace a dead member, 2 read the log after a position, 3 note an order in the audit trail,
# 4 an order about rounds, 5 read sealed records (from feature level 1 on).
struct ShardAsk {
  number @0 :UInt64;
  verb @1 :UInt8;
  upTo @2 :UInt64;
  whoNode @3 :UInt64;
  whoDisk @4 :UInt64;
  byNode @5 :UInt64;
  byDisk @6 :UInt64;
  noted @7 :Text;
  notedDetail @8 :Text;
  notedBy @9 :Text;
  notedAtMs @10 :Int64;
  order @11 :Data;
  records @12 :RecordsAsk;
}
# Of the places of a slot group, in the order of their references; or, where the group is 0, of log entries of the shard.
struct RecordsAsk {
  group @0 :UInt32;
  cancelled @1 :Bool;          # cancelled ones too
  hasOnly @2 :Bool;
  hasAfter @3 :Bool;
  hasWindow @4 :Bool;
  window @5 :UInt8;
  only @6 :UInt64;             # a reference
  after @7 :UInt64;            # a reference
  at @8 :List(RecordAt);
}
struct RecordAt {
  sequence @0 :UInt64;
  index @1 :UInt16;
}
# What was asked for, as it is kept: sealed.
struct SealedPlaces {
  places @0 :List(SealedPlace);
  more @1 :Bool;
}
struct SealedPlace {
  ref @0 :UInt64;
  generation @1 :UInt16;
  window @2 :UInt8;
  status @3 :UInt8;
  atMs @4 :Int64;
  sealed @5 :Data;             # none: a fault, or it lies in another shard
  fault @6 :Text;
  recordShard @7 :UInt16;      # where it lies
  recordIndex @8 :UInt16;
  recordSequence @9 :UInt64;
}
struct ShardSaid {
  number @0 :UInt64;
  good @1 :Bool;
  text @2 :Text;
  log @3 :Data;
  roundsApplied @4 :UInt64;
}
