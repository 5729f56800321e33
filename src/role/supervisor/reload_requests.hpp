// Who asked for a reload, by a signal or with mainstayctl, and what is answered: of the reload that is under way, and
// of the one after it, in which all that come meanwhile are one.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "mainstay/base/unique_fd.hpp"
#include "mainstay/ipc/message.hpp"

namespace mainstay::role {

class ReloadRequests {
public:
    // A client of mainstayctl, which is answered when the next reload is over.
    void add(const ipc::Reload& wanted, UniqueFd client);
    // What was asked for has to wait for the end of what is under way.
    void postpone() { again_ = true; }
    [[nodiscard]] bool take_postponed() { return std::exchange(again_, false); }

    // A reload begins: it is for all who asked until now.
    void begin();
    [[nodiscard]] bool force() const { return now_.force; }
    [[nodiscard]] ipc::RoleStartup::DryRunAs report() const;  // that the reader shall make

    void set_report(UniqueFd report) { report_ = std::move(report); }
    void refuse(const std::string& why) { problem_ = why; }
    // The reload is over: all who asked for it hear how.
    void answer();

private:
    struct Clients {
        std::vector<UniqueFd> lines;
        bool force = false, as_json = false;
    };
    Clients now_, next_;
    std::string problem_;  // why the configuration does not run
    UniqueFd report_;      // sealed, the reader's
    bool again_ = false;
};

}  // namespace mainstay::role
