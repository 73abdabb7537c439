#include "cluster/key_locks.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <charconv>

#include "booking/text_parts.hpp"

namespace janji::cluster {

namespace {

constexpr std::string_view boxes_mark = "for";  // no hexadecimal digits: no box of before is taken for it
constexpr std::size_t boxes_max = 4096;
constexpr std::size_t lock_digits = 64;

template <class Number>
bool read_number(std::string_view text, Number& to) {
  const auto* const end = text.data() + text.size();
  return !text.empty() && std::from_chars(text.data(), end, to).ptr == end;
}

}  // namespace

std::string to_text(const node_locks& l) {
  boost::json::object locks;
  for (const auto& [round, lock] : l.locks)
    locks[fmt::format("{}", round.value)] = lock;
  return boost::json::serialize(boost::json::object{{"node", l.node}, {"locks", std::move(locks)}});
}

std::expected<node_locks, std::string> node_locks_from_text(std::string_view text) {
  try {
    const auto v = boost::json::parse(boost::json::string_view(text.data(), text.size()));
    node_locks out{v.at("node").to_number<std::uint64_t>(), {}};
    for (const auto& one : v.at("locks").as_object()) {
      std::uint16_t number = 0;
      const std::string lock(one.value().as_string());
      if (!read_number({one.key().data(), one.key().size()}, number) || lock.size() != lock_digits)
        return std::unexpected(std::string("what a node says of its locks names no round or no lock"));
      out.locks[round_id{number}] = lock;
    }
    return out;
  } catch (const std::exception& e) {
    return std::unexpected(std::string("what a node says of its locks cannot be read: ") + e.what());
  }
}

std::string to_text(const std::vector<locked_box>& boxes) {
  std::string out(boxes_mark);
  for (const auto& b : boxes)
    out += fmt::format(";{},{},{}", b.to.node, b.to.lock, b.box);
  return out;
}

bool are_boxes(std::string_view text) { return text == boxes_mark || text.starts_with(std::string(boxes_mark) + ";"); }

std::vector<locked_box> boxes_from_text(std::string_view text) {
  std::vector<locked_box> out;
  if (!are_boxes(text))
    return out;
  (void)next_part(text, ';');
  while (!text.empty() && out.size() < boxes_max) {
    auto one = next_part(text, ';');
    locked_box b;
    const bool named = read_number(next_part(one, ','), b.to.node);
    b.to.lock = next_part(one, ',');
    b.box = one;
    if (named && b.to.lock.size() == lock_digits)
      out.push_back(std::move(b));
  }
  return out;
}

}  // namespace janji::cluster
