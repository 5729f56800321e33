#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <optional>

#include "ctl.hpp"
#include "ctl_socket.hpp"
#include "json_view.hpp"
#include "mainstay/wire/http.hpp"

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
        return error_of(fd);
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

}  // namespace mainstay::cli
