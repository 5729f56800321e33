// The bfd role in a network namespace of the test's own. The test is the neighbour, with sockets in another one at the
// other end of a cable.
#include "mainstay/role/bfd/role.hpp"

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
#include "../lvs/fakes.hpp"
#include "mainstay/bfd/sessions.hpp"
#include "mainstay/config/load.hpp"
#include "mainstay/ipc/bfd_status.hpp"
#include "mainstay/ipc/channel.hpp"
#include "mainstay/wire/bfd.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;
using namespace std::chrono_literals;
using To = ipc::PeerChannel::To;
using Texts = std::vector<std::string>;
using wire::BfdState;

namespace {

config::Config written(const std::string& text) {
    auto loaded = config::load_text("x.conf", text, {});
    return std::move(loaded.config);
}
std::string instance(const std::string& name, const std::string& more) {
    return "bfd_instance " + name + " {\n" + more + "\nmin_rx 200\nmin_tx 200\nidle_tx 200\nmultiplier 5\n}\n";
}
const std::string kPeer = instance("peer", "neighbor_ip 10.0.0.2\nsource_ip 10.0.0.1");

// The namespace of the neighbours, with 10.0.0.2 and 10.0.0.3, while the thread is in that of the role, with 10.0.0.1.
class OtherHost {
public:
    OtherHost() : own_{::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)} {
        REQUIRE(::unshare(CLONE_NEWNET) == 0);
        other_.reset(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
        holder_ = ::fork();  // iproute2 names a namespace by a process in it
        if (holder_ == 0)
            for (;;) ::pause();
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
    UniqueFd socket() const {
        enter(other_);
        UniqueFd fd{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
        enter(own_);
        return fd;
    }

private:
    static void enter(const UniqueFd& there) { REQUIRE(::setns(there.get(), CLONE_NEWNET) == 0); }
    UniqueFd own_, other_;
    int holder_ = 0;
};
thread_local const OtherHost* other_host = nullptr;

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
        role->connect(to, std::move(channel->first));
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
    report::BfdStatus status() const { return ipc::decode<report::BfdStatus>(runtime.state.value()).value(); }
    bfd::SessionSnapshot session(std::size_t at = 0) const { return status().sessions.sessions.at(at); }
    bool until(const std::function<bool()>& holds) { return runtime.until(holds); }
    void stop() {
        bool stopped = false;
        role->stop([&stopped] { stopped = true; });
        CHECK(until([&stopped] { return stopped; }));
    }
    bool until_heard(Neighbor& neighbor, BfdState state) {
        bool heard = false;
        return until([&] {
            const auto packet = heard ? std::nullopt : neighbor.heard();
            heard = heard || (packet && packet->state == state);
            return heard;
        });
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

}  // namespace

TEST_CASE("a session comes up, which both roles hear and the state block shows, and goes down") {
    on_cable([] {
        Neighbor neighbor{2};
        Bench bench;
        bench.connect(To::Vrrp);
        bench.start(kPeer);
        bench.connect(To::Lvs);
        CHECK(Bench::received(bench.vrrp) == Texts{"peer down"});
        CHECK(Bench::received(bench.lvs) == Texts{"peer down"});
        CHECK(bench.session().name == "peer");
        CHECK(bench.session().state == BfdState::Down);
        CHECK(bench.session().since == WallTime{1});
        CHECK(bench.status().generation == 1);
        bench.come_up(neighbor);
        CHECK(neighbor.source == 0x0a000001);
        CHECK(neighbor.source_port >= 49152);
        CHECK(Bench::received(bench.vrrp) == Texts{"peer up"});
        CHECK(Bench::received(bench.lvs) == Texts{"peer up"});
        neighbor.send_state(BfdState::AdminDown);
        CHECK(bench.until([&] { return bench.session().state != BfdState::Up; }));
        CHECK(Bench::received(bench.vrrp) == Texts{"peer down"});
        CHECK(Bench::received(bench.lvs) == Texts{"peer down"});
        bench.stop();
        CHECK(bench.runtime.log_.count("peer") > 0);
    });
}

TEST_CASE("a role that follows no session hears that it is down") {
    on_cable([] {
        Neighbor neighbor{2};
        Bench bench;
        bench.start(instance("peer", "neighbor_ip 10.0.0.2\nsource_ip 10.0.0.1\nvrrp"));
        bench.connect(To::Vrrp);
        bench.connect(To::Lvs);
        bench.come_up(neighbor);
        CHECK(Bench::received(bench.vrrp) == Texts{"peer down", "peer up"});
        CHECK(Bench::received(bench.lvs) == Texts{"peer down"});
        bench.connect(To::Vrrp);
        bench.connect(To::Lvs);
        CHECK(Bench::received(bench.vrrp) == Texts{"peer up"});
        CHECK(Bench::received(bench.lvs) == Texts{"peer down"});
        bench.reload(instance("peer", "neighbor_ip 10.0.0.2\nsource_ip 10.0.0.1\nchecker"));
        CHECK(Bench::received(bench.vrrp) == Texts{"peer down"});
        CHECK(Bench::received(bench.lvs) == Texts{"peer up"});
        CHECK(bench.session().state == BfdState::Up);
        bench.stop();
    });
}

TEST_CASE("a packet from too far away, or from a stranger, counts for no session") {
    on_cable([] {
        Neighbor far{2, 3784, 254}, stranger{3};
        Bench bench;
        bench.start(kPeer);
        far.send_state(BfdState::Down);
        stranger.send_state(BfdState::Down);
        CHECK(bench.until([&] { return bench.session().counters.discarded + bench.status().sessions.strangers == 2; }));
        CHECK(bench.session().state == BfdState::Down);
        bench.stop();
    });
}

TEST_CASE("a session over several hops has a port of its own") {
    on_cable([] {
        Neighbor neighbor{2, 4784, 64};
        Bench bench;
        bench.start(instance("peer", "neighbor_ip 10.0.0.2\nsource_ip 10.0.0.1\nmultihop\nmax_hops 255"));
        bench.come_up(neighbor);
        bench.stop();
    });
}

TEST_CASE("what changes all the time is published a few times a second") {
    on_cable([] {
        Neighbor neighbor{2};
        Bench bench;
        bench.start(kPeer);
        REQUIRE(bench.until_heard(neighbor, BfdState::Down));
        neighbor.send_state(BfdState::Down);
        REQUIRE(bench.until([&] { return bench.session().state == BfdState::Init; }));
        CHECK(bench.session().counters.received == 1);
        CHECK(bench.until([&] { return bench.session().counters.sent >= 3; }));
        bench.stop();
    });
}

TEST_CASE("a reload keeps the sessions that stay, ends the others and begins new ones") {
    on_cable([] {
        Neighbor second{2}, third{3};
        Bench bench;
        bench.start(kPeer);
        bench.connect(To::Vrrp);
        bench.come_up(second);
        static_cast<void>(Bench::received(bench.vrrp));
        bench.reload(kPeer + instance("more", "neighbor_ip 10.0.0.3\nsource_ip 10.0.0.1"));
        CHECK(bench.session(0).state == BfdState::Up);
        CHECK(bench.session(1).name == "more");
        CHECK(Bench::received(bench.vrrp) == Texts{"more down", "peer up"});
        CHECK(bench.until_heard(third, BfdState::Down));
        bench.reload(instance("more", "neighbor_ip 10.0.0.3\nsource_ip 10.0.0.1"));
        CHECK(bench.until_heard(second, BfdState::AdminDown));
        CHECK(bench.status().sessions.sessions.size() == 1);
        bench.stop();
    });
}

TEST_CASE("a configuration that was prepared and aborted changes nothing") {
    on_cable([] {
        Bench bench;
        bench.start(kPeer);
        REQUIRE(bench.role->prepare(written(instance("other", "neighbor_ip 10.0.0.3\nsource_ip 10.0.0.1"))));
        bench.role->abort();
        bench.role->commit();
        CHECK(bench.session().name == "peer");
        REQUIRE(bench.role->prepare(written(kPeer)));
        bench.role->commit();
        bench.role->commit();  // of nothing that was prepared
        CHECK(bench.session().name == "peer");
        bench.stop();
    });
}

TEST_CASE("a port that another program has is the reason why a configuration cannot be started or prepared") {
    on_cable([] {
        const UniqueFd other{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
        const auto port = Neighbor::at(0, 3784);
        REQUIRE(::bind(other.get(), reinterpret_cast<const sockaddr*>(&port), sizeof port) == 0);
        Bench refused, later;
        const auto started = refused.role->start(written(kPeer), false);
        REQUIRE_FALSE(started);
        CHECK(started.error().sys_errno() == EADDRINUSE);
        refused.stop();
        later.start(instance("peer", "neighbor_ip 10.0.0.2\nsource_ip 10.0.0.1\nmultihop\nmax_hops 255"));
        CHECK_FALSE(later.role->prepare(written(kPeer)));
        later.role->commit();
        CHECK(later.session().multihop);
        later.stop();
    });
}

TEST_CASE("a new incarnation resumes a session that was up, and reports no change") {
    on_cable([] {
        Neighbor neighbor{2};
        Bench bench;
        bench.start(kPeer);
        bench.come_up(neighbor);
        const auto before = bench.session();
        bench.role = make_bfd_role(bench.runtime);
        bench.connect(To::Vrrp);
        bench.start(kPeer, true);
        CHECK(bench.session().state == BfdState::Up);
        CHECK(bench.session().discriminator == before.discriminator);
        CHECK(Bench::received(bench.vrrp) == Texts{"peer up"});
        CHECK(bench.runtime.log_.count("state of the previous process resumed") == 1);
        bench.stop();
        CHECK(bench.until_heard(neighbor, BfdState::AdminDown));
    });
}

TEST_CASE("a first start does not resume what an old block holds") {
    on_cable([] {
        Neighbor neighbor{2};
        Bench bench;
        bench.start(kPeer);
        bench.come_up(neighbor);
        bench.role = make_bfd_role(bench.runtime);
        bench.start(kPeer);
        CHECK(bench.session().state == BfdState::Down);
        CHECK(bench.runtime.log_.count("resumed") == 0);
        bench.stop();
    });
}

TEST_CASE("a neighbour that cannot be reached is named once") {
    on_cable([] {
        Bench bench;
        bench.start(instance("peer", "neighbor_ip 192.0.2.1") + instance("six", "neighbor_ip fe80::9"));
        CHECK(bench.until([&] { return bench.runtime.log_.count("192.0.2.1") >= 1; }));
        CHECK(bench.until([&] {
            return bench.runtime.log_.count(
                       "the neighbour fe80::9 is a link-local address and no interface has the source address: give "
                       "its session the link-local address of its interface as source_ip") == 1;
        }));
        bench.runtime.loop_.restart();
        bench.runtime.loop_.run_for(2500ms);
        CHECK(bench.runtime.log_.count("the neighbour fe80::9 ") == 1);
        bench.stop();
    });
}

TEST_CASE("a stop before the start, and what comes after the stop, do nothing") {
    on_cable([] {
        Bench early, bench;
        early.stop();
        early.role->commit();
        Neighbor neighbor{2};
        bench.start(kPeer);
        bench.stop();
        CHECK(bench.until_heard(neighbor, BfdState::AdminDown));
        CHECK(bench.session().state == BfdState::AdminDown);
        const auto sent = bench.session().counters.sent;
        bench.runtime.loop_.restart();
        bench.runtime.loop_.run_for(50ms);
        bench.role->save_state();
        CHECK(bench.session().counters.sent == sent);
    });
}

TEST_CASE("the role keeps the rights that large buffers and its own priority need") {
    const auto traits = bfd_traits();
    CHECK(traits.capabilities == std::vector<unsigned>{12, 23});
    CHECK(traits.calls == std::vector{kernel::CallSet::Schedule});
    CHECK(traits.kind == Kind::Bfd);
    CHECK_FALSE(traits.has_ring);
}
