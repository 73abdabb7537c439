#include "cluster/key_rotation.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/json.hpp>

namespace janji::cluster {

namespace json = boost::json;

namespace {

constexpr std::size_t held_max = 64;          // more are not read
constexpr std::size_t wrong_bytes_max = 500;  // of a sentence for people

json::object json_of(rotation_mark m) { return {{"number", m.number}, {"finished", m.finished}}; }
rotation_mark mark_from(const json::value& v) { return {v.at("number").to_number<std::uint64_t>(), v.at("finished").as_bool()}; }
std::string words(const json::value& v, const char* name) { return std::string(v.at(name).as_string()); }

template <class T>
bool contains(std::span<const T> list, const T& one) {
  return std::ranges::find(list, one) != list.end();
}

template <class Is>
std::string nodes_that(std::span<const key_member> members, Is is) {
  std::vector<std::uint64_t> out;
  for (const auto& m : members)
    if (is(m))
      out.push_back(m.node);
  return fmt::format("{}", fmt::join(out, ", "));
}

}  // namespace

std::string to_text(const master_record& r) {
  return json::serialize(json::object{{"mark", json_of(r.mark)}, {"from", r.from}, {"to", r.to}, {"by", r.by}});
}

std::expected<master_record, std::string> master_record_from_text(std::string_view text) {
  try {
    const auto v = json::parse(json::string_view(text.data(), text.size()));
    master_record r{mark_from(v.at("mark")), words(v, "from"), words(v, "to"), v.at("by").to_number<std::uint64_t>()};
    if (r.mark.number == 0 || r.to.empty())
      return std::unexpected(std::string("the record of the master key's rotations names none"));
    return r;
  } catch (const std::exception& e) {
    return std::unexpected(std::string("the record of the master key's rotations cannot be read: ") + e.what());
  }
}

std::string to_text(const key_holder& h) {
  json::array held(h.held.begin(), h.held.end());
  json::array rounds(h.rounds.begin(), h.rounds.end());
  return json::serialize(json::object{{"node", h.node},
                                      {"boot", h.boot.value},
                                      {"held", std::move(held)},
                                      {"wrapped_under", h.wrapped_under},
                                      {"mark", json_of(h.mark)},
                                      {"wrong", h.wrong.substr(0, wrong_bytes_max)},
                                      {"rounds", std::move(rounds)}});
}

std::expected<key_holder, std::string> key_holder_from_text(std::string_view text) {
  try {
    const auto v = json::parse(json::string_view(text.data(), text.size()));
    key_holder h;
    h.node = v.at("node").to_number<std::uint64_t>();
    h.boot = replication::boot_t{v.at("boot").to_number<std::uint64_t>()};
    for (const auto& one : v.at("held").as_array())
      if (h.held.size() < held_max)
        h.held.emplace_back(one.as_string());
    h.wrapped_under = words(v, "wrapped_under");
    h.mark = mark_from(v.at("mark"));
    h.wrong = words(v, "wrong");
    if (const auto* rounds = v.as_object().if_contains("rounds"))
      for (const auto& one : rounds->as_array())
        h.rounds.push_back(one.to_number<std::uint16_t>());
    return h;
  } catch (const std::exception& e) {
    return std::unexpected(std::string("what a node says of its master keys cannot be read: ") + e.what());
  }
}

std::string to_text(const key_copy& c) { return c.master.empty() ? c.box : c.master + ":" + c.box; }

key_copy key_copy_from_text(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos)
    return {"", std::string(text)};
  return {std::string(text.substr(0, colon)), std::string(text.substr(colon + 1))};
}

// A file that is ahead of the record has seen what the store has forgotten; one that is behind has missed it.
key_step next_key_step(const std::optional<master_record>& record, rotation_mark mark, const std::string& wrapped_under,
                       std::span<const std::string> held) {
  if (mark > (record ? record->mark : rotation_mark{}))
    return key_step::put_back;
  if (!record || (mark == record->mark && wrapped_under == record->to))
    return key_step::none;
  return wrapped_under == record->to || contains(held, record->to) ? key_step::wrap_again : key_step::refused;
}

std::string why_refused(const master_record& record, std::span<const std::string> held) {
  return fmt::format(
      "the cluster's keys are {} under the master key with fingerprint {}, and this node has {} only: put that one there too",
      record.mark.finished ? "wrapped" : "being wrapped", record.to, fmt::join(held, ", "));
}

bool is_accepted(const std::optional<master_record>& record, const std::string& master) {
  if (!record || master == record->to)
    return true;
  return !record->mark.finished && (record->from.empty() || record->from == master);
}

bool key_member::holds(const std::string& master) const { return has_said() && contains(std::span(said->held), master); }

bool key_member::is_wrapped(const master_record& record) const {
  return has_said() && said->wrapped_under == record.to && said->mark >= rotation_mark{record.mark.number, false};
}

std::optional<std::string> why_not_rotate(std::span<const key_member> members, const std::string& to) {
  if (const auto away = nodes_that(members, [](const auto& m) { return !m.there; }); !away.empty())
    return fmt::format("nodes {} are not there, so nobody knows which masters they hold: start them, or remove them first", away);
  if (const auto silent = nodes_that(members, [](const auto& m) { return !m.has_said(); }); !silent.empty())
    return fmt::format("nodes {} have not said which masters they hold: of an earlier version, or just started", silent);
  if (const auto lacking = nodes_that(members, [&](const auto& m) { return !m.holds(to); }); !lacking.empty())
    return fmt::format("nodes {} lack the master key with fingerprint {}: put it there first", lacking, to);
  return std::nullopt;
}

std::optional<std::string> why_not_finish(std::span<const key_member> members, const master_record& record, std::size_t copies_left,
                                          std::span<const std::string> unreadable) {
  if (const auto silent = nodes_that(members, [](const auto& m) { return !m.has_said(); }); !silent.empty())
    return fmt::format("nodes {} have not said which masters they hold: of an earlier version, or just started", silent);
  if (const auto behind = nodes_that(members, [&](const auto& m) { return !m.is_wrapped(record); }); !behind.empty())
    return fmt::format("the key files of nodes {} are not wrapped under {} yet: start those that are away, or remove them", behind,
                       record.to);
  if (const auto lacking = nodes_that(members, [&](const auto& m) { return !m.holds(record.to); }); !lacking.empty())
    return fmt::format("the next start of nodes {} would lack the master key with fingerprint {}: put it there first", lacking, record.to);
  if (copies_left != 0)
    return fmt::format("{} of the cluster's copies are not wrapped under {} yet{}{}", copies_left, record.to,
                       unreadable.empty() ? "" : "; no master here opens ", fmt::join(unreadable, ", "));
  return std::nullopt;
}

}  // namespace janji::cluster
