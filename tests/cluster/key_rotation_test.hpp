// Nodes with real key files and a configuration store in memory, which loses answers, is put back, and lets nodes end between any two
// of its calls. For the tests of the rotation of the master key.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sodium.h>

#include <algorithm>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <utility>

#include "cluster/key_keeper.hpp"
#include "cluster/key_rotation.hpp"
#include "tests/temporary_directory.hpp"

namespace janji::cluster {
namespace rotation {

using store::fingerprint_of;
using store::key_bytes;
using store::key_ring;

inline key_bytes master(std::uint8_t b) {
  key_bytes k;
  k.fill(b);
  return k;
}
inline const key_bytes a = master(0xA), b = master(0xB), c = master(0xC);

struct ended {};  // a process that ends in the midst of a call

class memory_store final : public value_store {
public:
  struct state {
    std::int64_t revision = 0;
    std::map<std::string, versioned_value> values;
  };
  state now;
  std::vector<std::pair<std::string, std::string>> ever;  // as a store keeps what was removed
  std::function<void(std::string_view name)> meanwhile;   // between what a node has read and what it puts; once
  std::function<int()> fault = [] { return 0; };          // before a change: 1 ends the process before it, 2 after it, 3 its answer is lost

  std::function<void(std::string_view name)> before_read;  // of a key; once

  std::expected<versioned_value, std::string> read_value(std::string_view name) override {
    if (before_read && name.starts_with(copies_prefix))
      std::exchange(before_read, {})(name);
    const auto at = now.values.find(std::string(name));
    return at == now.values.end() ? versioned_value{} : at->second;
  }
  std::expected<std::map<std::string, versioned_value>, std::string> read_values(std::string_view prefix) override {
    std::map<std::string, versioned_value> out;
    for (const auto& [name, value] : now.values)
      if (name.starts_with(prefix))
        out[name] = value;
    return out;
  }
  std::expected<bool, std::string> put_value(std::string_view name, std::int64_t revision, std::string_view value,
                                             const std::optional<value_condition>& also) override {
    if (const auto once = std::exchange(meanwhile, {}))
      once(name);
    return changed<bool>([&] {
      if (read_value(name)->revision != revision || (also && read_value(also->name)->revision != also->revision))
        return false;
      now.values[std::string(name)] = {++now.revision, std::string(value)};
      ever.emplace_back(name, value);
      return true;
    });
  }
  std::expected<void, std::string> remove(std::string_view name) override {
    const auto done = changed<bool>([&] { return ++now.revision, now.values.erase(std::string(name)) != 0; });
    return done ? std::expected<void, std::string>{} : std::unexpected(done.error());
  }

private:
  template <class T, class Change>
  std::expected<T, std::string> changed(Change change) {
    const int what = fault();
    if (what == 1)
      throw ended{};
    const T result = change();
    if (what == 2)
      throw ended{};
    return what == 3 ? std::expected<T, std::string>(std::unexpected("the answer is lost")) : result;
  }
};

struct machine {
  std::uint64_t number = 0;
  std::string file;
  std::vector<key_bytes> masters;  // as the operator has put them there
  std::uint64_t boot = 0;
  std::unique_ptr<key_ring> ring;
  std::unique_ptr<key_keeper> keeper;  // none: it does not run
  std::string said;                    // why it does not
  bool removed = false;
  [[nodiscard]] bool runs() const { return keeper != nullptr; }
};

struct rotation_test : testing::Test {
  void SetUp() override {
    ASSERT_GE(sodium_init(), 0);
    etcd.now.values["feature"] = {++etcd.now.revision, level};
    for (std::uint64_t n = 1; n <= 3; ++n) {
      machines.push_back({n, fmt::format("{}/keys{}", directory.path(), n), {a}});
      start(machines.back());
    }
  }

  std::vector<key_member> members() const {
    std::vector<key_member> out;
    for (const auto& m : machines)
      if (!m.removed || m.runs())
        out.push_back({m.number, m.runs(), replication::boot_t{m.boot}, std::nullopt});
    return out;
  }

  bool start(machine& m) {
    m.said.clear();
    auto ring = key_ring::open(m.file, m.masters, !std::filesystem::exists(m.file) || may_be_new);
    if (!ring)
      return m.said = ring.error().text(), false;
    m.ring = std::move(*ring);
    ++m.boot;
    key_keeper::ports p;
    p.node = m.number;
    p.boot = replication::boot_t{m.boot};
    p.read_masters = [&m] { return store::held_masters{m.masters, {}}; };
    p.members = [this] { return members(); };
    p.may_be_made = [this](const std::string& name) { return !made.contains(name); };
    p.end = [&m](const std::string& why) { m.said = why; };
    m.keeper = std::make_unique<key_keeper>(etcd, *m.ring, std::move(p));
    if (auto begun = m.keeper->begin(); !begun)
      return stop(m), m.said = begun.error(), false;
    m.ring->share(m.keeper->common());
    for (const auto round : erased)
      EXPECT_TRUE(m.ring->is_destroyed(round) || m.ring->destroy_round(round).has_value());
    for (const auto& name : m.ring->names())
      EXPECT_TRUE(m.keeper->put_back(name).has_value());
    m.keeper->pass();
    return true;
  }
  static void stop(machine& m) {
    m.keeper.reset();
    m.ring.reset();
  }
  static void wipe(machine& m) {
    stop(m);
    std::filesystem::remove(m.file);
    std::filesystem::remove(m.file + ".rounds");
  }
  void all_pass() {
    for (int i = 0; i < 3; ++i)
      for (auto& m : machines)
        if (m.runs()) {
          m.keeper->look_again();
          m.keeper->pass();
        }
  }
  // As all nodes have it; the first that is asked makes it.
  key_bytes key(machine& m, const std::string& name) {
    auto k = m.ring->get_or_make(name);
    if (!k && level != "1") {  // the others have yet to wrap it for this one
      all_pass();
      k = m.ring->get_or_make(name);
    }
    EXPECT_TRUE(k.has_value()) << (k ? "" : k.error().text());
    if (!k)
      return {};
    const auto [at, first] = made.try_emplace(name, *k);
    EXPECT_EQ(at->second, *k) << name << " at node " << m.number << " is another than before";
    return *k;
  }
  void give(const key_bytes& next) {
    for (auto& m : machines)
      m.masters = {m.masters.front(), next};
    all_pass();
  }
  // What is not wrapped under it, of copies and of files that are there.
  std::string not_under(const key_bytes& wanted) {
    std::string out;
    const auto copies = etcd.read_values(copies_prefix);
    for (const auto& [name, value] : *copies)
      if (key_copy_from_text(*value.value).master != fingerprint_of(wanted))
        out += " " + name;
    for (const auto& m : machines)
      if (std::filesystem::exists(m.file) && !key_ring::open(m.file, wanted, false))
        out += fmt::format(" node {}", m.number);
    return out;
  }
  // As nodes do that run: whatever was made is in every file.
  void fetch_all() {
    all_pass();
    for (auto& m : machines)
      for (const auto& [name, k] : made)
        if (const auto round = store::round_of_key(name); m.runs() && !(round && erased.contains(*round)))
          (void)m.ring->get_or_make(name);
  }
  // Of all that the store ever had of erased rounds' keys, what any of these masters opens, with all secrets that are left.
  std::string opened_of_erased(const std::vector<key_bytes>& masters) const {
    std::string out;
    for (const auto& [name, value] : etcd.ever) {
      const auto key_name = name.starts_with(copies_prefix) ? name.substr(copies_prefix.size()) : std::string();
      const auto round = store::round_of_key(key_name);
      if (level == "1" || !round || !erased.contains(*round))
        continue;
      const auto copy = key_copy_from_text(value);
      for (const auto& with : masters) {
        key_bytes k;
        bool opened = store::unwrap(key_name, copy.box, with, k);
        for (const auto& one : boxes_from_text(copy.box)) {
          opened = opened || store::unwrap(key_name, one.box, with, k);
          for (const auto& m : machines)
            opened = opened || (m.runs() && m.ring->open_copy(key_name, one.box, with));
        }
        out += opened ? " " + name : "";
      }
    }
    return out;
  }
  std::string words(const key_operations::said& s) { return s ? *s : s.error(); }

  test::temporary_directory directory;
  memory_store etcd;
  std::deque<machine> machines;
  std::map<std::string, key_bytes> made;
  std::set<round_id> erased;
  bool may_be_new = false;
  std::string level = "1";
};

}  // namespace rotation
}  // namespace janji::cluster
