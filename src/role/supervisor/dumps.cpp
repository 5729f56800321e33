// Dump files. On a signal the vrrp and lvs roles first update their state blocks; then the observer makes the texts
// from these blocks and the configuration. A child process writes the files, because their folder is root's and the
// supervisor must never wait for a disk.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>

#include "impl.hpp"

namespace mainstay::role {

namespace {

constexpr mode_t kUsualMask = 0177;  // keepalived's, unless a mask is set

std::string temporary_directory() {
    const char* named = std::getenv("TMPDIR");  // NOLINT(concurrency-mt-unsafe): there is one thread
    return named != nullptr && named[0] == '/' ? named : "/tmp";
}

}  // namespace

// Runs in a child process: the text may be large and the disk slow.
void Supervisor::write_dump_here(const std::string& path, int text, unsigned mode) noexcept {
    const auto bytes = ipc::read_memfd(text, ipc::kTextBytesMax);
    if (!bytes) return log_.error("{}: {}", path, bytes.error().text());
    const auto written =
        kernel::write_file_safely(path, {reinterpret_cast<const char*>(bytes->data()), bytes->size()}, mode);
    if (!written) log_.error("dump file: {}", written.error().text());
}

void Supervisor::ask_for_dump(int signal) {
    const char* what = signal == SIGUSR1        ? "Printing process data"
                       : signal == SIGUSR2      ? "Printing VRRP stats"
                       : signal == SIGRTMIN + 2 ? "Printing VRRP as json"
                                                : "Printing and clearing VRRP stats";
    log_.info("{} on signal {}", what, signal);
    for (const Kind kind : {Kind::Vrrp, Kind::Lvs}) {
        Child& child = child_of(kind);
        if (child.alive() && child.ready) return ask_for_dump_of(child, signal);
    }
    dump_step(Kind::Lvs, signal);
}

void Supervisor::ask_for_dump_of(Child& child, int signal) {
    auto& waiting = child.awaited.dumps;
    if (waiting.size() >= kDumpsAwaitedMax)
        return log_.warning("dump request ignored: {} process({}) has not finished the {} before it", label(child.kind),
                            child.pid, waiting.size());
    waiting.push_back(signal);
    child.send(ipc::DumpRequested{signal}, -1, log_);
}

// The role has finished this dump; earlier ones that it has not answered were lost.
void Supervisor::dumped(Child& child, int signal) {
    auto& waiting = child.awaited.dumps;
    if (const auto answered = std::ranges::find(waiting, signal); answered != waiting.end())
        waiting.erase(waiting.begin(), answered + 1);
    child.awaited.dump_texts = 0;
    dump_step(child.kind, signal);
}

// The order: vrrp and lvs update their state blocks, then the observer makes the texts.
void Supervisor::dump_step(Kind done, int signal) {
    if (done == Kind::Observer) return;
    Child& lvs = child_of(Kind::Lvs);
    if (done == Kind::Vrrp && lvs.alive() && lvs.ready) return ask_for_dump_of(lvs, signal);
    Child& observer = child_of(Kind::Observer);
    if (!observer.alive() && startup_told_) return log_.warning("no dump is made: the observer is not running");
    if (!observer.ready) {  // it is starting or will be restarted
        dump_waits_ = signal;
        return;
    }
    ask_for_dump_of(observer, signal);
}

void Supervisor::write_dump(Child& child, const ipc::DumpText& dump, const UniqueFd& text) {
    if (const auto size = ipc::sealed_size(text.get(), ipc::kTextBytesMax); !size)
        return kill_offender(child, "sent a dump that cannot be read: " + size.error().text());
    using What = ipc::DumpText::What;
    const auto& settings = current_.settings.daemon;
    const std::string tmp = temporary_directory();
    const std::string suffix = settings.data_use_instance ? places_.suffix : std::string{};
    const auto data = [&](const char* process) {
        return dump_path(tmp, "keepalived.data", settings.state_dump_file, process, suffix);
    };
    const std::string path = dump.what == What::Data         ? data("")
                             : dump.what == What::DataCheck  ? data("_check")
                             : dump.what == What::DataParent ? data("_parent")
                             : dump.what == What::DataBfd    ? data("_bfd")
                             : dump.what == What::Stats      ? dump_path(tmp, "keepalived.stats", {}, {}, suffix)
                                                             : dump_path(tmp, "keepalived.json", {}, {}, suffix);
    const mode_t mask = ::umask(0);
    ::umask(mask);
    const bool given = options_.umask_given || settings.umask >= 0;
    const mode_t mode = 0666 & ~(given ? mask : kUsualMask);
    const int pid = ::fork();
    if (pid < 0) return log_.error("{} is not written: fork failed", path);
    if (pid > 0) return;
    write_dump_here(path, text.get(), mode);
    ::_exit(0);
}

}  // namespace mainstay::role
