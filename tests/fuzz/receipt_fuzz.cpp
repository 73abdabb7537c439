// Whatever is shown as a receipt: it verifies only when it states what was signed.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "booking/receipt.hpp"
#include "tests/fuzz/receipt_samples.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto statements = janji::test::sample_statements();
  static const janji::receipt_signer signer{janji::test::sample_seed};
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)janji::key_id_of(text);
  const auto stated = janji::verify_receipt(text, signer.public_key());
  if (stated && std::ranges::find(statements, *stated) == statements.end())
    std::abort();
  if (!stated && janji::words_of(stated.error()).empty())
    std::abort();
  return 0;
}
