// How a node's answers are shown, and what becomes of an order.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "apps/janjictl.hpp"

namespace janji::apps {

namespace http = boost::beast::http;
namespace json = boost::json;

namespace {

constexpr unsigned status_of_refusals = 300;

std::string text_in(const json::value& v, const char* name) {
  const auto* found = v.is_object() ? v.get_object().if_contains(name) : nullptr;
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
}

// What to do, where the node does not say it itself.
std::string_view advice(std::string_view code) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 8> rows{
      {{"unauthorised", "The token is not this node's: give its data directory with --data, or the file with --token-file."},
       {"forbidden", "Give the token of somebody who may, with --token-file."},
       {"unknown_round", "`janjictl round list` names those that there are."},
       {"unknown_centre", "`janjictl round figures ROUND` names those that there are."},
       {"no_such_endpoint", "Is this the operators' listener of a node, and of this version (`janjictl --version`)?"},
       {"not_ready", "Wait until `janjictl status` says ready, then say it again."},
       {"stopping", "Ask another node, with --node."},
       {"body_too_large", "Import it in smaller parts, or with fewer days."}}};
  for (const auto& [of, words] : rows)
    if (of == code)
      return words;
  return {};
}

int fail_with(const reply& r, const failure& f) { return fail(f, r.body.is_object() ? r.body.get_object() : json::object{}); }

void show_result(const connection& c, const reply& r) {
  if (c.as_json)
    print("{}", r.text.ends_with('\n') ? r.text : r.text + "\n");
  else
    print_table(r.body);
}

bool is_of_a_node(const reply& r, std::string_view member) {
  const auto* o = r.body.if_object();
  if (member.empty())
    return o != nullptr ? !o->empty() : r.body.is_array();
  return o != nullptr && o->contains(member);
}

}  // namespace

failure failure_of(const reply& r) {
  const auto code = text_in(r.body, "code");
  if (code.empty())
    return {fmt::format("{} answered with status {} and not as a node does: is it the operators' listener of a node?", r.url, r.status),
            exit_broken, r.text.substr(0, 2'000)};
  auto words = "refused: " + refusal(r);
  while (words.ends_with('.'))
    words.pop_back();
  words += fmt::format(" ({})", code);
  if (const auto more = advice(code); !more.empty())
    words += fmt::format(". {}", more);
  return {std::move(words), code == "unknown" ? exit_unknown : exit_refused, fmt::format("{} answered {}", r.url, json::serialize(r.body))};
}

std::string scalar(const json::value& v) { return v.is_string() ? std::string(v.get_string()) : json::serialize(v); }

std::string refusal(const reply& r) {
  constexpr std::array<std::string_view, 4> leave_half_to_the_title{"date_outside_round", "unknown_centre", "unknown_window",
                                                                    "malformed_request"};
  auto detail = text_in(r.body, "detail");
  auto title = text_in(r.body, "title");
  if (!detail.empty() && !title.empty() &&
      std::ranges::find(leave_half_to_the_title, text_in(r.body, "code")) != leave_half_to_the_title.end())
    return title + " " + detail;
  return !detail.empty() ? detail : !title.empty() ? title : r.text.substr(0, 200);
}

// An object as "name  value" lines; arrays of objects as tables.
void print_table(const json::value& v, const std::string& indent) {
  if (v.is_array()) {
    for (const auto& one : v.get_array())
      print("{}{}\n", indent, one.is_object() || one.is_array() ? json::serialize(one) : scalar(one));
    return;
  }
  if (!v.is_object()) {
    print("{}{}\n", indent, scalar(v));
    return;
  }
  for (const auto& item : v.get_object()) {
    if (item.value().is_array() || item.value().is_object()) {
      print("{}{}:\n", indent, std::string_view(item.key().data(), item.key().size()));
      print_table(item.value(), indent + "  ");
    } else {
      print("{}{:<20} {}\n", indent, std::string_view(item.key().data(), item.key().size()), scalar(item.value()));
    }
  }
}

void print_result(const connection& c, const json::value& v) {
  if (c.as_json)
    print("{}\n", json::serialize(v));
  else
    print_table(v);
}

int show(const connection& c, const result<reply>& r, std::string_view member, int code_of_refusal) {
  if (!r)
    return fail(r.error());
  if (r->status >= status_of_refusals || !is_of_a_node(*r, member)) {
    auto f = failure_of(*r);
    f.code = f.code == exit_refused ? code_of_refusal : f.code;
    return fail_with(*r, f);
  }
  show_result(c, *r);
  return 0;
}

int left_undone(const reply& r) {
  const auto* o = r.body.if_object();
  const auto* lacking = o == nullptr ? nullptr : o->if_contains("shards_lacking");
  if (lacking != nullptr && lacking->is_array() && !lacking->get_array().empty()) {
    std::string names;
    for (const auto& shard : lacking->get_array())
      names += (names.empty() ? "" : ", ") + scalar(shard);
    return fail(
        {fmt::format(
             "the order stands, and has not reached {} of the shards yet ({}): say it again to wait again, and see `janjictl check`",
             lacking->get_array().size(), names),
         exit_partly});
  }
  const auto left = text_in(r.body, "left_undone");
  return left.empty() ? 0 : fail({fmt::format("the order stands, but {}", left), exit_partly});
}

int order(const connection& c, http::verb verb, const std::string& target, const json::value& body, const std::string& look) {
  const auto r = call(c, verb, c.dry_run ? target + "?dry_run=true" : target, body);
  const auto where = fmt::format("`janjictl {}` shows whether it was carried out; then say it again if it was not", look);
  if (!r && r.error().code == exit_unknown)
    return fail({fmt::format("{}: {}", r.error().why, where), exit_unknown, r.error().details});
  if (!r || r->status >= status_of_refusals || !is_of_a_node(*r, "result")) {
    if (!r)
      return fail(r.error());
    auto f = failure_of(*r);
    if (c.dry_run && f.code == exit_unknown)
      f.code = exit_refused;  // nothing was to be carried out
    else if (f.code == exit_unknown)
      f = {fmt::format("{}: {}", refusal(*r), where), exit_unknown, f.details};
    return fail_with(*r, f);
  }
  show_result(c, *r);
  return left_undone(*r);
}

}  // namespace janji::apps
