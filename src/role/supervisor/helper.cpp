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

// What is seen of a helper: `events` of poll(2), or its end, which always counts. -1: without a limit.
short seen_of(int line, short events, int wait_ms) {
    pollfd helper{.fd = line, .events = events, .revents = 0};
    while (::poll(&helper, 1, wait_ms) < 0 && errno == EINTR) {
    }
    return helper.revents;
}

bool has_ended(int line, int wait_ms) { return (seen_of(line, 0, wait_ms) & POLLHUP) != 0; }

int answer(int line, Result<UniqueFd> done) {
    const ipc::OperatorAnswered message{0, done ? 0 : 1, done ? std::string{} : done.error().text()};
    return ipc::send_message(line, message, done ? done->get() : -1) ? 0 : 1;
}

Result<UniqueFd> answer_of(int line, const std::string& what) {
    auto got = ipc::receive_message(line);
    if (!got) return error_of(got);
    auto* const received = *got ? std::get_if<ipc::Received>(&**got) : nullptr;
    const auto* const message = received != nullptr ? std::get_if<ipc::OperatorAnswered>(&received->message) : nullptr;
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

Result<UniqueFd> DiskWork::open(const std::string& what, const Opening& work) {
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
    if (seen_of(line->first.get(), POLLIN, wait_ms) != 0) return answer_of(line->first.get(), what);
    unanswered_.push_back(std::move(line->first));
    return fail(Errc::Timeout, what + ": its disk does not answer; it is written when it does");
}

Result<void> DiskWork::run(const std::string& what, const Work& work) {
    const auto done = open(what, [&work]() -> Result<UniqueFd> {
        if (auto result = work(); !result) return error_of(result);
        return UniqueFd{};
    });
    if (!done) return error_of(done);
    return {};
}

}  // namespace mainstay::role
