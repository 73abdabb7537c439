// schema_write_samples DIRECTORY: writes the samples of the current version, when a release adds fields or events.
// The folders of released versions are never written again.
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "tests/schema/samples.hpp"

int main(int argc, char** argv) {
  if (argc != 2 || argv[1][0] == '-') {
    std::fprintf(stderr, "usage: schema_write_samples DIRECTORY (tests/schema/samples/v%d)\n", janji::schema::samples::current_version);
    return 2;
  }
  const std::filesystem::path directory = argv[1];
  std::filesystem::create_directories(directory);
  for (const auto& [name, bytes] : janji::schema::samples::encode_current()) {
    if (std::filesystem::exists(directory / name)) {
      std::fprintf(stderr, "schema_write_samples: %s is there already: a released sample stays as it is\n", (directory / name).c_str());
      return 1;
    }
    std::ofstream out(directory / name, std::ios::binary);
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    if (!out.flush()) {
      std::fprintf(stderr, "schema_write_samples: %s cannot be written\n", (directory / name).c_str());
      return 1;
    }
  }
  return 0;
}
