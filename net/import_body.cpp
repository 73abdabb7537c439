#include "net/import_body.hpp"

#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <set>
#include <utility>
#include <vector>

#include "booking/text_rules.hpp"
#include "net/request_rules.hpp"
#include "net/route_table.hpp"

namespace janji::net {

namespace json = boost::json;

namespace import_detail {

constexpr std::size_t depth_max = 8;
constexpr std::size_t text_bytes_max = janji::limits::import_file_bytes_max + 1;  // one more says that it is too large

// The parts, as the table of routes has them.
constexpr std::string_view import_members = std::ranges::find(admin_routes, admin_endpoint::import, &admin_route::to)->body;
static_assert(import_members == "centres:object round:object slot_groups:object");

constexpr std::size_t large_bytes = std::size_t{1} << 20;

// What the parser calls; false ends it, with an error.
class import_events {
public:
  static constexpr std::size_t max_object_size = std::size_t(-1);
  static constexpr std::size_t max_array_size = std::size_t(-1);
  static constexpr std::size_t max_key_size = std::size_t(-1);
  static constexpr std::size_t max_string_size = std::size_t(-1);
  using error = boost::system::error_code;
  using text = json::string_view;

  [[nodiscard]] std::size_t held_bytes() const { return words_ + parts_.centres.text.size() + parts_.slot_groups.text.size(); }
  [[nodiscard]] bool has_object() const { return is_object_; }
  [[nodiscard]] bool has_field_twice() const { return twice_; }
  [[nodiscard]] bool too_large() const { return too_large_; }
  void forget() {
    parts_ = {};
    words_ = 0;
  }
  import_body::parts take() { return std::move(parts_); }

  bool on_document_begin(error&) { return true; }
  bool on_document_end(error&) { return true; }
  bool on_object_begin(error&) {
    is_object_ = is_object_ || path_.empty();
    settle(json::object{});  // a setting has no members of its own
    path_.push_back({false, {}});
    return true;
  }
  bool on_object_end(std::size_t, error&) { return leave(); }
  bool on_array_begin(error&) {
    settle(json::array{});
    path_.push_back({true, {}});
    return true;
  }
  bool on_array_end(std::size_t, error&) { return leave(); }

  bool on_key_part(text part, std::size_t, error& ec) {
    if (!count(part.size(), ec))
      return false;
    key_.append(part.data(), part.size());
    return true;
  }
  bool on_key(text rest, std::size_t whole, error& ec) {
    if (!on_key_part(rest, whole, ec))
      return false;
    path_.back().name = std::exchange(key_, {});
    if (path_.size() > 2)
      return true;
    if (path_.size() == 1 && !is_part())
      tell(unknown_member_beside(import_members));
    else if (file() != nullptr && path_[1].name != "file" && path_[1].name != "text")
      tell(unknown_member_beside("file text"));
    return is_new(ec);
  }
  bool on_string_part(text part, std::size_t, error& ec) {
    if (auto* to = file_text()) {
      const auto more = std::min(part.size(), text_bytes_max - to->size());
      if (to->size() + more > large_bytes && to->capacity() < text_bytes_max)
        to->reserve(text_bytes_max);  // once: what is not written to takes no memory, and growing would copy it again and again
      to->append(part.data(), more);
      return true;
    }
    if (!count(part.size(), ec))
      return false;
    string_.append(part.data(), part.size());
    return true;
  }
  bool on_string(text rest, std::size_t whole, error& ec) {
    if (!on_string_part(rest, whole, ec))
      return false;
    if (file_text() == nullptr)
      settle(json::string(std::exchange(string_, {})));
    return true;
  }
  bool on_number_part(text part, error& ec) { return count(part.size(), ec); }
  bool on_int64(std::int64_t v, text, error&) { return settle(v); }
  bool on_uint64(std::uint64_t v, text, error&) { return settle(v); }
  bool on_double(double v, text, error&) { return settle(v); }
  bool on_bool(bool v, error&) { return settle(v); }
  bool on_null(error&) { return settle(nullptr); }
  bool on_comment_part(text, error&) { return true; }
  bool on_comment(text, error&) { return true; }

private:
  struct level {
    bool is_array;
    std::string name;  // of the member at hand
  };
  // A member of a part, which is two deep.
  [[nodiscard]] bool is_in(std::string_view part) const {
    return path_.size() == 2 && !path_[0].is_array && !path_[1].is_array && path_[0].name == part;
  }
  [[nodiscard]] import_file* file() { return is_in("centres") ? &parts_.centres : is_in("slot_groups") ? &parts_.slot_groups : nullptr; }
  [[nodiscard]] std::string* file_text() {
    auto* f = file();
    return f != nullptr && path_[1].name == "text" ? &f->text : nullptr;
  }
  // Of a member of the whole.
  [[nodiscard]] bool is_part() const {
    const auto& name = path_[0].name;
    return name == "round" || name == "centres" || name == "slot_groups";
  }
  // Of the member at hand, which is one or two deep.
  void tell(cause why) {
    constexpr std::size_t told_max = 32;
    if (parts_.wrong.size() < told_max)
      parts_.wrong.push_back(
          {path_.size() == 1 ? shown_text(path_[0].name) : path_[0].name + "." + shown_text(path_[1].name), std::move(why)});
  }
  bool settle(json::value&& v) {
    if (path_.size() == 1 && !path_[0].is_array && is_part() && !v.is_object())
      tell(cause_of<reason_code::not_an_object>());
    if (is_in("round"))
      parts_.round[path_[1].name] = std::move(v);
    else if (auto* f = file(); f != nullptr && path_[1].name == "file" && v.is_string())
      f->name.assign(v.get_string().data(), v.get_string().size());
    else if (f != nullptr && (path_[1].name == "file" || path_[1].name == "text"))
      tell(cause_of<reason_code::not_text>());
    return true;
  }
  bool leave() {
    path_.pop_back();
    return true;
  }
  bool is_new(error& ec) {
    if (seen_.insert(path_.size() == 1 ? path_[0].name : path_[0].name + '\n' + path_[1].name).second)
      return true;
    twice_ = true;  // who read the first and who read the last would have imported two rounds
    ec = json::error::extra_data;
    return false;
  }
  bool count(std::size_t more, error& ec) {
    words_ += more;
    if (words_ <= import_words_bytes_max)
      return true;
    too_large_ = true;
    ec = json::error::string_too_large;
    return false;
  }

  import_body::parts parts_;
  std::vector<level> path_;  // what is open
  std::set<std::string> seen_;
  std::string key_, string_;
  std::size_t words_ = 0;
  bool is_object_ = false;
  bool too_large_ = false;
  bool twice_ = false;
};

inline json::parse_options options() {
  json::parse_options o;
  o.max_depth = depth_max;
  return o;
}

}  // namespace import_detail

struct import_body::reading {
  json::basic_parser<import_detail::import_events> parser{import_detail::options()};
  boost::system::error_code wrong;
};

import_body::import_body() : reading_(std::make_unique<reading>()) {}
import_body::~import_body() = default;

void import_body::take(std::string_view piece) {
  auto& r = *reading_;
  if (r.wrong)
    return;
  const auto used = r.parser.write_some(true, piece.data(), piece.size(), r.wrong);
  if (!r.wrong && used != piece.size() && piece.find_first_not_of(" \t\r\n", used) != std::string_view::npos)
    r.wrong = json::error::extra_data;
  if (r.wrong)
    r.parser.handler().forget();
}

std::size_t import_body::held_bytes() const { return reading_->parser.handler().held_bytes(); }

std::expected<import_body::parts, problem> import_body::finish() && {
  auto& r = *reading_;
  if (!r.wrong)
    r.parser.write_some(false, nullptr, 0, r.wrong);
  const auto& events = r.parser.handler();
  if (events.too_large())
    return std::unexpected(
        because(problem_code::body_too_large, cause_of<reason_code::settings_too_large, "limit">(import_words_bytes_max)));
  if (r.wrong)
    return std::unexpected(because(problem_code::malformed_json, events.has_field_twice()
                                                                     ? cause_of<reason_code::field_twice>()
                                                                     : cause_of<reason_code::not_json, "fault">(r.wrong.message())));
  if (!events.has_object())
    return std::unexpected(because<reason_code::body_not_an_object>(problem_code::malformed_json));
  return r.parser.handler().take();
}

}  // namespace janji::net
