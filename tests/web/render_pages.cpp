// render_pages DIRECTORY [TEXTS]: every page in every language as LANGUAGE/NAME.html, and how many. TEXTS: unbroken, jawi or family.
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>

#include "tests/web/sample_pages.hpp"

int main(int argc, char** argv) {
  namespace web = janji::web;
  const std::map<std::string_view, const web::sample_texts*> all{{"awkward", &web::awkward_texts()},
                                                                 {"unbroken", &web::unbroken_texts()},
                                                                 {"jawi", &web::jawi_texts()},
                                                                 {"family", &web::family_texts()}};
  const auto texts = all.find(argc == 3 ? argv[2] : "awkward");
  if (argc < 2 || argc > 3 || texts == all.end()) {
    std::cerr << "usage: render_pages DIRECTORY [awkward|unbroken|jawi|family]\n";
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
    for (const auto& s : web::sample_pages(**pages, l, *texts->second)) {
      std::ofstream(folder / (s.name + ".html")) << s.html;
      ++count;
    }
  }
  std::cout << count << " pages\n";
  return 0;
}
