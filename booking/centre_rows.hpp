// The rows of a round's centres, read one by one. Not thread-safe.
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "booking/import_table.hpp"
#include "booking/round.hpp"

namespace janji {

class centre_rows {
public:
  explicit centre_rows(std::string_view file);
  centre_rows(const centre_rows&) = delete;
  centre_rows& operator=(const centre_rows&) = delete;

  import_table& table() { return table_; }
  // When the file is read: the centres in its order; what is wrong with them stands in the table's faults.
  std::vector<centre> take();  // once

private:
  template <class Words>
  void wrong(const csv_field& field, const char* column, std::string_view code, Words&& words) {
    table_.faults().add(field.at, column, code, std::forward<Words>(words));
  }
  std::string code(const csv_field* field);
  std::string name(const csv_field* field, const char* column, bool needed, bool is_text);
  std::string state(const csv_field* field);
  double degrees(const csv_field* field, const char* column, int most, const csv_field* other);
  void row(std::span<csv_field* const> fields, bool is_text);

  import_table table_;
  std::vector<centre> centres_;
  std::map<std::string, std::size_t> lines_;  // of the codes
  bool too_many_ = false;
};

}  // namespace janji
