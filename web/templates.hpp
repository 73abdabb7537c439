// The templates of the pages, compiled once for each language: "[[key]]" is a message of that language, "{{name}}" a value, escaped,
// "{{{name}}}" HTML that another template has made.
//
// Threads: one object for each thread.
#pragma once

#include <array>
#include <expected>
#include <kainjow/mustache.hpp>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "web/words.hpp"

namespace janji::web {

// The library's values, but that an empty text is none: a section of it is left out.
class data : public kainjow::mustache::data {
public:
  using base = kainjow::mustache::data;
  data() = default;
  data(const base& other) : base(other) {}                     // NOLINT: as the library's
  data(const kainjow::mustache::list& items) : base(items) {}  // NOLINT
  data(const std::string& name, const std::string& text) { set(name, text); }
  data(const std::string& name, const base& value) { base::set(name, value); }
  void set(const std::string& name, const std::string& text) { base::set(name, text.empty() ? base(false) : base(text)); }
  void set(const std::string& name, const char* text) { set(name, std::string(text)); }
  void set(const std::string& name, bool yes) { base::set(name, base(yes)); }
  void set(const std::string& name, const base& value) { base::set(name, value); }
};
using list = kainjow::mustache::list;

class templates {
public:
  // An error names the template and what is wrong. `all` outlives it.
  static std::expected<std::unique_ptr<templates>, std::string> load(const words& all);
  // Of one that there is.
  [[nodiscard]] std::string render(language l, std::string_view name, const data& values) const;

private:
  std::array<std::map<std::string, std::unique_ptr<kainjow::mustache::mustache>, std::less<>>, languages.size()> by_;
};

[[nodiscard]] std::string escaped(std::string_view text);

}  // namespace janji::web
