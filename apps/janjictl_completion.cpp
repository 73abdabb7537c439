// Completion for shells, made of the tree of verbs and options as it is.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "apps/janjictl.hpp"

namespace janji::apps {

namespace {

// What stands after an option, or in a verb's place for a word.
struct value_kind {
  enum class kind { anything, choice, file } is = kind::anything;
  std::string choices;  // with blanks between
};

value_kind kind_of(const CLI::Option& o) {
  const auto type = o.get_type_name();
  if (type.starts_with("FILE") || type.starts_with("DIR"))
    return {value_kind::kind::file, {}};
  const auto from = type.find('{');
  const auto to = type.find('}', from);
  if (from == std::string::npos || to == std::string::npos)
    return {};
  auto choices = type.substr(from + 1, to - from - 1);
  std::ranges::replace(choices, ',', ' ');
  return {value_kind::kind::choice, choices};
}

struct command_words {
  std::string path;
  std::vector<std::pair<std::string, std::string>> words;  // and what each is
  value_kind positional;
};

struct tree {
  std::vector<command_words> verbs;
  std::map<std::string, value_kind> valued;  // options that have a value, wherever they stand
};

// Two verbs may have an option of one name (`round import --round FILE`, `unseal day --round CODE`): what a shell can offer for
// one of them is offered for both.
void keep_known(value_kind& kept, value_kind found) {
  if (kept.is == value_kind::kind::anything)
    kept = std::move(found);
}

void add_to(tree& t, const CLI::App& app, const std::string& path, const std::vector<std::pair<std::string, std::string>>& above) {
  command_words v{path, {}, {}};
  std::vector<std::pair<std::string, std::string>> options;
  for (const auto* o : app.get_options()) {
    if (o->get_positional()) {
      const auto kind = kind_of(*o);
      v.positional = kind.is == value_kind::kind::anything ? v.positional : kind;
      continue;
    }
    for (const auto& name : o->get_lnames()) {
      options.emplace_back("--" + name, o->get_description());
      if (o->get_items_expected_max() > 0)
        keep_known(t.valued["--" + name], kind_of(*o));
    }
  }
  options.insert(options.end(), above.begin(), above.end());
  const auto subs = app.get_subcommands([](const CLI::App* sub) { return !sub->get_name().empty(); });
  for (const auto* sub : subs)
    v.words.emplace_back(sub->get_name(), sub->get_description());
  for (const auto& o : options)  // an option of the verb's own goes before another of that name
    if (std::ranges::find(v.words, o.first, &std::pair<std::string, std::string>::first) == v.words.end())
      v.words.push_back(o);
  t.verbs.push_back(std::move(v));
  for (const auto* sub : subs)
    add_to(t, *sub, path + " " + sub->get_name(), options);
}

std::string in_quotes(std::string_view text) {
  std::string out = "'";
  for (const char c : text)
    out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::string names_of(const tree& t, bool with_value_of_kind, value_kind::kind kind) {
  std::string out;
  for (const auto& [name, value] : t.valued)
    if (!with_value_of_kind || value.is == kind)
      out += (out.empty() ? "" : "|") + name;
  return out;
}

// The part that is the same in both shells: which verb stands in `at` after the words before the one that is completed.
std::string walk(const tree& t, std::string_view words, std::string_view first, std::string_view last) {
  auto out = fmt::format(R"(  at=janjictl
  skip=
  for ((i = {}; i < {}; i++)); do
    word="${{{}[i]}}"
    if [ -n "$skip" ]; then skip=; continue; fi
    case "$word" in
      {}) skip=1 ;;
      -*) ;;
      *) case "$at $word" in
)",
                         first, last, words, names_of(t, false, {}));
  for (const auto& v : t.verbs)
    if (v.path != "janjictl")
      out += fmt::format("           {}) at=\"$at $word\" ;;\n", in_quotes(v.path));
  return out + "         esac ;;\n    esac\n  done\n";
}

std::string for_bash(const tree& t) {
  std::string out = R"(# bash completion of janjictl, by `janjictl completion bash`:
#   janjictl completion bash >/etc/bash_completion.d/janjictl, or: source <(janjictl completion bash)
_janjictl() {
  local cur prev at skip i word words=''
  cur="${COMP_WORDS[COMP_CWORD]}"
  prev="${COMP_WORDS[COMP_CWORD-1]}"
  if [ "$cur" = '=' ]; then cur=''; elif [ "$prev" = '=' ] && [ "$COMP_CWORD" -gt 1 ]; then prev="${COMP_WORDS[COMP_CWORD-2]}"; fi
  COMPREPLY=()
)";
  out += walk(t, "COMP_WORDS", "1", "COMP_CWORD");
  out += "  case \"$prev\" in\n";
  for (const auto& [name, value] : t.valued)
    if (value.is == value_kind::kind::choice)
      out += fmt::format("    {}) mapfile -t COMPREPLY < <(compgen -W {} -- \"$cur\"); return ;;\n", name, in_quotes(value.choices));
  out += fmt::format("    {}) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- \"$cur\"); return ;;\n",
                     names_of(t, true, value_kind::kind::file));
  out += fmt::format("    {}) return ;;\n  esac\n  case \"$at\" in\n", names_of(t, true, value_kind::kind::anything));
  for (const auto& v : t.verbs) {
    std::string words;
    for (const auto& [word, what] : v.words)
      words += (words.empty() ? "" : " ") + word;
    if (v.positional.is == value_kind::kind::choice)
      words += " " + v.positional.choices;
    out += fmt::format("    {}) words={} ;;\n", in_quotes(v.path), in_quotes(words));
  }
  out += "  esac\n  mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n  case \"$at\" in\n";
  for (const auto& v : t.verbs)
    if (v.positional.is == value_kind::kind::file)
      out += fmt::format(
          "    {}) case \"$cur\" in -*) ;; *) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- \"$cur\") ;; esac "
          ";;\n",
          in_quotes(v.path));
  return out + "  esac\n}\ncomplete -F _janjictl janjictl\n";
}

// `_describe` takes what stands before the first colon for the word.
std::string described(const std::vector<std::pair<std::string, std::string>>& words) {
  std::string out;
  for (const auto& [word, what] : words) {
    out.append(out.empty() ? "" : " ");
    out.append(in_quotes(what.empty() ? word : fmt::format("{}:{}", word, what)));
  }
  return out;
}

std::string for_zsh(const tree& t) {
  std::string out = R"(#compdef janjictl
# zsh completion of janjictl, by `janjictl completion zsh`: into a file _janjictl in a folder of $fpath, or: source <(janjictl completion zsh)
_janjictl() {
  local at skip i word prev
  local -a found
  prev="${words[CURRENT-1]}"
)";
  out += walk(t, "words", "2", "CURRENT");
  out += "  case \"$prev\" in\n";
  for (const auto& [name, value] : t.valued)
    if (value.is == value_kind::kind::choice)
      out += fmt::format("    {}) compadd -- {}; return ;;\n", name, value.choices);
  out += fmt::format("    {}) _files; return ;;\n", names_of(t, true, value_kind::kind::file));
  out += fmt::format("    {}) return ;;\n  esac\n  case \"$at\" in\n", names_of(t, true, value_kind::kind::anything));
  for (const auto& v : t.verbs) {
    out += fmt::format("    {}) found=({})", in_quotes(v.path), described(v.words));
    if (v.positional.is == value_kind::kind::choice)
      out += "; compadd -- " + v.positional.choices;
    if (v.positional.is == value_kind::kind::file)
      out += "; _files";
    out += " ;;\n";
  }
  return out + R"(  esac
  _describe janjictl found
}
if [ "${funcstack[1]}" = _janjictl ]; then _janjictl "$@"; else compdef _janjictl janjictl; fi
)";
}

}  // namespace

void add_completion_command(CLI::App& app, int& code) {
  auto* sub = app.add_subcommand("completion", "what makes a shell complete verbs and options: load what it prints");
  auto shell = std::make_shared<std::string>();
  sub->add_option("shell", *shell)->required()->check(CLI::IsMember({"bash", "zsh"}));
  sub->callback([&app, &code, shell] {
    tree t;
    add_to(t, app, "janjictl", {});
    print_text(*shell == "bash" ? for_bash(t) : for_zsh(t));
    code = 0;
  });
}

}  // namespace janji::apps
