// mainstayctl upgrade: replaces the running daemon with the program on disk.
#include <fmt/format.h>

#include <cstdio>
#include <filesystem>

#include "ctl.hpp"
#include "ctl_client.hpp"
#include "output.hpp"

namespace mainstay::cli {

int ctl_upgrade(const std::string& socket, const std::string& program) {
    std::error_code ignored;
    const auto answer = ask_supervisor(
        socket, ipc::Upgrade{program.empty() ? program : std::filesystem::absolute(program, ignored).string()});
    if (!answer) return complain(answer.error());
    const auto* done = std::get_if<ipc::UpgradeDone>(&answer->message);
    if (done == nullptr) return complain(Error{Errc::Invalid, "mainstayd answered another question"});
    if (!done->problem.empty() && done->roles == 0)
        return complain(Error{Errc::Invalid, "upgrade refused, nothing was changed: " + done->problem});
    print(fmt::format("upgraded from {} to {}: {} roles were replaced\n", done->before, done->after, done->roles));
    if (done->problem.empty()) return 0;
    return complain(Error{Errc::Invalid, "some processes were not replaced: " + done->problem});
}

}  // namespace mainstay::cli
