// mainstayctl reload, with and without --dry-run: asks the supervisor over its own socket.

#include "ctl.hpp"
#include "ctl_supervisor.hpp"
#include "output.hpp"

namespace mainstay::cli {

int ctl_reload_dry_run(const std::string& socket, bool as_json) {
    const auto answer = ask_supervisor(socket, ipc::DryRun{as_json});
    if (!answer) return complain(answer.error());
    const auto* done = std::get_if<ipc::DryRunDone>(&answer->message);
    if (done == nullptr) return complain(Error{Errc::Invalid, "mainstayd answered another question"});
    if (!done->problem.empty()) return complain(Error{Errc::Invalid, "mainstayd cannot compare: " + done->problem});
    const auto text = text_with(*answer);
    if (!text) return complain(text.error());
    print(*text);
    return done->exit_code;
}

int ctl_reload(const std::string& socket, bool force, bool as_json) {
    const auto answer = ask_supervisor(socket, ipc::Reload{force, as_json});
    if (!answer) return complain(answer.error());
    const auto* done = std::get_if<ipc::ReloadDone>(&answer->message);
    if (done == nullptr) return complain(Error{Errc::Invalid, "mainstayd answered another question"});
    if (answer->descriptor) {
        const auto text = text_with(*answer);
        if (!text) return complain(text.error());
        print(*text);
    }
    if (done->problem.empty()) return 0;
    return complain(Error{Errc::Invalid, "reload refused, the running configuration stays in use: " + done->problem});
}

}  // namespace mainstay::cli
