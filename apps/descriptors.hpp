// How many files and connections a node may have open at once, and how they are divided, so that no part of it takes what another needs:
// without a descriptor the store cannot open its next file, and the node ends. Any thread.
#pragma once

#include <cstddef>
#include <expected>
#include <string>

namespace janji::apps {

// Standard streams that were closed by who started this process: the next file or connection would take their number, and be written into.
// They are opened on nothing; of a program whose output matters (`told`) stdout so that writing to it fails. Before anything is opened.
void hold_standard_streams(bool told);

struct descriptor_wishes {
  std::size_t citizens = 0;  // connections; 0: none are served
  bool in_cluster = false;
};

struct descriptor_budget {
  std::size_t store = 0;        // files that RocksDB has open
  std::size_t links = 0;        // connections of other nodes, of those too that only say they are
  std::size_t operators = 0;    // connections
  std::size_t citizens = 0;     // connections; at most what was wished
  std::size_t turned_away = 0;  // citizens' connections beyond these, that are told so
};

// Raises what this process may open as far as it is allowed to and a node can use. Says what is in force.
std::size_t raise_descriptor_limit(const descriptor_wishes& w);
// An error: it is too little to run with, in words.
[[nodiscard]] std::expected<descriptor_budget, std::string> divide_descriptors(std::size_t allowed, const descriptor_wishes& w);

}  // namespace janji::apps
