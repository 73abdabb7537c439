#include "apps/load/record.hpp"

#include "apps/load/citizens.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>

namespace janji::load {
namespace {

class record_file : public testing::Test {
protected:
  std::string path = testing::TempDir() + "/janji_record_" + std::to_string(::getpid());
  void TearDown() override { std::filesystem::remove(path); }
  std::vector<record_entry> read(std::uint64_t& torn) {
    std::vector<record_entry> out;
    header = read_record(path, [&](record_entry&& e) { out.push_back(std::move(e)); }, torn);
    return out;
  }
  std::expected<record_header, std::string> header;
};

record_entry sample() {
  record_entry e;
  e.request = 7;
  e.citizen = 40;
  e.people = 2;
  e.what = operation::book;
  e.result = outcome::yes;
  e.repeated = true;
  e.status = 200;
  e.attempt = 3;
  e.sent_us = 1'622'000'000'000'000;
  e.latency_us = 1234;
  e.key = key_of(1, 40, 0);
  e.place = "WTCKL/2021-06-07/09:00";
  e.references = {"7K3M-92QX-4T8B-E", "AAAA-BBBB-CCCC-D"};
  return e;
}

TEST_F(record_file, is_read_as_it_was_written) {
  {
    auto r = recorder::open(path, {42, "book", "2021-3", {{"WTCKL", "2021-06-07", "09:00", 8100, 8100}}});
    ASSERT_TRUE(r) << r.error();
    (*r)->add(sample());
    auto lost = sample();
    lost.result = outcome::unknown;
    lost.status = 0;
    lost.code = "timeout";
    lost.references.clear();
    lost.repeated = false;
    (*r)->add(lost);
  }
  std::uint64_t torn = 0;
  const auto entries = read(torn);
  ASSERT_TRUE(header) << header.error();
  EXPECT_EQ(header->seed, 42U);
  EXPECT_EQ(header->round, "2021-3");
  ASSERT_EQ(header->slots.size(), 1U);
  EXPECT_EQ(header->slots[0].place(), "WTCKL/2021-06-07/09:00");
  EXPECT_EQ(header->slots[0].capacity, 8100U);
  ASSERT_EQ(entries.size(), 2U);
  const auto& e = entries[0];
  const auto s = sample();
  EXPECT_EQ(std::tie(e.request, e.citizen, e.people, e.what, e.result, e.repeated, e.status, e.attempt, e.sent_us, e.latency_us, e.key,
                     e.place, e.references),
            std::tie(s.request, s.citizen, s.people, s.what, s.result, s.repeated, s.status, s.attempt, s.sent_us, s.latency_us, s.key,
                     s.place, s.references));
  EXPECT_EQ(entries[1].result, outcome::unknown);
  EXPECT_EQ(entries[1].code, "timeout");
  EXPECT_EQ(torn, 0U);
}

TEST_F(record_file, is_on_the_file_after_a_flush_though_the_recorder_lives_on) {
  auto r = recorder::open(path, {});
  ASSERT_TRUE(r);
  (*r)->add(sample());
  ASSERT_TRUE((*r)->flush());
  std::uint64_t torn = 0;
  EXPECT_EQ(read(torn).size(), 1U);
}

TEST_F(record_file, whose_last_line_is_torn_is_read_up_to_it) {
  {
    std::ofstream out(path);
    out << to_line(record_header{}) << to_line(sample()) << to_line(sample()).substr(0, 40);
  }
  std::uint64_t torn = 0;
  EXPECT_EQ(read(torn).size(), 1U);
  EXPECT_TRUE(header);
  EXPECT_EQ(torn, 1U);
}

TEST_F(record_file, with_a_broken_line_inside_is_no_record) {
  {
    std::ofstream out(path);
    out << to_line(record_header{}) << "{\"i\":\n" << to_line(sample());
  }
  std::uint64_t torn = 0;
  (void)read(torn);
  ASSERT_FALSE(header);
  EXPECT_NE(header.error().find(":2:"), std::string::npos) << header.error();
}

TEST_F(record_file, of_somebody_else_is_refused) {
  {
    std::ofstream out(path);
    out << "{\"hello\":1}\n";
  }
  std::uint64_t torn = 0;
  (void)read(torn);
  EXPECT_FALSE(header);
}

TEST(recorder, says_when_it_cannot_write) { EXPECT_FALSE(recorder::open("/nowhere/at/all", {})); }

TEST(recorder, says_when_the_disk_is_full) {
  auto r = recorder::open("/dev/full", {});
  EXPECT_FALSE(r);
}

}  // namespace
}  // namespace janji::load
