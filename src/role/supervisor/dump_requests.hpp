// Dumps that somebody asked for with a signal or over D-Bus, one after the other. For each, the vrrp role, and for the
// data the lvs role at the same time, bring their state blocks up to date, while the process that makes the files
// starts; then the observer writes them (dump_files.hpp). Exporters wait for it, so nothing of it waits in vain. While
// the observer does not run, requests wait for it, and their dumps show the state at that time, not at the time of the
// request.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <utility>

#include <chrono>
#include <cstdint>
#include <functional>
#include <vector>

#include "mainstay/base/log.hpp"
#include "mainstay/kernel/spawn.hpp"
#include "mainstay/role/common/kinds.hpp"

namespace mainstay::role {

inline constexpr std::chrono::seconds kFreshStateWait{5};  // then the dump shows what the role reported before

inline constexpr int kDumpOffence = 3;  // exit status of the process that makes the files

class DumpRequests {
public:
    struct Deeds {
        std::function<bool(Kind)> runs;                  // a committed configuration
        std::function<void(Kind, int signal)> refresh;   // asks a role to bring its block up to date
        std::function<Result<int>(int signal)> prepare;  // starts the process that makes the files
        std::function<void(int signal)> write;           // has the observer write
        std::function<void(int process)> forget;         // the observer will not: ends that process
        std::function<void()> offended;                  // the observer sent that process what it may not
        std::function<bool()> wake_observer;             // false: it does not rest
    };
    DumpRequests(boost::asio::io_context& loop, Log& log, Deeds deeds)
        : log_{log}, deeds_{std::move(deeds)}, limit_{loop} {}

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
    Deeds deeds_;
    boost::asio::steady_timer limit_;
    std::vector<int> waiting_;   // signals, oldest first
    std::vector<Kind> awaited_;  // roles that have not reported their state for this dump
    Stage stage_ = Stage::None;
    int signal_ = 0;  // of the dump that is under way
    int process_ = 0;
    bool logged_ = false;  // that requests wait for the observer
};

}  // namespace mainstay::role
