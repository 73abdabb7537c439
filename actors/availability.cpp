#include "actors/availability.hpp"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>
#include <chrono>
#include <compare>
#include <utility>

#include "booking/civil_time.hpp"
#include "booking/states.hpp"
#include "cluster/peer_links.hpp"

namespace janji::actors {

availability_actor::availability_actor(caf::actor_config& config, node_context& shared, read_model& model)
    : caf::event_based_actor(config),
      shared_(shared),
      model_(model),
      groups_of_(shared.options.shard_count),
      led_of_(shared.options.shard_count),
      heard_(shared.options.shard_count) {}

caf::behavior availability_actor::make_behavior() {
  started_at_ = shared_.now();
  delayed_send(this, std::chrono::milliseconds(shared_.options.publish_every_ms), publish{});
  return {
      [this](group_numbers& numbers) { take(std::move(numbers.figures), true); },
      [this](numbers_elsewhere& numbers) {
        for (auto& f : numbers.told.groups)
          take(std::move(f), false);
        hear_beat(numbers.told);
      },
      [this](const tell_numbers& t) { behind_[t.node] = 0; },
      [this](catalogue_changed& c) {
        catalogue_changed_ = true;
        build();
        c.done(std::move(c.answer));
      },
      [this](publish) {
        build();
        tell_others();
        delayed_send(this, std::chrono::milliseconds(shared_.options.publish_every_ms), publish{});
      },
  };
}

namespace {
// Positions only grow, but where an operator made a leader of a disk that lacks what others had (unsafe-promote): then those of the
// later tenure are the true ones. An earlier version does not name its tenure.
std::strong_ordering compare(const group_figures& a, const group_figures& b) {
  const bool named = a.tenure != epoch_t{} && b.tenure != epoch_t{};
  return named && a.tenure != b.tenure ? a.tenure <=> b.tenure : a.applied <=> b.applied;
}
}  // namespace

// Of two words about a group the later one counts: both are of what is committed. Of the same position as what is led here may be
// the word of who led it before, still on its way: then this node goes on to tell of the group.
void availability_actor::take(group_figures&& figures, bool of_this_node) {
  const auto id = figures.group.value;
  auto& known = numbers_[id];
  const auto order = compare(figures, known);
  if (order < 0)
    return;
  if (of_this_node && shared_.peers != nullptr) {
    lead(id, true);
    to_tell_.insert(id);
  } else if (order > 0) {
    lead(id, false);
  }
  if (known.windows != figures.windows) {
    changed_groups_.insert(id);
    days_.erase(id);
  }
  known = std::move(figures);
}

void availability_actor::lead(std::uint32_t group, bool here) {
  if (here ? !led_here_.insert(group).second : led_here_.erase(group) == 0)
    return;
  const auto catalogue = shared_.catalogue.get();
  if (const auto it = catalogue->groups.find(group); it != catalogue->groups.end())
    here ? ++led_of_[it->second.shard.value] : --led_of_[it->second.shard.value];
}

// ------------------------------------------------------------------ other nodes: everything in parts, and not too many of them in a turn

namespace {
constexpr std::size_t figures_part_groups = 2'048;
constexpr std::size_t parts_a_turn = 4;  // to a node that has to be told all
constexpr std::size_t group_bytes_max = limits::windows_per_group_max * 24 + std::size_t{state_count} * age_band_count * 4 + 64;
static_assert(figures_part_groups <= schema::mail_items_max && figures_part_groups * group_bytes_max < cluster::peer_payload_bytes_max);
}  // namespace

void availability_actor::tell_others() {
  if (shared_.peers == nullptr)
    return;
  tell_who_is_behind();
  tell_changes();
  tell_beat();
}

void availability_actor::tell_changes() {
  schema::told_figures part;
  const auto tell = [&] {
    for (const auto node : shared_.peers->tell_figures(part, {}))
      behind_[node] = 0;
    part.groups.clear();
  };
  for (const auto id : std::exchange(to_tell_, {})) {
    part.groups.push_back(numbers_.at(id));
    if (part.groups.size() == figures_part_groups)
      tell();
  }
  if (!part.groups.empty())
    tell();
}

// Whoever was not reached goes on from there with the next turn; with a new link it begins anew.
void availability_actor::tell_who_is_behind() {
  for (auto it = behind_.begin(); it != behind_.end();) {
    auto& [node, next] = *it;
    bool reached = true, all = false;
    for (std::size_t parts = 0; parts < parts_a_turn && reached && !all; ++parts) {
      schema::told_figures part;
      auto group = led_here_.lower_bound(next);
      for (; group != led_here_.end() && part.groups.size() < figures_part_groups; ++group)
        part.groups.push_back(numbers_.at(*group));
      reached = part.groups.empty() || shared_.peers->tell_figures(part, node).empty();
      all = reached && group == led_here_.end();
      if (reached && !all)
        next = *group;
    }
    it = all ? behind_.erase(it) : std::next(it);
  }
}

// What this node leads, and has told all of: so that the others know how old what they know is. A leader that nobody follows may have
// been replaced without knowing.
void availability_actor::tell_beat() {
  constexpr std::int64_t lately_ms = 1'000;
  schema::told_figures beat;
  count_groups(*shared_.catalogue.get());
  for (std::uint16_t s = 0; s < shared_.options.shard_count; ++s)
    if (const auto known = led_as_of(s); known && shared_.now().value - known->value < lately_ms)
      beat.shards.emplace_back(s);
  if (beat.shards.empty())
    return;
  if (beat.shards.front() == shard_id{0})
    beat.rounds = sequence_t{shared_.rounds_applied};
  for (const auto node : shared_.peers->linked_nodes())
    if (!behind_.contains(node))
      (void)shared_.peers->tell_figures(beat, node);
}

// Who leads has told all of these shards. Of the rounds only what is known here is new.
void availability_actor::hear_beat(const schema::told_figures& told) {
  const auto now = shared_.now();
  for (const auto s : told.shards) {
    if (s.value >= heard_.size())
      continue;
    heard_[s.value] = now;
    if (s != shard_id{0} || (told.rounds && *told.rounds > sequence_t{shared_.rounds_applied}))
      continue;
    rounds_heard_ = now;
    rounds_whole_ = rounds_whole_ || told.rounds;
  }
}

// None: it is not led here, or not all of its numbers, or of the rounds, are known yet.
std::optional<unix_ms> availability_actor::led_as_of(std::size_t shard) const {
  const auto status = shared_.shard_statuses[shard].load();
  const auto until = shared_.followed_until_ms[shard].load();
  if (status == nullptr || !status->serving || led_of_[shard] != groups_of_[shard] || until == 0)
    return std::nullopt;
  if (shard == 0 && !shared_.rounds_led)
    return std::nullopt;
  return unix_ms{until};
}

void availability_actor::count_groups(const round_catalogue& catalogue) {
  if (std::exchange(counted_version_, catalogue.version) == catalogue.version)
    return;
  std::ranges::fill(groups_of_, 0);
  std::ranges::fill(led_of_, 0);
  for (const auto& [group, place] : catalogue.groups) {
    ++groups_of_[place.shard.value];
    led_of_[place.shard.value] += led_here_.contains(group) ? 1 : 0;
  }
}

// ------------------------------------------------------------------ how old it is

// On a node that is alone, now. Of a slot group that is led here, the last moment at which nobody else can have led it; of another that
// at which its leader had told all. Nothing is newer than what is known of the rounds: which there are, which is open, what they say.
void availability_actor::judge_age(const round_catalogue& catalogue) {
  judged_at_ = shared_.now();
  count_groups(catalogue);
  for (std::size_t s = 0; s < heard_.size(); ++s)
    heard_[s] = shared_.peers == nullptr ? judged_at_ : std::max(heard_[s], led_as_of(s));
  rounds_heard_ = std::max(rounds_heard_, shared_.peers == nullptr ? heard_[0] : led_as_of(0));
  freshness fresh;
  fresh.of_rounds = rounds_heard_;
  for (const auto& round : catalogue.rounds) {
    round_freshness f{fresh.of_rounds, 0};
    for (std::uint32_t g = 0; g < round->definition.groups.size(); ++g) {
      const auto heard = heard_of(*round, g, catalogue);
      f.groups_unheard += numbers_.contains(round->definition.groups[g].id.value) ? 0 : 1;
      f.as_of = heard && f.as_of ? std::optional(std::min(*f.as_of, *heard)) : std::nullopt;
    }
    fresh.rounds.emplace(round->definition.id.value, f);
  }
  model_.fresh.set(std::make_shared<const freshness>(std::move(fresh)));
}

std::optional<unix_ms> availability_actor::heard_of(const round_entry& round, std::uint32_t index, const round_catalogue& catalogue) const {
  const auto id = round.definition.groups[index].id.value;
  const auto place = catalogue.groups.find(id);
  return place == catalogue.groups.end() || !numbers_.contains(id) ? std::nullopt : heard_[place->second.shard.value];
}

std::set<read_model::page_key> availability_actor::changed_pages(const round_catalogue& catalogue) const {
  std::set<read_model::page_key> out;
  for (const auto id : changed_groups_)
    if (const auto it = catalogue.groups.find(id); it != catalogue.groups.end()) {
      const auto& centre = catalogue.find(it->second.round)->definition.centres[it->second.centre];
      out.emplace(it->second.round.value, state_number(centre.state));
    }
  return out;
}

// Pages carry the moment at which their numbers were known; one that has not changed is still renewed once a second, so
// that its age tells the truth.
void availability_actor::build() {
  constexpr std::int64_t renew_after_ms = 1000;
  const auto catalogue = shared_.catalogue.get();
  const auto now = shared_.now();
  const auto changed = changed_pages(*catalogue);
  if (std::exchange(judged_past_, shared_.judges_past()) != judged_past_)
    days_.clear();
  if (catalogue_changed_ || !changed.empty() || now.value - judged_at_.value >= renew_after_ms)
    judge_age(*catalogue);
  bool any = false;
  for (const auto& round : catalogue->rounds)
    for (std::uint8_t state = 1; state < state_count; ++state) {
      const read_model::page_key key{round->definition.id.value, state};
      auto& known = pages_[key];
      const bool same = known != nullptr && !catalogue_changed_ && !changed.contains(key) && shared_.wall_clock() < known->until;
      if (same && now.value - known->built_at.value < renew_after_ms)
        continue;
      auto built = page(*round, state, *catalogue);
      if (known != nullptr && known->gzip_asked_for()) {  // so that no reader waits for it
        built->compress();
        if (built->after != nullptr)
          built->after->compress();
      }
      known = std::move(built);
      any = true;
    }
  if (any)
    model_.pages.set(std::make_shared<const std::map<read_model::page_key, std::shared_ptr<const availability_page>>>(pages_));
  figures_stale_ = figures_stale_ || catalogue_changed_ || !changed_groups_.empty();
  publish_figures();
  catalogue_changed_ = false;
  changed_groups_.clear();
  // And stays so: a new round's groups hold what its definition says.
  if (!shared_.read_model_complete && is_complete(*catalogue))
    shared_.read_model_complete = true;
}

// The rounds are known, and the numbers of every slot group. A shard that does not serve keeps nobody waiting for good: what it would
// have told is null. At a start its leader may only not have spoken yet, or be about to lead.
bool availability_actor::is_complete(const round_catalogue& catalogue) const {
  constexpr std::int64_t unserved_patience_ms = 10'000;
  if (shared_.peers != nullptr && catalogue.rounds.empty() && !rounds_whole_ && !led_as_of(0))
    return false;
  const bool waits_for_all = shared_.peers == nullptr || shared_.now().value - started_at_.value < unserved_patience_ms;
  const auto served = waits_for_all ? std::vector<bool>(heard_.size(), true) : served_shards();
  return std::ranges::all_of(catalogue.groups,
                             [&](const auto& known) { return numbers_.contains(known.first) || !served[known.second.shard.value]; });
}

// Anywhere, as nodes said lately; this one too.
std::vector<bool> availability_actor::served_shards() const {
  std::vector<bool> out(heard_.size(), false);
  const auto reports = shared_.told_reports.get();
  for (const auto& [node, told] : *reports)
    if (shared_.now().value - told.at.value < report_stale_ms)
      for (const auto& s : told.report.shards)
        if (s.serving && s.shard.value < out.size())
          out[s.shard.value] = true;
  return out;
}

// All of them are copied: where they are many this is done seldomer than pages are built.
void availability_actor::publish_figures() {
  constexpr std::size_t groups_a_build = 10'000;
  ++builds_since_figures_;
  const bool due = catalogue_changed_ || builds_since_figures_ > numbers_.size() / groups_a_build;
  if (!figures_stale_ || !due)
    return;
  auto figures = std::make_shared<std::vector<group_figures>>();
  figures->reserve(numbers_.size());
  for (const auto& [id, numbers] : numbers_)
    figures->push_back(numbers);
  model_.figures.set(std::move(figures));
  figures_stale_ = false;
  builds_since_figures_ = 0;
}

namespace {

void append_number(std::string& out, std::uint32_t n) {
  const fmt::format_int text(n);
  out.append(text.data(), text.size());
}

void append_status(std::string& out, const status_at& is) {
  out.append(R"("status":")").append(name_of(is.status)).append(R"(","changes_at":)");
  if (is.changes_at)
    out.append("\"").append(format_utc(*is.changes_at)).append("\"");
  else
    out += "null";
}

// A slot group's day, with its numbers as far as they are known: what is over has no free places. A window says its status where it is
// not its day's: a page is read more often than anything else.
std::string text_of_day(const round_entry& round, std::uint32_t index, const group_figures* numbers, bool ends, unix_ms moment) {
  const auto& group = round.definition.groups[index];
  const auto& words = round.words[index];
  const auto admitted = round.admitted_as();
  auto out = R"({"date":")" + words.date + R"(",)";
  const auto of_day = status_of(admitted, ends ? round.body->group_ends[index] : never_over, moment);
  append_status(out, of_day);
  out += R"(,"windows":[)";
  for (std::size_t w = 0; w < group.windows.size(); ++w) {
    const bool known = numbers != nullptr && w < numbers->windows.size();
    const auto counts = known ? numbers->windows[w] : window_counts{group.windows[w].capacity, 0, 0, 0, 0};
    const auto until = ends ? group.windows[w].book_until : never_over;
    out.append(w == 0 ? R"({"opens":")" : R"(,{"opens":")").append(words.windows[w].opens);
    out.append(R"(","closes":")").append(words.windows[w].closes).append(R"(","capacity":)");
    append_number(out, counts.capacity);
    out += R"(,"free":)";
    if (until <= moment)
      out += '0';
    else if (known)
      append_number(out, counts.capacity > counts.booked ? counts.capacity - counts.booked : 0);
    else
      out += "null";  // nobody has said
    if (const auto is = status_of(admitted, until, moment); is != of_day) {
      out += ',';
      append_status(out, is);
    }
    out += '}';
  }
  return out += "]}";
}

std::string json_text(std::string_view text) { return boost::json::serialize(boost::json::string(text)); }

}  // namespace

// Made again only when its numbers or its statuses have changed.
const std::string& availability_actor::day(const round_entry& round, std::uint32_t index, unix_ms moment) {
  const auto id = round.definition.groups[index].id.value;
  auto& known = days_[id];
  if (known.text.empty() || moment < known.from || moment >= known.until || known.state != round.status.state) {
    const auto it = numbers_.find(id);
    known = {text_of_day(round, index, it == numbers_.end() ? nullptr : &it->second, judged_past_, moment), moment, never_over,
             round.status.state};
    const auto note = [&](unix_ms end) { known.until = end > moment ? std::min(known.until, end) : known.until; };
    note(round.definition.opens_at);
    note(round.definition.closes_at);
    for (const auto& w : round.definition.groups[index].windows)
      note(w.book_until);
  }
  return known.text;
}

// When status and all numbers of a page were last known to be these.
std::optional<unix_ms> availability_actor::page_as_of(const round_entry& round, std::uint8_t state,
                                                      const round_catalogue& catalogue) const {
  const auto& groups = round.definition.groups;
  auto as_of = rounds_heard_;  // of its status
  bool of_state = false;
  for (std::uint32_t i = 0; i < groups.size() && as_of; ++i) {
    if (i == 0 || groups[i].centre != groups[i - 1].centre)
      of_state = state_number(round.definition.centres[groups[i].centre].state) == state;
    if (!of_state)
      continue;
    const auto heard = heard_of(round, i, catalogue);
    as_of = heard ? std::optional(std::min(*as_of, *heard)) : std::nullopt;
  }
  return as_of;
}

// What is to be said from the next change of a status on is made before: no reader is told what was so until then.
std::shared_ptr<const availability_page> availability_actor::page(const round_entry& round, std::uint8_t state,
                                                                  const round_catalogue& catalogue) {
  constexpr std::int64_t made_before_ms = 1'500;  // pages are renewed once a second at least
  const auto as_of = page_as_of(round, state, catalogue);
  const auto moment = shared_.wall_clock();
  auto built = page_at(round, state, as_of, moment);
  if (built->until.value - made_before_ms <= moment.value)
    built->after = page_at(round, state, as_of, built->until);
  return built;
}

std::shared_ptr<availability_page> availability_actor::page_at(const round_entry& round, std::uint8_t state, std::optional<unix_ms> as_of,
                                                               unix_ms moment) {
  const auto& definition = round.definition;
  const auto before = pages_.find({definition.id.value, state});
  auto built = std::make_shared<availability_page>();
  built->as_of = as_of;
  built->built_at = shared_.now();
  built->until = round.next_end(moment);
  auto& out = built->body;
  const auto here = [&out] { return static_cast<std::uint32_t>(out.size()); };
  if (before != pages_.end() && before->second != nullptr)
    out.reserve(before->second->body.size() + 64);
  out += fmt::format(R"({{"round":{},"state":{},"as_of":{},)", json_text(definition.code), json_text(state_name(state)),
                     built->as_of ? '"' + format_utc(*built->as_of) + '"' : "null");
  built->status_begin = here();
  append_status(out, round.status_now(moment, judged_past_));
  out += R"(,"centres":[)";
  built->centres_begin = here();
  std::uint32_t g = 0;
  for (std::uint16_t c = 0; c < definition.centres.size(); ++c) {
    const auto& centre = definition.centres[c];
    const auto first = g;
    while (g < definition.groups.size() && definition.groups[g].centre == c)
      ++g;
    if (state_number(centre.state) != state)
      continue;
    if (!built->centres.empty())
      out += ',';
    const auto head = here();
    out.append(R"({"code":)").append(json_text(centre.code));
    out.append(R"(,"name":)").append(json_text(centre.name)).append(R"(,"days":[)");
    const availability_page::span head_text{head, here()};
    for (auto i = first; i < g; ++i) {
      if (i != first)
        out += ',';
      const auto begin = here();
      out += day(round, i, moment);
      built->add_day(day_number_of(definition.groups[i].date), {begin, here()});
    }
    built->centres.push_back({head_text, static_cast<std::uint32_t>(built->days.size())});
    out += "]}";
  }
  out += "]}";
  built->etag = fmt::format("W/\"{:016x}\"", XXH3_64bits(out.data() + built->status_begin, out.size() - built->status_begin));
  return built;
}

}  // namespace janji::actors
