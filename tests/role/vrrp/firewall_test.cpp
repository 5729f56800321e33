// The rules that drop packets to the addresses of a master with no_accept, read back by nft.
#include "role/vrrp/firewall.hpp"
#include "../../needs.hpp"

#include <sys/mount.h>

#include <filesystem>
#include <fstream>

#include <fmt/ranges.h>

#include "../../kernel/without_rights.hpp"
#include "mainstay/alert/script_requests.hpp"
#include "office.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;
using mainstay::test::in_own_network;
using mainstay::test::WithoutDescriptors;
using mainstay::test::WithoutRights;

namespace {

std::shared_ptr<const config::Config> written(const std::string& text) {
    return std::make_shared<const config::Config>(Office::written(text));
}
std::shared_ptr<const config::Config> refusing(const std::string& global = "") {
    return written((global.empty() ? "" : "global_defs {\n" + global + "\n}\n") + instance("no_accept"));
}

// nft's word for it.
bool in_ruleset(const std::string& text) {
    return std::system(("nft list ruleset 2>/dev/null | grep -qF '" + text + "'").c_str()) == 0;
}
bool has_table(const std::string& name) { return in_ruleset("table ip " + name + " "); }
bool nft(const std::string& words) { return std::system(("nft " + words + " 2>/dev/null").c_str()) == 0; }

struct FirewallHost {
    FakeRuntime runtime;
    Links links;
    VrrpFirewall firewall{runtime, links};

    FirewallHost() {
        (void)links.take({netlink::LinkChanged{{.index = 1, .name = "eth0", .up = true, .running = true}}});
    }
    void guard(const config::Config& config) { firewall.guard(config.instances.at(0)); }
    void release() { firewall.release({{"eth0", Prefix::parse("10.0.0.100/32").value()}}); }
    std::size_t logged(std::string_view part) const { return runtime.log_.count(part); }
};

template <class Body>
void with_nftables(const Body& body) {
    in_own_network([&] {
        if (!kernel::Nftables::open() || !nft("list ruleset")) {
            MESSAGE("no nftables here");
            return;
        }
        FirewallHost host;
        body(host);
    });
}

// On a host whose iptables is this program (empty: there is none), and that has nothing else in /usr/sbin.
template <class Body>
void with_iptables(const std::string& program, const Body& body) {
    in_own_network([&] {
        const bool made = ::unshare(CLONE_FS | CLONE_NEWNS) == 0 &&
                          ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                          ::mount("none", "/usr/sbin", "tmpfs", 0, nullptr) == 0;
        if (!made) {
            MESSAGE("no folder can be put in the place of /usr/sbin here");
            return;
        }
        if (!program.empty()) {
            std::ofstream{"/usr/sbin/" + program} << "";
            std::filesystem::create_symlink(program, "/usr/sbin/iptables");
        }
        FirewallHost host;
        body(host);
    });
}

// The calls of the firewall since the last look.
Texts calls(FirewallHost& host) {
    Texts lines;
    for (const auto& script : std::exchange(host.runtime.scripts, {})) {
        CHECK(script.key == alert::kFirewallKey);
        CHECK(script.queue == alert::kFirewallKey);
        lines.push_back(fmt::format("{}", fmt::join(script.arguments, " ")));
    }
    return lines;
}

}  // namespace

TEST_CASE("the address of a master that refuses packets is in the rules while it is held" *
          mainstay::test::kNeedsRoot) {
    with_nftables([](FirewallHost& host) {
        const auto config = refusing();
        host.firewall.configure(config, false, false);
        CHECK_FALSE(in_ruleset("10.0.0.100"));
        host.guard(*config);
        CHECK(has_table("keepalived"));
        CHECK(in_ruleset("10.0.0.100"));
        CHECK(host.logged("(VI_1) setting firewall drop rule") == 1);
        host.firewall.release({{"eth0", Prefix::parse("10.0.0.99/32").value()}});
        CHECK(in_ruleset("10.0.0.100"));
        host.release();
        CHECK_FALSE(in_ruleset("10.0.0.100"));
        host.guard(*config);
        CHECK(in_ruleset("10.0.0.100"));
        host.firewall.close(false);
        CHECK_FALSE(has_table("keepalived"));
        CHECK(host.firewall.repairs() == 0);
    });
}

TEST_CASE("an instance that accepts packets has no rules, and with -V the rules stay at the stop" *
          mainstay::test::kNeedsRoot) {
    with_nftables([](FirewallHost& host) {
        const auto open = written(instance());
        host.firewall.configure(open, false, false);
        host.guard(*open);
        CHECK_FALSE(has_table("keepalived"));
        CHECK(host.runtime.log_.texts.empty());
        const auto config = refusing();
        host.firewall.configure(config, false, false);
        host.guard(*open);  // of another instance
        CHECK_FALSE(in_ruleset("10.0.0.100"));
        host.guard(*config);
        host.firewall.close(true);
        CHECK(in_ruleset("10.0.0.100"));
    });
}

TEST_CASE("a configuration without rules takes those of the one before away, and another table's name moves them" *
          mainstay::test::kNeedsRoot) {
    with_nftables([](FirewallHost& host) {
        const auto config = refusing(), renamed = refusing("nftables other");
        host.firewall.configure(config, false, false);
        host.guard(*config);
        host.firewall.configure(renamed, false, false);
        CHECK_FALSE(has_table("keepalived"));
        CHECK(has_table("other"));
        CHECK(in_ruleset("10.0.0.100"));
        host.firewall.configure(written(instance()), false, false);
        CHECK_FALSE(has_table("other"));
        host.firewall.configure(config, false, false);
        host.guard(*config);
        CHECK(has_table("keepalived"));
    });
}

TEST_CASE("rules that another program deletes are restored, which is counted and logged once each time" *
          mainstay::test::kNeedsRoot) {
    with_nftables([](FirewallHost& host) {
        const auto config = refusing();
        host.firewall.configure(config, false, false);
        host.guard(*config);
        for (std::uint64_t times = 1; times <= 2; ++times) {
            REQUIRE(nft("flush ruleset"));
            CHECK(host.runtime.until([&] { return host.firewall.repairs() == times; }));
            CHECK(in_ruleset("10.0.0.100"));
            CHECK(host.logged("nftables table ip keepalived was changed by another program: restored") == times);
        }
        REQUIRE(nft("add table ip elsewhere"));
        CHECK(host.runtime.until([&] { return has_table("elsewhere"); }));
        REQUIRE(nft("flush ruleset"));
        host.release();  // the change finds its table gone, and nothing is wanted
        CHECK_FALSE(in_ruleset("10.0.0.100"));
    });
}

TEST_CASE("a change that finds the table gone writes all of it again" * mainstay::test::kNeedsRoot) {
    with_nftables([](FirewallHost& host) {
        const auto config = written(instance("no_accept") + instance("no_accept", "10.0.0.200", "VI_2", 52));
        host.firewall.configure(config, false, false);
        host.firewall.guard(config->instances.at(0));
        REQUIRE(nft("flush ruleset"));
        host.firewall.guard(config->instances.at(1));
        CHECK(in_ruleset("10.0.0.100"));
        CHECK(in_ruleset("10.0.0.200"));
    });
}

TEST_CASE("rules that the kernel refuses are named again when a change was accepted in between" *
          mainstay::test::kNeedsRoot) {
    with_nftables([](FirewallHost& host) {
        const auto config = refusing();
        host.firewall.configure(config, false, false);
        for (std::size_t times = 1; times <= 2; ++times) {
            {
                const WithoutRights refused;
                host.guard(*config);
            }
            CHECK(host.logged("firewall rules cannot be set: ") == times);
            CHECK_FALSE(in_ruleset("10.0.0.100"));
            host.guard(*config);
            CHECK(in_ruleset("10.0.0.100"));
            host.release();
        }
    });
}

TEST_CASE("nftables that cannot be opened are named once, and opened by the next configuration" *
          mainstay::test::kNeedsRoot) {
    with_nftables([](FirewallHost& host) {
        const auto config = refusing();
        {
            const WithoutDescriptors none;
            host.firewall.configure(config, false, false);
            host.firewall.configure(config, false, false);
        }
        CHECK(host.logged("firewall rules cannot be set: ") == 1);
        host.firewall.configure(config, false, false);
        host.guard(*config);
        CHECK(in_ruleset("10.0.0.100"));
    });
}

TEST_CASE("IPv6 addresses have rules and a table of their own, which is restored by itself" *
          mainstay::test::kNeedsRoot) {
    with_nftables([](FirewallHost& host) {
        const auto config = written(instance("no_accept\nvirtual_ipaddress_excluded {\n2001:db8::7\n}"));
        host.firewall.configure(config, false, false);
        host.guard(*config);
        CHECK(in_ruleset("10.0.0.100"));
        CHECK(in_ruleset("2001:db8::7"));
        REQUIRE(nft("delete table ip6 keepalived"));
        CHECK(host.runtime.until([&] { return host.firewall.repairs() == 1; }));
        CHECK(in_ruleset("2001:db8::7"));
        CHECK(host.logged("nftables table ip6 keepalived was changed by another program: restored") == 1);
        CHECK(host.logged("was changed by another program") == 1);
        host.firewall.release({{"eth0", Prefix::parse("2001:db8::7/128").value()}});
        CHECK_FALSE(in_ruleset("2001:db8::7"));
        CHECK(in_ruleset("10.0.0.100"));
    });
}

TEST_CASE("what a killed daemon left is deleted at the start, and what this one's crashed process left stays" *
          mainstay::test::kNeedsRoot) {
    with_nftables([](FirewallHost& host) {
        for (const char* words : {"add table ip keepalived", "add chain ip keepalived left", "add table ip6 keepalived",
                                  "add chain ip6 keepalived left6", "add table ip other"})
            REQUIRE(nft(words));
        const auto config = refusing();
        host.firewall.configure(config, false, false);
        CHECK(host.logged("Deleting old ip keepalived table") == 1);
        CHECK(host.logged("Deleting old ip6 keepalived table") == 1);
        CHECK_FALSE(in_ruleset("left"));
        CHECK(has_table("other"));
        REQUIRE(nft("add chain ip keepalived later"));
        host.firewall.configure(config, false, false);  // it looks once
        CHECK(in_ruleset("later"));
        CHECK(host.logged("Deleting old") == 2);

        FirewallHost restarted;
        restarted.firewall.configure(config, false, true);
        CHECK(restarted.runtime.log_.texts.empty());
        CHECK(in_ruleset("later"));
        restarted.guard(*config);
        CHECK_FALSE(in_ruleset("10.0.0.100"));
        restarted.firewall.apply_at_once();
        CHECK(in_ruleset("10.0.0.100"));
        restarted.firewall.apply_at_once();
        restarted.release();
        CHECK_FALSE(in_ruleset("10.0.0.100"));
    });
}

TEST_CASE("a VMAC's reports are dropped, whatever the addresses, and no more when it is gone" *
          mainstay::test::kNeedsRoot) {
    with_nftables([](FirewallHost& host) {
        host.firewall.configure(written(instance()), true, false);
        host.firewall.set_vmacs({{.index = 1, .parent = 1, .family = Family::V4}});
        CHECK(has_table("keepalived"));
        CHECK(in_ruleset("igmp"));
        host.firewall.set_vmacs({});
        CHECK_FALSE(in_ruleset("igmp"));
    });
}

TEST_CASE("vrrp_iptables on a host whose iptables is nftables is a warning, at each change of the settings" *
          mainstay::test::kNeedsRoot) {
    with_nftables([](FirewallHost& host) {
        const std::string warning =
            "vrrp_iptables: the iptables of this host uses nftables, which is used directly instead; "
            "replace vrrp_iptables and vrrp_ipsets by nftables";
        host.firewall.configure(refusing("vrrp_iptables"), false, false);
        if (host.logged(warning) == 0) return;  // a host with the old iptables
        host.firewall.configure(refusing("vrrp_iptables"), false, false);
        CHECK(host.logged(warning) == 1);
        host.firewall.configure(refusing("vrrp_iptables\nrouter_id x"), false, false);
        host.firewall.configure(refusing(), false, false);
        CHECK(host.logged(warning) <= 2);
        CHECK(host.runtime.scripts.empty());
    });
}

TEST_CASE("rules of iptables are written once, a reload writes them all again, and they are taken away at the end" *
          mainstay::test::kNeedsRoot) {
    with_iptables("xtables-legacy-multi", [](FirewallHost& host) {
        const Texts rules{"set keepalived hash:ip inet", "entries add keepalived 10.0.0.100",
                          "rule add iptables OUTPUT -m set --match-set keepalived src -j DROP",
                          "rule add iptables INPUT -m set --match-set keepalived dst -j DROP"};
        const Texts removal{"rule del iptables INPUT -m set --match-set keepalived dst -j DROP",
                            "rule del iptables OUTPUT -m set --match-set keepalived src -j DROP", "unset keepalived"};
        const auto config = refusing("vrrp_iptables");
        host.firewall.configure(config, false, false);
        CHECK(calls(host) == rules);
        host.guard(*config);  // they are there before the address is
        host.release();
        CHECK(calls(host).empty());
        host.firewall.configure(config, false, false);
        CHECK(calls(host) == rules);
        host.firewall.configure(written(instance()), false, false);
        CHECK(calls(host) == removal);
        host.firewall.configure(written(instance()), false, false);
        CHECK(calls(host).empty());
        host.firewall.configure(config, false, false);
        CHECK(calls(host) == rules);
        host.firewall.set_vmacs({{.index = 1, .parent = 1, .family = Family::V4}});
        CHECK(calls(host) ==
              Texts{"set keepalived_igmp hash:net,iface inet", "entries add keepalived_igmp 224.0.0.0/4,lo",
                    "rule add iptables OUTPUT -p igmp -m set --match-set keepalived_igmp dst,dst -j DROP"});
        host.firewall.set_vmacs({});
        CHECK(calls(host) ==
              Texts{"rule del iptables OUTPUT -p igmp -m set --match-set keepalived_igmp dst,dst -j DROP",
                    "unset keepalived_igmp"});
        host.firewall.close(false);
        CHECK(calls(host) == removal);
        CHECK(host.runtime.log_.texts == Texts{"(VI_1) setting firewall drop rule"});
    });
    with_iptables("xtables-legacy-multi", [](FirewallHost& host) {
        host.firewall.configure(refusing("vrrp_iptables"), false, false);
        CHECK(calls(host).size() == 4);
        host.firewall.close(true);  // with -V
        CHECK(calls(host).empty());
    });
}

TEST_CASE("a change of iptables' rules that fails is an error, one that succeeds is none" *
          mainstay::test::kNeedsRoot) {
    with_iptables("xtables-legacy-multi", [](FirewallHost& host) {
        using How = ipc::ScriptResult::How;
        host.firewall.configure(refusing("vrrp_iptables"), false, false);
        REQUIRE(host.runtime.scripts.size() == 4);
        const auto ends = [&host](std::size_t at, How how, std::int32_t status) {
            host.runtime.scripts[at].done({.how = how, .status = status});
        };
        ends(0, How::Exited, 0);
        CHECK(host.runtime.log_.texts.empty());
        ends(1, How::Exited, 1);
        CHECK(host.runtime.log_.texts ==
              Texts{"vrrp_iptables: a change of the rules failed (entries add keepalived 10.0.0.100)"});
        ends(0, How::Signalled, 0);
        CHECK(host.logged("vrrp_iptables: a change of the rules failed (set keepalived hash:ip inet)") == 1);
    });
}

TEST_CASE("without iptables, or with both of them configured, nftables is used" * mainstay::test::kNeedsRoot) {
    with_iptables("xtables-legacy-multi", [](FirewallHost& host) {
        host.firewall.configure(refusing("vrrp_iptables\nnftables"), false, false);
        CHECK(host.logged("both nftables and vrrp_iptables are configured: nftables is used") == 1);
        CHECK(host.runtime.scripts.empty());
    });
    for (const char* program : {"", "xtables-nft-multi"})
        with_iptables(program, [](FirewallHost& host) {
            host.firewall.configure(refusing("vrrp_iptables"), false, false);
            CHECK(host.logged("vrrp_iptables: the iptables of this host uses nftables") == 1);
            CHECK(host.runtime.scripts.empty());
        });
}

TEST_CASE("the table of another daemon stays where this one has another name for its own" *
          mainstay::test::kNeedsRoot) {
    with_nftables([](FirewallHost& host) {
        REQUIRE(nft("add table ip keepalived"));
        const auto config = refusing("nftables second");
        host.firewall.configure(config, false, false);
        host.guard(*config);
        CHECK(has_table("second"));
        host.firewall.configure(written(""), false, false);  // without a firewall again
        CHECK_FALSE(has_table("second"));
        CHECK(has_table("keepalived"));
    });
}
