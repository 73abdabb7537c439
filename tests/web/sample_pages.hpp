// Models of every page, as the tests render them: for one person and for four, in several states.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "web/codes.hpp"
#include "web/pages.hpp"

namespace janji::web {

inline constexpr std::chrono::minutes sample_offset{8 * 60};
inline constexpr unix_ms sample_now{1'622'003'400'000};  // 26 May 2021, 12:30 there
inline const std::string awkward_name = "<script>alert(1)</script> \"Siti\" Nur'Ain & கலைச்செல்வி {{name}} [[key]]";

// What people and operators typed.
struct sample_texts {
  std::string name = awkward_name;             // of people
  std::string centre = "Dewan \"A\" <B> & C";  // and its district, a search, a notice, the reason of a pause
  std::string place = awkward_name;
  std::string district = "Petaling";
  std::string phone = "012-345 6789";
  std::string email = "a@example.org";
  std::string notes = "line one\n</textarea><b>";
  std::string qr;                       // what a code says; "": its receipt
  std::vector<std::string> names = {};  // of the first people, before `name`
};

inline const sample_texts& awkward_texts() {
  static const sample_texts texts;
  return texts;
}

// As long as the form takes them, and nowhere a place to break; codes as large as there are.
inline const sample_texts& unbroken_texts() {
  static const sample_texts texts{.name = std::string(200, 'W'),
                                  .centre = std::string(200, 'M'),
                                  .place = std::string(200, 'M'),
                                  .district = std::string(100, 'D'),
                                  .phone = "+" + std::string(20, '0'),
                                  .email = std::string(64, 'e') + "@" + std::string(120, 'm') + ".my",
                                  .notes = std::string(500, 'N'),
                                  .qr = std::string(520, 'q')};
  return texts;
}

// Jawi: from right to left.
inline const sample_texts& jawi_texts() {
  static const std::string name = "محمد بن أحمد", place = "دیوان کوتا بهارو 3";
  static const sample_texts texts{.name = name, .centre = place, .place = place, .district = "باچوق", .notes = name};
  return texts;
}

// Of a family.
inline const sample_texts& family_texts() {
  static const sample_texts texts{
      .centre = "Pusat Pemberian Vaksin Pusat Konvensyen Antarabangsa Kuala Lumpur",
      .qr = "https://temujanji.vaksin.kesihatan.gov.my/receipt#janji2." + std::string(200, 'x') + "." + std::string(86, 'y'),
      .names = {"Muhammad Abdullah Hakim bin Ramanathan Subramaniam", "Siti Nur'Ain Khadijah binti Muhammad Abdullah Hakim", "欧阳陈小明",
                "கலைச்செல்வி சுப்ரமணியம் இராமநாதன்"}};
  return texts;
}

inline civil_date sample_day(int day) {
  return civil_date{std::chrono::year{2021}, std::chrono::month{6}, std::chrono::day{static_cast<unsigned>(day)}};
}

inline frame sample_frame(language l, std::string page, std::string address) {
  frame f;
  f.lang = l;
  f.page = std::move(page);
  f.address = std::move(address);
  f.now = sample_now;
  f.offset = sample_offset;
  f.state = round_line{.kind = round_kind::open};
  f.request_id = "0123456789abc";
  f.form_token = "v1.token";
  f.forgettable = true;
  return f;
}

inline std::vector<person_fields> sample_people(std::size_t n, bool whole = true, const sample_texts& t = awkward_texts()) {
  std::vector<person_fields> out(n);
  for (std::size_t i = 0; i < n && whole; ++i) {
    out[i].get(person_field::kind) = i % 2 == 0 ? "mykad" : "passport";
    out[i].get(person_field::number) = "900101-14-567" + std::to_string(i);
    out[i].get(person_field::country) = i % 2 == 0 ? "" : "IDN";
    out[i].get(person_field::name) = t.name;
    out[i].get(person_field::birth) = "1990-01-01";
    out[i].get(person_field::phone) = t.phone;
    out[i].get(person_field::email) = t.email;
    out[i].get(person_field::state) = "Selangor";
    out[i].get(person_field::notes) = t.notes;
  }
  return out;
}

inline chosen_place sample_place(const sample_texts& t = awkward_texts()) {
  return {"WTCKL", t.centre, sample_day(7), 9 * 60, 20 * 60 + 30};
}

inline std::vector<near_place> sample_near(const sample_texts& t = awkward_texts()) {
  return {{"UM", t.centre, sample_day(8), 9 * 60, 3}, {"UKM", "<i>UKM</i>", sample_day(9), 10 * 60, 1}};
}

inline booking_item sample_booking(std::size_t i, bool cancelled = false, const sample_texts& t = awkward_texts()) {
  return {.name = i < t.names.size() ? t.names[i] : t.name,
          .number = "5678",
          .centre_name = t.centre,
          .date = sample_day(7),
          .from = 9 * 60,
          .to = 20 * 60 + 30,
          .reference = i % 2 == 0 ? "7K3M-92QX-4T8B-*" : "7K3M-92QX-4T8B-E",
          .code = "4T8B-92QX-7K3M-5",
          .cancelled = cancelled,
          .receipt = "janji2.abcdefgh." + std::string(200, 'x') + "." + std::string(86, 'y'),
          .qr = t.qr};
}

struct sample {
  std::string name;
  std::string html;
};

// Every page in that language.
inline std::vector<sample> sample_pages(const pages& p, language l, const sample_texts& t = awkward_texts()) {
  std::vector<sample> out;
  const auto add = [&](const std::string& name, std::string html) { out.push_back({name, std::move(html)}); };
  const numbers_age fresh{sample_now, "/numbers/home"};
  for (const std::size_t n : {1U, 4U}) {
    const auto people = static_cast<std::uint8_t>(n);
    const auto of = [&](const std::string& name) { return name + "-" + std::to_string(n); };
    home_model home{.people = people,
                    .states = {{10, {.free = 1200}}, {14, {.free = 0}}, {1, {}}, {2, {.over = true}}, {3, {.free = 0, .singles = true}}},
                    .numbers = fresh,
                    .booked = 1234,
                    .places = 956'609};
    auto f = sample_frame(l, "home", "/");
    f.indexed = true;
    add(of("home"), p.home(f, home));
    f.state = round_line{.kind = round_kind::not_open, .opens_at = unix_ms{sample_now.value + 3'600'000}};
    add(of("home-not-open"), p.home(f, home));
    f.state = round_line{.kind = round_kind::paused, .reason = t.place};
    f.rehearsal = true;
    f.notices = {t.place};
    add(of("home-paused"), p.home(f, home));
    home.numbers = {};
    home.states[0].at.free.reset();
    home.booked.reset();
    f.state = round_line{.kind = round_kind::unknown};
    add(of("home-unknown"), p.home(f, home));
    centres_model centres{.people = people, .state = 10, .numbers = fresh, .query = "people=" + std::to_string(n)};
    for (int i = 0; i < 4; ++i)
      centres.centres.push_back({"C" + std::to_string(i),
                                 t.place,
                                 t.district,
                                 10,
                                 {.free = i == 1 ? room{} : room{static_cast<std::uint64_t>(i)}},
                                 sample_day(7 + i),
                                 3.0 + i * 0.1,
                                 101.5});
    centres.elsewhere.push_back({"UM", t.centre, "", 14, {.free = 5}, {}, 3.12, 101.65});
    add(of("centres"), p.centres(sample_frame(l, "centres", "/book/in/Selangor?people=4"), centres));
    centres.centres.clear();
    centres.searched = t.place;
    centres.found = false;
    add(of("centres-none"), p.centres(sample_frame(l, "centres", "/book/in"), centres));
    month_model month{.people = people,
                      .centre_name = t.place,
                      .centre = "WTCKL",
                      .nearest = sample_near(t),
                      .today = sample_day(7),
                      .numbers = fresh,
                      .base = "/book/at/WTCKL/",
                      .query = "people=4",
                      .back = "/book/in"};
    for (int i = 7; i < 28; ++i)
      month.days.push_back(
          {sample_day(i),
           {.free = i % 5 == 0 ? room{} : room{static_cast<std::uint64_t>((i % 4) * 20)}, .over = i < 9, .closed = i == 11},
           100});
    month.days.push_back({civil_date{std::chrono::year{2021}, std::chrono::month{8}, std::chrono::day{1}}, {.free = 5}, 100});
    add(of("month"), p.month(sample_frame(l, "month", "/book/at/WTCKL"), month));
    for (auto& day : month.days)
      day.at.free = 0;
    add(of("month-full"), p.month(sample_frame(l, "month", "/book/at/WTCKL"), month));
    times_model times{.people = people,
                      .centre_name = t.place,
                      .centre = "WTCKL",
                      .date = sample_day(7),
                      .windows = {{540, 600, {.free = 3}},
                                  {600, 660, {.free = 0}},
                                  {660, 720, {}},
                                  {720, 780, {.free = 9, .over = true}},
                                  {780, 840, {.free = 0, .closed = true}}},
                      .nearest = {},
                      .numbers = fresh,
                      .base = "/book/at/WTCKL/2021-06-07/",
                      .ending = "/details",
                      .query = "people=4",
                      .back = "/book/at/WTCKL"};
    add(of("times"), p.times(sample_frame(l, "times", "/book/at/WTCKL/2021-06-07"), times));
    times.windows = {{540, 600, 0, false}};
    times.nearest = sample_near(t);
    add(of("times-full"), p.times(sample_frame(l, "times", "/book/at/WTCKL/2021-06-07"), times));
    const auto details_address = "/book/at/WTCKL/2021-06-07/09:00/details";
    details_model details{.place = sample_place(t), .draft = "draft", .people = sample_people(n, false, t)};
    add(of("details"), p.details(sample_frame(l, "details", details_address), details));
    details.people = sample_people(n, true, t);
    for (std::size_t i = 1; i <= n; ++i)
      for (const auto& row : person_field_table())
        details.faults.push_back({input_id(i, row.field), p.all().say(l, "field_missing")});
    details.above = banner{p.all().say(l, "refused_full"), sample_near(t)};
    add(of("details-wrong"), p.details(sample_frame(l, "details", details_address), details));
    add(of("check"), p.check(sample_frame(l, "check", details_address),
                             {.place = sample_place(t), .draft = "draft", .people = sample_people(n, true, t)}));
    my_booking_model mine;
    for (std::size_t i = 0; i < n; ++i)
      mine.bookings.push_back(sample_booking(i, false, t));
    add(of("my-booking"), p.my_booking(sample_frame(l, "my-booking", "/my-booking"), mine));
    mine.repeated = true;
    mine.known_at = sample_now;
    for (auto& b : mine.bookings)
      b.cancelled = true;
    add(of("my-booking-cancelled"), p.my_booking(sample_frame(l, "my-booking", "/my-booking"), mine));
    for (const bool cancel : {false, true}) {
      change_model change{.cancel = cancel, .choose = true, .action = cancel ? "/my-booking/cancel" : "/my-booking/move", .posts = cancel};
      for (std::size_t i = 0; i < n; ++i) {
        change.people.push_back(sample_booking(i, false, t));
        change.chosen.push_back(i);
      }
      add(of(cancel ? "cancel" : "move"), p.change(sample_frame(l, "change", "/my-booking/move"), change));
      change.choose = false;
      change.posts = true;
      change.to = sample_place(t);
      add(of(cancel ? "cancel-check" : "move-check"), p.change(sample_frame(l, "change", "/my-booking/move"), change));
      changed_model changed{.cancel = cancel, .action = "/x", .back_action = "/y", .code = "busy"};
      constexpr std::array ends{change_end::done, change_end::kept, change_end::unknown, change_end::waits};
      for (std::size_t i = 0; i < n; ++i)
        changed.people.push_back({sample_booking(i, false, t), ends[i], p.all().say(l, "refused_full"), i + 1});
      add(of(cancel ? "cancelled" : "moved"), p.changed(sample_frame(l, "changed", "/my-booking/move"), changed));
    }
    for (const auto& row : code_table()) {
      if (row.book == screen::unknown) {
        add(of("pending-" + std::string(row.code)),
            p.pending(sample_frame(l, "pending", "/my-booking"), {.cause = std::string(row.text),
                                                                  .nothing_yet = n == 4,
                                                                  .action = "/my-booking",
                                                                  .hidden = hidden_fields(sample_people(n, true, t)),
                                                                  .code = std::string(row.code)}));
        continue;
      }
      refused_model refused{.heading = "no_booking_heading",
                            .text = t.place,
                            .booked = p.all().say(l, "you_have_none"),
                            .nearest = sample_near(t),
                            .action = "/x",
                            .button = "send_again_button",
                            .hidden = hidden_fields(sample_people(n, true, t)),
                            .links = {{"/find", p.all().say(l, "nav_find")}},
                            .code = std::string(row.code)};
      add(of("refused-" + std::string(row.code)), p.refused(sample_frame(l, "refused", "/my-booking"), refused));
    }
  }
  add("my-booking-none", p.my_booking(sample_frame(l, "my-booking", "/my-booking"), {}));
  add("find", p.find(sample_frame(l, "find", "/find"), {}));
  add("find-wrong",
      p.find(sample_frame(l, "find", "/find"),
             {.reference = "\"><b>", .code = "x", .failed = true, .faults = {{"reference", p.all().say(l, "reference_wrong")}}}));
  figures_model figures{.numbers = fresh, .heard = true, .places = 956'609, .booked = 12'345, .free = 944'264, .cancelled = 3};
  figures.centres.push_back({t.place, "ms", {100, 5, std::nullopt}});
  figures.states.push_back({p.all().say(l, "state_10"), "", {7}});
  figures.refusals.push_back({p.all().say(l, row_of("full").named), "", {9}, "full"});
  figures.times = {{sample_now, 5}, {unix_ms{sample_now.value + 600'000}, {}}, {unix_ms{sample_now.value + 1'200'000}, 0}};
  figures.since = sample_now;
  add("figures", p.figures(sample_frame(l, "figures", "/figures"), figures));
  add("receipt", p.receipt(sample_frame(l, "receipt", "/receipt"), {.keys = "{}"}));
  add("receipt-good",
      p.receipt(sample_frame(l, "receipt", "/receipt"),
                {.text = "janji1.x", .verdict = "receipt_good", .good = true, .rows = {{"label_round", t.place}}, .keys = "{}"}));
  status_model status{.numbers = fresh,
                      .rounds = part_state::old,
                      .places = part_state::some_old,
                      .bookings = part_state::unknown,
                      .rounds_at = sample_now};
  status.hour = {{sample_now, 5}, {unix_ms{sample_now.value + 60'000}, {}}};
  add("status", p.status(sample_frame(l, "status", "/status"), status));
  for (const auto* name : {"help", "privacy", "accessibility", "forgotten", "missing", "method", "trouble"})
    add(name, p.text(sample_frame(l, name, "/" + std::string(name)), name));
  return out;
}

}  // namespace janji::web
