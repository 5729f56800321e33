#include "mainstay/kernel/tracked_file.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <fstream>
#include <utility>

#include "mainstay/kernel/process.hpp"
#include "mainstay/wire/track_value.hpp"
#include "mount_table.hpp"

namespace mainstay::kernel {
namespace {

constexpr std::uint32_t kWatched =
    IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
constexpr std::size_t kEventBytes = 64UL * 1024U;
constexpr std::size_t kPieceBytes = 256UL * 1024U;  // read at once

// File systems without notifications of remote changes, by their numbers in statfs() and their names in mountinfo.
constexpr std::array<std::uint32_t, 14> kRefusedNumbers{NFS_SUPER_MAGIC,
                                                        SMB_SUPER_MAGIC,
                                                        0xFE534D42 /* smb2 */,
                                                        0xFF534D42 /* cifs */,
                                                        NCP_SUPER_MAGIC,
                                                        CODA_SUPER_MAGIC,
                                                        AFS_SUPER_MAGIC,
                                                        0x00C36400 /* ceph */,
                                                        V9FS_MAGIC,
                                                        0x65735546 /* fuse */,
                                                        PROC_SUPER_MAGIC,
                                                        SYSFS_MAGIC,
                                                        0x7461636f /* ocfs2 */,
                                                        0x0BD00BD0 /* lustre */};
constexpr std::array<std::string_view, 15> kRefusedNames{"nfs",   "nfs4",  "smb3",   "smbfs", "cifs",
                                                         "ncpfs", "coda",  "afs",    "ceph",  "9p",
                                                         "proc",  "sysfs", "autofs", "ocfs2", "lustre"};

std::unexpected<Error> refuse(const std::string& path, std::string_view where) {
    return fail(Errc::Unsupported, path + " is not tracked: " + std::string{where});
}

bool refused_type(std::string_view type) {
    return type.starts_with("fuse") || std::ranges::find(kRefusedNames, type) != kRefusedNames.end();
}

// A regular file whose changes the kernel reports.
Result<UniqueFd> open_watched(const std::string& path, bool may_be_read_only) {
    if (const std::string type = MountedTypes::read().of(path); refused_type(type))
        return refuse(path, "changes on a filesystem of type " + type + " are not reported");
    UniqueFd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
    if (!fd) return fail_system("read " + path, errno);
    struct stat facts{};
    struct statfs system{};
    if (::fstat(fd.get(), &facts) != 0 || ::fstatfs(fd.get(), &system) != 0)
        return fail_system("look at " + path, errno);
    if (!S_ISREG(facts.st_mode)) return refuse(path, "it is no regular file");
    if (std::ranges::find(kRefusedNumbers, static_cast<std::uint32_t>(system.f_type)) != kRefusedNumbers.end())
        return refuse(path, "changes on such a filesystem are not reported");
    if (!may_be_read_only && (static_cast<unsigned long>(system.f_flags) & ST_RDONLY) != 0)
        return refuse(path, "its filesystem is read-only");
    return fd;
}

}  // namespace

Result<std::string> read_tracked_file(const std::string& path) {
    const auto fd = open_watched(path, false);
    if (!fd) return error_of(fd);
    std::string text(wire::kTrackFileBytes, '\0');
    const ssize_t got = ::read(fd->get(), text.data(), text.size());
    if (got < 0) return fail_system("read " + path, errno);
    text.resize(static_cast<std::size_t>(got));
    return text;
}

MountedTypes MountedTypes::read() {
    std::ifstream mountinfo{"/proc/self/mountinfo"};
    MountedTypes all;
    for (auto& mount : read_mounts(mountinfo)) all.mounts_.push_back({std::move(mount.point), std::move(mount.type)});
    return all;
}

std::string MountedTypes::of(const std::string& path) const {
    std::string type;
    std::size_t longest = 0;
    for (const auto& [point, its_type] : mounts_) {
        const bool root = point == "/";
        const bool under = root || (path.starts_with(point) && path.size() > point.size() && path[point.size()] == '/');
        if (!under || point.size() < longest) continue;  // of several mounts at a mount point the last one counts
        longest = point.size();
        type = its_type;
    }
    return type;
}

bool MountedTypes::unreported(const std::string& path) const { return refused_type(of(path)); }

std::optional<FileFacts> facts_of(const std::string& path, const MountedTypes& mounts) {
    struct statx facts{};
    if (mounts.unreported(path) || ::statx(AT_FDCWD, path.c_str(), 0, STATX_BASIC_STATS | STATX_BTIME, &facts) != 0)
        return std::nullopt;
    const auto ns = [](const statx_timestamp& at) { return at.tv_sec * 1'000'000'000 + at.tv_nsec; };
    return FileFacts{.device = std::uint64_t{facts.stx_dev_major} << 32U | facts.stx_dev_minor,
                     .inode = facts.stx_ino,
                     .size = facts.stx_size,
                     .born_ns = (facts.stx_mask & STATX_BTIME) != 0 ? ns(facts.stx_btime) : 0,
                     .changed_ns = ns(facts.stx_ctime)};
}

Result<std::string> read_whole_file(const std::string& path, std::size_t bytes_max) {
    const auto fd = open_watched(path, true);
    if (!fd) return error_of(fd);
    std::string text;
    for (;;) {
        const std::size_t before = text.size();
        text.resize(std::min(before + kPieceBytes, bytes_max + 1));
        const ssize_t got = ::read(fd->get(), text.data() + before, text.size() - before);
        if (got < 0 && errno == EINTR) {
            text.resize(before);
            continue;
        }
        if (got < 0) return fail_system("read " + path, errno);
        text.resize(before + static_cast<std::size_t>(got));
        if (got == 0) return text;
        if (text.size() > bytes_max)
            return fail(Errc::Limit, path + " is larger than " + std::to_string(bytes_max) + " bytes");
    }
}

Result<void> make_tracked_file(const std::string& path, std::int64_t value, bool overwrite) {
    struct stat facts{};
    if (!overwrite && ::lstat(path.c_str(), &facts) == 0) return {};
    return write_file_safely(path, std::to_string(value) + "\n", 0644);
}

Result<FolderWatch> FolderWatch::open() {
    UniqueFd fd{::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)};
    if (!fd) return fail_system("inotify", errno);
    return FolderWatch{std::move(fd)};
}

Result<int> FolderWatch::add(const std::string& folder) {
    const int number = ::inotify_add_watch(fd_.get(), folder.c_str(), kWatched);
    if (number < 0) return fail_system("watch the folder " + folder, errno);
    return number;
}

void FolderWatch::leave(int number) { ::inotify_rm_watch(fd_.get(), number); }

std::vector<FolderWatch::Event> FolderWatch::read() {
    std::vector<Event> events;
    alignas(inotify_event) std::array<char, kEventBytes> buffer;
    const ssize_t got = ::read(fd_.get(), buffer.data(), buffer.size());
    for (std::size_t at = 0; got > 0 && at + sizeof(inotify_event) <= static_cast<std::size_t>(got);) {
        inotify_event event{};
        std::memcpy(&event, buffer.data() + at, sizeof event);
        const char* name = buffer.data() + at + sizeof event;
        events.push_back({.folder = event.wd,
                          .name = event.len == 0 ? std::string{} : std::string{name, ::strnlen(name, event.len)},
                          .gone = (event.mask & (IN_IGNORED | IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT)) != 0,
                          .lost = (event.mask & IN_Q_OVERFLOW) != 0});
        at += sizeof event + event.len;
    }
    return events;
}

}  // namespace mainstay::kernel
