// A mailer over a real folder, with a transport, a log and clocks of the test.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>

#include "mainstay/alert/mailer.hpp"
#include "temp_folder.hpp"

namespace mainstay::alert {

using namespace std::chrono_literals;

inline const Instant t0{1000s};
inline constexpr std::int64_t kWall0 = 1'795'163'866'000'000;

struct FakeTransport final : Transport {
    void send(const Server& to, const Mail& mail, std::string message, std::function<void(Delivery)> end) override {
        server = to;
        sent.push_back(mail);
        messages.push_back(std::move(message));
        done = std::move(end);
    }
    void answer(Delivery delivery) { std::exchange(done, nullptr)(std::move(delivery)); }
    void accept() { answer({.reached = true, .accepted = envelope_of(sent.back().to), .never = {}, .text = "250 ok"}); }

    Server server;
    std::vector<Mail> sent;
    std::vector<std::string> messages;
    std::function<void(Delivery)> done;
};

struct MemoryLog final : Log {
    using Log::line;
    void line(LogLevel level, std::string_view text) override {
        lines.push_back(std::string{to_string(level)} + " " + std::string{text});
    }
    [[nodiscard]] bool enabled(LogLevel) const override { return true; }
    std::vector<std::string> lines;
};

// A mailer over a real folder and a false world.
struct Fixture {
    explicit Fixture(SpoolLimits limits = {}) : spool_limits{limits} { restart(); }

    void restart() {
        mailer.reset();
        transport.done = nullptr;
        auto spool = Spool::open(folder.path("spool"), spool_limits);
        REQUIRE(spool.has_value());
        mailer = std::make_unique<Mailer>(std::move(*spool), transport, log, nullptr);
        configure("192.0.2.1");
    }
    void configure(const std::string& server, Seconds keep = kKeepFor) {
        config::Global global;
        global.router_id = "R";
        global.notification_email = {{.address = "a@example.org"}, {.address = "b@example.org"}};
        global.smtp_server = server;
        global.smtp_port = 2525;
        mailer->configure(global, {.host_name = "vm"}, {.keep = keep, .relays = relays});
    }
    std::vector<Transport::Server> relays;
    static Event event(std::uint64_t number) {
        return {.kind = Event::Kind::Instance,
                .name = "VI_" + std::to_string(number),
                .transition = Transition::Master,
                .detail = "x",
                .mail = true,
                .at = {kWall0 + static_cast<std::int64_t>(number)},
                .number = number};
    }
    static std::vector<Event> events(std::uint64_t first, std::uint64_t count) {
        std::vector<Event> all;
        for (std::uint64_t i = 0; i < count; ++i) all.push_back(event(first + i));
        return all;
    }
    static WallTime wall(Instant now) { return {kWall0 + std::chrono::duration_cast<Micros>(now - t0).count()}; }
    void take(const std::vector<Event>& all, Instant now) { REQUIRE(mailer->take(all, now, wall(now)).has_value()); }
    void pump(Instant now) { mailer->pump(now, wall(now)); }
    // Sends everything that leaves without waiting, at `now`.
    void deliver_all(Instant now) {
        pump(now);
        while (transport.done) {
            transport.accept();
            pump(now);
        }
    }

    SpoolLimits spool_limits;
    TempFolder folder;
    FakeTransport transport;
    MemoryLog log;
    std::unique_ptr<Mailer> mailer;
};

}  // namespace mainstay::alert
