// The rotation of the master key, whatever comes between.
#include "tests/cluster/key_rotation_test.hpp"

namespace janji::cluster {
namespace rotation {

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
    etcd.ever.clear();
    level = walk % 2 == 0 ? "1" : "2";
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
            etcd.fault = [] { return 0; };
            if (below(6) == 0 && std::ranges::count_if(machines, [](const auto& o) { return o.runs(); }) == 2) {
              fetch_all();
              wipe(m);  // two others hold what it held
            }
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
    EXPECT_EQ(opened_of_erased(ever), "") << "by all masters that there were, and all that the nodes hold";
  }
  EXPECT_GT(bad, walks);
  EXPECT_GT(finished, walks / 2);
}

}  // namespace rotation
}  // namespace janji::cluster
