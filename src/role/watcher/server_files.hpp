// Watches the files of real servers (real_server_file), and reports the servers of each whenever it has changed.
// Everything that a file may be (large, malformed, a folder, hanging) is met here, in the process that may hang; the
// lvs role gets servers, or the reason why there are none.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <utility>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "followed_paths.hpp"
#include "mainstay/base/log.hpp"
#include "mainstay/base/unique_fd.hpp"
#include "mainstay/config/server_file.hpp"
#include "mainstay/ipc/message.hpp"

namespace mainstay::role {

// Changes within this time are read once.
inline constexpr std::chrono::milliseconds kServerFilePause{20};
// So long files are read in one go; then the loop has its turn (a heartbeat, what was read is sent). A thousand files
// on a busy machine take longer than the supervisor waits for a heartbeat.
inline constexpr std::chrono::milliseconds kServerFileSlice{20};

class ServerFileWatcher {
public:
    // With the servers' descriptor, a sealed ipc::ServerList, unless there is a problem.
    using Report = std::function<void(const ipc::ServerFileRead&, UniqueFd servers)>;
    // Reports each source as soon as the loop runs, and then each change.
    ServerFileWatcher(boost::asio::io_context& loop, Log& log, Report report,
                      std::vector<config::ServerFileSource> sources);
    // Whether each source has been reported once. It is true no later than the report of the last one.
    [[nodiscard]] bool has_read_all() const { return unread_ == 0; }

private:
    struct Source {
        config::ServerFileSource source;
        std::string problem;  // reported last
        bool dirty = true;    // to be read
        bool read = false;    // at least once
    };
    void note_change(Source& source);
    void begin_reading();
    void read_slice();
    void read(Source& source);

    Report report_;
    std::vector<Source> sources_;
    std::optional<FollowedPaths> paths_;
    boost::asio::steady_timer pause_, slice_;
    bool reading_ = false;    // a slice is to come
    std::size_t unread_ = 0;  // sources that were never read
    std::size_t next_ = 0;    // the source that the next slice begins with: one that is always written delays no other
};

}  // namespace mainstay::role
