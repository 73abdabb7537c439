#include "actors/availability_page.hpp"

#include <utility>

#include "store/packing.hpp"

namespace janji::actors {

const std::string& availability_page::gzip() const {
  static const std::string not_yet;
  asked_.store(true, std::memory_order_relaxed);
  return compressed_.load(std::memory_order_acquire) ? gzip_ : not_yet;
}

void availability_page::compress() const {
  std::call_once(once_, [this] {
    gzip_ = store::packed(body, store::packing::gzip);
    compressed_.store(true, std::memory_order_release);
  });
}

std::string availability_page::only_days(const range& wanted) const {
  const std::string_view all = body;
  const auto text_of = [all](const span& s) { return all.substr(s.begin, s.end - s.begin); };
  std::string out(all.substr(0, centres_begin));
  auto day = days.begin();
  for (const auto& c : centres) {
    if (&c != &centres.front())
      out += ',';
    out += text_of(c.head);
    const auto end = days.begin() + c.days_end;
    day = std::ranges::lower_bound(day, end, wanted.from, {}, &day_part::day);
    bool first = true;
    for (; day != end && day->day <= wanted.to; ++day) {
      if (!std::exchange(first, false))
        out += ',';
      out += text_of(day->text);
    }
    day = end;
    out += "]}";
  }
  return out += "]}";
}

}  // namespace janji::actors
