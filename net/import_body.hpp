// The body of an import, read while it comes: JSON is taken apart piece by piece, so that neither it nor a tree of it is ever in memory
// whole. What is kept are the settings and the text of the two files, each once and within its limit. Goes with its connection: of an
// upload that breaks off nothing is left. What is wrong is told when all has come, whatever came after it is not kept.
//
// Threads: its listener's only.
#pragma once

#include <boost/json/object.hpp>
#include <cstddef>
#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "booking/round_import.hpp"
#include "net/http.hpp"
#include "net/problem.hpp"

namespace janji::net {

// Of settings, names of files and members that nobody knows.
inline constexpr std::size_t import_words_bytes_max = 64 * 1024;

class import_body final : public body_taker {
public:
  import_body();
  ~import_body() override;

  void take(std::string_view piece) override;
  [[nodiscard]] std::size_t held_bytes() const override;

  struct parts {
    boost::json::object round;  // its settings
    import_file centres, slot_groups;
    std::vector<field_error> wrong;  // what is not known beside these, and what is of another kind; the first 32
  };
  // What was read, once all has come. A file that is larger than it may be is given a byte more than that, and no more.
  [[nodiscard]] std::expected<parts, problem> finish() &&;

private:
  struct reading;
  std::unique_ptr<reading> reading_;
};

}  // namespace janji::net
