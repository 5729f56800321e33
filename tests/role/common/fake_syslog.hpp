// A socket that stands for syslog's, in a folder of its own: a log that is sent to `folder`/log is read here.
#pragma once

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <string>

#include "../../temporary_folder.hpp"
#include "mainstay/base/unique_fd.hpp"

namespace mainstay::role::test {

struct Syslog {
    Syslog() {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::ranges::copy(folder + "/log", address.sun_path);
        fd.reset(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        REQUIRE(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    }
    Syslog(const Syslog&) = delete;
    Syslog& operator=(const Syslog&) = delete;
    [[nodiscard]] std::string datagram() const {
        std::array<char, 8192> buffer{};
        const auto got = ::recv(fd.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
        return {buffer.data(), got < 0 ? 0 : static_cast<std::size_t>(got)};
    }
    [[nodiscard]] std::string next() const {  // without what stands before the text
        const std::string line = datagram();
        const auto text = line.find("]: ");
        return text == std::string::npos ? line : line.substr(text + 3);
    }
    mainstay::test::TemporaryFolder home;
    const std::string folder = home.path;
    UniqueFd fd;
};

}  // namespace mainstay::role::test
