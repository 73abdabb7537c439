#include "booking/assert.hpp"

#include <cstdio>
#include <cstdlib>

namespace janji {
namespace {
assertion_handler installed = nullptr;
}

void set_assertion_handler(assertion_handler handler) { installed = handler; }

void assertion_failed(const char* what, std::source_location where) {
  if (installed != nullptr)
    installed(what, where);
  std::fprintf(stderr, "janji: assertion failed: %s (%s:%u)\n", what, where.file_name(), static_cast<unsigned>(where.line()));
  std::fflush(stderr);
  std::abort();
}
}  // namespace janji
