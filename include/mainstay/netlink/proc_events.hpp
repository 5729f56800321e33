// The codec of the process connector, which reports fork, exec and exit of processes. The socket is in the kernel
// module.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "mainstay/base/error.hpp"

namespace mainstay::netlink {

struct ProcessEvent {
    enum class Kind : std::uint8_t {
        Listening,  // the kernel's answer to our request; `error` is 0 or an errno
        Fork,       // `pid` has created `child`
        Exec,
        Renamed,  // comm was set
        Exit,
    } kind = Kind::Listening;
    std::int32_t pid = 0;    // of the process, as the initial namespace numbers it; events of threads are left out
    std::int32_t child = 0;  // of a Fork
    std::int32_t error = 0;  // errno
    bool operator==(const ProcessEvent&) const = default;
};

// Subscribes to all events of the connector, or unsubscribes.
[[nodiscard]] std::vector<std::byte> encode_process_listen(bool listen, std::uint32_t port);

// The events of one datagram. Kinds that mainstay does not follow, and events of threads, are left out.
[[nodiscard]] Result<std::vector<ProcessEvent>> decode_process_events(std::span<const std::byte> datagram);

}  // namespace mainstay::netlink
