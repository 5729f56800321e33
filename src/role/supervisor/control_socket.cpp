#include "control_socket.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>

#include "authorization.hpp"
#include "mainstay/ipc/channel.hpp"
#include "mainstay/kernel/unix_socket.hpp"
#include "role/common/cancel.hpp"

namespace mainstay::role {
namespace {

using boost::system::error_code;

constexpr int kQueue = 8;
constexpr int kNoAnswer = 2;
constexpr std::chrono::seconds kQuestionWithin{5}, kAnswerWithin{60};
constexpr std::chrono::milliseconds kAcceptPause{100};

Result<UniqueFd> listen_at(const std::string& path) {
    const auto at = kernel::unix_address(path);
    if (!at) return error_of(at);
    UniqueFd fd{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    if (!fd) return fail_system("socket for " + path, errno);
    ::unlink(path.c_str());
    // umask instead of chmod: the folder belongs to the roles' account, which could replace the socket by a symbolic
    // link.
    const mode_t before = ::umask(0177);
    const int bound = ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&*at), sizeof *at);
    const int error = errno;
    ::umask(before);
    if (bound != 0) return fail_system("bind " + path, error);
    if (::listen(fd.get(), kQueue) != 0) return fail_system("listen at " + path, errno);
    return fd;
}

bool is_root(int socket) {
    const auto peer = kernel::peer_of(socket);
    return peer && peer->uid == 0;
}

// The client, for the log. For a root that logged in as another account (sudo), that account is named too.
std::string peer_text(int socket) {
    const auto peer = kernel::peer_of(socket);
    if (!peer) return "an unknown account";
    const std::string path = "/proc/" + std::to_string(peer->pid) + "/loginuid";
    std::array<char, 16> text{};
    const UniqueFd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
    const auto got = file ? ::read(file.get(), text.data(), text.size() - 1) : -1;
    const std::string login{text.data(), got > 0 ? static_cast<std::size_t>(got) : 0};
    const bool known = !login.empty() && login != "4294967295" && login != std::to_string(peer->uid);
    return "uid " + std::to_string(peer->uid) + (known ? " (login uid " + login + ")" : "") + ", pid " +
           std::to_string(peer->pid);
}

}  // namespace

ControlSocket::ControlSocket(boost::asio::io_context& loop, Log& log, Handlers handlers)
    : log_{log}, handlers_{std::move(handlers)}, listener_{loop}, client_{loop}, limit_{loop} {}

Result<void> ControlSocket::open(const std::string& path) {
    auto fd = listen_at(path);
    if (!fd) return error_of(fd);
    error_code failed;
    listener_.assign(fd->get(), failed);
    if (failed) return fail(Errc::Io, "listen at " + path + ": " + failed.message(), failed.value());
    [[maybe_unused]] const int owned = fd->release();
    bound_ = kernel::BoundPath{path};
    accept();
    return {};
}

void ControlSocket::close() {
    if (!listener_.is_open()) return;
    error_code ignored;
    listener_.close(ignored);
    client_.close(ignored);
    cancel_quietly(limit_);
    if (reader_pid_ != 0) ::kill(reader_pid_, SIGKILL);
    bound_.remove();
}

void ControlSocket::accept() {
    listener_.async_wait(boost::asio::posix::stream_descriptor::wait_read, [this](const error_code& error) {
        if (error || client_.is_open()) return;
        UniqueFd client{::accept4(listener_.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
        error_code failed;
        if (client && !is_root(client.get())) return accept();  // it is closed, and root's turn is no later for it
        if (client) client_.assign(client.get(), failed);
        if (!client_.is_open()) return accept_later();
        [[maybe_unused]] const int owned = client.release();
        listen_to_client();  // further clients stay in the listen queue until this one is answered
    });
}

// Also after EMFILE: the connection stays in the queue, and accepting again at once would be a busy loop.
void ControlSocket::accept_later() {
    limit_.expires_after(kAcceptPause);
    limit_.async_wait([this](const error_code& error) {
        if (!error) accept();
    });
}

void ControlSocket::listen_to_client() {
    limit_.expires_after(kQuestionWithin);
    limit_.async_wait([this](const error_code& error) {
        if (!error && reader_pid_ == 0) refuse("no request was received in time");
    });
    client_.async_wait(boost::asio::posix::stream_descriptor::wait_read, [this](const error_code& error) {
        if (error || !client_.is_open()) return;
        limit_.cancel();
        or_refuse([this] { take_question(); });
    });
}

// After an exception (a lack of memory) the next client is served, too. One that was handed on has lost its line.
void ControlSocket::or_refuse(const std::function<void()>& step) {
    try {
        step();
    } catch (const std::exception& thrown) {
        log_.error("a request of mainstayctl caused an error: {}", thrown.what());
        refuse(std::string{"the request caused an error: "} + thrown.what());
    }
}

void ControlSocket::take_question() {
    auto got = ipc::receive_message(client_.native_handle());
    if (got && got->has_value())
        if (auto* received = std::get_if<ipc::Received>(&**got))
            if (may_send(Sender::Operator, received->message)) {
                // Its user may have given up: what was asked may be wrong by now.
                if (!ipc::is_closed(client_.native_handle())) return on_question(std::move(received->message));
                log_.warning("a request of {} is dropped: nobody waits for its answer any more",
                             peer_text(client_.native_handle()));
            }
    refuse("the message is not a request");
}

void ControlSocket::on_question(ipc::Message question) {
    upgrade_question_.reset();
    if (const auto* record = std::get_if<ipc::RecordQuestion>(&question)) return hand_out_record(*record);
    if (const auto* reload = std::get_if<ipc::Reload>(&question)) {
        log_.info("reload{} requested by {}", reload->force ? " by force" : "", peer_text(client_.native_handle()));
        UniqueFd client{client_.release()};
        accept();
        return handlers_.reload(*reload, std::move(client));
    }
    // It waits for the outcome without keeping other clients waiting.
    if (auto asked = ipc::operator_question(question)) {
        std::visit([this](auto& one) { one.by = peer_text(client_.native_handle()); }, *asked);
        UniqueFd client{client_.release()};
        accept();
        return handlers_.operators(std::move(*asked), std::move(client));
    }
    if (auto* upgrade = std::get_if<ipc::Upgrade>(&question)) upgrade_question_ = *upgrade;
    auto channel = ipc::make_channel();
    if (!channel) return refuse(channel.error().text());
    const auto pid = handlers_.start(question, channel->first.get(), channel->second.get());
    // Errc::State: it is to be tried again.
    if (!pid && upgrade_question_ && pid.error().code() != Errc::State) return refuse_upgrade(pid.error().text());
    if (!pid) return refuse(pid.error().text());
    if (!upgrade_question_) log_.info("dry run of a reload requested: nothing is changed");
    line_ = std::move(channel->first);
    reader_pid_ = *pid;
    limit_.expires_after(kAnswerWithin);
    limit_.async_wait([this](const error_code& error) {
        if (!error && reader_pid_ != 0) ::kill(reader_pid_, SIGKILL);  // its exit completes the request
    });
}

void ControlSocket::hand_out_record(const ipc::RecordQuestion& question) {
    log_.info("flight record requested by {}", peer_text(client_.native_handle()));
    const auto memory = handlers_.record(question);
    answer(ipc::RecordMemory{memory ? std::string{} : memory.error().text()}, memory ? memory->get() : -1);
}

bool ControlSocket::ended(const kernel::Ended& how) {
    if (reader_pid_ == 0 || how.pid != reader_pid_) return false;
    reader_pid_ = 0;
    const UniqueFd line = std::move(line_);
    if (listener_.is_open()) or_refuse([&] { take_answer(line.get(), how); });
    return true;
}

void ControlSocket::take_answer(int line, const kernel::Ended& how) {
    auto got = ipc::receive_message(line);
    if (got && got->has_value())
        if (const auto* received = std::get_if<ipc::Received>(&**got);
            received != nullptr &&
            may_send(upgrade_question_ ? Sender::UpgradeTrial : Sender::DryRunReader, received->message)) {
            if (const auto* done = std::get_if<ipc::DryRunDone>(&received->message))
                return answer(*done, received->descriptor.get());
            if (const auto* verdict = std::get_if<ipc::UpgradeChecked>(&received->message)) return checked(*verdict);
        }
    const bool slow = how.signalled && how.status == SIGKILL;
    if (upgrade_question_)
        refuse_upgrade(slow ? "the new program did not answer in time"
                            : "the new program did not confirm that it can continue (" + kernel::text_of(how) + ")");
    else
        refuse(slow ? "reading the configuration took too long" : "the reader died; see the log");
}

void ControlSocket::checked(const ipc::UpgradeChecked& verdict) {
    if (!verdict.problem.empty()) return refuse_upgrade(verdict.problem);
    limit_.cancel();
    UniqueFd client{client_.is_open() ? client_.release() : -1};
    const std::string program = upgrade_question_->program;
    accept();
    handlers_.upgrade(program, verdict.version, std::move(client));
}

void ControlSocket::refuse_upgrade(const std::string& problem) {
    if (handlers_.upgrade_refused) handlers_.upgrade_refused(problem);
    refuse(problem);
}

void ControlSocket::refuse(const std::string& problem) {
    if (!upgrade_question_) return answer(ipc::DryRunDone{kNoAnswer, problem}, -1);
    log_.error("upgrade refused ({}): the running program continues", problem);
    answer(ipc::UpgradeDone{problem, {}, {}, 0}, -1);
}

// Ends one request and accepts the next client.
void ControlSocket::answer(const ipc::Message& done, int text) {
    if (!client_.is_open()) return;
    limit_.cancel();
    // The client may have closed the connection; that is no error.
    [[maybe_unused]] const auto sent = ipc::send_message(client_.native_handle(), done, text);
    error_code ignored;
    client_.close(ignored);
    accept();
}

}  // namespace mainstay::role
