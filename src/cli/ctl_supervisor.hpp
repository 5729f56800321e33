// One question to the supervisor, over its own socket, which answers root alone.
#pragma once

#include <string>

#include "mainstay/base/error.hpp"
#include "mainstay/ipc/channel.hpp"

namespace mainstay::cli {

// `socket` is the control socket; the supervisor's is beside it. Errc::NotFound: no daemon; Errc::Permission: not root.
[[nodiscard]] Result<ipc::Received> ask_supervisor(const std::string& socket, const ipc::Message& question);
// Prints the error; the exit code for it.
[[nodiscard]] int complain(const Error& error);

}  // namespace mainstay::cli
