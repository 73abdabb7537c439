# The HTTP session without the rest of net/, which needs CAF.
add_library(fuzz_http STATIC ${CMAKE_SOURCE_DIR}/net/http.cpp ${CMAKE_SOURCE_DIR}/net/listener.cpp ${CMAKE_SOURCE_DIR}/net/messages.cpp ${CMAKE_SOURCE_DIR}/net/problem.cpp
                             ${CMAKE_SOURCE_DIR}/net/session.cpp ${CMAKE_SOURCE_DIR}/net/session_reading.cpp
                             ${CMAKE_SOURCE_DIR}/net/session_words.cpp ${CMAKE_SOURCE_DIR}/store/secret.cpp ${CMAKE_SOURCE_DIR}/store/wiping.cpp)
target_link_libraries(fuzz_http PUBLIC janji_flags janji_tables janji_asio janji_booking Threads::Threads PkgConfig::SODIUM fmt::fmt)
janji_fuzz(http_session DEPS fuzz_http)
