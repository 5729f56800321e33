#include "ctl_supervisor.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>

#include "ctl.hpp"
#include "ctl_socket.hpp"
#include "mainstay/ipc/shared.hpp"
#include "mainstay/kernel/unix_socket.hpp"
#include "mainstay/role/common/identity.hpp"
#include "output.hpp"

namespace mainstay::cli {
namespace {

struct Connection {
    UniqueFd fd;
    int peer = 0;  // the supervisor's process id
};

// `socket` is the control socket.
Result<Connection> connect_to(const std::string& socket) {
    const std::string path = socket.substr(0, socket.rfind('/') + 1).append(role::kSupervisorSocket);
    auto fd = connect_to_daemon(path, SOCK_SEQPACKET);
    if (!fd) return error_of(fd);
    // The folder belongs to the roles' account and this program runs as root, so it accepts only a peer that is root.
    const auto peer = kernel::peer_of(fd->get());
    if (!peer) return error_of(peer);
    if (peer->uid != 0)
        return fail(Errc::Permission, path + " is not served by root: it is not the supervisor's socket");
    return Connection{std::move(*fd), peer->pid};
}

}  // namespace

Result<ipc::Received> ask_supervisor(const std::string& socket, const ipc::Message& question,
                                     std::chrono::milliseconds within) {
    auto connection = connect_to(socket);
    if (!connection) return error_of(connection);
    const int fd = connection->fd.get();
    if (auto sent = ipc::send_message(fd, question); !sent) return error_of(sent);
    pollfd wait{fd, POLLIN, 0};
    if (::poll(&wait, 1, static_cast<int>(within.count())) != 1)
        return fail(Errc::Io, "no answer from mainstayd beside " + socket);
    auto got = ipc::receive_message(fd);
    if (!got) return error_of(got);
    if (!got->has_value() || !std::holds_alternative<ipc::Received>(**got))
        return fail(Errc::Io, "mainstayd closed the connection without an answer");
    return std::get<ipc::Received>(std::move(**got));
}

Result<int> supervisor_of(const std::string& socket) {
    const auto connection = connect_to(socket);
    if (!connection) return error_of(connection);
    return connection->peer;
}

Result<std::string> text_with(const ipc::Received& answer) {
    const auto bytes = ipc::read_memfd(answer.descriptor.get());
    if (!bytes) return error_of(bytes);
    return std::string{reinterpret_cast<const char*>(bytes->data()), bytes->size()};
}

int complain(const Error& error) {
    print_error("mainstayctl: " + error.text() + "\n");
    if (error.code() == Errc::NotFound) return kNotRunning;
    return error.code() == Errc::Permission ? kNotAllowed : kError;
}

}  // namespace mainstay::cli
