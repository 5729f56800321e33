// Who asks for dump files, and the child that makes them: the supervisor itself never waits for a disk.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>

#include "dump_files.hpp"
#include "helper.hpp"
#include "impl.hpp"

namespace mainstay::role {

namespace {

constexpr mode_t kUsualMask = 0177;  // keepalived's, unless a mask is set

std::string temporary_directory() {
    const char* named = std::getenv("TMPDIR");  // NOLINT(concurrency-mt-unsafe): there is one thread
    return named != nullptr && named[0] == '/' ? named : "/tmp";
}

mode_t own_mask() {
    const mode_t mask = ::umask(0);
    ::umask(mask);
    return mask;
}

}  // namespace

void Supervisor::make_dump_requests() {
    DumpRequests::Deeds deeds;
    deeds.runs = [this](Kind kind) { return child_of(kind).alive() && child_of(kind).ready; };
    deeds.wake_observer = [this] { return wake_observer(); };
    deeds.refresh = [this](Kind kind, int signal) {
        auto& awaited = child_of(kind).awaited.dumps;
        if (awaited.size() == kDumpsAwaitedMax) awaited.erase(awaited.begin());
        awaited.push_back(signal);
        child_of(kind).send(ipc::DumpRequested{signal}, -1, log_);
    };
    deeds.prepare = [this](int signal) { return prepare_dump(signal); };
    deeds.write = [this](int signal) {
        dump_writer_ = child_of(Kind::Observer).pid;
        child_of(Kind::Observer).send(ipc::DumpRequested{signal}, dump_line_.get(), log_);
        dump_line_.reset();
    };
    deeds.forget = [this](int process) {
        ::kill(process, SIGKILL);
        dump_line_.reset();
    };
    deeds.offended = [this] {
        Child& observer = child_of(Kind::Observer);
        if (observer.pid == dump_writer_) kill_offender(observer, "sent what it may not on the line of a dump");
    };
    dumps_ = std::make_unique<DumpRequests>(loop_, log_, std::move(deeds));
}

void Supervisor::ask_for_dump(int signal) {
    if (phase_ == Phase::Stopping) return;
    const char* what = signal == SIGUSR1        ? "Printing process data"
                       : signal == SIGUSR2      ? "Printing VRRP stats"
                       : signal == SIGRTMIN + 2 ? "Printing VRRP as json"
                                                : "Printing and clearing VRRP stats";
    log_.info("{} on signal {}", what, signal);
    dumps_->add(signal);
}

// The role has answered; what it has not answered before that got lost.
void Supervisor::state_refreshed(Child& child, int signal) {
    auto& waiting = child.awaited.dumps;
    if (const auto answered = std::ranges::find(waiting, signal); answered != waiting.end())
        waiting.erase(waiting.begin(), answered + 1);
    dumps_->refreshed(child.kind, signal);
}

Result<int> Supervisor::prepare_dump(int signal) {
    auto line = ipc::make_channel();
    if (!line) return error_of(line);
    const auto& settings = current_.settings.daemon;
    auto files = dump_files(signal, settings, temporary_directory(), places_.suffix);
    files.mode = 0666 & ~(options_.umask_given || settings.umask >= 0 ? own_mask() : kUsualMask);
    const int supervisor = ::getpid();
    const int pid = ::fork();
    if (pid < 0) return fail_system("fork for the dump files", errno);
    if (pid == 0) {
        become_helper(supervisor);
        line->second.reset();  // the observer's end is the observer's alone
        end_after([&] { return hand_out_dump_files(line->first.get(), files, kDumpLimit, log_) ? 0 : kDumpOffence; });
    }
    dump_line_ = std::move(line->second);
    return pid;
}

}  // namespace mainstay::role
