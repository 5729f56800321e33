// Parts of a virtual server that are made of several places of the file: its group, its tunnels, the sync daemon.
#include <doctest/doctest.h>

#include "../samples.hpp"
#include "mainstay/config/validate/resolved.hpp"

using namespace mainstay;
using namespace mainstay::config;
using namespace mainstay::config::testing;

namespace {

Loaded with_group(const std::string& entries, const std::string& kind = "NAT", const std::string& more = "") {
    return load_sample("virtual_server_group WEB {\n" + entries +
                       "\n}\nvirtual_server group WEB {\nlb_algo rr\nlb_kind " + kind + "\nprotocol TCP\n" + more +
                       "real_server 10.1.1.1 80 {\nweight 1\n}\n}\n");
}

std::vector<std::string> complaints(const Loaded& loaded) {
    std::vector<std::string> found;
    for (const Diagnostic& d : loaded.diagnostics)
        if (d.rank != Rank::None) found.push_back(d.message);
    return found;
}

std::vector<std::string> entries_of(const VirtualServer& service) {
    std::vector<std::string> out;
    for (const GroupEntry& entry : service.membership->entries)
        out.push_back(entry.fwmark != 0
                          ? "mark " + std::to_string(entry.fwmark) + (entry.family == Family::V6 ? " inet6" : " inet")
                          : entry.first.to_string() + "-" + entry.last.to_string() + " " + std::to_string(entry.port));
    return out;
}

Tunnel tunnel_of(const std::string& words) {
    return *load_sample(lvs(4, "lb_kind TUN " + words)).config.virtual_servers.at(0).real_servers.at(0).tunnel;
}

std::optional<SyncDaemon> daemon_of(const std::string& line) {
    return sync_daemon(load_sample("global_defs {\n" + line + "\n}\n" + std::string{kVrrp}).config);
}

}  // namespace

TEST_CASE("a service has the entries of its group, ranges and prefixes from their first address to their last") {
    const Loaded loaded = with_group("10.0.0.1 80\n10.0.0.3-9 81\n10.0.0.10-10.0.1.12\n10.0.2.0/28 443\nfwmark 7");
    CHECK(entries_of(loaded.config.virtual_servers.at(0)) ==
          std::vector<std::string>{"10.0.0.1-10.0.0.1 80", "10.0.0.3-10.0.0.9 81", "10.0.0.10-10.0.1.12 0",
                                   "10.0.2.0-10.0.2.15 443", "mark 7 inet"});
    CHECK(
        entries_of(with_group("2001:db8::/64 80\n2001:db8::1-f\nfwmark 8 inet6", "TUN").config.virtual_servers.at(0)) ==
        std::vector<std::string>{"2001:db8::1-2001:db8::f 0", "mark 8 inet6"});
}

TEST_CASE(
    "services of one group are numbered, and one that an earlier service of its kind has the group of is left out") {
    const std::string server = "lb_algo rr\nlb_kind NAT\nreal_server 10.1.1.1 80 {\nweight 1\n}\n}\n";
    const Loaded loaded = load_sample(
        "virtual_server_group WEB {\n10.0.0.1 80\n}\nvirtual_server group WEB {\nprotocol TCP\n" + server +
        "virtual_server group WEB {\nprotocol UDP\n" + server + "virtual_server group WEB {\nprotocol TCP\n" + server);
    REQUIRE(loaded.config.virtual_servers.size() == 2);
    CHECK(service_name(loaded.config.virtual_servers[0]) == "[WEB]:0");
    CHECK(service_name(loaded.config.virtual_servers[1]) == "[WEB]:1");
}

TEST_CASE("an entry of another family than the servers needs tunnels") {
    const Loaded natted = with_group("10.0.0.1 80\n2001:db8::1 80");
    CHECK(entries_of(natted.config.virtual_servers.at(0)) == std::vector<std::string>{"10.0.0.1-10.0.0.1 80"});
    CHECK(complaints(natted) ==
          std::vector<std::string>{"virtual_server group WEB: 2001:db8::1 is not of the family of the servers"});
    CHECK(entries_of(with_group("10.0.0.1 80\n2001:db8::1 80", "TUN").config.virtual_servers.at(0)).size() == 2);
}

TEST_CASE("a group without a usable entry leaves the service out") {
    const Loaded loaded = with_group("2001:db8::1 80");
    CHECK(loaded.config.virtual_servers.empty());
    CHECK(complaints(loaded).back() == "virtual_server_group WEB has no usable entry");
}

TEST_CASE("a prefix that would fill the kernel is refused, unless nftables makes one service of it") {
    const Loaded loaded = with_group("10.0.0.1 80\n10.0.0.0/15 80");
    CHECK(complaints(loaded) ==
          std::vector<std::string>{"virtual_server_group WEB: 10.0.0.0-10.1.255.255 are more than 65536 addresses"});
    CHECK(entries_of(loaded.config.virtual_servers.at(0)).size() == 1);
    CHECK(entries_of(with_group("10.0.0.0/16 80").config.virtual_servers.at(0)).size() == 1);
}

TEST_CASE("an entry for all ports makes the whole service persistent") {
    const auto service = with_group("10.0.0.1 80\n10.0.0.2").config.virtual_servers.at(0);
    CHECK(service.persistent);
    CHECK(service.persistence_timeout == Seconds{360});
    CHECK_FALSE(with_group("10.0.0.1 80\nfwmark 3").config.virtual_servers.at(0).persistent);
}

TEST_CASE("checks go to the port that is written, also where the table has none or the group's") {
    const std::string server = "{\nlb_algo rr\nlb_kind DR\nreal_server 10.1.1.1 8080 {\nTCP_CHECK {\n}\n}\n}\n";
    const auto marked =
        load_sample("virtual_server fwmark 5 " + server).config.virtual_servers.at(0).real_servers.at(0);
    CHECK(marked.endpoint.port == 0);
    CHECK(marked.checkers.at(0).target.port == 8080);
    const auto grouped = load_sample("virtual_server_group WEB {\n10.0.0.1 80\n}\nvirtual_server group WEB " + server)
                             .config.virtual_servers.at(0)
                             .real_servers.at(0);
    CHECK(grouped.endpoint.port == 8080);
    CHECK(grouped.checkers.at(0).target.port == 8080);
}

TEST_CASE("a tunnel is of a type that its port and checksum fit, else a plain one") {
    using Type = Tunnel::Type;
    using Sum = Tunnel::Checksum;
    CHECK(tunnel_of("") == Tunnel{});
    CHECK(tunnel_of("type ipip nocsum") == Tunnel{});
    CHECK(tunnel_of("type gue port 6080") == Tunnel{Type::Gue, Sum::None, 6080});
    CHECK(tunnel_of("type gue port 6080 remcsum") == Tunnel{Type::Gue, Sum::Remote, 6080});
    CHECK(tunnel_of("type gre csum") == Tunnel{Type::Gre, Sum::Sum, 0});
    for (const char* words : {"type gue", "type gre port 6080", "type ipip csum", "type gre remcsum", "port 6080"}) {
        CAPTURE(words);
        CHECK(tunnel_of(words) == Tunnel{});
        CHECK(complaints(load_sample(lvs(4, std::string{"lb_kind TUN "} + words))).size() == 1);
    }
}

TEST_CASE("a real server's own method brings its own tunnel, else it has that of the service, known then or later") {
    const auto service = load_sample(
                             "virtual_server 10.9.9.9 80 {\nlb_algo rr\nprotocol TCP\nlb_kind TUN type gue port 6080\n"
                             "real_server 10.1.1.1 80 {\nweight 1\n}\nreal_server 10.1.1.2 80 {\nlvs_method TUN\n}\n"
                             "real_server 10.1.1.3 80 {\nlvs_method TUN type gre csum\n}\n"
                             "sorry_server 10.1.1.9 80\nsorry_server_lvs_method TUN type gre\n}\n")
                             .config.virtual_servers.at(0);
    CHECK(*service.real_servers.at(0).tunnel == Tunnel{Tunnel::Type::Gue, Tunnel::Checksum::None, 6080});
    CHECK(*service.real_servers.at(1).tunnel == Tunnel{});
    CHECK(*service.real_servers.at(2).tunnel == Tunnel{Tunnel::Type::Gre, Tunnel::Checksum::Sum, 0});
    CHECK(service.sorry_server.value().tunnel == Tunnel{Tunnel::Type::Gre, Tunnel::Checksum::None, 0});

    const auto late =
        load_sample(
            "virtual_server 10.9.9.9 80 {\nlb_algo rr\nprotocol TCP\nreal_server 10.1.1.1 80 {\nweight 1\n}\n"
            "lb_kind TUN type gre\n}\n")
            .config.virtual_servers.at(0);
    CHECK(late.real_servers.at(0).tunnel->type == Tunnel::Type::Gre);
}

TEST_CASE("the sync daemon has all its words, and the id of its instance when it has none itself") {
    const auto whole = daemon_of("lvs_sync_daemon eth0 inst VI_1 id 7 maxlen 1400 port 9000 ttl 3 group 224.0.0.99");
    REQUIRE(whole);
    CHECK(*whole == SyncDaemon{"eth0", "VI_1", 7, 1400, 9000, 3, IpAddress::parse("224.0.0.99")});
    for (const char* line :
         {"lvs_sync_daemon eth0 inst VI_1 id 7 maxlen 1400 port 9000 ttl 3 group 224.0.0.99",
          "lvs_sync_daemon eth0 id 1 maxlen 1 port 1 ttl 1", "lvs_sync_daemon eth0 VI_1", "lvs_sync_daemon eth0"}) {
        const Config all = load_sample("global_defs {\n" + std::string{line} + "\n}\n" + std::string{kVrrp}).config;
        CHECK(sync_daemon(slice(all, Audience::Lvs)) == sync_daemon(all));  // nothing is lost on the way to the process
    }
    CHECK(daemon_of("lvs_sync_daemon eth0 VI_1")->id == 51);
    CHECK(daemon_of("lvs_sync_daemon eth0 VI_1 9")->id == 9);
    CHECK(*daemon_of("lvs_sync_daemon eth0") == SyncDaemon{.interface = "eth0"});
}

TEST_CASE("a sync daemon that follows an instance which there is not runs nowhere") {
    const Loaded loaded = load_sample("global_defs {\nlvs_sync_daemon eth0 VI_9\n}\n" + std::string{kVrrp});
    CHECK(sync_daemon(loaded.config) == std::nullopt);
    CHECK(complaints(loaded) ==
          std::vector<std::string>{"lvs_sync_daemon follows vrrp_instance VI_9, which does not exist"});
    CHECK(sync_daemon(slice(loaded.config, Audience::Lvs)) == std::nullopt);
}

TEST_CASE("a group that is no multicast group is not used") {
    CHECK(daemon_of("lvs_sync_daemon eth0 VI_1 group 10.0.0.1")->group == std::nullopt);
}

TEST_CASE(
    "the old keyword of an instance means the same, and the lvs process's slice knows what only instances could tell") {
    const Config old = load_sample(vrrp(5, "lvs_sync_daemon_interface eth1\npriority 100")).config;
    const SyncDaemon expected{.interface = "eth1", .instance = "VI_1", .id = 51};
    CHECK(sync_daemon(old) == expected);
    const Config part = slice(old, Audience::Lvs);
    CHECK(part.instances.empty());
    CHECK(sync_daemon(part) == expected);
}
