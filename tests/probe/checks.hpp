// Runs one check of a configured checker, and servers on loopback that answer it.
#pragma once

#include "clock.hpp"
#include "loopback.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <functional>
#include <future>
#include <optional>
#include <thread>
#include <utility>

#include "mainstay/probe/probe.hpp"
#include "mainstay/probe/task.hpp"
#include "mainstay/probe/toolbox.hpp"
#include "probe/connect.hpp"

namespace mainstay::probe::test {

inline boost::asio::awaitable<void> keep_finding(Probe probe, std::shared_ptr<Attempt> attempt,
                                                 std::optional<Finding>& out) {
    out = co_await probe.begin(std::move(attempt));
}

// `before`: what happens to the attempt before its check begins; `meanwhile`: right after that; `afterwards`: when the
// check has ended.
inline Finding run(const config::Checker& checker, const std::function<void(Attempt&)>& meanwhile = {},
                   const std::function<void(Attempt&)>& before = {},
                   const std::function<void(Attempt&)>& afterwards = {}, const config::Config& config = {}) {
    boost::asio::io_context loop;
    Toolbox tools{config};
    std::optional<Finding> finding;
    std::string thrown = "never ended";
    const auto attempt = std::make_shared<Attempt>(loop.get_executor());
    if (before) before(*attempt);
    spawn(loop.get_executor(), "test", keep_finding(probe_of(checker, 0, tools).value(), attempt, finding),
          [&thrown](const std::string&, const std::string& what) { thrown = what; });
    if (meanwhile) boost::asio::post(loop, [&] { meanwhile(*attempt); });
    run_to_its_end(loop);
    if (afterwards) afterwards(*attempt);
    REQUIRE(thrown.empty());
    REQUIRE(finding.has_value());
    return *finding;
}

// What happens meanwhile: so much time passes, while the check waits for the first time.
inline std::function<void(Attempt&)> in_time(std::chrono::nanoseconds more) {
    return [more](Attempt&) { pass(more); };
}

// Of a check whose turn comes when it is not wanted any more.
inline Finding run_cancelled(const config::Checker& checker) {
    return run(checker, {}, [](Attempt& attempt) { attempt.cancel(); });
}

inline config::Checker checker_of(config::Checker::Type type, const Endpoint& target) {
    config::Checker one;
    one.type = type;
    one.target = target;
    one.connect_timeout = kTimeout;
    return one;
}

inline void give(config::Checker& checker, std::string keyword, config::KeywordData data) {
    checker.more.edit().values.push_back({std::move(keyword), std::move(data)});
}

inline Finding run_with(const config::Config& config, const config::Checker& checker) {
    return run(checker, {}, {}, {}, config);
}

// Cancels the check that it is given to, from another thread: when its server has heard enough.
class Canceller {
public:
    [[nodiscard]] std::function<void(Attempt&)> begun() {
        return [this](Attempt& attempt) { attempt_.set_value(&attempt); };
    }
    void cancel() {
        Attempt* const attempt = attempt_.get_future().get();
        boost::asio::post(attempt->state()->watchdog.get_executor(), [attempt] { attempt->cancel(); });
    }

private:
    std::promise<Attempt*> attempt_;
};

// Answers each datagram with those that `answer` makes of it, until it is destroyed.
class DatagramServer {
public:
    using Answer = std::function<std::vector<std::string>(const std::string&)>;
    explicit DatagramServer(Answer answer)
        : socket_{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)}, answer_{std::move(answer)} {
        const sockaddr_in any = loopback(0);
        REQUIRE(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&any), sizeof any) == 0);
        thread_ = std::thread{[this] { serve(); }};
    }
    DatagramServer(const DatagramServer&) = delete;
    DatagramServer& operator=(const DatagramServer&) = delete;
    ~DatagramServer() { stop(); }
    [[nodiscard]] Endpoint endpoint() const { return bound_to(socket_); }
    // What came, once the server has ended.
    [[nodiscard]] const std::vector<std::string>& heard() {
        stop();
        return heard_;
    }

private:
    void stop() {
        if (!thread_.joinable()) return;
        const UniqueFd last{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
        const sockaddr_in to = loopback(endpoint().port);
        ::sendto(last.get(), "end", 3, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to);
        thread_.join();
    }
    void serve() {
        char bytes[2048];
        for (;;) {
            sockaddr_in peer{};
            socklen_t size = sizeof peer;
            const auto got =
                ::recvfrom(socket_.get(), bytes, sizeof bytes, 0, reinterpret_cast<sockaddr*>(&peer), &size);
            if (got < 0) return;
            const std::string came{bytes, static_cast<std::size_t>(got)};
            if (came == "end") return;
            heard_.push_back(came);
            for (const std::string& one : answer_(came))
                ::sendto(socket_.get(), one.data(), one.size(), 0, reinterpret_cast<const sockaddr*>(&peer), size);
        }
    }

    UniqueFd socket_;
    Answer answer_;
    std::vector<std::string> heard_;
    std::thread thread_;
};

// One connection, handled by `talk` in a thread.
class StreamServer {
public:
    explicit StreamServer(std::function<void(int fd)> talk)
        : thread_{[this, talk = std::move(talk)] {
              const UniqueFd peer{::accept(listener_.get(), nullptr, nullptr)};
              talk(peer.get());
          }} {}
    StreamServer(const StreamServer&) = delete;
    StreamServer& operator=(const StreamServer&) = delete;
    ~StreamServer() { join(); }
    [[nodiscard]] Endpoint endpoint() const { return bound_to(listener_); }
    void join() {
        if (thread_.joinable()) thread_.join();
    }

private:
    UniqueFd listener_ = listen_on_any();
    std::thread thread_;
};

inline bool send_text(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const auto sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

// Up to the line feed, or the end.
inline std::string hear_line(int fd) {
    std::string line;
    char byte = 0;
    while (!line.ends_with('\n') && ::recv(fd, &byte, 1, 0) == 1) line += byte;
    return line;
}

}  // namespace mainstay::probe::test
