// Known values of everything that is written as Cap'n Proto, and their bytes. tests/schema/samples/v<N> holds the bytes
// that version N wrote; whatever version runs must read from them the values that stand here.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "schema/codec.hpp"
#include "schema/personal_record.hpp"

namespace janji::schema::samples {

inline constexpr int current_version = 1;

// One event of every kind, in the order of log.capnp. Never changed once released; later versions add a function.
std::vector<owned_event> events_v1();
personal_record person_v1();

// Equal in everything that is written.
bool same(const owned_event& a, const owned_event& b);

// File name to bytes, as the current version writes them.
std::map<std::string, std::string> encode_current();
// The same of a released version, from the source tree; empty when there is none.
std::map<std::string, std::string> read_released(int version);
// Empty when the bytes say what was written; otherwise which file does not, and how.
std::string differences_from_v1(const std::map<std::string, std::string>& files);

}  // namespace janji::schema::samples
