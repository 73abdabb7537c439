#include "store/secret.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace janji::store {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool locks_memory = false;  // the sanitizers take mlock() and do nothing
#else
constexpr bool locks_memory = true;
#endif

// "VmFlags" of the mapping that an address lies in, as /proc/self/smaps has it.
std::string flags_of(const void* at) {
  std::ifstream maps("/proc/self/smaps");
  bool here = false;
  for (std::string line; std::getline(maps, line);) {
    std::istringstream in(line);
    unsigned long begin = 0;
    unsigned long end = 0;
    char dash = 0;
    if (in >> std::hex >> begin >> dash >> end && dash == '-')
      here = begin <= reinterpret_cast<unsigned long>(at) && reinterpret_cast<unsigned long>(at) < end;
    else if (here && line.starts_with("VmFlags:"))
      return line + " ";
  }
  return {};
}

TEST(secret, keys_and_tokens_lie_in_memory_that_is_locked_and_in_no_core_file) {
  if (const auto why = vault::why_not_locked(); !why.empty())
    GTEST_SKIP() << why;
  const key_bytes key;
  const secret_text token("a token of at least 16 characters");
  secret_text large;
  large.resize(100'000);
  for (const void* at :
       {static_cast<const void*>(key.data()), static_cast<const void*>(token.view().data()), static_cast<const void*>(large.data())}) {
    EXPECT_EQ(flags_of(at).find(" lo ") != std::string::npos, locks_memory) << flags_of(at);
    EXPECT_NE(flags_of(at).find(" dd "), std::string::npos) << flags_of(at);
  }
}

TEST(secret, what_is_given_back_is_wiped) {
  const std::uint8_t* was = nullptr;
  const char* text_was = nullptr;
  {
    key_bytes key;
    key.fill(0xAB);
    was = key.data();
    const secret_text token("secret-secret-secret-secret-secret");
    text_was = token.view().data();
  }
  for (std::size_t i = 0; i < key_bytes::bytes; ++i) {
    EXPECT_EQ(was[i], 0);
    EXPECT_EQ(text_was[i], 0);
  }
}

TEST(secret, copies_and_moves_keep_what_they_hold) {
  key_bytes a;
  a.fill(1);
  auto b = a;
  b.fill(2);
  EXPECT_NE(a, b);
  const auto c = std::move(a);
  a = b;
  EXPECT_EQ(a, b);
  EXPECT_EQ(c.data()[31], 1);
  std::vector<key_bytes> many(5000, c);  // more than a block
  many.erase(many.begin(), many.begin() + 2500);
  many.resize(4000);
  EXPECT_EQ(many.front(), c);
  EXPECT_EQ(many.back(), key_bytes());
  std::string from(40, 'x');
  const secret_text taken(std::move(from));
  EXPECT_EQ(taken, std::string(40, 'x'));
  EXPECT_EQ(taken.copy().view(), taken.view());
}

}  // namespace
}  // namespace janji::store
