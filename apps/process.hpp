// What a node is as a process: which signals mean something to it, what others may read of it, and how its log lines look.
#pragma once

#include <string>
#include <string_view>

namespace janji::apps {

// Before anything else. A reader that goes away (a pipe of the log's, a terminal) ends nothing; standard streams that were closed are held,
// so that no file of the store becomes one of them; files are made for nobody else; no core is written, which would hold keys and names,
// and nobody but root looks into the process.
void begin_process();
// Lines on stderr: [2021-05-26T04:00:00.123Z] [janjid] [info] text. Of lines that differ in numbers alone a hundred are
// said in ten seconds, and how many others there were with the next. Nobody who logs waits for whoever reads (standard_lines.hpp).
void begin_log(const std::string& level);
// Waits a second at most until what was logged is written.
void end_log();
// A line on stdout; nobody waits for who reads it.
void say(const std::string& line);
// The last line of a process, on stderr, after all that was logged; waits a second at most for who reads it.
void say_last(const std::string& line);
// To a descriptor whose reader may have gone or stopped: waits a second at most. For handlers of signals too.
void write_if_read(int fd, std::string_view text) noexcept;

}  // namespace janji::apps
