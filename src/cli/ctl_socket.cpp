#include "ctl_socket.hpp"

#include "mainstay/kernel/unix_socket.hpp"

namespace mainstay::cli {

Result<UniqueFd> connect_to_daemon(const std::string& path, int type) {
    auto connected = kernel::connect_unix(path, type);
    if (!connected && connected.error().code() == Errc::NotFound)
        return error_of(connected, "mainstayd is not running");
    return connected;
}

}  // namespace mainstay::cli
