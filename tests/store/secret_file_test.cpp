#include "store/secret_file.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "tests/temporary_directory.hpp"

namespace janji::store {
namespace {

struct secret_file : testing::Test {
  test::temporary_directory directory;
  std::string path = directory.path() + "/password";
  std::string write(std::string_view text, ::mode_t mode = 0600) {
    std::ofstream(path, std::ios::binary) << text;
    ::chmod(path.c_str(), mode);
    const auto read = read_password_file(path, "the password");
    return read ? "=" + *read : read.error().text();
  }
};

TEST_F(secret_file, is_its_line_without_the_end_of_it) {
  EXPECT_EQ(write("open sesame\n"), "=open sesame");
  EXPECT_EQ(write(" as typed \r\n"), "= as typed ");
  EXPECT_EQ(write("no end"), "=no end");
  EXPECT_EQ(write("kata laluan é\n"), "=kata laluan é");
  EXPECT_EQ(write("x\n", 0400), "=x");
}

TEST_F(secret_file, that_others_can_read_is_refused) {
  for (const ::mode_t mode : {0640, 0604, 0610, 0666, 0777})
    EXPECT_EQ(write("open sesame\n", mode), "the password in " + path + " can be read by others: chmod 600 it") << mode;
}

TEST_F(secret_file, that_is_no_line_is_refused_and_not_shown) {
  const auto is_no_line = "the password in " + path + " is not one line of 1 to 1024 bytes";
  for (const auto& text : {std::string(), std::string("\n"), std::string("two\nlines\n"), std::string("nothing\0else", 12),
                           std::string(1025, 'x'), std::string(1 << 20, 'x')})
    EXPECT_EQ(write(text), is_no_line);
  EXPECT_EQ(write(std::string(1024, 'x') + "\n").size(), 1025U);
}

TEST_F(secret_file, that_is_no_file_is_refused_at_once) {
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  EXPECT_EQ(read_password_file(path, "the password").error().text(), "the password in " + path + " is not a file");
  EXPECT_EQ(read_password_file(directory.path(), "the password").error().text(), "the password in " + directory.path() + " is not a file");
  EXPECT_EQ(read_password_file(path + ".no", "the password").error().code, errc::missing);
}

}  // namespace
}  // namespace janji::store
