// Which row of a table of addresses a request fits. Pure functions; any thread. What they give are views into the path that was asked.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "net/http.hpp"

namespace janji::net {

// The parts of a path that stand where a pattern has {name}, in their order; none of them is empty.
class path_arguments {
public:
  static constexpr std::size_t count_max = 3;
  constexpr std::string_view operator[](std::size_t i) const { return parts_[i]; }  // "" behind the last
  [[nodiscard]] constexpr std::size_t size() const { return size_; }
  constexpr void add(std::string_view part) { parts_[size_++] = part; }

private:
  std::array<std::string_view, count_max> parts_{};
  std::size_t size_ = 0;
};

// The arguments of a path that fits: {name} takes one part, {name...} at the end all that is left. None: it does not fit.
[[nodiscard]] std::optional<path_arguments> fitted(std::string_view pattern, std::string_view path);

// Methods in the order in which Allow names them.
class method_set {
public:
  constexpr void add(method m) {
    bits_ |= bit(m);
    if (m == method::get)  // HEAD is known wherever GET is
      bits_ |= bit(method::head);
  }
  [[nodiscard]] constexpr bool has(method m) const { return (bits_ & bit(m)) != 0; }
  [[nodiscard]] constexpr bool empty() const { return bits_ == 0; }
  [[nodiscard]] std::string text() const;  // "GET, HEAD, POST"

private:
  static constexpr std::uint32_t bit(method m) { return 1U << static_cast<unsigned>(m); }
  std::uint32_t bits_ = 0;
};

template <class ROW>
struct route_match {
  const ROW* row = nullptr;  // none: no such address, or not with this method
  path_arguments arguments;
  explicit operator bool() const { return row != nullptr; }
};

// The first row that fits.
template <class ROW, std::size_t N>
[[nodiscard]] route_match<ROW> find_route(const std::array<ROW, N>& rows, method verb, std::string_view path) {
  for (const auto& row : rows)
    if (row.verb == verb || (row.verb == method::get && verb == method::head))
      if (auto arguments = fitted(row.pattern, path))
        return {&row, *arguments};
  return {};
}

// What an address knows; empty: there is none.
template <class ROW, std::size_t N>
[[nodiscard]] method_set methods_at(const std::array<ROW, N>& rows, std::string_view path) {
  method_set out;
  for (const auto& row : rows)
    if (fitted(row.pattern, path))
      out.add(row.verb);
  return out;
}

// "drain" of ".../nodes/{n}/drain".
[[nodiscard]] constexpr std::string_view last_part(std::string_view pattern) { return pattern.substr(pattern.rfind('/') + 1); }

}  // namespace janji::net
