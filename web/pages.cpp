// What every page has: the frame, the numbers' age, faults, hidden fields.
#include "web/pages.hpp"

#include <sodium.h>
#include <xxhash.h>

#include <algorithm>
#include <boost/json.hpp>

#include "booking/assert.hpp"
#include "booking/text_parts.hpp"
#include "web/embedded.hpp"
#include "web/form.hpp"

namespace janji::web {

namespace {

std::string_view style() { return embedded("styles/janji.css"); }

const asset& asset_of(std::string_view name) {
  static const auto& all = assets();
  const auto it = std::ranges::find_if(all, [&](const asset& a) { return a.path.find(name) != std::string::npos; });
  assert_always(it != all.end(), "a page names only files that there are");
  return *it;
}

std::string hash_source(std::string_view inline_text) {
  std::array<unsigned char, crypto_hash_sha256_BYTES> digest{};
  crypto_hash_sha256(digest.data(), reinterpret_cast<const unsigned char*>(inline_text.data()), inline_text.size());
  std::string out(sodium_base64_ENCODED_LEN(digest.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(out.data(), out.size(), digest.data(), digest.size(), sodium_base64_VARIANT_ORIGINAL);
  out.pop_back();
  return "'sha256-" + out + "'";
}

std::string_view kind_name(round_kind k) {
  switch (k) {
    case round_kind::open: return "good";
    case round_kind::not_open:
    case round_kind::paused:
    case round_kind::unknown: return "wait";
    case round_kind::closed:
    case round_kind::over:
    case round_kind::none: return "stop";
  }
  return "stop";
}

}  // namespace

const std::vector<asset>& assets() {
  static const auto all = [] {
    std::vector<asset> out;
    for (const auto& [name, file, type] : {std::tuple{"janji", "scripts/janji.js", "text/javascript; charset=utf-8"},
                                           std::tuple{"icon", "styles/icon.svg", "image/svg+xml"}}) {
      const auto content = embedded(file);
      std::array<char, 17> digits{};
      std::snprintf(digits.data(), digits.size(), "%016llx", static_cast<unsigned long long>(XXH3_64bits(content.data(), content.size())));
      const std::string_view ending = std::string_view(file).substr(std::string_view(file).rfind('.'));
      out.push_back({"/assets/" + std::string(name) + "-" + digits.data() + std::string(ending), type, content});
    }
    return out;
  }();
  return all;
}

std::string chosen_place::path() const { return percent_encoded(centre) + "/" + format_date(date) + "/" + format_minute(from); }

std::expected<std::unique_ptr<pages>, std::string> pages::load() {
  auto all = words::load();
  if (!all)
    return std::unexpected(all.error());
  auto made = templates::load(**all);
  if (!made)
    return std::unexpected(made.error());
  std::unique_ptr<pages> out(new pages);
  out->words_ = std::move(*all);
  out->templates_ = std::move(*made);
  out->policy_ = "default-src 'none'; style-src " + hash_source(style()) +
                 "; script-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
                 "require-trusted-types-for 'script'; trusted-types janji";
  return out;
}

data pages::languages_of(const frame& f) const {
  list items;
  const auto separator = f.address.find('?') == std::string::npos ? '?' : '&';
  for (const auto l : languages) {
    data one;
    one.set("tag", std::string(tag_of(l)));
    one.set("name", std::string(name_of(l)));
    one.set("current", l == f.lang);
    one.set("href", f.address + separator + "lang=" + std::string(tag_of(l)));
    items.push_back(one);
  }
  return items;
}

std::string pages::state_text(const frame& f) const {
  const auto& s = *f.state;
  switch (s.kind) {
    case round_kind::open: return words_->say(f.lang, "state_open");
    case round_kind::not_open: {
      if (s.opens_at <= f.now)
        return words_->say(f.lang, "state_not_opened");
      const auto when = words_->when(f.lang, s.opens_at, f.now, f.offset);
      return words_->say(f.lang, "state_not_open", {{"when", when}});
    }
    case round_kind::paused:
      return s.reason.empty() ? words_->say(f.lang, "state_paused") : words_->say(f.lang, "state_paused_reason", {{"reason", s.reason}});
    case round_kind::closed: return words_->say(f.lang, "state_closed");
    case round_kind::over: return words_->say(f.lang, "state_over");
    case round_kind::unknown: return words_->say(f.lang, "state_unknown");
    case round_kind::none: return words_->say(f.lang, "state_none");
  }
  return {};
}

data pages::state_line(const frame& f) const {
  constexpr std::int64_t late_looks_s = 5;  // its time has come, and it is not open yet
  const auto& s = *f.state;
  data out;
  out.set("kind", std::string(kind_name(s.kind)));
  out.set("text", state_text(f));
  if (s.kind == round_kind::not_open)
    out.set("seconds", std::to_string(std::max(late_looks_s, (s.opens_at.value - f.now.value + 999) / 1000)));
  return out;
}

std::string pages::lay_out(const frame& f, std::string title, std::string content) const {
  return lay_out(f, std::move(title), std::move(content), {});
}

std::string pages::lay_out(const frame& f, std::string title, std::string content, const parts& p) const {
  data d;
  d.set("lang", std::string(tag_of(f.lang)));
  d.set("title", title + " – " + words_->say(f.lang, "service_name"));
  d.set("indexed", f.indexed && !f.rehearsal);
  d.set("page", f.page);
  d.set("icon", asset_of("icon").path);
  d.set("script", asset_of("janji-").path);
  d.set("style", std::string(style()));
  d.set("rehearsal", f.rehearsal);
  list notices;
  for (const auto& n : f.notices)
    notices.push_back(data("text", n));
  d.set("notices", notices);
  d.set("language_links", p.language_links);
  d.set("old_numbers", p.old_numbers);
  d.set("languages", languages_of(f));
  if (f.state)
    d.set("state", state_line(f));
  else
    d.set("state", false);
  d.set("content", std::move(content));
  d.set("again", false);
  if (f.again) {
    data one;
    one.set("action", f.again->action);
    one.set("hidden", hidden(f, f.again->hidden));
    one.set("language_buttons", language_buttons(f));
    d.set("again", one);
  }
  d.set("forgettable", f.forgettable);
  d.set("form_token", f.form_token);
  return templates_->render(f.lang, "layout", d);
}

bool is_old(unix_ms as_of, unix_ms now) {
  constexpr std::int64_t old_after_ms = 10'000;
  return now.value - as_of.value > old_after_ms;
}

// What nobody renews is said to be old, not only to be of that time.
bool pages::is_old(const frame& f, const numbers_age& a) { return a.as_of && web::is_old(*a.as_of, f.now); }

std::string pages::age(const frame& f, const numbers_age& a) const {
  data d;
  d.set("old", is_old(f, a));
  if (a.as_of) {
    const auto time = words_->clock(f.lang, *a.as_of, f.offset);
    d.set("text", words_->say(f.lang, is_old(f, a) ? "age_stale" : "age_at", {{"time", time}}));
    d.set("stale", words_->say(f.lang, "age_stale", {{"time", time}}));
  } else {
    d.set("text", words_->say(f.lang, "age_unknown"));
  }
  d.set("again", a.as_of ? std::string{} : f.address);
  d.set("poll", a.poll);
  return templates_->render(f.lang, "age", d);
}

std::string pages::numbers(const frame& f, const numbers_age& a, const std::vector<number_item>& items) const {
  boost::json::object n;
  for (const auto& i : items)
    n[i.key] = boost::json::array{i.text, i.kind};
  boost::json::object out;
  if (a.as_of) {
    const auto time = words_->clock(f.lang, *a.as_of, f.offset);
    out["age"] = words_->say(f.lang, "age_at", {{"time", time}});
    out["stale"] = words_->say(f.lang, "age_stale", {{"time", time}});
  } else {
    out["age"] = out["stale"] = words_->say(f.lang, "age_unknown");
  }
  out["n"] = std::move(n);
  out["old"] = is_old(f, a);
  if (f.state)
    out["state"] = {{"kind", kind_name(f.state->kind)}, {"text", state_text(f)}};
  return boost::json::serialize(out);
}

// "Full" only where the server said so: what is over, closed or not known is said to be that.
std::string pages::room_text(language l, const availability& at, std::uint8_t people) const {
  if (at.over)
    return words_->say(l, "over_word");
  if (at.closed)
    return words_->say(l, "closed_word");
  if (!at.free)
    return words_->say(l, "unknown_word");
  if (*at.free == 0)
    return at.singles ? words_->say(l, "none_together", {{"m", std::int64_t{people}}}) : words_->say(l, "full_word");
  const auto n = static_cast<std::int64_t>(*at.free);
  return people > 1 ? words_->say(l, "free_places_together", {{"n", n}, {"m", std::int64_t{people}}})
                    : words_->say(l, "free_places", {{"n", n}});
}

std::string pages::when_of(language l, civil_date day, std::uint16_t from, std::uint16_t to) const {
  return words_->date(l, day) + ", " + (to == 0 ? words_->hour(l, from) : words_->hours(l, from, to));
}

std::string pages::nearest(const frame& f, const std::vector<near_place>& places, std::uint8_t people) const {
  data d;
  list items;
  for (const auto& p : places) {
    data one;
    one.set("href", "/book/at/" + percent_encoded(p.centre) + "/" + format_date(p.date) + "/" + format_minute(p.from) +
                        "/details?people=" + std::to_string(people));
    one.set("centre", p.centre_name);
    one.set("content_lang", "ms");
    one.set("when", when_of(f.lang, p.date, p.from, 0));
    one.set("text", room_text(f.lang, {.free = p.free}, people));
    items.push_back(one);
  }
  d.set("any", !items.empty());
  d.set("items", items);
  return templates_->render(f.lang, "nearest", d);
}

std::string pages::faults(const frame& f, const std::vector<field_fault>& faults) const {
  data d;
  list items;
  for (const auto& fault : faults) {
    data one;
    one.set("id", fault.id);
    one.set("text", fault.text);
    items.push_back(one);
  }
  d.set("any", !items.empty());
  d.set("items", items);
  return templates_->render(f.lang, "errors", d);
}

std::string pages::hidden(const frame& f, const std::vector<std::pair<std::string, std::string>>& items) const {
  data d;
  list all;
  if (!f.form_token.empty()) {
    data token;
    token.set("name", "form_token");
    token.set("value", f.form_token);
    all.push_back(token);
  }
  for (const auto& [name, value] : items) {
    data one;
    one.set("name", name);
    one.set("value", value);
    all.push_back(one);
  }
  d.set("items", all);
  return templates_->render(f.lang, "hidden", d);
}

std::string pages::language_buttons(const frame& f) const {
  data d;
  d.set("languages", languages_of(f));
  return templates_->render(f.lang, "language_buttons", d);
}

std::string pages::trace(const frame& f, std::string_view code) const {
  data d;
  d.set("code", std::string(code));
  d.set("id", f.request_id);
  return templates_->render(f.lang, "trace", d);
}

}  // namespace janji::web
