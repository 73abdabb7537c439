# cmake -DOUT=file.cpp -DROOT=folder -P embed.cmake NAME=FILE...: a C++ file that holds these files as text.
set(entries)
set(count 0)
math(EXPR last "${CMAKE_ARGC} - 1")
foreach(i RANGE ${last})
  set(argument "${CMAKE_ARGV${i}}")
  if(NOT argument MATCHES "^file:([^=]+)=(.+)$")
    continue()
  endif()
  set(name "${CMAKE_MATCH_1}")
  set(path "${CMAKE_MATCH_2}")
  file(READ "${path}" content HEX)
  file(SIZE "${path}" size)
  # In pieces: a literal of more than 64 kB is more than the standard promises.
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "\\\\x\\1" content "${content}")
  string(REGEX REPLACE "(\\\\x[0-9a-f][0-9a-f]\\\\x[0-9a-f][0-9a-f]\\\\x[0-9a-f][0-9a-f]\\\\x[0-9a-f][0-9a-f]\\\\x[0-9a-f][0-9a-f]\\\\x[0-9a-f][0-9a-f]\\\\x[0-9a-f][0-9a-f]\\\\x[0-9a-f][0-9a-f])" "\\1\"\n\"" content "${content}")
  string(APPEND entries "    embedded_file{\"${name}\", {\n\"${content}\", ${size}}},\n")
  math(EXPR count "${count} + 1")
endforeach()
file(WRITE "${OUT}.new" "// Made from the files of web/. Not to be edited.
#include \"web/embedded.hpp\"

#include <array>

namespace janji::web {
namespace {
constexpr std::array<embedded_file, ${count}> files{{
${entries}}};
}  // namespace
std::span<const embedded_file> embedded_files() { return files; }
}  // namespace janji::web
")
file(RENAME "${OUT}.new" "${OUT}")
