#include "mainstay/kernel/log_files.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <utility>

#include "log_stream.hpp"
#include "mainstay/kernel/process.hpp"
#include "mainstay/kernel/signals.hpp"

namespace mainstay::kernel {

namespace {

// A start of thousands of services fits, so that lines wait for the disk alone and not for the writer's turn.
constexpr int kPipeBytes = 1 << 20;
constexpr std::size_t kCopiedBytes = 64UL * 1024U;
constexpr int kAgainMs = 100;  // while the file takes nothing

// Until all who write have ended. What the file does not take, because its disk is full, is tried again while somebody
// writes: the pipe fills meanwhile, and those who write keep their lines, and count what they lose.
[[noreturn]] void copy(int from, int to) {
    std::array<char, kCopiedBytes> bytes{};
    for (;;) {
        const auto got = ::read(from, bytes.data(), bytes.size());
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) ::_exit(0);
        for (std::size_t done = 0; done < static_cast<std::size_t>(got);) {
            const auto written = ::write(to, bytes.data() + done, static_cast<std::size_t>(got) - done);
            if (written > 0) done += static_cast<std::size_t>(written);
            if (written > 0 || (written < 0 && errno == EINTR)) continue;
            pollfd writers{.fd = from, .events = 0, .revents = 0};
            if (::poll(&writers, 1, kAgainMs) > 0) ::_exit(1);
        }
    }
}

// Its command line is that of the daemon, for which pidof and `pgrep -f` would take it; signals do nothing to it.
void hide_arguments(std::string_view name) {
    const UniqueFd file{::open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC)};
    std::array<char, 4096> part{};
    std::size_t all = 0;
    for (ssize_t got = 0; (got = ::read(file.get(), part.data(), part.size())) > 0;)
        all += static_cast<std::size_t>(got);
    char* const first = ::program_invocation_name;  // the arguments stand in one piece, this one first
    std::fill_n(first, all, '\0');
    std::ranges::copy(name.substr(0, all == 0 ? 0 : all - 1), first);
}

[[noreturn]] void become_writer(int from, int to, int end) {
    set_signals(BornWith::Deaf);  // who ends the daemon does not end its log
    set_process_name("mainstayd-log");
    hide_arguments("mainstayd-log");
    if (::chdir("/") != 0 || ::dup2(from, STDIN_FILENO) < 0 || ::dup2(to, STDOUT_FILENO) < 0 ||
        ::dup2(end, STDERR_FILENO) < 0)
        ::_exit(1);
    (void)::close_range(STDERR_FILENO + 1, ~0U, 0);
    (void)drop_privileges({}, {});  // it stays root, for whom a disk keeps some room
    copy(STDIN_FILENO, STDOUT_FILENO);
}

// Nobody's child, because it outlives its parent by a moment.
Result<void> fork_writer(int from, int to, int end) {
    const int child = ::fork();
    if (child < 0) return fail_system("fork", errno);
    if (child == 0) {
        const int writer = ::fork();
        if (writer == 0) become_writer(from, to, end);
        ::_exit(writer < 0 ? errno : 0);
    }
    int status = 0;
    while (::waitpid(child, &status, 0) < 0)
        if (errno != EINTR) return fail_system("waitpid", errno);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
    return fail_system("fork", WIFEXITED(status) ? WEXITSTATUS(status) : ECHILD);
}

}  // namespace

LogFiles::LogFiles(bool console, bool json) {
    for (const auto& [descriptor, has_lines] : {std::pair{STDERR_FILENO, console}, std::pair{STDOUT_FILENO, json}}) {
        struct stat facts{};
        if (has_lines && ::fstat(descriptor, &facts) == 0 && S_ISREG(facts.st_mode))
            files_.push_back({descriptor, {}, {}});
    }
}

LogFiles::~LogFiles() {
    give_back();
    const auto end = std::chrono::steady_clock::now() + kLastFileWait;
    for (const File& one : files_)
        if (one.written) (void)wait_for(one.written.get(), 0, end);
}

Result<void> LogFiles::take() {
    for (File& one : files_)
        if (!one.file)
            if (auto taken = take(one); !taken) return taken;
    return {};
}

Result<void> LogFiles::take(File& one) {
    one.file.reset(::fcntl(one.descriptor, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
    std::array<int, 2> ends{-1, -1};
    if (!one.file || ::pipe2(ends.data(), O_CLOEXEC) != 0) return fail_system("make a pipe", errno);
    one.lines.reset(ends[0]);
    const UniqueFd lines_in{ends[1]};
    (void)::fcntl(lines_in.get(), F_SETPIPE_SZ, kPipeBytes);  // else it stays at 64 KiB
    auto started = start_writer(one);
    if (started && ::dup2(lines_in.get(), one.descriptor) < 0) started = fail_system("dup2", errno);
    if (!started) one.file.reset();
    return started;
}

Result<void> LogFiles::start_writer(File& one) {
    std::array<int, 2> ends{-1, -1};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail_system("make a pipe", errno);
    one.written.reset(ends[0]);
    const UniqueFd writes{ends[1]};
    return fork_writer(one.lines.get(), one.file.get(), writes.get());
}

Result<int> LogFiles::restart_ended() {
    int ended = 0;
    for (File& one : files_) {
        pollfd writer{.fd = one.written.get(), .events = 0, .revents = 0};
        if (!one.file || ::poll(&writer, 1, 0) <= 0) continue;
        ++ended;
        if (auto started = start_writer(one); !started) return error_of(started);
    }
    return ended;
}

void LogFiles::give_back() {
    for (File& one : files_) {
        if (!one.file) continue;
        (void)::dup2(one.file.get(), one.descriptor);
        one.file.reset();
    }
}

}  // namespace mainstay::kernel
