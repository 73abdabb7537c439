// What a node is as a process: which signals mean something to it, what others may read of it, and how its log lines look.
#pragma once

#include <string>

namespace janji::apps {

// Before anything else. A reader that goes away (a pipe of the log's, a terminal) ends nothing; files are made for nobody else; no core is
// written, which would hold keys and names, and nobody but root looks into the process.
void begin_process();
// Lines on stderr: [2021-05-26T04:00:00.123Z] [janjid] [info] text. Of lines that differ in numbers alone a hundred are
// said in ten seconds, and how many others there were with the next.
void begin_log(const std::string& level);

}  // namespace janji::apps
