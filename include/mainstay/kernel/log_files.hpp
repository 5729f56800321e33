// stderr and stdout where they are files. A file system may hang, and a write to a file then waits, whatever its flags
// are. So a process of its own writes the file, and all others write to a pipe that it reads, as they would to any
// other reader that may stop (log_stream.hpp).
#pragma once

#include <chrono>
#include <vector>

#include "mainstay/base/error.hpp"
#include "mainstay/base/unique_fd.hpp"

namespace mainstay::kernel {

// What the last process of the daemon has written may take this long to be in the file.
inline constexpr std::chrono::milliseconds kLastFileWait{1000};

class LogFiles {
public:
    // `console`, `json`: whether log lines go to stderr, to stdout. Call it before threads are started.
    LogFiles(bool console, bool json);
    // Gives them back, and waits until all lines are in their files, for kLastFileWait at most.
    ~LogFiles();
    LogFiles(const LogFiles&) = delete;
    LogFiles& operator=(const LogFiles&) = delete;

    // Puts pipes in the place of the files, for this process and those that it starts. An error leaves a file as it is.
    [[nodiscard]] Result<void> take();
    // Starts again those that have ended, because somebody killed them, and returns how many: what was written
    // meanwhile waits in their pipes.
    [[nodiscard]] Result<int> restart_ended();
    // Undoes it, for a program that is about to be executed in this place; who has a pipe keeps it.
    void give_back();

private:
    struct File {
        int descriptor;
        UniqueFd file;     // the one that it had; not set: it is in its place
        UniqueFd lines;    // the end of the pipe that is read
        UniqueFd written;  // hangs up when the process that writes the file has ended
    };
    [[nodiscard]] static Result<void> take(File& one);
    [[nodiscard]] static Result<void> start_writer(File& one);

    std::vector<File> files_;
};

}  // namespace mainstay::kernel
