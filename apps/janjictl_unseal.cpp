// janjictl unseal: what citizens wrote, of one booking or of a centre's day. Nothing is written before all of it is here, and then the
// file is whole and nobody else's, or there is none.
#include <fmt/format.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>

#include "apps/janjictl.hpp"

namespace janji::apps {

namespace {

namespace http = boost::beast::http;
namespace json = boost::json;

constexpr std::size_t unsealed_records_max = 100'000;  // kept in memory until they are written
constexpr std::array<std::string_view, 17> unsealed_columns{"reference", "status", "round",      "centre",  "date",  "window",
                                                            "booked_at", "type",   "number",     "country", "mykad", "name",
                                                            "phone",     "email",  "birth_date", "state",   "notes"};

struct unseal_options {
  std::string reference, round, centre, date, window, reason, format, to;
  bool cancelled = false;
};

std::string text_in(const json::value& record, std::string_view name) {
  const auto& o = record.get_object();
  const bool of_identity = name == "type" || name == "number" || name == "country" || name == "mykad";
  const auto* from = of_identity ? o.if_contains("identity") : &record;
  const auto* v =
      from != nullptr && from->is_object() ? from->get_object().if_contains(json::string_view(name.data(), name.size())) : nullptr;
  return v == nullptr ? std::string() : scalar(*v);
}

// RFC 4180. What a citizen wrote is no formula where a spreadsheet opens it; a telephone number of digits alone is left as it is.
std::string cell(std::string text) {
  const bool number = text.find_first_not_of("0123456789 ", 1) == std::string::npos;
  if (!text.empty() && std::string_view("=+-@\t\r").contains(text.front()) && !number)
    text.insert(0, 1, '\'');
  if (text.find_first_of(",\"\r\n") == std::string::npos)
    return text;
  std::string out = "\"";
  for (const char c : text)
    out.append(c == '"' ? 2 : 1, c);
  return out + "\"";
}

std::string csv_of(const std::vector<json::value>& records) {
  std::string out;
  for (const auto name : unsealed_columns)
    out.append(out.empty() ? "" : ",").append(name);
  out += ",fault\n";
  for (const auto& r : records) {
    for (const auto name : unsealed_columns)
      out += cell(text_in(r, name)) + ",";
    out += cell(text_in(r, "fault")) + "\n";
  }
  return out;
}

std::string lines_of(const std::vector<json::value>& records) {
  std::string out;
  for (const auto& r : records)
    out += json::serialize(r) + "\n";
  return out;
}

// For a terminal, which obeys what it is shown: control characters, those of Unicode's second row too, are shown as such.
std::string for_terminal(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const bool c1 = c == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0;
    if (c1)
      ++i;
    if (c < 0x20 || c == 0x7F || c1)
      out += "\xEF\xBF\xBD";
    else
      out += text[i];
  }
  return out;
}

std::string table_of(const std::vector<json::value>& records) {
  std::string out;
  for (const auto& r : records) {
    for (const auto name : unsealed_columns)
      if (const auto text = text_in(r, name); !text.empty())
        out += fmt::format("{:<20} {}\n", name, for_terminal(text));
    if (const auto fault = text_in(r, "fault"); !fault.empty())
      out += fmt::format("{:<20} {}\n", "fault", for_terminal(fault));
  }
  return out;
}

failure with_more(failure f, const std::string& words) {
  f.why += words;
  return f;
}

struct unsealed {
  std::vector<json::value> records;
  std::int64_t would = 0;  // of a dry run
};

// All parts. The error is an exit code; it was said why.
std::expected<unsealed, int> all_parts(const connection& c, json::object body) {
  constexpr std::chrono::seconds patience{60};  // leadership may be on its way
  unsealed out;
  const auto so_far = [&] {
    return out.records.empty()
               ? std::string()
               : fmt::format("; {} records were opened before, as the trail says, and nothing of them was written", out.records.size());
  };
  for (;;) {
    auto r = call_when_free(c, http::verb::post, c.dry_run ? "/admin/v1/unseal?dry_run=true" : "/admin/v1/unseal", body, patience);
    if (!r || r->status != 200)
      return std::unexpected(fail(with_more(r ? failure_of(*r) : r.error(), so_far())));
    const auto unreadable = [&] { return std::unexpected(fail(failure("the node's answer cannot be read" + so_far(), exit_broken))); };
    if (!r->body.is_object())
      return unreadable();
    auto& o = r->body.get_object();
    const auto before = out.records.size();
    if (const auto* count = o.if_contains("records"); count != nullptr && count->is_int64())
      out.would += count->get_int64();
    else if (count != nullptr && count->is_array())
      out.records.insert(out.records.end(), std::make_move_iterator(count->get_array().begin()),
                         std::make_move_iterator(count->get_array().end()));
    else
      return unreadable();
    if (!std::all_of(out.records.begin() + static_cast<std::ptrdiff_t>(before), out.records.end(),
                     [](const json::value& v) { return v.is_object(); }))
      return unreadable();
    const auto* next = o.if_contains("next");
    if (next == nullptr)
      return out;
    if (out.records.size() >= unsealed_records_max)
      return std::unexpected(
          fail(fmt::format("there are more than {} records: ask for one window at a time (--window)", unsealed_records_max) + so_far()));
    body["after"] = *next;
  }
}

std::string words_of_errno(std::string_view what, const std::string& path) {
  return fmt::format("{} {}: {}", path, what, std::strerror(errno));
}

// While a file is half there, nobody ends this program and leaves it so.
class not_interrupted {
public:
  not_interrupted() {
    sigset_t asked_to_end;
    ::sigemptyset(&asked_to_end);
    for (const int s : {SIGINT, SIGTERM, SIGHUP, SIGQUIT})
      ::sigaddset(&asked_to_end, s);
    ::pthread_sigmask(SIG_BLOCK, &asked_to_end, &before_);
  }
  ~not_interrupted() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  not_interrupted(const not_interrupted&) = delete;
  not_interrupted& operator=(const not_interrupted&) = delete;

private:
  sigset_t before_{};
};

// Beside it first, synced, and then in its place.
result<void> write_whole(const std::string& path, std::string_view text) {
  const not_interrupted until_it_is_there;
  std::string beside = path + ".XXXXXX";
  const int file = ::mkstemp(beside.data());  // 0600
  if (file < 0)
    return std::unexpected(words_of_errno("cannot be written", path));
  bool good = true;
  for (std::size_t at = 0; good && at < text.size();) {
    const auto n = ::write(file, text.data() + at, text.size() - at);
    good = n > 0 || (n < 0 && errno == EINTR);
    at += n > 0 ? static_cast<std::size_t>(n) : 0;
  }
  good = good && ::fsync(file) == 0;
  auto wrong = good ? std::string() : words_of_errno("cannot be written", path);
  ::close(file);
  if (good && std::rename(beside.c_str(), path.c_str()) != 0)
    wrong = words_of_errno("cannot be written", path);
  if (wrong.empty())
    return {};
  ::unlink(beside.c_str());
  return std::unexpected(wrong);
}

// Whether it can be written at all, before anything is opened for it.
result<void> can_write(const std::string& path) {
  if (path.empty())
    return {};
  struct stat there = {};
  if (::lstat(path.c_str(), &there) == 0 && !S_ISREG(there.st_mode))
    return std::unexpected(path + " is no file, and nothing was opened: name one, or leave --to away for standard output");
  std::string beside = path + ".XXXXXX";
  const int file = ::mkstemp(beside.data());
  if (file < 0)
    return std::unexpected(words_of_errno("cannot be written, and nothing was opened", path));
  ::close(file);
  ::unlink(beside.c_str());
  return {};
}

json::object body_of(const unseal_options& o) {
  json::object body{{"reason", o.reason}};
  for (const auto& [name, text] : {std::pair<std::string_view, const std::string*>{"reference", &o.reference},
                                   {"round", &o.round},
                                   {"centre", &o.centre},
                                   {"date", &o.date},
                                   {"window", &o.window}})
    if (!text->empty())
      body[json::string_view(name.data(), name.size())] = *text;
  if (o.cancelled)
    body["cancelled"] = true;
  return body;
}

int unseal(const connection& c, const unseal_options& o) {
  if (o.reference.empty() == o.round.empty())
    return fail(failure("name one booking by its reference, or a day: --round R --centre C --date YYYY-MM-DD", exit_typed));
  if (const auto can = c.dry_run ? result<void>() : can_write(o.to); !can)
    return fail(can.error());
  auto all = all_parts(c, body_of(o));
  if (!all)
    return all.error();
  if (c.dry_run) {
    if (c.as_json)
      print_result(c, json::object{{"result", "would open"}, {"records", all->would}});
    else
      print("would open {} records\n", all->would);
    return 0;
  }
  auto& records = all->records;
  std::ranges::stable_sort(records, {}, [](const json::value& r) { return text_in(r, "window"); });
  const auto format = !o.format.empty() ? o.format : c.as_json || o.reference.empty() ? "ndjson" : "table";
  const auto text = format == "csv" ? csv_of(records) : format == "table" ? table_of(records) : lines_of(records);
  if (o.to.empty())
    print_text(text);
  else if (const auto written = write_whole(o.to, text); !written)
    return fail(
        failure(fmt::format("{}: {} records were opened, as the trail says, and none was written", written.error().why, records.size()),
                exit_unwritten));
  const auto faults = std::ranges::count_if(records, [](const json::value& r) { return r.get_object().contains("fault"); });
  for (const auto& r : records)
    if (r.get_object().contains("fault"))
      tell("janjictl: {}: {}\n", text_in(r, "reference"), for_terminal(text_in(r, "fault")));
  if (!o.to.empty() || o.reference.empty())
    tell("opened {} records{}\n", records.size() - static_cast<std::size_t>(faults),
         faults == 0 ? "" : fmt::format(", {} do not open", faults));
  return faults == 0 ? 0 : exit_refused;
}

}  // namespace

void add_unseal_command(CLI::App& app, connection& c, int& code) {
  auto* sub =
      app.add_subcommand("unseal", "open what citizens wrote: of one booking, or of a centre's day; it is noted in the audit trail first");
  auto* o = c.keep<unseal_options>();
  sub->add_option("reference", o->reference, "of one booking");
  auto* round = sub->add_option("--round", o->round, "of a day: the round's code");
  auto* centre = sub->add_option("--centre", o->centre, "and the centre's");
  auto* date = sub->add_option("--date", o->date, "and the date, YYYY-MM-DD");
  round->needs(centre, date);
  centre->needs(round);
  date->needs(round);
  sub->add_option("--window", o->window, "HH:MM: only those of one window of the day")->needs(round);
  sub->add_option("--reason", o->reason, "kept in the audit trail")->required();
  sub->add_flag("--cancelled", o->cancelled, "cancelled bookings too");
  sub->add_option("--format", o->format, "ndjson, csv or table; else a table of one booking, ndjson of a day")
      ->check(CLI::IsMember({"ndjson", "csv", "table"}));
  sub->add_option("--to", o->to, "file, 0600, whole or not at all; standard output otherwise");
  sub->callback([&c, &code, o] { code = unseal(c, *o); });
}

}  // namespace janji::apps
