// A directory that is removed with all in it.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

namespace janji::test {

class temporary_directory {
public:
  temporary_directory() {
    std::string name = (std::filesystem::temp_directory_path() / "janji-test-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr)
      std::abort();
    path_ = name;
  }
  ~temporary_directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  temporary_directory(const temporary_directory&) = delete;
  temporary_directory& operator=(const temporary_directory&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

private:
  std::string path_;
};

}  // namespace janji::test
