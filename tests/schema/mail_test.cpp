#include "schema/mail.hpp"

#include <gtest/gtest.h>

#include <random>

namespace janji::schema {
namespace {

// Whatever an input can hold, drawn from a seed.
class drawn {
public:
  explicit drawn(std::uint64_t seed) : random_(seed) {}
  std::uint64_t number() { return random_() >> (random_() % 64); }
  template <class Strong>
  Strong strong() {
    return Strong{static_cast<decltype(Strong{}.value)>(number())};
  }
  window_index window() { return window_index{static_cast<std::uint8_t>(random_() % limits::windows_per_group_max)}; }
  shard_id shard() { return shard_id{static_cast<std::uint16_t>(random_() % limits::shards_max)}; }
  reference ref() { return reference::make(shard(), random_() & 0x3FFFFFFFFFFFFULL); }
  bool yes() { return (random_() & 1U) != 0; }
  citizen_hash citizen() {
    citizen_hash c;
    for (auto& b : c.bytes)
      b = static_cast<std::uint8_t>(random_());
    return c;
  }
  citizen_facts facts() {
    return {static_cast<std::uint8_t>(random_() % state_count), static_cast<std::uint8_t>(random_() % age_band_count)};
  }
  stamp any_stamp() { return {{strong<epoch_t>(), random_()}, random_()}; }
  std::string text() { return std::string(random_() % 40, 'x') + "\u00e9"; }
  template <class Enum>
  Enum code(Enum last) {
    return static_cast<Enum>(random_() % (static_cast<unsigned>(last) + 1));
  }
  std::optional<record_locator> record() {
    if (yes())
      return std::nullopt;
    return record_locator{shard(), strong<sequence_t>(), static_cast<std::uint16_t>(number())};
  }

  group_input of_group(unsigned which) {
    switch (which) {
      case 0: {
        book_command c{strong<request_id>(), strong<body_hash>(), std::nullopt, strong<unix_ms>(), {}, yes()};
        if (yes())
          c.window = window();
        for (auto n = 1 + random_() % limits::party_people_max; n > 0; --n)
          c.people.push_back({citizen(), ref(), strong<key_hash>(), facts(), text()});
        return c;
      }
      case 1: return claim_result{strong<incarnation_t>(), ref(), code(claim_verdict::reference_taken)};
      case 2: return settle_ask{shard(), ref(), strong<generation_t>()};
      case 3: return cancel_place{shard(), ref(), strong<generation_t>()};
      case 4: return offer_move{shard(), citizen(), ref(), strong<generation_t>(), strong<generation_t>(), strong<group_id>(), window()};
      case 5:
        return move_in{shard(),  citizen(), ref(),    strong<generation_t>(), strong<key_hash>(), strong<body_hash>(),
                       window(), facts(),   record(), strong<unix_ms>()};
      case 6: return release_place{shard(), ref(), strong<generation_t>()};
      case 7: return move_within{shard(), ref(), strong<generation_t>(), strong<generation_t>(), window()};
      default:
        return change_capacity{strong<request_id>(), window(),   static_cast<std::uint32_t>(number()), text(), text(),
                               strong<unix_ms>(),    any_stamp()};
    }
  }
  static constexpr unsigned group_kinds = 9;
  registry_input of_registry(unsigned which) {
    switch (which) {
      case 0:
        return claim_request{strong<group_id>(), strong<incarnation_t>(), citizen(),        ref(), strong<key_hash>(), strong<body_hash>(),
                             window(),           strong<unix_ms>(),       strong<unix_ms>()};
      case 1: return confirm_claims{{ref(), ref(), ref()}};
      case 2: return settle_answer{strong<group_id>(), ref(), strong<generation_t>(), code(settle_status::in_progress)};
      case 3:
        return cancel_command{strong<request_id>(),
                              ref(),
                              yes() ? std::optional{citizen()} : std::nullopt,
                              static_cast<std::uint8_t>(number()),
                              strong<key_hash>(),
                              text(),
                              text(),
                              strong<unix_ms>()};
      case 4:
        return move_command{strong<request_id>(),
                            ref(),
                            static_cast<std::uint8_t>(number()),
                            strong<group_id>(),
                            window(),
                            strong<key_hash>(),
                            strong<body_hash>(),
                            strong<unix_ms>(),
                            yes()};
      case 5: return lookup_command{strong<request_id>(), ref(), static_cast<std::uint8_t>(number()), strong<unix_ms>()};
      default: return place_reply{code(place_reply_kind::moved_within), strong<group_id>(), ref(), strong<generation_t>(), yes(), yes()};
    }
  }
  static constexpr unsigned registry_kinds = 7;
  answer an_answer() {
    answer a{strong<request_id>(), code(outcome::unknown), yes(), static_cast<std::uint8_t>(random_() % 5), {}};
    for (auto n = random_() % (limits::party_people_max + 1); n > 0; --n)
      a.places.push_back({ref(), strong<generation_t>(), code(place_status::moved), strong<group_id>(), window(),
                          static_cast<std::uint8_t>(number()), strong<unix_ms>()});
    return a;
  }
  std::mt19937_64 random_;
};

// Each of its kind; equal bytes for equal values is what stands for equality here.
TEST(mail, every_kind_of_input_comes_back_as_it_was_sent) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    drawn d(seed);
    std::vector<group_input> to_group;
    for (unsigned k = 0; k < drawn::group_kinds; ++k)
      to_group.push_back(d.of_group(k));
    const auto bytes = encode_mail(group_id{7}, {2, epoch_t{9}, {}}, to_group);
    const auto back = decode_mail(bytes, {});
    ASSERT_TRUE(back.has_value()) << "seed " << seed << ": " << back.error().text;
    const auto& m = std::get<mail_to_group>(*back);
    EXPECT_EQ(m.group, group_id{7});
    EXPECT_EQ(m.way, (passage{2, epoch_t{9}, {}}));
    ASSERT_EQ(m.inputs.size(), to_group.size());
    for (std::size_t i = 0; i < to_group.size(); ++i)
      EXPECT_EQ(m.inputs[i].index(), to_group[i].index());
    EXPECT_EQ(encode_mail(group_id{7}, {2, epoch_t{9}, {}}, m.inputs), bytes) << "seed " << seed;
    std::vector<registry_input> to_registry;
    for (unsigned k = 0; k < drawn::registry_kinds; ++k)
      to_registry.push_back(d.of_registry(k));
    const auto other = encode_mail({1, {}, {}}, to_registry);
    const auto registry = decode_mail(other, {});
    ASSERT_TRUE(registry.has_value()) << "seed " << seed << ": " << registry.error().text;
    for (std::size_t i = 0; i < to_registry.size(); ++i)
      EXPECT_EQ(std::get<mail_to_registry>(*registry).inputs[i].index(), to_registry[i].index());
    EXPECT_EQ(encode_mail({1, {}, {}}, std::get<mail_to_registry>(*registry).inputs), other) << "seed " << seed;
  }
}

TEST(mail, what_a_booking_says_arrives) {
  book_command c{request_id{9}, body_hash{8}, window_index{3}, unix_ms{-7}, {}, true};
  citizen_hash who;
  who.bytes.fill(5);
  c.people.push_back({who, reference::make(shard_id{63}, 4), key_hash{6}, {16, 4}, std::string("\0sealed", 7)});
  const auto back = decode_mail(encode_mail(group_id{1}, {}, std::vector<group_input>{c}), {});
  ASSERT_TRUE(back.has_value());
  const auto& said = std::get<book_command>(std::get<mail_to_group>(*back).inputs.at(0));
  EXPECT_EQ(said.request, c.request);
  EXPECT_EQ(said.body, c.body);
  EXPECT_EQ(said.window, c.window);
  EXPECT_EQ(said.deadline, c.deadline);
  EXPECT_TRUE(said.repeat_only);
  EXPECT_EQ(said.people.at(0).citizen, who);
  EXPECT_EQ(said.people.at(0).proposed, c.people[0].proposed);
  EXPECT_EQ(said.people.at(0).key, key_hash{6});
  EXPECT_EQ(said.people.at(0).facts, c.people[0].facts);
  EXPECT_EQ(said.people.at(0).sealed, c.people[0].sealed);
  c.window.reset();
  EXPECT_FALSE(
      std::get<book_command>(std::get<mail_to_group>(*decode_mail(encode_mail(group_id{1}, {}, std::vector<group_input>{c}), {})).inputs[0])
          .window.has_value());
}

TEST(mail, deadlines_are_by_the_clock_of_whoever_reads_them) {
  book_command c{request_id{7}, body_hash{8}, {}, unix_ms{1'005'000}, {applicant{}}};
  const passage way{0, {}, unix_ms{1'000'000}};
  const auto deadline = [](const auto& mail) {
    return std::get<book_command>(std::get<mail_to_group>(mail.value()).inputs.at(0)).deadline.value;
  };
  const auto bytes = encode_mail(group_id{1}, way, std::vector<group_input>{c});
  EXPECT_EQ(deadline(decode_mail(bytes, unix_ms{1'600'000})), 1'605'000) << "ten minutes ahead";
  EXPECT_EQ(deadline(decode_mail(bytes, unix_ms{400'000})), 405'000);
  EXPECT_EQ(deadline(decode_mail(encode_mail(group_id{1}, {}, std::vector<group_input>{c}), unix_ms{9})), 1'005'000);
  c.deadline = unix_ms{std::numeric_limits<std::int64_t>::max()};
  EXPECT_EQ(deadline(decode_mail(encode_mail(group_id{1}, way, std::vector<group_input>{c}), unix_ms{9})), c.deadline.value) << "none";
  EXPECT_FALSE(decode_mail(encode_mail(group_id{1}, {0, {}, unix_ms{-1}}, std::vector<group_input>{c}), {}).has_value());
  lookup_command l;
  l.deadline = unix_ms{1'005'000};
  const auto registry = decode_mail(encode_mail(way, std::vector<registry_input>{l}), unix_ms{1'600'000});
  EXPECT_EQ(std::get<lookup_command>(std::get<mail_to_registry>(registry.value()).inputs.at(0)).deadline.value, 1'605'000);
}

TEST(mail, answers_come_back_as_they_were_sent) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    drawn d(seed);
    const std::vector<answer> sent{d.an_answer(), d.an_answer(), d.an_answer()};
    const auto bytes = encode_answers(sent);
    const auto back = decode_answers(bytes);
    ASSERT_TRUE(back.has_value()) << "seed " << seed << ": " << back.error().text;
    EXPECT_EQ(encode_answers(*back), bytes);
    EXPECT_EQ(back->at(0).request, sent[0].request);
    EXPECT_EQ(back->at(0).what, sent[0].what);
    EXPECT_EQ(back->at(0).places.size(), sent[0].places.size());
  }
}

TEST(mail, figures_come_back_with_their_tenure_and_the_rounds) {
  const told_figures sent{{{group_id{1}, {{5, 4, 3, 2, 1}}, {6, 7}, sequence_t{8}, epoch_t{9}}}, {shard_id{2}}, sequence_t{0}};
  const auto back = decode_figures(encode_figures(sent));
  ASSERT_TRUE(back.has_value()) << back.error().text;
  ASSERT_EQ(back->groups.size(), 1U);
  EXPECT_EQ(back->groups[0].windows, sent.groups[0].windows);
  EXPECT_EQ(back->groups[0].booked_by_facts, sent.groups[0].booked_by_facts);
  EXPECT_EQ(back->groups[0].applied, sequence_t{8});
  EXPECT_EQ(back->groups[0].tenure, epoch_t{9});
  EXPECT_EQ(back->shards, sent.shards);
  EXPECT_EQ(back->rounds, sequence_t{0});
  EXPECT_EQ(decode_figures(encode_figures({})).value().rounds, std::nullopt);
}

TEST(mail, what_cannot_be_is_an_error) {
  const auto group = [](group_input in) { return decode_mail(encode_mail(group_id{1}, {}, std::vector{std::move(in)}), {}).has_value(); };
  EXPECT_FALSE(group(book_command{})) << "nobody";
  EXPECT_FALSE(group(book_command{{}, {}, window_index{64}, {}, {applicant{}}}));
  EXPECT_FALSE(group(book_command{{}, {}, {}, {}, std::vector<applicant>(5)}));
  EXPECT_FALSE(group(book_command{{}, {}, {}, {}, std::vector<applicant>(2)})) << "one citizen twice";
  applicant too_large;
  too_large.sealed.assign(limits::sealed_record_bytes_max + 1, 'x');
  EXPECT_FALSE(group(book_command{{}, {}, {}, {}, {too_large}}));
  applicant nowhere;
  nowhere.facts.state = state_count;
  EXPECT_FALSE(group(book_command{{}, {}, {}, {}, {nowhere}}));
  EXPECT_FALSE(group(claim_result{{}, {}, static_cast<claim_verdict>(6)}));
  EXPECT_FALSE(group(settle_ask{shard_id{1024}, {}, {}}));
  EXPECT_FALSE(decode_answers(encode_answers(std::vector{answer{{}, static_cast<outcome>(200), false, 0, {}}})).has_value());
  EXPECT_FALSE(decode_answers(encode_answers(std::vector{answer{{}, outcome::found, false, 9, {}}})).has_value());
  drawn d(1);
  const auto registry = encode_mail({}, std::vector{d.of_registry(0)});
  for (std::size_t n = 0; n < registry.size(); ++n)
    (void)decode_mail(std::string_view(registry).substr(0, n), {});
  EXPECT_FALSE(decode_mail(std::string_view(registry).substr(0, registry.size() - 8), {}).has_value());
  EXPECT_FALSE(decode_mail("junk", {}).has_value());
}

TEST(mail, words_between_nodes_come_back_whole_with_zeros_in_them_and_cut_where_they_are_too_long) {
  using namespace std::string_literals;
  shard_ask ask;
  ask.number = 7;
  ask.what = shard_ask::verb::round_order;
  ask.noted = {"a\0b"s, "\0"s, "", unix_ms{1}};
  ask.order = "\0order"s;
  EXPECT_EQ(decode_ask(encode_ask(ask)), ask);
  const change_capacity change{request_id{1}, window_index{0}, 5, "o\0p"s, "why\0not"s};
  const auto mail = decode_mail(encode_mail(group_id{3}, {}, std::vector<group_input>{change}), {});
  ASSERT_TRUE(mail.has_value());
  const auto& back = std::get<change_capacity>(std::get<mail_to_group>(*mail).inputs.at(0));
  EXPECT_EQ(back.by, change.by);
  EXPECT_EQ(back.reason, change.reason);
  shard_said said{7, true, "x\0y"s, "log", sequence_t{9}};
  EXPECT_EQ(decode_said(encode_said(said)), said);
  said.text.assign(1U << 20U, 'z');
  const auto cut = decode_said(encode_said(said));
  ASSERT_TRUE(cut.has_value());
  EXPECT_TRUE(!cut->text.empty() && said.text.starts_with(cut->text));
}

TEST(mail, questions_for_sealed_records_and_their_answers_come_back_whole) {
  shard_ask ask;
  ask.number = 7;
  ask.what = shard_ask::verb::read_records;
  ask.records = {group_id{3}, reference{}, reference{5}, window_index{63}, true, {}};
  EXPECT_EQ(decode_ask(encode_ask(ask)), ask) << "a reference of nothing but zeros is one";
  ask.records = {};
  for (std::uint16_t i = 0; i < sealed_places_max; ++i)
    ask.records.at.push_back({{}, sequence_t{i + 1U}, i});
  EXPECT_EQ(decode_ask(encode_ask(ask)), ask);
  ask.what = shard_ask::verb::hash_log;
  EXPECT_EQ(decode_ask(encode_ask(ask))->records, records_ask{}) << "of another question it is nothing";
  sealed_places told{{{reference{9},
                       generation_t{2},
                       window_index{1},
                       place_status::cancelled,
                       unix_ms{4},
                       std::string("\0x", 2),
                       "",
                       {shard_id{3}, sequence_t{8}, 1}},
                      {reference{10}, {}, {}, place_status::confirmed, {}, "", "no such entry", {}}},
                     true};
  EXPECT_EQ(decode_sealed_places(encode_sealed_places(told)), told);
}

TEST(mail, sealed_records_that_there_cannot_be_are_refused) {
  const auto refused = [](sealed_place p) { return !decode_sealed_places(encode_sealed_places({{std::move(p)}})).has_value(); };
  EXPECT_FALSE(refused({}));
  sealed_place p;
  p.sealed.assign(limits::sealed_record_bytes_max + 1, 'x');
  EXPECT_TRUE(refused(p));
  EXPECT_TRUE(refused({{}, {}, window_index{64}}));
  EXPECT_TRUE(refused({{}, {}, {}, static_cast<place_status>(3)}));
  EXPECT_TRUE(refused({{}, {}, {}, {}, {}, "", "", {shard_id{limits::shards_max}, {}, 0}}));
  EXPECT_FALSE(decode_sealed_places(encode_sealed_places({{}, true})).has_value()) << "asked on for ever";
  const auto whole = encode_sealed_places({std::vector<sealed_place>(3)});
  for (std::size_t n = 0; n < whole.size(); ++n)
    (void)decode_sealed_places(std::string_view(whole).substr(0, n));
  EXPECT_FALSE(decode_sealed_places("junk").has_value());
}

}  // namespace
}  // namespace janji::schema
