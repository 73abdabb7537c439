#include "web/map.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "web/pages.hpp"

namespace janji::web {

namespace {

constexpr double width = 320;
constexpr double height = 220;
constexpr double border = 24;
constexpr double km_a_degree = 111.32;
constexpr std::size_t shown_max = 60;

struct dot {
  std::size_t n;
  double x, y;  // km
};

// 1, 2 or 5 times a power of ten, at most a third of the width.
double bar_km(double km_wide) {
  const double most = km_wide / 3;
  const double power = std::pow(10, std::floor(std::log10(most)));
  for (const double step : {5.0, 2.0})
    if (step * power <= most)
      return step * power;
  return power;
}

}  // namespace

std::string map_svg(const std::vector<centre_item>& centres) {
  std::vector<dot> dots;
  double middle = 0;
  for (std::size_t i = 0; i < centres.size() && dots.size() < shown_max; ++i)
    if (centres[i].latitude != 0 || centres[i].longitude != 0) {
      dots.push_back({i + 1, centres[i].longitude, centres[i].latitude});
      middle += centres[i].latitude;
    }
  if (dots.size() < 3)
    return {};
  middle /= static_cast<double>(dots.size());
  const double shrink = std::cos(middle * std::numbers::pi / 180);
  for (auto& d : dots) {
    d.x *= km_a_degree * shrink;
    d.y *= km_a_degree;
  }
  const auto [left, right] = std::ranges::minmax(dots, {}, &dot::x);
  const auto [bottom, top] = std::ranges::minmax(dots, {}, &dot::y);
  const double wide = std::max(right.x - left.x, 1.0);
  const double high = std::max(top.y - bottom.y, 1.0);
  const double scale = std::min((width - 2 * border) / wide, (height - 2 * border) / high);
  std::string out = fmt::format("<svg viewBox=\"0 0 {} {}\" role=\"presentation\">", width, height);
  for (const auto& d : dots) {
    const double x = border + (d.x - left.x) * scale;
    const double y = height - border - (d.y - bottom.y) * scale;
    out += fmt::format("<circle cx=\"{:.0f}\" cy=\"{:.0f}\" r=\"9\"/><text x=\"{:.0f}\" y=\"{:.0f}\">{}</text>", x, y, x, y + 4, d.n);
  }
  const double bar = bar_km((width - 2 * border) / scale);
  out += fmt::format("<path d=\"M{0} {1}v4h{2:.0f}v-4\"/><text class=\"bar\" x=\"{3:.0f}\" y=\"{4}\">{5:g} km</text>", border, height - 10,
                     bar * scale, border + bar * scale + 22, height - 4, bar);
  out += fmt::format("<text class=\"bar\" x=\"{}\" y=\"14\">↑ N</text></svg>", width - 20);
  return out;
}

}  // namespace janji::web
