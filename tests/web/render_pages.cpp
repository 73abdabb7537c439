// render_pages DIRECTORY: every page in every language as LANGUAGE/NAME.html, and how many.
#include <filesystem>
#include <fstream>
#include <iostream>

#include "tests/web/sample_pages.hpp"

int main(int argc, char** argv) {
  namespace web = janji::web;
  if (argc != 2) {
    std::cerr << "usage: render_pages DIRECTORY\n";
    return 2;
  }
  const auto pages = web::pages::load();
  if (!pages) {
    std::cerr << pages.error() << "\n";
    return 1;
  }
  std::size_t count = 0;
  for (const auto l : web::languages) {
    const auto folder = std::filesystem::path(argv[1]) / web::tag_of(l);
    std::filesystem::create_directories(folder);
    for (const auto& s : web::sample_pages(**pages, l)) {
      std::ofstream(folder / (s.name + ".html")) << s.html;
      ++count;
    }
  }
  std::cout << count << " pages\n";
  return 0;
}
