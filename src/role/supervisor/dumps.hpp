// Dumps that somebody asked for with a signal or over D-Bus, one after the other. For each, the vrrp role, and for the
// data the lvs role at the same time, bring their state blocks up to date; then the observer writes the files, and a
// reader the checkers' data, which it may not have. While the observer does not run, requests wait for it, and their
// dumps show the state at that time, not at the time of the request.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mainstay/base/log.hpp"
#include "mainstay/ipc/message.hpp"
#include "mainstay/kernel/spawn.hpp"
#include "mainstay/role/common/kinds.hpp"
#include "role/common/daemon_settings.hpp"

namespace mainstay::role {

inline constexpr std::chrono::seconds kFreshStateWait{5};  // then the dump shows what the role reported before

inline constexpr int kDumpOffence = 3;  // exit status of the process that makes the files

struct DumpWriters {  // the processes that make the files, one for each process that writes them; 0: there is none
    int observers = 0, readers = 0;
    [[nodiscard]] bool any() const { return observers != 0 || readers != 0; }
};

class DumpRequests {
public:
    struct Handlers {
        std::function<bool(Kind)> runs;                 // a committed configuration
        std::function<void(Kind, int signal)> refresh;  // asks a role to bring its block up to date
        std::function<DumpWriters(int signal)> write;
        std::function<void()> offended;       // the observer sent the process of its files what it may not
        std::function<bool()> wake_observer;  // false: it does not rest
    };
    DumpRequests(boost::asio::io_context& loop, Log& log, Handlers handlers)
        : log_{log}, handlers_{std::move(handlers)}, limit_{loop} {}

    // The same request once more, while one waits, is the same request.
    void add(int signal);
    void refreshed(Kind kind, int signal);  // the block of the role is up to date, as that request wants it
    void ready(Kind kind);                  // the process runs a configuration
    void gone(Kind kind);                   // the process has ended
    void look();                            // the observer can be woken
    // True when it is the process that makes the files of a dump.
    [[nodiscard]] bool ended(const kernel::Ended& process);
    [[nodiscard]] bool under_way() const { return stage_ != Stage::None; }

private:
    enum class Stage : std::uint8_t { None, Refresh, Files };

    void next();
    void refresh();
    void too_late();
    void write();
    void over();
    void no_longer_awaited(Kind kind);

    Log& log_;
    Handlers handlers_;
    boost::asio::steady_timer limit_;
    std::vector<int> waiting_;   // signals, oldest first
    std::vector<Kind> awaited_;  // roles that have not reported their state for this dump
    Stage stage_ = Stage::None;
    int signal_ = 0;            // of the dump that is under way
    std::uint64_t number_ = 0;  // of dumps until now
    DumpWriters processes_;
    bool logged_ = false;  // that requests wait for the observer
};

// The files of one dump: made by a child of the supervisor, as root, since they lie where only root may write; written
// by the observer or a reader. The child gives that process a descriptor for each of them, and moves a file to its
// place on its word. No text crosses the line between the two, so root never writes what a role has made.

inline constexpr std::chrono::seconds kDumpLimit{60};  // for all files of one dump

struct DumpFiles {
    std::map<ipc::DumpText::What, std::string> paths;  // that this dump may write, each of them once
    std::uint32_t mode = 0600;
    std::string_view writer = "the observer";
};

// Which files a signal asks for, and where they go. `folder`: for those whose path is not configured.
[[nodiscard]] DumpFiles dump_files(int signal, const ipc::DaemonSettings& settings, const std::string& folder,
                                   const std::string& instance_suffix);

// In the child. Returns when the writer has said that there is no more, when it has gone, when it has said what it
// may not (false), or at the limit; what is not in its place by then is removed.
[[nodiscard]] bool hand_out_dump_files(int line, const DumpFiles& files, std::chrono::milliseconds limit, Log& log);

}  // namespace mainstay::role
