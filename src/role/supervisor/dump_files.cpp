#include "dump_files.hpp"

#include <poll.h>

#include <algorithm>
#include <csignal>
#include <optional>
#include <utility>

#include "mainstay/ipc/channel.hpp"
#include "mainstay/kernel/clock.hpp"
#include "mainstay/kernel/new_file.hpp"

namespace mainstay::role {
namespace {

using DumpKind = ipc::DumpText::What;
using Step = ipc::DumpFile::Step;

class HandOut {
public:
    HandOut(int line, const DumpFiles& files, Log& log)
        : line_{line}, paths_{files.paths}, mode_{files.mode}, log_{log} {}

    // False: it is over.
    [[nodiscard]] bool hear() {
        auto got = ipc::receive_message(line_);
        if (!got && got.error().code() != Errc::Invalid && got.error().code() != Errc::Unsupported)
            return lost(got.error().text());
        if (!got) return refuse(got.error().text());
        if (!*got) return true;  // none, after all
        if (std::holds_alternative<ipc::Closed>(**got)) return lost("the observer went away");
        const auto* message = std::get_if<ipc::DumpFile>(&std::get<ipc::Received>(**got).message);
        if (message == nullptr) return refuse("it sent something else than the name of a file");
        switch (message->step) {
            case Step::Wanted:
                return open(message->what);
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

    bool refuse(const std::string& why) {
        offended_ = true;
        return lost("the observer is not answered any more: " + why);
    }

    bool open(DumpKind what) {
        const auto named = paths_.extract(what);
        if (named.empty()) return refuse("it wanted a file that nobody asked for, or one of them twice");
        auto file = kernel::NewFile::beside(named.mapped());
        if (!file) {
            log_.error("dump file: {}", file.error().text());
            return answer(what, Step::Refused, -1);
        }
        const auto& kept = open_.emplace(what, std::move(*file)).first->second;
        return answer(what, Step::Opened, kept.descriptor());
    }

    bool answer(DumpKind what, Step step, int descriptor) {
        const auto sent = ipc::send_message(line_, ipc::DumpFile{what, step}, descriptor);
        return sent ? true : lost(sent.error().text());
    }

    bool put_in_place(DumpKind what) {
        auto file = open_.extract(what);
        if (file.empty()) return refuse("it told of a file that it does not have");
        if (const auto placed = file.mapped().put_in_place(mode_); !placed)
            log_.error("dump file: {}", placed.error().text());
        return true;
    }

    int line_;
    std::map<DumpKind, std::string> paths_;  // that it has not wanted yet
    std::uint32_t mode_;
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
    const Instant end = kernel::monotonic_now() + limit;
    for (;;) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - kernel::monotonic_now());
        pollfd wait{line, POLLIN, 0};
        if (left.count() <= 0 || ::poll(&wait, 1, static_cast<int>(left.count())) == 0) {
            log.error("a dump was not finished: the observer has not written it within {} s", limit.count() / 1000);
            return true;
        }
        if (!hand_out.hear()) return !hand_out.offended();
    }
}

}  // namespace mainstay::role
