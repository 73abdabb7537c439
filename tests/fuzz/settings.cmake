add_library(fuzz_settings STATIC ${CMAKE_SOURCE_DIR}/apps/settings.cpp ${CMAKE_SOURCE_DIR}/apps/variables.cpp ${CMAKE_SOURCE_DIR}/apps/whole_files.cpp
            ${CMAKE_SOURCE_DIR}/store/regular_file.cpp)
target_link_libraries(fuzz_settings PUBLIC janji_flags janji_booking tomlplusplus::tomlplusplus fmt::fmt)
janji_fuzz(settings DEPS fuzz_settings)
