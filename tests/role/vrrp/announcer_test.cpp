// Gratuitous ARP of a VMAC, on a network of the test's own.
#include "office.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;

TEST_CASE("a VMAC keeps the distance between packets that is configured for its parent") {
    in_office([](Office& office) {
        if (!ip("link add link eth0 name probe type macvlan")) {
            MESSAGE("passed over: this kernel has no macvlan");
            return;
        }
        office.start_as_master("garp_group {\ngarp_interval 60\ninterfaces {\neth0\n}\n}\n" +
                               instance("use_vmac", "10.0.0.100\n10.0.0.101"));
        REQUIRE(office.until([&] { return office.cable.heard("arp 10.0.0.100") == 1; }));
        CHECK(office.until(
            [&] { return office.runtime.log_.count("Sending gratuitous ARP on vrrp.51 for 10.0.0.100") == 1; }));
        const auto adverts = office.cable.heard("advert 51 100 10.0.0.1");
        CHECK(office.until([&] { return office.cable.heard("advert 51 100 10.0.0.1") > adverts + 3; }));
        CHECK(office.cable.heard("arp 10.0.0.100") == 1);
        CHECK(office.cable.heard("arp 10.0.0.101") == 0);
        office.stop();
    });
}

TEST_CASE("each address that is announced is logged once, whatever the number of packets") {
    in_office([](Office& office) {
        office.start_as_master(instance("garp_master_repeat 3"));
        REQUIRE(office.until([&] { return office.cable.heard("arp 10.0.0.100") == 3; }));
        CHECK(office.runtime.log_.count("Sending gratuitous ARP on eth0 for 10.0.0.100") == 1);
        office.stop();
    });
}
