#include "pid_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <sstream>

#include "mainstay/kernel/process.hpp"

namespace mainstay::role {

namespace {

constexpr std::size_t kNameMax = 15;

std::string name_of_process(int pid) {
    std::ifstream file{"/proc/" + std::to_string(pid) + "/comm"};
    std::string name;
    std::getline(file, name);
    return name;
}

// The kernel cuts the name of a process.
bool is_called(const std::string& name, const std::string& program) { return name == program.substr(0, kNameMax); }

constexpr int kAttemptsMax = 100;

// `who` names the daemon that runs.
std::unexpected<Error> running_already(const std::string& who) {
    return fail(Errc::Exists, "daemon is already running: " + who + std::string{kNameAnother});
}

// What stands at a pid file's place; empty: a regular file of no other name.
std::string_view kind_of(const struct stat& facts) {
    switch (facts.st_mode & S_IFMT) {
        case S_IFREG:
            return facts.st_nlink > 1 ? "another name of a file" : "";
        case S_IFLNK:
            return "a symbolic link";
        case S_IFDIR:
            return "a folder";
        case S_IFIFO:
            return "a FIFO";
        case S_IFSOCK:
            return "a socket";
        default:
            return "a device";
    }
}

Result<void> own_file(const std::string& path, const struct stat& facts) {
    const auto kind = kind_of(facts);
    if (kind.empty()) return {};
    return fail(Errc::Invalid, fmt::format("pid file {} is {}, and no file of its own: remove it, or name another pid "
                                           "file",
                                           path, kind));
}

// A line of /proc/locks: "1: FLOCK  ADVISORY  WRITE 1234 08:01:5678 0 EOF", the device in hexadecimal numbers.
int holder_in(const std::string& line, const std::string& file) {
    std::istringstream words{line};
    std::string number, kind, mode, access, pid, device_and_inode;
    words >> number >> kind >> mode >> access >> pid >> device_and_inode;
    int holder = 0;
    if (device_and_inode == file) std::from_chars(pid.data(), pid.data() + pid.size(), holder);
    return std::max(holder, 0);
}

// The process that has locked the file; 0: not known, for it is in another PID namespace.
int holder_of(const struct stat& facts) {
    const auto file = fmt::format("{:02x}:{:02x}:{}", major(facts.st_dev), minor(facts.st_dev), facts.st_ino);
    std::ifstream locks{"/proc/locks"};
    for (std::string line; std::getline(locks, line);)
        if (const int holder = holder_in(line, file); holder != 0) return holder;
    return 0;
}

// False: another process has locked it, in one of two ways, which do not see each other.
bool take_lock(int file) {
    struct flock whole{};
    whole.l_type = F_WRLCK;
    if (::fcntl(file, F_GETLK, &whole) == 0 && whole.l_type != F_UNLCK) return false;
    return ::flock(file, LOCK_EX | LOCK_NB) == 0;
}

std::unexpected<Error> locked_by(const std::string& path, const struct stat& facts, const std::string& program) {
    const int holder = holder_of(facts);
    const auto name = name_of_process(holder);
    if (name.empty() || is_called(name, program)) return running_already(path + " is locked by another process");
    return fail(Errc::State, fmt::format("pid file {} is locked by process {} ({}), which is another program: end it, "
                                         "or name another pid file",
                                         path, holder, name));
}

// A process that ends may have removed the file between its opening here and its lock. O_NONBLOCK: it may have become a
// FIFO since it was looked at.
Result<UniqueFd> open_locked(const std::string& path, const std::string& program) {
    for (int attempt = 1;; ++attempt) {
        if (auto is_free = free_for_pid_file(path); !is_free) return error_of(is_free);
        UniqueFd fd{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0644)};
        if (!fd) return fail_system("open pid file " + path, errno);
        struct stat opened{};
        struct stat there{};
        if (::fstat(fd.get(), &opened) != 0) return fail_system("fstat pid file " + path, errno);
        if (auto own = own_file(path, opened); !own) return error_of(own);
        if (!take_lock(fd.get())) return locked_by(path, opened, program);
        if (::stat(path.c_str(), &there) == 0 && opened.st_ino == there.st_ino) return fd;
        if (attempt == kAttemptsMax) return fail(Errc::Io, "pid file " + path + " is removed again and again");
    }
}

int pid_of(int file) {
    std::array<char, 32> text{};
    const auto got = ::pread(file, text.data(), text.size() - 1, 0);
    int pid = 0;
    if (got > 0) std::from_chars(text.data(), text.data() + got, pid);
    return pid;
}

bool is_living(int pid, const std::string& program) {
    return pid != 0 && pid != ::getpid() && kernel::process_alive(pid) && is_called(name_of_process(pid), program);
}

constexpr const char* kPeer = "keepalived";  // does not lock its pid file

}  // namespace

Result<void> free_for_pid_file(const std::string& path) {
    struct stat there{};
    if (::lstat(path.c_str(), &there) == 0) return own_file(path, there);
    return {};
}

int pid_in(const std::string& path) {
    const UniqueFd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)};
    return fd ? pid_of(fd.get()) : 0;
}

void remove_stale_pid_file(const std::string& path, const std::string& program) {
    if (free_for_pid_file(path) && !is_living(pid_in(path), program)) ::unlink(path.c_str());
}

Result<PidFile> PidFile::claim(const std::string& path, const std::string& program) {
    auto fd = open_locked(path, program);
    if (!fd) return error_of(fd);
    const int pid = pid_of(fd->get());
    if (is_living(pid, program)) return running_already("process " + std::to_string(pid) + " of " + path);
    if (is_living(pid, kPeer))
        return fail(
            Errc::Exists,
            fmt::format("pid file {} is that of process {} ({}), which runs: name another pid file", path, pid, kPeer));
    const std::string own = std::to_string(::getpid()) + "\n";
    if (::ftruncate(fd->get(), 0) != 0 || ::pwrite(fd->get(), own.data(), own.size(), 0) < 0)
        return fail_system("write pid file " + path, errno);
    PidFile file;
    file.path_ = path;
    file.lock_ = std::move(*fd);
    return file;
}

PidFile PidFile::adopt(const std::string& path, UniqueFd lock) {
    PidFile file;
    file.path_ = path;
    file.lock_ = std::move(lock);
    return file;
}

PidFile& PidFile::operator=(PidFile&& other) noexcept {
    remove();
    path_ = std::move(other.path_);
    lock_ = std::move(other.lock_);
    return *this;
}

// The file is unlinked while it is still locked. It may be another daemon's by now: programs that start daemons remove
// the file of one that they stop, and start the next one at once.
void PidFile::remove() {
    if (lock_ && pid_in(path_) == ::getpid()) ::unlink(path_.c_str());
    lock_.reset();
}

}  // namespace mainstay::role
