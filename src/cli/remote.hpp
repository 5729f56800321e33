// mainstayctl --host: the same command on another director, over ssh.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "mainstay/base/error.hpp"

namespace mainstay::cli {

struct RemoteEnvironment {
    bool terminal = false;  // stdin and stdout are one: the command there gets one, too
    bool no_color = false;
};
// The arguments of ssh, of which the last is the command for the shell of the other host. None: there is no --host
// before the command. Errc::Invalid: no command, or a host that ssh or that shell could take for something else.
[[nodiscard]] Result<std::optional<std::vector<std::string>>> remote_command(const std::vector<std::string>& arguments,
                                                                             const RemoteEnvironment& here);
// Becomes ssh, if there is a --host: then it returns only with an error, as exit code.
[[nodiscard]] std::optional<int> run_remotely(const std::vector<std::string>& arguments);

}  // namespace mainstay::cli
