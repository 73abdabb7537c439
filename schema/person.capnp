@0xe2c1b7f09a4d6853;
# What is sealed: a citizen's personal record. The same rules as in log.capnp.
using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("janji::wire");

struct PersonalRecord {
  identityKind @0 :Text;
  identityNumber @1 :Text;
  country @2 :Text;
  name @3 :Text;
  phone @4 :Text;
  email @5 :Text;
  birthDate @6 :Text;
  state @7 :Text;
  notes @8 :Text;
  mykad @9 :Text;  # the MyKad number of whoever showed another document
}
