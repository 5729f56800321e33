// The levels at which the daemon's modules log: as on the command line, until an operator sets others. Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mainstay/base/error.hpp"
#include "mainstay/base/log.hpp"
#include "mainstay/report/supervision.hpp"

namespace mainstay::role {

class LogLevelState {
public:
    explicit LogLevelState(LogLevel usual) : usual_{usual}, levels_(kLogModules.size(), usual) {}

    // `module`: as an operator names it, empty for all; `level`: a level or "default". Returns what changed, "vrrp:
    // info -> debug", empty if nothing did. Errc::Invalid: no such module or level, with the names that there are.
    [[nodiscard]] Result<std::string> set(const std::string& module, const std::string& level);
    // A table for people, of one module or of all. Errc::Invalid: no such module.
    [[nodiscard]] Result<std::string> text(const std::string& module) const;

    [[nodiscard]] LogLevel of(LogModule module) const { return level_of(levels_, module, usual_); }
    [[nodiscard]] const LogLevels& levels() const { return levels_; }
    // Those that the program before an upgrade handed over; what it did not know keeps its usual level.
    void adopt(const LogLevels& levels);

private:
    LogLevel usual_;
    LogLevels levels_;
};

// How many log lines each process of the daemon has lost, over all processes that had its name.
class LogLosses {
public:
    // `lost`: since the process `pid` began, as it says. A number that falls is not believed.
    void heard(std::string_view process, int pid, std::uint64_t lost, WallTime now) {
        auto found = rows_.find(process);
        if (found == rows_.end()) {
            found = rows_.emplace(process, Row{}).first;
            changed_ = true;
        }
        Row& row = found->second;
        if (std::exchange(row.pid, pid) != pid) row.before += std::exchange(row.own, 0);
        if (lost <= row.own) return;
        row.own = lost;
        row.last = now;
        changed_ = true;
    }
    // Whether anything was lost since the last call, or a process is new.
    [[nodiscard]] bool take_changed() { return std::exchange(changed_, false); }
    [[nodiscard]] std::vector<report::LogLoss> all() const {
        std::vector<report::LogLoss> all;
        for (const auto& [process, row] : rows_) all.push_back({process, row.before + row.own, row.last});
        return all;
    }

private:
    struct Row {
        int pid = 0;
        std::uint64_t before = 0, own = 0;  // of earlier processes, of this one
        WallTime last;
    };
    std::map<std::string, Row, std::less<>> rows_;
    bool changed_ = false;
};

}  // namespace mainstay::role
