// A role's or the reader's process, as the supervisor starts it: a child of the test with the inherited descriptors at
// their numbers. The test has the other end of its control channel.
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "mainstay/ipc/channel.hpp"
#include "mainstay/ipc/shared.hpp"

namespace mainstay::role::test {

inline constexpr int kPatienceMs = 60'000;

struct Folder {
    std::filesystem::path path;
    Folder() {
        char name[] = "/tmp/mainstay-role.XXXXXX";
        path = ::mkdtemp(name);
        ::chmod(path.c_str(), 0755);
    }
    ~Folder() { std::filesystem::remove_all(path); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    [[nodiscard]] std::string operator/(const char* name) const { return path / name; }
};

// The log socket of the role: its lines without time and ident.
class LogLines {
public:
    explicit LogLines(const std::string& path) : socket_{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)} {
        sockaddr_un at{};
        at.sun_family = AF_UNIX;
        path.copy(at.sun_path, sizeof at.sun_path - 1);
        REQUIRE(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0);
        ::chmod(path.c_str(), 0777);
    }
    // What has been logged so far and was not read before.
    std::vector<std::string> read() {
        std::vector<std::string> lines;
        std::array<char, 8192> room{};
        for (;;) {
            const auto got = ::recv(socket_.get(), room.data(), room.size(), MSG_DONTWAIT);
            if (got <= 0) return lines;
            const std::string text{room.data(), static_cast<std::size_t>(got)};
            lines.push_back(text.substr(text.find("]: ") + 3));
        }
    }

private:
    UniqueFd socket_;
};

class RoleProcess {
public:
    // `inherited`: (number, descriptor) besides the control channel.
    explicit RoleProcess(int (*run)(), const std::vector<std::pair<int, int>>& inherited = {}) {
        auto line = ipc::make_channel();
        REQUIRE(line.has_value());
        pid_ = ::fork();
        REQUIRE(pid_ >= 0);
        if (pid_ == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            constexpr int kAside = 100;  // out of the way of the numbers
            auto all = inherited;
            all.emplace_back(ipc::inherited::kControl, line->second.get());
            for (auto& [number, descriptor] : all) descriptor = ::fcntl(descriptor, F_DUPFD_CLOEXEC, kAside);
            line->first.reset();
            line->second.reset();
            for (const auto& [number, descriptor] : all) {
                ::dup2(descriptor, number);
                ::close(descriptor);
            }
            ::_exit(run());
        }
        control_ = std::move(line->first);
    }
    ~RoleProcess() {
        if (pid_ == 0) return;
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    RoleProcess(const RoleProcess&) = delete;
    RoleProcess& operator=(const RoleProcess&) = delete;

    void send(const ipc::Message& message, int descriptor = -1) const {
        REQUIRE(ipc::send_message(control_.get(), message, descriptor).has_value());
    }
    // The next message; none: the process has closed its end.
    [[nodiscard]] std::optional<ipc::Received> hear_any() const {
        pollfd wait{control_.get(), POLLIN, 0};
        REQUIRE(::poll(&wait, 1, kPatienceMs) == 1);
        auto got = ipc::receive_message(control_.get());
        REQUIRE(got.has_value());
        REQUIRE(got->has_value());
        if (std::holds_alternative<ipc::Closed>(**got)) return std::nullopt;
        return std::get<ipc::Received>(std::move(**got));
    }
    // The next one but heartbeats.
    [[nodiscard]] std::optional<ipc::Received> hear() const {
        for (;;) {
            auto got = hear_any();
            if (!got || !std::holds_alternative<ipc::Heartbeat>(got->message)) return got;
        }
    }
    void close() { control_.reset(); }
    // Its exit status, after it has ended by itself; 1000 plus the number of the signal that ended it.
    int status() {
        int status = 0;
        REQUIRE(::waitpid(std::exchange(pid_, 0), &status, 0) > 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
    }

private:
    int pid_ = 0;
    UniqueFd control_;
};

}  // namespace mainstay::role::test
