#include "log_stream.hpp"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <system_error>
#include <utility>

#include "mainstay/base/unique_fd.hpp"

namespace mainstay::kernel {

namespace {

bool never_waits(int fd) {
    const int flags = ::fcntl(fd, F_GETFL);
    return flags >= 0 && (flags & O_NONBLOCK) != 0;
}

// Opens a pipe or a terminal anew and puts it in the place of `fd`. O_NONBLOCK belongs to the open file, which programs
// outside of this daemon share (a shell, a container's entry point): it is not set on theirs. Processes that this one
// starts inherit it. It fails for a pipe of another account, and without /proc.
void open_without_waiting(int fd) {
    const std::string path = "/proc/self/fd/" + std::to_string(fd);
    const UniqueFd own{::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)};
    if (own) (void)::dup2(own.get(), fd);
}

// At most PIPE_BUF bytes are written to a pipe as a whole or not at all, so that lines of several processes do not mix.
std::string_view whole_lines(std::string_view bytes) {
    if (bytes.size() <= PIPE_BUF) return bytes;
    const auto last = bytes.rfind('\n', PIPE_BUF - 1);
    return bytes.substr(0, (last == std::string_view::npos ? bytes.find('\n') : last) + 1);
}

}  // namespace

bool wait_for(int descriptor, short events, std::chrono::steady_clock::time_point end) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now()).count();
    pollfd waited{.fd = descriptor, .events = events, .revents = 0};
    return left > 0 && ::poll(&waited, 1, static_cast<int>(left)) > 0;
}

LogStream::LogStream(int descriptor, std::string name) : descriptor_{descriptor}, name_{std::move(name)} {
    struct stat facts{};
    if (::fstat(descriptor, &facts) != 0) return;
    socket_ = S_ISSOCK(facts.st_mode);
    pipe_ = S_ISFIFO(facts.st_mode);
    if ((pipe_ || ::isatty(descriptor) == 1) && !never_waits(descriptor)) open_without_waiting(descriptor);
}

LogStream::~LogStream() {
    again_ = nullptr;
    const auto end = std::chrono::steady_clock::now() + kLastWait;
    for (flush(); !pending_.empty(); try_to_write())
        if (!wait_for(descriptor_, POLLOUT, end)) return;
}

void LogStream::write(std::string_view line) {
    if (pending_.size() + line.size() > kBacklogBytesMax) try_to_write();
    if (pending_.size() + line.size() > kBacklogBytesMax) {
        error_ = 0;
        ++lost_;
        return;
    }
    const bool first = pending_.empty();
    pending_.append(line);
    if (!later_ || pending_.size() >= kGatheredBytesMax) return try_to_write();
    if (first) later_();
}

void LogStream::flush() {
    again_due_ = false;
    try_to_write();
}

std::string LogStream::unreported() const {
    if (lost_ == reported_ || !pending_.empty()) return {};
    return std::to_string(lost_ - reported_) + " log lines were lost: " + name_ +
           (error_ == 0 ? " was not read" : ": " + std::generic_category().message(error_));
}

void LogStream::write_loss(std::string_view line) {
    reporting_ = lost_ - reported_;
    pending_.append(line);
    try_to_write();
}

void LogStream::try_to_write() {
    if (repair_ && !pending_.empty() && write_some("\n") == 1) repair_ = false;
    std::size_t done = 0;
    while (done < pending_.size()) {
        const auto rest = std::string_view{pending_}.substr(done);
        const auto written = write_some(pipe_ ? whole_lines(rest) : rest);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0 && errno == EAGAIN) {
            pending_.erase(0, done);
            if (again_ && !std::exchange(again_due_, true)) again_();
            return;
        }
        if (written <= 0) return drop(done);
        done += static_cast<std::size_t>(written);
        error_ = 0;
    }
    pending_.clear();
    if (pending_.capacity() > 2 * kGatheredBytesMax) pending_.shrink_to_fit();
    reported_ += std::exchange(reporting_, 0);
}

// The reader has gone, or the disk is full: what was not written is lost.
void LogStream::drop(std::size_t done) {
    error_ = errno;
    if (done > 0) repair_ = pending_[done - 1] != '\n';
    lost_ += static_cast<std::uint64_t>(std::ranges::count(std::string_view{pending_}.substr(done), '\n'));
    if (std::exchange(reporting_, 0) != 0) --lost_;
    pending_.clear();
}

long LogStream::write_some(std::string_view bytes) const {
    if (socket_) return ::send(descriptor_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (!pipe_ || never_waits(descriptor_)) return ::write(descriptor_, bytes.data(), bytes.size());
    const iovec part{const_cast<char*>(bytes.data()), bytes.size()};
    const auto written = ::pwritev2(descriptor_, &part, 1, -1, RWF_NOWAIT);
    if (written >= 0 || errno != EOPNOTSUPP) return written;
    // Before Linux 6.4. Another process may fill the pipe between the two calls; that is what remains.
    pollfd room{.fd = descriptor_, .events = POLLOUT, .revents = 0};
    if (::poll(&room, 1, 0) == 1 && (room.revents & (POLLOUT | POLLERR)) != 0)
        return ::write(descriptor_, bytes.data(), std::min<std::size_t>(bytes.size(), PIPE_BUF));
    errno = EAGAIN;
    return -1;
}

}  // namespace mainstay::kernel
