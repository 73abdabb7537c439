// A sink that lets the first lines of a kind through, and counts the rest: a hundred within ten seconds, then one with the number of those
// that were left out. A line's kind is its words without its numbers. Debug lines and lines of requests are as many as an operator asked
// for. Threads: any; its lock is a leaf.
#pragma once

#include <fmt/format.h>
#include <spdlog/sinks/base_sink.h>

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace janji::apps {

class few_of_a_kind final : public spdlog::sinks::base_sink<std::mutex> {
public:
  using clock = std::chrono::steady_clock;
  static constexpr std::chrono::seconds within{10};
  static constexpr std::size_t at_once = 100;
  static constexpr std::size_t kinds_max = 512;

  explicit few_of_a_kind(spdlog::sink_ptr to, std::function<clock::time_point()> now = clock::now)
      : to_(std::move(to)), now_(std::move(now)) {}

protected:
  void sink_it_(const spdlog::details::log_msg& line) override {
    const std::string_view text(line.payload.data(), line.payload.size());
    if (line.level <= spdlog::level::debug || text.starts_with("request="))  // those are as many as an operator has asked for
      return to_->log(line);
    const auto now = now_();
    if (kinds_.size() >= kinds_max)
      make_room(line, now);
    auto& k = kinds_[kind_of(text)];
    if (k.said == 0 || now - k.since >= within) {
      if (k.left_out != 0)
        say(line, fmt::format("{} ({} like it before)", text, k.left_out));
      else
        to_->log(line);
      k = {now, 1, 0};
    } else if (k.said < at_once) {
      ++k.said;
      to_->log(line);
    } else {
      ++k.left_out;
    }
  }
  void flush_() override { to_->flush(); }
  void set_formatter_(std::unique_ptr<spdlog::formatter> f) override { to_->set_formatter(std::move(f)); }
  void set_pattern_(const std::string& pattern) override { to_->set_pattern(pattern); }

private:
  struct kind {
    clock::time_point since;
    std::size_t said = 0;
    std::size_t left_out = 0;
  };
  // Those that nobody hears of any more go first; what was left out of any is said.
  void make_room(const spdlog::details::log_msg& line, clock::time_point now) {
    std::size_t left_out = 0;
    for (const bool all : {false, true})
      if (kinds_.size() >= kinds_max)
        std::erase_if(kinds_, [&](const auto& one) {
          const bool goes = all || now - one.second.since >= within;
          left_out += goes ? one.second.left_out : 0;
          return goes;
        });
    if (left_out != 0)
      say(line, fmt::format("{} lines were left out that were like others before", left_out));
  }
  // The line without its numbers.
  static std::string kind_of(std::string_view text) {
    std::string out;
    for (const char c : text)
      if (c < '0' || c > '9')
        out.push_back(c);
    return out;
  }
  void say(spdlog::details::log_msg line, const std::string& text) {
    line.payload = text;
    to_->log(line);
  }

  spdlog::sink_ptr to_;
  std::function<clock::time_point()> now_;
  std::unordered_map<std::string, kind> kinds_;
};

}  // namespace janji::apps
