#include "mainstay/vrrp/receive.hpp"

#include <doctest/doctest.h>

#include <functional>

#include "bench.hpp"

using namespace mainstay;
using namespace mainstay::vrrp;
using namespace mainstay::vrrp::test;

namespace {

config::Instance pass_instance() {
    auto c = instance();
    c.auth_type = config::AuthType::Pass;
    c.auth_pass = "1111";
    return c;
}
Peer pass_peer(const char* password = "1111") {
    Peer peer{150};
    peer.packet.auth_type = 1;
    for (std::size_t i = 0; password[i] != '\0'; ++i) peer.packet.auth[i] = static_cast<std::byte>(password[i]);
    return peer;
}

}  // namespace

TEST_CASE("each kind of bad packet is dropped, counted under its name, and logged once") {
    using Mutate = std::function<void(Peer&)>;
    struct Row {
        const char* what;
        Mutate mutate;
        std::uint64_t Counters::* counter;
        const char* log;
    };
    const Row rows[] = {
        {"TTL", [](Peer& p) { p.ttl = 254; }, &Counters::ip_ttl_err,
         "(VI_1) received a packet with TTL 254 from 10.0.0.2, expecting 255"},
        {"version", [](Peer& p) { p.packet.version = 3; }, &Counters::version_err,
         "(VI_1) received a version 3 packet from 10.0.0.2, expecting version 2"},
        {"auth type", [](Peer& p) { p.packet.auth_type = 3; }, &Counters::invalid_authtype,
         "(VI_1) received an invalid auth type 3 from 10.0.0.2"},
        {"no auth", [](Peer& p) { p.packet.auth_type = 0; }, &Counters::authtype_mismatch,
         "(VI_1) received a 0 auth from 10.0.0.2, expecting 1!"},
        {"password", [](Peer& p) { p.packet.auth[7] = std::byte{'x'}; }, &Counters::auth_failure,
         "(VI_1) received an invalid passwd from 10.0.0.2!"},
        {"type", [](Peer& p) { p.packet.type = 2; }, &Counters::invalid_type_rcvd,
         "(VI_1) received a packet of unknown type 2 from 10.0.0.2"},
        {"cast", [](Peer& p) { p.destination = ip("10.0.0.1"); }, &Counters::addr_list_err,
         "(VI_1) received a unicast packet from 10.0.0.2, but this instance is multicast"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.what);
        Bench bench = Bench::started(pass_instance());
        Peer peer = pass_peer();
        row.mutate(peer);

        CHECK(lines(bench.hear(peer, t0 + 1s)) == Lines{row.log});
        CHECK(bench.hear(peer, t0 + 2s).empty());
        CHECK(bench.counters().*row.counter == 2);
        CHECK(bench.counters().advert_rcvd == 0);
        CHECK(bench.due() == 3'609'375us);
    }
}

TEST_CASE("a packet with the right password is an advert") {
    Bench bench = Bench::started(pass_instance());
    CHECK(bench.hear(pass_peer(), t0 + 1s).empty());
    CHECK(bench.due() == 4'609'375us);
}

TEST_CASE("only the first eight bytes of a password count") {
    auto c = pass_instance();
    c.auth_pass = "123456789";
    Bench bench = Bench::started(c);
    CHECK(bench.hear(pass_peer("12345678"), t0 + 1s).empty());
    CHECK(bench.counters().advert_rcvd == 1);
}

TEST_CASE("a version 2 advert with another interval is dropped and counts as no error") {
    Bench bench = Bench::started(instance());
    Peer peer{150};
    peer.packet.interval = 3s;

    CHECK(lines(bench.hear(peer, t0 + 1s)) ==
          Lines{"(VI_1) advertisement interval mismatch with 10.0.0.2 mine=1 sec rcv'd=3 sec"});
    CHECK(bench.due() == 3'609'375us);
    CHECK(bench.counters() == Counters{});
}

TEST_CASE("the checks come in keepalived's order") {
    Bench bench = Bench::started(pass_instance());
    Peer peer = pass_peer("2222");
    peer.packet.interval = 3s;
    peer.packet.type = 2;
    (void)bench.hear(peer, t0 + 1s);
    CHECK(bench.counters().auth_failure == 1);
    CHECK(bench.counters().invalid_type_rcvd == 0);
    peer.ttl = 1;
    (void)bench.hear(peer, t0 + 1s);
    CHECK(bench.counters().ip_ttl_err == 1);
    CHECK(bench.counters().auth_failure == 1);
}

TEST_CASE("corrupted and truncated packets are dropped") {
    Bench bench = Bench::started(instance());
    auto bytes = Peer{150}.bytes();
    const auto hear = [&](std::span<const std::byte> payload) {
        return bench.router.step(PacketHeard{"eth0", ip("10.0.0.2"), ip("224.0.0.18"), 255, payload}, t0 + 1s);
    };
    bytes[2] ^= std::byte{0x40};
    (void)hear(bytes);
    CHECK(bench.counters().checksum_err == 1);
    bytes[2] ^= std::byte{0x40};
    for (std::size_t size = 0; size < bytes.size(); ++size) (void)hear(std::span{bytes}.first(size));
    CHECK(bench.counters().packet_len_err == bytes.size() - 8);  // shorter ones name no instance
    CHECK(bench.counters().advert_rcvd == 0);
    (void)hear(bytes);
    CHECK(bench.counters().advert_rcvd == 1);
}

TEST_CASE("a wrong address list is a complaint, but the advert counts") {
    Bench bench = Bench::started(instance());
    Peer other{150, 51, "10.9.9.8"}, more{150};
    more.packet.addresses.push_back(ip("10.9.9.10"));

    CHECK(lines(bench.hear(other, t0 + 1s)) ==
          Lines{"(VI_1) the advert from 10.0.0.2 lacks our VIP 10.9.9.9: is it of another router with VRID 51?"});
    CHECK(lines(bench.hear(more, t0 + 1s)) == Lines{"(VI_1) expected 1 VIPs but received 2"});
    CHECK(bench.counters().addr_list_err == 2);
    CHECK(bench.counters().advert_rcvd == 2);
    CHECK(bench.due() == 4'609'375us);
}

TEST_CASE("the order of the addresses does not matter") {
    auto c = instance();
    c.addresses.push_back(vip("10.9.9.10/32"));
    Bench bench = Bench::started(c);
    Peer peer{150, 51, "10.9.9.10"};
    peer.packet.addresses.push_back(ip("10.9.9.9"));
    CHECK(bench.hear(peer, t0 + 1s).empty());
    CHECK(bench.counters().addr_list_err == 0);
}

TEST_CASE("skip_check_adv_addr trusts the list of the master it knows, not of a new one") {
    auto c = instance();
    c.skip_check_adv_addr = true;
    Bench bench = Bench::started(c);
    const Peer wrong{150, 51, "10.9.9.8"};

    (void)bench.hear(wrong, t0 + 1s);
    CHECK(bench.counters().addr_list_err == 1);
    (void)bench.hear(wrong, t0 + 2s);
    CHECK(bench.counters().addr_list_err == 1);
}

TEST_CASE("a new master's packets are complained about afresh") {
    Bench bench = Bench::started(instance());
    Peer bad{150};
    bad.ttl = 1;
    CHECK(bench.hear(bad, t0 + 1s).size() == 1);
    (void)bench.hear(Peer{150}, t0 + 1s);
    CHECK(bench.hear(bad, t0 + 1s).size() == 1);
    (void)bench.hear(Peer{150}, t0 + 1s);
    CHECK(bench.hear(bad, t0 + 1s).empty());
}

TEST_CASE("packets for unknown VRIDs, other interfaces and other groups are ignored") {
    auto c = instance();
    Bench bench = Bench::started(c);
    Peer elsewhere{150};
    elsewhere.interface = "eth1";
    CHECK(bench.hear(elsewhere, t0 + 1s).empty());
    CHECK(bench.hear(Peer{150, 52, "10.9.9.1"}, t0 + 1s).empty());
    CHECK(bench.due() == 3'609'375us);
}

TEST_CASE("a unicast instance takes any source, unless TTL ranges are given") {
    auto c = instance();
    c.unicast_peers = {{ip("10.0.0.2")}};
    const auto heard = [](const config::Instance& config, const char* source, std::uint8_t ttl) {
        Bench bench = Bench::started(config);
        Peer peer{150};
        peer.from(source).destination = ip("10.0.0.1");
        peer.ttl = ttl;
        (void)bench.hear(peer, t0 + 1s);
        return bench.due() == 4'609'375us;
    };

    CHECK(heard(c, "10.0.0.2", 64));
    CHECK(heard(c, "10.0.0.77", 1));
    c.unicast_peers[0].min_ttl = 254;
    CHECK(heard(c, "10.0.0.2", 254));
    CHECK_FALSE(heard(c, "10.0.0.2", 253));
    CHECK_FALSE(heard(c, "10.0.0.77", 255));
}

TEST_CASE("unicast instances share a VRID by their peers") {
    auto a = instance(100, "A"), b = instance(100, "B");
    a.unicast_peers = {{ip("10.0.0.2")}};
    b.unicast_peers = {{ip("10.0.0.3")}};
    Bench bench = Bench::started(with({a, b}));
    Peer peer{150};
    peer.from("10.0.0.3").destination = ip("10.0.0.1");

    (void)bench.hear(peer, t0 + 1s);

    CHECK(bench.counters(0).advert_rcvd == 0);
    CHECK(bench.counters(1).advert_rcvd == 1);
}

TEST_CASE("unicast instances share a VRID by their local addresses, and one hears only what is sent to its own") {
    auto a = instance(100, "A"), b = instance(100, "B");
    for (auto* one : {&a, &b}) one->unicast_peers = {{ip("10.0.0.2")}};
    a.source = ip("10.0.0.1");
    b.source = ip("10.0.0.11");
    Bench bench{with({a, b})};
    (void)bench.router.step(link("eth0", true, {ip("10.0.0.1"), ip("10.0.0.11")}), t0);
    (void)bench.router.start(t0);
    Peer peer{150};
    for (const char* destination : {"10.0.0.11", "10.0.0.12"}) {
        peer.destination = ip(destination);
        (void)bench.hear(peer, t0 + 1s);
    }

    CHECK(bench.counters(0).advert_rcvd == 0);
    CHECK(bench.counters(1).advert_rcvd == 1);
}

TEST_CASE("multicast and unicast instances, and IPv4 and IPv6 ones, are VRID spaces of their own") {
    auto multi = instance(100, "multi"), uni = instance(100, "uni");
    uni.unicast_peers = {{ip("10.0.0.2")}};
    auto six = instance(100, "six", 51, "2001:db8::9/128");
    six.family = Family::V6;
    Bench bench{with({multi, uni, six})};
    (void)bench.router.step(link("eth0", true, {ip("10.0.0.1"), ip("fe80::1")}), t0);
    (void)bench.router.start(t0);
    Peer unicast{150};
    unicast.destination = ip("10.0.0.1");
    Peer over6{150, 51, "2001:db8::9"};
    over6.from("fe80::2").destination = ip("ff02::12");

    (void)bench.hear(unicast, t0 + 1s);
    (void)bench.hear(over6, t0 + 1s);
    (void)bench.hear(over6, t0 + 1s);

    CHECK(bench.counters(0).advert_rcvd == 0);
    CHECK(bench.counters(1).advert_rcvd == 1);
    CHECK(bench.counters(2).advert_rcvd == 2);
}
