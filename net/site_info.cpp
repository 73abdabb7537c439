// Proofs of appointment, checked by the server for browsers that cannot, and what the others check with.
#include <sodium.h>

#include <boost/json.hpp>

#include "booking/civil_time.hpp"
#include "net/site.hpp"

namespace janji::net {

namespace {

namespace json = boost::json;

// A proof has no blanks; a text that was pasted may, where a line ended.
std::string proof_in(std::string_view text) {
  std::string out;
  for (const char c : text)
    if (c != ' ' && c != '\t' && c != '\r' && c != '\n')
      out += c;
  constexpr std::string_view mark = "/receipt#";  // the link, as a telephone shares it
  if (const auto at = out.find(mark); at != std::string::npos)
    out.erase(0, at + mark.size());
  return out;
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

// With what a browser checks by.
web::receipt_model site::receipt_of(const web::words& words, web::language l) const {
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
    texts[name] = words.say(l, id);
  constexpr std::array labels{"label_round", "label_reference", "label_position",    "label_where",
                              "label_day",   "label_time",      "label_confirmed_at"};
  json::array named;
  for (const auto* id : labels)
    named.emplace_back(words.say(l, id));
  const auto shown = current_round();
  web::receipt_model m;
  m.keys = within_script({{"keys", {{signer_.key_id(), key}}},
                          {"words", std::move(texts)},
                          {"labels", std::move(named)},
                          {"round", shown == nullptr ? "" : shown->definition.code},
                          {"places", names_of_centres(shown.get())}});
  return m;
}

std::string site::receipt_page(const asked_public& a) const {
  return makers_->receipt(public_frame(a, "receipt"), receipt_of(makers_->all(), a.lang));
}

// It changes nothing, whoever asks: no token is looked at. In another language it says the same of the same text.
void site::receipt_sent(const request& r, visit& v, responder& respond) const {
  const auto sent = form_of(r, v, respond);
  if (!sent)
    return;
  const bool another_language = takes_language(v, *sent);
  auto m = receipt_of(pages_->all(), v.lang);
  m.text = std::string(sent->get("receipt"));
  const auto proof = proof_in(m.text);
  if (another_language && proof.empty())
    return respond(page(v, pages_->receipt(frame_of(v, "receipt"), m)));
  const auto said = verify_receipt(proof, signer_.public_key());
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
