// keys: the master key, and its rotation.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>
#include <map>
#include <vector>

#include "apps/janjictl.hpp"

namespace janji::apps {

namespace {

namespace http = boost::beast::http;
namespace json = boost::json;

constexpr const char* keys_root = "/admin/v1/keys";

std::uint64_t number(const json::object& o, const char* name) { return o.at(name).to_number<std::uint64_t>(); }

// A node that is being asked by others too, or whose etcd is away, is asked again for some seconds.
std::expected<json::object, no_picture> keys_of(const connection& c) {
  auto r = call_when_free(c, http::verb::get, keys_root);
  if (!r)
    return std::unexpected(no_picture{0, r.error()});
  if (r->status != 200 || !r->body.is_object())
    return std::unexpected(no_picture{r->status, failure(refusal(*r), exit_broken, r->url)});
  return r->body.get_object();
}

// A node that is alone has nothing left once it has answered.
result<std::uint64_t> left_to_wrap(const connection& c) {
  const auto k = keys_of(c);
  if (!k)
    return std::unexpected(k.error().why);
  return k->contains("files_left") ? number(*k, "files_left") + number(*k, "copies_left") : 0;
}

std::string names(const json::array& list) {
  std::vector<std::string> out;
  for (const auto& one : list)
    out.push_back(scalar(one));
  return out.empty() ? "none" : fmt::format("{}", fmt::join(out, " and "));
}

void rotate(const connection& c, const std::string& file, bool finish, const waiting& wait, int& code) {
  json::object body;
  if (!file.empty())
    body["new_master_key_file"] = std::filesystem::absolute(file).string();
  code = order(c, http::verb::post, fmt::format("{}/{}", keys_root, finish ? "finish" : "rotate"), body, "keys show");
  if (code == 0 && wait.wanted && !c.dry_run)
    code = wait_until_none("wrapping keys", [&c] { return left_to_wrap(c); }, wait.seconds);
}

}  // namespace

void add_keys_commands(CLI::App& app, connection& c, int& code) {
  auto* keys = app.add_subcommand("keys", "the master key")->require_subcommand(1);
  keys->add_subcommand("show", "what everything is wrapped under, and which nodes hold which master, by their fingerprints")
      ->callback([&c, &code] { code = show(c, call(c, http::verb::get, keys_root), "master"); });
  auto* rotate_ = keys->add_subcommand("rotate", "wrap all keys again under a new master key, everywhere");
  auto* file = c.keep<std::string>();
  auto* finish = c.keep<bool>();
  auto* wait = c.keep<waiting>();
  auto* named = rotate_
                    ->add_option("--new-master-key-file", *file,
                                 "64 hexadecimal digits, mode 0600; else the one that the node holds beside the one in use")
                    ->type_name("FILE");
  rotate_->add_flag("--finish", *finish, "from now on the old one is not taken any more")->excludes(named);
  add_wait(rotate_, wait);
  rotate_->callback([&c, &code, file, finish, wait] { rotate(c, *file, *finish, *wait, code); });
}

// Which nodes hold which, and whether all is wrapped under what it should be.
std::optional<check_line> check_masters(const connection& c) {
  const auto k = keys_of(c);
  if (!k && k.error().status == status_unknown)
    return std::nullopt;
  if (!k)
    return check_line{false, "not tried: " + k.error().why.why};
  const auto master = scalar(k->at("master"));
  std::map<std::string, std::vector<std::string>> holders;
  std::string silent;
  std::string wrong;
  std::string erased;
  bool good = k->at("unreadable").as_array().empty();
  for (const auto& v : k->at("nodes").as_array()) {
    const auto& n = v.as_object();
    const auto name = scalar(n.at("node"));
    if (n.contains("held"))
      holders[names(n.at("held").as_array())].push_back(name);
    if (!n.at("said").as_bool()) {
      silent += " " + name;
      continue;
    }
    good = good && n.at("holds_it").as_bool() && scalar(n.at("wrapped_under")) == master;
    if (const auto* left = n.if_contains("erased_held"); left != nullptr && !left->as_array().empty())
      erased += fmt::format("; node {} holds keys of erased rounds still: {}", name, names(left->as_array()));
    if (!scalar(n.at("wrong")).empty())
      wrong += fmt::format("; node {}: {}", name, scalar(n.at("wrong")));
  }
  const auto left = number(*k, "files_left") + number(*k, "copies_left");
  auto detail = fmt::format("wrapped under {}", master);
  for (const auto& [held, nodes] : holders)
    detail += fmt::format("; {} held by {}", held, fmt::join(nodes, ", "));
  if (!silent.empty())
    detail += "; not said by" + silent;
  if (!k->at("unreadable").as_array().empty())
    detail += "; opened by no master here: " + names(k->at("unreadable").as_array());
  if (scalar(k->at("rotation")) == "under_way")
    detail += left == 0 ? "; a rotation is to be finished: janjictl keys rotate --finish"
                        : fmt::format("; a rotation is under way, {} files and {} copies are left", number(*k, "files_left"),
                                      number(*k, "copies_left"));
  return check_line{good && left == 0 && silent.empty() && wrong.empty() && erased.empty(), detail + wrong + erased};
}

}  // namespace janji::apps
