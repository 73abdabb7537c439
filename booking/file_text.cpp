#include "booking/file_text.hpp"

#include <iconv.h>

#include <array>
#include <cerrno>
#include <utility>

#include "booking/text_rules.hpp"

namespace janji {

namespace {

constexpr std::size_t head_bytes = 4;

struct encoding_mark {
  std::string_view bytes;
  std::string_view encoding;  // "" for UTF-8
};
// The longer before what they begin with.
constexpr std::array marks{encoding_mark{std::string_view("\xff\xfe\0\0", 4), "UTF-32LE"},
                           encoding_mark{std::string_view("\0\0\xfe\xff", 4), "UTF-32BE"}, encoding_mark{"\xff\xfe", "UTF-16LE"},
                           encoding_mark{"\xfe\xff", "UTF-16BE"}, encoding_mark{"\xef\xbb\xbf", ""}};

bool is_ascii(char c) { return c > 0 && static_cast<unsigned char>(c) < 0x80; }

constexpr std::string_view zip = "PK\x03\x04";
constexpr std::string_view compound_file = "\xd0\xcf\x11\xe0";

}  // namespace

text_decoder::~text_decoder() {
  if (iconv_ != nullptr)
    ::iconv_close(iconv_);
}

std::string_view text_decoder::feed(std::string_view bytes) {
  if (wrong_)
    return {};
  if (begun_ && from_.empty())
    return bytes;
  if (begun_)
    return convert(bytes, false);
  head_ += bytes;
  return head_.size() < head_bytes ? std::string_view{} : begin(false);
}

std::string_view text_decoder::finish() {
  if (wrong_)
    return {};
  if (!begun_)
    return begin(true);
  return from_.empty() ? std::string_view{} : convert({}, true);
}

std::string_view text_decoder::begin(bool last) {
  begun_ = true;
  out_ = std::exchange(head_, {});
  std::string_view bytes = out_;
  if (bytes.starts_with(zip) || bytes.starts_with(compound_file)) {
    wrong_ = {"a_workbook", "This is a workbook or an archive, not a file of text: save the sheet as \"CSV UTF-8\"."};
    return {};
  }
  for (const auto& m : marks)
    if (bytes.starts_with(m.bytes)) {
      from_ = m.encoding;
      bytes.remove_prefix(m.bytes.size());
      break;
    }
  if (bytes.size() == out_.size() && bytes.size() >= head_bytes) {
    if (is_ascii(bytes[0]) && bytes[1] == '\0' && is_ascii(bytes[2]) && bytes[3] == '\0')
      from_ = "UTF-16LE";
    else if (bytes[0] == '\0' && is_ascii(bytes[1]) && bytes[2] == '\0' && is_ascii(bytes[3]))
      from_ = "UTF-16BE";
  }
  if (from_.empty())
    return bytes;
  auto* const made = ::iconv_open("UTF-8", std::string(from_).c_str());
  if (made == reinterpret_cast<iconv_t>(-1)) {  // NOLINT: as iconv_open says it
    wrong_ = {"not_utf8", "This is UTF-16, and this machine cannot convert it: save the file as \"CSV UTF-8\"."};
    return {};
  }
  iconv_ = made;
  const std::string taken(bytes);
  return convert(taken, last);
}

std::string_view text_decoder::convert(std::string_view bytes, bool last) {
  const bool had_rest = !head_.empty();
  if (had_rest)
    head_ += bytes;
  std::string whole = had_rest ? std::exchange(head_, {}) : std::string{};
  auto* from = had_rest ? whole.data() : const_cast<char*>(bytes.data());  // NOLINT: iconv only reads it
  auto left = had_rest ? whole.size() : bytes.size();
  out_.clear();
  std::array<char, 16 * 1024> piece;  // NOLINT: filled by iconv
  while (left != 0) {
    auto* to = piece.data();
    auto room = piece.size();
    const auto done = ::iconv(iconv_, &from, &left, &to, &room);
    const auto why = errno;
    out_.append(piece.data(), piece.size() - room);
    if (done != static_cast<std::size_t>(-1) || why == E2BIG)
      continue;
    if (why != EINVAL || last) {
      wrong_ = {"not_utf16", "The file is cut off or damaged here: it is not whole UTF-16. Save it again as \"CSV UTF-8\"."};
      return out_;
    }
    head_.assign(from, left);  // part of a character
    break;
  }
  return out_;
}

std::optional<std::string> text_of_file(std::string_view bytes) {
  text_decoder decoder;
  std::string out(decoder.feed(bytes));
  out += decoder.finish();
  return decoder.wrong() || !is_utf8(out) ? std::nullopt : std::optional(std::move(out));
}

std::string windows_1252(unsigned char byte) {
  auto* const made = ::iconv_open("UTF-8", "WINDOWS-1252");
  if (made == reinterpret_cast<iconv_t>(-1))  // NOLINT: as iconv_open says it
    return {};
  char in = static_cast<char>(byte);
  auto* from = &in;
  std::size_t left = 1;
  std::array<char, 8> out{};
  auto* to = out.data();
  auto room = out.size();
  const auto done = ::iconv(made, &from, &left, &to, &room);
  ::iconv_close(made);
  return done == static_cast<std::size_t>(-1) ? std::string{} : std::string(out.data(), out.size() - room);
}

}  // namespace janji
