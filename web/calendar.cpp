#include "web/calendar.hpp"

#include <libical/ical.h>

#include <memory>

namespace janji::web {

namespace {

icaltimetype utc(unix_ms at) {
  return icaltime_from_timet_with_zone(static_cast<std::time_t>(at.value / 1000), 0, icaltimezone_get_utc_timezone());
}

}  // namespace

std::string calendar_file(const calendar_entry& e) {
  using component_ptr = std::unique_ptr<icalcomponent, decltype(&icalcomponent_free)>;
  auto* event = icalcomponent_new_vevent();
  icalcomponent_add_property(event, icalproperty_new_uid(e.uid.c_str()));
  icalcomponent_add_property(event, icalproperty_new_dtstamp(utc(e.made)));
  icalcomponent_add_property(event, icalproperty_new_dtstart(utc(e.from)));
  icalcomponent_add_property(event, icalproperty_new_dtend(utc(e.to)));
  icalcomponent_add_property(event, icalproperty_new_summary(e.title.c_str()));
  icalcomponent_add_property(event, icalproperty_new_location(e.place.c_str()));
  icalcomponent_add_property(event, icalproperty_new_description(e.text.c_str()));
  icalcomponent_add_property(event, icalproperty_new_sequence(static_cast<int>(e.sequence)));
  icalcomponent_add_property(event, icalproperty_new_status(e.cancelled ? ICAL_STATUS_CANCELLED : ICAL_STATUS_CONFIRMED));
  const component_ptr calendar(icalcomponent_new_vcalendar(), &icalcomponent_free);
  icalcomponent_add_property(calendar.get(), icalproperty_new_version("2.0"));
  icalcomponent_add_property(calendar.get(), icalproperty_new_prodid("-//Janji//Appointments//EN"));
  icalcomponent_add_property(calendar.get(), icalproperty_new_method(ICAL_METHOD_PUBLISH));
  icalcomponent_add_component(calendar.get(), event);
  const std::unique_ptr<char, decltype(&icalmemory_free_buffer)> text(icalcomponent_as_ical_string_r(calendar.get()),
                                                                      &icalmemory_free_buffer);
  return text ? std::string(text.get()) : std::string{};
}

}  // namespace janji::web
