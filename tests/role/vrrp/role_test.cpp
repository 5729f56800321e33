// The vrrp role between a kernel, whose network is the test's own, and a supervisor that the test plays.
#include "mainstay/role/vrrp/role.hpp"
#include "../../needs.hpp"

#include <fstream>

#include "office.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;
using vrrp::State;

namespace {

std::string setting(const std::string& name) {
    std::string text;
    std::getline(std::ifstream{"/proc/sys/net/" + name}, text);
    return text;
}

}  // namespace

TEST_CASE("a backup that hears no master takes over: advert first, then address and announcements, and stops in order" *
          mainstay::test::kNeedsRoot) {
    in_office([](Office& office) {
        office.start(instance());
        CHECK(office.state() == State::Backup);
        CHECK(office.cable.heard().empty());
        REQUIRE(office.until_state(State::Master));
        CHECK(has_address(kVip));
        CHECK(office.until([&] { return office.cable.heard(kOwnAdvert) >= 4; }));
        CHECK(office.cable.heard().front() == kOwnAdvert);
        CHECK(office.cable.heard("arp 10.0.0.100") == 5);
        CHECK(office.fresh().status().addresses == std::vector<Texts>{{kVip}});
        CHECK(office.fresh().status().generation == 1);
        REQUIRE_FALSE(office.runtime.events.empty());
        CHECK(office.runtime.events.back().transition == Transition::Master);
        office.cable.forget();
        office.stop();
        CHECK(office.until([&] { return office.cable.heard("advert 51 0 10.0.0.1") == 1; }));
        CHECK(office.cable.heard().back() == "advert 51 0 10.0.0.1");
        CHECK_FALSE(has_address(kVip));
        CHECK(office.runtime.events.back().transition == Transition::Stop);
    });
}

TEST_CASE("with -V the addresses, routes and rules of a master stay at the stop" * mainstay::test::kNeedsRoot) {
    in_office([](Office& office) {
        office.runtime.startup.keep_addresses = true;
        office.start_as_master(instance("virtual_routes {\n10.9.0.0/24 dev eth0\n}"));
        office.stop();
        CHECK(office.until([&] { return office.cable.heard("advert 51 0 10.0.0.1") == 1; }));
        CHECK(has_address(kVip));
        CHECK(has_route("10.9.0.0/24 dev eth0"));
    });
}

TEST_CASE("a master yields to a higher priority, and takes over again when that router resigns" *
          mainstay::test::kNeedsRoot) {
    in_office([](Office& office) {
        office.start_as_master(instance());
        office.cable.advertise(150, "10.0.0.2");
        REQUIRE(office.until_state(State::Backup));
        CHECK_FALSE(has_address(kVip));
        CHECK(office.fresh().snapshot().master == IpAddress::parse("10.0.0.2"));
        CHECK(office.fresh().snapshot().master_priority == 150);
        CHECK(office.fresh().snapshot().counters.advert_rcvd == 1);
        office.cable.advertise(0, "10.0.0.2");
        REQUIRE(office.until_state(State::Master));
        CHECK(has_address(kVip));
        CHECK(office.fresh().snapshot().counters.pri_zero_rcvd == 1);
        office.stop();
    });
}

TEST_CASE("each advert of the master puts a backup's takeover off" * mainstay::test::kNeedsRoot) {
    in_office([](Office& office) {
        office.start(instance());
        for (std::uint64_t heard = 1; heard <= 3; ++heard) {
            const auto before = office.fresh().snapshot().deadline;
            office.cable.advertise(150, "10.0.0.2");
            REQUIRE(office.until([&] { return office.snapshot().counters.advert_rcvd == heard; }));
            CHECK(office.fresh().state() == State::Backup);
            CHECK(office.fresh().snapshot().deadline > before);
        }
        CHECK(office.cable.heard().empty());
        REQUIRE(office.until_state(State::Master));
        office.stop();
    });
}

TEST_CASE("a master that hears a lower priority stays master, and counts the rival" * mainstay::test::kNeedsRoot) {
    in_office([](Office& office) {
        office.start_as_master(instance());
        office.cable.advertise(50, "10.0.0.2");
        CHECK(office.until([&] { return office.snapshot().counters.rival_masters == 1; }));
        CHECK(office.fresh().state() == State::Master);
        CHECK(has_address(kVip));
        office.stop();
    });
}

TEST_CASE("an address that another program removed comes back and is announced, and the master stays" *
          mainstay::test::kNeedsRoot) {
    in_office([](Office& office) {
        office.start_as_master(instance());
        CHECK(office.until([&] { return office.cable.heard("arp 10.0.0.100") == 5; }));
        REQUIRE(ip("addr del 10.0.0.100/32 dev eth0"));
        CHECK(office.until([&] { return office.snapshot().counters.addresses_restored == 1; }));
        CHECK(has_address(kVip));
        CHECK(office.until([&] { return office.cable.heard("arp 10.0.0.100") > 5; }));
        CHECK(office.fresh().state() == State::Master);
        CHECK(office.fresh().snapshot().counters.become_master == 1);
        office.stop();
    });
}

TEST_CASE("addresses that the daemon itself removes are not restored" * mainstay::test::kNeedsRoot) {
    in_office([](Office& office) {
        office.start_as_master(instance("", "10.0.0.100\n10.0.0.101"));
        office.reload(instance());
        CHECK_FALSE(has_address("10.0.0.101/32"));
        CHECK(has_address(kVip));
        office.cable.advertise(150, "10.0.0.2");
        REQUIRE(office.until_state(State::Backup));
        CHECK(office.fresh().snapshot().counters.addresses_restored == 0);
        CHECK(office.runtime.log_.count("removed by another program") == 0);
        office.stop();
    });
}

TEST_CASE("when notifications were lost everything is read again, and an address that went meanwhile comes back" *
          mainstay::test::kNeedsRoot) {
    in_office([](Office& office) {
        office.start_as_master("global_defs {\nvrrp_netlink_monitor_rcv_bufs 4608\n}\n" + instance());
        REQUIRE(ip("addr del 10.0.0.100/32 dev eth0"));
        REQUIRE(std::system("seq 1 250 | sed 's|.*|addr add 10.1.0.&/32 dev eth1|' | ip -batch - >/dev/null") == 0);
        CHECK(office.until([&] { return office.snapshot().counters.addresses_restored == 1; }));
        CHECK(has_address(kVip));
        CHECK(office.until([&] { return office.status().netlink_overruns >= 1; }));
        CHECK(office.runtime.log_.count("netlink notifications were lost: rereading links and addresses") >= 1);
        CHECK(office.fresh().state() == State::Master);
        office.stop();
    });
}

TEST_CASE("a link that goes down is a fault, after which the address is away; when it is up the instance takes over" *
          mainstay::test::kNeedsRoot) {
    in_office([](Office& office) {
        office.start_as_master(instance());
        REQUIRE(ip("link set eth0 down"));
        REQUIRE(office.until_state(State::Fault));
        CHECK(office.fresh().snapshot().fault == "interface eth0 down");
        CHECK_FALSE(has_address(kVip));
        office.cable.forget();
        REQUIRE(ip("link set eth0 up"));
        REQUIRE(office.until_state(State::Master));
        CHECK(has_address(kVip));
        CHECK(office.until([&] { return office.cable.heard(kOwnAdvert) >= 1; }));
        office.stop();
    });
}

TEST_CASE("an interface that is made again under its name is used again" * mainstay::test::kNeedsRoot) {
    in_office([](Office& office) {
        const auto make = [] {
            REQUIRE(ip("link add ms0 type veth peer name ms1"));
            REQUIRE(ip("link set ms1 up"));
        };
        make();
        office.start(
            "vrrp_instance VI_1 {\ninterface ms0\nversion 3\nadvert_int 0.1\nvirtual_router_id 7\n"
            "virtual_ipaddress {\n10.0.7.100\n}\n}\n");
        REQUIRE(office.until_state(State::Fault));
        REQUIRE(ip("addr add 10.0.7.1/24 dev ms0"));
        REQUIRE(ip("link set ms0 up"));
        REQUIRE(office.until_state(State::Master));
        REQUIRE(ip("link del ms0"));
        REQUIRE(office.until_state(State::Fault));
        make();
        REQUIRE(ip("addr add 10.0.7.1/24 dev ms0"));
        REQUIRE(ip("link set ms0 up"));
        REQUIRE(office.until_state(State::Master));
        CHECK(has_address("10.0.7.100/32", "ms0"));
        const auto sent = office.fresh().snapshot().counters.advert_sent;
        CHECK(office.until([&] { return office.snapshot().counters.advert_sent > sent; }));
        CHECK(office.runtime.log_.count("sending VRRP") == 0);
        office.stop();
    });
}

TEST_CASE("a master's interface that was away and has its old index again gets its addresses again" *
          mainstay::test::kNeedsRoot) {
    in_office([](Office& office) {
        office.start_as_master(instance());
        mainstay::test::move_away_and_back("eth0");
        REQUIRE(ip("addr add 10.0.0.1/24 dev eth0"));
        REQUIRE(ip("link set eth0 up"));
        mainstay::test::wait_until_up("eth0");
        CHECK_FALSE(has_address(kVip));
        CHECK(office.until([] { return has_address(kVip); }));
        CHECK(office.fresh().snapshot().counters.become_master == 1);
        office.stop();
    });
}

TEST_CASE("when two interfaces exchange their names, the addresses go where the name is" * mainstay::test::kNeedsRoot) {
    in_office([](Office& office) {
        REQUIRE(ip("link add ms0 type veth peer name ms1"));
        for (const std::string name : {"ms0", "ms1"}) REQUIRE(ip("link set " + name + " up"));
        for (const std::string name : {"ms0", "ms1"}) mainstay::test::wait_until_up(name);
        REQUIRE(ip("addr add 10.0.7.1/24 dev ms0"));
        REQUIRE(ip("addr add 10.0.7.2/24 dev ms1"));
        office.start_as_master(
            "global_defs {\ndynamic_interfaces allow_if_changes\n}\nvrrp_instance VI_1 {\ninterface ms0\nversion 3\n"
            "advert_int 0.1\nvirtual_router_id 7\nvirtual_ipaddress {\n10.0.7.100\n}\n}\n");
        REQUIRE(has_address("10.0.7.100/32", "ms0"));
        for (const auto& line :
             {"ms0 down", "ms1 down", "ms0 name tmp0", "ms1 name ms0", "tmp0 name ms1", "ms0 up", "ms1 up"})
            REQUIRE(ip(std::string{"link set "} + line));
        for (const std::string name : {"ms0", "ms1"}) mainstay::test::wait_until_up(name);
        REQUIRE(has_address("10.0.7.100/32", "ms1"));
        CHECK(office.until([] { return has_address("10.0.7.100/32", "ms0") && !has_address("10.0.7.100/32", "ms1"); }));
        office.stop();
        CHECK_FALSE(has_address("10.0.7.100/32", "ms0"));
    });
}

TEST_CASE("a reload sets new addresses and announces them, removes those that went, and keeps the master" *
          mainstay::test::kNeedsRoot) {
    in_office([](Office& office) {
        office.start_as_master(instance());
        office.reload(instance("", "10.0.0.101\n10.0.0.102"));
        CHECK(has_address("10.0.0.101/32"));
        CHECK(has_address("10.0.0.102/32"));
        CHECK_FALSE(has_address(kVip));
        CHECK(office.fresh().state() == State::Master);
        CHECK(office.fresh().status().addresses == std::vector<Texts>{{"10.0.0.101/32", "10.0.0.102/32"}});
        CHECK(office.until([&] { return office.cable.heard("arp 10.0.0.102") >= 1; }));
        CHECK(office.fresh().snapshot().counters.become_master == 1);
        office.stop();
        CHECK_FALSE(has_address("10.0.0.101/32"));
    });
}

TEST_CASE("a configuration that was prepared and aborted changes nothing" * mainstay::test::kNeedsRoot) {
    in_office([](Office& office) {
        office.start_as_master(instance());
        REQUIRE(office.role->prepare(Office::written(instance("", "10.0.0.101"))));
        office.role->abort();
        office.role->commit();
        CHECK(has_address(kVip));
        CHECK_FALSE(has_address("10.0.0.101/32"));
        office.reload(instance("", "10.0.0.101"));
        office.role->commit();  // of nothing that was prepared
        CHECK(has_address("10.0.0.101/32"));
        office.stop();
    });
}

TEST_CASE("an instance that a reload adds runs, and one that it removes sends priority 0 and leaves no address" *
          mainstay::test::kNeedsRoot) {
    in_office([](Office& office) {
        office.start_as_master(instance());
        office.reload(instance() + instance("", "10.0.0.200", "VI_2", 52));
        REQUIRE(office.until_state(State::Master, 1));
        CHECK(has_address("10.0.0.200/32"));
        CHECK(office.until([&] { return office.cable.heard("advert 52 100 10.0.0.1") >= 1; }));
        office.reload(instance("", "10.0.0.200", "VI_2", 52));
        CHECK(office.until([&] { return office.cable.heard("advert 51 0 10.0.0.1") == 1; }));
        CHECK_FALSE(has_address(kVip));
        CHECK(has_address("10.0.0.200/32"));
        CHECK(office.cable.heard("advert 52 0 10.0.0.1") == 0);
        CHECK(office.fresh().status().router.instances.size() == 1);
        CHECK(office.runtime.events.back().name == "VI_1");
        CHECK(office.runtime.events.back().transition == Transition::Fault);  // as keepalived tells it
        office.stop();
    });
}

TEST_CASE("a master that a reload removes resigns on its own VMAC, also where another instance gets that device" *
          mainstay::test::kNeedsRoot) {
    in_office([](Office& office) {
        if (!ip("link add link eth0 name probe type macvlan")) {
            MESSAGE("passed over: this kernel has no macvlan");
            return;
        }
        REQUIRE(ip("link del probe"));
        office.start_as_master(instance("use_vmac"));
        CHECK(office.until([&] { return office.cable.heard(kOwnAdvert) >= 1; }));
        auto other = instance("use_vmac");
        other.replace(other.find("eth0"), 4, "eth1");
        office.reload(other);
        CHECK(office.until([&] { return office.cable.heard("advert 51 0 10.0.0.1") == 1; }));
        office.stop();
    });
}

TEST_CASE("states go to the FIFO at a reload only where the configuration says so" * mainstay::test::kNeedsRoot) {
    in_office([](Office& office) {
        office.start_as_master(instance());
        office.reload(instance());
        CHECK(office.runtime.fifo.empty());
        office.reload("global_defs {\nfifo_write_vrrp_states_on_reload\n}\n" + instance());
        REQUIRE(office.runtime.fifo.size() == 1);
        CHECK(office.runtime.fifo[0].name == "VI_1");
        CHECK(office.runtime.fifo[0].transition == Transition::Master);
        CHECK(office.runtime.fifo[0].priority == 100);
        office.stop();
    });
}

TEST_CASE("a process after a crash goes on as master, without a transition" * mainstay::test::kNeedsRoot) {
    in_office([](Office& office) {
        office.start_as_master(instance());
        CHECK(office.until([&] { return office.cable.heard("arp 10.0.0.100") == 5; }));
        office.role->save_state();
        const auto events = office.runtime.events.size();
        office.role = make_vrrp_role(office.runtime);
        office.start(instance(), true);
        CHECK(office.fresh().state() == State::Master);
        REQUIRE(office.runtime.events.size() == events + 1);  // for the history alone
        CHECK(office.runtime.events.back().cause == Cause::Crash);
        CHECK_FALSE(office.runtime.events.back().notify);
        CHECK(office.runtime.log_.count("state of the previous process resumed") == 1);
        CHECK(has_address(kVip));
        CHECK(office.fresh().snapshot().counters.become_master == 1);
        const auto sent = office.fresh().snapshot().counters.advert_sent;
        CHECK(office.until([&] { return office.snapshot().counters.advert_sent > sent; }));
        CHECK(office.cable.heard("advert 51 0 10.0.0.1") == 0);
        office.stop();
        CHECK_FALSE(has_address(kVip));
    });
}

TEST_CASE("a first start does not resume what an old block holds, nor does a start after nonsense" *
          mainstay::test::kNeedsRoot) {
    in_office([](Office& office) {
        office.start_as_master(instance());
        auto nonsense = office.fresh().status();
        nonsense.router.instances[0].master_interval = Micros{-1};
        office.role = make_vrrp_role(office.runtime);
        office.start(instance());
        CHECK(office.fresh().state() == State::Backup);
        office.runtime.state = encode(nonsense);
        office.role = make_vrrp_role(office.runtime);
        office.start(instance(), true);
        CHECK(office.fresh().state() == State::Backup);
        office.runtime.state.reset();
        office.role = make_vrrp_role(office.runtime);
        office.start(instance(), true);
        CHECK(office.fresh().state() == State::Backup);
        CHECK(office.runtime.log_.count("resumed") == 0);
        office.stop();
    });
}

TEST_CASE("seventy addresses are all set and announced, each round of all before the next one" *
          mainstay::test::kNeedsRoot) {
    in_office([](Office& office) {
        std::string addresses;
        for (int n = 101; n < 171; ++n) addresses += "10.0.0." + std::to_string(n) + "\n";
        office.start_as_master(instance("garp_master_repeat 2", addresses));
        for (const char* one : {"10.0.0.101/32", "10.0.0.132/32", "10.0.0.133/32", "10.0.0.164/32", "10.0.0.170/32"})
            CHECK(has_address(one));
        CHECK(office.until([&] { return office.cable.heard("arp 10.0.0.170") == 2; }));
        Texts arps;
        for (const auto& text : office.cable.heard())
            if (text.starts_with("arp")) arps.push_back(text);
        REQUIRE(arps.size() == 140);
        for (std::size_t n = 0; n < 140; ++n) CHECK(arps[n] == "arp 10.0.0." + std::to_string(101 + n % 70));
        office.stop();
        CHECK_FALSE(has_address("10.0.0.170/32"));
    });
}

TEST_CASE("IPv6 addresses are announced by neighbour advertisements, and one as /128 is deprecated" *
          mainstay::test::kNeedsRoot) {
    in_office([](Office& office) {
        office.start_as_master(instance("virtual_ipaddress_excluded {\n2001:db8::7\n2001:db8:1::7/64\n}"));
        CHECK(ip("addr show dev eth0 | grep -F 2001:db8::7/128 | grep -q deprecated"));
        CHECK(has_address("2001:db8:1::7/64"));
        CHECK_FALSE(ip("addr show dev eth0 | grep -F 2001:db8:1::7/64 | grep -q deprecated"));
        CHECK(office.until([&] { return office.cable.heard("na 2001:db8::7") == 5; }));
        office.stop();
        CHECK_FALSE(has_address("2001:db8::7/128"));
    });
}

TEST_CASE("announcements with a distance come one after the other, each as often as configured" *
          mainstay::test::kNeedsRoot) {
    in_office([](Office& office) {
        office.start_as_master("global_defs {\nvrrp_garp_interval 0.01\n}\n" +
                               instance("garp_master_repeat 3", "10.0.0.100\n10.0.0.101"));
        CHECK(office.until([&] { return office.cable.heard("arp 10.0.0.101") == 3; }));
        CHECK(office.cable.heard("arp 10.0.0.100") == 3);
        const auto adverts = office.cable.heard(kOwnAdvert);
        CHECK(office.until([&] { return office.cable.heard(kOwnAdvert) > adverts + 1; }));
        CHECK(office.cable.heard("arp 10.0.0.100") == 3);
        CHECK(office.cable.heard("arp 10.0.0.101") == 3);
        office.stop();
    });
}

TEST_CASE("routes and rules of a master are set, restored and removed with it; static entries stay" *
          mainstay::test::kNeedsRoot) {
    in_office([](Office& office) {
        office.start_as_master(
            "static_ipaddress {\n10.7.0.1/24 dev eth0\n10.6.0.1/24 dev nowhere\n}\nstatic_routes {\n10.8.0.0/24 dev "
            "eth0\n}\n" +
            instance("virtual_routes {\n10.9.0.0/24 via 10.0.0.2 dev eth0\n10.10.0.0/24 dev eth0 table 77\n}\n"
                     "virtual_rules {\nfrom 10.3.0.0/24 table 77 preference 1234\n}"));
        CHECK(has_route("10.9.0.0/24 via 10.0.0.2 dev eth0"));
        CHECK(has_route("10.10.0.0/24 dev eth0 table 77"));
        CHECK(ip("rule show | grep -q '^1234:.*10.3.0.0/24 lookup 77'"));
        CHECK(has_route("10.8.0.0/24 dev eth0"));
        CHECK(has_address("10.7.0.1/24"));
        CHECK(office.runtime.log_.count(
                  "static address 10.6.0.1/24 dev nowhere cannot be set: the interface does not exist") == 1);
        REQUIRE(ip("route del 10.9.0.0/24"));
        CHECK(office.until([&] { return office.snapshot().counters.routing_restored == 1; }));
        CHECK(has_route("10.9.0.0/24 via 10.0.0.2 dev eth0"));
        office.cable.advertise(150, "10.0.0.2");
        REQUIRE(office.until_state(State::Backup));
        CHECK_FALSE(has_route("10.9.0.0/24"));
        CHECK_FALSE(has_route("10.10.0.0/24"));
        CHECK_FALSE(ip("rule show | grep -q 10.3.0.0"));
        CHECK(has_route("10.8.0.0/24 dev eth0"));
        CHECK(office.fresh().snapshot().counters.routing_restored == 1);
        office.stop();
    });
}

TEST_CASE("a route that the kernel refuses, or whose interface is not there, is named with the reason" *
          mainstay::test::kNeedsRoot) {
    in_office([](Office& office) {
        office.start_as_master(
            instance("virtual_routes {\n10.9.0.0/24 via 192.0.2.9 dev eth0 no_track\n"
                     "10.10.0.0/24 dev nowhere no_track\n10.11.0.0/24 dev eth0\n}"));
        CHECK(has_route("10.11.0.0/24 dev eth0"));
        CHECK(office.runtime.log_.count("10.9.0.0/24") >= 1);
        CHECK(office.runtime.log_.count("interface nowhere does not exist") >= 1);
        office.stop();
    });
}

TEST_CASE("another program's secondary address stays when its primary, an address of the instance, goes" *
          mainstay::test::kNeedsRoot) {
    in_office([](Office& office) {
        office.start_as_master(instance("", "10.2.0.1/24"));
        REQUIRE(ip("addr add 10.2.0.2/24 dev eth0"));
        REQUIRE(ip("addr show dev eth0 | grep -F 10.2.0.2/24 | grep -q secondary"));
        CHECK(setting("ipv4/conf/eth0/promote_secondaries") == "0");
        office.cable.advertise(150, "10.0.0.2");
        REQUIRE(office.until_state(State::Backup));
        CHECK_FALSE(has_address("10.2.0.1/24"));
        CHECK(has_address("10.2.0.2/24"));
        CHECK(setting("ipv4/conf/eth0/promote_secondaries") == "0");
        office.stop();
    });
}

TEST_CASE("a stop before the start, and what comes after the stop, do nothing" * mainstay::test::kNeedsRoot) {
    in_office([](Office& office) {
        office.stop();
        office.role = make_vrrp_role(office.runtime);
        office.role->commit();
        office.role->on(ipc::MaintenanceOrder{.on = false}, {});
        office.start_as_master(instance());
        office.stop();
        CHECK(office.until([&] { return office.cable.heard("advert 51 0 10.0.0.1") == 1; }));
        office.cable.forget();
        office.role->on(ipc::Observations{{{ipc::Observation::Kind::Link, "eth0", 1}}}, {});
        REQUIRE(ip("addr add 10.0.0.9/24 dev eth0"));
        office.runtime.loop_.run_for(std::chrono::milliseconds{300});
        CHECK(office.cable.heard().empty());
        CHECK_FALSE(has_address(kVip));
    });
}

TEST_CASE("the role keeps the rights that addresses, raw sockets and its own priority need") {
    const auto traits = vrrp_traits();
    CHECK(traits.capabilities == std::vector<unsigned>{12, 13, 23});
    CHECK(traits.calls == std::vector{kernel::CallSet::Schedule});
    CHECK(traits.kind == Kind::Vrrp);
    CHECK(traits.has_ring);
}
