// Proofs of appointment, checked by the server for browsers that cannot, and what the others check with.
#include <sodium.h>

#include <boost/json.hpp>

#include "net/site.hpp"

namespace janji::net {

namespace {

namespace json = boost::json;

// As it can stand within a script element: nothing in it can end that.
std::string_view without_ends(std::string_view text) {
  if (const auto mark = text.find("/receipt#"); mark != std::string_view::npos)  // the link, as a telephone shares it
    text.remove_prefix(mark + std::string_view("/receipt#").size());
  const auto from = text.find_first_not_of(" \t\r\n");
  return from == std::string_view::npos ? std::string_view{} : text.substr(from, text.find_last_not_of(" \t\r\n") - from + 1);
}

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

}  // namespace

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
                              "label_when",  "label_when",      "label_confirmed_at"};
  json::array named;
  for (const auto* id : labels)
    named.emplace_back(words.say(v.lang, id));
  web::receipt_model m;
  m.keys = within_script({{"keys", {{signer_.key_id(), key}}}, {"words", std::move(texts)}, {"labels", std::move(named)}});
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
    m.rows = {{"label_round", said->round},
              {"label_reference", said->reference},
              {"label_position", std::to_string(said->position)},
              {"label_where", said->centre},
              {"label_when", said->date + " " + said->window},
              {"label_confirmed_at", said->confirmed_at}};
  } else {
    m.verdict = said.error() == receipt_error::bad_signature ? "receipt_changed"
                : said.error() == receipt_error::other_key   ? "receipt_other_key"
                                                             : "receipt_malformed";
  }
  respond(page(v, pages_->receipt(frame_of(v, "receipt"), m), said ? 200 : 422));
}

}  // namespace janji::net
