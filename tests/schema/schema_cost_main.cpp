// What encoding and decoding cost, in nanoseconds of CPU an event. Not a test: numbers depend on the machine.
#include <algorithm>
#include <cstdio>
#include <ctime>

#include "tests/schema/samples.hpp"

namespace {

double cpu_ns() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}

std::vector<janji::schema::owned_event> batch_of(std::size_t size, std::size_t record_bytes) {
  using namespace janji;
  std::vector<schema::owned_event> events;
  for (std::size_t i = 0; i < size; ++i) {
    booked b{window_index{1}, body_hash{2}, false, unix_ms{3}, {}};
    b.people.push_back({{}, reference{i}, {}, key_hash{i}, {1, 2}, std::string(record_bytes, 's'), std::nullopt});
    events.push_back({schema::owner::of(group_id{7}), group_event{std::move(b)}});
  }
  return events;
}

}  // namespace

int main() {
  constexpr int rounds = 20'000;
  std::printf("%6s %8s %12s %12s %12s\n", "batch", "record", "encode ns", "decode ns", "bytes/event");
  for (const auto& [size, record] : {std::pair<std::size_t, std::size_t>{1, 300}, {8, 0}, {8, 300}, {64, 300}, {8, 4096}}) {
    const auto events = batch_of(size, record);
    double encode_ns = 1e18;
    double decode_ns = 1e18;
    std::size_t bytes = 0;
    for (int turn = 0; turn < 3; ++turn) {
      const auto n = rounds / static_cast<int>(size) + 1;
      auto start = cpu_ns();
      for (int i = 0; i < n; ++i)
        bytes = janji::schema::encode_batch(events).size();
      encode_ns = std::min(encode_ns, (cpu_ns() - start) / n / static_cast<double>(size));
      const auto encoded = janji::schema::encode_batch(events);
      start = cpu_ns();
      for (int i = 0; i < n; ++i)
        bytes += janji::schema::decode_batch(encoded)->size() - size;
      decode_ns = std::min(decode_ns, (cpu_ns() - start) / n / static_cast<double>(size));
    }
    std::printf("%6zu %8zu %12.0f %12.0f %12zu\n", size, record, encode_ns, decode_ns, bytes / size);
  }
}
