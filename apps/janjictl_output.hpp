// What janjictl says and how it ends. Stdout holds the result and nothing else: with --output json one JSON document, whatever happens.
// Everything else is on stderr, an error first as one sentence. What cannot be written is no success.
//
// Threads: one.
#pragma once

#include <fmt/format.h>

#include <array>
#include <boost/json/object.hpp>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace janji::apps {

inline constexpr int exit_refused = 1;
inline constexpr int exit_broken = 2;
inline constexpr int exit_unknown = 3;
inline constexpr int exit_partly = 4;
inline constexpr int exit_unwritten = 5;
inline constexpr int exit_typed = 105;  // CLI11's: what was typed cannot be understood, and nothing was done

// As the helps and docs/operations.md have them.
struct exit_row {
  int code;
  std::string_view means;
};
inline constexpr std::array exit_rows{
    exit_row{0, "done; status, check: healthy; audit: clean; preflight: go"},
    exit_row{exit_refused, "refused, and nothing was done; status, check: degraded; audit: a breach; preflight: no go; receipt: not valid"},
    exit_row{exit_broken, "broken, no node can be asked, or a file or data directory cannot be read"},
    exit_row{exit_unknown, "an order was sent, and it is not known whether it was carried out: look, as it says"},
    exit_row{exit_partly,
             "the order stands, and is not done everywhere yet: it says which shards lack it, what of keys is left, or what after "
             "--wait-seconds"},
    exit_row{exit_unwritten, "what there was to say could not be written (a full disk, a closed pipe); an order that was given stands"}};

// Why not, in one sentence; the exit code; and what --verbose says besides.
struct failure {
  failure(std::string words, int exit_code = exit_broken, std::string more = {})  // NOLINT: mostly words alone
      : why(std::move(words)), code(exit_code), details(std::move(more)) {}
  failure(const char* words) : failure(std::string(words)) {}  // NOLINT
  std::string why;
  int code;
  std::string details;
};
template <class T>
using result = std::expected<T, failure>;

// Thrown where stdout cannot be written: nobody goes on then.
struct unwritten {
  int why = 0;  // errno
};

void set_output(bool json, bool verbose);
void print_text(std::string_view text);
template <class... A>
void print(fmt::format_string<A...> form, A&&... a) {
  print_text(fmt::format(form, std::forward<A>(a)...));
}
// All of it is where it was sent, also on a disk that may fill late.
void flush_output();
// On stderr; where that cannot be written, to nobody.
void tell_text(std::string_view text) noexcept;
template <class... A>
void tell(fmt::format_string<A...> form, A&&... a) {
  tell_text(fmt::format(form, std::forward<A>(a)...));
}
// Says why, and, with --output json, the same as the one document: {"error", "exit_code"} and what the node said. The exit code.
int fail(const failure& f, boost::json::object said = {});

}  // namespace janji::apps
