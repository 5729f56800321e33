// mainstayctl reload --dry-run: the question to the supervisor, over its own socket.
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>

#include "ctl.hpp"
#include "mainstay/base/unique_fd.hpp"
#include "mainstay/ipc/channel.hpp"
#include "mainstay/ipc/shared.hpp"

namespace mainstay::cli {
namespace {

constexpr int kError = 2;
constexpr std::chrono::milliseconds kAnswerWithin{90'000};  // longer than the daemon gives its reader

Result<UniqueFd> connect_to(const std::string& path) {
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    if (path.size() >= sizeof at.sun_path) return fail(Errc::Invalid, "the socket path is too long: " + path);
    std::memcpy(at.sun_path, path.data(), path.size());
    UniqueFd fd{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)};
    if (!fd) return fail_system("socket", errno);
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0) {
        const int error = errno;
        if (error == ENOENT || error == ECONNREFUSED || error == ENOTDIR)
            return fail(Errc::NotFound, "mainstayd does not run: nobody answers at " + path, error);
        return fail_system("connect to " + path, error);
    }
    // The folder belongs to the roles' account, and this one runs as root: nobody but root is believed.
    ucred peer{};
    socklen_t size = sizeof peer;
    if (::getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return fail_system("SO_PEERCRED", errno);
    if (peer.uid != 0) return fail(Errc::Permission, path + " is not served by root: it is not the supervisor's");
    return fd;
}

Result<ipc::Received> ask(const std::string& path, const ipc::DryRun& question) {
    auto fd = connect_to(path);
    if (!fd) return std::unexpected{std::move(fd.error())};
    if (auto sent = ipc::send_message(fd->get(), question); !sent) return std::unexpected{std::move(sent.error())};
    pollfd wait{fd->get(), POLLIN, 0};
    if (::poll(&wait, 1, static_cast<int>(kAnswerWithin.count())) != 1)
        return fail(Errc::Io, "no answer from mainstayd at " + path);
    auto got = ipc::receive_message(fd->get());
    if (!got) return std::unexpected{std::move(got.error())};
    if (!got->has_value() || !std::holds_alternative<ipc::Received>(**got))
        return fail(Errc::Io, "mainstayd closed the connection without an answer");
    return std::get<ipc::Received>(std::move(**got));
}

int complain(const Error& error) {
    std::fprintf(stderr, "mainstayctl: %s\n", error.text().c_str());
    if (error.code() == Errc::NotFound) return kNotRunning;
    return error.code() == Errc::Permission ? kNotAllowed : kError;
}

}  // namespace

int ctl_reload_dry_run(const std::string& socket, bool as_json) {
    const std::string folder = socket.substr(0, socket.rfind('/') + 1);
    const auto answer = ask(folder + "supervisor.sock", {as_json});
    if (!answer) return complain(answer.error());
    const auto* done = std::get_if<ipc::DryRunDone>(&answer->message);
    if (done == nullptr) return complain(Error{Errc::Invalid, "mainstayd gave an answer to another question"});
    if (!done->problem.empty()) return complain(Error{Errc::Invalid, "mainstayd cannot tell: " + done->problem});
    const auto text = ipc::read_memfd(answer->descriptor.get());
    if (!text) return complain(text.error());
    std::fwrite(text->data(), 1, text->size(), stdout);
    return done->exit_code;
}

}  // namespace mainstay::cli
