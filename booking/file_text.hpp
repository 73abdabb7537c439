// The bytes of a file of text as UTF-8, piece by piece: UTF-8 with or without a byte order mark, UTF-16 and UTF-32 with one, UTF-16
// without one where its zeros show it. Everything else passes as it is: whoever reads the lines can say which one is no UTF-8. The
// conversion is iconv's. Not thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace janji {

class text_decoder {
public:
  text_decoder() = default;
  ~text_decoder();
  text_decoder(const text_decoder&) = delete;
  text_decoder& operator=(const text_decoder&) = delete;

  // The text of this piece, perhaps with some that came before; valid until the next call. Nothing once there is a fault.
  std::string_view feed(std::string_view bytes);
  std::string_view finish();  // nothing more will come
  struct fault {
    std::string_view code;
    std::string_view words;
  };
  // Found behind the text that was given so far.
  [[nodiscard]] const std::optional<fault>& wrong() const { return wrong_; }
  // "UTF-16LE" and the like, "" for UTF-8 or what passes for it.
  [[nodiscard]] std::string_view converted_from() const { return from_; }

private:
  std::string_view begin(bool last);
  std::string_view convert(std::string_view bytes, bool last);
  std::string head_;  // before it is known what it is; after that, a character that is not whole yet
  std::string out_;
  bool begun_ = false;
  std::string_view from_;
  void* iconv_ = nullptr;
  std::optional<fault> wrong_;
};

// A whole file as UTF-8 without a byte order mark; none when it cannot be had.
[[nodiscard]] std::optional<std::string> text_of_file(std::string_view bytes);
// What a byte means in Windows-1252, in UTF-8; "" when it means nothing.
[[nodiscard]] std::string windows_1252(unsigned char byte);

}  // namespace janji
