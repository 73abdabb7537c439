// Proofs of appointment, checked by the server for browsers that cannot, and what the others check with.
#include <sodium.h>

#include <boost/json.hpp>

#include "booking/civil_time.hpp"
#include "net/site.hpp"

namespace janji::net {

namespace {

namespace json = boost::json;

std::string_view without_ends(std::string_view text) {
  if (const auto mark = text.find("/receipt#"); mark != std::string_view::npos)  // the link, as a telephone shares it
    text.remove_prefix(mark + std::string_view("/receipt#").size());
  const auto from = text.find_first_not_of(" \t\r\n");
  return from == std::string_view::npos ? std::string_view{} : text.substr(from, text.find_last_not_of(" \t\r\n") - from + 1);
}

// As it can stand within a script element: nothing in it can end that.
std::string within_script(const json::object& o) {
  std::string out;
  for (const char c : json::serialize(o)) {
    if (c == '<')
      out += "\\u003c";
    else
      out += c;
  }
  return out;
}

// The names of the centres of the round that is shown, for the browser: as many as a page has room for.
json::object names_of_centres(const actors::round_entry* round) {
  constexpr std::size_t names_max = 100;
  json::object out;
  if (round != nullptr)
    for (const auto& c : round->definition.centres)
      if (out.size() < names_max)
        out[c.code] = c.name;
  return out;
}

}  // namespace

// In the reader's words, where this service knows the round that it names; else as it stands in the proof.
std::vector<std::pair<std::string, std::string>> site::rows_of(web::language l, const receipt_statement& s) const {
  const auto& words = pages_->all();
  const auto catalogue = node_.catalogue();
  const auto* round = catalogue->find(s.round);
  const auto day = parse_date(s.date);
  const auto dash = s.window.find('-');
  const auto from = parse_minute(std::string_view(s.window).substr(0, dash));
  const auto to = dash == std::string::npos ? std::nullopt : parse_minute(std::string_view(s.window).substr(dash + 1));
  const auto confirmed = parse_moment(s.confirmed_at);
  return {{"label_round", s.round},
          {"label_reference", s.reference},
          {"label_position", std::to_string(s.position)},
          {"label_where", name_of_centre(round, s.centre)},
          {"label_day", day ? words.date(l, *day) : s.date},
          {"label_time", from && to ? words.hours(l, *from, *to) : s.window},
          {"label_confirmed_at", confirmed && round != nullptr ? words.date(l, date_at(*confirmed, round->body->offset)) + ", " +
                                                                     words.clock(l, *confirmed, round->body->offset)
                                                               : s.confirmed_at}};
}

void site::receipt(const request& r, const visit& v, responder& respond) const {
  const auto& words = pages_->all();
  std::string key(sodium_base64_ENCODED_LEN(signer_.public_key().size(), sodium_base64_VARIANT_URLSAFE_NO_PADDING), '\0');
  sodium_bin2base64(key.data(), key.size(), signer_.public_key().data(), signer_.public_key().size(),
                    sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  key.pop_back();
  json::object texts;
  for (const auto& [name, id] : {std::pair{"good", "receipt_good"},
                                 {"test", "receipt_test"},
                                 {"changed", "receipt_changed"},
                                 {"other_key", "receipt_other_key"},
                                 {"malformed", "receipt_malformed"},
                                 {"by", "receipt_by_browser"}})
    texts[name] = words.say(v.lang, id);
  constexpr std::array labels{"label_round", "label_reference", "label_position",    "label_where",
                              "label_day",   "label_time",      "label_confirmed_at"};
  json::array named;
  for (const auto* id : labels)
    named.emplace_back(words.say(v.lang, id));
  const auto shown = current_round();
  web::receipt_model m;
  m.keys = within_script({{"keys", {{signer_.key_id(), key}}},
                          {"words", std::move(texts)},
                          {"labels", std::move(named)},
                          {"round", shown == nullptr ? "" : shown->definition.code},
                          {"places", names_of_centres(shown.get())}});
  if (r.reads())
    return respond(page(v, pages_->receipt(frame_of(v, "receipt"), m)));
  const auto sent = form_of(r, v, respond);
  if (!sent)
    return;
  m.text = std::string(without_ends(sent->get("receipt")));
  const auto said = verify_receipt(m.text, signer_.public_key());
  if (said) {
    m.good = !said->rehearsal;
    m.verdict = said->rehearsal ? "receipt_test" : "receipt_good";
    m.rows = rows_of(v.lang, *said);
  } else {
    m.verdict = said.error() == receipt_error::bad_signature ? "receipt_changed"
                : said.error() == receipt_error::other_key   ? "receipt_other_key"
                                                             : "receipt_malformed";
  }
  respond(page(v, pages_->receipt(frame_of(v, "receipt"), m), said ? 200 : 422));
}

}  // namespace janji::net
