// Watches the files of real servers (real_server_file), and reports the servers of each whenever it was written,
// renamed into place or deleted. Everything that a file may be (large, malformed, a folder, hanging) is met here, in
// the process that may hang; the lvs role gets servers, or the reason why there are none.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <utility>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "mainstay/base/log.hpp"
#include "mainstay/base/unique_fd.hpp"
#include "mainstay/config/server_file.hpp"
#include "mainstay/ipc/message.hpp"
#include "mainstay/kernel/tracked_file.hpp"

namespace mainstay::role {

// Changes within this time are read once.
inline constexpr std::chrono::milliseconds kServerFilePause{20};
// Files whose folder is missing are looked for this often.
inline constexpr std::chrono::seconds kServerFolderRetry{1};
// After so many of these looks a file is read again without a notification, if it has changed since the last but one:
// a link on its way may lead elsewhere. One that is being written would be half there.
inline constexpr int kServerFileAudit = 10;

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
        std::string folder;
        std::optional<int> number;  // of the folder, while it is watched
        std::optional<kernel::FileFacts> seen, audited;
        std::string problem;   // reported last
        bool dirty = true;     // to be read
        bool read = false;     // at least once
        bool suspect = false;  // something in its folder has changed
    };
    void listen();
    void take_events();
    void look_at_folders();
    void audit();
    void begin_reading();
    void read_slice();
    void read(Source& source);

    Log& log_;
    Report report_;
    std::vector<Source> sources_;
    std::optional<kernel::FolderWatch> watch_;
    boost::asio::posix::stream_descriptor ready_;
    boost::asio::steady_timer retry_, pause_, slice_;
    bool reading_ = false;    // a slice is to come
    std::size_t unread_ = 0;  // sources that were never read
    std::size_t next_ = 0;    // the source that the next slice begins with: one that is always written delays no other
    int looks_until_audit_ = kServerFileAudit;
};

}  // namespace mainstay::role
