#include "pid_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <fstream>

#include "mainstay/kernel/process.hpp"

namespace mainstay::role {

namespace {

std::string name_of_process(int pid) {
    std::ifstream file{"/proc/" + std::to_string(pid) + "/comm"};
    std::string name;
    std::getline(file, name);
    return name;
}

constexpr int kAttemptsMax = 100;

// `who` names the daemon that runs.
std::unexpected<Error> running_already(const std::string& who) {
    return fail(Errc::Exists, "daemon is already running: " + who + std::string{kNameAnother});
}

// A process that ends may have removed the file between its opening here and its lock.
Result<UniqueFd> open_locked(const std::string& path) {
    for (int attempt = 1;; ++attempt) {
        UniqueFd fd{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644)};
        if (!fd) return fail_system("open pid file " + path, errno);
        if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) return running_already(path + " is locked by another process");
        struct stat locked{};
        struct stat there{};
        if (::fstat(fd.get(), &locked) == 0 && ::stat(path.c_str(), &there) == 0 && locked.st_ino == there.st_ino)
            return fd;
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
    return pid != 0 && pid != ::getpid() && kernel::process_alive(pid) && name_of_process(pid) == program;
}

}  // namespace

int pid_in(const std::string& path) {
    const UniqueFd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)};
    return fd ? pid_of(fd.get()) : 0;
}

void remove_stale_pid_file(const std::string& path, const std::string& program) {
    if (!is_living(pid_in(path), program)) ::unlink(path.c_str());
}

Result<PidFile> PidFile::claim(const std::string& path, const std::string& program) {
    auto fd = open_locked(path);
    if (!fd) return std::unexpected{std::move(fd.error())};
    const int pid = pid_of(fd->get());
    if (is_living(pid, program)) return running_already("process " + std::to_string(pid) + " of " + path);
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
