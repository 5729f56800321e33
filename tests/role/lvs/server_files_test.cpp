// Real servers that files list: what the watcher reports of them, before and after a configuration names them.
#include "role/lvs/server_files.hpp"

#include <doctest/doctest.h>

#include "../../lvs/builders.hpp"
#include "fakes.hpp"
#include "mainstay/ipc/shared.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;
using namespace mainstay::lvs::test;
using namespace std::chrono_literals;
using Texts = std::vector<std::string>;

namespace {

config::RealServer listed_in(const std::string& path, Micros debounce = Micros{1000}) {
    config::RealServer one;
    one.more.edit().values = {{"debounce", debounce}, {"real_server_file", config::WordList{path}}};
    return one;
}

lvs::KnownServers at_addresses(std::initializer_list<const char*> addresses) {
    lvs::KnownServers list;
    for (const char* one : addresses) list.push_back({*IpAddress::parse(one), 80, std::nullopt});
    return list;
}

struct ServerFilesBench {
    boost::asio::io_context loop;
    KeptLog log;
    int changed = 0;
    ServerFiles files{loop, log, [] { return lvs::Moment{std::chrono::steady_clock::now(), WallTime{1}}; },
                      [this] { ++changed; }};

    void read(const std::string& source, lvs::KnownServers list) {
        auto sealed = ipc::encode_sealed("servers", ipc::ServerList{std::move(list)});
        REQUIRE(sealed);
        files.on_file_read({source + "\nipv4", {}}, std::move(*sealed));
    }
    bool until(const std::function<bool()>& holds) {
        const auto end = std::chrono::steady_clock::now() + kPatience;
        while (!holds() && std::chrono::steady_clock::now() < end) {
            loop.restart();
            loop.run_one_for(10ms);
        }
        return holds();
    }
    Texts of(const config::Config& config, std::size_t service = 0) const {
        const auto effective =
            lvs::with_known(config, [this](const auto&, const auto& named) { return files.known(named); });
        Texts all;
        for (const auto& one : effective.virtual_servers[service].real_servers) all.push_back(one.endpoint.to_string());
        return all;
    }
};

}  // namespace

TEST_CASE("what is reported before the configuration counts with it, and later answers after the debounce") {
    ServerFilesBench bench;
    const auto config = with({service({listed_in("/x")})});
    bench.read("/x", at_addresses({"10.0.0.11"}));
    bench.files.follow(config);
    CHECK(bench.changed == 0);
    CHECK(bench.of(config) == Texts{"10.0.0.11:80"});
    bench.read("/x", at_addresses({"10.0.0.11", "10.0.0.12"}));
    CHECK(bench.of(config) == Texts{"10.0.0.11:80"});
    CHECK(bench.until([&] { return bench.changed == 1; }));
    CHECK(bench.of(config) == Texts{"10.0.0.11:80", "10.0.0.12:80"});
    CHECK(bench.log.texts ==
          Texts{"real_server_file /x: 1 server, 0 before", "real_server_file /x: 2 servers, 1 before"});
}

TEST_CASE("a problem is logged once, keeps the servers, and is in the status until the next answer") {
    ServerFilesBench bench;
    const auto config = with({service({listed_in("/x")})});
    bench.files.follow(config);
    bench.files.on_file_read({"/x\nipv4", "read /x: no"}, {});
    bench.read("/x", at_addresses({"10.0.0.11"}));
    bench.files.on_file_read({"/x\nipv4", "it is empty"}, {});
    bench.files.on_file_read({"/x\nipv4", "it ends early"}, {});
    bench.files.on_file_read({"/x\nipv4", "it ends early"}, {});
    CHECK(bench.log.texts == Texts{"real_server_file /x: read /x: no. It has no servers until reading it succeeds",
                                   "real_server_file /x: read again after 1 failure",
                                   "real_server_file /x: 1 server, 0 before",
                                   "real_server_file /x: it is empty. The known server is kept",
                                   "real_server_file /x: it ends early. The known server is kept"});
    CHECK(bench.of(config) == Texts{"10.0.0.11:80"});
    std::vector<report::DiscoveredStatus> list;
    bench.files.add_status(list);
    REQUIRE(list.size() == 1);
    CHECK(list[0].problem == "it ends early");
    CHECK(list[0].services == Texts{"[10.0.0.1]:tcp:80"});
    CHECK(list[0].servers == 1);
    CHECK(list[0].errors == 4);
    bench.read("/x", at_addresses({"10.0.0.11"}));
    list.clear();
    bench.files.add_status(list);
    CHECK(list[0].problem.empty());
}

TEST_CASE("servers that no file can list, and bytes that are none, are a problem") {
    ServerFilesBench bench;
    const auto config = with({service({listed_in("/x")})});
    bench.files.follow(config);
    bench.read("/x", at_addresses({"10.0.0.11"}));
    auto bad = at_addresses({"10.0.0.12"});
    bad[0].weight = 65'536;
    bench.read("/x", bad);
    bench.read("/x", {{IpAddress{}, 80, std::nullopt}});
    bench.read("/x", lvs::KnownServers(10'001, at_addresses({"10.0.0.12"})[0]));
    bench.files.on_file_read({"/x\nipv4", {}}, UniqueFd{});
    auto open = ipc::make_memfd("open", 100);
    bench.files.on_file_read({"/x\nipv4", {}}, std::move(*open));
    std::vector<report::DiscoveredStatus> list;
    bench.files.add_status(list);
    CHECK(list[0].errors == 5);
    CHECK(bench.of(config) == Texts{"10.0.0.11:80"});
}

TEST_CASE("a list may have ten thousand servers, and the largest weight") {
    ServerFilesBench bench;
    const auto config = with({service({listed_in("/x")})});
    bench.files.follow(config);
    lvs::KnownServers many;
    for (std::uint32_t n = 1; n <= 10'000; ++n) many.push_back({IpAddress::v4(0x0a010000U + n), 80, 65'535U});
    bench.read("/x", many);
    CHECK(bench.of(config).size() == 10'000);
    std::vector<report::DiscoveredStatus> list;
    bench.files.add_status(list);
    CHECK(list[0].errors == 0);
}

TEST_CASE("what was saved counts until the first answer, with its weights") {
    ServerFilesBench bench;
    const auto config = with({service({listed_in("/x")})});
    auto saved = at_addresses({"10.0.0.11", "10.0.0.12", "10.0.0.13"});
    saved[0].weight = 9;
    bench.files.recall(config, {}, {.list = {{"file\n/x\nipv4", saved, WallTime{5}}}});
    bench.files.follow(config);
    CHECK(bench.of(config) == Texts{"10.0.0.11:80", "10.0.0.12:80", "10.0.0.13:80"});
    std::vector<ipc::DiscoveredSource> kept;
    bench.files.add_saved(kept);
    REQUIRE(kept.size() == 1);
    CHECK(kept[0].source == "file\n/x\nipv4");
    CHECK(kept[0].servers == saved);
    CHECK(kept[0].last_good == WallTime{5});
    bench.read("/x", at_addresses({"10.0.0.11"}));
    CHECK(bench.log.count("an answer of 1 server is held for 600 s: it removes 2 of 3 servers") == 1);
    CHECK(bench.of(config).size() == 3);
}

TEST_CASE("what was saved of a file counts once: not for one that goes and comes again") {
    ServerFilesBench bench;
    const auto config = with({service({listed_in("/x")})});
    bench.files.recall(config, {}, {.list = {{"file\n/x\nipv4", at_addresses({"10.0.0.11"}), WallTime{5}}}});
    bench.files.follow(config);
    CHECK(bench.of(config) == Texts{"10.0.0.11:80"});
    bench.files.follow(with({}));
    bench.files.follow(config);
    CHECK(bench.of(config).empty());
    bench.read("/x", at_addresses({"10.0.0.12"}));
    CHECK(bench.of(config) == Texts{"10.0.0.12:80"});
}

TEST_CASE("what was saved of a file goes before the servers of a crashed process, which count where nothing was") {
    ServerFilesBench bench;
    const auto config = with({service({listed_in("/x")})});
    auto saved = at_addresses({"10.0.0.11", "10.0.0.12"});
    saved[0].weight = 9;
    const lvs::ServiceMemory memory{.identity = lvs::identity_of(config.virtual_servers[0]),
                                    .servers = {{.endpoint = at("10.0.0.11", 80)}, {.endpoint = at("10.0.0.13", 80)}},
                                    .leaving = {}};
    bench.files.recall(config, {memory}, {.list = {{"file\n/x\nipv4", saved, WallTime{5}}}});
    bench.files.follow(config);
    std::vector<ipc::DiscoveredSource> kept;
    bench.files.add_saved(kept);
    CHECK(kept.at(0).servers == saved);
    CHECK(kept.at(0).last_good == WallTime{5});

    ServerFilesBench other;
    other.files.recall(config, {memory}, {});
    other.files.follow(config);
    CHECK(other.of(config) == Texts{"10.0.0.11:80", "10.0.0.13:80"});
}

TEST_CASE("a file that two services have begins for both with what was saved of it") {
    ServerFilesBench bench;
    const auto config =
        with({service({listed_in("/x")}), service({listed_in("/x"), server("10.0.0.12"), server("10.0.0.13")})});
    const auto saved = at_addresses({"10.0.0.11", "10.0.0.12", "10.0.0.13"});
    // The second service has two of them by itself, so that a crash tells of one only.
    const lvs::ServiceMemory second{.identity = lvs::identity_of(config.virtual_servers[1]),
                                    .servers = {{.endpoint = at("10.0.0.11", 80)},
                                                {.endpoint = at("10.0.0.12", 80)},
                                                {.endpoint = at("10.0.0.13", 80)}},
                                    .leaving = {}};
    bench.files.recall(config, {second}, {.list = {{"file\n/x\nipv4", saved, WallTime{5}}}});
    bench.files.follow(config);
    CHECK(bench.of(config) == Texts{"10.0.0.11:80", "10.0.0.12:80", "10.0.0.13:80"});
}

TEST_CASE("a reload keeps what is known of a file that stays, and forgets the others") {
    ServerFilesBench bench;
    const auto both = with({service({listed_in("/x")}), service({listed_in("/y")}, "10.0.0.2")});
    bench.files.follow(both);
    bench.read("/x", at_addresses({"10.0.0.11"}));
    bench.read("/y", at_addresses({"10.0.0.12"}));
    CHECK(bench.changed == 2);
    bench.files.follow(with({both.virtual_servers[1]}));
    bench.files.follow(both);
    CHECK(bench.of(both, 0).empty());
    CHECK(bench.of(both, 1) == Texts{"10.0.0.12:80"});
}

TEST_CASE("the rules of a file that two services have are the strictest of both") {
    ServerFilesBench bench;
    auto loose = listed_in("/x"), strict = listed_in("/x");
    loose.more.edit().values.push_back({"max_removal", std::int64_t{100}});
    strict.more.edit().values.push_back({"max_removal", std::int64_t{10}});
    const auto config = with({service({loose}), service({strict}, "10.0.0.2")});
    bench.files.follow(config);
    bench.read("/x", at_addresses({"10.0.0.11", "10.0.0.12", "10.0.0.13"}));
    bench.read("/x", at_addresses({"10.0.0.11"}));
    CHECK(bench.log.count("it removes 2 of 3 servers, more than max_removal (10 %)") == 1);
    bench.files.follow(with({config.virtual_servers[0]}));
    CHECK(bench.until([&] { return bench.changed == 2; }));
    CHECK(bench.of(config, 0) == Texts{"10.0.0.11:80"});
}
