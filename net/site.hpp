// The citizens' pages over HTTP: which page an address is, who asks, what the page needs to know, and what a form does. What it shows is
// made by web/; what is booked goes over the booking desk, as the API's calls do.
//
// Owns the pages, what was rendered of those that are the same for everybody, and nothing of any reader: what must be kept for one is
// sealed in their browser's cookies. Threads: the citizens' listener's; makers run on a thread of prepared_bodies.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <atomic>
#include <chrono>
#include <expected>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actors/node.hpp"
#include "booking/receipt.hpp"
#include "net/booking_desk.hpp"
#include "net/front.hpp"
#include "net/http.hpp"
#include "net/minute_ring.hpp"
#include "net/prepared_bodies.hpp"
#include "net/route_table.hpp"
#include "net/which_round.hpp"
#include "store/sealing.hpp"
#include "web/booking_code.hpp"
#include "web/form.hpp"
#include "web/kept.hpp"
#include "web/pages.hpp"
#include "web/sealed_box.hpp"

namespace janji::net {

// For a site whose addresses are https: browsers ask no other way.
inline constexpr std::pair<std::string_view, std::string_view> strict_transport{"Strict-Transport-Security", "max-age=31536000"};

struct site_options {
  std::vector<std::string> public_urls;              // whose origins may post forms; empty: that of Host
  web::language first_language = web::language::ms;  // of a reader who names none
  std::vector<web::secret_key> keys;                 // the first seals, each opens
};

// What one request of a reader's comes with; from `browser` on, of pages that are a reader's own.
struct visit {
  web::language lang = web::language::ms;
  std::string address;                  // path and query, without `lang`
  bool set_language = false;            // the reader chose one
  bool gzip = false;                    // the browser takes it
  bool secure = false;                  // over HTTPS, as far as is known
  std::string browser;                  // of the form token's cookie; "": none came
  std::optional<web::kept_form> draft;  // what was sent, or is under way
  web::kept_bookings mine;              // what is booked from this browser
  bool new_browser = false;             // it is given a cookie
  bool form_came = false;               // a cookie of the form came, whatever it held
  bool mine_changed = false;            // `mine` is not what its cookie says
  std::string said;                     // what was just done, told once
  std::string request_id;               // of what was asked for it, by which the log has it; "": nothing was
  [[nodiscard]] bool takes_cookies() const { return form_came || !new_browser; }
};

class site {
public:
  static std::expected<std::unique_ptr<site>, std::string> open(boost::asio::io_context& io, actors::node& node, booking_desk& desk,
                                                                const store::sealing& sealing, const receipt_signer& signer,
                                                                site_options options);
  // Whether that path is a page's, or is none of the API's and gets a page that says so.
  [[nodiscard]] static bool is_page(std::string_view path);
  // `at`: its row of page_routes; none: a page that says that there is nothing, or not with this method.
  void handle(const request& r, const page_match& at, responder&& respond);
  // The page for a request that never became one.
  [[nodiscard]] response refusal(problem_code code, const request& known) const;
  // With the reference it opens a booking on /find.
  [[nodiscard]] std::string code_of(reference ref, std::uint8_t token_generation) const;
  // How large the body of a form may be.
  static constexpr std::uint64_t form_bytes_max = web::limits::form_bytes_max;
  // Looks at the sums every few seconds, for the last hour on /status; from the listener's thread.
  void look_on();
  void stopping(std::function<bool()> is_stopping) { is_stopping_ = std::move(is_stopping); }

private:
  site(boost::asio::io_context& io, actors::node& node, booking_desk& desk, const store::sealing& sealing, const receipt_signer& signer,
       site_options options);

  // ---- every page (site.cpp)
  [[nodiscard]] visit visit_of(const request& r) const;
  void open_kept(const request& r, visit& v) const;                                                        // the reader's own cookies
  [[nodiscard]] web::frame frame_of(const visit& v, std::string page, std::string_view round = {}) const;  // which state it says
  static constexpr std::string_view kept_nowhere = "private, no-store";
  static constexpr std::string_view asked_again = "private, no-cache";
  [[nodiscard]] response page(const visit& v, std::string html, unsigned status = 200, std::string_view cache = kept_nowhere) const;
  void add_cookie(response& out, const visit& v, std::string_view name, std::string_view value, long max_age_s) const;
  void keep_language(response& out, const visit& v) const;  // where the reader chose one
  // Whether the browser was given all of it: what is kept without its people cannot be shown again, nor looked up.
  bool keep_form(response& out, const visit& v, web::kept_form form) const;
  [[nodiscard]] bool is_kept_whole(const visit& v, const web::kept_form& form) const;  // by keep_form(), in a browser that takes cookies
  // Of another form it is not known yet how it ended: its key is not given up for this one.
  [[nodiscard]] static bool another_is_unknown(const visit& v, const web::kept_form& form);
  // It was sent, or may have been, and cannot be looked up from here: its people did not fit into the cookie.
  [[nodiscard]] static bool is_beyond_looking(const web::kept_form& form) { return !form.key.empty() && form.people.empty(); }
  // A place that is not there; where no round is known yet that is not said.
  void no_such_place(const visit& v, responder& respond) const;
  void drop_form(response& out, const visit& v) const { add_cookie(out, v, web::form_cookie, "", 0); }
  void keep_mine(response& out, const visit& v) const;
  // What was just done, for the page that follows: not for whoever makes up its address.
  void say_once(response& out, const visit& v, std::string_view what) const {
    add_cookie(out, v, web::said_cookie, what, web::said_cookie_s);
  }
  [[nodiscard]] response see_other(const visit& v, std::string_view where) const;  // and the language that was chosen stays
  // For how many an address asks.
  [[nodiscard]] static std::size_t people_asked(std::string_view query, std::size_t otherwise, std::size_t most);
  [[nodiscard]] bool own_form(const request& r, const visit& v, const web::form& sent) const;
  [[nodiscard]] bool own_origin(const request& r) const;
  // A form that can be read and is one of ours; else it was answered.
  [[nodiscard]] std::optional<web::form> form_of(const request& r, const visit& v, responder& respond) const;
  void not_there(const visit& v, responder& respond, std::string_view name, unsigned status) const;
  void wrong_address(const request& r, const visit& v, responder& respond) const;
  static void asset(const request& r, responder& respond);
  static void icon(responder& respond);
  static void robots(responder& respond);

  // ---- choosing (site_choose.cpp)
  // Nothing of whom it is made for: what it does not name cannot be in a page that is kept for everybody.
  struct asked_public {
    page_endpoint page = page_endpoint::home;
    web::language lang = web::language::ms;
    std::string address;  // of the page, as language links lead to it
    std::string centre;   // its code
    civil_date date{};
    std::uint8_t state = 0;  // 0: none
    std::string place;       // searched for
    std::uint8_t people = 1;
    bool numbers = false;  // as JSON, for the script
  };
  void public_page(const request& r, visit& v, const page_match& at, responder&& respond);
  // None: there is no such place; nothing is made for it.
  [[nodiscard]] std::optional<asked_public> asked_of(const request& r, const visit& v, const page_match& at) const;
  [[nodiscard]] response public_answer(const visit& v, const asked_public& a, unix_ms as_of, std::string_view etag) const;
  [[nodiscard]] web::frame public_frame(const asked_public& a, std::string page) const;
  [[nodiscard]] std::string render_public(const asked_public& a) const;
  [[nodiscard]] std::string home(const asked_public& a) const;
  [[nodiscard]] std::string centres(const asked_public& a) const;
  [[nodiscard]] std::string month(const asked_public& a) const;
  [[nodiscard]] std::string times(const asked_public& a) const;
  [[nodiscard]] std::string figures(const asked_public& a) const;
  [[nodiscard]] std::string status(const asked_public& a) const;

  // ---- the form (site_form.cpp)
  struct place_of_path {
    std::shared_ptr<const actors::round_entry> round;
    web::chosen_place place;
  };
  [[nodiscard]] std::optional<place_of_path> place_of(const path_arguments& at, std::string_view round) const;
  [[nodiscard]] static std::string round_in(const web::form& sent);
  [[nodiscard]] std::string step_of(const web::chosen_place& place, std::string_view step) const;  // its address
  void details_get(const request& r, visit& v, const path_arguments& at, responder& respond);
  [[nodiscard]] response details_at(const visit& v, const web::chosen_place& place, std::size_t people) const;
  [[nodiscard]] response pending_first(const visit& v) const;  // an earlier form, before another is begun
  void details_post(const request& r, visit& v, const path_arguments& at, responder& respond);
  void check_get(const request& r, const visit& v, const path_arguments& at, responder& respond) const;
  void check_post(const request& r, visit& v, const path_arguments& at, responder&& respond);
  // A step of the form is asked for by the browser itself, which has the form in its cookie: Back and Reload then ask for it again, and
  // send nothing. Where cookies are not taken it is the answer to what was sent.
  [[nodiscard]] response details_step(const visit& v, const web::kept_form& form) const;
  [[nodiscard]] response check_step(const visit& v, web::kept_form form) const;
  [[nodiscard]] std::optional<response> by_cookie(const visit& v, const web::kept_form& form, std::string_view where) const;
  [[nodiscard]] std::vector<problem> wrong_in(const web::kept_form& form) const;  // where it was found to be wrong
  [[nodiscard]] response details_page(const visit& v, const web::kept_form& form, const std::vector<problem>& wrong,
                                      std::string_view cache = kept_nowhere) const;
  // As it was sent, and nothing of it is kept: it may be a stranger's. Refused, unless only another language was asked for.
  [[nodiscard]] response not_taken(const visit& v, const web::kept_form& form, page_endpoint step, bool another_language) const;
  // Of how many people is not said as a form of ours says it, or somebody stands beyond them: nobody is dropped without a word.
  [[nodiscard]] response for_how_many(const visit& v, const web::kept_form& form) const;
  void not_bookable(visit& v, web::kept_form form, bool pressed, responder& respond) const;
  void booked(const visit& v, const web::kept_form& form, desk_answer&& a, responder& respond);
  enum class seen : std::uint8_t { pressed, looked };  // the answer to a press; to a look
  [[nodiscard]] response refused_booking(const visit& v, const web::kept_form& form, const problem& p, seen how = seen::pressed) const;
  [[nodiscard]] std::vector<web::field_fault> faults_of(web::language l, const std::vector<problem>& wrong,
                                                        const web::kept_form& form) const;
  [[nodiscard]] std::string fault_words(web::language l, const field_error& e, std::string_view input) const;
  [[nodiscard]] static bool takes_language(visit& v, const web::form& sent);
  [[nodiscard]] std::string body_of(const web::kept_form& form) const;
  [[nodiscard]] std::string key_of(const web::kept_form& form) const;

  // ---- refusals, and what is not known (site_refused.cpp)
  // `in_place`: it answers a post; then it has the form in hidden fields, and looks no more by itself.
  [[nodiscard]] response pending_page(const visit& v, const web::kept_form& form, const problem& p, seen how, bool in_place) const;
  [[nodiscard]] response beyond_looking(const visit& v) const;
  void refuse_place(web::refused_model& m, const visit& v, const web::kept_form& kept, const problem& p, bool whole) const;
  void refuse_again(web::refused_model& m, const visit& v, const web::kept_form& kept, const problem& p, bool whole) const;
  void refuse_for_now(web::refused_model& m, const visit& v, const web::kept_form& kept, const problem& p) const;
  // Why its round takes no booking now, as far as this node has heard; none: it does.
  [[nodiscard]] std::optional<problem> not_now(const web::chosen_place& place) const;
  void look_later(response& out, const web::chosen_place& place) const;  // at the check page, without scripts
  [[nodiscard]] static std::vector<std::pair<std::string, std::string>> hidden_of(const web::kept_form& f);
  [[nodiscard]] static std::string book_path(const web::chosen_place& p, std::string_view step);

  // ---- what a page says again in another language (site_again.cpp)
  // A page that answers a post has no address to ask for anew: its language buttons post what it was made of, and that post only shows it
  // again. What was said stands sealed in it.
  static constexpr std::string_view told_purpose = "told", list_purpose = "list", unread_purpose = "unread", change_purpose = "change";
  static constexpr int told_version = 1;  // of what is sealed there
  [[nodiscard]] std::string told(const problem& p, const visit& v) const;
  [[nodiscard]] std::optional<problem> told_in(std::string_view sealed, visit& v) const;
  [[nodiscard]] response unreadable(const visit& v, problem_code code, const web::form_error& e) const;
  [[nodiscard]] std::optional<response> unreadable_again(const visit& v, const web::form& sent) const;
  [[nodiscard]] response booked_in_place(const visit& v, bool repeated, unsigned status) const;
  void show_list_again(const request& r, visit& v, const web::form& sent, responder&& respond);  // what booked_in_place() showed
  void look_by_key(const request& r, visit& v, web::kept_form form, responder&& respond);

  // ---- what is booked (site_booking.cpp)
  void my_booking_get(const request& r, visit& v, responder&& respond);
  void my_booking_post(const request& r, visit& v, responder&& respond);
  void show_mine(const request& r, visit&& v, bool repeated, std::string done, responder&& respond);
  // Looks up all that is booked from this browser, strictly, and goes on with what it is now; not `all_known`: of some it is as it was.
  using looked = std::function<void(visit&& v, bool all_known)>;
  void look_at_mine(const request& r, visit&& v, const looked& then);
  // The round of the first of them; those of another are chosen no more.
  [[nodiscard]] static std::string round_of(const web::kept_bookings& mine, std::vector<std::size_t>& chosen);
  [[nodiscard]] std::string handle_of(const web::kept_booking& b, std::size_t at) const;
  [[nodiscard]] web::chosen_place named(web::chosen_place place) const;
  // By this node's clock: what is shown and offered. Whether it can be changed is said by who leads.
  [[nodiscard]] bool is_attended(const web::kept_booking& b) const;
  [[nodiscard]] static std::string name_of_centre(const actors::round_entry* round, std::string_view code);  // the code, where it has none
  void take_in(visit& v, const desk_answer& a, const std::vector<web::person_fields>& people) const;
  void calendar(const visit& v, std::string_view number, responder& respond) const;
  // Who it was booked for, as typed: read where it is kept and opened here. Nobody, where that cannot be done now.
  using record_read = std::function<void(const std::vector<web::person_fields>& people)>;
  static constexpr unsigned records_read_max = 2;  // at once
  static constexpr std::chrono::milliseconds record_patience{1'000};
  void read_record(const desk_answer& a, record_read then);
  [[nodiscard]] std::vector<web::person_fields> opened(round_id round,
                                                       const std::expected<schema::sealed_places, std::string>& found) const;
  void find(const request& r, visit& v, responder&& respond);
  [[nodiscard]] response not_found(const visit& v, web::find_model m, bool is_reference, problem_code why) const;
  void forget(const request& r, visit& v, bool all, responder& respond) const;

  // ---- changing it (site_change.cpp)
  struct change_run;
  enum class named_by : std::uint8_t { number, handle };
  [[nodiscard]] std::vector<std::size_t> chosen_of(const web::kept_bookings& mine, const std::vector<std::string_view>& said,
                                                   named_by how) const;
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> hidden_of_chosen(const web::kept_bookings& mine,
                                                                                  const std::vector<std::size_t>& chosen) const;
  [[nodiscard]] std::vector<web::booking_item> items_of(const web::kept_bookings& mine) const;
  void with_present_bookings(const request& r, visit&& v, responder&& respond);
  void change_get(std::string_view query, visit& v, const page_match& at, responder& respond);
  void change_post(const request& r, visit& v, const page_match& at, responder&& respond);
  [[nodiscard]] response whom_to_change(const visit& v, web::change_model m, bool several, bool as_said) const;
  // The choice as it was sent; `fault`: key of what is wrong with it, or "".
  [[nodiscard]] response change_form(const visit& v, const change_run& run, std::string_view fault, unsigned status) const;
  void change_again(const web::form& sent, change_run& run, responder& respond) const;  // in another language
  [[nodiscard]] std::string told(const change_run& run) const;
  [[nodiscard]] bool take_told(const web::form& sent, change_run& run) const;
  [[nodiscard]] response changed_page(const change_run& run) const;
  void next_change(const std::shared_ptr<change_run>& run);
  void end_change(change_run& run);
  // `round`: of which it speaks; "": that which the pages show.
  [[nodiscard]] std::string refusal_words(web::language l, const problem& p, std::size_t people, std::string_view round) const;

  // ---- the rest (site_info.cpp)
  void receipt_sent(const request& r, visit& v, responder& respond) const;
  [[nodiscard]] std::string receipt_page(const asked_public& a) const;
  [[nodiscard]] web::receipt_model receipt_of(const web::words& words, web::language l) const;
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> rows_of(web::language l, const receipt_statement& s) const;

  [[nodiscard]] std::shared_ptr<const actors::round_entry> current_round() const { return round_named({}); }
  [[nodiscard]] std::shared_ptr<const actors::round_entry> round_named(std::string_view code) const;
  [[nodiscard]] web::round_line line_of(const actors::round_entry* round) const;
  [[nodiscard]] web::booking_item item_of(const web::kept_booking& b, bool with_proof = false) const;

  // A draft and its people, as a form has them.
  struct form_read {
    web::kept_form form;
    bool is_counted = true;  // it says for how many people it is
  };
  [[nodiscard]] static form_read form_in(const web::form& sent, const web::chosen_place& place);

  actors::node& node_;
  booking_desk& desk_;
  const store::sealing& sealing_;
  const receipt_signer& signer_;
  site_options options_;
  web::sealed_box box_;
  std::unique_ptr<web::pages> pages_;   // of the listener's thread
  std::unique_ptr<web::pages> makers_;  // of the thread that renders
  deadline_clock clock_;
  boost::asio::steady_timer look_;
  mutable std::mutex minutes_mutex_;
  minute_ring minutes_;     // under it: the thread that renders reads them
  std::string minutes_of_;  // the round whose they are
  std::shared_ptr<std::atomic<unsigned>> records_read_ = std::make_shared<std::atomic<unsigned>>(0);
  std::shared_ptr<void> alive_ = std::make_shared<char>();  // gone with it
  std::function<bool()> is_stopping_ = [] { return false; };
  prepared_bodies bodies_;  // its thread ends before anything above goes
};

}  // namespace janji::net
