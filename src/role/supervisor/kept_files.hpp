// What the supervisor keeps in files over restarts: maintenance, and the servers that sources listed.
//
// Whether this director is in maintenance, and the file that keeps it over restarts of the daemon and of the host.
//
// The file lies in a folder that only root may write to: the roles must not be able to begin or end maintenance. It
// holds the ipc::MaintenanceOrder in the codec's form; one that cannot be read counts as none, and is reported.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "helper.hpp"
#include "mainstay/base/error.hpp"
#include "mainstay/base/log.hpp"
#include "mainstay/base/time.hpp"
#include "mainstay/base/unique_fd.hpp"
#include "mainstay/ipc/message.hpp"
#include "mainstay/kernel/spawn.hpp"

namespace mainstay::role {

inline constexpr std::size_t kReasonBytesMax = 200;
inline constexpr std::size_t kCallerBytesMax = 128;  // of who asks for it
inline constexpr std::int64_t kMaintenanceSecondsMax = 366LL * 86'400;

// What an operator wrote, for log lines and pages: one line, without control characters, of at most this many bytes.
[[nodiscard]] std::string one_line(std::string_view text, std::size_t bytes_max = kReasonBytesMax);
// "2026-11-22 14:00:00 UTC"
[[nodiscard]] std::string utc_text(WallTime at);

class MaintenanceFile {
public:
    // Reads `folder`/maintenance. An error: there is a file that cannot be used. No file: maintenance is off.
    [[nodiscard]] Result<void> load(std::string folder, WallTime now);
    // Takes the order over, and then writes it, or removes the file. An error: it does not survive the daemon.
    [[nodiscard]] Result<void> set(ipc::MaintenanceOrder order);
    [[nodiscard]] const ipc::MaintenanceOrder& order() const { return order_; }
    [[nodiscard]] bool is_over(WallTime now) const {
        return order_.on && order_.until && order_.until->unix_us <= now.unix_us;
    }
    // To be called again and again, and before an order. Where the calendar clock is set, the time of an order of this
    // run goes on as it was: true if its end has moved with the clock, and is not in the file yet. One that was found
    // in the file ends by the calendar, as the clock of a host that boots may be wrong until it is set.
    [[nodiscard]] bool follow_clock(Instant now, WallTime wall);

private:
    [[nodiscard]] Result<void> write() const;
    DiskWork disk_;
    std::string folder_;
    ipc::MaintenanceOrder order_;
    bool ordered_now_ = false;                            // set() in this run
    std::optional<std::pair<Instant, WallTime>> looked_;  // at the clocks
};

// The servers in force of files and DNS names, kept for the next lvs process, and in a file for the next start of the
// daemon.
//
// They are the lvs role's bytes (ipc::DiscoveredSources), which only an lvs process reads again: the supervisor bounds
// them and does not look into them. A helper process writes the file, one after the other, and of what comes meanwhile
// the last. It lies in a folder that only root may write to.
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
