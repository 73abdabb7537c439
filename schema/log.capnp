@0xc6f1a4e0b7d35a19;
# What stands in a shard's log. Rules: a field's number and type are never changed and never used again; new fields go to
# the end; what is no longer written keeps its place with the prefix `obsolete`. tests/schema holds encoded samples of
# every released version.
using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("janji::wire");

struct Batch {
  events @0 :List(Event);
}

struct Event {
  # The slot group whose event this is; 0 for the registry, the rounds and the shard's admission.
  group @0 :UInt32;
  union {
    booked @1 :Booked;
    declined @2 :Declined;
    placeCancelled @3 :Place;
    placeReleased @4 :Place;
    movedWithin @5 :MovedWithin;
    capacityChanged @6 :CapacityChanged;
    claimed @7 :Claimed;
    claimsConfirmed @8 :List(UInt64);
    claimReleased @9 :UInt64;
    cancelIntended @10 :CancelIntended;
    cancelDone @11 :RefAt;
    moveIntended @12 :MoveIntended;
    moveBooked @13 :UInt64;
    moveDone @14 :RefAt;
    moveRefused @15 :UInt64;
    roundImported @16 :RoundImported;
    roundStateChanged @17 :RoundStateChanged;
    operatorNoted @18 :OperatorNoted;
    cancelJoined @19 :CancelIntended;
    joinedPlaceEnded @20 :Place;
    admissionSet @21 :AdmissionSet;
    roundPart @22 :RoundPart;
    changesForgiven @23 :ChangesForgiven;
  }
}

struct RecordLocator {
  shard @0 :UInt16;
  index @1 :UInt16;
  sequence @2 :UInt64;
}

struct Person {
  citizenLow @0 :UInt64;
  citizenHigh @1 :UInt64;
  ref @2 :UInt64;
  key @3 :UInt64;
  generation @4 :UInt16;
  # Outside the sealed record, coarse enough for figures.
  state @5 :UInt8;
  ageBand @6 :UInt8;
  sealed @7 :Data;
  record @8 :RecordLocator;
}

struct Booked {
  window @0 :UInt8;
  movedIn @1 :Bool;
  body @2 :UInt32;
  atMs @3 :Int64;
  people @4 :List(Person);
  # Of the request that was given the places: what its front had heard of the leader. Of tests and audits.
  stampEpoch @5 :UInt64;
  stampBoot @6 :UInt64;
  stampCount @7 :UInt64;
}

struct Declined {
  atMs @0 :Int64;
  places @1 :List(PlaceKey);
}

struct PlaceKey {
  ref @0 :UInt64;
  generation @1 :UInt16;
}

struct Place {
  ref @0 :UInt64;
  generation @1 :UInt16;
  atMs @2 :Int64;
}

struct MovedWithin {
  ref @0 :UInt64;
  generation @1 :UInt16;
  next @2 :UInt16;
  to @3 :UInt8;
  atMs @4 :Int64;
}

struct CapacityChanged {
  window @0 :UInt8;
  capacity @1 :UInt32;
  by @2 :Text;
  reason @3 :Text;
  atMs @4 :Int64;
}

struct Claimed {
  citizenLow @0 :UInt64;
  citizenHigh @1 :UInt64;
  ref @2 :UInt64;
  key @3 :UInt64;
  body @4 :UInt32;
  group @5 :UInt32;
  window @6 :UInt8;
  atMs @7 :Int64;
  # From here on a claim that is released counts among its citizen's changes.
  counted @8 :Bool;
}

struct ChangesForgiven {
  citizenLow @0 :UInt64;
  citizenHigh @1 :UInt64;
  by @2 :Text;
  reason @3 :Text;
  atMs @4 :Int64;
}

struct CancelIntended {
  ref @0 :UInt64;
  key @1 :UInt64;
  by @2 :Text;
  reason @3 :Text;
  atMs @4 :Int64;
}

struct RefAt {
  ref @0 :UInt64;
  atMs @1 :Int64;
}

struct MoveIntended {
  ref @0 :UInt64;
  key @1 :UInt64;
  body @2 :UInt32;
  to @3 :UInt32;
  window @4 :UInt8;
  atMs @5 :Int64;
}

struct Window {
  opensMinute @0 :UInt16;
  closesMinute @1 :UInt16;
  capacity @2 :UInt32;
}

struct Centre {
  code @0 :Text;
  name @1 :Text;
  state @2 :Text;
  district @3 :Text;
  latitude @4 :Float64;
  longitude @5 :Float64;
}

struct Group {
  id @0 :UInt32;
  centre @1 :UInt16;
  # Days since 1970-01-01, in the round's zone.
  day @2 :Int32;
  windows @3 :List(Window);
}

struct RoundImported {
  id @0 :UInt16;
  code @1 :Text;
  name @2 :Text;
  timeZone @3 :Text;
  opensAtMs @4 :Int64;
  closesAtMs @5 :Int64;
  ageMin @6 :UInt8;
  ageMax @7 :UInt8;
  partyMax @8 :UInt8;
  centres @9 :List(Centre);
  groups @10 :List(Group);
  by @11 :Text;
  atMs @12 :Int64;
  # Its centres and groups stand in that many RoundParts before it.
  parts @13 :UInt32;
  # Until when its windows can be booked, as the import made it, so that no zone is asked for it again. Each so long before the moment at
  # which it opens by its day and minute, read as UTC (so it is the zone's offset where that is the opening); else the list: one number
  # for all windows, or one for each, in the order of groups. Neither: an earlier version's, which does not say it.
  saysEnds @14 :Bool;
  endsBeforeMs @15 :Int64;
  bookUntilMs @16 :List(Int64);
  # Bookings and moves that a citizen may begin; 0: of an earlier version, which had no such rule.
  changesMax @17 :UInt16;
  # How many people may book, for what the disks have to hold; 0: not said.
  citizens @18 :UInt32;
}

struct RoundPart {
  atMs @0 :Int64;
  index @1 :UInt32;
  centres @2 :List(Centre);
  groups @3 :List(Group);
  # As of RoundImported.
  saysEnds @4 :Bool;
  endsBeforeMs @5 :Int64;
  bookUntilMs @6 :List(Int64);
}

struct RoundStateChanged {
  round @0 :UInt16;
  state @1 :UInt8;
  reason @2 :Text;
  by @3 :Text;
  atMs @4 :Int64;
  # booking/admission.hpp, round_order. 0: an earlier version's.
  order @5 :UInt8;
}

struct OperatorNoted {
  what @0 :Text;
  detail @1 :Text;
  by @2 :Text;
  atMs @3 :Int64;
}

# The state of admission of all rounds, as committed in shard 0 up to a position.
struct AdmissionSet {
  position @0 :UInt64;
  rounds @1 :List(RoundAdmission);
}
struct RoundAdmission {
  round @0 :UInt16;
  state @1 :UInt8;
  opensAtMs @2 :Int64;
  closesAtMs @3 :Int64;
}
