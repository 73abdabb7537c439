#include "booking/assert.hpp"

#include <poll.h>
#include <unistd.h>

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
  pollfd read_by_somebody{STDERR_FILENO, POLLOUT, 0};
  constexpr int patience_ms = 1'000;
  if (::poll(&read_by_somebody, 1, patience_ms) <= 0)
    std::abort();  // to wait for who reads it would be to go on
  std::fprintf(stderr, "janji: assertion failed: %s (%s:%u)\n", what, where.file_name(), static_cast<unsigned>(where.line()));
  std::fflush(stderr);
  std::abort();
}
}  // namespace janji
