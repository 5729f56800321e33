// A pid file that its process keeps locked. The lock distinguishes a live file from a stale one; the number in it may
// belong to another process by now.
#pragma once

#include <string>
#include <string_view>

#include "mainstay/base/error.hpp"
#include "mainstay/base/unique_fd.hpp"

namespace mainstay::role {

// Ends the message that a daemon is already running.
inline constexpr std::string_view kNameAnother =
    " (a further daemon needs a pid file or a name of its own: -p FILE, or instance NAME outside of all blocks)";

// The number in a pid file; 0: there is none.
[[nodiscard]] int pid_in(const std::string& path);

// An error: what stands there is no file that a pid file may replace: a link, another name of a file, a FIFO, a folder.
[[nodiscard]] Result<void> free_for_pid_file(const std::string& path);

// Removes the pid file of a child of an earlier daemon, which has not removed it: unless the process that it names is
// alive and is called `program`, for it may be another daemon's.
void remove_stale_pid_file(const std::string& path, const std::string& program);

class PidFile {
public:
    // Errc::Exists: another process, of this name as far as is known, has locked it, or it is not locked but the
    // process it names is alive and is called `program` or keepalived, which does not lock its pid file.
    // Errc::State: another program has locked it.
    [[nodiscard]] static Result<PidFile> claim(const std::string& path, const std::string& program);
    // Takes over the lock and the file after an upgrade.
    [[nodiscard]] static PidFile adopt(const std::string& path, UniqueFd lock);
    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] int lock() const { return lock_.get(); }
    PidFile() = default;
    PidFile(PidFile&&) = default;
    PidFile& operator=(PidFile&& other) noexcept;
    ~PidFile() { remove(); }
    void remove();

private:
    std::string path_;
    UniqueFd lock_;
};

}  // namespace mainstay::role
