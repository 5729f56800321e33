// Gratuitous ARP and neighbour advertisements, on a network of the test's own.
#include "role/vrrp/announcer.hpp"
#include "../../needs.hpp"

#include "office.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;

namespace {

// The announcer alone. Interfaces that it does not know of the kernel can be added.
struct AnnouncerHost {
    Cable cable;
    boost::asio::io_context loop;
    KeptLog log;
    Links links;
    VrrpTransport transport{loop, log, [] {}};
    Announcer announcer{loop, transport, links, log, [] { return Instant{std::chrono::steady_clock::now()}; }};

    AnnouncerHost() {
        auto netlink = kernel::Rtnetlink::open().value();
        REQUIRE(links.refresh(netlink));
    }
    // Like eth0, but for what is changed.
    template <class Change>
    void add_link(const Change& change) {
        auto link = *links.find("eth0");
        change(link);
        (void)links.take({kernel::LinkChanged{link}});
    }
    std::vector<kernel::Address> addresses(const std::vector<const char*>& texts, const std::string& link = "eth0") {
        std::vector<kernel::Address> all;
        for (const char* text : texts)
            all.push_back({.interface_index = links.find(link)->index, .prefix = Prefix::parse(text).value()});
        return all;
    }
    void follow(const std::string& text) { announcer.follow(Office::written(text)); }
    // The link and the address of each announcement. Others are failures to send on an interface that is not the
    // kernel's.
    Texts logged() const {
        Texts all;
        for (const auto& text : log.texts)
            if (text.starts_with("Sending ")) all.push_back(text.substr(text.find(" on ") + 4));
        return all;
    }
    bool until(const std::function<bool()>& holds) {
        const auto end = std::chrono::steady_clock::now() + kPatience;
        while (!holds() && std::chrono::steady_clock::now() < end) loop.run_one_for(std::chrono::milliseconds{20});
        loop.restart();
        return holds();
    }
};

std::string garp_group(const std::string& interval, const std::string& interface) {
    return "garp_group {\ngarp_interval " + interval + "\ninterfaces {\n" + interface + "\n}\n}\n" + instance();
}

}  // namespace

TEST_CASE("addresses are announced as often as asked for, less the round that was sent before" *
          mainstay::test::kNeedsRoot) {
    on_host<AnnouncerHost>([](AnnouncerHost& host) {
        const auto all = host.addresses({"10.0.0.100/32"});
        host.announcer.announce(all, 0);
        host.announcer.announce(all, 0, true);
        CHECK(host.log.texts.empty());
        host.announcer.announce(all, 1, true);
        CHECK(host.logged() == Texts{"eth0 for 10.0.0.100"});
        CHECK(host.cable.heard().empty());
        host.announcer.announce(all, 3, true);
        host.announcer.announce(host.addresses({"10.0.0.101/32"}), 2);
        CHECK(host.until([&] { return host.cable.heard("arp 10.0.0.101") == 2; }));
        CHECK(host.cable.heard("arp 10.0.0.100") == 2);
        CHECK(host.cable.heard().size() == 4);
    });
}

TEST_CASE("a round has IPv4 before IPv6, and a router says that it is one" * mainstay::test::kNeedsRoot) {
    on_host<AnnouncerHost>([](AnnouncerHost& host) {
        const auto all = host.addresses({"2001:db8::7/64", "10.0.0.100/32"});
        host.announcer.announce(all, 1);
        CHECK(host.until([&] { return host.cable.heard("na 2001:db8::7") == 1; }));
        CHECK(host.cable.heard() == Texts{"arp 10.0.0.100", "na 2001:db8::7"});
        CHECK(host.log.texts == Texts{"Sending unsolicited Neighbour Advert on eth0 for 2001:db8::7",
                                      "Sending gratuitous ARP on eth0 for 10.0.0.100"});
        (void)host.links.take({kernel::ForwardingChanged{host.links.find("eth0")->index, true}});
        host.announcer.announce(all, 1);
        CHECK(host.until([&] { return host.cable.heard("router na 2001:db8::7") == 1; }));
    });
}

TEST_CASE("an address is not announced where there is no such interface, no ARP or no MAC address" *
          mainstay::test::kNeedsRoot) {
    on_host<AnnouncerHost>([](AnnouncerHost& host) {
        const auto eth0 = host.links.find("eth0")->index;
        auto nowhere = host.addresses({"10.0.0.100/32"});
        nowhere[0].interface_index = 999;
        host.announcer.announce(nowhere, 1);
        host.announcer.announce({.interface = "nowhere", .address = IpAddress::parse("10.0.0.1").value()});
        host.add_link([](kernel::Link& link) { link.hardware_address.resize(20); });
        host.announcer.announce(host.addresses({"10.0.0.100/32"}), 1);
        CHECK(host.announcer.first_round(host.addresses({"10.0.0.100/32"})).empty());
        host.add_link([](kernel::Link& link) { link.hardware_address.resize(6), link.no_arp = true; });
        host.announcer.announce(host.addresses({"10.0.0.100/32"}), 1);
        CHECK(host.log.texts.empty());
        host.add_link([](kernel::Link& link) { link.no_arp = false; });
        host.announcer.announce({.interface = "eth0", .address = IpAddress::parse("10.0.0.1").value()});
        CHECK(host.until([&] { return host.cable.heard("arp 10.0.0.1") == 1; }));
        CHECK(host.cable.heard().size() == 1);
        CHECK(host.logged() == Texts{"eth0 for 10.0.0.1"});
        const auto round = host.announcer.first_round(host.addresses({"10.0.0.100/32", "10.0.0.101/32"}));
        REQUIRE(round.size() == 1);
        CHECK(round[0].first == eth0);
        REQUIRE(round[0].second.size() == 2);
        const auto& mac = host.links.find("eth0")->hardware_address;
        CHECK(std::ranges::equal(std::span{round[0].second[1]}.subspan(6, 6), mac));  // the sender's
    });
}

TEST_CASE("macvlans and ipvlans keep the distance of their parent, other interfaces their own" *
          mainstay::test::kNeedsRoot) {
    on_host<AnnouncerHost>([](AnnouncerHost& host) {
        host.follow(garp_group("60", "eth0"));
        const auto announced_at_once = [&](const std::string& kind, std::uint32_t parent) {
            host.log.texts.clear();
            host.announcer.close();  // so that nothing of before waits
            host.add_link([&](kernel::Link& link) {
                link.index = 900, link.name = "over", link.kind = kind, link.parent = parent;
            });
            const auto all = host.addresses({"10.0.0.100/32", "10.0.0.101/32"}, "over");
            const auto frames = host.announcer.first_round(all);
            host.announcer.announce(all, 1);
            CHECK((host.logged().size() == 1) == frames.empty());
            return host.logged().size();
        };
        const auto eth0 = host.links.find("eth0")->index, eth1 = host.links.find("eth1")->index;
        CHECK(announced_at_once("macvlan", eth0) == 1);
        CHECK(announced_at_once("ipvlan", eth0) == 1);
        CHECK(announced_at_once("vlan", eth0) == 2);
        CHECK(announced_at_once("macvlan", eth1) == 2);
        CHECK(announced_at_once("macvlan", 0) == 2);  // in another namespace
        host.announcer.close();
    });
}

TEST_CASE("the shortest distance is one: each announcement is sent, and logged, by itself" *
          mainstay::test::kNeedsRoot) {
    on_host<AnnouncerHost>([](AnnouncerHost& host) {
        host.follow("global_defs {\nvrrp_garp_interval 0.000001\n}\n" + instance());
        const auto all = host.addresses({"10.0.0.100/32", "10.0.0.101/32"});
        CHECK(host.announcer.first_round(all).empty());
        host.announcer.announce(all, 2);
        CHECK(host.until([&] { return host.cable.heard().size() == 4; }));
        CHECK(host.log.texts.size() == 4);
    });
}

TEST_CASE("what waits for its turn is dropped when its interface has gone, and when the announcer is closed" *
          mainstay::test::kNeedsRoot) {
    on_host<AnnouncerHost>([](AnnouncerHost& host) {
        host.follow(garp_group("0.02", "over"));
        host.add_link([](kernel::Link& link) { link.index = 900, link.name = "over"; });
        host.announcer.announce(host.addresses({"10.0.0.100/32", "10.0.0.101/32"}, "over"), 1);
        CHECK(host.logged() == Texts{"over for 10.0.0.100"});
        SUBCASE("gone") { (void)host.links.take({kernel::LinkGone{900, "over"}}); }
        SUBCASE("closed") { host.announcer.close(); }
        host.loop.run();  // until nothing is waited for
        host.loop.restart();
        ::poll(nullptr, 0, 25);
        host.announcer.announce(host.addresses({"10.0.0.102/32"}), 1);
        CHECK(host.logged() == Texts{"over for 10.0.0.100", "eth0 for 10.0.0.102"});
    });
}

TEST_CASE("a VMAC keeps the distance between packets that is configured for its parent" * mainstay::test::kNeedsRoot) {
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

TEST_CASE("each address that is announced is logged once, whatever the number of packets" *
          mainstay::test::kNeedsRoot) {
    in_office([](Office& office) {
        office.start_as_master(instance("garp_master_repeat 3"));
        REQUIRE(office.until([&] { return office.cable.heard("arp 10.0.0.100") == 3; }));
        CHECK(office.runtime.log_.count("Sending gratuitous ARP on eth0 for 10.0.0.100") == 1);
        office.stop();
    });
}

TEST_CASE("a router that is no longer master sends none of the announcements that still wait" *
          mainstay::test::kNeedsRoot) {
    in_office([](Office& office) {
        office.start_as_master("global_defs {\nvrrp_garp_interval 0.05\n}\n" + instance("garp_master_repeat 100"));
        CHECK(office.until([&] { return office.cable.heard("arp 10.0.0.100") >= 3; }));
        office.cable.advertise(150, "10.0.0.2", 51, Micros{10'000'000});
        REQUIRE(office.until_state(vrrp::State::Backup));
        office.cable.forget();
        office.runtime.loop_.run_for(std::chrono::milliseconds{500});
        office.runtime.loop_.restart();
        CHECK(office.cable.heard("arp 10.0.0.100") == 0);
        office.stop();
    });
}
