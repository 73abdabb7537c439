// A QR code as SVG: dark on light with its four modules of border, whatever the reader's scheme. Pure.
#pragma once

#include <string>
#include <string_view>

namespace janji::web {

inline constexpr int qr_modules_max = 77;  // at 4 CSS pixels each it fits a screen of 360
// "" when the text needs a larger one.
[[nodiscard]] std::string qr_svg(std::string_view text);
// Modules a side; 0: it does not fit.
[[nodiscard]] int qr_modules(std::string_view text);

}  // namespace janji::web
