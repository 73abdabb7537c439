#include "web/qr.hpp"

#include <qrencode.h>

#include <memory>

namespace janji::web {

namespace {

constexpr int border = 4;  // ISO/IEC 18004
using code_ptr = std::unique_ptr<QRcode, decltype(&QRcode_free)>;

// The least correction: it is shown on a screen and printed large, and every step more makes it larger.
code_ptr encoded(std::string_view text) {
  code_ptr code(QRcode_encodeData(static_cast<int>(text.size()), reinterpret_cast<const unsigned char*>(text.data()), 0, QR_ECLEVEL_L),
                &QRcode_free);
  if (code && code->width > qr_modules_max)
    code.reset();
  return code;
}

}  // namespace

int qr_modules(std::string_view text) {
  const auto code = encoded(text);
  return code ? code->width : 0;
}

std::string qr_svg(std::string_view text) {
  const auto code = encoded(text);
  if (!code)
    return {};
  const int size = code->width + 2 * border;
  const auto side = std::to_string(size);
  std::string path;  // a line for each row, in the middle of its modules
  for (int y = 0; y < code->width; ++y) {
    const auto dark = [&](int at) { return (code->data[y * code->width + at] & 1) != 0; };
    int pen = -1;
    for (int x = 0; x < code->width;) {
      const int from = x;
      const bool is_dark = dark(x);
      while (x < code->width && dark(x) == is_dark)
        ++x;
      if (!is_dark)
        continue;
      if (pen < 0)
        path.append("M").append(std::to_string(from + border)).append(" ").append(std::to_string(y + border)).append(".5");
      else
        path.append("m").append(std::to_string(from - pen)).append(" 0");
      path.append("h").append(std::to_string(x - from));
      pen = x;
    }
  }
  return "<svg viewBox=\"0 0 " + side + " " + side + "\" width=\"" + std::to_string(size * 4) + "\" height=\"" + std::to_string(size * 4) +
         "\" shape-rendering=\"crispEdges\" aria-hidden=\"true\"><path fill=\"#fff\" d=\"M0 0h" + side + "v" + side +
         "H0z\"/><path stroke=\"#000\" d=\"" + path + "\"/></svg>";
}

}  // namespace janji::web
