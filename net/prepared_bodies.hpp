// Bodies that are the same for everybody, made and compressed on a thread of their own: whoever asks for one costs the listener's thread no
// more than the bytes that it sends, and what is made costs the same however many ask.
//
// Owns what it has made, and its thread, which ends before the object does. Threads: the listener's, that of `io`; makers run on its own.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>

#include "booking/types.hpp"
#include "net/http.hpp"
#include "net/joined.hpp"

namespace janji::net {

class prepared_bodies {
public:
  struct body {
    std::string text;
    std::string etag;                         // "": none
    unix_ms as_of;                            // when it was asked for, which is no later than what it says
    std::shared_ptr<const std::string> gzip;  // none: not compressed yet, or too small for it. The listener's thread
  };
  using body_ptr = std::shared_ptr<body>;
  using maker = std::function<std::string()>;
  using taker = std::function<void(const body_ptr&)>;
  static constexpr std::size_t waiting_max = 20'000;             // there are no more connections; each that waits is a few words
  static constexpr std::size_t names_max = 4'096;                // that are kept
  static constexpr std::size_t bytes_max = 64U * 1024U * 1024U;  // the same: what was not asked for the longest goes
  static constexpr std::size_t making_max = 1'024;               // at once; beyond it a new name waits for none
  static constexpr std::int64_t kept_for_ms = 1'000;
  static constexpr std::int64_t given_for_ms = 10'000;  // while the next is being made

  explicit prepared_bodies(boost::asio::io_context& io);
  ~prepared_bodies();
  prepared_bodies(const prepared_bodies&) = delete;
  prepared_bodies& operator=(const prepared_bodies&) = delete;

  // One that is made anew for nobody yet; none: get() it.
  [[nodiscard]] body_ptr fresh(const std::string& name, std::uint64_t version, unix_ms now) const;
  // Gives `take` the body of that name and version, now or when it is made; none where too many wait for it, or for others.
  void get(const std::string& name, std::uint64_t version, unix_ms now, maker make, taker take);
  // Compresses one that was made elsewhere, when there is nothing else to do; not at all where too many wait. A tenth of the time at most.
  void compress(const body_ptr& b);
  [[nodiscard]] std::size_t bytes() const { return bytes_; }  // of what is kept
  [[nodiscard]] std::size_t names() const { return entries_.size(); }

private:
  struct entry {
    body_ptr last;
    std::size_t bytes = 0;
    std::uint64_t version = 0;  // of the last
    std::uint64_t wanted = 0;   // version
    unix_ms wanted_at;
    maker make;
    bool making = false;
    joined<body_ptr, waiting_max> waiting;
  };
  struct job {
    std::string name;
    std::uint64_t version = 0;
    unix_ms at;
    maker make;
  };
  void make_room();
  void begin(const std::string& name, entry& e);
  [[nodiscard]] std::optional<job> next_job();
  void made(const std::string& name, std::uint64_t version, const body_ptr& b);
  void work(const std::stop_token& stop);
  void do_job(job&& j);
  void do_compress(const body_ptr& b);
  template <class Then>
  void post(Then then);

  boost::asio::io_context& io_;
  std::shared_ptr<prepared_bodies*> self_ = std::make_shared<prepared_bodies*>(this);  // gone with it
  std::unordered_map<std::string, entry> entries_;
  std::size_t bytes_ = 0;
  std::size_t making_ = 0;
  std::mutex mutex_;  // over what follows
  std::deque<job> quick_jobs_;
  std::deque<job> jobs_;
  bool quick_is_next_ = false;
  std::deque<body_ptr> to_compress_;
  std::condition_variable_any wake_;
  std::chrono::steady_clock::time_point rests_until_;  // the thread's: with compressing
  std::jthread thread_;
};

// Shares it with the answer: nothing is copied.
void put_body(response& out, const prepared_bodies::body_ptr& body, bool gzip);

}  // namespace janji::net
