// The servers in force of files and DNS names, kept for the next lvs process, and in a file for the next start of the
// daemon.
//
// They are the lvs role's bytes (ipc::DiscoveredSources), which only an lvs process reads again: the supervisor bounds
// them and does not look into them. A helper process writes the file, one after the other, and of what comes meanwhile
// the last. It lies in a folder that only root may write to.
#pragma once

#include <string>

#include "mainstay/base/error.hpp"
#include "mainstay/base/log.hpp"
#include "mainstay/base/unique_fd.hpp"
#include "mainstay/kernel/spawn.hpp"

namespace mainstay::role {

class DiscoveryFile {
public:
    explicit DiscoveryFile(Log& log) : log_{log} {}

    // Reads `folder`/discovered, if there is one. An error: it cannot be used.
    [[nodiscard]] Result<void> load(std::string folder);
    // The same from the program before an upgrade, which goes before the file; none: -1.
    void adopt(UniqueFd sealed);
    // Takes what the lvs role sends. An error: it cannot be read, which no lvs role does.
    [[nodiscard]] Result<void> keep(UniqueFd sealed);
    [[nodiscard]] int memory() const { return memory_.get(); }  // sealed; -1: there is none
    // True when it was the process that writes the file.
    [[nodiscard]] bool ended(const kernel::Ended& process);
    [[nodiscard]] bool is_writing() const { return writer_ != 0; }

private:
    void write();

    Log& log_;
    std::string folder_;
    UniqueFd memory_;
    int writer_ = 0;      // process
    bool again_ = false;  // something newer came while it wrote
    bool failed_ = false;
};

}  // namespace mainstay::role
