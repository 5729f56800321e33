#include "ctl.hpp"
#include "output.hpp"
#include "status_view.hpp"

namespace mainstay::cli {
namespace {

int complain(const Error& error, int code) {
    print_error("mainstayctl: " + error.text() + "\n");
    return code;
}

}  // namespace

int ctl_status(const std::string& socket, bool as_json) {
    auto answer = ask_daemon(socket, "/status");
    if (!answer) return complain(answer.error(), answer.error().code() == Errc::NotFound ? kNotRunning : 1);
    if (!as_json) {
        answer = status_tables(*answer);
        if (!answer) return complain(answer.error(), 1);
    }
    print(*answer);
    return 0;
}

}  // namespace mainstay::cli
