#include "cluster/boots.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

namespace janji::cluster {

namespace json = boost::json;
using replication::make_boot;
using replication::number_of;

namespace {

// Empty: it is what it was. What is later than all that is known was written since: an earlier version counted it there, or the
// configuration store was put back.
std::string why_another(const std::optional<boot_record>& known, const known_disk* k, boot_t on_disk) {
  if (k == nullptr)
    return known && known->forgot_some && on_disk != boot_t{} ? "it has not been here for longer than is remembered" : "";
  const bool pending = k->pending != boot_t{} && on_disk == k->pending;
  if (on_disk == k->written || pending || on_disk > std::max(k->written, k->pending))
    return {};
  return fmt::format("its last start was boot {}, and boot {} was started on it since: it was put back, or it is a copy",
                     number_of(on_disk), number_of(std::max(k->written, k->pending)));
}

}  // namespace

begun_boot begin_boot(const std::optional<boot_record>& known, std::uint64_t disk, boot_t on_disk, std::uint64_t above,
                      std::uint64_t random, std::uint64_t random_disk) {
  begun_boot b;
  b.next = known.value_or(boot_record{});
  const auto at = std::ranges::find(b.next.disks, disk, &known_disk::disk);
  b.why = why_another(known, at == b.next.disks.end() ? nullptr : &*at, on_disk);
  b.disk = b.why.empty() ? disk : random_disk;
  b.next.last_number = std::max({b.next.last_number, number_of(on_disk), above}) + 1;
  b.boot = make_boot(b.next.last_number, random);
  known_disk now{b.disk, b.why.empty() ? on_disk : boot_t{}, b.boot};
  if (b.why.empty() && at != b.next.disks.end())
    b.next.disks.erase(at);
  b.next.disks.push_back(now);
  if (b.next.disks.size() > disks_known_max) {
    b.next.disks.erase(b.next.disks.begin());
    b.next.forgot_some = true;
  }
  return b;
}

std::optional<boot_record> confirmed(const boot_record& known, std::uint64_t disk, boot_t boot) {
  auto next = known;
  const auto at = std::ranges::find(next.disks, disk, &known_disk::disk);
  if (at == next.disks.end() || (at->pending != boot && (at->written != boot || at->pending != boot_t{})))
    return std::nullopt;
  at->written = boot;
  at->pending = {};
  return next;
}

bool is_last(const boot_record& known, std::uint64_t disk, boot_t boot) {
  return !known.disks.empty() && known.disks.back() == known_disk{disk, boot, {}};
}

std::string to_text(const boot_record& r) {
  json::array disks;
  for (const auto& d : r.disks)
    disks.push_back({{"disk", d.disk}, {"written", d.written.value}, {"pending", d.pending.value}});
  return json::serialize(json::object{{"last_number", r.last_number}, {"forgot_some", r.forgot_some}, {"disks", std::move(disks)}});
}

std::expected<boot_record, std::string> boot_record_from_text(std::string_view text) {
  try {
    const auto v = json::parse(json::string_view(text.data(), text.size()));
    boot_record r{v.at("last_number").to_number<std::uint64_t>(), {}, v.at("forgot_some").as_bool()};
    for (const auto& d : v.at("disks").as_array())
      r.disks.push_back({d.at("disk").to_number<std::uint64_t>(), boot_t{d.at("written").to_number<std::uint64_t>()},
                         boot_t{d.at("pending").to_number<std::uint64_t>()}});
    return r;
  } catch (const std::exception& e) {
    return std::unexpected(std::string("what is known of a node's starts cannot be read: ") + e.what());
  }
}

}  // namespace janji::cluster
