#include "store/packing.hpp"

#include <zlib.h>

#include <new>

#include "booking/assert.hpp"

namespace janji::store {

namespace {

voidpf take(voidpf /*whose*/, uInt items, uInt size) { return ::operator new(std::size_t{items} * size, std::nothrow); }
void give_back(voidpf /*whose*/, voidpf at) { ::operator delete(at); }

// From `in`, which is only read, into all of `out`.
z_stream stream_of(std::string_view in, std::string& out) {
  z_stream s{};
  s.zalloc = take;
  s.zfree = give_back;
  s.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
  s.avail_in = static_cast<uInt>(in.size());
  s.next_out = reinterpret_cast<Bytef*>(out.data());
  s.avail_out = static_cast<uInt>(out.size());
  return s;
}

}  // namespace

std::string packed(std::string_view plain, packing as) {
  constexpr int window = 15;
  constexpr int gzip_window = window + 16;
  constexpr int memory_level = 8;
  constexpr std::size_t gzip_frame_bytes = 12;  // more than zlib's, which compressBound() is for
  std::string out(compressBound(static_cast<uLong>(plain.size())) + gzip_frame_bytes, '\0');
  auto s = stream_of(plain, out);
  assert_always(
      deflateInit2(&s, Z_BEST_SPEED, Z_DEFLATED, as == packing::gzip ? gzip_window : window, memory_level, Z_DEFAULT_STRATEGY) == Z_OK,
      "there is memory to compress with");
  const bool done = deflate(&s, Z_FINISH) == Z_STREAM_END;
  out.resize(s.total_out);
  deflateEnd(&s);
  assert_always(done, "zlib compresses into a buffer that is large enough");
  return out;
}

std::optional<std::string> unpacked(std::string_view packed, std::size_t bytes_max) {
  std::string out(bytes_max, '\0');
  auto s = stream_of(packed, out);
  if (inflateInit(&s) != Z_OK)
    return std::nullopt;
  const bool done = inflate(&s, Z_FINISH) == Z_STREAM_END;
  out.resize(s.total_out);
  inflateEnd(&s);
  return done ? std::optional(std::move(out)) : std::nullopt;
}

}  // namespace janji::store
