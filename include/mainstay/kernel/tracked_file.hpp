// Tracked files: reads their numbers and watches them for changes. These calls may block on a failing disk, so only the
// watcher process uses them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mainstay/base/error.hpp"
#include "mainstay/base/unique_fd.hpp"

namespace mainstay::kernel {

// The beginning of the file (wire::kTrackFileBytes). Errc::NotFound: it does not exist. Errc::Unsupported: it is not a
// regular file, or on a file system without notifications of changes: network, FUSE, proc, sysfs and read-only ones, as
// in keepalived. These are recognised by /proc/self/mountinfo, so that a hanging server is not contacted.
[[nodiscard]] Result<std::string> read_tracked_file(const std::string& path);

// The file systems that are mounted, by mountinfo: no server is contacted.
class MountedTypes {
public:
    [[nodiscard]] static MountedTypes read();
    [[nodiscard]] std::string of(const std::string& path) const;  // the type of the file system of a path
    // Whether it is one of those without notifications.
    [[nodiscard]] bool unreported(const std::string& path) const;

private:
    struct Mount {
        std::string point, type;
    };
    std::vector<Mount> mounts_;
};

// What differs when a file was replaced or written. A link is followed.
struct FileFacts {
    std::uint64_t device = 0, inode = 0, size = 0;
    std::int64_t born_ns = 0;     // tells it from a later file with its inode; 0: the file system does not say
    std::int64_t changed_ns = 0;  // its content or its inode
    bool operator==(const FileFacts&) const = default;
    [[nodiscard]] bool is_same_file(const FileFacts& other) const {
        return device == other.device && inode == other.inode && born_ns == other.born_ns;
    }
};
// None: there is none, or it cannot be looked at. Not asked on the file systems that are refused above.
[[nodiscard]] std::optional<FileFacts> facts_of(const std::string& path, const MountedTypes& mounts);

// A whole file, for which the same holds, but a read-only file system is no obstacle. Errc::Limit: it is larger.
[[nodiscard]] Result<std::string> read_whole_file(const std::string& path, std::size_t bytes_max);

// Creates the file with this number; an existing file is overwritten if `overwrite` is set, else left unchanged.
// Follows no symbolic link.
[[nodiscard]] Result<void> make_tracked_file(const std::string& path, std::int64_t value, bool overwrite);

// Reports which files of watched folders were written and closed, moved or deleted.
class FolderWatch {
public:
    [[nodiscard]] static Result<FolderWatch> open();
    [[nodiscard]] int fd() const { return fd_.get(); }
    // Returns the folder's number in the events of read(). A folder that is watched already keeps its number.
    [[nodiscard]] Result<int> add(const std::string& folder);
    void leave(int number);  // the folder of this number, which may be gone already

    struct Event {
        int folder = 0;
        std::string name;   // empty: the folder itself
        bool gone = false;  // the folder is no longer watched: it was deleted, moved or unmounted
        bool lost = false;  // events were lost: read all files again
    };
    [[nodiscard]] std::vector<Event> read();  // the pending events

private:
    explicit FolderWatch(UniqueFd fd) : fd_{std::move(fd)} {}
    UniqueFd fd_;
};

}  // namespace mainstay::kernel
