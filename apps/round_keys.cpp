#include "apps/round_keys.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sodium.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <utility>

#include "store/wiping.hpp"

namespace janji::apps {

namespace {

using names = std::array<std::string, 2>;

std::string fingerprint_of(const store::key_ring& keys, const names& of) {
  crypto_generichash_state state{};
  std::array<unsigned char, 16> sum{};
  crypto_generichash_init(&state, nullptr, 0, sum.size());
  for (const auto& name : of)
    if (const auto key = keys.get(name))
      crypto_generichash_update(&state, key->data(), key->size());
  crypto_generichash_final(&state, sum.data(), sum.size());
  return fmt::format("{:02x}", fmt::join(sum, ""));
}

names keys_of(round_id round) { return {fmt::format("citizen/{}", round.value), fmt::format("data/{}", round.value)}; }
bool is_of_a_round(const std::string& name) { return store::round_of_key(name).has_value(); }
std::string remembered_as(round_id round) { return fmt::format("keys-fingerprint/{}", round.value); }
std::string made_as(round_id round) { return fmt::format("keys-made/{}", round.value); }

std::string lacking_words(const actors::round_entry& round, const std::string& why) {
  return fmt::format("the keys of the round {} are not here: {}", round.definition.code, why);
}

std::string words_of_others(const std::vector<std::string>& others) {
  return fmt::format(
      "etcd has another key {} than this node, and with two of them one person could book twice: remove the one in etcd where the other "
      "nodes "
      "hold this node's, else put its key file back or wipe it",
      fmt::join(others, ", "));
}

}  // namespace

std::string fingerprint_of_keys(const store::key_ring& keys) { return fingerprint_of(keys, {"request", "token/1"}); }

round_keys::round_keys(store::key_ring& keys, store::sealing& sealing, store::node_store& store, actors::node& node, cluster_seat* seat,
                       std::string data)
    : keys_(keys), sealing_(sealing), store_(store), node_(node), seat_(seat), data_(std::move(data)) {}

// Whether they are the same is told by the cluster's fingerprint, or by begin().
std::expected<void, std::string> round_keys::put_back_common(const store::key_ring& keys, cluster_seat& seat) {
  auto all = keys.names();
  std::erase_if(all, is_of_a_round);
  if (const auto done = seat.put_back_keys(all); !done)
    return std::unexpected(done.error());
  return {};
}

std::expected<void, std::string> round_keys::begin() {
  const auto now = prepare();
  for (const auto& why : {now.wrong, now.failed, seat_ == nullptr ? now.waits + now.left : std::string()})
    if (!why.empty())
      return std::unexpected(why);
  if (seat_ == nullptr)
    return {};
  sealing_.use_only([this](round_id round) { return is_used(round); });
  // The rounds are not known yet: of theirs, those that this node has used.
  auto held = keys_.names();
  std::erase_if(held, [this](const auto& name) {
    const auto of = store::round_of_key(name);
    return of && !is_used(*of);
  });
  const auto others = seat_->compare_keys(held);
  if (!others)
    return std::unexpected(others.error());
  return others->empty() ? std::expected<void, std::string>{} : std::unexpected(words_of_others(*others));
}

// ------------------------------------------------------------------ what each round has

// A stop between an erasure's event and the destruction of its keys is made good here.
round_keys::state round_keys::prepare() {
  state now;
  const auto catalogue = node_.catalogue();
  for (const auto& round : catalogue->rounds) {
    auto one = prepare(*round);
    for (const auto part : {&state::wrong, &state::failed, &state::waits, &state::left})
      if ((now.*part).empty())
        now.*part = std::move(one.*part);
  }
  return now;
}

round_keys::state round_keys::prepare(const actors::round_entry& round) {
  const auto id = round.definition.id;
  if (round.status.state == round_state::erased) {
    auto now = forget(id);
    if (!now.left.empty())
      now.left = fmt::format("the keys of the erased round {} are not all destroyed: {}", round.definition.code, now.left);
    return now;
  }
  const auto remembered = store_.get(remembered_as(id));
  if (!remembered)
    return {.failed = remembered.error().text()};
  const bool is_new = remembered->revision == 0;
  if (seat_ == nullptr && !is_new && keys_.is_lost(keys_of(id).front()))
    return {.wrong = fmt::format(
                "{0}/keys.rounds does not hold the secret that opens the keys of the round {1} in {0}/keys: put the right one back", data_,
                round.definition.code)};
  if (seat_ == nullptr && !is_new && keys_.is_destroyed(id))
    return {.wrong = fmt::format(
                "the keys of the round {} were destroyed, and the store in {} knows of no erasure: put the store back that does",
                round.definition.code, store_.path())};
  if (seat_ == nullptr && !is_new && !keys_.get(keys_of(id).front()))
    return {.wrong = fmt::format(
                "{}/keys is not the key file that the store in {} was written with: it lacks the keys of the round {}; put the right one "
                "back",
                data_, store_.path(), round.definition.code)};
  if (seat_ != nullptr && is_new)
    if (auto disagrees = agree(round); !disagrees.is_good())
      return disagrees;
  if (const auto here = sealing_.prepare_round(id); !here)
    return {.waits = lacking_words(round, here.error().text())};
  return remember(round);
}

// Out of memory too, where they were kept since they were used.
round_keys::state round_keys::forget(round_id round, bool again) {
  const bool is_done = keys_.is_destroyed(round) && !again && !half_destroyed_.contains(round);
  const auto gone = is_done ? store::result<std::size_t>(0) : keys_.destroy_round(round);
  if (keys_.is_destroyed(round))
    sealing_.forget_round(round);
  if (!gone) {
    half_destroyed_.insert(round);
    return {.left = gone.error().text()};
  }
  half_destroyed_.erase(round);
  return {};
}

void round_keys::tell_left(const std::string& words) {
  const std::lock_guard lock(mutex_);
  left_ = words;
}

bool round_keys::is_used(round_id round) const {
  const auto remembered = store_.get(remembered_as(round));
  return remembered && remembered->revision != 0;
}

// Keys may be left of an import here that came to nothing. Nothing was done with them: where etcd, put back to before it, has others since,
// those are the round's. Of any other key that is another than etcd's it is not known what was done with it, and by whom: nothing is done
// with it here.
round_keys::state round_keys::agree(const actors::round_entry& round) {
  const auto id = round.definition.id;
  std::vector<std::string> held;
  for (auto& name : keys_of(id))
    if (keys_.get(name))
      held.push_back(std::move(name));
  if (held.empty())
    return {};
  const auto others = seat_->put_back_keys(held);
  if (!others)
    return {.waits = lacking_words(round, others.error())};
  if (others->empty())
    return {};
  const auto made = store_.get(made_as(id));
  if (!made)
    return {.failed = made.error().text()};
  if (made->revision == 0)
    return {.waits = words_of_others(*others)};
  spdlog::warn("etcd has another {} than the one that is left here of an import that came to nothing: etcd's is taken",
               fmt::join(*others, ", "));
  if (auto dropped = keys_.drop(*others); !dropped)
    return {.waits = lacking_words(round, dropped.error().text())};
  sealing_.forget_round(id);
  return {};
}

std::expected<void, std::string> round_keys::note_made(round_id round) {
  const auto noted = store_.get(made_as(round));
  if (!noted)
    return std::unexpected(noted.error().text());
  if (noted->revision != 0 || keys_.get(keys_of(round).front()))
    return {};
  if (auto written = store_.swap(made_as(round), 0, "here"); !written)
    return std::unexpected(written.error().text());
  return {};
}

round_keys::state round_keys::remember(const actors::round_entry& round) {
  const auto id = round.definition.id;
  const auto mine = fingerprint_of(keys_, keys_of(id));
  const auto known = store_.get(remembered_as(id));
  if (!known)
    return {.failed = known.error().text()};
  if (known->revision == 0) {
    if (auto written = store_.swap(remembered_as(id), 0, mine); !written)
      return {.failed = written.error().text()};
  } else if (known->value != mine) {
    return {.wrong = fmt::format(
                "the keys of the round {} are not those that the store in {} was written with (fingerprint {}, not {}): put the right "
                "{}/keys back",
                round.definition.code, store_.path(), mine, known->value, data_)};
  }
  return {};
}

// ------------------------------------------------------------------ the thread

void round_keys::run(std::function<void(std::string)> lacking, std::function<void(const std::string&)> refuse,
                     std::function<void(const std::string&)> die) {
  lacking_ = std::move(lacking);
  refuse_ = std::move(refuse);
  die_ = std::move(die);
  thread_ = std::jthread([this](const std::stop_token& stop) { watch(stop); });
}

// False: too many wait.
bool round_keys::take(order&& o) {
  constexpr std::size_t orders_max = 64;
  {
    const std::lock_guard lock(mutex_);
    if (orders_.size() >= orders_max)
      return false;
    orders_.push_back(std::move(o));
    woken_ = true;
  }
  wake_.notify_all();
  return true;
}

void round_keys::watch(const std::stop_token& stop) {
  constexpr std::chrono::seconds look_at_copies_every{5};
  constexpr std::chrono::milliseconds look_at_rounds_every{100};
  constexpr std::chrono::milliseconds try_again_after{500};
  auto copies_due = clock::now() + look_at_copies_every;
  while (!stop.stop_requested()) {
    const bool all_here = store::in_private([this] { return look_at_rounds(); });
    if (seat_ != nullptr && clock::now() >= copies_due) {
      store::in_private([this] { look_at_copies(); });
      copies_due = clock::now() + look_at_copies_every;
    }
    std::vector<order> orders;
    {
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, stop, all_here ? look_at_rounds_every : try_again_after, [this] { return std::exchange(woken_, false); });
      orders.swap(orders_);
    }
    for (auto& o : orders)
      if (!stop.stop_requested() && !store::in_private(o)) {
        const std::lock_guard lock(mutex_);
        orders_.push_back(std::move(o));
      }
  }
}

// True: there is nothing to try again.
bool round_keys::look_at_rounds() {
  const auto version = node_.catalogue()->version;
  if (version == prepared_ && half_destroyed_.empty() && said_.empty())
    return true;
  const auto now = prepare();
  if (!now.wrong.empty())
    refuse_(now.wrong);
  if (!now.failed.empty())
    die_(now.failed);
  lacking_(now.waits);
  tell_left(now.left);
  const auto& words = now.waits.empty() ? now.left : now.waits;
  if (words != said_)
    words.empty() ? spdlog::info("the keys of all rounds are here") : spdlog::warn("{}", words);
  said_ = words;
  if (words.empty())
    prepared_ = version;
  return words.empty();
}

// ------------------------------------------------------------------ of a cluster

// Of a round that was erased elsewhere, which this node has not heard yet, the key may come back: whoever hears of an erasure removes it.
std::expected<std::vector<std::string>, std::string> round_keys::put_back() {
  auto held = keys_.names();
  const auto catalogue = node_.catalogue();
  const auto is_kept = [&](const std::string& name) {
    return !is_of_a_round(name) || std::ranges::any_of(catalogue->rounds, [&](const auto& round) {
      return round->status.state != round_state::erased && std::ranges::count(keys_of(round->definition.id), name) != 0;
    });
  };
  std::erase_if(held, [&](const auto& name) { return !is_kept(name); });
  return seat_->put_back_keys(held);
}

// An etcd that was put back, or in which somebody removed something: other nodes need what this one holds.
void round_keys::look_at_copies() {
  const auto others = put_back();
  if (!others)
    return;  // etcd is away, which is said elsewhere
  const auto words = others->empty() ? std::string() : words_of_others(*others);
  if (words != said_of_copies_ && !words.empty())
    spdlog::error("{}", words);
  said_of_copies_ = words;
}

net::round_key_ports round_keys::ports() {
  static constexpr std::chrono::seconds patience{10};
  static constexpr std::size_t imports_max = 4;
  static constexpr auto too_many = "too many orders about keys wait for etcd or the disk";
  net::round_key_ports all;
  all.left = [this] {
    const std::lock_guard lock(mutex_);
    return left_;
  };
  if (seat_ != nullptr)
    all.make = [this](const auto& then) {
      const auto until = clock::now() + patience;
      const auto ends = [this](bool done) {
        const std::lock_guard lock(mutex_);
        imports_ -= done ? 1 : 0;
        return done;
      };
      const auto begins = [this] {
        const std::lock_guard lock(mutex_);
        const bool room = imports_ < imports_max;
        imports_ += room ? 1 : 0;
        return room;
      };
      if (!begins())
        then(std::unexpected(std::string(too_many)));
      else if (!take([this, then, until, ends] { return ends(make(then, until)); }) && ends(true))
        then(std::unexpected(std::string(too_many)));
    };
  all.have = [this](round_id round, const told& then) {
    if (!take([this, round, then] { return then(have(round)), true; }))
      then(std::unexpected(std::string(too_many)));
  };
  all.destroy = [this](round_id round, const told& then) {
    const auto destroy = [this, round, then] {
      const auto now = forget(round, true);  // another node may have put etcd's copy back
      then(now.left.empty() ? std::expected<void, std::string>{} : std::unexpected(now.left));
      return true;
    };
    if (!take(destroy))
      then(std::unexpected(std::string(too_many)));
  };
  return all;
}

// A key file of before the round is told from the right one by what is remembered: so it is, before anybody may book.
std::expected<void, std::string> round_keys::have(round_id round) {
  const auto catalogue = node_.catalogue();
  const auto* known = catalogue->find(round);
  if (known == nullptr)
    return {};
  const auto now = prepare(*known);
  for (const auto& why : {now.wrong, now.failed, now.waits})
    if (!why.empty())
      return std::unexpected(why);
  return {};
}

// The number of a round that this node has not heard of must not be taken for one that is free.
bool round_keys::make(const std::function<void(std::expected<round_id, std::string>)>& then, clock::time_point until) {
  const bool knows = seat_->knows_all_rounds();
  round_id next{1};
  const auto catalogue = node_.catalogue();
  for (const auto& round : catalogue->rounds)
    next = round_id{std::max<std::uint16_t>(next.value, static_cast<std::uint16_t>(round->definition.id.value + 1))};
  const bool can = knows && seat_->can_make_keys(next);
  if (clock::now() > until) {
    then(std::unexpected(std::string(can     ? "it took too long"
                                     : knows ? "no other node has said yet under which lock they are to be wrapped for it, or etcd is away"
                                             : "this node does not know all rounds yet")));
    return true;
  }
  if (!can)
    return false;
  if (auto noted = note_made(next); !noted) {
    then(std::unexpected(noted.error()));
    return true;
  }
  const auto made = seat_->make_keys(next);
  then(made ? std::expected<round_id, std::string>(next) : std::unexpected(made.error()));
  return true;
}

}  // namespace janji::apps
