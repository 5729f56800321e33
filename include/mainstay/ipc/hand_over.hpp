// What one supervisor hands on to the next when it re-executes itself for an upgrade: everything that it knows and the
// numbers of the descriptors that stay open. Append-only, like all that crosses from one version to another.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mainstay/base/error.hpp"
#include "mainstay/base/time.hpp"
#include "mainstay/base/unique_fd.hpp"
#include "message.hpp"

namespace mainstay::ipc {

// Grows only when an older program could not go on from it.
inline constexpr std::uint32_t kHandOverFormat = 1;
// Names the descriptor that holds the HandOver, in the environment of the new program.
inline constexpr const char* kHandOverVariable = "MAINSTAY_HAND_OVER";

struct HandedRole {
    std::uint8_t kind = 0;                                            // role::Kind
    std::int32_t pid = 0;                                             // 0: does not run
    std::int32_t control = -1, block = -1, ring = -1, snapshot = -1;  // descriptors
    bool needed = false, ready = false, ever_ready = false;
    Instant born{};
};
struct HandedScript {  // one that runs; or, with no pid, one that waits in its queue
    std::int32_t pid = 0;
    std::uint8_t from = 0;  // role::Kind
    std::uint64_t request = 0;
    std::string key, queue;
    std::vector<std::string> extra;
    bool timed_out = false;
    Instant due{};  // its time limit, or KILL after TERM; zero: none
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
    std::string config_path;  // the new one may stand in another folder
    std::string pid_path;
    std::int32_t pid_file = -1, kick = -1, scripts = -1, client = -1;  // descriptors
    std::uint64_t generation = 0;
    ReadingDone settings;
    std::vector<HandedRole> roles;
    std::vector<HandedScript> running;
    std::int32_t host = -1;  // descriptor of the HostPlan
    std::vector<HandedFifo> fifos;
};

// A memfd that survives the exec.
[[nodiscard]] Result<UniqueFd> write_hand_over(const HandOver& hand_over);
[[nodiscard]] Result<HandOver> read_hand_over(int fd);

}  // namespace mainstay::ipc
