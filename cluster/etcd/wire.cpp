#include "cluster/etcd/wire.hpp"

#include <fmt/format.h>
#include <sodium.h>

#include <boost/json.hpp>
#include <charconv>
#include <utility>

namespace janji::cluster::etcd {

namespace json = boost::json;

std::string base64(std::string_view bytes) {
  std::string out(sodium_base64_ENCODED_LEN(bytes.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(out.data(), out.size(), reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
                    sodium_base64_VARIANT_ORIGINAL);
  out.pop_back();
  return out;
}

std::expected<std::string, std::string> from_base64(std::string_view text) {
  std::string out(text.size(), '\0');
  std::size_t size = 0;
  const char* end = nullptr;
  if (sodium_base642bin(reinterpret_cast<unsigned char*>(out.data()), out.size(), text.data(), text.size(), nullptr, &size, &end,
                        sodium_base64_VARIANT_ORIGINAL) != 0 ||
      end != text.data() + text.size())
    return std::unexpected(std::string("a key or value is not in base 64"));
  out.resize(size);
  return out;
}

namespace {

// The first key after all that begin with the prefix.
std::string end_of(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && end.back() == '\xff')
    end.pop_back();
  if (end.empty())
    return std::string(1, '\0');
  end.back() = static_cast<char>(end.back() + 1);
  return end;
}

json::object unchanged(std::string_view key, std::int64_t mod_revision) {
  return {{"target", "MOD"}, {"result", "EQUAL"}, {"key", base64(key)}, {"mod_revision", std::to_string(mod_revision)}};
}

read_result<key_value> read_key_value(const json::value& v) {
  const auto* o = v.if_object();
  if (o == nullptr)
    return std::unexpected(std::string("a key and its value are no object"));
  key_value out;
  for (const auto& [name, to] : {std::pair{"key", &out.key}, {"value", &out.value}}) {
    const auto text = read_text(*o, name);
    auto bytes = text ? from_base64(*text) : text;
    if (!bytes)
      return std::unexpected(bytes.error());
    *to = std::move(*bytes);
  }
  const auto revision = read_number(*o, "mod_revision");
  const auto lease = read_number(*o, "lease");
  if (!revision || !lease)
    return std::unexpected(!revision ? revision.error() : lease.error());
  out.mod_revision = *revision;
  out.lease = *lease;
  return out;
}

const json::object* object_in(const json::object& o, std::string_view name) {
  const auto* v = o.if_contains(json::string_view(name.data(), name.size()));
  return v != nullptr ? v->if_object() : nullptr;
}

bool true_in(const json::object& o, std::string_view name) {
  const auto* v = o.if_contains(json::string_view(name.data(), name.size()));
  return v != nullptr && v->is_bool() && v->get_bool();
}

}  // namespace

read_result<std::int64_t> read_number(const json::object& o, std::string_view name) {
  const auto* v = o.if_contains(json::string_view(name.data(), name.size()));
  if (v == nullptr)
    return 0;
  if (v->is_int64())
    return v->get_int64();
  if (v->is_string()) {
    const auto& text = v->get_string();
    std::int64_t n = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (error == std::errc{} && end == text.data() + text.size() && !text.empty())
      return n;
  }
  return std::unexpected(fmt::format("{} is no whole number", name));
}

read_result<std::string> read_text(const json::object& o, std::string_view name) {
  const auto* v = o.if_contains(json::string_view(name.data(), name.size()));
  if (v == nullptr)
    return std::string{};
  if (!v->is_string())
    return std::unexpected(fmt::format("{} is no text", name));
  return std::string(v->get_string());
}

json::object range_of_key(std::string_view key) { return {{"key", base64(key)}}; }
json::object range_of_prefix(std::string_view prefix) { return {{"key", base64(prefix)}, {"range_end", base64(end_of(prefix))}}; }

json::object swap_of(std::string_view key, std::int64_t mod_revision, std::string_view value, std::int64_t lease,
                     const std::optional<condition>& also) {
  json::array compare{unchanged(key, mod_revision)};
  if (also)
    compare.push_back(unchanged(also->key, also->mod_revision));
  json::object put{{"key", base64(key)}, {"value", base64(value)}};
  if (lease != 0)
    put["lease"] = std::to_string(lease);
  return {{"compare", std::move(compare)},
          {"success", json::array{json::object{{"request_put", std::move(put)}}}},
          {"failure", json::array{json::object{{"request_range", range_of_key(key)}}}}};
}

json::object watch_of_prefix(std::string_view prefix, std::int64_t start_revision) {
  auto request = range_of_prefix(prefix);
  request["start_revision"] = std::to_string(start_revision);
  return {{"create_request", std::move(request)}};
}

json::object lease_grant_of(std::int64_t seconds) { return {{"TTL", std::to_string(seconds)}}; }
json::object lease_named(std::int64_t lease) { return {{"ID", std::to_string(lease)}}; }
json::object user_and_password(std::string_view user, std::string_view password) {
  return {{"name", json::string_view(user.data(), user.size())}, {"password", json::string_view(password.data(), password.size())}};
}

read_result<header> read_header(const json::object& answer) {
  const auto* o = object_in(answer, "header");
  if (o == nullptr)
    return std::unexpected(std::string("an answer of etcd has no header"));
  header h;
  const auto id = read_text(*o, "cluster_id");
  const auto revision = read_number(*o, "revision");
  if (!id || !revision)
    return std::unexpected(!id ? id.error() : revision.error());
  const auto [end, error] = std::from_chars(id->data(), id->data() + id->size(), h.cluster_id);
  if (error != std::errc{} || end != id->data() + id->size())
    return std::unexpected(std::string("cluster_id is no whole number"));
  h.revision = *revision;
  return h;
}

read_result<std::vector<key_value>> read_range(const json::object& answer) {
  std::vector<key_value> out;
  const auto* kvs = answer.if_contains("kvs");
  if (kvs == nullptr)
    return out;
  if (!kvs->is_array())
    return std::unexpected(std::string("kvs is no list"));
  for (const auto& v : kvs->get_array()) {
    auto kv = read_key_value(v);
    if (!kv)
      return std::unexpected(kv.error());
    out.push_back(std::move(*kv));
  }
  return out;
}

read_result<swap_answer> read_swap(const json::object& answer) {
  swap_answer out;
  out.succeeded = true_in(answer, "succeeded");
  if (out.succeeded)
    return out;
  const auto* responses = answer.if_contains("responses");
  if (responses == nullptr || !responses->is_array() || responses->get_array().size() != 1 || !responses->get_array()[0].is_object())
    return std::unexpected(std::string("a swap was answered without what is there"));
  const auto* range = object_in(responses->get_array()[0].get_object(), "response_range");
  if (range == nullptr)
    return std::unexpected(std::string("a swap was answered without what is there"));
  auto found = read_range(*range);
  if (!found)
    return std::unexpected(found.error());
  if (!found->empty())
    out.found = std::move(found->front());
  return out;
}

read_result<watch_answer> read_watch(const json::object& answer) {
  const auto* o = object_in(answer, "result");
  if (o == nullptr)
    return std::unexpected(std::string("a watch was answered without a result"));
  watch_answer out;
  const auto head = read_header(*o);
  const auto compact = read_number(*o, "compact_revision");
  const auto why = read_text(*o, "cancel_reason");
  if (!head || !compact || !why)
    return std::unexpected(!head ? head.error() : !compact ? compact.error() : why.error());
  out.head = *head;
  out.compact_revision = *compact;
  out.why = *why;
  out.cancelled = true_in(*o, "canceled");
  const auto* events = o->if_contains("events");
  if (events == nullptr)
    return out;
  if (!events->is_array())
    return std::unexpected(std::string("events is no list"));
  for (const auto& v : events->get_array()) {
    const auto* e = v.if_object();
    const auto* kv = e == nullptr ? nullptr : e->if_contains("kv");
    const auto type = e == nullptr ? read_result<std::string>{std::string{}} : read_text(*e, "type");
    if (kv == nullptr || !type)
      return std::unexpected(std::string("an event names no key"));
    auto read = read_key_value(*kv);
    if (!read)
      return std::unexpected(read.error());
    out.changes.push_back({std::move(*read), *type == "DELETE"});
  }
  return out;
}

}  // namespace janji::cluster::etcd
