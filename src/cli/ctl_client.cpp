#include "ctl_client.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <optional>

#include "ctl.hpp"
#include "json_view.hpp"
#include "mainstay/ipc/shared.hpp"
#include "mainstay/kernel/unix_socket.hpp"
#include "mainstay/role/common/identity.hpp"
#include "mainstay/wire/http.hpp"
#include "output.hpp"

namespace mainstay::cli {
namespace {

constexpr std::chrono::milliseconds kExchangeWithin{10'000};
constexpr std::size_t kPieceBytes = std::size_t{64} * 1024;
constexpr std::uint16_t kOk = 200, kForbidden = 403;
constexpr const char* kNotForYou = "mainstayd answers only root, its own account and members of its group";

struct HttpAnswer {
    std::uint16_t status = 0;
    std::string body;
};

std::string request_text(const std::string& target, const std::optional<std::string>& body) {
    const std::string fields = " " + target + " HTTP/1.1\r\nHost: localhost\r\n";
    if (!body) return "GET" + fields + "\r\n";
    return "POST" + fields + "Content-Type: application/json\r\nContent-Length: " + std::to_string(body->size()) +
           "\r\n\r\n" + *body;
}

std::unexpected<Error> no_answer(const std::string& socket, const Error& why) {
    return fail(Errc::Io, "no answer from mainstayd at " + socket + ": " + why.text(), why.sys_errno());
}

Result<void> send_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const auto sent = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0) return fail_system("send", errno);
        text.remove_prefix(static_cast<std::size_t>(sent));
    }
    return {};
}

Result<HttpAnswer> receive(int fd) {
    const auto end = std::chrono::steady_clock::now() + kExchangeWithin;
    std::array<char, kPieceBytes> piece;
    wire::HttpReader reader;
    HttpAnswer answer;
    while (!reader.whole()) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
        pollfd wait{fd, POLLIN, 0};
        const int ready = ::poll(&wait, 1, static_cast<int>(std::max(left, std::chrono::milliseconds{0}).count()));
        if (ready == 0) return fail(Errc::Timeout, "it took longer than 10 s");
        const auto size = ready < 0 ? ready : ::recv(fd, piece.data(), piece.size(), 0);
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) return fail_system("recv", errno);
        if (size == 0) return fail(Errc::Io, "the connection was closed before the end of the answer");
        answer.body += reader.feed({piece.data(), static_cast<std::size_t>(size)});
        if (reader.header_too_long() || answer.body.size() > kAnswerBytesMax)
            return fail(Errc::Limit, "the answer is too long");
    }
    if (reader.chunked()) answer.body = wire::unchunked(answer.body);
    answer.status = reader.status().value_or(0);
    return answer;
}

// The text of {"error":"..."}; empty for any other body.
std::string problem_in(std::string_view body) {
    const auto object = json_object(body);
    return object ? text(*object, "error") : std::string{};
}

// The body of a 200.
Result<std::string> exchange_with(const std::string& socket, const std::string& target,
                                  const std::optional<std::string>& body) {
    const auto fd = connect_to_daemon(socket, SOCK_STREAM);
    if (!fd) {
        // The socket's permissions or the daemon itself may say so.
        if (fd.error().code() == Errc::Permission) return fail(Errc::Permission, kNotForYou);
        if (fd.error().code() != Errc::NotFound) return error_of(fd);
        const auto supervisor = supervisor_of(socket);
        if (!supervisor) return error_of(fd);
        return fail(Errc::NotFound,
                    fmt::format("mainstayd (process {}) runs, but its observer, which answers at {}, is "
                                "being started; ask again in a moment",
                                *supervisor, socket));
    }
    if (const auto sent = send_all(fd->get(), request_text(target, body)); !sent)
        return no_answer(socket, sent.error());
    auto answer = receive(fd->get());
    if (!answer) return no_answer(socket, answer.error());
    if (answer->status == kOk) return std::move(answer->body);
    auto problem = problem_in(answer->body);
    if (answer->status == kForbidden)
        return fail(Errc::Permission, body && !problem.empty() ? problem + ": ask as root" : kNotForYou);
    if (!problem.empty()) return fail(Errc::Invalid, std::move(problem));
    return fail(Errc::Invalid, "mainstayd answers " + std::to_string(answer->status) + " to " + target);
}

}  // namespace

Result<std::string> ask_daemon(const std::string& socket, const std::string& target) {
    return exchange_with(socket, target, std::nullopt);
}

Result<std::string> send_command(const std::string& socket, const std::string& target, const std::string& body) {
    return exchange_with(socket, target, body);
}

Result<UniqueFd> connect_to_daemon(const std::string& path, int type) {
    auto connected = kernel::connect_unix(path, type);
    if (!connected && connected.error().code() == Errc::NotFound)
        return error_of(connected, "mainstayd is not running");
    return connected;
}

namespace {

struct Connection {
    UniqueFd fd;
    int peer = 0;  // the supervisor's process id
};

// `socket` is the control socket.
Result<Connection> connect_to(const std::string& socket) {
    const std::string path = socket.substr(0, socket.rfind('/') + 1).append(role::kSupervisorSocket);
    auto fd = connect_to_daemon(path, SOCK_SEQPACKET);
    if (!fd && fd.error().code() == Errc::Permission) return error_of(fd, "this needs root");
    if (!fd) return error_of(fd);
    // The folder belongs to the roles' account and this program runs as root, so it accepts only a peer that is root.
    const auto peer = kernel::peer_of(fd->get());
    if (!peer) return error_of(peer);
    if (peer->uid != 0)
        return fail(Errc::Permission, path + " is not served by root: it is not the supervisor's socket");
    return Connection{std::move(*fd), peer->pid};
}

}  // namespace

bool is_readable(int fd, std::chrono::milliseconds within, std::chrono::milliseconds say_after,
                 const std::function<void()>& say) {
    const auto ready = [fd](std::chrono::milliseconds time) {
        pollfd wait{fd, POLLIN, 0};
        return ::poll(&wait, 1, static_cast<int>(time.count())) == 1;
    };
    if (within <= say_after) return ready(within);
    if (ready(say_after)) return true;
    say();
    return ready(within - say_after);
}

Result<ipc::Received> ask_supervisor(const std::string& socket, const ipc::Message& question,
                                     std::chrono::milliseconds within) {
    auto connection = connect_to(socket);
    if (!connection) return error_of(connection);
    const int fd = connection->fd.get();
    if (auto sent = ipc::send_message(fd, question); !sent) return error_of(sent);
    const auto say = [&] {
        print_error(
            fmt::format("mainstayctl: no answer from mainstayd (process {}) yet; waiting for up to {} s. If it does "
                        "not go on, `ps -o stat {}` shows whether it stands still (T)\n",
                        connection->peer, std::chrono::ceil<std::chrono::seconds>(within).count(), connection->peer));
    };
    if (!is_readable(fd, within, kSayAfter, say)) return fail(Errc::Io, "no answer from mainstayd beside " + socket);
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

Result<OperatorOutcome> ask_operator(const std::string& socket, const ipc::Message& question,
                                     std::chrono::milliseconds within) {
    const auto answer = ask_supervisor(socket, question, within);
    if (!answer) return error_of(answer);
    const auto done = ipc::operator_answer(answer->message);
    if (!done) return fail(Errc::Invalid, "mainstayd answered another question");
    if (!done->problem.empty()) return fail(Errc::Invalid, done->problem);
    auto text = text_with(*answer);
    if (!text) return error_of(text);
    return OperatorOutcome{done->exit_code, std::move(*text)};
}

int complain(const Error& error) {
    print_error("mainstayctl: " + error.text() + "\n");
    if (error.code() == Errc::NotFound) return kNotRunning;
    return error.code() == Errc::Permission ? kNotAllowed : kError;
}

}  // namespace mainstay::cli
