// A QR code as SVG: dark on light with its four modules of border, whatever the reader's scheme. Pure.
#pragma once

#include <string>
#include <string_view>

namespace janji::web {

// At 4 CSS pixels each it is 340 wide with its border, and fits a screen of 360 from edge to edge; one of 320 shows it without the outer
// part of the border.
inline constexpr int qr_modules_max = 77;
// "" when the text needs a larger one.
[[nodiscard]] std::string qr_svg(std::string_view text);
// Modules a side; 0: it does not fit.
[[nodiscard]] int qr_modules(std::string_view text);

}  // namespace janji::web
