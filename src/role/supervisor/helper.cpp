#include "helper.hpp"

#include <poll.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <utility>

#include "mainstay/ipc/channel.hpp"

namespace mainstay::role {

namespace {

// -1: without a limit.
bool has_ended(int line, int wait_ms) {
    pollfd helper{.fd = line, .events = 0, .revents = 0};
    while (::poll(&helper, 1, wait_ms) < 0 && errno == EINTR) {
    }
    return (helper.revents & POLLHUP) != 0;
}

bool has_answered(int line, int wait_ms) {
    pollfd helper{.fd = line, .events = POLLIN, .revents = 0};
    while (::poll(&helper, 1, wait_ms) < 0 && errno == EINTR) {
    }
    return helper.revents != 0;
}

// A helper that waits for a disk cannot be killed: lines to roles, sockets and the lock of the pid file must not stay
// open in it. Each of the two is a descriptor, or -1.
void close_all_but(int one, int other) {
    const auto [low, high] = std::minmax(one, other);
    int from = STDERR_FILENO + 1;
    for (const int kept : {low, high}) {
        if (kept < from) continue;
        if (kept > from) (void)::close_range(static_cast<unsigned>(from), static_cast<unsigned>(kept - 1), 0);
        from = kept + 1;
    }
    (void)::close_range(static_cast<unsigned>(from), ~0U, 0);
}

int answer(int line, Result<UniqueFd> done) {
    const ipc::InstanceAnswered message{0, done ? 0 : 1, done ? std::string{} : done.error().text()};
    return ipc::send_message(line, message, done ? done->get() : -1) ? 0 : 1;
}

Result<UniqueFd> answer_of(int line, const std::string& what) {
    auto got = ipc::receive_message(line);
    if (!got) return error_of(got);
    auto* const received = *got ? std::get_if<ipc::Received>(&**got) : nullptr;
    const auto* const message = received != nullptr ? std::get_if<ipc::InstanceAnswered>(&received->message) : nullptr;
    if (message == nullptr) return fail(Errc::Io, what + ": the process that writes it died");
    if (message->exit_code != 0) return fail(Errc::Io, message->problem);
    return std::move(received->descriptor);
}

}  // namespace

void become_helper(int supervisor) {
    sigset_t all{};
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, nullptr);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (::getppid() != supervisor) ::_exit(1);
}

Result<UniqueFd> DiskWork::run(const std::string& what, const Work& work) {
    std::erase_if(unanswered_, [](const UniqueFd& line) { return has_ended(line.get(), 0); });
    if (unanswered_.size() >= kDiskWorkMax) return fail(Errc::Timeout, what + ": its disk does not answer");
    auto line = ipc::make_channel();
    if (!line) return error_of(line);
    const int supervisor = ::getpid();
    const int pid = ::fork();
    if (pid < 0) return fail_system("fork", errno);
    if (pid == 0) {
        become_helper(supervisor);
        const int before = unanswered_.empty() ? -1 : unanswered_.back().get();
        close_all_but(line->second.get(), before);
        end_after([&] {
            if (before >= 0) (void)has_ended(before, -1);
            return answer(line->second.get(), work());
        });
    }
    line->second.reset();
    const auto wait_ms = unanswered_.empty() ? static_cast<int>(kDiskWait.count()) : 0;
    if (has_answered(line->first.get(), wait_ms)) return answer_of(line->first.get(), what);
    unanswered_.push_back(std::move(line->first));
    return fail(Errc::Timeout, what + ": its disk does not answer; it is written when it does");
}

}  // namespace mainstay::role
