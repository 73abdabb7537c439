#include "apps/load/replay.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <boost/json.hpp>
#include <chrono>
#include <mutex>
#include <optional>
#include <thread>

#include "apps/load/answer.hpp"
#include "apps/load/requests.hpp"

namespace janji::load {

namespace asio = boost::asio;

namespace {

constexpr unsigned connections = 4;
constexpr std::size_t pipelined = 8;  // requests of a connection under way; a node takes 16
constexpr unsigned attempts_max = 100;
constexpr auto between_attempts = std::chrono::milliseconds(50);
constexpr std::size_t examples_max = 10;
constexpr std::uint64_t windows_tried_max = 1'000;  // keys that a citizen of mode fill used, one a window

struct answer_read {
  int status = 0;
  std::string body;
};

// One connection that writes several requests and reads as many answers. Errors are exceptions of Asio, caught by ask_all().
class asker {
public:
  explicit asker(const asio::ip::tcp::endpoint& where) : socket_(io_) {
    socket_.connect(where);
    socket_.set_option(asio::ip::tcp::no_delay(true));
  }
  void send(const std::string& requests) { asio::write(socket_, asio::buffer(requests)); }
  answer_read read() {
    answer_read a;
    answer_parser parser(a.body, true);
    for (;;) {
      boost::system::error_code ec;
      const auto used = in_.empty() ? 0 : parser.put(asio::const_buffer(in_.data(), in_.size()), ec);
      in_.erase(0, used);
      if (ec && ec != boost::beast::http::error::need_more)
        throw boost::system::system_error(ec);
      if (parser.is_done())
        break;
      const auto n = socket_.read_some(asio::buffer(room_));
      in_.append(room_.data(), n);
    }
    a.status = parser.status();
    return a;
  }

private:
  asio::io_context io_;
  asio::ip::tcp::socket socket_;
  std::string in_;
  std::array<char, 16'384> room_;  // NOLINT: filled by reads
};

class replayer {
public:
  replayer(const record_header& h, std::vector<promised>&& list, std::size_t notes_bytes, crowd&& people)
      : list_(std::move(list)), people_(std::move(people)), slots_{h.round, h.slots} {
    options_.notes_bytes = notes_bytes;
    for (std::size_t i = 0; i < slots_.slots.size(); ++i)
      slot_at_[slots_.slots[i].place()] = static_cast<std::uint32_t>(i);
    found_.asked = list_.size();
  }

  replay_findings run(const asio::ip::tcp::endpoint& where, const std::string& host) {
    std::vector<std::thread> threads;
    threads.reserve(connections);
    for (unsigned i = 0; i < connections; ++i)
      threads.emplace_back([&] { ask_all(where, host); });
    for (auto& t : threads)
      t.join();
    return std::move(found_);
  }

private:
  // The request as it was sent; none when the record does not fit the crowd (other notes, another program).
  [[nodiscard]] std::optional<job> job_of(const promised& p) const {
    const auto slot = slot_at_.find(p.asked);
    if (slot == slot_at_.end())
      return std::nullopt;
    job j;
    j.citizen = p.citizen;
    j.people = p.people;
    j.slot = slot->second;
    for (std::uint64_t purpose = 0; purpose < windows_tried_max; ++purpose)
      for (const auto kind : {std::uint64_t{0}, purposes::second}) {
        j.purpose = kind | purpose;
        if (key_of(people_.seed(), j.citizen, j.purpose) == p.key)
          return j;
      }
    return std::nullopt;
  }

  void ask_all(const asio::ip::tcp::endpoint& where, const std::string& host) {
    request_writer writer(options_, people_, slots_);
    std::optional<asker> connection;
    for (auto at = next_.fetch_add(pipelined); at < list_.size(); at = next_.fetch_add(pipelined)) {
      std::vector<const promised*> open;
      for (auto i = at; i < std::min(at + pipelined, list_.size()); ++i)
        open.push_back(&list_[i]);
      for (unsigned attempt = 0; attempt < attempts_max && !open.empty(); ++attempt) {
        if (attempt != 0)
          std::this_thread::sleep_for(between_attempts);
        try {
          if (!connection)
            connection.emplace(where);
          ask(*connection, writer, host, open);
        } catch (const boost::system::system_error&) {
          connection.reset();
        }
      }
      for (const auto* p : open)
        note(&replay_findings::unanswered, fmt::format("key {} got no clear answer", p->key));
    }
  }

  // Leaves in `open` those that must be asked again.
  void ask(asker& connection, request_writer& writer, const std::string& host, std::vector<const promised*>& open) {
    std::string all;
    std::string one;
    std::erase_if(open, [&](const promised* p) {
      const auto j = job_of(*p);
      if (!j) {
        note(&replay_findings::different, fmt::format("key {} is not one that this record's crowd would use", p->key));
        return true;
      }
      writer.write(*j, host, one);
      all += one;
      return false;
    });
    connection.send(all);
    std::vector<answer_read> answers;
    answers.reserve(open.size());
    for (std::size_t i = 0; i < open.size(); ++i)
      answers.push_back(connection.read());
    std::size_t i = 0;
    std::erase_if(open, [&](const promised* p) { return judge(*p, answers[i++]); });
  }

  bool judge(const promised& p, const answer_read& a) {
    if (a.status >= 500 || a.status == 429)
      return false;
    if (a.status != 200) {
      note(&replay_findings::refused, fmt::format("key {} was confirmed and is now answered with {} {}", p.key, a.status, a.body));
      return true;
    }
    const auto said = read_confirmation(a.body);
    if (said.references != p.references || (!p.place.empty() && said.place != p.place))
      note(&replay_findings::different, fmt::format("key {} was told {} at {}, now {}", p.key, p.references.front(), p.place, a.body));
    else
      note(&replay_findings::same, {});
    return true;
  }

  void note(std::uint64_t replay_findings::* what, std::string words) {
    const std::scoped_lock lock(mutex_);
    ++(found_.*what);
    if (!words.empty() && found_.examples.size() < examples_max)
      found_.examples.push_back(std::move(words));
  }

  std::vector<promised> list_;
  crowd people_;
  slot_list slots_;
  run_options options_;
  std::map<std::string, std::uint32_t, std::less<>> slot_at_;
  std::atomic<std::size_t> next_{0};
  std::mutex mutex_;
  replay_findings found_;
};

}  // namespace

void promise_list::answer(const record_entry& e) {
  const bool booking = e.what == operation::book || e.what == operation::second;
  if (booking && e.result == outcome::yes && !e.references.empty()) {
    const auto [it, fresh] = by_key_.try_emplace(e.key, list_.size());
    if (!fresh)
      return;  // the audit compares the answers of one key
    by_first_reference_[e.references.front()] = list_.size();
    list_.push_back({e.key, e.citizen, e.people, e.place, e.place, e.references});
    return;
  }
  if (e.what != operation::move || e.references.empty() || e.result == outcome::no)
    return;
  const auto it = by_first_reference_.find(e.references.front());
  if (it != by_first_reference_.end())
    list_[it->second].place = e.result == outcome::yes ? e.place : std::string{};
}

std::expected<replay_findings, std::string> replay(const std::string& record_file, const target& t, std::size_t notes_bytes) {
  promise_list promises;
  std::uint64_t torn = 0;
  const auto header = read_record(record_file, [&](record_entry&& e) { promises.answer(e); }, torn);
  if (!header)
    return std::unexpected(header.error());
  auto people = crowd::make(header->seed, known_populations());
  const auto port = port_of(t);
  if (!people || !port)
    return std::unexpected(!people ? people.error() : port.error());
  asio::io_context io;
  boost::system::error_code ec;
  const auto where = asio::ip::tcp::resolver(io).resolve(t.host, std::to_string(*port), ec);
  if (ec || where.empty())
    return std::unexpected("cannot find " + t.host + ": " + ec.message());
  return replayer(*header, promises.take(), notes_bytes, std::move(*people)).run(where.begin()->endpoint(), t.host);
}

std::string as_table(const replay_findings& f) {
  std::string out = fmt::format("Asked again for {} promises\n  {:<30}{:>12}\n  {:<30}{:>12}\n  {:<30}{:>12}\n  {:<30}{:>12}\n", f.asked,
                                "the same came back", f.same, "another reference or place", f.different, "refused or booked anew",
                                f.refused, "no clear answer", f.unanswered);
  for (const auto& e : f.examples)
    out += "  - " + e + "\n";
  return out;
}

std::string as_json(const replay_findings& f) {
  boost::json::array examples;
  for (const auto& e : f.examples)
    examples.push_back(boost::json::string(e));
  return boost::json::serialize(boost::json::object{{"asked", f.asked},
                                                    {"same", f.same},
                                                    {"different", f.different},
                                                    {"refused", f.refused},
                                                    {"unanswered", f.unanswered},
                                                    {"examples", std::move(examples)}});
}

}  // namespace janji::load
