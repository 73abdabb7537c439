@0x9d8e41b6c3a25f07;
#One message between two nodes.The links come with the cluster; their envelope is fixed here so that it can only grow.
using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("janji::wire");

struct Envelope {
  sourceNode @0 : UInt64;
  sourceBoot @1 : UInt64;
  destinationNode @2 : UInt64;
  destinationBoot @3 : UInt64;
  shard @4 : UInt16;
  deadlineMs @5 : Int64;
  kind @6 : UInt16;
  payload @7 : Data;
}
