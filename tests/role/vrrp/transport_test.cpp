// The sockets of the vrrp role on the host that office.hpp makes: which there are, what they send, and what they take.
#include "role/vrrp/transport.hpp"
#include "../../needs.hpp"

#include "mainstay/wire/vrrp_auth.hpp"
#include "office.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;
using mainstay::test::in_own_network;

namespace {

IpAddress addr(const char* text) { return IpAddress::parse(text).value(); }

// Packets of protocol 112 that leave an interface.
class Exit {
public:
    explicit Exit(const std::string& name)
        : fd_{::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(ETH_P_ALL))} {
        sockaddr_ll at{};
        at.sll_family = AF_PACKET;
        at.sll_protocol = htons(ETH_P_ALL);
        at.sll_ifindex = static_cast<int>(kernel::interface_index(name));
        REQUIRE(::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0);
    }
    // "10.0.0.1 > 10.5.0.9 ttl 255": each that has left by now.
    Texts sent() {
        std::array<std::byte, 2048> room{};
        for (;;) {
            const auto got = ::recv(fd_.get(), room.data(), room.size(), 0);
            if (got < 0) return sent_;
            const auto packet = wire::decode_ipv4(std::span{room}.first(static_cast<std::size_t>(got)));
            if (packet && packet->protocol == 112)
                sent_.push_back(packet->source.to_string() + " > " + packet->destination.to_string() + " ttl " +
                                std::to_string(packet->ttl));
        }
    }

private:
    UniqueFd fd_;
    Texts sent_;
};

struct TransportHost {
    Cable cable;
    boost::asio::io_context loop;
    KeptLog log;
    Links links;
    int readable = 0;
    VrrpTransport transport{loop, log, [this] {
                                ++readable;
                                take();
                            }};
    Texts taken;

    TransportHost() { read(); }
    void read() {
        auto netlink = kernel::Rtnetlink::open().value();
        REQUIRE(links.refresh(netlink));
    }
    void follow(const std::string& text) { transport.follow(Office::written(text), links); }
    bool take(std::size_t limit = 100) {
        return transport.drain(
            [this](const vrrp::PacketHeard& packet) {
                taken.push_back(packet.interface + " " + packet.source.to_string() + " > " +
                                packet.destination.to_string() + " ttl " + std::to_string(packet.ttl));
            },
            limit);
    }
    bool until(const std::function<bool()>& holds) {
        const auto end = std::chrono::steady_clock::now() + kPatience;
        while (!holds() && std::chrono::steady_clock::now() < end) loop.run_one_for(std::chrono::milliseconds{20});
        loop.restart();
        return holds();
    }
    // An advert of the instance with VRID 51 from eth0.
    static vrrp::SendAdvert advert(const std::vector<const char*>& destinations) {
        vrrp::SendAdvert advert{.interface = "eth0", .source = addr("10.0.0.1")};
        for (const char* destination : destinations) {
            advert.destinations.push_back(addr(destination));
            advert.payloads.push_back(wire::encode_vrrp({.version = 3, .virtual_router_id = 51, .priority = 100},
                                                        advert.source, addr(destination)));
        }
        return advert;
    }
    void send(const vrrp::SendAdvert& advert) { transport.send(advert, links); }
};

const std::string kHeard = "eth0 10.0.0.2 > 224.0.0.18 ttl 255";

}  // namespace

TEST_CASE("a packet to the group is taken once, and wakes the loop" * mainstay::test::kNeedsRoot) {
    on_host<TransportHost>([](TransportHost& host) {
        host.follow(instance());
        CHECK_FALSE(host.transport.waits());
        host.cable.advertise(150, "10.0.0.2");
        REQUIRE(host.until([&] { return host.taken.size() == 1; }));
        CHECK(host.taken == Texts{kHeard});
        CHECK(host.readable == 1);
        CHECK_FALSE(host.transport.waits());
        CHECK_FALSE(host.take());
        host.cable.advertise(150, "10.0.0.2");
        REQUIRE(host.until([&] { return host.taken.size() == 2; }));
        host.transport.close();
        host.cable.advertise(150, "10.0.0.2");
        CHECK_FALSE(host.transport.waits());
        CHECK(host.log.texts.empty());
    });
}

TEST_CASE("of many packets a bounded number is taken at once, and the rest is said to be there" *
          mainstay::test::kNeedsRoot) {
    on_host<TransportHost>([](TransportHost& host) {
        host.follow(instance());
        for (int n = 0; n < 214; ++n) host.cable.advertise(150, "10.0.0.2");
        CHECK(host.take(64));
        CHECK(host.taken.size() == 64);  // a limit that one system call reaches: there is no second one
        host.taken.clear();
        const auto end = std::chrono::steady_clock::now() + kPatience;
        while (host.taken.size() < 150 && std::chrono::steady_clock::now() < end) {
            const auto before = host.taken.size();
            const bool more = host.take(1);
            CHECK(host.taken.size() - before <= 64);  // of one system call
            if (host.taken.size() - before == 64) CHECK(more);
        }
        CHECK(host.taken.size() == 150);
        CHECK_FALSE(host.take(100));
    });
}

TEST_CASE("two instances of one interface share a socket, and no packet comes twice" * mainstay::test::kNeedsRoot) {
    on_host<TransportHost>([](TransportHost& host) {
        host.follow(instance() + instance("", "10.0.0.200", "VI_2", 52));
        host.cable.advertise(150, "10.0.0.2");
        REQUIRE(host.until([&] { return !host.taken.empty(); }));
        CHECK_FALSE(host.take());
        CHECK(host.taken == Texts{kHeard});
    });
}

TEST_CASE("an interface that is not used any more, or has no instance yet, is not listened on" *
          mainstay::test::kNeedsRoot) {
    on_host<TransportHost>([](TransportHost& host) {
        host.follow("");
        host.cable.advertise(150, "10.0.0.2");
        CHECK_FALSE(host.transport.waits());
        host.follow(instance());
        host.cable.advertise(150, "10.0.0.2");
        REQUIRE(host.until([&] { return host.taken.size() == 1; }));
        host.follow("");
        host.cable.advertise(150, "10.0.0.2");
        CHECK_FALSE(host.transport.waits());
        CHECK(host.taken.size() == 1);
        host.follow(instance());
        host.cable.advertise(150, "10.0.0.2");
        CHECK(host.until([&] { return host.taken.size() == 2; }));
    });
}

TEST_CASE(
    "adverts leave on the interface of the instance, on which the peers listen; without one where the routes say" *
    mainstay::test::kNeedsRoot) {
    on_host<TransportHost>([](TransportHost& host) {
        REQUIRE(ip("link add d0 type veth peer name d1"));
        for (const char* name : {"d0", "d1"}) REQUIRE(ip(std::string{"link set up "} + name));
        REQUIRE(ip("route add 10.5.0.0/24 dev d0"));
        for (const char* device : {"d0", "eth0"})
            for (const char* peer : {"10.5.0.9", "10.5.0.8"})
                REQUIRE(ip(std::string{"neigh add dev "} + device + " lladdr 02:00:00:00:00:99 " + peer));
        host.read();
        Exit d0{"d0"}, eth0{"eth0"};
        host.follow(instance());
        host.send(TransportHost::advert({"224.0.0.18"}));
        CHECK(host.until([&] { return host.cable.heard("advert 51 100 10.0.0.1") == 1; }));
        auto unicast = TransportHost::advert({"10.5.0.9", "10.5.0.8"});
        unicast.ttl = 64;
        host.send(unicast);
        CHECK(eth0.sent() ==
              Texts{"10.0.0.1 > 224.0.0.18 ttl 255", "10.0.0.1 > 10.5.0.9 ttl 64", "10.0.0.1 > 10.5.0.8 ttl 64"});
        CHECK(d0.sent().empty());
        unicast.interface.clear();
        host.send(unicast);
        CHECK(eth0.sent().size() == 3);
        CHECK(d0.sent() == Texts{"10.0.0.1 > 10.5.0.9 ttl 64", "10.0.0.1 > 10.5.0.8 ttl 64"});
        CHECK(host.transport.send_failures() == 0);
        CHECK(host.log.texts.empty());
    });
}

TEST_CASE("an advert of an interface that is gone is not sent, and that is no failure" * mainstay::test::kNeedsRoot) {
    on_host<TransportHost>([](TransportHost& host) {
        auto advert = TransportHost::advert({"224.0.0.18"});
        advert.interface = "nowhere";
        host.send(advert);
        CHECK(host.transport.send_failures() == 0);
        CHECK(host.log.texts.empty());
        CHECK(host.cable.heard().empty());
    });
}

TEST_CASE("a failure to send is counted each time and named once, until it has gone well again" *
          mainstay::test::kNeedsRoot) {
    on_host<TransportHost>([](TransportHost& host) {
        host.follow(instance());
        REQUIRE(ip("link set eth0 down"));
        host.send(TransportHost::advert({"224.0.0.18"}));
        host.send(TransportHost::advert({"224.0.0.18"}));
        CHECK(host.transport.send_failures() == 2);
        REQUIRE(host.log.texts.size() == 1);
        CHECK(host.log.texts[0].starts_with("sending VRRP on eth0 to 224.0.0.18: "));
        REQUIRE(ip("link set eth0 up"));
        REQUIRE(host.until([&] {
            host.send(TransportHost::advert({"224.0.0.18"}));
            return host.cable.heard("advert 51 100 10.0.0.1") > 0;
        }));
        CHECK(host.log.texts.size() == 1);
        REQUIRE(ip("link set eth0 down"));
        host.send(TransportHost::advert({"224.0.0.18"}));
        CHECK(host.log.texts.size() == 2);
    });
}

TEST_CASE("to warm up is to send nothing" * mainstay::test::kNeedsRoot) {
    on_host<TransportHost>([](TransportHost& host) {
        host.follow(instance());
        host.transport.warm_up(TransportHost::advert({"224.0.0.18"}), host.links);
        host.send(TransportHost::advert({"224.0.0.18"}));
        REQUIRE(host.until([&] { return !host.cable.heard().empty(); }));
        CHECK(host.cable.heard("advert 51 100 10.0.0.1") == 1);
    });
}

TEST_CASE("an interface that was made again under its name has new sockets" * mainstay::test::kNeedsRoot) {
    on_host<TransportHost>([](TransportHost& host) {
        host.follow(instance());
        host.send(TransportHost::advert({"224.0.0.18"}));
        REQUIRE(ip("link del eth0"));
        host.read();
        host.follow(instance());
        REQUIRE(ip("link add eth0 type veth peer name eth1"));
        for (const char* name : {"eth0", "eth1"}) REQUIRE(ip(std::string{"link set up "} + name));
        REQUIRE(ip("addr add 10.0.0.1/24 dev eth0"));
        host.read();
        host.follow(instance());
        Exit eth0{"eth0"};
        host.send(TransportHost::advert({"224.0.0.18"}));
        CHECK(eth0.sent() == Texts{"10.0.0.1 > 224.0.0.18 ttl 255"});
        CHECK(host.transport.send_failures() == 0);
        CHECK(host.log.texts.empty());
    });
}

TEST_CASE("frames go out in their order; without any, or on an interface that is not there, nothing does" *
          mainstay::test::kNeedsRoot) {
    on_host<TransportHost>([](TransportHost& host) {
        const wire::MacAddress mac{std::byte{2}, {}, {}, {}, {}, std::byte{0x0a}};
        std::vector<std::vector<std::byte>> frames;
        for (const char* one : {"10.0.0.100", "10.0.0.101"})
            frames.push_back(wire::gratuitous_arp(mac, addr(one)).value());
        host.transport.send_frames(host.links.find("eth0")->index, {});
        host.transport.send_frames(host.links.find("eth0")->index, frames);
        CHECK(host.until([&] { return host.cable.heard().size() == 2; }));
        CHECK(host.cable.heard() == Texts{"arp 10.0.0.100", "arp 10.0.0.101"});
        CHECK(host.log.texts.empty());
        REQUIRE(ip("link set eth0 down"));
        host.transport.send_frames(host.links.find("eth0")->index, frames);
        host.transport.send_frames(host.links.find("eth0")->index, frames);
        REQUIRE(host.log.texts.size() == 1);
        CHECK(host.log.texts[0].starts_with("sending gratuitous ARP: "));
    });
}

TEST_CASE("an interface that was away and has its old index again is heard again" * mainstay::test::kNeedsRoot) {
    on_host<TransportHost>([](TransportHost& host) {
        auto netlink = kernel::Rtnetlink::open().value();
        host.follow(instance());
        mainstay::test::move_away_and_back("eth0");
        REQUIRE(ip("addr add 10.0.0.1/24 dev eth0"));
        REQUIRE(ip("link set eth0 up"));
        mainstay::test::wait_until_up("eth0");
        (void)host.links.take_from(netlink, host.log);
        host.follow(instance());
        host.cable.advertise(150, "10.0.0.2");
        CHECK(host.until([&] { return host.taken.size() == 1; }));
        CHECK(host.taken == Texts{kHeard});
        host.send(TransportHost::advert({"224.0.0.18"}));
        CHECK(host.transport.send_failures() == 0);
        CHECK(host.log.texts.empty());
    });
}

TEST_CASE("of the interfaces that have changed alone the sockets are looked at" * mainstay::test::kNeedsRoot) {
    on_host<TransportHost>([](TransportHost& host) {
        const auto follow = [&](const std::string& changed) {
            const std::set<std::string> names{changed};
            host.transport.follow(Office::written(instance()), host.links, &names);
        };
        follow("eth1");
        host.cable.advertise(150, "10.0.0.2");
        CHECK_FALSE(host.take());
        CHECK(host.taken.empty());
        follow("eth0");
        host.cable.advertise(150, "10.0.0.2");
        CHECK(host.until([&] { return host.taken.size() == 1; }));
        follow("eth1");
        host.cable.advertise(150, "10.0.0.2");
        CHECK(host.until([&] { return host.taken.size() == 2; }));
        CHECK(host.taken == Texts{kHeard, kHeard});
    });
}
