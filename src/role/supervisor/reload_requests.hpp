// The requests for reloads, by signal or from mainstayctl, and their answers: those of the reload in progress, and
// those that wait for the next one, into which all requests that arrive meanwhile are combined.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "mainstay/base/unique_fd.hpp"
#include "mainstay/ipc/message.hpp"

namespace mainstay::role {

class ReloadRequests {
public:
    // Adds a mainstayctl client, which is answered at the end of the next reload.
    void add(const ipc::Reload& wanted, UniqueFd client);
    // The request has to wait for the end of the reload in progress.
    void postpone() { again_ = true; }
    [[nodiscard]] bool take_postponed() { return std::exchange(again_, false); }

    // A reload begins; it serves all requests made until now.
    void begin();
    [[nodiscard]] bool force() const { return now_.force; }
    [[nodiscard]] ipc::RoleStartup::DryRunAs report() const;  // the kind of report that the reader makes

    void set_report(UniqueFd report) { report_ = std::move(report); }
    void refuse(const std::string& why) { problem_ = why; }
    // The reload is over: sends the result to its clients.
    void answer();

private:
    struct Clients {
        std::vector<UniqueFd> lines;
        bool force = false, as_json = false;
    };
    Clients now_, next_;
    std::string problem_;  // why the configuration was refused; empty: it was not
    UniqueFd report_;      // sealed; made by the reader
    bool again_ = false;
};

}  // namespace mainstay::role
