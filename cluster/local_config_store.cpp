#include "cluster/local_config_store.hpp"

#include "cluster/record_text.hpp"

namespace janji::cluster {

static std::string key_of(shard_id shard) { return "shard/" + std::to_string(shard.value); }

std::expected<versioned_record, std::string> local_config_store::read(shard_id shard) {
  const auto known = store_.get(key_of(shard));
  if (!known)
    return std::unexpected(known.error().text());
  if (known->revision == 0)
    return versioned_record{};
  auto record = record_from_text(known->value);
  if (!record)
    return std::unexpected(record.error());
  return versioned_record{known->revision, std::move(*record)};
}

swap_outcome local_config_store::swap(shard_id shard, std::uint64_t expected_revision, const shard_record& record) {
  const auto written = store_.swap(key_of(shard), expected_revision, to_text(record));
  if (written)
    return {swap_result::won, {*written, record}};
  if (written.error().code == store::errc::conflict)
    if (auto found = read(shard))
      return {swap_result::lost, std::move(*found)};
  return {};
}

}  // namespace janji::cluster
