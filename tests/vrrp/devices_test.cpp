#include "mainstay/vrrp/devices.hpp"

#include <doctest/doctest.h>

#include "bench.hpp"
#include "mainstay/vrrp/instance.hpp"

using namespace mainstay;
using namespace mainstay::vrrp;
using namespace mainstay::vrrp::test;

namespace {

config::Instance vmac_instance(const char* name = "VI_1", std::uint8_t vrid = 51, const char* address = "10.9.9.9/32") {
    auto c = instance(100, name, vrid, address);
    if (c.addresses[0].prefix.address.is_v6()) {
        c.family = Family::V6;
        c.version = 3;
    }
    c.vmac.edit().enabled = true;
    return c;
}

ExistingLink link_of(const char* name, std::uint32_t index) { return {.name = name, .index = index}; }

ExistingLink macvlan(const char* name, std::uint32_t index, std::uint32_t parent, VirtualMac mac,
                     bool is_private = true) {
    return {
        .name = name, .index = index, .parent = parent, .kind = "macvlan", .private_macvlan = is_private, .mac = mac};
}

const std::vector<ExistingLink> kTwoCables{link_of("lo", 1), link_of("eth0", 2), link_of("eth1", 3)};

Lines text(const DevicePlan& plan) {
    Lines lines;
    for (const auto& d : plan.devices)
        lines.push_back(fmt::format("{}@{} {:02x}{}{}", d.name, d.parent, fmt::join(d.mac, ":"),
                                    d.keeps_ipv6 ? " ipv6" : "", d.link_local ? " fe80" : ""));
    return lines;
}

Lines lines_of(const DevicePlan& plan) {
    Lines lines;
    for (const auto& line : plan.lines) lines.push_back(line.text);
    return lines;
}

Lines names(const DevicePlan& plan) {
    Lines found;
    for (const auto& d : plan.devices) found.push_back(d.name);
    return found;
}

}  // namespace

TEST_CASE("a configuration without VMACs stays as it is") {
    const auto config = with({instance()});
    const auto plan = plan_devices(config, kTwoCables);

    CHECK(plan.config == config);
    CHECK(plan.devices.empty());
    CHECK(base_interface(plan.config.instances[0]) == "eth0");
}

TEST_CASE("a VMAC carries the virtual router's MAC address, and the instance with its addresses moves onto it") {
    // effect: vrrp_instance: use_vmac
    auto v4 = vmac_instance();
    v4.addresses.push_back(vip("10.9.9.10/32", "eth0"));
    v4.addresses.push_back(vip("10.9.9.11/32", "eth1"));
    const auto plan = plan_devices(with({v4, vmac_instance("VI_2", 51, "2001:db8::9/128")}), kTwoCables);

    CHECK(text(plan) == Lines{"vrrp.51@eth0 00:00:5e:00:01:33", "vrrp6.51@eth0 00:00:5e:00:02:33 ipv6 fe80"});
    CHECK(plan.lines.empty());
    const auto& first = plan.config.instances[0];
    CHECK(first.interface == "vrrp.51");
    CHECK(base_interface(first) == "eth0");
    CHECK(own_vmac(first) == "vrrp.51");
    CHECK(held_address(first, first.addresses[0]).interface == "vrrp.51");
    CHECK(held_address(first, first.addresses[1]).interface == "vrrp.51");
    CHECK(held_address(first, first.addresses[2]).interface == "eth1");
    CHECK(plan.config.instances[1].interface == "vrrp6.51");
}

TEST_CASE("an address of the other family stays on the interface itself, and keeps IPv6 on") {
    auto c = vmac_instance();
    c.excluded_addresses = {vip("2001:db8::9/128"), vip("10.9.9.12/32")};
    const auto plan = plan_devices(with({c}), kTwoCables);

    CHECK(text(plan) == Lines{"vrrp.51@eth0 00:00:5e:00:01:33 ipv6"});
    const auto& placed = plan.config.instances[0];
    CHECK(held_address(placed, placed.excluded_addresses[0]).interface == "eth0");
    CHECK(held_address(placed, placed.excluded_addresses[1]).interface == "vrrp.51");
}

TEST_CASE("adverts leave from the parent with vmac_xmit_base, and always in unicast") {
    // effect: vrrp_instance: vmac_xmit_base
    auto base = vmac_instance();
    set(base.more, "vmac_xmit_base");
    auto unicast = vmac_instance("VI_2", 52, "2001:db8::9/128");
    unicast.unicast_peers = {{ip("2001:db8::2")}};
    auto strict = vmac_instance("VI_3", 53);
    set(strict.more, "vmac_xmit_base");
    strict.strict = true;
    const auto plan = plan_devices(with({base, unicast, strict}), kTwoCables);

    CHECK(text(plan) == Lines{"vrrp.51@eth0 00:00:5e:00:01:33", "vrrp.52@eth0 00:00:5e:00:02:34 ipv6",
                              "vrrp.53@eth0 00:00:5e:00:01:35"});
    const auto& instances = plan.config.instances;
    CHECK(instances[0].interface == "eth0");
    CHECK(held_address(instances[0], instances[0].addresses[0]).interface == "vrrp.51");
    CHECK(instances[1].interface == "eth0");
    CHECK(instances[2].interface == "vrrp.53");
}

TEST_CASE("a name that is taken is evaded: IPv6 by vrrp6, then by numbers") {
    auto links = kTwoCables;
    links.push_back(link_of("vrrp.51", 7));
    links.push_back(link_of("vrrp1.51", 8));
    const auto v4 = with({vmac_instance()});
    const auto v6 = with({vmac_instance("VI_2", 51, "2001:db8::9/128")});

    CHECK(names(plan_devices(v4, links)) == Lines{"vrrp2.51"});
    CHECK(names(plan_devices(v6, links)) == Lines{"vrrp6.51"});
    links.push_back(link_of("vrrp6.51", 9));
    CHECK(names(plan_devices(v6, links)) == Lines{"vrrp2.51"});
}

TEST_CASE("the prefix of names is vmac_prefix, cut so that the name fits") {
    // effect: global_defs: vmac_prefix vmac_addr_prefix
    auto c = vmac_instance();
    set(c.more, "use_vmac_addr");
    c.addresses.push_back(vip("10.8.8.8/32", "eth1"));
    auto config = with({c});
    set(config.global.more, "vmac_prefix", config::WordList{"verylongprefixx"});

    CHECK(names(plan_devices(config, kTwoCables)) == Lines{"verylongpref.51", "verylongpre1.51"});
    set(config.global.more, "vmac_addr_prefix", config::WordList{"addr"});
    CHECK(names(plan_devices(config, kTwoCables)) == Lines{"verylongpref.51", "addr.51"});
}

TEST_CASE("a private macvlan with the right MAC address on the right parent is reused") {
    auto links = kTwoCables;
    links.push_back(macvlan("mine", 7, 2, virtual_mac(Family::V4, 51)));
    auto c = vmac_instance();
    c.vmac.edit().name = "wanted";

    const auto plan = plan_devices(with({c}), links);
    CHECK(names(plan) == Lines{"mine"});
    CHECK(lines_of(plan) == Lines{"(VI_1) Found matching interface mine",
                                  "(VI_1) vmac name mismatch wanted <=> mine. changing to mine."});
    CHECK(plan.config.instances[0].interface == "mine");

    CHECK(lines_of(plan_devices(with({c}), links, {}, {"mine"})).empty());
}

TEST_CASE("VMACs that the daemon made are planned as if they were not there yet: names go by the configuration alone") {
    auto links = kTwoCables;
    links.push_back(macvlan("vips", 7, 2, virtual_mac(Family::V4, 51)));
    links.push_back(macvlan("vrrp.52", 8, 2, virtual_mac(Family::V4, 52)));
    const std::set<std::string> made{"vips", "vrrp.52"};
    auto first = vmac_instance("VI_1", 52), second = vmac_instance("VI_2", 53, "10.9.9.8/32");

    first.vmac.edit().name = "vips";  // another VRID
    CHECK(names(plan_devices(with({first, second}), links, made)) == Lines{"vips", "vrrp.53"});
    first.virtual_router_id = 51;
    first.vmac.edit().name = "other";  // renamed
    second.vmac.edit().name = "vips";  // and its name goes to another one
    CHECK(names(plan_devices(with({first, second}), links, made)) == Lines{"other", "vips"});
    first.vmac.edit().name.clear();  // its name is gone
    CHECK(names(plan_devices(with({first}), links, made)) == Lines{"vrrp.51"});
    first.vmac.edit().name = "eth1";  // not one of the daemon's
    CHECK(names(plan_devices(with({first}), links, made)) == Lines{"vrrp.51"});
}

TEST_CASE("a VMAC that was found at the start keeps the name that it had") {
    auto links = kTwoCables;
    links.push_back(macvlan("mine", 7, 2, virtual_mac(Family::V4, 51)));
    const auto plan = plan_devices(with({vmac_instance()}), links, {}, {"mine"});

    CHECK(names(plan) == Lines{"mine"});
    CHECK(plan.devices[0].found);
    CHECK(lines_of(plan).empty());
}

TEST_CASE("a macvlan that is not private, of another MAC address or on another parent is not reused") {
    const auto mac = virtual_mac(Family::V4, 51);
    for (const auto& other : {macvlan("vrrp.51", 7, 2, mac, false), macvlan("vrrp.51", 7, 3, mac),
                              macvlan("vrrp.51", 7, 2, virtual_mac(Family::V4, 52))}) {
        auto links = kTwoCables;
        links.push_back(other);
        CHECK(names(plan_devices(with({vmac_instance()}), links)) == Lines{"vrrp1.51"});
    }
}

TEST_CASE("over a macvlan a VMAC is on what that one is on, and so is an ipvlan over an ipvlan") {
    const auto mac = virtual_mac(Family::V4, 51);
    const auto container = macvlan("mv0", 4, 2, {2, 0, 0, 0, 0, 4}, false);
    const auto elsewhere = macvlan("mv1", 5, 0, {2, 0, 0, 0, 0, 5}, false);  // on a link of another namespace
    const WantedDevice vmac{.name = "vrrp.51", .mac = mac};
    CHECK(serves_as(macvlan("vrrp.51", 7, 2, mac), vmac, container));
    CHECK_FALSE(serves_as(macvlan("vrrp.51", 7, 4, mac), vmac, container));
    CHECK(serves_as(macvlan("vrrp.51", 7, 0, mac), vmac, elsewhere));
    CHECK_FALSE(serves_as(macvlan("vrrp.51", 7, 2, mac), vmac, {}));

    const WantedDevice wanted{.kind = WantedDevice::Kind::Ipvlan, .name = "ipvl.51"};
    const ExistingLink ipvlan{.name = "iv0", .index = 4, .parent = 2, .kind = "ipvlan"};
    const ExistingLink ours{.name = "ipvl.51", .index = 7, .parent = 2, .kind = "ipvlan"};
    CHECK(serves_as(ours, wanted, ipvlan));
    CHECK_FALSE(serves_as(ours, wanted, container));
}

TEST_CASE("a MAC address of one's own is used: five octets take the VRID as the sixth") {
    CHECK(configured_mac("02:00:00:00:00:09", 51) == VirtualMac{2, 0, 0, 0, 0, 9});
    CHECK(configured_mac("02:00:00:00:01", 51) == VirtualMac{2, 0, 0, 0, 1, 51});
    CHECK(configured_mac("01:00:5e:00:00:09", 51) == std::nullopt);
    CHECK(configured_mac("00:00:5e:00:01:09", 51) == std::nullopt);
    CHECK(configured_mac("00:00:5e:00:02:09", 51) == std::nullopt);
    CHECK(configured_mac("02:00:00:00", 51) == std::nullopt);
    CHECK(configured_mac("02:00:00:00:00:00:09", 51) == std::nullopt);
    CHECK(configured_mac("2-0-0-0-0-9", 51) == std::nullopt);

    auto c = vmac_instance();
    c.vmac.edit().mac = "02:00:00:00:01";
    CHECK(text(plan_devices(with({c}), kTwoCables)) == Lines{"vrrp.51@eth0 02:00:00:00:01:33"});
    c.strict = true;  // RFC 9568 7.3 leaves no choice
    CHECK(text(plan_devices(with({c}), kTwoCables)) == Lines{"vrrp.51@eth0 00:00:5e:00:01:33"});
}

TEST_CASE("use_vmac_addr and use_vmac of an address make further VMACs on the addresses' interfaces, shared by MAC") {
    // effect: vrrp_instance: use_vmac_addr
    // effect: vrrp_instance/virtual_ipaddress: use_vmac
    auto all = vmac_instance();
    set(all.more, "use_vmac_addr");
    all.addresses.push_back(vip("10.8.8.8/32", "eth1"));
    all.addresses.push_back(vip("10.8.8.9/32", "eth1"));
    auto one = instance(100, "VI_2", 52);
    one.addresses.push_back(vip("10.8.8.10/32", "eth1"));
    one.addresses.push_back(vip("10.8.8.11/32", "eth1"));
    set(one.addresses[1].more, "use_vmac");
    const auto plan = plan_devices(with({all, one}), kTwoCables);

    CHECK(text(plan) ==
          Lines{"vrrp.51@eth0 00:00:5e:00:01:33", "vrrp1.51@eth1 00:00:5e:00:01:33", "vrrp.52@eth1 00:00:5e:00:01:34"});
    CHECK(plan.config.instances[0].addresses[1].dev == "vrrp1.51");
    CHECK(plan.config.instances[0].addresses[2].dev == "vrrp1.51");
    CHECK(plan.config.instances[1].interface == "eth0");
    CHECK(plan.config.instances[1].addresses[1].dev == "vrrp.52");
    CHECK(plan.config.instances[1].addresses[2].dev == "eth1");
}

TEST_CASE("an ipvlan has its parent's MAC address and an address of its own") {
    auto c = instance();
    config::Section line{.keyword = "use_ipvlan"};
    line.values = {{"address", *Prefix::parse("10.0.0.9/24")}, {"mode", config::WordList{"vepa"}}};
    c.more.edit().sections.push_back(line);
    const auto plan = plan_devices(with({c}), kTwoCables);

    REQUIRE(plan.devices.size() == 1);
    CHECK(plan.devices[0].kind == WantedDevice::Kind::Ipvlan);
    CHECK(plan.devices[0].name == "vrrp.51");
    CHECK(plan.devices[0].mode == WantedDevice::IpvlanMode::Vepa);
    CHECK(plan.devices[0].address == Prefix::parse("10.0.0.9/24"));
    CHECK(plan.config.instances[0].interface == "vrrp.51");
    CHECK(held_address(plan.config.instances[0], plan.config.instances[0].addresses[0]).interface == "eth0");
    CHECK(plan.config.instances[0].source == ip("10.0.0.9"));
    CHECK(base_interface(plan.config.instances[0]) == "eth0");
}

TEST_CASE("an ipvlan of an IPv6 instance has IPv6, wherever the host has it off for new interfaces") {
    auto c = instance();
    c.more.edit().sections.push_back({.keyword = "use_ipvlan"});
    CHECK(device_settings(plan_devices(with({c}), kTwoCables).devices.at(0)).empty());
    c.family = Family::V6;
    CHECK(device_settings(plan_devices(with({c}), kTwoCables).devices.at(0)) ==
          std::vector<Setting>{{"net/ipv6/conf/vrrp.51/disable_ipv6", "0"}});
}

TEST_CASE("all ipvlans over an interface have one mode, as the kernel has it") {
    const auto on = [](const char* name, std::uint8_t vrid, const char* interface, const char* mode) {
        auto c = instance(100, name, vrid);
        c.interface = interface;
        config::Section line{.keyword = "use_ipvlan"};
        if (*mode != '\0') line.values = {{"mode", config::WordList{mode}}};
        c.more.edit().sections.push_back(line);
        return c;
    };
    const auto plan = plan_devices(with({on("A", 51, "eth0", "private"), on("B", 52, "eth0", "vepa"),
                                         on("C", 53, "eth0", ""), on("D", 54, "eth1", "bridge")}),
                                   kTwoCables);

    using Mode = WantedDevice::IpvlanMode;
    std::vector<Mode> modes;
    for (const auto& device : plan.devices) modes.push_back(device.mode);
    CHECK(modes == std::vector{Mode::Vepa, Mode::Vepa, Mode::Vepa, Mode::Bridge});
}

TEST_CASE("an instance on a VMAC fails with its parent, and says which interface it was") {
    const auto plan = plan_devices(with({vmac_instance()}), kTwoCables);
    const auto& c = plan.config.instances[0];
    Links links;
    const ScriptStates scripts;
    const auto faults = [&] { return text_of(judge(c, nullptr, links, scripts, {}).faults); };

    CHECK(faults() == "interface eth0 does not exist");
    links.update(link("eth0", false));
    links.update(link("vrrp.51", false, {ip("10.0.0.1")}, 7));
    CHECK(faults() == "interface eth0 down");
    links.update(link("eth0", true));
    CHECK(faults() == "interface vrrp.51 down");
    links.update(link("vrrp.51", true, {ip("10.0.0.1")}, 7));
    CHECK(faults().empty());
}

TEST_CASE("an address owner on a VMAC sends from the interface's own address throughout") {
    auto owner = vmac_instance();
    owner.priority = 255;
    const auto moved = plan_devices(with({owner}), kTwoCables).config.instances[0];
    const IpAddress address = moved.addresses[0].prefix.address;
    Links links;
    const ScriptStates scripts;

    links.update(link("vrrp.51", true, {ip("10.0.0.1")}));
    CHECK(judge(moved, nullptr, links, scripts, {}).source == ip("10.0.0.1"));
    links.update(link("vrrp.51", true, {address, ip("10.0.0.1")}));
    CHECK(judge(moved, nullptr, links, scripts, {}).source == ip("10.0.0.1"));
    links.update(link("vrrp.51", true, {address}));
    CHECK(judge(moved, nullptr, links, scripts, {}).source == address);
    auto plain = owner;
    plain.vmac.reset();
    links.update(link("eth0", true, {address, ip("10.0.0.1")}));
    CHECK(judge(plain, nullptr, links, scripts, {}).source == address);
}

TEST_CASE("a source address that is not on the interface is a fault with track_src_ip") {
    // effect: vrrp_instance: track_src_ip
    auto c = instance();
    c.source = ip("10.0.0.1");
    set(c.more, "track_src_ip");
    Links links;
    const ScriptStates scripts;

    links.update(link("eth0", true, {ip("10.0.0.1"), ip("10.0.0.2")}));
    CHECK(judge(c, nullptr, links, scripts, {}).faults.empty());
    links.update(link("eth0", true, {ip("10.0.0.2")}));
    CHECK(text_of(judge(c, nullptr, links, scripts, {}).faults) == "source address 10.0.0.1 is not on the interface");
    c.more.reset();
    CHECK(judge(c, nullptr, links, scripts, {}).faults.empty());
}

TEST_CASE("a VMAC for IPv4 answers for its own addresses alone, and so does its parent") {
    const auto v4 = plan_devices(with({vmac_instance()}), kTwoCables).devices.at(0);
    const auto v6 = plan_devices(with({vmac_instance("VI_2", 52, "2001:db8::9/128")}), kTwoCables).devices.at(0);

    CHECK(device_settings(v4) == std::vector<Setting>{{"net/ipv4/conf/vrrp.51/arp_ignore", "1"},
                                                      {"net/ipv4/conf/vrrp.51/accept_local", "1"},
                                                      {"net/ipv4/conf/vrrp.51/rp_filter", "0"},
                                                      {"net/ipv4/conf/vrrp.51/promote_secondaries", "1"},
                                                      {"net/ipv6/conf/vrrp.51/disable_ipv6", "1"}});
    CHECK(parent_settings(v4) == std::vector<Setting>{{"net/ipv4/conf/eth0/arp_ignore", "1"},
                                                      {"net/ipv4/conf/eth0/arp_filter", "1"},
                                                      {"net/ipv4/conf/eth0/arp_announce", "2"}});
    CHECK(device_settings(v6) ==
          std::vector<Setting>{{"net/ipv4/conf/vrrp.52/arp_ignore", "1"}, {"net/ipv6/conf/vrrp.52/disable_ipv6", "0"}});
    CHECK(parent_settings(v6).empty());
}

TEST_CASE("a VMAC that a reload uses for the other family gets back what a new interface has") {
    const auto v4 = plan_devices(with({vmac_instance()}), kTwoCables).devices.at(0);
    auto v6 = plan_devices(with({vmac_instance("VI_2", 52, "2001:db8::9/128")}), kTwoCables).devices.at(0);

    CHECK(default_settings(v4).empty());
    CHECK(default_settings(v6) == Lines{"net/ipv4/conf/vrrp.52/accept_local", "net/ipv4/conf/vrrp.52/rp_filter",
                                        "net/ipv4/conf/vrrp.52/promote_secondaries"});
    v6.found = true;  // another program's: its IPv4 settings are that program's business
    CHECK(default_settings(v6).empty());
}

TEST_CASE("the link-local address of a VMAC is the source, else the parent's, else made of the parent's MAC address") {
    auto c = vmac_instance("VI_2", 52, "2001:db8::9/128");
    const auto plain = plan_devices(with({c}), kTwoCables).devices.at(0);
    c.source = ip("fe80::5");
    const auto with_source = plan_devices(with({c}), kTwoCables).devices.at(0);
    const VirtualMac mac{0x02, 0x11, 0x22, 0x33, 0x44, 0x55};
    const std::vector<IpAddress> of_parent{ip("10.0.0.1"), ip("2001:db8::1"), ip("fe80::7")};

    CHECK(link_local_of(with_source, of_parent, mac).to_string() == "fe80::5/64");
    CHECK(link_local_of(plain, of_parent, mac).to_string() == "fe80::7/64");
    CHECK(link_local_of(plain, {}, mac).to_string() == "fe80::11:22ff:fe33:4455/64");
}

TEST_CASE("where no adverts leave, addresses are announced again and again: one for each device, or all") {
    // effect: vrrp_instance: garp_extra_if vmac_garp_intvl
    // effect: global_defs: vrrp_garp_extra_if vrrp_vmac_garp_intvl
    const auto announced = [](config::Config config, Nanos from, Nanos to) {
        config.instances[0].addresses = {vip("10.9.9.9/32", "eth1"), vip("10.9.9.10/32", "eth1"), vip("10.9.9.11/32")};
        Bench bench{config};
        (void)bench.router.step(link(), t0);
        (void)bench.router.step(link("eth1", true, {}, 3), t0);
        (void)bench.router.start(t0);
        Lines found;
        for (Instant now = t0; now < t0 + to; now += 100ms)
            for (const auto& line : lines(bench.tick(now)))
                if (now >= t0 + from && line.starts_with("announce 10.")) found.push_back(line);
        return found;
    };
    auto owner = instance(255);
    owner.garp_master_delay = Micros{0};
    auto config = with({owner});
    CHECK(announced(config, 0s, 10s).empty());

    set(config.instances[0].more, "garp_extra_if", Micros{4s});
    CHECK(announced(config, 0s, 3900ms).empty());
    CHECK(announced(config, 0s, 9s) == Lines{"announce 10.9.9.9@eth1", "announce 10.9.9.9@eth1"});
    set(config.instances[0].more, "garp_extra_if all");
    CHECK(announced(config, 0s, 5s) == Lines{"announce 10.9.9.9@eth1", "announce 10.9.9.10@eth1"});

    for (const char* keyword : {"vrrp_garp_extra_if", "vrrp_vmac_garp_intvl"}) {
        auto common = with({owner});
        set(common.global.more, keyword, Micros{4s});
        CHECK(announced(common, 0s, 5s) == Lines{"announce 10.9.9.9@eth1"});
        set(common.instances[0].more, "vmac_garp_intvl", Micros{0});  // an instance's own 0 turns it off
        CHECK(announced(common, 0s, 5s).empty());
    }
}

TEST_CASE(
    "with dont_track_primary an instance whose source went with its link stays what it is until there is one again") {
    auto c = vmac_instance("VI_1", 51, "fe80::9/128");
    c.vmac.edit().enabled = false;
    const auto v6_link = [](bool up, bool with_address) {
        return link("eth0", up, with_address ? std::vector{ip("fe80::1")} : std::vector<IpAddress>{});
    };
    const auto state_after = [&](std::initializer_list<InterfaceFact> facts) {
        Bench bench{c};
        (void)bench.router.step(v6_link(true, true), t0);
        (void)bench.router.start(t0);
        (void)bench.tick(t0 + 4s);
        REQUIRE(bench.state() == State::Master);
        for (const auto& fact : facts) (void)bench.router.step(fact, t0 + 5s);
        return bench.state();
    };
    CHECK(state_after({v6_link(false, false)}) == State::Fault);
    c.dont_track_primary = true;
    CHECK(state_after({v6_link(false, false)}) == State::Master);
    CHECK(state_after({v6_link(false, false), v6_link(true, false)}) == State::Master);
    CHECK(state_after({v6_link(false, false), v6_link(true, false), v6_link(true, true), v6_link(true, false)}) ==
          State::Fault);
    CHECK(state_after({v6_link(true, false)}) == State::Fault);  // somebody took it away
}

TEST_CASE(
    "an IPv4 instance without a source is in FAULT also with dont_track_primary: its addresses outlive the link") {
    auto c = instance();
    c.dont_track_primary = true;
    Bench bench = Bench::master(c);
    (void)bench.router.step(link("eth0", false, {}), t0 + 5s);
    CHECK(bench.state() == State::Fault);
    (void)bench.router.step(link("eth0", true, {}, 7), t0 + 6s);  // made again
    CHECK(bench.state() == State::Fault);
    (void)bench.router.step(link("eth0", true, {ip("10.0.0.1")}, 7), t0 + 7s);
    CHECK(bench.state() == State::Backup);
}
