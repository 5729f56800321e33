// Real servers given by names: who is asked, how often, and what counts while nobody answers.
#include "role/lvs/name_resolver.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <set>

#include "../../lvs/builders.hpp"
#include "../../probe/names.hpp"
#include "fakes.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;
using namespace mainstay::lvs::test;
using namespace std::chrono_literals;
using Texts = std::vector<std::string>;

namespace {

namespace names = probe::test;

// A name server that has an address, or as many as it should, for each name, says that there is none, or is silent.
struct NameServer {
    std::atomic<unsigned> last = 11;  // of 10.0.0.x; 0: there is no such name
    std::atomic<unsigned> many = 1;   // addresses from that one on
    std::atomic<bool> silent = false;
    std::atomic<int> asked = 0;
    names::DatagramServer server{[this](const std::string& query) -> std::vector<std::string> {
        ++asked;
        if (silent) return {};
        if (last == 0) return {names::reply(query, {}, 0x8183)};
        std::vector<std::string> addresses;
        for (unsigned n = 0; n < many; ++n) addresses.push_back(names::address(last + n));
        return {names::reply(query, addresses)};
    }};
};

config::RealServer named(const NameServer& by, Micros interval, const std::string& name = "web.example.org") {
    config::RealServer one;
    one.endpoint.port = 80;
    one.more.edit().values = {
        {"debounce", Micros{1000}},
        {"dns_interval", interval},
        {"dns_resolver", config::WordList{"127.0.0.1", std::to_string(by.server.endpoint().port)}},
        {"real_server_dns", config::WordList{name}}};
    return one;
}

struct ResolverBench {
    boost::asio::io_context loop;
    KeptLog log;
    int changed = 0, answered = 0;
    std::unique_ptr<NameResolver> names =
        std::make_unique<NameResolver>(loop, log, moment, [this] { ++changed; }, [this] { ++answered; });

    bool until(const std::function<bool()>& holds) {
        const auto end = std::chrono::steady_clock::now() + kPatience;
        while (!holds() && std::chrono::steady_clock::now() < end) {
            loop.restart();
            loop.run_one_for(10ms);
        }
        return holds();
    }
    static lvs::Moment moment() { return {std::chrono::steady_clock::now(), WallTime{1}}; }
    Texts servers(const config::Config& config, std::size_t service = 0) const {
        const auto effective =
            lvs::with_known(config, [this](const auto& one, const auto& named) { return names->known(one, named); });
        Texts all;
        for (const auto& one : effective.virtual_servers[service].real_servers) all.push_back(one.endpoint.to_string());
        return all;
    }
};

}  // namespace

TEST_CASE("a name has no servers until it is resolved, and then those of the last answer") {
    NameServer dns;
    ResolverBench bench;
    const auto config = with({service({named(dns, Micros{1000})})});
    CHECK(bench.servers(config).empty());
    bench.names->follow(config);
    CHECK(bench.until([&] { return bench.changed == 1; }));
    CHECK(bench.servers(config) == Texts{"10.0.0.11:80"});
    CHECK(bench.log.texts == Texts{"real_server_dns web.example.org: 1 server, 0 before"});
    dns.last = 12;
    CHECK(bench.until([&] { return bench.changed == 2; }));
    CHECK(bench.servers(config) == Texts{"10.0.0.12:80"});
    const int asked = dns.asked;
    CHECK(bench.until([&] { return dns.asked > asked + 3; }));
    CHECK(bench.changed == 2);   // the same answer changes nothing
    CHECK(bench.answered >= 5);  // though its time is news
}

TEST_CASE("a name that cannot be resolved any more keeps its servers, which is said once, and when it can again") {
    NameServer dns;
    ResolverBench bench;
    const auto config = with({service({named(dns, Micros{1000})})});
    bench.names->follow(config);
    CHECK(bench.until([&] { return bench.changed == 1; }));
    dns.last = 0;
    CHECK(bench.until([&] { return bench.log.count("The known server is kept") == 1; }));
    const int asked = dns.asked, answered = bench.answered;
    CHECK(bench.until([&] { return dns.asked > asked + 3; }));
    CHECK(bench.answered >= answered + 3);
    CHECK(bench.log.count("The known server is kept") == 1);
    CHECK(bench.servers(config) == Texts{"10.0.0.11:80"});
    CHECK(bench.changed == 1);
    dns.last = 11;
    CHECK(bench.until([&] { return bench.log.count("real_server_dns web.example.org: resolved again after ") == 1; }));
    CHECK(bench.changed == 1);
}

TEST_CASE("a name that was never resolved is said to have no servers") {
    NameServer dns;
    dns.last = 0;
    ResolverBench bench;
    bench.names->follow(with({service({named(dns, Micros{1000})})}));
    CHECK(bench.until([&] { return bench.log.count("real_server_dns web.example.org: ") == 1; }));
    CHECK(bench.log.count("It has no servers until a lookup succeeds") == 1);
}

TEST_CASE("servers that an earlier incarnation knew count until the first answer") {
    NameServer dns;
    dns.last = 0;
    ResolverBench bench;
    const auto config = with({service({named(dns, Micros{1000})}), service({server("10.0.0.9")}, "10.0.0.2")});
    lvs::ServiceMemory memory{.identity = lvs::identity_of(config.virtual_servers[0]),
                              .servers = {{.endpoint = at("10.0.0.33", 80)}},
                              .leaving = {}};
    bench.names->recall(config, {memory});
    bench.names->follow(config);
    CHECK(bench.servers(config) == Texts{"10.0.0.33:80"});
    CHECK(bench.until([&] { return bench.log.count("The known server is kept") == 1; }));
    dns.last = 12;
    CHECK(bench.until([&] { return bench.changed == 1; }));
    CHECK(bench.servers(config) == Texts{"10.0.0.12:80"});
}

TEST_CASE("what is remembered is for the next configuration only") {
    NameServer dns;
    dns.last = 0;
    ResolverBench bench;
    const auto config = with({service({named(dns, Micros{30'000'000})})});
    lvs::ServiceMemory memory{.identity = lvs::identity_of(config.virtual_servers[0]),
                              .servers = {{.endpoint = at("10.0.0.33", 80)}},
                              .leaving = {}};
    bench.names->recall(config, {memory});
    bench.names->follow(with({}));
    bench.names->follow(config);
    CHECK(bench.servers(config).empty());
}

TEST_CASE("a reload keeps what is known of a name that stays, and forgets the others") {
    NameServer dns;
    ResolverBench bench;
    const auto both = with({service({named(dns, Micros{30'000'000})}),
                            service({named(dns, Micros{30'000'000}, "other.example.org")}, "10.0.0.2")});
    bench.names->follow(both);
    CHECK(bench.until([&] { return bench.changed == 2; }));
    CHECK(dns.asked == 2);
    const auto one = with({both.virtual_servers[1]});
    bench.names->follow(one);
    CHECK(bench.servers(one) == Texts{"10.0.0.11:80"});
    bench.names->follow(both);
    CHECK(bench.servers(both, 0).empty());
    CHECK(bench.servers(both, 1) == Texts{"10.0.0.11:80"});
    CHECK(bench.until([&] { return bench.changed == 3; }));
    CHECK(dns.asked == 3);  // the name that stayed is not asked for again
}

TEST_CASE("a name that two services have is asked for once, at the shorter interval") {
    NameServer dns;
    ResolverBench bench;
    const auto config =
        with({service({named(dns, Micros{1000})}), service({named(dns, Micros{600'000'000})}, "10.0.0.2")});
    bench.names->follow(config);
    CHECK(bench.until([&] { return bench.changed == 1; }));
    CHECK(bench.servers(config, 1) == Texts{"10.0.0.11:80"});
    CHECK(bench.until([&] { return dns.asked >= 4; }));
}

TEST_CASE("whichever of two services has the shorter interval, and after a reload the one that is left") {
    NameServer dns;
    ResolverBench bench;
    const auto slow = service({named(dns, Micros{600'000'000})}),
               quick = service({named(dns, Micros{1000})}, "10.0.0.2");
    bench.names->follow(with({slow, quick}));
    CHECK(bench.until([&] { return dns.asked >= 4; }));
    const auto sources = [&bench] {
        std::vector<report::DiscoveredStatus> all;
        bench.names->add_status(all);
        REQUIRE(all.size() == 1);
        return all[0].services;
    };
    CHECK(sources() == Texts{"[10.0.0.1]:tcp:80", "[10.0.0.2]:tcp:80"});
    bench.names->follow(with({slow}));
    CHECK(sources() == Texts{"[10.0.0.1]:tcp:80"});
    // One more at most is asked for at the old interval, and then none.
    bench.loop.restart();
    bench.loop.run_for(50ms);
    const int asked = dns.asked;
    bench.loop.restart();
    bench.loop.run_for(50ms);
    CHECK(dns.asked == asked);
}

TEST_CASE("what is saved of a name says which of its records were asked for") {
    NameServer dns;
    ResolverBench bench;
    auto all = service({named(dns, Micros{60'000'000})});
    for (const char* type : {"AAAA", "SRV"}) {
        auto one = named(dns, Micros{60'000'000});
        one.more.edit().values.insert(one.more.edit().values.end() - 1, {"dns_type", config::WordList{type}});
        all.real_servers.push_back(one);
    }
    bench.names->follow(with({all}));
    std::vector<ipc::DiscoveredSource> saved;
    bench.names->add_saved(saved);
    std::set<std::string> identities;
    for (const auto& one : saved) identities.insert(one.source);
    CHECK(identities ==
          std::set<std::string>{"dns\nweb.example.org\n0", "dns\nweb.example.org\n4", "dns\nweb.example.org\n6"});
}

TEST_CASE("an SRV name that a service of each family has is two sources, and each goes on with its own servers") {
    NameServer dns;
    dns.silent = true;
    ResolverBench bench;
    auto srv = named(dns, Micros{60'000'000});
    srv.endpoint.port = 0;
    srv.more.edit().values.insert(srv.more.edit().values.end() - 1, {"dns_type", config::WordList{"SRV"}});
    auto second = service({srv}, "2001:db8::1");
    second.family = Family::V6;
    const auto config = with({service({srv}), second});
    bench.names->follow(config);
    std::vector<report::DiscoveredStatus> shown;
    bench.names->add_status(shown);
    REQUIRE(shown.size() == 2);
    CHECK(shown[0].source == "web.example.org");
    CHECK(shown[1].source == "web.example.org (SRV, IPv6)");
    ipc::DiscoveredSources saved;
    bench.names->add_saved(saved.list);
    REQUIRE(saved.list.size() == 2);
    CHECK(saved.list[0].source == "dns\nweb.example.org\n0");
    CHECK(saved.list[1].source == "dns\nweb.example.org\n0 6");
    saved.list[0].servers = {{ip("10.0.1.11"), 80}};
    saved.list[1].servers = {{ip("fd00::11"), 80}};

    ResolverBench next;
    next.names->recall(config, {}, saved);
    next.names->follow(config);
    CHECK(next.servers(config, 0) == Texts{"10.0.1.11:80"});
    CHECK(next.servers(config, 1) == Texts{"[fd00::11]:80"});
    // A version before told both by the name alone; what the service had is known all the same.
    ResolverBench upgraded;
    saved.list.pop_back();
    const lvs::ServiceMemory memory{
        .identity = lvs::identity_of(second), .servers = {{.endpoint = at("fd00::12", 80)}}, .leaving = {}};
    upgraded.names->recall(config, {memory}, saved);
    upgraded.names->follow(config);
    CHECK(upgraded.servers(config, 0) == Texts{"10.0.1.11:80"});
    CHECK(upgraded.servers(config, 1) == Texts{"[fd00::12]:80"});
}

TEST_CASE("servers beyond the most that are taken are left out, which is logged when their number changes") {
    NameServer dns;
    ResolverBench bench;
    auto one = named(dns, Micros{1000});
    one.more.edit().values.insert(one.more.edit().values.begin() + 3, {"dns_servers_max", std::int64_t{2}});
    const auto config = with({service({one})});
    dns.many = 3;
    bench.names->follow(config);
    const auto left_out = [&](int servers) {
        return bench.log.count("real_server_dns web.example.org: " + std::to_string(servers) +
                               " more servers than dns_servers_max are left out");
    };
    CHECK(bench.until([&] { return left_out(1) == 1; }));
    CHECK(bench.servers(config).size() == 2);
    const int asked = dns.asked;
    CHECK(bench.until([&] { return dns.asked > asked + 3; }));
    CHECK(left_out(1) == 1);
    dns.many = 5;
    CHECK(bench.until([&] { return left_out(3) == 1; }));
    dns.many = 2;
    const int again = dns.asked;
    CHECK(bench.until([&] { return dns.asked > again + 3; }));
    CHECK(bench.log.count("are left out") == 2);
    dns.many = 3;
    CHECK(bench.until([&] { return left_out(1) == 2; }));
}

TEST_CASE("a name that a reload takes away while it is looked up is of no interest any more") {
    NameServer dns;
    dns.silent = true;
    ResolverBench bench;
    const auto config = with({service({named(dns, Micros{60'000'000})})});
    bench.names->follow(config);
    CHECK(bench.until([&] { return dns.asked == 1; }));
    bench.names->follow(with({}));
    dns.silent = false;
    bench.names->follow(config);
    CHECK(bench.until([&] { return bench.changed == 1; }));
    CHECK(dns.asked == 2);
    bench.loop.restart();
    bench.loop.run_for(20ms);
    CHECK(bench.changed == 1);
    CHECK(bench.log.texts == Texts{"real_server_dns web.example.org: 1 server, 0 before"});
}

TEST_CASE("no more than 64 names are asked for at once, and the others when one of these is known") {
    NameServer dns;
    dns.silent = true;
    ResolverBench bench;
    config::VirtualServer all = service({});
    for (int i = 0; i < 65; ++i)
        all.real_servers.push_back(named(dns, Micros{60'000'000}, "n" + std::to_string(i) + ".example.org"));
    bench.names->follow(with({all}));
    CHECK(bench.until([&] { return dns.asked >= 64; }));
    bench.loop.restart();
    bench.loop.run_for(250ms);  // the 65th looks every 100 ms whether it is its turn
    CHECK(dns.asked == 64);
    dns.silent = false;
    const auto last = lvs::named_servers(all).at(64);
    CHECK(bench.until([&] { return !bench.names->known(all, last)->empty(); }));
}

TEST_CASE("a resolver that has stopped, or is gone, asks nobody and reports nothing") {
    NameServer dns;
    {
        ResolverBench bench;
        bench.names->follow(with({service({named(dns, Micros{1000})})}));
        CHECK(bench.until([&] { return bench.changed == 1; }));
        bench.names->stop();
        bench.loop.restart();
        bench.loop.run_for(20ms);
        const int asked = dns.asked;
        bench.loop.restart();
        bench.loop.run_for(20ms);
        CHECK(dns.asked == asked);
        std::vector<report::DiscoveredStatus> sources;
        bench.names->add_status(sources);
        CHECK(sources.empty());
    }
    ResolverBench bench;
    dns.silent = true;
    dns.asked = 0;
    bench.names->follow(with({service({named(dns, Micros{1000})})}));
    CHECK(bench.until([&] { return dns.asked == 1; }));
    bench.names.reset();
    bench.loop.restart();
    bench.loop.run_for(50ms);
    CHECK(bench.changed == 0);
    CHECK(bench.log.texts.empty());
}
