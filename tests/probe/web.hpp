// Web servers on loopback that do as they are told, each in a thread of its own, and one run of a check against them.
#pragma once

#include <doctest/doctest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <functional>
#include <optional>
#include <string>
#include <thread>

#include "clock.hpp"
#include "loopback.hpp"
#include "mainstay/probe/http_check.hpp"
#include "mainstay/probe/probe.hpp"
#include "mainstay/probe/task.hpp"

namespace mainstay::probe::test {

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

inline boost::asio::awaitable<void> store(Probe probe, std::shared_ptr<Attempt> attempt, std::optional<Finding>& out) {
    out = co_await probe.begin(std::move(attempt));
}

// `meanwhile`: so much time passes while the check waits for its connection.
inline Finding run(const config::Checker& what, const config::Config& config = {},
                   std::chrono::nanoseconds meanwhile = {}) {
    boost::asio::io_context loop;
    Toolbox tools{config};
    std::optional<Finding> finding;
    std::string thrown = "never ended";
    const auto attempt = std::make_shared<Attempt>(loop.get_executor());
    spawn(loop.get_executor(), "test", store(probe_of(what, 0, tools).value(), attempt, finding),
          [&thrown](const std::string&, const std::string& text) { thrown = text; });
    if (meanwhile.count() != 0) boost::asio::post(loop, [meanwhile] { pass(meanwhile); });
    run_to_its_end(loop);
    REQUIRE(thrown.empty());
    REQUIRE(finding.has_value());
    return *finding;
}

inline Finding answered(Server::Answer answer, const std::function<void(config::Checker&)>& change = {}) {
    Server server{std::move(answer)};
    auto what = checker(server.endpoint());
    if (change) change(what);
    return run(what);
}

}  // namespace mainstay::probe::test
