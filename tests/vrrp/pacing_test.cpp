#include "mainstay/vrrp/pacing.hpp"

#include <doctest/doctest.h>

#include "bench.hpp"

using namespace mainstay;
using namespace mainstay::vrrp;
using namespace mainstay::vrrp::test;

namespace {

config::Config paced(Micros garp, Micros gna = Micros{0}) {
    config::Config config;
    config.global.vrrp_garp_interval = garp;
    config.global.vrrp_gna_interval = gna;
    return config;
}

void group(config::Config& config, std::vector<std::string> interfaces, const char* keyword, Micros distance) {
    config::Section section{.keyword = "garp_group", .values = {{keyword, distance}}};
    config::Section list{.keyword = "interfaces", .values = {{"interfaces", config::WordList{}}}};
    std::get<config::WordList>(list.values[0].data) = std::move(interfaces);
    section.sections.push_back(list);
    config.more.edit().sections.push_back(section);
}

Lines due(Pacer& pacer, Instant now) {
    Lines all;
    for (const auto& item : pacer.take_due(now)) all.push_back(item.address.to_string() + "@" + item.interface);
    return all;
}

}  // namespace

TEST_CASE("announcements on one interface keep their distance, round by round; ARP and NA on their own") {
    // effect: global_defs: vrrp_garp_interval vrrp_gna_interval
    Pacer pacer;
    pacer.configure(paced(100ms, 300ms));
    for (const char* address : {"10.0.0.8", "10.0.0.9"}) pacer.ask("eth0", {"eth0", ip(address)}, 2, t0);
    pacer.ask("eth0", {"eth0", ip("fe80::9")}, 2, t0);
    pacer.ask("eth1", {"eth1", ip("10.1.0.9")}, 1, t0);

    CHECK(due(pacer, t0) == Lines{"10.0.0.8@eth0", "fe80::9@eth0", "10.1.0.9@eth1"});
    CHECK(pacer.deadline() == t0 + 100ms);
    CHECK(due(pacer, t0 + 99ms).empty());
    CHECK(due(pacer, t0 + 100ms) == Lines{"10.0.0.9@eth0"});
    CHECK(due(pacer, t0 + 250ms) == Lines{"10.0.0.8@eth0"});  // late: the next one waits from now on
    CHECK(pacer.deadline() == t0 + 300ms);
    CHECK(due(pacer, t0 + 300ms) == Lines{"fe80::9@eth0"});
    CHECK(due(pacer, t0 + 350ms) == Lines{"10.0.0.9@eth0"});
    CHECK(pacer.deadline() == std::nullopt);
    // The distance to what went out last holds for what is asked for later.
    pacer.ask("eth0", {"eth0", ip("10.0.0.8")}, 1, t0 + 360ms);
    CHECK(pacer.deadline() == t0 + 450ms);
}

TEST_CASE("an item requested again while it is queued is not queued twice") {
    Pacer pacer;
    pacer.configure(paced(1s));
    for (int again = 0; again < 1000; ++again) pacer.ask("eth0", {"eth0", ip("10.0.0.8")}, 5, t0);
    int sent = 0;
    for (std::optional<Instant> now = t0; now; now = pacer.deadline())
        sent += static_cast<int>(pacer.take_due(*now).size());
    CHECK(sent == 5);
}

TEST_CASE("what is forgotten is not sent any more, and the turns of the rest go on") {
    Pacer pacer;
    pacer.configure(paced(100ms, 100ms));
    for (const char* address : {"10.0.0.7", "10.0.0.8", "10.0.0.9"}) pacer.ask("eth0", {"eth0", ip(address)}, 2, t0);
    CHECK(due(pacer, t0) == Lines{"10.0.0.7@eth0"});
    CHECK(due(pacer, t0 + 100ms) == Lines{"10.0.0.8@eth0"});
    pacer.forget({"eth0", ip("10.0.0.7")});
    pacer.forget({"eth1", ip("10.0.0.8")});  // another one
    CHECK(due(pacer, t0 + 200ms) == Lines{"10.0.0.9@eth0"});
    CHECK(due(pacer, t0 + 300ms) == Lines{"10.0.0.8@eth0"});
    pacer.forget({"eth0", ip("10.0.0.9")});
    CHECK(pacer.deadline() == std::nullopt);
}

TEST_CASE("the interfaces of a garp_group share one distance") {
    // effect: garp_group: garp_interval gna_interval interface interfaces
    // effect: (root): garp_group
    config::Config config = paced(100ms, 100ms);
    group(config, {"eth0", "eth1"}, "garp_interval", 2s);
    group(config, {"eth2"}, "gna_interval", 3s);
    config.more.edit().sections[1].values.push_back({"interface", config::WordList{"eth3"}});
    Pacer pacer;
    pacer.configure(config);
    CHECK(pacer.distance("eth0", Family::V4) == 2s);
    CHECK(pacer.distance("eth0", Family::V6) == 100ms);  // of global_defs
    CHECK(pacer.distance("eth3", Family::V6) == 3s);
    CHECK(pacer.distance("eth9", Family::V4) == 100ms);

    pacer.ask("eth0", {"eth0", ip("10.0.0.8")}, 1, t0);
    pacer.ask("eth1", {"eth1", ip("10.0.0.9")}, 1, t0);
    CHECK(due(pacer, t0) == Lines{"10.0.0.8@eth0"});
    CHECK(due(pacer, t0 + 1'999ms).empty());
    CHECK(due(pacer, t0 + 2s) == Lines{"10.0.0.9@eth1"});
}

TEST_CASE("what waits survives a reload with the new distances") {
    Pacer pacer;
    config::Config config = paced(Micros{0});
    group(config, {"eth0"}, "garp_interval", 5s);
    pacer.configure(config);
    pacer.ask("eth0", {"eth0", ip("10.0.0.8")}, 2, t0);
    (void)pacer.take_due(t0);
    pacer.configure(paced(1s));
    CHECK(due(pacer, t0 + 5s) == Lines{"10.0.0.8@eth0"});
    CHECK(pacer.deadline() == std::nullopt);
}

TEST_CASE("what waits on a VMAC keeps the distance of its parent over a reload") {
    Pacer pacer;
    const config::Config config = paced(1s);
    pacer.configure(config);
    pacer.ask("eth0", {"vrrp.1", ip("10.0.0.8")}, 2, t0);
    pacer.ask("eth0", {"vrrp.2", ip("10.0.0.9")}, 1, t0);
    CHECK(due(pacer, t0) == Lines{"10.0.0.8@vrrp.1"});
    pacer.configure(config);
    CHECK(due(pacer, t0 + 1s) == Lines{"10.0.0.8@vrrp.1"});
    CHECK(due(pacer, t0 + 2s) == Lines{"10.0.0.9@vrrp.2"});
    CHECK(pacer.deadline() == std::nullopt);
}
