#include "cluster/positions.hpp"

#include <boost/json.hpp>
#include <charconv>

namespace janji::cluster {

namespace json = boost::json;

bool merge(positions& into, const positions& more) {
  bool moved = false;
  for (const auto& [shard, at] : more)
    if (auto& known = into[shard]; known < at) {
      known = at;
      moved = true;
    }
  return moved;
}

// {"7":[epoch,sequence],...}
std::string to_text(const positions& p) {
  json::object out;
  for (const auto& [shard, at] : p)
    out[std::to_string(shard.value)] = json::array{at.epoch.value, at.sequence.value};
  return json::serialize(out);
}

std::expected<positions, std::string> positions_from_text(std::string_view text) {
  try {
    positions out;
    const auto read = json::parse(json::string_view(text.data(), text.size()));
    for (const auto& [name, at] : read.as_object()) {
      std::uint16_t shard = 0;
      const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), shard);
      if (error != std::errc{} || end != name.data() + name.size())
        return std::unexpected("positions cannot be read: a shard called " + std::string(name));
      out[shard_id{shard}] = {epoch_t{at.at(0).to_number<std::uint64_t>()}, sequence_t{at.at(1).to_number<std::uint64_t>()}};
    }
    return out;
  } catch (const std::exception& e) {
    return std::unexpected(std::string("positions cannot be read: ") + e.what());
  }
}

}  // namespace janji::cluster
