// The rounds' actor of a cluster's node, between a shard that takes its orders or refuses them and nodes that listen.
#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "actors/context.hpp"
#include "actors/rounds.hpp"
#include "tests/actors/one_actor_test.hpp"

namespace janji::actors {

struct listening_nodes final : silent_nodes {
  void tell_rounds(sequence_t applied, const std::vector<round_event>&, const std::set<std::uint64_t>& but) override {
    heard.push_back(applied);
    skipped = but;
  }
  bool tell_rounds_since(std::uint64_t node, const schema::rounds_history& what) override {
    if (linked)
      news.emplace_back(node, what);
    return linked;
  }
  void tell_admission(const schema::told_admission& told) override { admissions.push_back(told); }
  void answer_admission(std::uint64_t node, shard_id, const schema::told_admission& told) override { answers.emplace_back(node, told); }

  std::vector<schema::told_admission> admissions;
  std::vector<std::pair<std::uint64_t, schema::told_admission>> answers;
  bool linked = true;
  std::vector<sequence_t> heard;
  std::set<std::uint64_t> skipped;
  std::vector<std::pair<std::uint64_t, schema::rounds_history>> news;
};

class rounds_test : public one_actor_test {
protected:
  rounds_test() : one_actor_test(nodes_, one_shard()) {
    shared_.now = [this] { return now_; };
    shard_ =
        spawn_stub({[this](append_mail& mail) { appended_.push_back(std::move(mail)); }, [](activate_groups&) {},
                    [this](const admission_told& t) { driven_.push_back(t); }, [this](const admission_asked& a) { asked_.push_back(a); }});
    shared_.route.set_shard(shard_id{0}, shard_);
    shared_.availability = spawn_stub({[](catalogue_changed& c) { c.done(std::move(c.answer)); }});
    shared_.reports = spawn_stub({[this](pass_round_order& o) { passed_on_.push_back(std::move(o)); }});
    rounds_ = system_->spawn<rounds_actor>(std::ref(shared_), catalogue_builder(1), sequence_t{0});
    settle();
  }
  ~rounds_test() override {
    for (const auto& a : {rounds_, shard_, shared_.availability, shared_.reports})
      caf::anon_send_exit(a, caf::exit_reason::kill);
    shared_.route.clear();
    rounds_ = shard_ = shared_.availability = shared_.reports = nullptr;
    settle();
  }

  static node_options one_shard() {
    node_options o;
    o.shard_count = 1;
    return o;
  }
  template <class Message>
  void tell(Message m) {
    one_actor_test::tell(rounds_, std::move(m));
  }
  static round_definition a_round() {
    round_definition d;
    d.code = "R";
    d.time_zone = "Asia/Kuala_Lumpur";
    d.centres = {{"A", "centre A", "Selangor", "Petaling", 3, 101}};
    d.groups.push_back({group_id{}, 0, std::chrono::year{2027} / 1 / 1, {{540, 600, 10}}});
    return d;
  }
  static round_definition a_round_too_large() {
    auto d = a_round();
    const auto day = d.groups.front();
    d.groups.assign(limits::round_groups_max, day);
    for (auto& g : d.groups)
      for (int w = 0; w < 14; ++w)
        g.windows.push_back(day.windows.front());
    return d;
  }
  void order_import(bool passed_on = false) { order_import(a_round(), passed_on); }
  void order_import(round_definition d, bool passed_on) {
    tell(import_order{std::move(d), "op", [this](const auto& done) { done ? ++done_ : ++refused_; }, passed_on});
  }
  void node_two_leads() {
    shard_status s{};
    s.record.record.leader.node = 2;
    shared_.shard_statuses[0].store(std::make_shared<const shard_status>(s));
  }
  void lead(std::uint64_t incarnation) { tell(rounds_read{incarnation_t{incarnation}, {schema::owner::of_rounds(), {}, {}, {}}}); }
  std::uint64_t last_token() const { return appended_.back().items.at(0).token; }

  unix_ms now_{1'000};
  listening_nodes nodes_;
  caf::actor shard_;
  caf::actor rounds_;
  std::vector<append_mail> appended_;
  // A round that was imported at 5; its opening is committed at 8, and who asked hears what is in `said_`.
  void order_state(round_state to, const std::string& reason = {}) {
    tell(state_order{round_id{1}, to, reason, "op", [this](const auto& done) { said_.push_back(done ? *done : done.error()); }});
  }
  void opened() {
    lead(7);
    order_import();
    tell(round_committed{last_token(), sequence_t{5}});
    order_state(round_state::open);
    tell(round_committed{last_token(), sequence_t{8}});
  }

  std::vector<std::string> said_;
  std::vector<admission_told> driven_;
  std::vector<admission_asked> asked_;
  std::vector<pass_round_order> passed_on_;
  int done_ = 0;
  int refused_ = 0;
};

}  // namespace janji::actors
