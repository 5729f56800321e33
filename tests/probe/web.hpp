// Web servers on loopback that do as they are told, each in a thread of its own, and one run of a check against them.
#pragma once

#include <doctest/doctest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <functional>
#include <optional>
#include <string>
#include <thread>

#include "checks.hpp"
#include "clock.hpp"
#include "loopback.hpp"
#include "mainstay/probe/http_check.hpp"
#include "mainstay/probe/probe.hpp"
#include "mainstay/probe/task.hpp"

namespace mainstay::probe::test {

inline constexpr auto kSsl = config::Checker::Type::Ssl;
inline const std::string kOk = "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n";

// Serves one connection: reads the request, then answers.
class Server {
public:
    using Answer = std::function<void(int fd)>;
    explicit Server(Answer answer) : thread_{[this, answer = std::move(answer)] { serve(answer); }} {}
    ~Server() { join(); }
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    [[nodiscard]] Endpoint endpoint() const { return bound_to(listener_); }
    [[nodiscard]] const std::string& request() {
        join();
        return request_;
    }

private:
    void join() {
        if (thread_.joinable()) thread_.join();
    }
    void serve(const Answer& answer) {
        const UniqueFd peer{::accept(listener_.get(), nullptr, nullptr)};
        char bytes[4096];
        while (request_.find("\r\n\r\n") == std::string::npos) {
            const auto got = ::recv(peer.get(), bytes, sizeof bytes, 0);
            if (got <= 0) return;
            request_.append(bytes, static_cast<std::size_t>(got));
        }
        answer(peer.get());
    }

    UniqueFd listener_ = listen_on_any();
    std::string request_;
    std::thread thread_;
};

inline bool send_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const auto sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

inline Server::Answer says(std::string text) {
    return [text = std::move(text)](int fd) { send_all(fd, text); };
}

inline void until_closed(int fd) {
    char byte = 0;
    while (::recv(fd, &byte, 1, 0) > 0) {
    }
}

inline config::Checker checker(const Endpoint& target, config::Checker::Type type = config::Checker::Type::Http) {
    config::Checker one;
    one.type = type;
    one.target = target;
    one.connect_timeout = kTimeout;
    one.urls.edit().push_back({.path = "/index", .digest = {}, .status_codes = {{200, 299}}, .virtualhost = {}});
    return one;
}

// Values are kept sorted by keyword, as the parser does.
inline void give(CompactOptional<config::ExtraSettings>& more, std::string keyword, config::KeywordData value) {
    more.edit().values.push_back({std::move(keyword), std::move(value)});
}

// A configuration with these settings of TLS.
inline config::Config with_ssl(std::vector<std::pair<std::string, std::string>> parts) {
    config::Config config;
    config::Section block{.keyword = "SSL", .names = {}, .values = {}, .sections = {}};
    for (auto& [name, text] : parts) block.values.push_back({std::move(name), config::WordList{std::move(text)}});
    config.more.edit().sections.push_back(std::move(block));
    return config;
}

inline Finding answered(Server::Answer answer, const std::function<void(config::Checker&)>& change = {}) {
    Server server{std::move(answer)};
    auto what = checker(server.endpoint());
    if (change) change(what);
    return run(what);
}

}  // namespace mainstay::probe::test
