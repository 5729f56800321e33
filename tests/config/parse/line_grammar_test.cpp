// Lines that are a small grammar of their own: every word is a row, and one reader goes through all of them.
#include <doctest/doctest.h>

#include "../samples.hpp"

using namespace mainstay;
using namespace mainstay::config;
using namespace mainstay::config::testing;

namespace {

Loaded with_block(std::string_view block) { return load_sample(vrrp(14, std::string{block} + "\n}")); }

std::vector<Diagnostic> wrong(const Loaded& loaded) {
    std::vector<Diagnostic> found = loaded.diagnostics;
    std::erase_if(found, [](const Diagnostic& d) { return d.rank == Rank::None; });
    return found;
}

template <class T>
std::optional<T> of_first_route(const Loaded& loaded, std::string_view word) {
    return value_of<T>(loaded.config.instances.at(0).routes.at(0).more->values, KeywordName{word});
}

}  // namespace

TEST_CASE("the words of a route are typed values") {
    const Loaded loaded = with_block(
        "virtual_routes {\n"
        "unicast 10.0.0.0/8 via inet 192.0.2.1 dev eth0 metric 5 mtu lock 1400 table 100 scope link rtt 250ms cwnd 7 "
        "realms 3/4 tos 0x10 congctl lock cubic no_track\n"
        "}");

    REQUIRE(wrong(loaded).empty());
    const VirtualRoute& route = loaded.config.instances.at(0).routes.at(0);
    CHECK(route.destination == "10.0.0.0/8");
    CHECK(route.via == *IpAddress::parse("192.0.2.1"));
    CHECK(route.dev == "eth0");
    CHECK(of_first_route<WordList>(loaded, "type") == WordList{"unicast"});
    CHECK(of_first_route<bool>(loaded, "via inet") == true);
    CHECK(of_first_route<std::int64_t>(loaded, "metric") == 5);
    CHECK(of_first_route<std::int64_t>(loaded, "mtu") == 1400);
    CHECK(of_first_route<bool>(loaded, "mtu lock") == true);
    CHECK(of_first_route<std::int64_t>(loaded, "table") == 100);
    CHECK(of_first_route<std::int64_t>(loaded, "scope") == 253);
    CHECK(of_first_route<WordList>(loaded, "congctl") == WordList{"cubic"});
    CHECK(of_first_route<Micros>(loaded, "rtt") == Micros{250'000});
    CHECK(of_first_route<IntegerList>(loaded, "realms") == IntegerList{3, 4});
    CHECK(of_first_route<std::int64_t>(loaded, "tos") == 16);
    CHECK(of_first_route<bool>(loaded, "no_track") == true);
}

TEST_CASE("the hops of a route are lists of their own, and so is what they are wrapped in") {
    const Loaded loaded = with_block(
        "virtual_routes {\n"
        "default nexthop via 192.0.2.1 weight 5 encap ip id 9 dst 198.51.100.1 nexthop via 192.0.2.2 dev eth1 metric "
        "7\n"
        "}");

    REQUIRE(wrong(loaded).empty());
    const auto& hops = loaded.config.instances.at(0).routes.at(0).more->sections;
    REQUIRE(hops.size() == 2);
    CHECK(value_of<std::int64_t>(hops[0].values, KeywordName{"weight"}) == 5);
    REQUIRE(hops[0].sections.size() == 1);
    CHECK(value_of<std::int64_t>(hops[0].sections[0].values, KeywordName{"id"}) == 9);
    CHECK(value_of<WordList>(hops[1].values, KeywordName{"dev"}) == WordList{"eth1"});
    CHECK(of_first_route<std::int64_t>(loaded, "metric") == 7);
}

TEST_CASE("a slip in a route costs the route, and is reported once") {
    struct Case {
        std::string_view line, message, fix;
    };
    for (const Case& slip : {
             Case{"10.0.0.0/8 dev eth0 metrix 5", "'metrix' is not an option of virtual_routes",
                  "did you mean `metric`?"},
             Case{"10.0.0.0/8 dev eth0 hoplimit 256", "hoplimit must be 0 to 255, got 256", ""},
             Case{"10.0.0.0/8 dev eth0 metric 5x", "metric takes a plain number, got '5x'", "write `metric 5`"},
             Case{"10.0.0.0/8 nexthop via 192.0.2.1 weight 300", "weight must be 1 to 256, got 300", ""},
             Case{"10.0.0.0/8 dev eth0 features foo", "features does not accept 'foo'", ""},
             Case{"10.0.0.x dev eth0", "to needs an IP address, got '10.0.0.x'", ""},
             Case{"dev eth0", "a line of virtual_routes needs a destination", ""},
             Case{"10.0.0.0/8 via 192.0.2.300", "via needs an IP address, got '192.0.2.300'", ""},
         }) {
        CAPTURE(slip.line);
        const Loaded loaded = with_block("virtual_routes {\n" + std::string{slip.line} + "\n}");

        const auto found = wrong(loaded);
        REQUIRE(found.size() == 1);
        CHECK(found[0].message == slip.message);
        CHECK(found[0].fix == slip.fix);
        CHECK(found[0].effect == "the line is ignored");
        CHECK(loaded.exit_code() == 5);
        CHECK(loaded.config.instances.at(0).routes.empty());
    }
}

TEST_CASE("a word of a route that lacks its value stops keepalived, and us") {
    const Loaded loaded = with_block("virtual_routes {\n10.0.0.0/8 dev\n}");

    REQUIRE(wrong(loaded).size() == 1);
    CHECK(wrong(loaded)[0].message == "dev of virtual_routes has no value; keepalived stops here");
    CHECK(loaded.exit_code() == 2);
}

TEST_CASE("the words of a rule are typed values, in the bases of C where keepalived takes them") {
    const Loaded loaded = with_block(
        "virtual_rules {\n"
        "from 10.0.0.0/8 to any preference 0x20 fwmark 0x1/255 uidrange 100-200 ipproto tcp sport 1-99 lookup main\n"
        "}");

    REQUIRE(wrong(loaded).empty());
    const Section* rules = find_section(loaded.config.instances.at(0).more->sections, KeywordName{"virtual_rules"});
    REQUIRE(rules != nullptr);
    REQUIRE(rules->sections.size() == 1);
    const KeywordValues& rule = rules->sections[0].values;
    CHECK(value_of<Prefix>(rule, KeywordName{"from"}) == Prefix::parse("10.0.0.0/8"));
    CHECK(value_of<WordList>(rule, KeywordName{"to"}) == WordList{"any"});
    CHECK(value_of<std::int64_t>(rule, KeywordName{"preference"}) == 32);
    CHECK(value_of<IntegerList>(rule, KeywordName{"fwmark"}) == IntegerList{1, 255});
    CHECK(value_of<IntegerList>(rule, KeywordName{"uidrange"}) == IntegerList{100, 200});
    CHECK(value_of<std::int64_t>(rule, KeywordName{"ipproto"}) == 6);
    CHECK(value_of<std::int64_t>(rule, KeywordName{"lookup"}) == 254);
}

TEST_CASE("a rule without a preference gets the next lower one of its family") {
    const Loaded loaded = with_block(
        "virtual_rules {\n"
        "from 10.0.0.0/8 table 5\nto 10.0.0.0/8 table 5\nfrom 2001:db8::/32 table 5\ninet6 table 5\n"
        "}");
    const Section* rules = find_section(loaded.config.instances.at(0).more->sections, KeywordName{"virtual_rules"});
    REQUIRE(rules != nullptr);
    std::vector<std::int64_t> preferences;
    for (const Section& rule : rules->sections)
        preferences.push_back(value_of<std::int64_t>(rule.values, KeywordName{"preference"}).value_or(0));
    CHECK(preferences == std::vector<std::int64_t>{16384, 16383, 16384, 16383});
}

TEST_CASE("a name that no file knows costs the line, and is named") {
    const Loaded loaded =
        with_block("virtual_routes {\n10.0.0.0/8 dev eth0 table no-such-table\n10.1.0.0/16 dev eth0\n}");
    CHECK(wrong(loaded).at(0).message == "there is no table named 'no-such-table'");
    CHECK(loaded.config.instances.at(0).routes.size() == 1);
}

TEST_CASE("a route has addresses of one family, but for an IPv6 router of an IPv4 route") {
    const auto reported = [](std::string_view line) {
        const auto found = wrong(with_block("virtual_routes {\n" + std::string{line} + "\n}"));
        return found.size() == 1 ? found[0].message : std::to_string(found.size()) + " messages";
    };
    const std::string mixed = "Cannot mix IPv4 and IPv6 addresses for route";
    CHECK(reported("10.0.0.0/8 via 192.0.2.1 src 2001:db8::1") == mixed);
    CHECK(reported("2001:db8::/32 via 192.0.2.1") == mixed);
    CHECK(reported("2001:db8::/32 nexthop via 192.0.2.1") == mixed);
    CHECK(reported("default via 192.0.2.1 from 2001:db8::/32") == mixed);
    CHECK(reported("10.0.0.0/8 via inet6 fe80::1 dev eth0") == "0 messages");
}

TEST_CASE("a rule has one action, and a preference unless keepalived shall choose one") {
    const auto reported = [](std::string_view line) {
        const auto found = wrong(with_block("virtual_rules {\n" + std::string{line} + "\n}"));
        return found.size() == 1 ? found[0].message : std::to_string(found.size()) + " messages";
    };

    CHECK(reported("from 10.0.0.0/8 preference 5") == "a line of virtual_rules needs an action");
    CHECK(reported("from 10.0.0.0/8 preference 5 table 7 goto 9") == "a line of virtual_rules has one action, not 2");
    CHECK(reported("from 10.0.0.0/8 table 7") == "a line of virtual_rules has no preference");
    CHECK(reported("from 10.0.0.0/8 table 7 preference x") == "preference needs a number, got 'x'");
    CHECK(reported("from 10.0.0.0/8 table 7 preference 5 uidrange 7") == "uidrange is 2 numbers joined by -, got '7'");
}

TEST_CASE("an unknown word of a tracker costs the line, a wrong weight and a wrong word of a peer cost the word") {
    const Loaded tracker = with_block("track_interface {\neth1 weight=-20\n}");
    CHECK(wrong(tracker).at(0).fix == "write `weight -20`");
    CHECK(tracker.config.instances.at(0).track_interfaces.empty());
    CHECK(with_block("track_interface {\neth1 weight\n}").config.instances.at(0).track_interfaces.empty());
    CHECK(with_block("track_interface {\neth1 weight 300\n}").config.instances.at(0).track_interfaces.size() == 1);

    const Loaded peer = with_block("unicast_peer {\n192.0.2.9 min_ttl 300 max_ttl 7\n}");
    CHECK(wrong(peer).at(0).message == "min_ttl must be 0 to 255, got 300");
    REQUIRE(peer.config.instances.at(0).unicast_peers.size() == 1);
    CHECK(peer.config.instances.at(0).unicast_peers[0].min_ttl == 0);
    CHECK(peer.config.instances.at(0).unicast_peers[0].max_ttl == 7);
}

TEST_CASE("an address keeps the options that the model has no member for") {
    const Loaded loaded = load_sample(vrrp(12, "        10.9.9.9 dev eth0 peer 10.9.9.1 preferred_lft forever -nodad"));

    REQUIRE(wrong(loaded).empty());
    const VirtualAddress& address = loaded.config.instances.at(0).addresses.at(0);
    CHECK(address.dev == "eth0");
    CHECK(value_of<IpAddress>(address.more->values, KeywordName{"peer"}) == IpAddress::parse("10.9.9.1"));
    CHECK(value_of<WordList>(address.more->values, KeywordName{"preferred_lft"}) == WordList{"forever"});
    CHECK(value_of<bool>(address.more->values, KeywordName{"-nodad"}) == true);

    const Loaded with_length = load_sample(vrrp(12, "        10.9.9.9/24 dev eth0 peer 10.9.9.1"));
    CHECK(wrong(with_length).at(0).message == "10.9.9.9/24 has a peer: its prefix length has no effect");
    CHECK(with_length.config.instances.at(0).addresses.at(0).prefix == *Prefix::parse("10.9.9.9/32"));
}

TEST_CASE("a group of virtual servers holds addresses, ranges, prefixes and marks") {
    const Loaded loaded = load_sample(
        "virtual_server_group WEB {\n10.0.0.1 80\n10.0.0.3-9 80\n10.0.0.10-10.0.0.12\n10.0.1.0/28 443\nfwmark 7 inet6\n"
        "2001:db8::1-f\n}\n" +
        std::string{kLvs});

    REQUIRE(wrong(loaded).empty());
    const Section* group = find_section(loaded.config.more->sections, KeywordName{"virtual_server_group"});
    REQUIRE(group != nullptr);
    CHECK(group->names == WordList{"WEB"});
    REQUIRE(group->sections.size() == 6);
    CHECK(value_of<IpAddress>(group->sections[0].values, KeywordName{"address"}) == IpAddress::parse("10.0.0.1"));
    CHECK(value_of<std::int64_t>(group->sections[0].values, KeywordName{"port"}) == 80);
    CHECK(value_of<WordList>(group->sections[1].values, KeywordName{"address"}) == WordList{"10.0.0.3", "10.0.0.9"});
    CHECK(value_of<WordList>(group->sections[2].values, KeywordName{"address"}) == WordList{"10.0.0.10", "10.0.0.12"});
    CHECK(value_of<Prefix>(group->sections[3].values, KeywordName{"address"}) == Prefix::parse("10.0.1.0/28"));
    CHECK(value_of<std::int64_t>(group->sections[4].values, KeywordName{"fwmark"}) == 7);
    CHECK(value_of<bool>(group->sections[4].values, KeywordName{"fwmark inet6"}) == true);
    CHECK(value_of<WordList>(group->sections[5].values, KeywordName{"address"}) ==
          WordList{"2001:db8::1", "2001:db8::f"});
}

TEST_CASE("bad lines of a group of virtual servers are named") {
    const auto reported = [](std::string_view line) {
        const auto found =
            wrong(load_sample("virtual_server_group WEB {\n" + std::string{line} + "\n}\n" + std::string{kLvs}));
        return found.empty() ? std::string{} : found[0].message;
    };

    CHECK(reported("10.0.0.1-300 80") == "the range 10.0.0.1-300 does not end above its start");
    CHECK(reported("10.0.0.9-3 80") == "the range 10.0.0.9-3 does not end above its start");
    CHECK(reported("10.0.0.1/28 80") == "10.0.0.1/28 is not the first address of its prefix");
    CHECK(reported("10.0.0.x 80") == "'10.0.0.x' is not an address or a range");
    CHECK(reported("10.0.0.1 70000") == "port must be 0 to 65535, got 70000");
    CHECK(reported("fwmark x") == "fwmark needs a number, got 'x'");
}

TEST_CASE("keywords that are a line of their own are kept as typed lines") {
    const Loaded loaded = load_sample(
        "global_defs {\nlvs_sync_daemon eth0 VI_1 id 7 maxlen 1400 group 224.0.0.99\nlvs_timeouts tcp 7200 udp 60\n"
        "vrrp_cpu_affinity 0 2\numask IRUSR|IWUSR\nvrrp_garp_extra_if all 30\n}\n" +
        std::string{kVrrp});

    REQUIRE(wrong(loaded).empty());
    const ExtraSettings& more = *loaded.config.global.more;
    const Section* daemon = find_section(more.sections, KeywordName{"lvs_sync_daemon"});
    REQUIRE(daemon != nullptr);
    CHECK(value_of<WordList>(daemon->values, KeywordName{"interface"}) == WordList{"eth0"});
    CHECK(value_of<WordList>(daemon->values, KeywordName{"instance"}) == WordList{"VI_1"});
    CHECK(value_of<std::int64_t>(daemon->values, KeywordName{"id"}) == 7);
    CHECK(value_of<IpAddress>(daemon->values, KeywordName{"group"}) == IpAddress::parse("224.0.0.99"));
    const Section* timeouts = find_section(more.sections, KeywordName{"lvs_timeouts"});
    REQUIRE(timeouts != nullptr);
    CHECK(value_of<Micros>(timeouts->values, KeywordName{"tcp"}) == Micros{7'200'000'000});
    CHECK(value_of<IntegerList>(more.values, KeywordName{"vrrp_cpu_affinity"}) == IntegerList{0, 2});
    CHECK(value_of<WordList>(more.values, KeywordName{"umask"}) == WordList{"IRUSR|IWUSR"});
    CHECK(value_of<Micros>(more.values, KeywordName{"vrrp_garp_extra_if"}) == Micros{30'000'000});
    CHECK(value_of<bool>(more.values, KeywordName{"vrrp_garp_extra_if all"}) == true);
}

TEST_CASE("use_vmac takes its words in any order") {
    for (const char* line :
         {"use_vmac vrrp.7 02:00:00:00:00:07 group 5", "use_vmac 02:00:00:00:00:07 name vrrp.7 group 5"}) {
        CAPTURE(line);
        const Loaded loaded = with_block(line);

        const Vmac vmac = loaded.config.instances.at(0).vmac;
        CHECK(vmac.enabled);
        CHECK(vmac.name == "vrrp.7");
        CHECK(vmac.mac == "02:00:00:00:00:07");
        CHECK(vmac.group == "5");
    }
}

TEST_CASE("what a tunnel is made of stands beside its method") {
    const Loaded loaded = load_sample(lvs(4, "    lb_kind TUN type gue port 5555 csum"));

    const VirtualServer& service = loaded.config.virtual_servers.at(0);
    CHECK(service.real_servers.at(0).forwarding == Forwarding::Tunnel);
    CHECK(*service.real_servers.at(0).tunnel == Tunnel{Tunnel::Type::Gue, Tunnel::Checksum::Sum, 5555});
    CHECK(wrong(load_sample(lvs(4, "    lb_kind TUN type gue port 99999"))).at(0).message ==
          "port must be 1 to 65535, got 99999");
}

TEST_CASE("a switch that only the checks look at stands in the model, too") {
    const Loaded loaded = with_block("use_vmac\nvmac_xmit_base\nunicast_peer {\n192.0.2.9\n}\ncheck_unicast_src");

    const KeywordValues& values = loaded.config.instances.at(0).more->values;
    CHECK(value_of<bool>(values, KeywordName{"vmac_xmit_base"}) == true);
    CHECK(value_of<bool>(values, KeywordName{"check_unicast_src"}) == true);
}

TEST_CASE("an option of an address at the end of its line, without its value, is named and the line ends there") {
    CHECK(lines_of(load_sample(vrrp(12, "        10.9.9.9/24 peer"))) ==
          std::vector<std::string>{"12:21 error MS0113 peer has no value"});
}
