#include "actors/availability.hpp"

#include <fmt/format.h>
#include <xxhash.h>
#include <zlib.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>
#include <chrono>
#include <utility>

#include "booking/civil_time.hpp"
#include "booking/states.hpp"

namespace janji::actors {

std::string gzip(std::string_view text) {
  z_stream stream{};
  constexpr int gzip_window = 15 + 16;
  if (deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, gzip_window, 8, Z_DEFAULT_STRATEGY) != Z_OK)
    return {};
  std::string out(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const bool done = deflate(&stream, Z_FINISH) == Z_STREAM_END;
  out.resize(done ? stream.total_out : 0);
  deflateEnd(&stream);
  return out;
}

const std::string& availability_page::gzip() const {
  asked_.store(true, std::memory_order_relaxed);
  compress();
  return gzip_;
}

void availability_page::compress() const {
  std::call_once(once_, [this] { gzip_ = actors::gzip(body); });
}

availability_actor::availability_actor(caf::actor_config& config, node_context& shared, read_model& model)
    : caf::event_based_actor(config), shared_(shared), model_(model) {}

caf::behavior availability_actor::make_behavior() {
  delayed_send(this, std::chrono::milliseconds(shared_.options.publish_every_ms), publish{});
  return {
      [this](group_numbers& numbers) { take(std::move(numbers.figures), true); },
      [this](numbers_elsewhere& numbers) {
        for (auto& f : numbers.figures)
          take(std::move(f), false);
      },
      [this](const tell_numbers& t) { to_tell_all_.insert(t.node); },
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

// Of two words about a group the one of the later position counts: both are of what is committed. Of the same position as
// what is led here may be the word of who led it before, still on its way: then this node goes on to tell of the group.
void availability_actor::take(group_figures&& figures, bool of_this_node) {
  const auto id = figures.group.value;
  auto& known = numbers_[id];
  if (figures.applied < known.applied)
    return;
  if (of_this_node && shared_.peers != nullptr) {
    led_here_.insert(id);
    to_tell_.insert(id);
  } else if (figures.applied > known.applied) {
    led_here_.erase(id);
  }
  if (known.windows != figures.windows) {
    changed_groups_.insert(id);
    days_.erase(id);
  }
  known = std::move(figures);
}

void availability_actor::tell_others() {
  if (shared_.peers == nullptr)
    return;
  auto missed = std::set<std::uint64_t>{};
  if (!to_tell_all_.empty()) {
    const auto all = numbers_of(led_here_);
    for (const auto node : std::exchange(to_tell_all_, {}))
      missed.merge(shared_.peers->tell_figures(all, node));
  }
  if (!to_tell_.empty())
    missed.merge(shared_.peers->tell_figures(numbers_of(std::exchange(to_tell_, {})), {}));
  to_tell_all_ = std::move(missed);
}

std::vector<group_figures> availability_actor::numbers_of(const std::set<std::uint32_t>& groups) const {
  std::vector<group_figures> out;
  out.reserve(groups.size());
  for (const auto id : groups)
    out.push_back(numbers_.at(id));
  return out;
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
  if (catalogue_changed_)
    days_.clear();
  bool any = false;
  for (const auto& round : catalogue->rounds)
    for (std::uint8_t state = 1; state < state_count; ++state) {
      const read_model::page_key key{round->definition.id.value, state};
      auto& known = pages_[key];
      if (known != nullptr && !catalogue_changed_ && !changed.contains(key) && now.value - known->as_of.value < renew_after_ms)
        continue;
      auto built = page(*round, state);
      if (known != nullptr && known->gzip_asked_for())
        built->compress();  // so that no reader waits for it
      known = std::move(built);
      any = true;
    }
  if (any)
    model_.pages.set(std::make_shared<const std::map<read_model::page_key, std::shared_ptr<const availability_page>>>(pages_));
  if (catalogue_changed_ || !changed_groups_.empty()) {
    auto figures = std::make_shared<std::vector<group_figures>>();
    figures->reserve(numbers_.size());
    for (const auto& [id, numbers] : numbers_)
      figures->push_back(numbers);
    model_.figures.set(std::move(figures));
  }
  catalogue_changed_ = false;
  changed_groups_.clear();
  // And stays so: a new round's groups hold what its definition says. A node of a cluster hears of the rounds from another.
  const bool rounds_known = shared_.peers == nullptr || !catalogue->groups.empty();
  if (rounds_known && numbers_.size() >= catalogue->groups.size())
    shared_.read_model_complete = true;
}

namespace {

void append_number(std::string& out, std::uint32_t n) {
  const fmt::format_int text(n);
  out.append(text.data(), text.size());
}

// A slot group's day, with its numbers as far as they are known.
std::string day_text(const group_definition& group, const group_words& words, const group_figures* numbers) {
  auto out = R"({"date":")" + words.date + R"(","windows":[)";
  for (std::size_t w = 0; w < group.windows.size(); ++w) {
    const bool known = numbers != nullptr && w < numbers->windows.size();
    const auto counts = known ? numbers->windows[w] : window_counts{group.windows[w].capacity, 0, 0, 0, 0};
    out.append(w == 0 ? R"({"opens":")" : R"(,{"opens":")").append(words.windows[w].opens);
    out.append(R"(","closes":")").append(words.windows[w].closes).append(R"(","capacity":)");
    append_number(out, counts.capacity);
    out += R"(,"free":)";
    append_number(out, counts.capacity > counts.booked ? counts.capacity - counts.booked : 0);
    out += '}';
  }
  return out += "]}";
}

std::string json_text(std::string_view text) { return boost::json::serialize(boost::json::string(text)); }

}  // namespace

// Made again only when its numbers have changed.
const std::string& availability_actor::day(const round_entry& round, std::uint32_t index) {
  const auto& group = round.definition.groups[index];
  auto& text = days_[group.id.value];
  if (text.empty()) {
    const auto it = numbers_.find(group.id.value);
    text = day_text(group, round.words[index], it == numbers_.end() ? nullptr : &it->second);
  }
  return text;
}

std::shared_ptr<const availability_page> availability_actor::page(const round_entry& round, std::uint8_t state) {
  const auto& definition = round.definition;
  const auto before = pages_.find({definition.id.value, state});
  std::string status;
  if (before != pages_.end() && before->second != nullptr)
    status.reserve(before->second->body.size());
  status.append(R"("status":")").append(name_of(round.status.state)).append(R"(","centres":[)");
  bool first_centre = true;
  std::uint32_t g = 0;
  for (std::uint16_t c = 0; c < definition.centres.size(); ++c) {
    const auto& centre = definition.centres[c];
    const auto first = g;
    while (g < definition.groups.size() && definition.groups[g].centre == c)
      ++g;
    if (state_number(centre.state) != state)
      continue;
    status.append(std::exchange(first_centre, false) ? R"({"code":)" : R"(,{"code":)").append(json_text(centre.code));
    status.append(R"(,"name":)").append(json_text(centre.name)).append(R"(,"days":[)");
    for (auto i = first; i < g; ++i) {
      if (i != first)
        status += ',';
      status += day(round, i);
    }
    status += "]}";
  }
  status += "]}";
  auto built = std::make_shared<availability_page>();
  built->as_of = shared_.now();
  built->etag = fmt::format("W/\"{:016x}\"", XXH3_64bits(status.data(), status.size()));
  built->body = fmt::format(R"({{"round":{},"state":{},"as_of":"{}",)", json_text(definition.code), json_text(state_name(state)),
                            format_utc(built->as_of));
  built->body += status;
  return built;
}

}  // namespace janji::actors
