// The citizens' pages, as pure functions: what is to be shown, in which language, becomes HTML. What they show and when:
// docs/pages.md. Every text in a model is shown as text; nothing in it can become markup.
//
// Owns the messages and templates. Threads: one object for each thread.
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "booking/civil_time.hpp"
#include "booking/types.hpp"
#include "web/language.hpp"
#include "web/person_fields.hpp"
#include "web/templates.hpp"
#include "web/words.hpp"

namespace janji::web {

enum class round_kind : std::uint8_t { open, not_open, paused, closed, over, unknown, none };

struct round_line {
  round_kind kind = round_kind::none;
  unix_ms opens_at;    // of not_open
  std::string reason;  // of paused; may be ""
};

// What a page that answers a post was made of: its language buttons post it, and it is shown again.
struct again_form {
  std::string action;
  std::vector<std::pair<std::string, std::string>> hidden;
};

// What every page has.
struct frame {
  language lang = language::ms;
  std::string page;                 // its name, for the script: "home"
  std::string address;              // path and query of this page, without `lang`; to it the language links lead
  std::optional<again_form> again;  // instead of them
  bool indexed = false;             // search engines may show it
  bool rehearsal = false;
  std::vector<std::string> notices;
  std::optional<round_line> state;
  std::string form_token;    // "": the page has no form
  std::string request_id;    // stands small beside a refusal's code
  bool forgettable = false;  // this browser keeps something of somebody's
  unix_ms now;
  std::chrono::minutes offset{0};  // of the round's zone
};

// Numbers of free places at a moment; none: nothing was heard.
struct numbers_age {
  std::optional<unix_ms> as_of;
  std::string poll;  // where the script asks for newer ones; "": nowhere
};

// Numbers that nobody has renewed for some seconds.
[[nodiscard]] bool is_old(unix_ms as_of, unix_ms now);

// How many places are free; none: not known.
using room = std::optional<std::uint64_t>;

// What is known of the places of a window, a day, a centre or a state.
struct availability {
  room free;             // for so many together
  bool over = false;     // nothing of it can be booked any more
  bool closed = false;   // by the operators
  bool singles = false;  // some are free, but not so many together
};

struct near_place {
  std::string centre;
  std::string centre_name;
  civil_date date;
  std::uint16_t from = 0;
  std::uint64_t free = 0;
};

struct home_model {
  std::uint8_t people = 1;
  std::uint8_t people_max = 4;
  std::uint8_t age_min = 18;
  std::uint8_t age_max = 120;
  struct state_item {
    std::uint8_t state = 0;
    availability at;
  };
  std::vector<state_item> states;  // that have a centre
  bool has_round = true;
  numbers_age numbers;
  std::optional<std::uint64_t> booked;
  std::uint64_t places = 0;
};

// A place as the forms name it.
struct chosen_place {
  std::string centre;
  std::string centre_name;
  civil_date date;
  std::uint16_t from = 0;
  std::uint16_t to = 0;
  std::string round = {};                  // its code; "": the one that pages show
  [[nodiscard]] std::string path() const;  // "WTCKL/2021-06-07/09:00"
  friend bool operator==(const chosen_place&, const chosen_place&) = default;
};

struct centre_item {
  std::string code;
  std::string name;
  std::string district;
  std::uint8_t state = 0;
  availability at;
  std::optional<civil_date> next;
  double latitude = 0, longitude = 0;  // both 0: not known
};

struct centres_model {
  std::uint8_t people = 1;
  std::vector<chosen_place> now;  // where those are who are to be moved
  std::uint8_t people_max = 4;
  std::uint8_t state = 0;  // 0: of a search, or all
  std::string searched;    // as typed, where it was searched for in names
  std::string typed;       // whatever it was found by
  std::string digits;      // of a postcode that begins with them
  bool found = true;       // something of what was searched
  std::vector<centre_item> centres;
  std::size_t centres_all = 0;         // of which `centres` are the first; 0: they are all
  std::vector<centre_item> elsewhere;  // nearest, outside of the state
  numbers_age numbers;
  std::string base = "/book/at/";                           // before a centre's code
  std::string query;                                        // behind it: "people=4"
  std::vector<std::pair<std::string, std::string>> hidden;  // likewise, in the form that searches
};

struct day_item {
  civil_date date;
  availability at;
  std::uint64_t capacity = 0;
};

struct month_model {
  std::uint8_t people = 1;
  std::string centre_name;
  std::string centre;
  std::vector<day_item> days;  // in their order
  std::vector<near_place> nearest;
  civil_date today;
  numbers_age numbers;
  std::string base;  // before a date: "/book/at/WTCKL/"
  std::string query;
  std::string back;
};

struct window_item {
  std::uint16_t from = 0;
  std::uint16_t to = 0;
  availability at;
};

struct times_model {
  std::uint8_t people = 1;
  std::string centre_name;
  std::string centre;
  civil_date date;
  std::vector<window_item> windows;
  std::vector<near_place> nearest;
  numbers_age numbers;
  std::string base;    // before a window's hour: "/book/at/WTCKL/2021-06-07/"
  std::string ending;  // behind it: "/details"
  std::string query;
  std::string back;
};

struct banner {
  std::string text;
  std::vector<near_place> nearest;
};

struct details_model {
  chosen_place place;
  std::string draft;
  std::vector<person_fields> people;
  std::vector<field_fault> faults;
  bool tried = false;      // and something is wrong: said again in another language
  bool uncounted = false;  // likewise: for how many people it is was not said
  std::optional<banner> above;
};

struct check_model {
  chosen_place place;
  std::string draft;
  std::vector<person_fields> people;
  std::optional<banner> above;
};

struct booking_item {
  std::string name;    // "": not known
  std::string number;  // its last digits, or ""
  std::string centre_name;
  civil_date date;
  std::uint16_t from = 0;
  std::uint16_t to = 0;
  std::string reference;
  std::string code;  // "": not known
  bool cancelled = false;
  bool attended = false;  // its time has come: it stays as it is
  std::string district;   // of the centre; "": not known
  std::uint8_t state = 0;
  std::string receipt;  // "": none at hand
  std::string qr;       // what the code says; "": the receipt alone
  std::string handle;   // by which a form names it
};

struct my_booking_model {
  std::vector<booking_item> bookings;
  bool repeated = false;            // it had been booked before
  std::optional<unix_ms> known_at;  // the newest state could not be asked for
  std::string done;                 // key of a message: what was just changed
  bool changeable = true;
  std::optional<chosen_place> unsent;  // a form was begun for it, and as far as is known never sent
  bool doubt = false;                  // of one that the browser does not keep it is not known whether it was sent
};

struct pending_model {
  std::string cause;                   // key of a message
  bool nothing_yet = false;            // looked, and nothing was booked
  bool sent = true;                    // else the reader may never have pressed: nothing is sent by itself
  bool looks_again = true;             // by itself, without scripts
  bool in_place = false;               // it alone has the form: one looks by a button
  bool kept = true;                    // else the form is nowhere but in the page that was pressed
  std::optional<chosen_place> unsent;  // set: as far as is known the form for it was never sent
  std::size_t people = 1;              // in that form
  std::uint32_t again_s = 5;
  std::uint32_t shut_s = 3;
  std::string action;  // of the button that sends it again; "": none
  std::vector<std::pair<std::string, std::string>> hidden;
  std::string code;
};

struct refused_model {
  std::string heading;  // key
  std::string text;     // ready
  std::string booked;   // ready: whether there is a booking
  std::string more;
  bool good = false;
  std::vector<near_place> nearest;  // as buttons of the same form
  std::string action;               // of the form to send again; "": none
  std::string button;               // key
  std::vector<std::pair<std::string, std::string>> hidden;
  struct step {
    std::string action;
    std::vector<std::pair<std::string, std::string>> hidden;
    std::string text;  // ready
  };
  std::vector<step> steps;                                 // back to the form, where this page alone has it
  std::vector<std::pair<std::string, std::string>> links;  // address, ready text
  std::string code;
  bool main_link = false;  // the first of them is the page's main button
  bool form_last = false;  // behind the links: it gives something up, or is no way on
};

struct change_model {
  bool cancel = false;
  bool choose = false;  // whose: boxes; else they are only named
  std::vector<booking_item> people;
  std::vector<std::size_t> chosen;  // places in `people`
  std::optional<chosen_place> to;
  std::string action;
  bool posts = false;
  std::vector<std::pair<std::string, std::string>> hidden;
  std::vector<field_fault> faults;
};

enum class change_end : std::uint8_t { done, kept, unknown, waits };
struct changed_model {
  bool cancel = false;
  struct person {
    booking_item booking;  // as it is now, as far as is known
    change_end end = change_end::waits;
    std::string why;  // ready
    std::size_t n = 0;
  };
  std::vector<person> people;
  std::string action;  // to ask again; "": nothing to ask
  std::vector<std::pair<std::string, std::string>> hidden;
  std::uint32_t shut_s = 3;  // before that
  std::string another;       // address: to choose another time; "": that does not help
  std::string back_action;   // to bring the others back
  std::vector<std::pair<std::string, std::string>> back_hidden;
  std::string code;
};

struct find_model {
  std::string reference;
  std::string code;
  bool failed = false;  // they do not open a booking together
  std::vector<field_fault> faults;
  std::string unknown;  // ready: why it could not be looked up
  std::string tried;    // what is told again in another language
};

struct figures_model {
  numbers_age numbers;
  bool heard = false;
  std::uint64_t places = 0, booked = 0, free = 0, cancelled = 0;
  struct row {
    std::string name;    // ready
    std::string tongue;  // of the name, or ""
    std::vector<std::optional<std::uint64_t>> numbers;
    std::string code;  // of a refusal
  };
  std::vector<row> centres;     // places, booked, free
  std::size_t centres_all = 0;  // of which `centres` are the first; 0: they are all
  std::vector<row> states;      // booked
  std::vector<row> refusals;    // how often
  struct span {
    unix_ms at;                           // when it begins
    std::optional<std::uint64_t> booked;  // in it; none: not known
  };
  std::vector<span> times;  // of ten minutes each, the oldest first
  std::optional<unix_ms> since;
  std::size_t nodes = 1, nodes_all = 1;
};

struct receipt_model {
  std::string text;
  std::string verdict;  // key; "": none yet
  bool good = false;
  std::vector<std::pair<std::string, std::string>> rows;  // keys of labels, values
  std::string keys;                                       // JSON for the script
};

enum class part_state : std::uint8_t { good, old, unknown, some_old, stopping };
struct status_model {
  numbers_age numbers;
  part_state rounds = part_state::good, places = part_state::good, bookings = part_state::good;
  std::optional<unix_ms> rounds_at, places_at;
  struct minute {
    unix_ms at;
    std::optional<std::uint64_t> booked;
  };
  std::vector<minute> hour;
};

class pages {
public:
  static std::expected<std::unique_ptr<pages>, std::string> load();

  [[nodiscard]] const words& all() const { return *words_; }
  // The answer's Content-Security-Policy: of what is inline only what this program wrote.
  [[nodiscard]] const std::string& policy() const { return policy_; }

  // ---- choosing
  [[nodiscard]] std::string home(const frame& f, const home_model& m) const;
  [[nodiscard]] std::string centres(const frame& f, const centres_model& m) const;
  [[nodiscard]] std::string month(const frame& f, const month_model& m) const;
  [[nodiscard]] std::string times(const frame& f, const times_model& m) const;
  // ---- the numbers of these pages, as JSON for the script that renews them: texts, not numbers
  [[nodiscard]] std::string home_numbers(const frame& f, const home_model& m) const;
  [[nodiscard]] std::string centres_numbers(const frame& f, const centres_model& m) const;
  [[nodiscard]] std::string month_numbers(const frame& f, const month_model& m) const;
  [[nodiscard]] std::string times_numbers(const frame& f, const times_model& m) const;
  // ---- the form
  [[nodiscard]] std::string details(const frame& f, const details_model& m) const;
  [[nodiscard]] std::string check(const frame& f, const check_model& m) const;
  // ---- what became of it
  [[nodiscard]] std::string my_booking(const frame& f, const my_booking_model& m) const;
  [[nodiscard]] std::string pending(const frame& f, const pending_model& m) const;
  [[nodiscard]] std::string refused(const frame& f, const refused_model& m) const;
  [[nodiscard]] std::string find(const frame& f, const find_model& m) const;
  [[nodiscard]] std::string change(const frame& f, const change_model& m) const;
  [[nodiscard]] std::string changed(const frame& f, const changed_model& m) const;
  // ---- the rest
  [[nodiscard]] std::string figures(const frame& f, const figures_model& m) const;
  [[nodiscard]] std::string receipt(const frame& f, const receipt_model& m) const;
  [[nodiscard]] std::string status(const frame& f, const status_model& m) const;
  // help, privacy, accessibility, forgotten, missing, method, trouble: a heading and its sections.
  [[nodiscard]] std::string text(const frame& f, std::string_view name) const;

private:
  pages() = default;
  struct parts {
    bool language_links = true;  // else the language is changed by buttons of the page's form
    bool old_numbers = false;    // they are shown in grey, with scripts and without
  };
  [[nodiscard]] std::string lay_out(const frame& f, std::string title, std::string content, const parts& p) const;
  [[nodiscard]] std::string lay_out(const frame& f, std::string title, std::string content) const;
  [[nodiscard]] std::string age(const frame& f, const numbers_age& a) const;
  [[nodiscard]] data languages_of(const frame& f) const;
  [[nodiscard]] std::string room_text(language l, const availability& at, std::uint8_t people) const;
  [[nodiscard]] std::string day_text(language l, const day_item& day, std::uint8_t people) const;
  struct number_item {
    std::string key;
    std::string text;
    std::string kind;
  };
  [[nodiscard]] std::string numbers(const frame& f, const numbers_age& a, const std::vector<number_item>& items) const;
  [[nodiscard]] std::string nearest(const frame& f, const std::vector<near_place>& places, std::uint8_t people) const;
  [[nodiscard]] std::string faults(const frame& f, const std::vector<field_fault>& faults) const;
  [[nodiscard]] std::vector<field_fault> named_faults(language l, const std::vector<field_fault>& faults, std::size_t people) const;
  [[nodiscard]] std::string person_inputs(const frame& f, std::size_t n, const person_fields& p,
                                          const std::vector<field_fault>& faults) const;
  [[nodiscard]] std::string input(const frame& f, const data& values) const;
  [[nodiscard]] std::string language_buttons(const frame& f) const;
  [[nodiscard]] std::string hidden(const frame& f, const std::vector<std::pair<std::string, std::string>>& items) const;
  [[nodiscard]] std::string trace(const frame& f, std::string_view code) const;
  [[nodiscard]] std::string when_of(language l, civil_date day, std::uint16_t from, std::uint16_t to) const;
  [[nodiscard]] data state_line(const frame& f) const;
  [[nodiscard]] std::string state_text(const frame& f) const;
  [[nodiscard]] static bool is_old(const frame& f, const numbers_age& a);
  // "" where all are shown.
  [[nodiscard]] std::string first_of(language l, std::size_t shown, std::size_t all) const;
  [[nodiscard]] list items_of(const frame& f, const centres_model& m, const std::vector<centre_item>& centres) const;

  std::unique_ptr<words> words_;
  std::unique_ptr<templates> templates_;
  std::string policy_;
};

// Of a file that browsers keep for ever, its name made from its content: "/assets/janji-1f3a….js".
struct asset {
  std::string path;
  std::string_view content_type;
  std::string_view content;
};
[[nodiscard]] const std::vector<asset>& assets();

}  // namespace janji::web
