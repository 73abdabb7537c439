// store_cost [DIRECTORY [ENTRIES]]: what a group of log entries in one synced write costs, with records of 300 bytes: CPU of
// the whole process (background threads included), and bytes that reach the disk, an entry. A booking is two entries of
// its own at most: its place and its claim; many share one when a shard is busy.
#include <fmt/format.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>

#include "store/node_store.hpp"

namespace {

double cpu_us() {
  rusage u{};
  getrusage(RUSAGE_SELF, &u);
  return static_cast<double>(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 + static_cast<double>(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}
double system_us() {
  rusage u{};
  getrusage(RUSAGE_SELF, &u);
  return static_cast<double>(u.ru_stime.tv_sec) * 1e6 + static_cast<double>(u.ru_stime.tv_usec);
}
double written_bytes() {
  std::ifstream in("/proc/self/io");
  std::string name;
  double value = 0;
  while (in >> name >> value)
    if (name == "wchar:")
      return value;
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace janji;
  const std::filesystem::path root = argc > 1 ? argv[1] : std::filesystem::temp_directory_path() / "janji-store-cost";
  const auto total = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 200'000ULL;
  const std::size_t record = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 420;  // one booking with a record of 300 bytes, encoded
  std::mt19937_64 random(1);
  std::string payload(record, '\0');
  for (auto& c : payload)
    c = static_cast<char>(random());
  fmt::print("{:>6} {:>9} {:>12} {:>10} {:>10} {:>12} {:>12}\n", "group", "entries", "entries/s", "CPU us", "system us", "sync us",
             "bytes/entry");
  for (const std::size_t group : {1, 8, 64, 512}) {
    std::filesystem::remove_all(root);
    std::filesystem::create_directories(root);
    store::store_options options;
    options.path = root / "store";
    options.ballast_bytes = 0;
    auto opened = store::node_store::open(options);
    if (!opened) {
      std::fprintf(stderr, "store_cost: %s\n", opened.error().text().c_str());
      return 1;
    }
    auto& s = **opened;
    const auto entries = group == 1 ? total / 20 : group == 8 ? total / 4 : total * 2;
    std::vector<std::uint64_t> next(64, 0);
    const auto cpu = cpu_us();
    const auto system = system_us();
    const auto io = written_bytes();
    const auto start = std::chrono::steady_clock::now();
    std::uint64_t turn = 0;
    for (std::uint64_t done = 0; done < entries; done += group, ++turn) {
      std::vector<store::shard_write> writes;
      for (std::size_t i = 0; i < group; ++i) {
        const auto shard = static_cast<std::uint16_t>((turn * group + i) % 64);
        writes.push_back({shard_id{shard}, std::nullopt, std::nullopt, {{epoch_t{1}, sequence_t{++next[shard]}, payload}}});
      }
      if (auto written = s.write(writes); !written) {
        std::fprintf(stderr, "store_cost: %s\n", written.error().text().c_str());
        return 1;
      }
    }
    const auto seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    const auto n = static_cast<double>(entries);
    fmt::print("{:>6} {:>9} {:>12.0f} {:>10.2f} {:>10.2f} {:>12.1f} {:>12.0f}\n", group, entries, n / seconds, (cpu_us() - cpu) / n,
               (system_us() - system) / n, seconds * 1e6 / static_cast<double>(turn), (written_bytes() - io) / n);
    opened->reset();
  }
  std::filesystem::remove_all(root);
}
