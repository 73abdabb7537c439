#include "web/templates.hpp"

#include "booking/assert.hpp"
#include "web/embedded.hpp"

namespace janji::web {

namespace {

constexpr std::string_view folder = "templates/";
constexpr std::string_view ending = ".mustache";

std::expected<std::string, std::string> with_messages(const words& all, language l, std::string_view source) {
  std::string out;
  while (!source.empty()) {
    const auto begin = source.find("[[");
    out += source.substr(0, begin);
    if (begin == std::string_view::npos)
      break;
    const auto end = source.find("]]", begin);
    if (end == std::string_view::npos)
      return std::unexpected("a [[ that does not end");
    const auto key = source.substr(begin + 2, end - begin - 2);
    if (!all.has(key))
      return std::unexpected("no message " + std::string(key));
    const auto& text = all.say(l, key);
    if (text.find_first_of("{}") != std::string::npos)
      return std::unexpected("the message " + std::string(key) + " has arguments");
    out += escaped(text);
    source.remove_prefix(end + 2);
  }
  return out;
}

}  // namespace

std::string escaped(std::string_view text) { return kainjow::mustache::html_escape(std::string(text)); }

std::expected<std::unique_ptr<templates>, std::string> templates::load(const words& all) {
  auto out = std::make_unique<templates>();
  for (const auto& file : embedded_files()) {
    if (!file.name.starts_with(folder) || !file.name.ends_with(ending))
      continue;
    const auto name = file.name.substr(folder.size(), file.name.size() - folder.size() - ending.size());
    for (const auto l : languages) {
      const auto source = with_messages(all, l, file.content);
      if (!source)
        return std::unexpected(std::string(file.name) + ": " + source.error());
      auto made = std::make_unique<kainjow::mustache::mustache>(*source);
      if (!made->is_valid())
        return std::unexpected(std::string(file.name) + ": " + made->error_message());
      out->by_[static_cast<std::size_t>(l)].emplace(std::string(name), std::move(made));
    }
  }
  return out;
}

std::string templates::render(language l, std::string_view name, const data& values) const {
  const auto& of = by_[static_cast<std::size_t>(l)];
  const auto it = of.find(name);
  assert_always(it != of.end(), "a page is made only from templates that there are");
  return it->second->render(values);
}

}  // namespace janji::web
