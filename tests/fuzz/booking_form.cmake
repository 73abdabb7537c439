add_library(fuzz_form STATIC ${CMAKE_SOURCE_DIR}/net/booking_form.cpp ${CMAKE_SOURCE_DIR}/net/http.cpp ${CMAKE_SOURCE_DIR}/net/messages.cpp ${CMAKE_SOURCE_DIR}/net/problem.cpp ${CMAKE_SOURCE_DIR}/net/request_rules.cpp)
target_link_libraries(fuzz_form PUBLIC janji_flags janji_tables janji_booking janji_schema Boost::json fmt::fmt)
janji_fuzz(booking_form DEPS fuzz_form)
