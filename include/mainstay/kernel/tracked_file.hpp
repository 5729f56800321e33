// Files that hold a number and are watched for changes. Whoever calls these may be held up by a sick disk: they are
// the watcher process's, never a role's.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mainstay/base/error.hpp"
#include "mainstay/base/unique_fd.hpp"

namespace mainstay::kernel {

// The beginning of the file (wire::kTrackFileBytes). Errc::NotFound: there is none. Errc::Unsupported: it is no regular
// file, or lies where changes are not told of: network, FUSE, proc, sysfs and read-only filesystems, as keepalived
// refuses them. Mounts of that kind are known by /proc/self/mountinfo, so that a hanging server is not even asked.
[[nodiscard]] Result<std::string> read_tracked_file(const std::string& path);

// Made new with this number, or written over; no symbolic link is followed. Nothing happens when it is there and is not
// to be written over.
[[nodiscard]] Result<void> make_tracked_file(const std::string& path, std::int64_t value, bool overwrite);

// Tells which files of some folders were written and closed, moved or deleted.
class FolderWatch {
public:
    [[nodiscard]] static Result<FolderWatch> open();
    [[nodiscard]] int fd() const { return fd_.get(); }
    // The folder's number in what read() tells. One that is watched already keeps its number.
    [[nodiscard]] Result<int> add(const std::string& folder);

    struct Event {
        int folder = 0;
        std::string name;   // empty: the folder itself
        bool gone = false;  // the folder is watched no more: it was deleted, moved or unmounted
        bool lost = false;  // events were lost: look at everything
    };
    [[nodiscard]] std::vector<Event> read();  // what waits

private:
    explicit FolderWatch(UniqueFd fd) : fd_{std::move(fd)} {}
    UniqueFd fd_;
};

}  // namespace mainstay::kernel
