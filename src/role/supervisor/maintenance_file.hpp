// Whether this director is in maintenance, and the file that keeps it over restarts of the daemon and of the host.
//
// The file lies in a folder that only root may write to: the roles must not be able to begin or end maintenance. It
// holds the ipc::MaintenanceOrder in the codec's form; one that cannot be read counts as none, and is reported.
#pragma once

#include <string>

#include "helper.hpp"
#include "mainstay/base/error.hpp"
#include "mainstay/base/time.hpp"
#include "mainstay/ipc/message.hpp"

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

private:
    [[nodiscard]] Result<void> write() const;
    DiskWork disk_;
    std::string folder_;
    ipc::MaintenanceOrder order_;
};

}  // namespace mainstay::role
