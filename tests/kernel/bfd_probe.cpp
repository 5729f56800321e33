// kernel_probe bfd FILE: the sessions of a configuration on real sockets, until stdin ends; then AdminDown is told.
//
// A line on stdin: "reload FILE" takes another configuration; "restart MILLISECONDS" closes every socket, hears
// nothing for that long, and goes on from a snapshot, as a new incarnation of a role does.
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <variant>
#include <vector>

#include "kernel_probe.hpp"
#include "mainstay/bfd/configured.hpp"
#include "mainstay/bfd/sessions.hpp"
#include "mainstay/config/load.hpp"
#include "mainstay/kernel/bfd_sockets.hpp"
#include "mainstay/kernel/clock.hpp"

namespace mainstay::probe_tool {
namespace {

using kernel::BfdReceiver;
using kernel::BfdSender;

class Director {
public:
    explicit Director(const std::string& file) : file_{file} {}

    Result<void> start(const bfd::SessionsSnapshot* previous) {
        settings_ = bfd::configured_sessions(config::load_file(file_, {}).config);
        for (const Family family : {Family::V4, Family::V6})
            for (const std::uint16_t port : {wire::kBfdPort, wire::kBfdMultihopPort}) {
                const auto wanted = [&](const bfd::Settings& s) {
                    return s.neighbor.family() == family && s.multihop == (port == wire::kBfdMultihopPort);
                };
                if (std::ranges::none_of(settings_, wanted)) continue;
                auto receiver = BfdReceiver::open(family, port);
                if (!receiver) return std::unexpected{std::move(receiver.error())};
                receivers_.push_back(std::move(*receiver));
            }
        sessions_.emplace(settings_, [this] { return random_(); });
        carry_out(sessions_->start(kernel::monotonic_now(), previous));
        return {};
    }

    // What arrived before what fell due: a process that was paused hears its neighbours first.
    void run() {
        std::vector<pollfd> waits;
        for (const BfdReceiver& receiver : receivers_) waits.push_back({receiver.fd(), POLLIN, 0});
        waits.push_back({STDIN_FILENO, POLLIN, 0});
        (void)ppoll_until(waits, sessions_->deadline());
        for (BfdReceiver& receiver : receivers_) hear(receiver);
        carry_out(sessions_->step(bfd::DeadlineReached{}, kernel::monotonic_now()));
        if (waits.back().revents != 0) command();
    }
    [[nodiscard]] bool finished() const { return sessions_->finished(); }

private:
    static int ppoll_until(std::vector<pollfd>& waits, std::optional<Instant> deadline) {
        timespec left{};
        if (deadline) {
            const auto wait = std::max(*deadline - kernel::monotonic_now(), Nanos{0});
            left.tv_sec = wait / Seconds{1};
            left.tv_nsec = (wait % Seconds{1}).count();
        }
        return ppoll(waits.data(), waits.size(), deadline ? &left : nullptr, nullptr);
    }
    void hear(BfdReceiver& receiver) {
        std::vector<kernel::ReceivedDatagram> datagrams;
        while (receiver.receive(datagrams).value_or(false)) {
        }
        for (const auto& d : datagrams)
            carry_out(sessions_->step(
                bfd::PacketHeard{d.source, d.destination, d.ttl, receiver.port() == wire::kBfdMultihopPort, d.payload},
                kernel::monotonic_now()));
    }
    void command() {
        std::array<char, 256> text{};
        const auto size = read(STDIN_FILENO, text.data(), text.size());
        const std::string line{text.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))};
        const std::string argument =
            line.substr(std::min(line.find(' ') + 1, line.size()), line.find('\n') - line.find(' ') - 1);
        if (size <= 0) {
            carry_out(sessions_->step(bfd::Shutdown{}, kernel::monotonic_now()));
        } else if (line.starts_with("reload ")) {
            carry_out(sessions_->reload(bfd::configured_sessions(config::load_file(argument, {}).config),
                                        kernel::monotonic_now()));
        } else if (line.starts_with("restart ")) {
            int milliseconds = 0;
            std::from_chars(argument.data(), argument.data() + argument.size(), milliseconds);
            const auto block = sessions_->snapshot();
            receivers_.clear();
            senders_.clear();
            (void)poll(nullptr, 0, milliseconds);
            if (auto done = start(&block); !done) std::exit(report(done.error()));
        }
        if (size > 0) fmt::print("{{\"done\":\"{}\"}}\n", line.substr(0, line.find('\n')));
        std::fflush(stdout);
    }
    void carry_out(const bfd::Intents& intents) {
        for (const auto& intent : intents) {
            if (const auto* packet = std::get_if<bfd::SendPacket>(&intent)) send(*packet);
            if (const auto* tell = std::get_if<bfd::ReportState>(&intent))
                fmt::print("{{\"tell\":\"{}\",\"up\":{}}}\n", tell->session, tell->up);
            if (const auto* say = std::get_if<bfd::WriteLog>(&intent))
                fmt::print("{{\"say\":\"{}\"}}\n", say->line.text);
        }
        std::fflush(stdout);
    }
    void send(const bfd::SendPacket& packet) {
        auto known = senders_.find(packet.source_port);
        if (known == senders_.end()) {
            auto sender = BfdSender::open(packet.destination.family(), packet.source, packet.source_port);
            if (!sender && sender.error().sys_errno() == EADDRINUSE)
                carry_out(sessions_->step(bfd::PortTaken{packet.source_port}, kernel::monotonic_now()));
            if (!sender) return (void)report(sender.error());
            known = senders_.emplace(packet.source_port, std::move(*sender)).first;
        }
        if (auto sent = known->second.send(packet.destination, packet.destination_port, packet.ttl, packet.payload);
            !sent)
            (void)report(sent.error());
    }

    std::string file_;
    std::vector<bfd::Settings> settings_;
    std::mt19937 random_{std::random_device{}()};
    std::vector<BfdReceiver> receivers_;
    std::map<std::uint16_t, BfdSender> senders_;
    std::optional<bfd::Sessions> sessions_;
};

}  // namespace

int bfd_sessions(const Arguments& arguments) {
    Director director{arguments.at(1)};
    fmt::print("{{\"ready\":true}}\n");
    if (auto done = director.start(nullptr); !done) return report(done.error());
    while (!director.finished()) director.run();
    return 0;
}

}  // namespace mainstay::probe_tool
