// The levels at which the daemon's modules log: as on the command line, until an operator sets others. Pure.
#pragma once

#include <string>

#include "mainstay/base/error.hpp"
#include "mainstay/base/log_levels.hpp"

namespace mainstay::role {

class LogLevelBoard {
public:
    explicit LogLevelBoard(LogLevel usual) : usual_{usual}, levels_(kLogModules.size(), usual) {}

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

}  // namespace mainstay::role
