// What a reader's browser keeps for us and may neither read nor change: deflated, then XChaCha20-Poly1305, then base64url. And the tokens
// by which a form is known for one of ours.
//
// Keys are derived from one that all fronts have; of several (after a rotation) the first seals, each opens. Threads: const, any.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/secret.hpp"

namespace janji::web {

using secret_key = store::key_bytes;  // locked, and wiped when it goes

namespace limits {
inline constexpr std::size_t cookie_value_bytes_max = 3'600;  // browsers keep 4,096 bytes of name, value and attributes
inline constexpr std::size_t opened_bytes_max = 64 * 1024;    // a small text must not become a large one
}  // namespace limits

class sealed_box {
public:
  explicit sealed_box(std::vector<secret_key> keys);
  sealed_box(const sealed_box&) = delete;
  sealed_box& operator=(const sealed_box&) = delete;

  // `purpose` is authenticated with it: what was sealed as one thing does not open as another.
  [[nodiscard]] std::string seal(std::string_view purpose, std::string_view plain) const;
  // None: not ours, changed, of another purpose or of a key that is not known.
  [[nodiscard]] std::optional<std::string> open(std::string_view purpose, std::string_view sealed) const;

  // The token of the forms of one browser, by the 16 random bytes of its cookie; written anew in each page, so that its bytes in a
  // compressed page tell nothing (BREACH). Never dies.
  [[nodiscard]] std::string form_token(std::string_view browser) const;
  [[nodiscard]] bool is_form_token(std::string_view browser, std::string_view token) const;
  // 128 bits for an Idempotency-Key, the same whenever it is asked for.
  [[nodiscard]] std::string key_for(std::string_view purpose, std::initializer_list<std::string_view> parts) const;

private:
  std::vector<secret_key> keys_;
};

[[nodiscard]] std::string random_text(std::size_t bytes);  // base64url

}  // namespace janji::web
