// Follows files by their paths, whatever leads there. A file is reported when it was written and closed, replaced or
// removed (inotify says so: the folder that the path names is watched, and the one to which it leads through links),
// and when the path leads to another file because a link or a folder further up was replaced. inotify says nothing of
// those, so each path is also looked at once a second.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <utility>

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "mainstay/base/log.hpp"
#include "mainstay/kernel/tracked_file.hpp"

namespace mainstay::role {

inline constexpr std::chrono::seconds kPathLook{1};

class FollowedPaths {
public:
    using Changed = std::function<void(std::size_t)>;  // the path's place in the list
    // The folders are watched when it returns: a file that is read then misses no change.
    FollowedPaths(boost::asio::io_context& loop, Log& log, std::vector<std::string> paths, Changed changed);

private:
    // A folder that is watched, and the file's name in it.
    struct Place {
        std::string name;
        std::optional<int> folder;
    };
    struct Path {
        std::string path;
        Place named;    // as the path says
        Place reached;  // where it leads through links
        std::optional<kernel::FileFacts> seen;
        bool suspect = false;  // to be looked at
        bool changed = true;   // to be reported, whatever the look shows
    };
    void listen();
    void take_events();
    void look_at_suspects();
    void look_later();
    [[nodiscard]] bool has_changed(Path& path);
    void watch(Path& path);
    void watch(Place& place, const std::string& path);
    void leave_old_folders();

    std::vector<Path> paths_;
    Changed changed_;
    kernel::MountedTypes mounts_;
    std::optional<kernel::FolderWatch> watch_;
    std::set<int> old_folders_;  // perhaps no longer needed
    boost::asio::posix::stream_descriptor ready_;
    boost::asio::steady_timer timer_;
};

}  // namespace mainstay::role
