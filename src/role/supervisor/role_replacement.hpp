// After an upgrade the new program replaces the role processes one by one: a successor loads the configuration and
// waits, the old process exits without releasing anything, and the successor resumes from its state block. A role whose
// successor fails keeps its old process.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mainstay/alert/scripts.hpp"
#include "mainstay/base/lifetime.hpp"
#include "mainstay/base/log.hpp"
#include "mainstay/base/unique_fd.hpp"
#include "mainstay/ipc/message.hpp"
#include "mainstay/role/common/kinds.hpp"

namespace mainstay::role {

inline constexpr std::chrono::seconds kSuccessorWait{30};  // for a successor to load the configuration
inline constexpr std::chrono::seconds kRetireWait{
    1};  // for the old process to exit, then it is killed; its last state block is recent enough

class RoleReplacement {
public:
    struct Handlers {
        std::function<bool(Kind)> runs;
        std::function<void(Kind)> start_successor;
        std::function<void(Kind)> drop_successor;
        std::function<int(Kind)> retire;  // asks the old process to exit; returns its pid
        // Called at the end, with the number of replaced roles and why others were not. It may destroy the
        // RoleReplacement.
        std::function<void(std::uint32_t done, const std::string& problem)> over;
    };
    RoleReplacement(boost::asio::io_context& loop, Log& log, Handlers handlers);

    void add(Kind kind) { left_.push_back(kind); }  // the last one is replaced first
    void next();
    void successor_ready(Kind kind);
    // The successor failed, so the old process keeps running. May be called for any spare; only the awaited one counts.
    void successor_lost(Kind kind, const std::string& why);
    // Called when a role's process has exited: true when it had been asked to.
    [[nodiscard]] bool has_left(Kind kind);
    // The role runs its configuration. If its replacement was in progress, the next role follows.
    void committed(Kind kind);

private:
    boost::asio::io_context& loop_;
    Log& log_;
    Handlers handlers_;
    boost::asio::steady_timer limit_;
    std::vector<Kind> left_;  // still to be replaced, the next one at the end
    std::optional<Kind> now_;
    bool retiring_ = false;
    std::uint32_t done_ = 0;
    std::string problem_;
    Lifetime lifetime_;
};

// One generation of the configuration: everything that the reader produced from it, with the snapshot for each role.

[[nodiscard]] constexpr std::size_t slot(Kind kind) { return static_cast<std::size_t>(kind) - 1; }

struct Generation {
    std::uint64_t number = 0;
    struct Part {
        UniqueFd snapshot;
        bool needed = false;
    };
    std::array<Part, kRoles> parts;  // by slot(Kind)
    UniqueFd scripts, host;          // sealed: the table of scripts, ipc::HostPlan
    UniqueFd text;                   // sealed: the text of the configuration, for copies; empty after the commit
    alert::ScriptTable table;        // decoded from `scripts`; moved away at the commit
    ipc::ReadingDone settings;       // part of each role's RoleStartup
    ipc::DryRunDone changes;         // what the reload to this one changes, for the log
    [[nodiscard]] Part& part(Kind kind) { return parts[slot(kind)]; }
    [[nodiscard]] const Part& part(Kind kind) const { return parts[slot(kind)]; }
};

}  // namespace mainstay::role
