// Kernel settings that are changed while mainstay runs and restored afterwards. Their old values are part of the state
// block, so that the process after a crash does not mistake its predecessor's values for the host's.
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

    // Sets it, and remembers the old value unless that is known already. False: it could not be set (logged once).
    bool set(const std::string& name, const std::string& value);
    // Restores those that `which` selects, the latest first. A setting that another program has changed since is left
    // alone.
    void restore(const std::function<bool(const std::string& name)>& which);

    [[nodiscard]] const std::vector<report::SavedSetting>& saved() const { return saved_; }
    void adopt(std::vector<report::SavedSetting> saved) { saved_ = std::move(saved); }

private:
    Log& log_;
    std::vector<report::SavedSetting> saved_;  // in the order in which they were set
    std::vector<std::string> complained_;
};

}  // namespace mainstay::role
