#include <doctest/doctest.h>

#include <algorithm>

#include "bench.hpp"

using namespace mainstay;
using namespace mainstay::vrrp;
using namespace mainstay::vrrp::test;

TEST_CASE("a reload without changes asks for nothing and moves no timer") {
    Bench bench = Bench::master(instance());
    const auto before = bench.router.snapshot();

    CHECK(lines(bench.router.reload(bench.router.config(), t0 + 4s)).empty());
    CHECK(bench.router.snapshot() == before);
}

TEST_CASE("a new name, place, priority or notify keeps the state") {
    Bench bench = Bench::master(instance());
    auto renamed = instance(120, "web");

    CHECK(brief(bench.router.reload(with({instance(50, "VI_2", 52, "10.9.9.8/32"), renamed}), t0 + 4s)) ==
          Lines{"(VI_2) Entering BACKUP STATE (init)", "announce INSTANCE VI_2 BACKUP 50",
                "(web) Changing effective priority from 100 to 120"});
    CHECK(bench.state(1) == State::Master);
    CHECK(deeds(bench.tick(t0 + 4s)) == Lines{"1 advert 120 to 224.0.0.18"});
}

TEST_CASE("a master whose adverts say something else sends one at once, and only then") {
    const auto due_after = [&](const auto& change) -> std::string {
        Bench bench = Bench::master(instance());
        const auto before = bench.due_of(0);
        auto next = instance();
        change(next);
        (void)bench.router.reload(with({next}), t0 + 4s);
        return bench.due_of(0) == Micros{4s} ? "now" : bench.due_of(0) == before ? "as before" : "later";
    };
    CHECK(due_after([](auto& c) { c.version = 3; }) == "now");
    CHECK(due_after([](auto& c) { c.advert_int = 500ms; }) == "now");
    CHECK(due_after([](auto& c) { c.advert_int = 2s; }) == "now");
    CHECK(due_after([](auto& c) { c.addresses.push_back(vip("10.9.9.10/32")); }) == "now");
    CHECK(due_after([](auto& c) { c.auth_type = config::AuthType::Pass; }) == "now");
    CHECK(due_after([](auto& c) { c.name = "web"; }) == "as before");
    CHECK(due_after([](auto& c) { c.excluded_addresses = {vip("10.9.9.10/32")}; }) == "as before");
}

TEST_CASE("a backup's timer is shifted by another priority and kept otherwise") {
    Bench bench = Bench::started(instance(100));
    (void)bench.router.reload(with({instance(200)}), t0 + 1s);
    CHECK(bench.due_of(0) == 3'218'750us);
}

TEST_CASE("a changed list of a master is applied as a difference") {
    auto c = instance();
    c.addresses = {vip("10.9.9.1/32"), vip("10.9.9.2/32"), vip("10.9.9.3/32")};
    c.addresses[2].label = "eth0:1";
    Bench bench = Bench::master(c);
    c.addresses = {vip("10.9.9.2/32"), vip("10.9.9.4/32"), vip("10.9.9.3/32")};
    c.excluded_addresses = {vip("10.9.9.1/32", "eth0")};  // only moved between the lists
    c.addresses[2].label = "eth0:2";

    CHECK(lines(bench.router.reload(with({c}), t0 + 4s)) ==
          Lines{"0 change +1", "gone remove 10.9.9.3/32@eth0", "0 change +2", "0 arp x5"});
}

TEST_CASE("a changed MAC address of its VMAC leaves a master alone, but it sends gratuitous ARP") {
    auto c = instance();
    c.vmac.edit().enabled = true;
    c.vmac.edit().mac = "02:00:00:00:00:01";
    Bench bench = Bench::master(c);
    c.vmac.edit().mac = "02:00:00:00:00:02";

    CHECK(lines(bench.router.reload(with({c}), t0 + 4s)) == Lines{"0 arp x5"});
    CHECK(bench.state() == State::Master);
}

TEST_CASE("the devices of a reload are judged by its configuration, not by the one before") {
    // VI_1 keeps its identity; the name of its VMAC goes to a new instance on another interface.
    auto a = instance(), b = instance(100, "VI_2", 52, "10.9.9.8/32");
    for (auto* c : {&a, &b}) c->vmac.edit().enabled = true;
    const auto on = [](config::Instance& c, const char* vmac, const char* base) {
        c.interface = c.vmac.edit().name = vmac;
        set(c.more, "base interface", config::WordList{base});
    };
    on(a, "vip0", "eth0");
    on(b, "vip1", "eth0");
    Bench bench{with_group({a, b})};
    for (const auto& fact : {link(), link("vip0", true, {ip("10.0.0.1")}, 5), link("vip1", true, {ip("10.0.0.1")}, 6)})
        (void)bench.router.step(fact, t0);
    (void)bench.router.start(t0);
    (void)bench.tick(t0 + 4s);
    (void)bench.tick(t0 + 4s);
    REQUIRE(bench.state(0) == State::Master);

    on(a, "vip9", "eth0");
    auto c = instance(100, "VI_3", 53, "10.9.9.7/32");
    c.vmac.edit().enabled = true;
    on(c, "vip0", "eth1");
    auto next = with_group({a, b});
    next.instances.push_back(c);
    const HostFacts host{
        .interfaces = {link("vip9", true, {ip("10.0.0.1")}, 5), link("eth1", true, {}, 3), link("vip0", false, {}, 8)},
        .sources = {}};
    const auto done = lines(bench.router.reload(std::make_shared<const config::Config>(next), host, t0 + 5s));

    CHECK(bench.state(0) == State::Master);
    CHECK(bench.state(1) == State::Master);
    CHECK(bench.state(2) == State::Fault);
    CHECK(std::ranges::none_of(done, [](const std::string& line) { return line.contains("advert 0"); }));
}

TEST_CASE("a VMAC that a reload makes again gets a master's addresses again") {
    Bench bench = Bench::master(instance());
    const auto same = std::make_shared<const config::Config>(bench.router.config());
    const HostFacts host{.interfaces = {link("eth0", true, {ip("10.0.0.1")}, 9)}, .sources = {}};

    const auto done = lines(bench.router.reload(same, host, t0 + 4s));
    CHECK(std::ranges::find(done, "0 add announced") != done.end());
    CHECK(bench.state() == State::Master);
}

TEST_CASE("a source that a reload finds missing counts for its configuration alone") {
    auto c = instance();
    c.unicast_peers = {{ip("10.0.0.2")}};
    c.source = ip("10.0.0.1");
    Bench bench = Bench::master(c);
    auto other = instance(100, "VI_2", 52, "10.9.9.8/32");
    other.unicast_peers = c.unicast_peers;
    other.source = ip("10.0.0.7");
    const HostFacts host{.interfaces = {}, .sources = {{ip("10.0.0.7"), "eth0", false}}};

    (void)bench.router.reload(std::make_shared<const config::Config>(with({c, other})), host, t0 + 4s);
    CHECK(bench.state(0) == State::Master);
    CHECK(bench.state(1) == State::Fault);
}

TEST_CASE("a unicast source is the same whether it is written or the one that is used without it") {
    auto none = instance();
    none.unicast_peers = {{ip("10.0.0.2")}};
    auto written = none, other = none;
    written.source = ip("10.0.0.1");
    other.source = ip("10.0.0.7");
    for (const auto& [before, after, goes_on] :
         {std::tuple{&none, &written, true}, {&written, &none, true}, {&none, &other, false}, {&other, &none, false}}) {
        Bench bench = Bench::master(*before);
        CHECK(bench.router.farewells(with({*after}), t0 + 4s).empty() == goes_on);
        const auto done = lines(bench.router.reload(with({*after}), t0 + 4s));
        CHECK((bench.state() == State::Master) == goes_on);
        CHECK(done.empty() == goes_on);
    }
}

TEST_CASE("the farewells of a reload are the adverts with which its masters resign, and change nothing") {
    auto backup = instance(100, "VI_3", 53, "10.9.9.7/32");
    Bench bench{with({instance(), instance(100, "VI_2", 52, "10.9.9.8/32"), backup})};
    (void)bench.router.step(link(), t0);
    (void)bench.router.start(t0);
    bench.tick(t0 + 3'609'375us);
    Peer peer{150};
    peer.packet.virtual_router_id = 53;
    (void)bench.hear(peer, t0 + 4s);
    REQUIRE(bench.state(0) == State::Master);
    REQUIRE(bench.state(2) == State::Backup);
    const auto before = bench.router.snapshot();
    const auto next = with({instance(50, "VI_2", 52, "10.9.9.8/32")});

    const auto farewells = bench.router.farewells(next, t0 + 4s);
    CHECK(bench.router.snapshot() == before);
    REQUIRE(farewells.size() == 1);
    CHECK(lines({farewells[0]}) == Lines{"gone advert 0 to 224.0.0.18"});
    const auto intents = bench.router.reload(next, t0 + 4s);
    CHECK(std::ranges::count(intents, Intent{farewells[0]}) == 1);
    CHECK(bench.router.farewells(next, t0 + 4s).empty());
}

TEST_CASE("an address that is still to be put back survives a reload that moves or adds others") {
    auto c = instance();
    c.addresses = {vip("10.9.9.1/32"), vip("10.9.9.2/32"), vip("10.9.9.3/32")};
    Bench bench = Bench::master(c);
    for (const char* address : {"10.9.9.1/32", "10.9.9.2/32"}) {
        const auto prefix = Prefix::parse(address).value();
        (void)bench.router.step(AddressLost{"eth0", prefix}, t0 + 4s);
        (void)bench.router.step(RestoreFailed{0, "eth0", prefix}, t0 + 4s);  // tried again in a second
    }
    c.addresses = {vip("10.9.9.4/32"), vip("10.9.9.2/32")};  // 10.9.9.1 is given up, 10.9.9.2 is not
    (void)bench.router.reload(with({c}), t0 + 4s);

    CHECK(deeds(bench.tick(t0 + 4s)) ==
          Lines{"0 advert 100 to 224.0.0.18", "0 restore 10.9.9.2/32@eth0", "0 arp x1"});  // the reload asked for both
}

TEST_CASE("an address that moves between masters stays where it is") {
    auto a = instance(100, "A"), b = instance(100, "B", 52, "10.9.9.8/32");
    Bench bench = Bench::master(with({a, b}));
    (void)bench.tick(t0 + 4s);
    REQUIRE(bench.state(1) == State::Master);
    a.addresses = {vip("10.9.9.8/32")};
    b.addresses = {vip("10.9.9.9/32")};

    CHECK(lines(bench.router.reload(with({a, b}), t0 + 5s)) == Lines{"0 arp x5", "1 arp x5"});
}

TEST_CASE("an address that moves between masters and changes is removed before it is added") {
    auto a = instance(100, "A"), b = instance(100, "B", 52, "10.9.9.8/32");
    Bench bench = Bench::master(with({a, b}));
    (void)bench.tick(t0 + 4s);
    a.addresses = {vip("10.9.9.8/32")};
    a.addresses[0].scope = 253;
    b.addresses = {vip("10.9.9.7/32")};

    CHECK(lines(bench.router.reload(with({a, b}), t0 + 5s)) ==
          Lines{"1 change +0", "gone remove 10.9.9.8/32@eth0 10.9.9.9/32@eth0", "0 change +0", "0 arp x5", "1 arp x5"});
}

TEST_CASE("an address whose broadcast address, peer or lifetime changes is set again") {
    auto c = instance();
    c.addresses = {vip("10.9.9.1/32"), vip("10.9.9.2/32"), vip("10.9.9.3/32"), vip("10.9.9.4/32")};
    Bench bench = Bench::master(c);
    c.addresses[0].broadcast = IpAddress::parse("10.9.9.255");
    c.addresses[1].noprefixroute = true;
    c.addresses[2].more.edit().values = {{"home", true}};
    c.addresses[3].more.edit().values = {{"no_track", true}};  // mainstay's own affair

    CHECK(lines(bench.router.reload(with({c}), t0 + 4s)) ==
          Lines{"gone remove 10.9.9.1/32@eth0 10.9.9.2/32@eth0 10.9.9.3/32@eth0", "0 change +0 +1 +2", "0 arp x5"});
}

TEST_CASE("a backup's changed list changes nothing in the kernel") {
    Bench bench = Bench::started(instance());
    CHECK(bench.router.reload(with({instance(100, "VI_1", 51, "10.9.9.8/32")}), t0 + 1s).empty());
}

TEST_CASE("a removed master resigns with all that is needed in its intents") {
    Bench bench = Bench::master(instance());

    CHECK(brief(bench.router.reload(with({instance(50, "VI_2", 52, "10.9.9.8/32")}), t0 + 4s)) ==
          Lines{"gone advert 0 to 224.0.0.18", "gone remove 10.9.9.9/32@eth0", "announce INSTANCE VI_1 FAULT 100",
                "(VI_2) Entering BACKUP STATE (init)", "announce INSTANCE VI_2 BACKUP 50"});
}

TEST_CASE("the last event of a removed instance says that it was removed") {
    Bench bench = Bench::master(instance());
    std::vector<std::pair<std::string, bool>> events;
    for (const auto& intent : bench.router.reload(with({instance(50, "VI_1", 52, "10.9.9.8/32")}), t0 + 4s))
        if (const auto* one = std::get_if<Announce>(&intent))
            events.emplace_back(to_string(one->event.transition), one->event.removed);
    CHECK(events == std::vector<std::pair<std::string, bool>>{{"FAULT", true}, {"BACKUP", false}});
}

TEST_CASE("another VRID, interface or kind of addressing is another instance") {
    auto vrid = instance(), interface = instance(), unicast = instance();
    vrid.virtual_router_id = 52;
    interface.interface = "eth1";
    unicast.unicast_peers = {{ip("10.0.0.2")}};
    for (const auto& next : {vrid, interface, unicast}) {
        Bench bench = Bench::master(instance());
        (void)bench.router.step(link("eth1", true, {ip("10.1.0.1")}, 3), t0);
        (void)bench.router.reload(with({next}), t0 + 4s);
        CHECK(bench.state() == State::Backup);
        CHECK(bench.counters().become_master == 0);
    }
}

TEST_CASE("a shorter interval reaches a master at once, but never makes a backup fall due") {
    auto c = instance();
    c.advert_int = 10s;
    Bench master = Bench::master(c);
    c.advert_int = 1s;
    (void)master.router.reload(with({c}), master.taken_at + 500ms);
    CHECK(master.due_of(0) == master.taken_at + 500ms - t0);

    c.advert_int = 10s;
    Bench backup = Bench::started(c);
    c.advert_int = 1s;
    (void)backup.router.reload(with({c}), t0 + 20s);
    CHECK(backup.due_of(0) == 30'609'375us);
}

TEST_CASE("scripts keep their results by name and command; a new one delays no instance") {
    auto c = with({instance()});
    config::TrackScript script;
    script.name = "chk";
    script.command.argv = {"/bin/chk"};
    c.scripts = {script};
    c.instances[0].track_scripts = {{"chk", -10, false}};
    Bench bench = Bench::started(c);
    (void)bench.script("chk", 1, t0);
    REQUIRE(bench.router.snapshot().instances[0].effective_priority == 90);

    CHECK(bench.router.reload(c, t0 + 100ms).empty());
    CHECK(bench.router.snapshot().instances[0].effective_priority == 90);

    c.scripts[0].command.argv = {"/bin/other"};
    c.instances[0].track_scripts[0].weight = 0;
    CHECK(lines(bench.router.reload(c, t0 + 200ms)) ==
          Lines{"(VI_1) Changing effective priority from 90 to 100", "run chk"});
    CHECK(bench.state() == State::Backup);
}

TEST_CASE("an interface that the new configuration names but does not have is a FAULT") {
    Bench bench = Bench::started(instance());
    auto next = instance(100, "VI_9", 9);
    next.interface = "eth9";
    (void)bench.router.reload(with({instance(), next}), t0 + 1s);
    CHECK(bench.state(0) == State::Backup);
    CHECK(bench.state(1) == State::Fault);
}

TEST_CASE("a group that a master and a new instance form does not cost the master its addresses") {
    auto a = instance(100, "A"), b = instance(100, "B", 52, "10.9.9.8/32");
    Bench bench = Bench::master(with({a}));
    (void)bench.router.reload(with_group({a, b}), t0 + 4s);
    CHECK(bench.state(0) == State::Master);
    const Lines told = brief(bench.tick(t0 + 8s));
    CHECK(bench.state(1) == State::Master);
    CHECK(told.back() == "announce GROUP G MASTER 0");
}

TEST_CASE("but when the new member hears a better master, the group agrees on BACKUP") {
    auto a = instance(100, "A"), b = instance(100, "B", 52, "10.9.9.8/32");
    Bench bench = Bench::master(with({a}));
    (void)bench.router.reload(with_group({a, b}), t0 + 4s);
    (void)bench.hear(Peer{200, 52, "10.9.9.8"}, t0 + 5s);
    CHECK(bench.state(0) == State::Backup);
}

TEST_CASE("another prefix length of an IPv4 address is added before the old one goes, of an IPv6 address after") {
    auto c = instance();
    c.addresses = {vip("10.9.9.9/24")};
    c.excluded_addresses = {vip("2001:db8::9/64")};
    Bench bench = Bench::master(c);
    c.addresses = {vip("10.9.9.9/25")};
    c.excluded_addresses = {vip("2001:db8::9/128")};

    CHECK(lines(bench.router.reload(with({c}), t0 + 4s)) ==
          Lines{"0 change +0", "gone remove 10.9.9.9/24@eth0 2001:db8::9/64@eth0", "0 change +1", "0 arp x5"});
}

TEST_CASE("an address with any other changed kernel attribute is removed and set again") {
    auto c = instance();
    const auto change = [&](auto&& alter) {
        Bench bench = Bench::master(c);
        auto next = c;
        alter(next.addresses[0]);
        return lines(bench.router.reload(with({next}), t0 + 4s));
    };
    const Lines replaced{"gone remove 10.9.9.9/32@eth0", "0 change +0", "0 arp x5"};
    const auto add_word = [](const char* word, config::KeywordData data = true) {
        return [=](config::VirtualAddress& a) { a.more.edit().values.push_back({word, data}); };
    };
    CHECK(change([](auto& a) { a.scope = 254; }) == replaced);
    CHECK(change([](auto& a) { a.broadcast = ip("10.9.9.255"); }) == replaced);
    CHECK(change([](auto& a) { a.broadcast_all_ones = true; }) == replaced);
    CHECK(change([](auto& a) { a.broadcast_all_zeros = true; }) == replaced);
    CHECK(change([](auto& a) { a.noprefixroute = true; }) == replaced);
    for (const char* word : {"-nodad", "home", "mngtmpaddr", "autojoin"}) CHECK(change(add_word(word)) == replaced);
    CHECK(change(add_word("peer", ip("10.9.9.1"))) == replaced);
    CHECK(change(add_word("preferred_lft", Micros{5s})) == replaced);
    CHECK(change(add_word("preferred_lft")).empty());  // "forever", which it is without the word
    CHECK(change([](auto& a) { a.no_track = true; }).empty());
}

TEST_CASE("an address of an instance that goes stays when another master has it now") {
    auto a = instance(100, "A"), b = instance(100, "B", 52, "10.9.9.8/32");
    Bench bench = Bench::master(with({a, b}));
    (void)bench.tick(t0 + 4s);
    REQUIRE(bench.state(1) == State::Master);
    a.addresses.push_back(vip("10.9.9.8/32"));

    CHECK(deeds(bench.router.reload(with({a}), t0 + 5s)) == Lines{"gone advert 0 to 224.0.0.18", "0 arp x5"});
    CHECK(deeds(bench.router.reload(with({instance(100, "A")}), t0 + 6s)) == Lines{"gone remove 10.9.9.8/32@eth0"});
}

TEST_CASE(
    "an instance that a reload adds removes what is left of its addresses, as at a start, but not what others have") {
    Bench bench = Bench::master(instance(100, "A"));
    (void)bench.router.step(link("eth0", true, {ip("10.0.0.1"), ip("10.9.9.8"), ip("10.9.9.9")}), t0 + 4s);
    auto b = instance(100, "B", 52, "10.9.9.8/32");
    b.addresses.push_back(vip("10.9.9.7/32"));            // not there
    b.excluded_addresses = {vip("10.9.9.9/32", "eth0")};  // a master's

    CHECK(deeds(bench.router.reload(with({instance(100, "A"), b}), t0 + 5s)) == Lines{"1 remove 10.9.9.8/32@eth0"});
    // So with those that a backup gains.
    (void)bench.router.step(link("eth0", true, {ip("10.0.0.1"), ip("10.9.9.7"), ip("10.9.9.9"), ip("10.9.9.6")}),
                            t0 + 5s);
    b.addresses.push_back(vip("10.9.9.6/32"));
    CHECK(deeds(bench.router.reload(with({instance(100, "A"), b}), t0 + 6s)) == Lines{"1 remove 10.9.9.6/32@eth0"});
}

TEST_CASE("an owner that a reload adds keeps its addresses, which may be the host's own") {
    Bench bench = Bench::master(instance(100, "A"));
    (void)bench.router.step(link("eth0", true, {ip("10.0.0.1"), ip("10.9.9.8")}), t0 + 4s);

    CHECK(
        deeds(bench.router.reload(with({instance(100, "A"), instance(255, "B", 52, "10.9.9.8/32")}), t0 + 5s)).empty());
}

TEST_CASE("a backup that a reload makes the address owner takes over at once, as after a start") {
    Bench bench = Bench::started(instance(100));
    (void)bench.router.reload(with({instance(255)}), t0 + 1s);
    CHECK(bench.due_of(0) == 1s);
    CHECK(deeds(bench.tick(t0 + 1s)) == Lines{"0 advert 255 to 224.0.0.18", "0 add announced", "0 arp x5 begun"});
    // Another interval does not make it wait either.
    Bench slower = Bench::started(instance(100));
    auto owner = instance(255);
    owner.advert_int = 5s;
    (void)slower.router.reload(with({owner}), t0 + 1s);
    CHECK(slower.due_of(0) == 1s);
}

TEST_CASE("a backup that a reload makes the address owner still waits for the end of the startup delay") {
    auto c = with({instance(100)});
    c.global.vrrp_startup_delay = 10s;
    Bench bench = Bench::started(c);
    c.instances = {instance(255)};
    (void)bench.router.reload(c, t0 + 1s);
    CHECK(bench.due_of(0) == 10s);
}

TEST_CASE("a group that a reload makes one of address owners takes over at once") {
    auto a = instance(255, "A"), b = instance(100, "B", 52, "10.9.9.8/32");
    Bench bench = Bench::started(with_group({a, b}));
    b.priority = 255;
    (void)bench.router.reload(with_group({a, b}), t0 + 1s);
    (void)bench.tick(t0 + 1s);
    CHECK(bench.state(0) == State::Master);
    CHECK(bench.state(1) == State::Master);
}

TEST_CASE("an owner that has yielded to another owner still waits after a reload") {
    Bench bench = Bench::master(instance(255));
    Peer other{255};
    other.from("10.0.0.9");
    for (auto at = t0; at < t0 + 5s; at += 500ms) (void)bench.hear(other, at);
    REQUIRE(bench.state() == State::Backup);
    const auto due = bench.due_of(0);
    (void)bench.router.reload(bench.router.config(), t0 + 5s);
    CHECK(bench.due_of(0) == due);
}

TEST_CASE("a route stays when a reload adds a metric of 0, which the kernel does not keep, but not with any other") {
    auto c = instance();
    c.routes.emplace_back().more.edit().values = {{"to", *Prefix::parse("10.1.0.0/16")},
                                                  {"dev", config::WordList{"eth0"}}};
    Bench bench = Bench::master(c);
    const Lines set{"0 route [10.1.0.0/16 dev eth0]"};
    c.routes[0].more.edit().values.push_back({"quickack", std::int64_t{0}});
    CHECK(deeds(bench.router.reload(with({c}), t0 + 4s)) == set);

    c.routes[0].more.edit().values.back() = {"quickack", std::int64_t{1}};
    CHECK(deeds(bench.router.reload(with({c}), t0 + 5s)) == Lines{"0 unroute [10.1.0.0/16 dev eth0]", set[0]});
}

TEST_CASE("an address stays when a reload says its broadcast address in another way") {
    auto c = instance();
    c.addresses = {vip("10.9.9.9/32"), vip("10.9.8.9/24")};
    for (auto& address : c.addresses) address.broadcast_all_ones = true;
    Bench bench = Bench::master(c);
    for (auto& address : c.addresses) address.broadcast_all_ones = false;
    c.addresses[0].broadcast_all_zeros = true;
    c.addresses[1].broadcast = ip("10.9.8.255");
    CHECK(lines(bench.router.reload(with({c}), t0 + 4s)).empty());

    c.addresses[1].broadcast.reset();
    c.addresses[1].broadcast_all_zeros = true;
    CHECK(deeds(bench.router.reload(with({c}), t0 + 5s)) ==
          Lines{"gone remove 10.9.8.9/24@eth0", "0 change +1", "0 arp x5"});
}
