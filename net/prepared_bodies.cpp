#include "net/prepared_bodies.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>
#include <vector>

#include "store/packing.hpp"

namespace janji::net {

namespace {
constexpr std::size_t gzip_worth_bytes = 1'024;
constexpr std::size_t to_compress_max = 32;
constexpr std::size_t quickly_made_bytes = 16 * 1024;
}  // namespace

prepared_bodies::prepared_bodies(boost::asio::io_context& io) : io_(io), thread_([this](const std::stop_token& stop) { work(stop); }) {}

prepared_bodies::~prepared_bodies() {
  thread_ = {};
  self_.reset();
}

template <class Then>
void prepared_bodies::post(Then then) {
  boost::asio::post(io_, [whose = std::weak_ptr<prepared_bodies*>(self_), then = std::move(then)]() mutable {
    if (const auto self = whose.lock())
      then(**self);
  });
}

prepared_bodies::body_ptr prepared_bodies::fresh(const std::string& name, std::uint64_t version, unix_ms now) const {
  const auto it = entries_.find(name);
  const bool is_fresh = it != entries_.end() && it->second.last != nullptr && it->second.version == version &&
                        now.value - it->second.last->as_of.value < kept_for_ms;
  return is_fresh ? it->second.last : nullptr;
}

void prepared_bodies::get(const std::string& name, std::uint64_t version, unix_ms now, maker make, taker take) {
  auto it = entries_.find(name);
  if (it == entries_.end()) {
    if (making_ >= making_max)
      return take(nullptr);
    make_room();
    it = entries_.try_emplace(name).first;
  }
  auto& e = it->second;
  const auto age_ms = e.last != nullptr && e.version == version ? now.value - e.last->as_of.value : given_for_ms;
  e.wanted = version;
  e.wanted_at = now;
  e.make = std::move(make);
  if (age_ms >= kept_for_ms && !e.making)
    begin(name, e);
  if (age_ms < given_for_ms)
    return take(e.last);
  if (e.waiting.full())
    return take(nullptr);
  (void)e.waiting.join(std::move(take));
}

// Strangers choose names: the half that was not asked for the longest goes, so that it is paid for once in so many names.
void prepared_bodies::make_room() {
  while (entries_.size() >= names_max || bytes_ > bytes_max) {
    std::vector<std::int64_t> asked;
    for (const auto& [name, e] : entries_)
      if (!e.making)
        asked.push_back(e.wanted_at.value);
    if (asked.empty())
      return;
    const auto middle = asked.begin() + static_cast<std::ptrdiff_t>((asked.size() - 1) / 2);
    std::ranges::nth_element(asked, middle);
    std::erase_if(entries_, [&, least = asked.size() / 2 + 1](const auto& named) mutable {
      const auto& e = named.second;
      if (e.making || e.wanted_at.value > *middle || least == 0)
        return false;
      --least;
      bytes_ -= e.bytes;
      return true;
    });
  }
}

void prepared_bodies::begin(const std::string& name, entry& e) {
  e.making = true;
  ++making_;
  {
    const std::lock_guard lock(mutex_);
    const bool quick = e.last != nullptr && e.last->text.size() < quickly_made_bytes;
    (quick ? quick_jobs_ : jobs_).push_back({name, e.wanted, e.wanted_at, e.make});
  }
  wake_.notify_all();
}

// What was asked for since, of a later version, is made before anybody who waits is answered.
void prepared_bodies::made(const std::string& name, std::uint64_t version, const body_ptr& b) {
  const auto it = entries_.find(name);
  if (it == entries_.end())
    return;
  auto& e = it->second;
  const auto bytes = 2 * name.size() + b->text.size() + (b->gzip == nullptr ? 0 : b->gzip->size());
  bytes_ += bytes - std::exchange(e.bytes, bytes);
  e.last = b;
  e.version = version;
  e.making = false;
  --making_;
  if (version != e.wanted)
    return begin(name, e);
  e.waiting.answer(b);
}

void prepared_bodies::compress(const body_ptr& b) {
  {
    const std::lock_guard lock(mutex_);
    if (b->text.size() < gzip_worth_bytes || to_compress_.size() >= to_compress_max)
      return;
    to_compress_.push_back(b);
  }
  wake_.notify_all();
}

// In turn: nobody waits for the small behind the large, nor for one that is new behind those that are only made anew.
std::optional<prepared_bodies::job> prepared_bodies::next_job() {
  quick_is_next_ = !quick_is_next_;
  auto& first = quick_is_next_ ? quick_jobs_ : jobs_;
  auto& jobs = !first.empty() ? first : quick_is_next_ ? jobs_ : quick_jobs_;
  if (jobs.empty())
    return std::nullopt;
  auto next = std::move(jobs.front());
  jobs.pop_front();
  return next;
}

void prepared_bodies::work(const std::stop_token& stop) {
  const auto has_job = [this] { return !jobs_.empty() || !quick_jobs_.empty(); };
  while (!stop.stop_requested()) {
    std::unique_lock lock(mutex_);
    if (!has_job() && !to_compress_.empty())
      wake_.wait_until(lock, stop, rests_until_, has_job);
    else
      wake_.wait(lock, stop, [&] { return has_job() || !to_compress_.empty(); });
    if (stop.stop_requested())
      return;
    if (auto next = next_job()) {
      lock.unlock();
      do_job(std::move(*next));
    } else if (!to_compress_.empty() && std::chrono::steady_clock::now() >= rests_until_) {
      const auto one = std::move(to_compress_.front());
      to_compress_.pop_front();
      lock.unlock();
      do_compress(one);
    }
  }
}

void prepared_bodies::do_job(job&& j) {
  auto b = std::make_shared<body>();
  b->text = j.make();
  b->as_of = j.at;
  if (b->text.size() >= gzip_worth_bytes)
    b->gzip = std::make_shared<const std::string>(store::packed(b->text, store::packing::gzip));
  post([name = std::move(j.name), version = j.version, b](prepared_bodies& self) { self.made(name, version, b); });
}

void prepared_bodies::do_compress(const body_ptr& b) {
  constexpr int rests_for = 9;  // times as long as it took
  const auto begun = std::chrono::steady_clock::now();
  auto small = std::make_shared<const std::string>(store::packed(b->text, store::packing::gzip));
  const auto done = std::chrono::steady_clock::now();
  rests_until_ = done + rests_for * (done - begun);
  post([b, small = std::move(small)](prepared_bodies&) { b->gzip = small; });
}

void put_body(response& out, const prepared_bodies::body_ptr& body, bool gzip) {
  if (gzip && body->gzip != nullptr && !body->gzip->empty()) {
    out.add("Content-Encoding", "gzip");
    out.view = *body->gzip;
    out.shared = body->gzip;
  } else {
    out.view = body->text;
    out.shared = body;
  }
}

}  // namespace janji::net
