// Connecting to the daemon's sockets in the file system.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "mainstay/base/error.hpp"
#include "mainstay/base/unique_fd.hpp"
#include "mainstay/ipc/channel.hpp"

namespace mainstay::cli {

// `type`: SOCK_STREAM or SOCK_SEQPACKET. Connecting, and later each sending, takes at most 10 s.
// Errc::NotFound: nobody listens there, so mainstayd is not running, or the part of it that answers is being started.
[[nodiscard]] Result<UniqueFd> connect_to_daemon(const std::string& path, int type);

// Sends one request to the supervisor over its control socket, which only root may use.

// `socket` is the control socket; the supervisor's is beside it. Errc::NotFound: no daemon; Errc::Permission: not root.
inline constexpr std::chrono::milliseconds kAnswerWithin{150'000};  // longer than the daemon takes for most
[[nodiscard]] Result<ipc::Received> ask_supervisor(const std::string& socket, const ipc::Message& question,
                                                   std::chrono::milliseconds within = kAnswerWithin);
// Whether something can be read within that time; what takes longer than `say_after` is said once, by `say`.
inline constexpr std::chrono::milliseconds kSayAfter{5'000};
[[nodiscard]] bool is_readable(int fd, std::chrono::milliseconds within, std::chrono::milliseconds say_after,
                               const std::function<void()>& say);
// The process id of the supervisor behind the socket. Errors as above.
[[nodiscard]] Result<int> supervisor_of(const std::string& socket);
// The text in the memory that an answer brings with it.
[[nodiscard]] Result<std::string> text_with(const ipc::Received& answer);
// What an operator's command is answered with.
struct OperatorOutcome {
    int exit_code = 0;
    std::string text;
};
[[nodiscard]] Result<OperatorOutcome> ask_operator(const std::string& socket, const ipc::Message& question,
                                                   std::chrono::milliseconds within = kAnswerWithin);
// Prints the error; the exit code for it.
[[nodiscard]] int complain(const Error& error);

}  // namespace mainstay::cli
