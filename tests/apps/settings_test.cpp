#include "apps/settings.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <set>

#include "tests/temporary_directory.hpp"

namespace janji::apps {
namespace {

// "good", or the sentence.
std::string told(const std::expected<void, std::string>& r) { return r ? "good" : r.error(); }
std::string read(std::string_view text) {
  settings s;
  return told(s.read_text(text, "janji.toml"));
}
std::string set(std::string_view name, std::string_view text) {
  settings s;
  return told(s.set(name, text, "--set"));
}
std::string whole_file(const std::string& name) {
  std::ifstream file(name);
  EXPECT_TRUE(file) << name << ": run from the project's folder";
  return {std::istreambuf_iterator<char>(file), {}};
}

// A variable of the environment for the time of a test.
class variable {
public:
  variable(std::string name, const std::string& value) : name_(std::move(name)) { ::setenv(name_.c_str(), value.c_str(), 1); }
  ~variable() { ::unsetenv(name_.c_str()); }
  variable(const variable&) = delete;
  variable& operator=(const variable&) = delete;

private:
  std::string name_;
};

// ---- the registry

TEST(settings, every_default_is_within_its_own_range) {
  settings defaults;
  std::set<std::string_view> names;
  for (const auto& s : registry()) {
    EXPECT_TRUE(names.insert(s.name).second) << s.name << " stands twice";
    EXPECT_EQ(std::ranges::count(s.name, '.'), 1) << s.name;
    EXPECT_FALSE(s.doc.empty()) << s.name;
    if (const auto* text = std::get_if<std::string>(&s.standard))
      EXPECT_EQ(set(s.name, *text), "good");
    else if (const auto* whole = std::get_if<std::int64_t>(&s.standard))
      EXPECT_EQ(set(s.name, fmt::format("{}", *whole)), "good");
    else if (const auto* truth = std::get_if<bool>(&s.standard))
      EXPECT_EQ(set(s.name, fmt::format("{}", *truth)), "good");
    else
      EXPECT_EQ(set(s.name, fmt::format("{}", std::get<double>(s.standard))), "good");
  }
}

// What holds a key or a token itself must be hidden; so far these are files.
TEST(settings, keys_and_tokens_are_files_or_secret) {
  for (const auto& s : registry())
    for (const auto* word : {"key", "token", "secret", "password"})
      EXPECT_TRUE(!s.name.contains(word) || s.secret || s.name.ends_with("_file")) << s.name;
}

TEST(settings, the_document_is_what_the_program_prints) {
  EXPECT_EQ(whole_file("docs/configuration.md"), registry_as_markdown()) << "janjid --print-config-docs > docs/configuration.md";
}

// ---- the file

TEST(settings, a_file_sets_what_it_names_and_leaves_the_rest) {
  settings s;
  ASSERT_EQ(told(s.read_text("[http]\nport = 0\n[store]\ndisk_low_mark = 0.25\n[cors]\norigins = \"https://a https://b\"\n", "f")), "good");
  EXPECT_EQ(s.number("http.port"), 0);
  EXPECT_EQ(s.real("store.disk_low_mark"), 0.25);
  EXPECT_EQ(s.text("cors.origins"), "https://a https://b");
  EXPECT_EQ(s.number("admin.port"), 8081);
}

TEST(settings, an_unknown_key_is_named_with_its_file_line_and_column) {
  EXPECT_EQ(read("[http]\n\nprot = 1\n"), "janji.toml:3:1: there is no setting \"http.prot\"");
  EXPECT_EQ(read("# a comment\n[htp]\nport = 1\n"), "janji.toml:2:2: there is no section \"htp\"");
  EXPECT_EQ(read("[nothing]\n"), "janji.toml:1:2: there is no section \"nothing\"");
  EXPECT_EQ(read("[http]\nx = [1]\n"), "janji.toml:2:1: there is no setting \"http.x\"");
  EXPECT_EQ(read("port = 8080\n"), "janji.toml:1:1: \"port\" stands outside a section");
  EXPECT_EQ(read("[http]\n\"a\\nb\" = 1\n"), "janji.toml:2:1: there is no setting \"http.a\\u000ab\"") << "one line whatever the key";
}

TEST(settings, everything_that_is_wrong_is_told_at_once_in_its_order) {
  EXPECT_EQ(read("port = 1\n[http]\n  prot = 1\nport = 80.5\n[admin]\nport = 70000\nprot = 1\n[htp]\nport = 1\n[http.more]\nx = 1\n"),
            "janji.toml:1:1: \"port\" stands outside a section\n"
            "janji.toml:3:3: there is no setting \"http.prot\"\n"
            "janji.toml:4:1: http.port must be a whole number from 0 to 65535, not \"80.5\"\n"
            "janji.toml:6:1: admin.port must be a whole number from 0 to 65535, not \"70000\"\n"
            "janji.toml:7:1: there is no setting \"admin.prot\"\n"
            "janji.toml:8:2: there is no section \"htp\"\n"
            "janji.toml:10:7: there is no setting \"http.more\"");
  std::string many = "[http]\n";
  for (int i = 0; i < 150; ++i)
    many += fmt::format("x{} = 1\n", i);
  const auto said = read(many);
  EXPECT_TRUE(said.ends_with("\nand 50 more")) << said;
  EXPECT_EQ(std::ranges::count(said, '\n'), 100);
}

TEST(settings, what_is_no_toml_is_named_with_its_line_and_column) {
  for (const auto* text : {"[http]\nport = \n", "[http]\nport 8080\n", "[http]\nport = 1\nport = 2\n", "[http]\na = \"\xff\"\n", "[http\n"})
    EXPECT_TRUE(read(text).starts_with("janji.toml:")) << read(text);
  EXPECT_TRUE(read("[http]\nport = 1\nport = 2\n").starts_with("janji.toml:3:")) << read("[http]\nport = 1\nport = 2\n");
}

TEST(settings, a_value_of_another_kind_is_an_error) {
  EXPECT_EQ(read("[http]\nport = \"8080\"\n"), "janji.toml:2:1: http.port must be a whole number from 0 to 65535");
  EXPECT_EQ(read("[node]\ndata = 5\n"), "janji.toml:2:1: node.data must be text of 1 to 4096 bytes");
  EXPECT_EQ(read("[http]\nport = 80.5\n"), "janji.toml:2:1: http.port must be a whole number from 0 to 65535, not \"80.5\"");
  for (const auto* value : {"true", "[1]", "{ a = 1 }", "2021-05-26", "09:00:00"})
    EXPECT_EQ(read(fmt::format("[http]\nport = {}\n", value)), "janji.toml:2:1: http.port must be a whole number from 0 to 65535") << value;
}

TEST(settings, yes_and_no_are_true_and_false_and_nothing_else) {
  settings s;
  EXPECT_FALSE(s.flag("node.insecure_listeners"));
  ASSERT_EQ(told(s.read_text("[node]\ninsecure_listeners = true\n", "f")), "good");
  EXPECT_TRUE(s.flag("node.insecure_listeners"));
  EXPECT_TRUE(s.show().contains("\ninsecure_listeners = true\n"));
  const variable no("JANJI_NODE_INSECURE_LISTENERS", "false");
  ASSERT_EQ(told(s.read_environment()), "good");
  EXPECT_FALSE(s.flag("node.insecure_listeners"));
  for (const auto* value : {"\"true\"", "[true]", "2021-05-26"})
    EXPECT_EQ(read(fmt::format("[node]\ninsecure_listeners = {}\n", value)),
              "janji.toml:2:1: node.insecure_listeners must be true or false")
        << value;
  for (const auto* text : {"", "yes", "1", "True", " true", "true "})
    EXPECT_TRUE(set("node.insecure_listeners", text).starts_with("--set: node.insecure_listeners must be true or false, not ")) << text;
}

TEST(settings, a_value_out_of_range_is_an_error) {
  EXPECT_EQ(read("[http]\nport = 65536\n"), "janji.toml:2:1: http.port must be a whole number from 0 to 65535, not \"65536\"");
  EXPECT_EQ(read("[node]\nshards = 0\n"), "janji.toml:2:1: node.shards must be a whole number from 1 to 1024, not \"0\"");
  EXPECT_EQ(read("[store]\ndisk_low_mark = 0.95\n"), "janji.toml:2:1: store.disk_low_mark must be a number from 0 to 0.9, not \"0.95\"");
  EXPECT_EQ(read("[store]\ndisk_low_mark = 0\n"), "good") << "a whole number is a number";
  for (const auto* value : {"nan", "inf", "-inf", "-0.1"})
    EXPECT_NE(read(fmt::format("[store]\ndisk_low_mark = {}\n", value)), "good") << value;
}

// An empty directory would be the root of the file system; a level that nobody knows is silence.
TEST(settings, texts_that_would_do_harm_are_errors) {
  EXPECT_EQ(set("node.data", ""), "--set: node.data must be text of 1 to 4096 bytes, not \"\"");
  EXPECT_EQ(set("http.address", ""), "--set: http.address must be text of 1 to 64 bytes, not \"\"");
  EXPECT_EQ(set("log.level", "verbose"), "--set: log.level must be one of trace, debug, info, warn, error, not \"verbose\"");
  EXPECT_EQ(set("log.level", ""), "--set: log.level must be one of trace, debug, info, warn, error, not \"\"");
  EXPECT_EQ(set("log.level", "info, warn"), "--set: log.level must be one of trace, debug, info, warn, error, not \"info, warn\"");
  EXPECT_EQ(set("log.level", "warn"), "good");
  EXPECT_EQ(set("node.master_key_file", ""), "good");
}

TEST(settings, numbers_are_read_to_their_end) {
  for (const auto* text : {"80x", " 80", "80 ", "+80", "0x50", "8e1", "", "99999999999999999999"})
    EXPECT_NE(set("http.port", text), "good") << text;
}

TEST(settings, a_file_that_cannot_be_read_is_named) {
  settings s;
  const test::temporary_directory directory;
  EXPECT_EQ(told(s.read_file(directory.path() + "/none")), directory.path() + "/none cannot be read: No such file or directory");
  EXPECT_EQ(told(s.read_file(directory.path())), directory.path() + " is a directory: name a file");
  std::ofstream(directory.path() + "/empty");
  EXPECT_EQ(told(s.read_file(directory.path() + "/empty")), "good");
}

TEST(settings, the_files_that_come_with_it_are_right) {
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator("configs"))
    if (entry.path().extension() == ".toml") {
      settings s;
      EXPECT_EQ(told(s.read_file(entry.path().string())), "good");
      ++files;
    }
  EXPECT_GT(files, 0);
}

// ---- the environment

TEST(settings, the_environment_comes_after_the_file) {
  const variable port("JANJI_HTTP_PORT", "9001");
  const variable mark("JANJI_STORE_DISK_LOW_MARK", "0.5");
  settings s;
  ASSERT_EQ(told(s.read_text("[http]\nport = 9000\n[admin]\nport = 9002\n", "f")), "good");
  ASSERT_EQ(told(s.read_environment()), "good");
  EXPECT_EQ(s.number("http.port"), 9001);
  EXPECT_EQ(s.real("store.disk_low_mark"), 0.5);
  EXPECT_EQ(s.number("admin.port"), 9002);
}

TEST(settings, a_wrong_variable_is_named) {
  const variable port("JANJI_HTTP_PORT", "many");
  settings s;
  EXPECT_EQ(told(s.read_environment()), "JANJI_HTTP_PORT: http.port must be a whole number from 0 to 65535, not \"many\"");
}

std::string environment_with(const std::string& name, const std::string& value) {
  const variable given(name, value);
  settings s;
  return told(s.read_environment());
}

TEST(settings, a_variable_that_looks_like_a_setting_and_is_none_is_named) {
  for (const auto* name :
       {"JANJI_HTTP_PROT", "JANJI_NODE_", "JANJI_CLUSTER_NODES", "JANJI_LOG", "JANJI_HTTP", "JANJI_STORE", "JANJI_HTTP_PORT_TCP",
        "JANJI_HTTP_TCP", "JANJI_HTTP_SERVICE_PORTS", "JANJI_NODE_SERVICE_HOSTNAME", "JANJI_HTTPPORT", "JANJI_LOGLEVEL", "JANJI_HTTP__PORT",
        "janji_http_port", "Janji_Log_Level", "JANJI_HTTP_PORT_80_TCP_ADDRESS", "JANJI_HTTP_PORT_X_TCP"})
    EXPECT_EQ(environment_with(name, "9"), std::string(name) + ": there is no such setting (janjid --print-config-docs lists them)");
}

// A node that did not see where its master key is made one of its own.
TEST(settings, a_variable_of_the_master_key_that_is_none_is_named_without_its_value) {
  for (const auto* name :
       {"JANJI_MASTER_KEY_FILE", "JANJI_MASTERKEY", "JANJI_MASTER", "JANJI_MASTER_KEYS", "JANJI_MASTER_KEY_NEXT_FILE", "janji_master_key"})
    EXPECT_EQ(environment_with(name, "secret"),
              std::string(name) +
                  ": there is no such variable: JANJI_NODE_MASTER_KEY_FILE names the master key's file, JANJI_MASTER_KEY and "
                  "JANJI_MASTER_KEY_NEXT hold a key");
  EXPECT_EQ(environment_with("JANJI_MASTER_KEY", "secret"), "good");
  EXPECT_EQ(environment_with("JANJI_MASTER_KEY_NEXT", "secret"), "good");
}

TEST(settings, what_orchestrators_put_into_every_container_is_left_alone) {
  for (const auto& [name, value] : {std::pair{"JANJI_NODE_SERVICE_HOST", "10.96.0.1"},
                                    {"JANJI_NODE_SERVICE_HOST", "fd00::1"},
                                    {"JANJI_HTTP_SERVICE_PORT", "80"},
                                    {"JANJI_HTTP_SERVICE_PORT_PUBLIC", "80"},
                                    {"JANJI_STORE_PORT", "tcp://10.96.0.1:9000"},
                                    {"JANJI_HTTP_PORT", "tcp://10.96.0.1:80"},
                                    {"JANJI_ADMIN_PORT", "tcp://[fd00::1]:80"},
                                    {"JANJI_HTTP_PORT_80_TCP", "tcp://10.96.0.1:80"},
                                    {"JANJI_HTTP_PORT_80_TCP_PROTO", "tcp"},
                                    {"JANJI_HTTP_PORT_80_UDP_PORT", "80"},
                                    {"JANJI_ADMIN_PORT_8081_TCP_ADDR", "10.96.0.1"},
                                    {"JANJI_MASTER_SERVICE_HOST", "10.96.0.1"},
                                    {"JANJI_PROJECT", "x"},
                                    {"JANJI_ADMIN1", "0"},
                                    {"JANJI_LOGGER", "x"},
                                    {"JANJI_", "x"}})
    EXPECT_EQ(environment_with(name, value), "good") << name;
  for (const auto& [name, value] : {std::pair{"JANJI_NODE_SERVICE_HOST", "everywhere"},
                                    {"JANJI_HTTP_SERVICE_PORT", "many"},
                                    {"JANJI_STORE_PORT", "10.96.0.1:9000"},
                                    {"JANJI_HTTP_PORT_80_TCP", "80"},
                                    {"JANJI_HTTP_PORT", "tcp://somewhere"},
                                    {"JANJI_CLUSTER_NAME", "tcp://10.96.0.1:80"}})
    EXPECT_EQ(environment_with(name, value) == "good", name == std::string_view("JANJI_CLUSTER_NAME")) << name << "=" << value;
}

TEST(settings, every_wrong_variable_is_told_at_once) {
  const variable slip("JANJI_HTTP_PROT", "1");
  const variable port("JANJI_HTTP_PORT", "many");
  const variable master("JANJI_MASTERKEY", "x");
  settings s;
  const auto said = told(s.read_environment());
  EXPECT_EQ(std::ranges::count(said, '\n'), 2) << said;
  for (const auto* name : {"JANJI_HTTP_PROT: ", "JANJI_HTTP_PORT: ", "JANJI_MASTERKEY: "})
    EXPECT_TRUE(said.contains(name)) << said;
}

// ---- what is shown

TEST(settings, what_is_shown_reads_as_the_same_settings) {
  settings s;
  ASSERT_EQ(told(s.set("node.data", "a \"quoted\" \\ path\nwith\ttwo \x7f lines", "x")), "good");
  ASSERT_EQ(told(s.set("http.port", "1", "x")), "good");
  settings again;
  ASSERT_EQ(told(again.read_text(s.show(), "shown")), "good") << s.show();
  EXPECT_EQ(again.show(), s.show());
  EXPECT_EQ(again.text("node.data"), s.text("node.data"));
}

TEST(settings, every_setting_is_shown_once) {
  const auto shown = "\n" + settings().show();
  for (const auto& s : registry()) {
    const auto line = fmt::format("\n{} = ", s.name.substr(s.name.find('.') + 1));
    EXPECT_NE(shown.find(line), std::string::npos) << s.name;
  }
}

// ---- the program

struct ended {
  int code = -1;
  std::string output;
};
ended janjid(const std::string& arguments) {
  const auto command = fmt::format("{} {} 2>&1", JANJI_JANJID, arguments);
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(command.c_str(), "r"), [](FILE*) { return 0; });
  ended e;
  char bytes[4096];
  for (std::size_t n = 0; (n = std::fread(bytes, 1, sizeof bytes, pipe.get())) > 0;)
    e.output.append(bytes, n);
  const int status = ::pclose(pipe.get());
  e.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return e;
}

TEST(janjid, flags_come_last_and_of_them_set) {
  const variable port("JANJI_HTTP_PORT", "9001");
  const variable admin("JANJI_ADMIN_PORT", "9002");
  const test::temporary_directory directory;
  const auto file = directory.path() + "/janji.toml";
  std::ofstream(file) << "[http]\nport = 9000\ndeadline_ms = 1000\n[admin]\nport = 9000\n";
  const auto e = janjid("--config " + file + " --port 9003 --set http.idle_timeout_s=7 --check-config");
  EXPECT_EQ(e.code, 0) << e.output;
  settings s;
  ASSERT_EQ(told(s.read_text(e.output, "shown")), "good") << e.output;
  EXPECT_EQ(s.number("http.port"), 9003) << "the flag before the environment";
  EXPECT_EQ(s.number("admin.port"), 9002) << "the environment before the file";
  EXPECT_EQ(s.number("http.deadline_ms"), 1000) << "the file before the default";
  EXPECT_EQ(s.number("http.idle_timeout_s"), 7);
  EXPECT_EQ(janjid("--port 9003 --set http.port=9004 --check-config").output.contains("port = 9004"), true);
}

TEST(janjid, the_master_key_is_never_shown) {
  const std::string key(64, 'c');
  const variable master("JANJI_MASTER_KEY", key);
  const auto e = janjid("--check-config");
  EXPECT_EQ(e.code, 0);
  EXPECT_EQ(e.output.find(key), std::string::npos);
}

TEST(janjid, a_wrong_setting_is_one_sentence_and_a_code) {
  for (const auto& [arguments, sentence] :
       {std::pair{"--set http.prot=1", "janjid: --set: there is no setting \"http.prot\"\n"},
        {"--set http.prot", "janjid: --set: http.prot is to be followed by =value\n"},
        {"--set http.port", "janjid: --set: http.port is to be followed by =value\n"},
        {"--set node.data", "janjid: --set: node.data is to be followed by =value\n"},
        {"--port x", "janjid: --port: http.port must be a whole number from 0 to 65535, not \"x\"\n"},
        {"--log-level loud", "janjid: --log-level: log.level must be one of trace, debug, info, warn, error, not \"loud\"\n"},
        {"--data ''", "janjid: --data: node.data must be text of 1 to 4096 bytes, not \"\"\n"}})
    for (const auto* more : {"", " --check-config"}) {
      const auto e = janjid(std::string(arguments) + more);
      EXPECT_EQ(e.output, sentence);
      EXPECT_EQ(e.code, 2) << arguments;
    }
}

TEST(janjid, prints_the_document) { EXPECT_EQ(janjid("--print-config-docs").output, registry_as_markdown()); }

}  // namespace
}  // namespace janji::apps
