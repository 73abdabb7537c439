#include "apps/load/record.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>

namespace janji::load {

namespace json = boost::json;

namespace {
constexpr std::array operations{operation::book, operation::second, operation::cancel, operation::move, operation::browse};
constexpr std::array outcomes{outcome::yes, outcome::no, outcome::unknown};

std::string_view view(const json::string& s) { return {s.data(), s.size()}; }

json::value parse(std::string_view line, json::storage_ptr memory) {
  json::error_code ec;
  auto v = json::parse(json::string_view(line.data(), line.size()), ec, std::move(memory));
  return ec ? json::value{} : v;
}

// A field that may be missing: the wrong kind counts as missing.
std::int64_t number(const json::object& o, json::string_view name) {
  const auto* v = o.if_contains(name);
  if (v == nullptr)
    return 0;
  return v->is_int64() ? v->get_int64() : v->is_uint64() ? static_cast<std::int64_t>(v->get_uint64()) : 0;
}
std::string text(const json::object& o, json::string_view name) {
  const auto* v = o.if_contains(name);
  return v != nullptr && v->is_string() ? std::string(view(v->get_string())) : std::string{};
}
}  // namespace

std::string_view name_of(operation o) {
  switch (o) {
    case operation::book: return "book";
    case operation::second: return "second";
    case operation::cancel: return "cancel";
    case operation::move: return "move";
    case operation::browse: return "browse";
  }
  return "";
}

std::string_view name_of(outcome o) {
  switch (o) {
    case outcome::yes: return "yes";
    case outcome::no: return "no";
    case outcome::unknown: return "unknown";
  }
  return "";
}

// Keys, codes, places and references hold no character that JSON would escape: the client made them or checked them.
std::string to_line(const record_entry& e) {
  auto line = fmt::format(R"({{"i":{},"c":{},"n":{},"o":"{}","x":"{}","s":{},"a":{},"t":{},"l":{},"k":"{}")", e.request, e.citizen,
                          e.people, name_of(e.what), name_of(e.result), e.status, e.attempt, e.sent_us, e.latency_us, e.key);
  auto out = std::back_inserter(line);
  if (!e.code.empty())
    fmt::format_to(out, R"(,"e":"{}")", e.code);
  if (!e.place.empty())
    fmt::format_to(out, R"(,"g":"{}")", e.place);
  if (!e.stamp.empty())
    fmt::format_to(out, R"(,"st":"{}")", e.stamp);
  if (e.repeated)
    line += R"(,"again":true)";
  if (!e.references.empty()) {
    line += R"(,"r":[)";
    for (std::size_t i = 0; i < e.references.size(); ++i)
      fmt::format_to(out, R"({}"{}")", i == 0 ? "" : ",", e.references[i]);
    line += ']';
  }
  line += "}\n";
  return line;
}

std::string to_line(const record_header& h) {
  json::array slots;
  for (const auto& s : h.slots)
    slots.push_back({s.centre, s.date, s.opens, s.capacity});
  return json::serialize(
             json::object{{"janji_record", 1}, {"seed", h.seed}, {"mode", h.mode}, {"round", h.round}, {"slots", std::move(slots)}}) +
         "\n";
}

std::expected<record_entry, std::string> read_entry(std::string_view line) {
  std::array<unsigned char, 4096> buffer;
  json::monotonic_resource memory(buffer.data(), buffer.size());
  const auto v = parse(line, &memory);
  if (!v.is_object())
    return std::unexpected("not a line of a record");
  const auto& o = v.get_object();
  record_entry e;
  e.request = static_cast<std::uint64_t>(number(o, "i"));
  e.citizen = static_cast<std::uint64_t>(number(o, "c"));
  e.people = static_cast<unsigned>(number(o, "n"));
  e.status = static_cast<int>(number(o, "s"));
  e.attempt = static_cast<unsigned>(number(o, "a"));
  e.sent_us = number(o, "t");
  e.latency_us = number(o, "l");
  e.key = text(o, "k");
  e.code = text(o, "e");
  e.place = text(o, "g");
  e.stamp = text(o, "st");
  e.repeated = o.contains("again");
  const auto what = text(o, "o");
  const auto result = text(o, "x");
  const auto* op = std::ranges::find(operations, std::string_view(what), [](operation p) { return name_of(p); });
  const auto* out = std::ranges::find(outcomes, std::string_view(result), [](outcome p) { return name_of(p); });
  if (op == operations.end() || out == outcomes.end() || e.key.empty() || e.people == 0)
    return std::unexpected("a line of a record lacks its operation, outcome, key or people");
  e.what = *op;
  e.result = *out;
  if (const auto* r = o.if_contains("r"); r != nullptr && r->is_array())
    for (const auto& one : r->get_array())
      if (one.is_string())
        e.references.emplace_back(view(one.get_string()));
  return e;
}

std::expected<record_header, std::string> read_header(std::string_view line) {
  const auto v = parse(line, {});
  if (!v.is_object() || number(v.get_object(), "janji_record") != 1)
    return std::unexpected("this is not a record of janji-load (its first line must say janji_record 1)");
  const auto& o = v.get_object();
  record_header h{static_cast<std::uint64_t>(number(o, "seed")), text(o, "mode"), text(o, "round"), {}};
  if (const auto* slots = o.if_contains("slots"); slots != nullptr && slots->is_array())
    for (const auto& s : slots->get_array()) {
      if (!s.is_array() || s.get_array().size() != 4 || !s.get_array()[3].is_number())
        return std::unexpected("a slot in the record's header is not [centre, date, opens, capacity]");
      const auto& a = s.get_array();
      h.slots.push_back({std::string(view(a[0].as_string())), std::string(view(a[1].as_string())), std::string(view(a[2].as_string())),
                         a[3].to_number<std::uint64_t>(), 0});
    }
  return h;
}

std::expected<std::unique_ptr<recorder>, std::string> recorder::open(const std::string& path, const record_header& header) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0)
    return std::unexpected("cannot write " + path + ": " + std::strerror(errno));
  std::unique_ptr<recorder> r(new recorder(fd, path));
  r->block_ = to_line(header);
  if (auto written = r->flush(); !written)
    return std::unexpected(written.error());
  return r;
}

recorder::~recorder() {
  write_block();
  ::close(fd_);
}

void recorder::add(const record_entry& e) {
  const auto line = to_line(e);
  const std::scoped_lock lock(mutex_);
  block_ += line;
  if (block_.size() >= block_bytes)
    write_block();
}

std::expected<void, std::string> recorder::flush() {
  const std::scoped_lock lock(mutex_);
  write_block();
  if (!error_.empty())
    return std::unexpected(error_);
  return {};
}

void recorder::write_block() {
  std::string_view left = block_;
  while (!left.empty()) {
    const auto n = ::write(fd_, left.data(), left.size());
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0) {
      error_ = "the record " + path_ + " cannot be written: " + std::strerror(errno);
      break;
    }
    left.remove_prefix(static_cast<std::size_t>(n));
  }
  block_.clear();
}

std::expected<record_header, std::string> read_record(const std::string& path, const std::function<void(record_entry&&)>& take,
                                                      std::uint64_t& torn) {
  std::ifstream in(path);
  std::string line;
  if (!in || !std::getline(in, line))
    return std::unexpected("cannot read " + path);
  auto header = read_header(line);
  if (!header)
    return header;
  for (std::uint64_t row = 2; std::getline(in, line); ++row) {
    const bool last = in.peek() == std::char_traits<char>::eof();
    auto e = read_entry(line);
    if (e)
      take(std::move(*e));
    else if (last)
      ++torn;
    else
      return std::unexpected(fmt::format("{}:{}: {}", path, row, e.error()));
  }
  return header;
}

}  // namespace janji::load
