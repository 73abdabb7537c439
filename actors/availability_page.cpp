#include "actors/availability_page.hpp"

#include <zlib.h>

#include <utility>

#include "booking/zlib_memory.hpp"

namespace janji::actors {

std::string gzip(std::string_view text) {
  z_stream stream{};
  use_own_heap(stream);
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
  static const std::string not_yet;
  asked_.store(true, std::memory_order_relaxed);
  return compressed_.load(std::memory_order_acquire) ? gzip_ : not_yet;
}

void availability_page::compress() const {
  std::call_once(once_, [this] {
    gzip_ = actors::gzip(body);
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
