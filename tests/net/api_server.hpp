// Both APIs over a real node and a temporary store, on real sockets.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "booking/receipt.hpp"
#include "cluster/local_config_store.hpp"
#include "cluster/peer_links.hpp"
#include "net/admin_api.hpp"
#include "net/citizen_api.hpp"
#include "tests/net/loopback.hpp"
#include "tests/temporary_directory.hpp"

namespace janji::net::test {

namespace json = boost::json;

struct api_answer : client_answer {
  [[nodiscard]] json::value parsed() const {
    boost::system::error_code ec;
    auto v = json::parse(body, ec);
    EXPECT_FALSE(ec) << body;
    return v;
  }
  // The text at a JSON pointer; numbers and the like as written; "" when it is not there.
  [[nodiscard]] std::string at(std::string_view pointer) const {
    const auto v = parsed();
    boost::system::error_code ec;
    const auto* found = v.find_pointer({pointer.data(), pointer.size()}, ec);
    if (found == nullptr)
      return "";
    return found->is_string() ? std::string(found->get_string()) : json::serialize(*found);
  }
  // "409 full": the status and, of a refusal, its code.
  [[nodiscard]] std::string outcome() const {
    const bool problem = field("content-type") == "application/problem+json";
    return std::to_string(status) + (problem ? " " + at("/code") : "");
  }
};

class api_server {
public:
  static constexpr std::string_view token = "an admin token for tests";
  static constexpr std::string_view page = "https://page.example";

  // `hears_nobody`: a node of a cluster that has just started and is linked to no other. `operations`: of a cluster, as far as operators
  // see it, while the node itself is alone. `env`: the disk.
  explicit api_server(std::size_t pending_max = 20'000, bool hears_nobody = false, cluster::operations* operations = nullptr,
                      door* at_the_door = nullptr, rocksdb::Env* env = nullptr) {
    store::store_options options;
    options.path = directory_.path() + "/store";
    options.ballast_bytes = 1 << 20;
    options.disk_low_mark = 0;
    options.env = env;
    store_ = std::move(*store::node_store::open(options));
    keys_ = std::move(*store::key_ring::open(directory_.path() + "/keys", store::key_bytes(), true));
    sealing_ = std::move(*store::sealing::open(*keys_));
    signer_ = std::make_unique<receipt_signer>(sealing_->receipt_seed());
    actors::node_options n;
    n.shard_count = shard_count;
    n.publish_every_ms = 10;
    actors::cluster_ports others;
    if (hears_nobody) {
      n.cluster = actors::cluster_options{};
      others.node = 1;
      others.records = &records_.emplace(*store_);
      others.link = [](cluster::peer_events&) { return std::make_unique<no_links>(); };
    }
    node_ = std::move(*actors::node::start(n, *store_, [](const std::string& why) { ADD_FAILURE() << why; }, others));
    api_options api;
    api.shard_count = shard_count;
    api.commands.pending_max = pending_max;
    api.cors_origins = {std::string(page)};
    api.door = at_the_door;
    loop_.run([&] {
      citizens_api_ = std::make_unique<citizen_api>(loop_.io(), *node_, *sealing_, *signer_, api);
      admin_api_ = std::make_unique<admin_api>(loop_.io(), *node_, *store_, *keys_, *sealing_, *signer_, *citizens_api_,
                                               store::secret_text(std::string(token)), shard_count, operations,
                                               master_ports{.rounds = round_keys()});
      citizens_ = std::move(*listener::open(loop_.io(), "127.0.0.1", 0, {}, *citizens_api_));
      admin_ = std::move(*listener::open(loop_.io(), "127.0.0.1", 0, {.body_bytes_max = 96U << 20U}, *admin_api_));
    });
    EXPECT_TRUE(hears_nobody || loop_.wait_until([&] { return node_->ready(); }));
  }
  ~api_server() {
    loop_.stop();
    node_->stop(10'000);
    citizens_.reset();
    admin_.reset();
    admin_api_.reset();
    citizens_api_.reset();
    node_.reset();
  }

  // `headers`: lines ending in CRLF.
  api_answer ask(std::string_view verb, std::string_view target, std::string_view headers = "", std::string_view body = "") {
    return ask_port(citizens_->port(), verb, target, headers, body);
  }
  api_answer admin(std::string_view verb, std::string_view target, std::string_view body = "", std::string_view headers = "") {
    return ask_port(admin_->port(), verb, target, fmt::format("Authorization: Bearer {}\r\n{}", token, headers), body);
  }
  api_answer admin_without_token(std::string_view verb, std::string_view target, std::string_view headers = "") {
    return ask_port(admin_->port(), verb, target, headers, "");
  }
  [[nodiscard]] std::uint16_t admin_port() const { return admin_->port(); }
  [[nodiscard]] const std::string& proof_key() const { return admin_api_->proof_key(); }
  // Until it is so; false when patience ends. For what follows by itself: figures, a place given up after a move.
  static bool eventually(const std::function<bool()>& good) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(patience_s);
    while (!good())
      if (std::chrono::steady_clock::now() > until)
        return false;
    return true;
  }
  // Asks until the answer is as wanted; the last answer when patience ends.
  api_answer ask_until(std::string_view target, const std::function<bool(const api_answer&)>& wanted) {
    api_answer a;
    eventually([&] { return wanted(a = ask("GET", target)); });
    return a;
  }

  void import(std::string_view code, std::string_view slot_groups, std::string_view more = R"("age_min":18,"age_max":120,"party_max":4)") {
    EXPECT_EQ(admin("POST", "/admin/v1/rounds", import_body(code, slot_groups, more)).outcome(), "200");
    EXPECT_TRUE(eventually([&] { return ask("GET", "/readyz").status == 200; })) << "its slot groups are activated";
  }
  static std::string import_body(std::string_view code, std::string_view slot_groups,
                                 std::string_view more = R"("age_min":18,"age_max":120,"party_max":4)") {
    json::object round = json::parse("{" + std::string(more) + "}").as_object();
    round["code"] = code;
    round["name"] = "A round";
    round["time_zone"] = "Asia/Kuala_Lumpur";
    if (!round.contains("opens_at"))
      round["opens_at"] = "2021-05-26T12:00:00+08:00";
    round["closes_at"] = "2099-12-31T00:00:00+08:00";
    if (!round.contains("book_until"))
      round["book_until"] = "none";  // whose days are those of 2021
    return json::serialize(
        json::object{{"round", round},
                     {"centres",
                      {{"file", "centres.csv"},
                       {"text",
                        "code,name,state,district,latitude,longitude\nA,Hall A,Johor,Kluang,1.5,103.7\nB,Hall B,Johor,Muar,2,102.5\n"
                        "C,Hall C,Kedah,Baling,5.6,100.9\n"}}},
                     {"slot_groups", {{"file", "slots.csv"}, {"text", "centre,date,opens,closes,capacity\n" + std::string(slot_groups)}}}});
  }
  void open(std::string_view code) { EXPECT_EQ(admin("POST", "/admin/v1/rounds/" + std::string(code) + "/open").outcome(), "200"); }

  [[nodiscard]] const receipt_public_key& receipt_key() const { return signer_->public_key(); }
  citizen_api& citizens() { return *citizens_api_; }
  actors::node& node() { return *node_; }
  [[nodiscard]] const std::string& directory() const { return directory_.path(); }

private:
  // As apps/round_keys.hpp has it, without what is remembered.
  round_key_ports round_keys() {
    return {.make = {},
            .have =
                [this](round_id round, const round_key_ports::told& then) {
                  const auto made = sealing_->prepare_round(round);
                  then(made ? std::expected<void, std::string>{} : std::unexpected(made.error().text()));
                },
            .destroy =
                [this](round_id round, const round_key_ports::told& then) {
                  const auto gone = keys_->destroy_round(round);
                  sealing_->forget_round(round);
                  then(gone ? std::expected<void, std::string>{} : std::unexpected(gone.error().text()));
                }};
  }

  static constexpr std::uint16_t shard_count = 4;
  struct no_links final : cluster::peer_links {
    bool send(std::uint64_t, cluster::peer_message&&) override { return false; }
  };

  static api_answer ask_port(std::uint16_t port, std::string_view verb, std::string_view target, std::string_view headers,
                             std::string_view body) {
    client c(port);
    c.send(std::string(verb) + " " + std::string(target) + " HTTP/1.1\r\nHost: x\r\n" + std::string(headers) +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body));
    api_answer a{c.answer(verb == "HEAD")};
    if (!a.body.empty() && a.field("content-type") == "application/problem+json")
      check_refusal(a);
    return a;
  }
  // Of every refusal that a test sees: it has the arguments that the table names for its code or its reason, and is said.
  static void check_refusal(const api_answer& a) {
    const auto code = std::ranges::find(problem_rows, a.at("/code"), &problem_row::name);
    ASSERT_NE(code, problem_rows.end()) << a.body;
    std::string wanted(code->arguments);
    if (const auto why = a.at("/reason"); !why.empty()) {
      const auto row = std::ranges::find(reason_rows, why, &reason_row::name);
      ASSERT_NE(row, reason_rows.end()) << a.body;
      wanted = row->arguments;
    }
    std::string given;
    if (const auto v = a.parsed(); v.as_object().contains("arguments"))
      for (const auto& one : v.at("arguments").as_object())
        given += (given.empty() ? "" : " ") + std::string(one.key());
    EXPECT_EQ(given, wanted) << a.body;
    EXPECT_EQ(a.at("/detail").find_first_of("{}"), std::string::npos) << a.body;
  }

  janji::test::temporary_directory directory_;
  std::unique_ptr<store::node_store> store_;
  std::unique_ptr<store::key_ring> keys_;
  std::unique_ptr<store::sealing> sealing_;
  std::unique_ptr<receipt_signer> signer_;
  std::optional<cluster::local_config_store> records_;
  std::unique_ptr<actors::node> node_;
  loop loop_;
  std::unique_ptr<citizen_api> citizens_api_;
  std::unique_ptr<admin_api> admin_api_;
  std::unique_ptr<listener> citizens_;
  std::unique_ptr<listener> admin_;
};

}  // namespace janji::net::test
