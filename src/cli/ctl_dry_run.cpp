// mainstayctl reload, with and without --dry-run: asks the supervisor over its own socket.

#include <unistd.h>

#include "ctl.hpp"
#include "ctl_client.hpp"
#include "output.hpp"

namespace mainstay::cli {
namespace {

// Says so, with the report. If the daemon does not answer, the reload itself says why.
bool errors_remove_something(const std::string& socket) {
    const auto answer = ask_supervisor(socket, ipc::DryRun{.as_json = false});
    const auto* done = answer ? std::get_if<ipc::DryRunDone>(&answer->message) : nullptr;
    if (done == nullptr || done->removed_by_errors.empty()) return false;
    if (const auto text = text_with(*answer)) print(*text);
    print_error(
        "mainstayctl: not reloaded: because of new errors in the file something would be missing that runs; fix them, "
        "or "
        "reload with --yes\n");
    return true;
}

}  // namespace

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

int ctl_reload(const std::string& socket, const ReloadOptions& options) {
    const bool asks = !options.yes && !options.force && ::isatty(STDIN_FILENO) == 1 && ::isatty(STDERR_FILENO) == 1;
    if (asks && errors_remove_something(socket)) return kError;
    const auto answer = ask_supervisor(socket, ipc::Reload{options.force, options.as_json});
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
