# Included by tests/fuzz/CMakeLists.txt when JANJI_FUZZ is on; needs clang-19 (libFuzzer). Seeds: tests/schema/samples/v1.
add_executable(schema_fuzz ${CMAKE_CURRENT_LIST_DIR}/schema_fuzz.cpp)
target_compile_options(schema_fuzz PRIVATE -fsanitize=fuzzer)
target_link_options(schema_fuzz PRIVATE -fsanitize=fuzzer)
target_link_libraries(schema_fuzz PRIVATE janji_flags janji_schema)
