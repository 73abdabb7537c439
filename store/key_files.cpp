#include "store/key_files.hpp"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <vector>

#include "store/regular_file.hpp"
#include "store/small_file.hpp"

namespace janji::store {

namespace {

std::string former(const std::string& path) { return path + ".old"; }

void overwrite(const std::string& path) {
  const auto fd = open_own_file(path, O_WRONLY);
  if (!fd)
    return;
  struct stat st{};
  if (::fstat(*fd, &st) == 0) {
    const std::vector<char> zeros(std::min(static_cast<std::size_t>(st.st_size), key_file_bytes_max), 0);
    if (::write(*fd, zeros.data(), zeros.size()) > 0)
      ::fsync(*fd);
  }
  ::close(*fd);
}

}  // namespace

std::string hex(const void* data, std::size_t size) {
  std::string out(size * 2 + 1, '\0');
  sodium_bin2hex(out.data(), out.size(), static_cast<const unsigned char*>(data), size);
  out.pop_back();
  return out;
}

bool unhex(std::string_view text, void* to, std::size_t size) {
  std::size_t got = 0;
  return text.size() == size * 2 &&
         sodium_hex2bin(static_cast<unsigned char*>(to), size, text.data(), text.size(), nullptr, &got, nullptr) == 0 && got == size;
}

result<void> replace_and_overwrite(const std::string& path, std::string_view text) {
  overwrite_what_was_left(path);
  std::error_code ec;
  std::filesystem::create_hard_link(path, former(path), ec);
  auto replaced = replace_file(path, text);
  overwrite_what_was_left(path);
  return replaced;
}

// Where the file was not replaced yet, both names are one file, which is not to be touched.
void overwrite_what_was_left(const std::string& path) {
  struct stat now{};
  struct stat before{};
  if (::stat(former(path).c_str(), &before) != 0)
    return;
  if (::stat(path.c_str(), &now) == 0 && (now.st_ino != before.st_ino || now.st_dev != before.st_dev))
    overwrite(former(path));
  ::unlink(former(path).c_str());
}

}  // namespace janji::store
