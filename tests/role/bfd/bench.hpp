// The bfd role in a network namespace of the test's own. The test is the neighbour, with sockets in another one at the
// other end of a cable.
#pragma once

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

#include "../../kernel/own_network.hpp"
#include "../../sleeper.hpp"
#include "../lvs/fakes.hpp"
#include "mainstay/bfd/sessions.hpp"
#include "mainstay/config/load.hpp"
#include "mainstay/ipc/channel.hpp"
#include "mainstay/ipc/status.hpp"
#include "mainstay/role/bfd/role.hpp"
#include "mainstay/wire/bfd.hpp"

namespace mainstay::role::test {

using To = ipc::PeerChannel::To;
using Texts = std::vector<std::string>;
using wire::BfdState;

inline config::Config written(const std::string& text) {
    auto loaded = config::load_text("x.conf", text, {});
    return std::move(loaded.config);
}
inline std::string instance(const std::string& name, const std::string& more) {
    return "bfd_instance " + name + " {\n" + more + "\nmin_rx 200\nmin_tx 200\nidle_tx 200\nmultiplier 5\n}\n";
}
inline const std::string kPeer = instance("peer", "neighbor_ip 10.0.0.2\nsource_ip 10.0.0.1");

// The namespace of the neighbours, with 10.0.0.2 and 10.0.0.3, while the thread is in that of the role, with 10.0.0.1.
class OtherHost {
public:
    OtherHost() : own_{::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)} {
        REQUIRE(::unshare(CLONE_NEWNET) == 0);
        other_.reset(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
        holder_ = mainstay::test::sleeper();  // iproute2 names a namespace by a process in it
        enter(own_);
        using mainstay::test::ip;
        REQUIRE(ip("link add eth0 type veth peer name eth1 netns " + std::to_string(holder_)));
        for (const char* command :
             {"link set lo up", "link set eth0 addrgenmode none", "addr add 10.0.0.1/24 dev eth0", "link set eth0 up"})
            REQUIRE(ip(command));
        enter(other_);
        for (const char* command : {"addr add 10.0.0.2/24 dev eth1", "addr add 10.0.0.3/24 dev eth1",
                                    "link set eth1 addrgenmode none", "link set eth1 up"})
            REQUIRE(ip(command));
        enter(own_);
    }
    OtherHost(const OtherHost&) = delete;
    OtherHost& operator=(const OtherHost&) = delete;
    ~OtherHost() {
        ::kill(holder_, SIGKILL);
        ::waitpid(holder_, nullptr, 0);
    }
    UniqueFd socket(int family = AF_INET) const {
        enter(other_);
        UniqueFd fd{::socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
        enter(own_);
        return fd;
    }
    bool ip(const std::string& arguments) const {
        enter(other_);
        const bool done = mainstay::test::ip(arguments);
        enter(own_);
        return done;
    }

private:
    static void enter(const UniqueFd& there) { REQUIRE(::setns(there.get(), CLONE_NEWNET) == 0); }
    UniqueFd own_, other_;
    int holder_ = 0;
};
inline thread_local const OtherHost* other_host = nullptr;

// A neighbour with the address 10.0.0.2 (or 3) on the port of single or of several hops.
class Neighbor {
public:
    explicit Neighbor(unsigned last, std::uint16_t port = 3784, std::uint8_t ttl = 255)
        : socket_{other_host->socket()}, port_{port} {
        const int hops = ttl;
        REQUIRE(::setsockopt(socket_.get(), IPPROTO_IP, IP_TTL, &hops, sizeof hops) == 0);
        const auto own = at(0x0a000000 + last, port);
        REQUIRE(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own) == 0);
    }
    static sockaddr_in at(std::uint32_t address, std::uint16_t port) {
        sockaddr_in where{};
        where.sin_family = AF_INET;
        where.sin_addr.s_addr = htonl(address);
        where.sin_port = htons(port);
        return where;
    }
    // The packet of the role that came next, and from which port.
    std::optional<wire::BfdPacket> heard() {
        std::array<std::byte, 256> bytes;
        sockaddr_in from{};
        socklen_t size = sizeof from;
        const auto got =
            ::recvfrom(socket_.get(), bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&from), &size);
        if (got < 0) return std::nullopt;
        source_port = ntohs(from.sin_port);
        source = ntohl(from.sin_addr.s_addr);
        const auto packet = wire::decode_bfd(std::span{bytes}.first(static_cast<std::size_t>(got)));
        REQUIRE(packet);
        theirs = packet->my_discriminator;
        return *packet;
    }
    void send_state(BfdState state) const {
        const auto bytes = wire::encode_bfd({.state = state,
                                             .detect_multiplier = 200,
                                             .my_discriminator = 9,
                                             .your_discriminator = state == BfdState::Down ? 0 : theirs,
                                             .desired_min_tx = Micros{1'000'000},
                                             .required_min_rx = Micros{10'000}});
        const auto to = at(0x0a000001, port_);
        REQUIRE(::sendto(socket_.get(), bytes.data(), bytes.size(), 0, reinterpret_cast<const sockaddr*>(&to),
                         sizeof to) == static_cast<ssize_t>(bytes.size()));
    }
    std::uint16_t source_port = 0;
    std::uint32_t source = 0, theirs = 0;

private:
    UniqueFd socket_;
    std::uint16_t port_;
};

// The neighbour fe80::2, whose only interface with an IPv6 address is eth1.
class LinkLocalNeighbor {
public:
    LinkLocalNeighbor() : socket_{other_host->socket(AF_INET6)} {
        REQUIRE(other_host->ip("addr add fe80::2/64 dev eth1 nodad"));
        const int hops = 255;
        REQUIRE(::setsockopt(socket_.get(), IPPROTO_IPV6, IPV6_UNICAST_HOPS, &hops, sizeof hops) == 0);
        REQUIRE(::setsockopt(socket_.get(), SOL_SOCKET, SO_BINDTODEVICE, "eth1", 5) == 0);
        const auto own = at("fe80::2");
        REQUIRE(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own) == 0);
    }
    std::optional<wire::BfdPacket> heard() {
        std::array<std::byte, 256> bytes;
        const auto got = ::recv(socket_.get(), bytes.data(), bytes.size(), 0);
        if (got < 0) return std::nullopt;
        return wire::decode_bfd(std::span{bytes}.first(static_cast<std::size_t>(got))).value();
    }
    void send_down() const {
        const auto bytes = wire::encode_bfd({.state = BfdState::Down,
                                             .detect_multiplier = 200,
                                             .my_discriminator = 9,
                                             .desired_min_tx = Micros{1'000'000},
                                             .required_min_rx = Micros{10'000}});
        const auto to = at("fe80::1");
        REQUIRE(::sendto(socket_.get(), bytes.data(), bytes.size(), 0, reinterpret_cast<const sockaddr*>(&to),
                         sizeof to) == static_cast<ssize_t>(bytes.size()));
    }

private:
    static sockaddr_in6 at(const char* address) {
        sockaddr_in6 where{};
        where.sin6_family = AF_INET6;
        where.sin6_port = htons(3784);
        REQUIRE(::inet_pton(AF_INET6, address, &where.sin6_addr) == 1);
        return where;
    }
    UniqueFd socket_;
};

// Whether another program could send from this port of the role's address.
inline bool is_free(std::uint16_t port) {
    const UniqueFd fd{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    const auto own = Neighbor::at(0x0a000001, port);
    return ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own) == 0;
}

struct Bench {
    FakeRuntime runtime;
    std::unique_ptr<Role> role = make_bfd_role(runtime);
    UniqueFd vrrp, lvs;  // the other ends of the channels

    void start(const std::string& text, bool restarted = false) { REQUIRE(role->start(written(text), restarted)); }
    void reload(const std::string& text) {
        REQUIRE(role->prepare(written(text)));
        role->commit();
    }
    void connect(To to) {
        auto channel = ipc::make_channel();
        REQUIRE(channel);
        (to == To::Vrrp ? vrrp : lvs) = std::move(channel->second);
        role->on(ipc::PeerChannel{to}, std::move(channel->first));
    }
    static Texts received(const UniqueFd& line) {
        Texts all;
        for (;;) {
            auto got = ipc::receive_message(line.get());
            if (!got || !got->has_value() || !std::holds_alternative<ipc::Received>(**got)) return all;
            for (const auto& one : std::get<ipc::BfdStates>(std::get<ipc::Received>(**got).message).sessions)
                all.push_back(one.name + (one.up ? " up" : " down"));
        }
    }
    report::BfdStatus status() const { return decode<report::BfdStatus>(runtime.state.value()).value(); }
    bfd::SessionSnapshot session(std::size_t at = 0) const { return status().sessions.sessions.at(at); }
    bool until(const std::function<bool()>& holds) { return runtime.until(holds); }
    void stop() {
        bool stopped = false;
        role->stop([&stopped] { stopped = true; });
        CHECK(until([&stopped] { return stopped; }));
    }
    bool until_heard(auto& neighbor, BfdState state, std::optional<wire::BfdDiagnostic> diagnostic = {}) {
        bool heard = false;
        return until([&] {
            const auto packet = heard ? std::nullopt : neighbor.heard();
            heard = heard || (packet && packet->state == state && (!diagnostic || packet->diagnostic == *diagnostic));
            return heard;
        });
    }
    bool until_heard_stop(auto& neighbor) {
        return until_heard(neighbor, BfdState::Down, wire::BfdDiagnostic::AdministrativelyDown);
    }
    void come_up(Neighbor& neighbor) {
        REQUIRE(until_heard(neighbor, BfdState::Down));
        neighbor.send_state(BfdState::Down);
        REQUIRE(until_heard(neighbor, BfdState::Init));
        neighbor.send_state(BfdState::Up);
        REQUIRE(until([&] { return session().state == BfdState::Up; }));
    }
};

template <class Body>
void on_cable(const Body& body) {
    mainstay::test::in_own_network([&] {
        const OtherHost host;
        other_host = &host;
        body();
    });
}

}  // namespace mainstay::role::test
