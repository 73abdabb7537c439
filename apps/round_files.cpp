#include "apps/round_files.hpp"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <sstream>
#include <tuple>

#include "apps/toml_fault.hpp"
#include "booking/file_text.hpp"
#include "booking/text_rules.hpp"

namespace janji::apps {

namespace json = boost::json;

namespace {

// As JSON, for the node to judge; a moment as the text that it wants.
json::value sent_value(const toml::node& value) {
  if (const auto s = value.value_exact<std::string>())
    return json::value(*s);
  if (const auto i = value.value_exact<std::int64_t>())
    return json::value(*i);
  if (const auto d = value.value_exact<double>())
    return json::value(*d);
  if (const auto b = value.value_exact<bool>())
    return json::value(*b);
  if (const auto* moment = value.as_date_time()) {
    std::ostringstream out;
    out << moment->get();
    return json::value(out.str());
  }
  return json::array{};
}

// Bytes that are no UTF-8 as Windows-1252 has them: one character for one, so that what else is wrong is found at its place.
std::string as_windows_1252(std::string_view text) {
  std::array<std::string, 256> known;
  std::string out;
  while (!text.empty()) {
    const auto bytes = character_bytes(text);
    if (bytes != 0) {
      out.append(text.substr(0, bytes));
    } else {
      const auto byte = static_cast<unsigned char>(text.front());
      auto& character = known[byte];
      if (character.empty())
        character = windows_1252(byte);
      if (character.empty())
        character = "?";
      out += character;
    }
    text.remove_prefix(std::max<std::size_t>(bytes, 1));
  }
  return out;
}

std::string text_in(const json::object& o, std::string_view name) {
  const auto* v = o.if_contains({name.data(), name.size()});
  return v != nullptr && v->is_string() ? std::string(v->get_string()) : std::string();
}
std::size_t number_in(const json::object& o, std::string_view name) {
  const auto* v = o.if_contains({name.data(), name.size()});
  return v != nullptr && v->is_int64() && v->get_int64() > 0 ? static_cast<std::size_t>(v->get_int64()) : 0;
}

import_error error_of(const json::object& o) {
  return {text_in(o, "file"), number_in(o, "line"), text_in(o, "column"),
          text_in(o, "code"), text_in(o, "detail"), number_in(o, "position")};
}

constexpr std::string_view of_settings = "round.";

}  // namespace

std::string file_fault::line() const {
  auto out = error.file;
  if (error.line != 0)
    out += fmt::format(":{}", error.line);
  if (error.line != 0 && error.position != 0)
    out += fmt::format(":{}", error.position);
  return out + (error.column.empty() ? ": " : ": " + error.column + ": ") + error.detail;
}

json::object file_fault::json() const {
  return {{"file", error.file},         {"line", error.line}, {"column", error.column},
          {"position", error.position}, {"code", error.code}, {"detail", error.detail}};
}

round_files::round_files(const file_name_and_bytes& round, const file_name_and_bytes& centres, const file_name_and_bytes& slots)
    : round_name_(shown_text(round.name, limits::shown_path_characters_max)),
      names_{round_name_, shown_text(centres.name, limits::shown_path_characters_max),
             shown_text(slots.name, limits::shown_path_characters_max)} {
  read_settings(round);
  auto centre_text = readable(centres, true);
  auto slot_text = readable(slots, false);
  body_["centres"] = json::object{{"file", names_[1]}, {"text", std::move(centre_text)}};
  body_["slot_groups"] = json::object{{"file", names_[2]}, {"text", std::move(slot_text)}};
}

void round_files::read_settings(const file_name_and_bytes& round) {
  auto& settings = body_["round"].emplace_object();
  const auto text = text_of_file(round.bytes);
  try {
    const auto table = toml::parse(text ? *text : round.bytes, round_name_);
    for (const auto& [key, value] : table) {
      const std::string name(key.str());
      where_[name] = {key.source().begin.line, key.source().begin.column};
      settings[name] = sent_value(value);
    }
  } catch (const toml::parse_error& e) {
    settings.clear();
    settings_readable_ = false;
    own_.push_back({round_name_, e.source().begin.line, {}, "malformed_toml", toml_fault(e.description()), e.source().begin.column});
  }
}

std::string round_files::readable(const file_name_and_bytes& file, bool centres) {
  if (auto text = text_of_file(file.bytes))
    return std::move(*text);
  round_importer importer(centres ? file.name : "-", centres ? "-" : file.name);
  centres ? importer.centres(file.bytes) : importer.slot_groups(file.bytes);
  const auto tried = importer.finish({});
  for (const auto& e : tried ? std::vector<import_error>{} : tried.error())
    if (e.code == "not_utf8" || e.code == "not_utf16" || e.code == "a_workbook" || e.code == "file_too_large") {
      own_.push_back(e);
      if (e.code != "not_utf8")
        unreadable_.push_back(e.file);
    }
  text_decoder decoder;
  std::string text(decoder.feed(file.bytes));
  text += decoder.finish();
  return as_windows_1252(text);
}

// Whether what a node says follows from what was found here.
bool round_files::is_known(const import_error& e) const {
  return (e.file == round_name_ && !settings_readable_) || std::ranges::find(unreadable_, e.file) != unreadable_.end();
}

std::vector<file_fault> round_files::all_faults(const json::array& fields) const {
  std::vector<file_fault> out;
  out.reserve(own_.size() + fields.size());
  for (const auto& e : own_)
    out.push_back({e});
  for (const auto& v : fields) {
    if (!v.is_object())
      continue;
    auto e = error_of(v.get_object());
    if (e.file == "round" && (e.column.starts_with(of_settings) || e.column.empty())) {
      e.file = round_name_;
      e.column.erase(0, of_settings.size());
      if (const auto at = where_.find(e.column); at != where_.end())
        std::tie(e.line, e.position) = at->second;
    }
    if (!is_known(e))
      out.push_back({std::move(e)});
  }
  const auto rank = [&](const file_fault& f) { return std::ranges::find(names_, f.error.file) - names_.begin(); };
  std::ranges::stable_sort(
      out, {}, [&](const file_fault& f) { return std::tuple(rank(f), f.error.code == "more_errors", f.error.line, f.error.position); });
  return out;
}

std::vector<std::string> lines_of_readings(const json::array& read_as) {
  std::vector<std::string> out;
  for (const auto& v : read_as)
    if (v.is_object())
      out.push_back(file_fault{error_of(v.get_object())}.line());
  return out;
}

}  // namespace janji::apps
