// FILE_CHECK and BFD_CHECK: the last known state of each file and session, and the verdicts that follow from it.
#pragma once

#include <map>
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
    // After a start or a reload: gives new and modified checks their first verdict.
    [[nodiscard]] Results all(const lvs::Judge& judge) const;

private:
    void add_file(const lvs::Judge& judge, const std::string& name, std::int64_t number, Results& out) const;
    void add_session(const lvs::Judge& judge, const std::string& name, bool up, Results& out) const;

    std::map<std::string, lvs::FileRule> rules_;
    std::map<std::string, std::int64_t> numbers_;
    std::map<std::string, bool> sessions_;
};

}  // namespace mainstay::role
