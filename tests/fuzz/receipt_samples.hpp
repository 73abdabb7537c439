// The receipts that are seeds of receipt_fuzz and the only ones it may take for true.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "booking/receipt.hpp"

namespace janji::test {

inline constexpr std::array<std::uint8_t, 32> sample_seed{7};

inline std::vector<receipt_statement> sample_statements() {
  receipt_statement s{"r1", "7K3M-92QX-4T8B-E", "A", "2021-06-07", "09:00-17:00", "2021-05-26T04:00:00.123Z", false, 1};
  auto test = s;
  test.rehearsal = true;
  auto second = s;
  second.position = 2;
  return {s, test, second};
}

}  // namespace janji::test
