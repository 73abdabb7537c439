#include "web/spelling.hpp"

namespace janji::web {

std::string spelt(const words& w, language l, std::string_view code) {
  std::string out;
  for (const char c : code) {
    std::string sign;
    switch (c) {
      case '-': continue;
      case '*': sign = w.say(l, "sign_star"); break;
      case '~': sign = w.say(l, "sign_tilde"); break;
      case '$': sign = w.say(l, "sign_dollar"); break;
      case '=': sign = w.say(l, "sign_equals"); break;
      default: sign = std::string(1, c); break;
    }
    out += (out.empty() ? "" : " ") + sign;
  }
  return out;
}

}  // namespace janji::web
