// The three files that `janjictl round import` is given, made ready to be sent, and what a node finds wrong with them told as they
// were written: by file, line and position. What no request can carry (text that is no UTF-8, TOML that is none) is found here, by
// the same readers as the node's, and told with the rest. Pure but for the clockless libraries; any thread.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "booking/round_import.hpp"

namespace janji::apps {

// File, line, position and words of one fault.
struct file_fault {
  import_error error;
  // "slots.csv:14:3: date: ...", as compilers have it.
  [[nodiscard]] std::string line() const;
  [[nodiscard]] boost::json::object json() const;
};

struct file_name_and_bytes {
  std::string name;
  std::string bytes;
};

class round_files {
public:
  round_files(const file_name_and_bytes& round, const file_name_and_bytes& centres, const file_name_and_bytes& slots);

  // What is sent. Where something is wrong already, it is only to be tried: the node finds the rest.
  [[nodiscard]] const boost::json::object& body() const { return body_; }
  [[nodiscard]] bool are_good() const { return own_.empty(); }
  // Everything that is wrong, in the order of the files: found here, and of a node's `fields`.
  [[nodiscard]] std::vector<file_fault> all_faults(const boost::json::array& fields) const;

private:
  void read_settings(const file_name_and_bytes& round);
  std::string readable(const file_name_and_bytes& file, bool centres);
  [[nodiscard]] bool is_known(const import_error& e) const;

  std::string round_name_;
  std::vector<std::string> names_;
  boost::json::object body_;
  std::map<std::string, std::pair<std::size_t, std::size_t>, std::less<>> where_;  // of each setting in its file
  std::vector<import_error> own_;
  bool settings_readable_ = true;
  std::vector<std::string> unreadable_;  // files of which nothing more can be said
};

// A node's `read_as`, one a line.
[[nodiscard]] std::vector<std::string> lines_of_readings(const boost::json::array& read_as);

}  // namespace janji::apps
