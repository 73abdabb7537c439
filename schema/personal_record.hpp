// A citizen's personal record: what is sealed before it leaves the front that received it. Never logged.
#pragma once

#include <expected>
#include <string>
#include <string_view>

namespace janji::schema {

struct personal_record {
  std::string identity_kind;
  std::string identity_number;
  std::string country;
  std::string name;
  std::string phone;
  std::string email;
  std::string birth_date;
  std::string state;
  std::string notes;
  std::string mykad;  // beside another document
  friend bool operator==(const personal_record&, const personal_record&) = default;
};

[[nodiscard]] std::string encode(const personal_record& record);
[[nodiscard]] std::expected<personal_record, std::string> decode_personal_record(std::string_view bytes);

}  // namespace janji::schema
