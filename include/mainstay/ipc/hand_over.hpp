// The state that a supervisor hands over to the new program when it executes it for an upgrade: everything that it
// knows, and the numbers of the descriptors that stay open. Append-only, like everything that crosses versions.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mainstay/base/error.hpp"
#include "mainstay/base/time.hpp"
#include "mainstay/base/unique_fd.hpp"
#include "message.hpp"

namespace mainstay::ipc {

// Increased only if an older program could not continue from it.
inline constexpr std::uint32_t kHandOverFormat = 1;
// The environment variable with the number of the HandOver's descriptor.
inline constexpr const char* kHandOverVariable = "MAINSTAY_HAND_OVER";
inline constexpr const char* kNothingHandedOver = "-1";  // in it: the program starts anew in the place of another one

struct HandedRole {
    std::uint8_t kind = 0;                                            // role::Kind
    std::int32_t pid = 0;                                             // 0: not running
    std::int32_t control = -1, block = -1, ring = -1, snapshot = -1;  // descriptors
    bool needed = false, ready = false, ever_ready = false;
    Instant born{};
};
struct HandedScript {  // a running script, or, without a pid, a queued one
    std::int32_t pid = 0;
    std::uint8_t from = 0;  // role::Kind
    std::uint64_t request = 0;
    std::string key, queue;
    std::vector<std::string> extra;
    bool timed_out = false;
    Instant due{};  // its timeout, or when SIGKILL follows SIGTERM; zero: none
};
struct HandedFifo {
    std::string path;
    std::int32_t fd = -1;
    bool created = false;  // by the daemon, which removes it at its end
    std::int32_t pid = 0;  // of its reader; 0: none
};
struct HandOver {
    std::uint32_t format = kHandOverFormat;
    std::string version;      // of the program that hands over
    std::string config_path;  // of the running configuration; the new program may have another default
    std::string pid_path;
    std::int32_t pid_file = -1, kick = -1, scripts = -1, client = -1;  // descriptors
    std::uint64_t generation = 0;
    ReadingDone settings;
    std::vector<HandedRole> roles;
    std::vector<HandedScript> running;
    std::int32_t host = -1;  // descriptor of the HostPlan
    std::vector<HandedFifo> fifos;
    MaintenanceOrder maintenance;
    LogLevels log_levels;          // that an operator has set; empty: as on the command line
    std::int32_t discovered = -1;  // descriptor of the known real servers
    std::string pid_name;          // what its folders' name has from its pid file
};

// Returns a memfd that survives the exec.
[[nodiscard]] Result<UniqueFd> write_hand_over(const HandOver& hand_over);
[[nodiscard]] Result<HandOver> read_hand_over(int fd);

}  // namespace mainstay::ipc
