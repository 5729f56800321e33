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

class ServerFileWatcher {
public:
    // With the servers' descriptor, a sealed ipc::ServerList, unless there is a problem.
    using Report = std::function<void(const ipc::ServerFileRead&, UniqueFd servers)>;
    // Reports each source before it returns, and then each change.
    ServerFileWatcher(boost::asio::io_context& loop, Log& log, Report report,
                      std::vector<config::ServerFileSource> sources);

private:
    struct Source {
        config::ServerFileSource source;
        std::string folder;
        std::optional<int> number;  // of the folder, while it is watched
        std::optional<kernel::FileFacts> seen, audited;
        std::string problem;   // reported last
        bool dirty = true;     // to be read
        bool suspect = false;  // something in its folder has changed
    };
    void listen();
    void take_events();
    void look_at_folders();
    void audit();
    void read_dirty();
    void read(Source& source);

    Log& log_;
    Report report_;
    std::vector<Source> sources_;
    std::optional<kernel::FolderWatch> watch_;
    boost::asio::posix::stream_descriptor ready_;
    boost::asio::steady_timer retry_, pause_;
    int looks_until_audit_ = kServerFileAudit;
};

}  // namespace mainstay::role
