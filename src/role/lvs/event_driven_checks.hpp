// Checks that others carry out. FILE_CHECK and BFD_CHECK: the last known state of each file and session, and the
// verdicts that follow from it. MISC_CHECK: the verdict that follows from its script's exit.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "mainstay/config/model.hpp"
#include "mainstay/ipc/message.hpp"
#include "mainstay/lvs/followed.hpp"
#include "mainstay/lvs/judge.hpp"

namespace mainstay::role {

class EventDrivenChecks {
public:
    using Results = std::vector<lvs::CheckFinished>;

    // The track_file blocks of the configuration that runs.
    void configure(const config::Config& config);
    [[nodiscard]] Results results_of(const lvs::Judge& judge, const ipc::Observations& seen);
    [[nodiscard]] Results results_of(const lvs::Judge& judge, const ipc::BfdState& session);
    // The numbers that are known of tracked files.
    [[nodiscard]] std::vector<lvs::FileNumber> files() const;
    // After a start or a reload: gives new and modified checks their first verdict.
    [[nodiscard]] Results all(const lvs::Judge& judge) const;

private:
    void add_file(const lvs::Judge& judge, const std::string& name, std::int64_t number, Results& out) const;
    void add_session(const lvs::Judge& judge, const std::string& name, bool up, Results& out) const;

    std::map<std::string, lvs::FileRule> rules_;
    std::map<std::string, std::int64_t> numbers_;
    std::map<std::string, bool> sessions_;
};

// The verdict that follows from the exit of a MISC_CHECK's script.
struct ScriptVerdict {
    lvs::Outcome outcome = lvs::Outcome::NotRun;
    std::string reason;
    std::optional<std::int64_t> weight;
    std::string words = {};  // keepalived's for the reason, if they are others
};

// A script that cannot be executed fails the check; in keepalived it passes. Only a shortage on this host does not
// count as a result.
[[nodiscard]] ScriptVerdict verdict_of(const ipc::ScriptResult& result, bool dynamic);

}  // namespace mainstay::role
