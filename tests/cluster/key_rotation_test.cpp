// The rotation of the master key over nodes with real key files and a configuration store in memory, which loses answers, is put back,
// and lets nodes end between any two of its calls.
#include "cluster/key_rotation.hpp"

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
#include "tests/temporary_directory.hpp"

namespace janji::cluster {
namespace {

using store::fingerprint_of;
using store::key_bytes;
using store::key_ring;

key_bytes master(std::uint8_t b) {
  key_bytes k{};
  k.fill(b);
  return k;
}
const key_bytes a = master(0xA), b = master(0xB), c = master(0xC);

struct ended {};  // a process that ends in the midst of a call

class memory_store final : public value_store {
public:
  struct state {
    std::int64_t revision = 0;
    std::map<std::string, versioned_value> values;
  };
  state now;
  std::function<void(std::string_view name)> meanwhile;  // between what a node has read and what it puts; once
  std::function<int()> fault = [] { return 0; };         // before a change: 1 ends the process before it, 2 after it, 3 its answer is lost

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
    etcd.now.values["feature"] = {++etcd.now.revision, "1"};
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
    const auto k = m.ring->get_or_make(name);
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
  std::string words(const key_operations::said& s) { return s ? *s : s.error(); }

  test::temporary_directory directory;
  memory_store etcd;
  std::deque<machine> machines;
  std::map<std::string, key_bytes> made;
  std::set<round_id> erased;
  bool may_be_new = false;
};

TEST_F(rotation_test, everything_is_wrapped_under_the_new_one_and_the_old_one_is_shut_out_at_the_end) {
  auto& one = machines[0];
  key(one, "request");
  give(b);
  EXPECT_TRUE(one.keeper->rotate(std::nullopt, false).has_value());
  key(machines[1], "citizen/7");  // whose node may not have heard of it
  all_pass();
  EXPECT_EQ(not_under(b), "");
  key(machines[2], "citizen/7");
  EXPECT_TRUE(one.keeper->rotate(std::nullopt, false).has_value()) << "said again it says how far it is";
  EXPECT_TRUE(machines[1].keeper->finish_rotation(false).has_value());
  EXPECT_TRUE(machines[1].keeper->finish_rotation(false).has_value()) << "and again";
  all_pass();
  stop(one);
  one.masters = {a};
  EXPECT_FALSE(start(one));
  EXPECT_NE(one.said.find(fingerprint_of(b)), std::string::npos) << one.said;
  wipe(one);
  EXPECT_FALSE(start(one));
  EXPECT_NE(one.said.find(fingerprint_of(b)), std::string::npos) << one.said;
  one.masters = {b};
  may_be_new = true;  // the file that was begun with the wrong one holds nothing
  EXPECT_TRUE(start(one)) << one.said;
  key(one, "request");
  key(one, "citizen/7");
}

TEST_F(rotation_test, a_wiped_disk_joins_at_any_moment_with_the_new_one) {
  key(machines[0], "request");
  give(b);
  wipe(machines[2]);
  EXPECT_TRUE(start(machines[2]));
  ASSERT_TRUE(machines[0].keeper->rotate(std::nullopt, false).has_value());
  wipe(machines[2]);
  EXPECT_TRUE(start(machines[2])) << "with both, while nothing is wrapped again yet: " << machines[2].said;
  key(machines[2], "request");
  all_pass();
  wipe(machines[2]);
  machines[2].masters = {b};
  EXPECT_TRUE(start(machines[2])) << machines[2].said;
  key(machines[2], "request");
}

TEST_F(rotation_test, it_is_refused_by_name_while_a_node_is_away_silent_or_lacks_the_new_one) {
  const auto order = [&] { return words(machines[0].keeper->rotate(b, false)); };
  key(machines[0], "request");
  EXPECT_NE(order().find("does not hold"), std::string::npos) << order();
  machines[0].masters = {a, b};
  EXPECT_NE(order().find("nodes 2, 3 lack"), std::string::npos) << order();
  machines[1].masters = {a, b};
  machines[1].keeper->pass();
  EXPECT_NE(order().find("nodes 3 lack"), std::string::npos) << order();
  stop(machines[2]);
  EXPECT_NE(order().find("nodes 3 are not there"), std::string::npos) << order();
  machines[2].masters = {a, b};
  ASSERT_TRUE(start(machines[2]));
  ++machines[2].boot;  // it started again, and has said nothing yet
  EXPECT_NE(order().find("nodes 3 have not said"), std::string::npos) << order();
  --machines[2].boot;
  etcd.now.values["feature"].value = "0";
  EXPECT_NE(order().find("feature level 0"), std::string::npos) << order();
  etcd.now.values["feature"].value = "1";
  EXPECT_EQ(etcd.now.values.count("master"), 0U);
  EXPECT_NE(words(machines[0].keeper->rotate(a, false)).find("already"), std::string::npos) << "the one in use, given as the new one";
  EXPECT_NE(words(machines[0].keeper->rotate(b, true)).find("would wrap"), std::string::npos);
  EXPECT_EQ(etcd.now.values.count("master"), 0U) << "tried only";
  EXPECT_EQ(order().find("wrong_state"), std::string::npos) << order();
}

TEST_F(rotation_test, of_two_orders_to_different_masters_one_is_refused_by_name) {
  key(machines[0], "request");
  machines[0].masters = machines[1].masters = machines[2].masters = {a, b, c};
  all_pass();
  EXPECT_TRUE(machines[0].keeper->rotate(b, false).has_value());
  const auto other = machines[1].keeper->rotate(c, false);
  ASSERT_FALSE(other.has_value());
  EXPECT_NE(other.error().find(fingerprint_of(b) + " is under way, ordered at node 1"), std::string::npos) << other.error();
  EXPECT_TRUE(machines[1].keeper->rotate(b, false).has_value()) << "to the same one it is the same order";
}

TEST_F(rotation_test, it_is_not_finished_while_a_file_or_a_copy_is_left_or_a_start_would_lack_the_new_one) {
  const auto finish = [&] { return words(machines[0].keeper->finish_rotation(false)); };
  key(machines[0], "request");
  EXPECT_NE(finish().find("no rotation"), std::string::npos);
  give(b);
  ASSERT_TRUE(machines[0].keeper->rotate(std::nullopt, false).has_value());
  EXPECT_NE(finish().find("key files of nodes 1, 2, 3"), std::string::npos) << finish();
  stop(machines[2]);
  all_pass();
  EXPECT_NE(finish().find("key files of nodes 3"), std::string::npos) << finish();
  machines[2].masters = {b};
  EXPECT_FALSE(start(machines[2])) << "its file is wrapped under the old one still";
  machines[2].masters = {a};
  EXPECT_FALSE(start(machines[2]));
  EXPECT_NE(machines[2].said.find(fingerprint_of(b)), std::string::npos) << machines[2].said;
  machines[2].masters = {a, b};
  EXPECT_TRUE(start(machines[2]));
  etcd.now.values["key/stray"] = {++etcd.now.revision, "00"};
  EXPECT_NE(finish().find("no master here opens stray"), std::string::npos) << finish();
  ASSERT_TRUE(etcd.remove("key/stray").has_value());
  machines[1].masters = {a};
  all_pass();
  EXPECT_NE(finish().find("next start of nodes 2 would lack"), std::string::npos) << finish();
  machines[1].masters = {b};
  all_pass();
  stop(machines[2]);  // what it said stands
  EXPECT_NE(words(machines[0].keeper->finish_rotation(true)).find("would be done"), std::string::npos);
  EXPECT_EQ(finish().find("wrong_state"), std::string::npos) << finish();
}

TEST_F(rotation_test, a_store_that_forgot_a_rotation_is_told_of_it_and_leaves_no_copy_that_nobody_opens) {
  key(machines[0], "request");
  key(machines[0], "citizen/1");
  const auto before = etcd.now;
  give(b);
  ASSERT_TRUE(machines[0].keeper->rotate(std::nullopt, false).has_value());
  all_pass();
  ASSERT_TRUE(machines[0].keeper->finish_rotation(false).has_value());
  key(machines[1], "citizen/1");
  all_pass();
  for (auto& m : machines) {
    stop(m);
    m.masters = {b};  // nobody has the old one any more
  }
  etcd.now = before;
  for (auto& m : machines)
    EXPECT_TRUE(start(m)) << m.said;
  all_pass();
  EXPECT_EQ(not_under(b), "");
  EXPECT_TRUE(master_record_from_text(*etcd.now.values["master"].value)->mark.finished);
  wipe(machines[2]);
  EXPECT_TRUE(start(machines[2])) << machines[2].said;
  key(machines[2], "request");
  key(machines[2], "citizen/1");
}

TEST_F(rotation_test, the_key_of_an_erased_round_never_comes_back) {
  key(machines[0], "request");
  key(machines[0], "citizen/1");
  key(machines[0], "data/1");
  key(machines[1], "citizen/1");
  const auto before = etcd.now;
  give(b);
  ASSERT_TRUE(machines[0].keeper->rotate(std::nullopt, false).has_value());
  ASSERT_TRUE(machines[0].ring->destroy_round(round_id{1}).has_value());
  all_pass();
  EXPECT_EQ(etcd.read_values("key/citizen/1")->size(), 0U) << "another node still holds it";
  ASSERT_TRUE(machines[1].ring->destroy_round(round_id{1}).has_value());
  for (auto& m : machines)
    stop(m);
  etcd.now = before;
  for (auto& m : machines)
    EXPECT_TRUE(start(m)) << m.said;
  all_pass();
  EXPECT_EQ(etcd.read_values("key/citizen/1")->size(), 0U) << "the store that was put back had it";
  EXPECT_EQ(not_under(b), "");
}

TEST_F(rotation_test, a_key_that_is_made_while_the_order_is_given_is_wrapped_under_the_new_one) {
  key(machines[0], "request");
  give(b);
  etcd.meanwhile = [&](std::string_view name) {
    EXPECT_EQ(name, "key/citizen/7");
    EXPECT_TRUE(machines[0].keeper->rotate(std::nullopt, false).has_value());
    all_pass();
    EXPECT_TRUE(machines[0].keeper->finish_rotation(false).has_value());
  };
  key(machines[1], "citizen/7");
  EXPECT_EQ(not_under(b), "");
  key(machines[2], "citizen/7");
}

TEST_F(rotation_test, a_round_that_is_erased_while_its_key_is_wrapped_again_stays_erased) {
  key(machines[0], "data/1");
  give(b);
  ASSERT_TRUE(machines[0].keeper->rotate(std::nullopt, false).has_value());
  etcd.meanwhile = [&](std::string_view) {  // node 2 says what it holds; then it is about to wrap what it has read
    etcd.meanwhile = [&](std::string_view name) {
      EXPECT_EQ(name, "key/data/1");
      EXPECT_TRUE(machines[0].ring->destroy_round(round_id{1}).has_value());
    };
  };
  machines[1].keeper->look_again();
  machines[1].keeper->pass();
  EXPECT_FALSE(etcd.meanwhile) << "it was";
  EXPECT_FALSE(etcd.read_value("key/data/1")->value);
}

TEST_F(rotation_test, a_key_that_is_asked_for_while_the_next_rotation_begins_is_read) {
  key(machines[0], "request");
  give(b);
  ASSERT_TRUE(machines[0].keeper->rotate(std::nullopt, false).has_value());
  all_pass();
  ASSERT_TRUE(machines[0].keeper->finish_rotation(false).has_value());
  for (auto& m : machines)
    m.masters = {b, c};
  all_pass();
  etcd.before_read = [&](std::string_view name) {  // after the record was read
    EXPECT_EQ(name, "key/request");
    EXPECT_TRUE(machines[0].keeper->rotate(std::nullopt, false).has_value());
    machines[0].keeper->pass();
  };
  key(machines[2], "request");
  EXPECT_FALSE(etcd.before_read) << "it was";
}

TEST_F(rotation_test, at_the_end_no_copy_is_taken_under_the_old_one) {
  key(machines[0], "request");
  give(b);
  ASSERT_TRUE(machines[0].keeper->rotate(std::nullopt, false).has_value());
  all_pass();
  const auto forged = [&] {
    etcd.now.values["key/citizen/9"] = {++etcd.now.revision, to_text(key_copy{fingerprint_of(a), store::wrap("citizen/9", c, a)})};
  };
  forged();
  EXPECT_TRUE(machines[1].ring->get_or_make("citizen/9").has_value()) << "until then it is";
  all_pass();
  ASSERT_TRUE(machines[0].keeper->finish_rotation(false).has_value());
  forged();
  const auto refused = machines[2].ring->get_or_make("citizen/9");
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().text().find("does not open"), std::string::npos) << refused.error().text();
}

TEST_F(rotation_test, what_an_earlier_version_rotated_on_one_node_only_is_mended) {
  key(machines[0], "request");
  key(machines[1], "request");
  key(machines[2], "request");
  ASSERT_TRUE(machines[0].ring->rotate_master(b).has_value());
  stop(machines[0]);
  machines[0].masters = {b};
  ASSERT_TRUE(start(machines[0]));
  machines[1].masters = machines[2].masters = {a, b};
  all_pass();
  EXPECT_TRUE(machines[0].keeper->rotate(b, false).has_value());
  all_pass();
  EXPECT_EQ(not_under(b), "");
  EXPECT_TRUE(machines[0].keeper->finish_rotation(false).has_value());
}

TEST_F(rotation_test, what_is_read_from_the_store_may_be_anything) {
  for (const std::string text : {"", "{}", "[]", "null", "{\"mark\":{\"number\":0,\"finished\":true},\"from\":\"\",\"to\":\"x\",\"by\":0}",
                                 "{\"mark\":{\"number\":-1,\"finished\":true},\"from\":\"\",\"to\":\"x\",\"by\":0}", "\xff\xfe"}) {
    EXPECT_FALSE(master_record_from_text(text).has_value()) << text;
    EXPECT_FALSE(key_holder_from_text(text).has_value()) << text;
  }
  const master_record r{{3, false}, "a", "b", 7};
  EXPECT_EQ(*master_record_from_text(to_text(r)), r);
  const key_holder h{2, replication::boot_t{9}, {"x", "y"}, "x", {1, false}, "why"};
  EXPECT_EQ(*key_holder_from_text(to_text(h)), h);
  for (const std::string text : {"", ":", "x:", ":x", "x:00", "::", "deadbeef"}) {
    etcd.now.values["key/request"] = {++etcd.now.revision, text};
    EXPECT_FALSE(machines[0].ring->get_or_make("request").has_value()) << text;
  }
}

// Operators, deaths in the midst of any call, lost answers, wiped disks, erasures and a store that is put back, in any order.
TEST_F(rotation_test, walks) {
  const auto first = std::random_device{}();
  constexpr int walks = 30;
  int bad = 0;
  int finished = 0;
  constexpr int steps = 80;
  for (std::uint32_t walk = 0; walk < walks && !HasFailure(); ++walk) {
    const auto seed = first + walk;
    SCOPED_TRACE(fmt::format("seed {}", seed));
    TearDown();
    machines.clear();
    made.clear();
    erased.clear();
    etcd.now = {};
    etcd.fault = [] { return 0; };
    may_be_new = true;
    SetUp();
    for (auto& m : machines)
      wipe(m), start(m);
    key(machines[0], "request");
    std::mt19937 random(seed);
    const auto below = [&](std::uint32_t n) { return random() % n; };
    key_bytes current = a;
    std::uint8_t newest = 0x10;
    std::vector<key_bytes> ever{a};
    memory_store::state kept = etcd.now;
    const auto faults = [&] { return below(12) == 0 ? ++bad, static_cast<int>(1 + below(3)) : 0; };
    for (int step = 0; step < steps && !HasFailure(); ++step) {
      auto& m = machines[below(3)];
      etcd.fault = faults;
      try {
        switch (m.runs() ? below(9) : 9) {
          case 0:
          case 1: m.keeper->look_again(), m.keeper->pass(); break;
          case 2: stop(m); break;
          case 3: {  // a round's keys, made or fetched
            const auto name = fmt::format("citizen/{}", below(6));
            if (const auto k = m.ring->get_or_make(name)) {
              const auto [at, first_time] = made.try_emplace(name, *k);
              EXPECT_EQ(at->second, *k) << name << " was made anew";
            }
            break;
          }
          case 4:
            if (const round_id r{static_cast<std::uint16_t>(below(6))}; below(4) == 0) {
              erased.insert(r);
              for (auto& other : machines)
                if (other.runs() && below(2) == 0)
                  (void)other.ring->destroy_round(r);
            }
            break;
          case 5:  // the operator puts a new master everywhere, if nothing is under way
            if (const auto v = m.keeper->keys(); v && !v->under_way() && std::ranges::all_of(machines, &machine::runs)) {
              const auto next = master(++newest);
              ever.push_back(next);
              for (auto& other : machines)
                other.masters = {current, next};
              for (auto& other : machines)
                if (other.runs())
                  other.keeper->pass();
            }
            break;
          case 6: (void)m.keeper->rotate(std::nullopt, below(4) == 0); break;
          case 7:
            if (m.keeper->finish_rotation(false)) {
              ++finished;
              const auto v = m.keeper->keys();
              ASSERT_TRUE(v.has_value());
              for (auto& other : machines)  // and takes the old one away
                for (const auto& held : other.masters)
                  if (fingerprint_of(held) == v->master())
                    current = held;
              for (auto& other : machines)
                if (other.runs())
                  other.masters = {current};
              kept = etcd.now;
            }
            break;
          case 8:
            if (below(3) == 0) {
              for (auto& other : machines)
                stop(other);
              if (below(2) == 0)
                etcd.now = kept;  // as it was some time ago
              else
                kept = etcd.now;
            }
            break;
          default:
            if (below(6) == 0 && std::ranges::count_if(machines, [](const auto& o) { return o.runs(); }) == 2)
              wipe(m);  // two others hold what it held
            etcd.fault = [] { return 0; };
            (void)start(m);
        }
      } catch (const ended&) {
        stop(m);
      }
    }
    // Faults end: all start with all there is, and one rotation goes from its beginning to its end.
    etcd.fault = [] { return 0; };
    const auto last = master(0xFF);
    for (auto& m : machines) {
      m.masters = ever;
      m.masters.push_back(last);
      stop(m);
    }
    for (int i = 0; i < 2; ++i)
      for (auto& m : machines)
        if (!m.runs())
          (void)start(m);
    for (auto& m : machines)
      ASSERT_TRUE(m.runs()) << m.said;
    all_pass();
    for (int i = 0; i < 2; ++i)
      for (auto& m : machines)
        for (const auto& round : erased)
          ASSERT_TRUE(m.ring->destroy_round(round).has_value());
    if (const auto v = machines[0].keeper->keys(); v && v->under_way()) {
      ASSERT_TRUE(machines[0].keeper->finish_rotation(false).has_value()) << words(machines[0].keeper->finish_rotation(false));
    }
    all_pass();
    ASSERT_TRUE(machines[0].keeper->rotate(last, false).has_value()) << words(machines[0].keeper->rotate(last, false));
    all_pass();
    ASSERT_TRUE(machines[0].keeper->finish_rotation(false).has_value()) << words(machines[0].keeper->finish_rotation(false));
    all_pass();
    EXPECT_EQ(not_under(last), "");
    for (const auto round : erased)
      EXPECT_FALSE(etcd.read_value(fmt::format("key/citizen/{}", round.value))->value) << "an erased round's key is back";
    wipe(machines[2]);
    machines[2].masters = {last};
    ASSERT_TRUE(start(machines[2])) << machines[2].said;
    const auto copies = etcd.read_values(copies_prefix);
    for (const auto& [name, value] : *copies)
      if (const auto plain = name.substr(copies_prefix.size()); made.contains(plain)) {
        EXPECT_EQ(key(machines[2], plain), made[plain]);
      }
  }
  EXPECT_GT(bad, walks);
  EXPECT_GT(finished, walks / 2);
}

}  // namespace
}  // namespace janji::cluster
