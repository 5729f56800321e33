#include "mainstay/netlink/announce.hpp"

#include <doctest/doctest.h>

#include <cerrno>

#include "bytes.hpp"

using namespace mainstay;
using namespace mainstay::netlink;
using namespace mainstay::netlink::test;

namespace {

using AnnounceKind = AnnounceOperation::Kind;

std::string encoded(AnnounceKind kind, const char* address, Seconds lifetime = {}) {
    std::vector<std::byte> out;
    REQUIRE(append_announce(
        out, {.kind = kind, .address = *IpAddress::parse(address), .interface = "ms-vip", .lifetime = lifetime}, 7,
        0x01020304));
    return to_hex(out);
}

}  // namespace

TEST_CASE("an address is announced with its lifetime, as a /32 without broadcast, and replaces itself") {
    CHECK(encoded(AnnounceKind::Announce, "192.0.2.1", Seconds{5}) ==
          hex("3c000000 1400 0505 04030201 00000000"
              "02 20 00 00 07000000"
              "0800 0200 c0000201"  // IFA_LOCAL
              "0800 0100 c0000201"  // IFA_ADDRESS
              "1400 0600 05000000 05000000 00000000 00000000"));
}

TEST_CASE("an address of IPv6 is announced without duplicate address detection, and for ever without a lifetime") {
    CHECK(encoded(AnnounceKind::Announce, "2001:db8::1") == hex("54000000 1400 0505 04030201 00000000"
                                                                "0a 80 02 00 07000000"
                                                                "1400 0200 20010db8000000000000000000000001"
                                                                "1400 0100 20010db8000000000000000000000001"
                                                                "1400 0600 ffffffff ffffffff 00000000 00000000"));
}

TEST_CASE("an address is withdrawn by itself") {
    CHECK(encoded(AnnounceKind::Withdraw, "192.0.2.1", Seconds{5}) == hex("28000000 1500 0500 04030201 00000000"
                                                                          "02 20 00 00 07000000"
                                                                          "0800 0200 c0000201"
                                                                          "0800 0100 c0000201"));
}

TEST_CASE("packets are taken by a local route over the loopback, of keepalived's protocol number") {
    CHECK(encoded(AnnounceKind::AddRoute, "192.0.2.1") ==
          hex("2c000000 1800 0504 04030201 00000000"
              "02 20 00 00 ff 12 fe 02 00000000"  // table local, host, local
              "0800 0100 c0000201"                // RTA_DST
              "0800 0400 07000000"));             // RTA_OIF
    CHECK(encoded(AnnounceKind::RemoveRoute, "2001:db8::1") == hex("38000000 1900 0500 04030201 00000000"
                                                                   "0a 80 00 00 ff 12 00 02 00000000"
                                                                   "1400 0100 20010db8000000000000000000000001"
                                                                   "0800 0400 07000000"));
}

TEST_CASE("without an address or an interface nothing is encoded, and the error says for what") {
    std::vector<std::byte> out;
    const AnnounceOperation none{.interface = "ms-vip"};
    CHECK(append_announce(out, none, 7, 1).error().text() == "announce: no address");
    const AnnounceOperation one{.address = *IpAddress::parse("192.0.2.1"), .interface = "ms-vip"};
    CHECK(append_announce(out, one, 0, 1).error().text() == "announce 192.0.2.1 on ms-vip: no interface");
    CHECK(out.empty());
}

TEST_CASE("what is there already, or gone already, is as wanted, but an address that could not be renewed is not") {
    CHECK(judge(AnnounceKind::Announce, 0) == Verdict::Done);
    CHECK(judge(AnnounceKind::Announce, EEXIST) == Verdict::Failed);
    CHECK(judge(AnnounceKind::AddRoute, EEXIST) == Verdict::Forgiven);
    CHECK(judge(AnnounceKind::AddRoute, ENODEV) == Verdict::Failed);
    CHECK(judge(AnnounceKind::RemoveRoute, ESRCH) == Verdict::Forgiven);
    CHECK(judge(AnnounceKind::Withdraw, EADDRNOTAVAIL) == Verdict::Forgiven);
    CHECK(judge(AnnounceKind::Withdraw, EPERM) == Verdict::Failed);
}

TEST_CASE("each operation is described in words") {
    const auto text = [](AnnounceKind kind) {
        return describe({.kind = kind, .address = *IpAddress::parse("192.0.2.1"), .interface = "ms-vip"});
    };
    CHECK(text(AnnounceKind::AddRoute) == "take the packets to 192.0.2.1");
    CHECK(text(AnnounceKind::Announce) == "announce 192.0.2.1 on ms-vip");
    CHECK(text(AnnounceKind::Withdraw) == "withdraw 192.0.2.1 from ms-vip");
    CHECK(text(AnnounceKind::RemoveRoute) == "take no more packets to 192.0.2.1");
}
