// Kernel settings that are changed while mainstay runs and put back afterwards. What they were is part of the state
// block, so that a process that follows a crashed one does not take its predecessor's values for the host's.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "mainstay/base/log.hpp"
#include "mainstay/ipc/status.hpp"

namespace mainstay::role {

class SavedSettings {
public:
    explicit SavedSettings(Log& log) : log_{log} {}

    // Sets it, and remembers what it was unless that is known already. False: it could not be set (said once).
    bool set(const std::string& name, const std::string& value);
    // Puts back those that `which` chooses, the latest first. One that somebody else has changed meanwhile stays.
    void restore(const std::function<bool(const std::string& name)>& which);

    [[nodiscard]] const std::vector<ipc::SavedSetting>& saved() const { return saved_; }
    void adopt(std::vector<ipc::SavedSetting> saved) { saved_ = std::move(saved); }

private:
    Log& log_;
    std::vector<ipc::SavedSetting> saved_;  // in the order in which they were set
    std::vector<std::string> complained_;
};

}  // namespace mainstay::role
