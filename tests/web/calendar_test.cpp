#include "web/calendar.hpp"

#include <gtest/gtest.h>
#include <libical/ical.h>

#include <algorithm>
#include <memory>

namespace janji::web {
namespace {

calendar_entry entry() {
  return {.uid = "7K3M-92QX-4T8B-E@janji.example",
          .made = unix_ms{1'622'000'000'000},
          .from = unix_ms{1'623'027'600'000},
          .to = unix_ms{1'623'069'000'000},
          .title = "Vaksinasi: Dewan \"A\", B; C\\D",
          .place = "Dewan \"A\", B; C\\D",
          .text = "line one\nline two",
          .sequence = 2};
}

TEST(calendar, is_a_file_that_a_library_reads_back_equal) {
  const auto text = calendar_file(entry());
  const std::unique_ptr<icalcomponent, decltype(&icalcomponent_free)> read(icalparser_parse_string(text.c_str()), &icalcomponent_free);
  ASSERT_NE(read, nullptr);
  auto* event = icalcomponent_get_first_component(read.get(), ICAL_VEVENT_COMPONENT);
  ASSERT_NE(event, nullptr);
  EXPECT_EQ(std::string(icalcomponent_get_summary(event)), entry().title);
  EXPECT_EQ(std::string(icalcomponent_get_location(event)), entry().place);
  EXPECT_EQ(std::string(icalcomponent_get_description(event)), entry().text);
  EXPECT_EQ(std::string(icalcomponent_get_uid(event)), entry().uid);
  EXPECT_EQ(icalcomponent_get_sequence(event), 2);
  EXPECT_EQ(icaltime_as_timet(icalcomponent_get_dtstart(event)), 1'623'027'600);
  EXPECT_EQ(icaltime_as_timet(icalcomponent_get_dtend(event)), 1'623'069'000);
  EXPECT_EQ(icaltime_as_timet(icalcomponent_get_dtstamp(event)), 1'622'000'000);
  EXPECT_EQ(icalcomponent_get_status(event), ICAL_STATUS_CONFIRMED);
}

TEST(calendar, says_that_an_appointment_is_cancelled) {
  auto cancelled = entry();
  cancelled.cancelled = true;
  const auto text = calendar_file(cancelled);
  EXPECT_NE(text.find("STATUS:CANCELLED\r\n"), std::string::npos) << text;
  EXPECT_EQ(text.find("CONFIRMED"), std::string::npos) << text;
}

TEST(calendar, is_written_as_programs_want_it) {
  const auto text = calendar_file(entry());
  EXPECT_TRUE(text.starts_with("BEGIN:VCALENDAR\r\n"));
  for (const auto* line : {"VERSION:2.0\r\n", "METHOD:PUBLISH\r\n", "DTSTART:20210607T010000Z\r\n", "DTEND:20210607T123000Z\r\n",
                           "SEQUENCE:2\r\n", "STATUS:CONFIRMED\r\n"})
    EXPECT_NE(text.find(line), std::string::npos) << line << text;
  EXPECT_NE(text.find("DTSTAMP:20210526T033320Z\r\n"), std::string::npos) << text;
  EXPECT_GE(std::ranges::count(text, '\n'), 15);
  for (std::size_t at = text.find('\n'); at != std::string::npos; at = text.find('\n', at + 1))
    EXPECT_EQ(text[at - 1], '\r');
}

}  // namespace
}  // namespace janji::web
