// Who asks for dump files, and the child that makes them: the supervisor itself never waits for a disk.
#include "dumps.hpp"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <optional>
#include <utility>

#include "helper.hpp"
#include "mainstay/ipc/channel.hpp"
#include "mainstay/kernel/clock.hpp"
#include "mainstay/kernel/new_file.hpp"
#include "operators.hpp"

namespace mainstay::role {
namespace {

using DumpKind = ipc::DumpText::What;

std::string temporary_directory() {
    const char* named = std::getenv("TMPDIR");  // NOLINT(concurrency-mt-unsafe): there is one thread
    return named != nullptr && named[0] == '/' ? named : "/tmp";
}

}  // namespace

DumpRequests::Handlers Operators::dump_handlers() {
    DumpRequests::Handlers handlers;
    const auto runs = [this](Kind kind) { return children_.of(kind).ready; };
    handlers.runs = runs;
    handlers.wake_observer = [this] { return children_.wake_observer(); };
    handlers.refresh = [this](Kind kind, int signal) {
        auto& awaited = children_.of(kind).awaited.dumps;
        if (awaited.size() == kDumpsAwaitedMax) awaited.erase(awaited.begin());
        awaited.push_back(signal);
        children_.of(kind).send(ipc::DumpRequested{signal}, -1, log_);
    };
    handlers.write = [this, runs](int signal) {
        const auto pid_of = [this](const Result<int>& started) {
            if (!started) log_.error("no dump is made: {}", started.error().text());
            return started.value_or(0);
        };
        DumpWriters processes{.observers = pid_of(start_dump(signal))};
        if (signal == SIGUSR1 && runs(Kind::Lvs)) processes.readers = pid_of(start_check_dump());
        return processes;
    };
    handlers.offended = [this] {
        Child& observer = children_.of(Kind::Observer);
        if (observer.pid == dump_writer_)
            children_.kill_offender(observer, "sent what it may not on the line of a dump");
    };
    return handlers;
}

void Operators::ask_for_dump(int signal) {
    if (daemon_.is_stopping()) return;
    const char* what = signal == SIGUSR1        ? "Printing process data"
                       : signal == SIGUSR2      ? "Printing VRRP stats"
                       : signal == SIGRTMIN + 2 ? "Printing VRRP as json"
                                                : "Printing and clearing VRRP stats";
    log_.info("{} on signal {}", what, signal);
    dumps_.add(signal);
}

// The role has answered; what it has not answered before that got lost.
void Operators::state_refreshed(Child& child, int signal) {
    auto& waiting = child.awaited.dumps;
    if (const auto answered = std::ranges::find(waiting, signal); answered != waiting.end())
        waiting.erase(waiting.begin(), answered + 1);
    dumps_.refreshed(child.kind, signal);
}

DumpFiles Operators::files_of_dump(int signal) const {
    const auto& settings = daemon_.settings();
    auto files = dump_files(signal, settings, temporary_directory(), daemon_.paths.suffix);
    files.mode = 0666 & ~static_cast<mode_t>(daemon_.umask);
    return files;
}

// `line`: this side's end, and the writer's, which is the writer's alone.
Result<int> Operators::start_hand_out(const DumpFiles& files, std::pair<UniqueFd, UniqueFd>& line) {
    const int supervisor = ::getpid();
    const int pid = ::fork();
    if (pid < 0) return fail_system("fork for the dump files", errno);
    if (pid != 0) return pid;
    become_helper(supervisor);
    line.second.reset();
    close_all_but(line.first.get());
    end_after([&] { return hand_out_dump_files(line.first.get(), files, kDumpLimit, log_) ? 0 : kDumpOffence; });
}

// The observer writes its texts while the process starts that hands out the files.
Result<int> Operators::start_dump(int signal) {
    auto line = ipc::make_channel();
    if (!line) return error_of(line);
    auto files = files_of_dump(signal);
    files.paths.erase(DumpKind::DataCheck);
    if (!children_.of(Kind::Vrrp).alive()) files.paths.erase(DumpKind::Data);
    if (!children_.of(Kind::Bfd).alive()) files.paths.erase(DumpKind::DataBfd);
    Child& observer = children_.of(Kind::Observer);
    dump_writer_ = observer.pid;
    observer.send(ipc::DumpRequested{signal}, line->second.get(), log_);
    return start_hand_out(files, *line);
}

// The reader ends when it has written, and when its line is closed.
Result<int> Operators::start_check_dump() {
    auto line = ipc::make_channel();
    if (!line) return error_of(line);
    auto orders = reload_.orders_for_reader();
    orders.check_dump = true;
    if (auto sent = ipc::send_message(line->first.get(), orders); !sent) return error_of(sent);
    const auto reader =
        reload_.start_reader({{line->second.get(), ipc::inherited::kControl},
                              {daemon_.current.part(Kind::Lvs).snapshot.get(), ipc::inherited::kRunningLvs},
                              {daemon_.current.part(Kind::Observer).snapshot.get(), ipc::inherited::kRunningObserver},
                              {children_.of(Kind::Lvs).block_to_read.get(), ipc::inherited::kLvsBlock}});
    if (!reader) return reader;
    auto files = files_of_dump(SIGUSR1);
    std::erase_if(files.paths, [](const auto& file) { return file.first != DumpKind::DataCheck; });
    files.writer = "the reader";
    return start_hand_out(files, *line);
}

void DumpRequests::add(int signal) {
    if (std::ranges::find(waiting_, signal) == waiting_.end()) waiting_.push_back(signal);
    if (!under_way()) next();
}

void DumpRequests::next() {
    if (waiting_.empty()) return;
    if (!handlers_.runs(Kind::Observer)) {
        if (handlers_.wake_observer()) return;  // ready() follows
        if (!std::exchange(logged_, true))
            log_.warning("the observer does not run just now: the dump is made when it does");
        return;
    }
    logged_ = false;
    signal_ = waiting_.front();
    waiting_.erase(waiting_.begin());
    refresh();
}

void DumpRequests::refresh() {
    stage_ = Stage::Refresh;
    ++number_;
    awaited_.clear();
    for (const Kind kind : {Kind::Vrrp, Kind::Lvs})
        if (handlers_.runs(kind) &&
            (!traits_of(kind).checks_servers || signal_ == SIGUSR1))  // only the data speak of servers
            awaited_.push_back(kind);
    for (const Kind kind : awaited_) handlers_.refresh(kind, signal_);
    if (awaited_.empty()) return write();
    limit_.expires_after(kFreshStateWait);
    limit_.async_wait([this, number = number_](const boost::system::error_code& error) {
        if (!error && stage_ == Stage::Refresh && number == number_) too_late();
    });
}

void DumpRequests::too_late() {
    for (const Kind kind : awaited_)
        log_.warning("a dump is made without the latest state of the {} process, which has not answered for {} s",
                     traits_of(kind).label, kFreshStateWait.count());
    awaited_.clear();
    write();
}

void DumpRequests::refreshed(Kind kind, int signal) {
    if (signal == signal_) no_longer_awaited(kind);
}

void DumpRequests::no_longer_awaited(Kind kind) {
    if (stage_ != Stage::Refresh || std::erase(awaited_, kind) == 0 || !awaited_.empty()) return;
    limit_.cancel();
    write();
}

void DumpRequests::write() {
    stage_ = Stage::Files;
    if (handlers_.runs(Kind::Observer))
        processes_ = handlers_.write(signal_);
    else
        waiting_.insert(waiting_.begin(), signal_);  // it died meanwhile; nothing of this dump has reached it
    if (!processes_.any()) over();
}

void DumpRequests::over() {
    stage_ = Stage::None;
    processes_ = {};
    limit_.cancel();
    next();
}

void DumpRequests::ready(Kind kind) {
    if (traits_of(kind).makes_dumps) look();
}

void DumpRequests::look() {
    if (!under_way()) next();
}

// What it reported last is in its block.
void DumpRequests::gone(Kind kind) { no_longer_awaited(kind); }

bool DumpRequests::ended(const kernel::Ended& process) {
    if (process.pid == 0) return false;
    const bool is_observers = process.pid == processes_.observers;
    if (!is_observers && process.pid != processes_.readers) return false;
    if (is_observers && !process.signalled && process.status == kDumpOffence) handlers_.offended();
    (is_observers ? processes_.observers : processes_.readers) = 0;
    if (!processes_.any()) over();
    return true;
}

namespace {

using Step = ipc::DumpFile::Step;

class HandOut {
public:
    HandOut(int line, const DumpFiles& files, Log& log) : line_{line}, files_{files}, log_{log} {}

    // Before anybody asks: the writer waits for nothing but its texts. False: it is over.
    [[nodiscard]] bool begin() {
        for (const auto& [what, path] : files_.paths)
            if (!open(what, path)) return false;
        return answer({}, Step::Over, -1);
    }

    // False: it is over.
    [[nodiscard]] bool hear() {
        auto got = ipc::receive_message(line_);
        if (!got && got.error().code() != Errc::Invalid && got.error().code() != Errc::Unsupported)
            return lost(got.error());
        if (!got) return refuse(got.error().text());
        if (!*got) return true;  // none, after all
        if (std::holds_alternative<ipc::Closed>(**got)) return went_away();
        const auto* message = std::get_if<ipc::DumpFile>(&std::get<ipc::Received>(**got).message);
        if (message == nullptr) return refuse("it sent something else than a word about a file");
        switch (message->step) {
            case Step::Wanted:
                return true;
            case Step::Written:
                return put_in_place(message->what);
            case Step::Over:
                return false;
            default:
                return refuse("it sent what only the supervisor says");
        }
    }

    [[nodiscard]] bool offended() const { return offended_; }

private:
    bool lost(const std::string& why) {
        log_.error("a dump was not finished: {}", why);
        return false;
    }

    // What it had not read when it ended makes the difference between the two.
    bool lost(const Error& error) {
        const int number = error.sys_errno();
        return number == EPIPE || number == ECONNRESET ? went_away() : lost(error.text());
    }

    bool went_away() { return lost(fmt::format("{} went away", files_.writer)); }

    bool refuse(const std::string& why) {
        offended_ = true;
        return lost(fmt::format("{} is not answered any more: {}", files_.writer, why));
    }

    bool open(DumpKind what, const std::string& path) {
        auto file = kernel::NewFile::beside(path);
        if (!file) {
            log_.error("dump file: {}", file.error().text());
            return answer(what, Step::Refused, -1);
        }
        const auto& kept = open_.emplace(what, std::move(*file)).first->second;
        return answer(what, Step::Opened, kept.descriptor());
    }

    bool answer(DumpKind what, Step step, int descriptor) {
        const auto sent = ipc::send_message(line_, ipc::DumpFile{what, step}, descriptor);
        if (sent) return true;
        return lost(sent.error());
    }

    bool put_in_place(DumpKind what) {
        auto file = open_.extract(what);
        if (file.empty()) return refuse("it told of a file that it does not have");
        if (const auto placed = file.mapped().put_in_place(files_.mode); !placed)
            log_.error("dump file: {}", placed.error().text());
        return true;
    }

    int line_;
    const DumpFiles& files_;
    Log& log_;
    std::map<DumpKind, kernel::NewFile> open_;
    bool offended_ = false;
};

}  // namespace

DumpFiles dump_files(int signal, const ipc::DaemonSettings& settings, const std::string& folder,
                     const std::string& instance_suffix) {
    const std::string suffix = settings.data_use_instance ? instance_suffix : std::string{};
    const auto data = [&](const char* process) {
        return dump_path(folder, "keepalived.data", settings.state_dump_file, process, suffix);
    };
    if (signal == SIGUSR1)
        return {.paths = {{DumpKind::Data, data("")},
                          {DumpKind::DataCheck, data("_check")},
                          {DumpKind::DataParent, data("_parent")},
                          {DumpKind::DataBfd, data("_bfd")}}};
    // keepalived 2.4.3 reads the keywords for these two, and writes to the usual places all the same.
    if (signal == SIGRTMIN + 2)
        return {.paths = {{DumpKind::Json, dump_path(folder, "keepalived.json", {}, {}, suffix)}}};
    return {.paths = {{DumpKind::Stats, dump_path(folder, "keepalived.stats", {}, {}, suffix)}}};
}

bool hand_out_dump_files(int line, const DumpFiles& files, std::chrono::milliseconds limit, Log& log) {
    HandOut hand_out{line, files, log};
    if (!hand_out.begin()) return true;
    const Instant end = kernel::monotonic_now() + limit;
    for (;;) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - kernel::monotonic_now());
        pollfd wait{line, POLLIN, 0};
        if (left.count() <= 0 || ::poll(&wait, 1, static_cast<int>(left.count())) == 0) {
            log.error("a dump was not finished: {} has not written it within {} s", files.writer, limit.count() / 1000);
            return true;
        }
        if (!hand_out.hear()) return !hand_out.offended();
    }
}

}  // namespace mainstay::role
