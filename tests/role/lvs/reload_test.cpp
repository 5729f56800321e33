// Reloads of the lvs role: of everything, and of the services that change alone.
#include <doctest/doctest.h>

#include "bench.hpp"

using namespace mainstay;
using namespace mainstay::role::test;
using namespace mainstay::lvs::test;
using Operation = netlink::IpvsOperation::Kind;

TEST_CASE("a reload writes the difference only, nothing when nothing changed") {
    Bench bench;
    bench.start(with({pair(), service({server("10.0.0.13")}, "10.0.0.2")}));
    bench.kernel.batches.clear();
    const auto dumps = bench.kernel.dumps;

    bench.reload(with({pair(), service({server("10.0.0.13")}, "10.0.0.2")}));
    CHECK(bench.kernel.batches.empty());
    CHECK(bench.kernel.dumps == dumps);

    bench.reload(with({pair(), service({server("10.0.0.13", 7)}, "10.0.0.2")}));
    REQUIRE(bench.operations() == 1);
    CHECK(bench.kernel.batches[0][0].kind == Operation::SetDestination);
    CHECK(bench.kernel.batches[0][0].destination.weight == 7);

    bench.kernel.batches.clear();
    bench.reload(with({pair()}));
    REQUIRE(bench.operations() == 1);
    CHECK(bench.kernel.batches[0][0].kind == Operation::DeleteService);
}

TEST_CASE("a reload that changes one service processes only that one: checks, events and table as usual") {
    Bench bench;
    const auto other = service({server("10.0.0.13")}, "10.0.0.2");
    bench.start(with({pair(), other}));
    bench.kernel.batches.clear();
    auto next = other;
    next.real_servers[0].weight = 7;
    next.real_servers.push_back(server("10.0.0.14"));
    CHECK(bench.role->takes_changes());

    REQUIRE(bench.role->prepare_changes({{1, other, next}}));
    CHECK(bench.kernel.batches.empty());
    bench.role->commit();

    CHECK(bench.operations() == 2);
    CHECK(bench.in_kernel("10.0.0.2")->destinations == std::vector{to("10.0.0.14"), to("10.0.0.13", 7)});
    CHECK(bench.runtime.log_.count("Changing weight from 1 to 7 for active service [10.0.0.13]:tcp:80") == 1);
    bench.kernel.batches.clear();
    bench.reload(with({pair(), next}));
    CHECK(bench.kernel.batches.empty());

    REQUIRE(bench.role->prepare_changes({{1, next, other}}));
    bench.role->abort();
    bench.role->commit();
    CHECK(bench.kernel.batches.empty());
}

TEST_CASE("a reload that adds and removes services processes only those") {
    using Change = config::ServiceChange;
    const auto at = [](const char* address) { return service({server("10.0.0.13")}, address); };
    Bench bench;
    bench.start(with({at("10.0.0.1"), at("10.0.0.2"), at("10.0.0.3")}));
    bench.kernel.batches.clear();
    bench.kernel.table.push_back({tcp_service("10.0.0.9"), {to("10.0.0.66")}});

    REQUIRE(bench.role->prepare_changes({{0, {}, at("10.0.0.9"), Change::Kind::Added},
                                         {1, at("10.0.0.2"), {}, Change::Kind::Removed},
                                         {3, {}, at("10.0.0.8"), Change::Kind::Added}}));
    CHECK(bench.kernel.batches.empty());
    bench.role->commit();

    CHECK(bench.operations() == 5);  // one server is added and one removed of the service that was there already
    CHECK(bench.in_kernel("10.0.0.2") == nullptr);
    CHECK(bench.in_kernel("10.0.0.9")->destinations == std::vector{to("10.0.0.13")});
    CHECK(bench.in_kernel("10.0.0.8")->destinations == std::vector{to("10.0.0.13")});
    CHECK(bench.runtime.log_.count("Removing Virtual Server [10.0.0.2]:tcp:80") == 1);
    bench.kernel.batches.clear();
    bench.reload(with({at("10.0.0.9"), at("10.0.0.1"), at("10.0.0.3"), at("10.0.0.8")}));
    CHECK(bench.kernel.batches.empty());
}

TEST_CASE("a reload that begins or ends all services, or moves very many, wants the whole configuration") {
    using Change = config::ServiceChange;
    const auto at = [](std::uint32_t number) {
        auto one = service({server("10.0.0.13")});
        one.endpoint.address = IpAddress::v4(0x0A000000U + number);
        return one;
    };
    Bench none, one;
    none.start(with({}));
    CHECK_FALSE(none.role->prepare_changes({{0, {}, at(1), Change::Kind::Added}}));
    one.start(with({at(1)}));
    CHECK_FALSE(one.role->prepare_changes({{0, at(1), {}, Change::Kind::Removed}}));
    std::vector<Change> many;
    for (std::uint32_t i = 1; i <= 256; ++i) many.push_back({i, {}, at(1 + i), Change::Kind::Added});
    CHECK(one.role->prepare_changes(many));
    many.push_back({257, {}, at(258), Change::Kind::Added});
    CHECK_FALSE(one.role->prepare_changes(many));
}

TEST_CASE("a change of a service on which more depends wants the whole configuration") {
    Bench bench;
    const auto other = service({server("10.0.0.13")}, "10.0.0.2");
    bench.start(with({pair(), other}));
    auto by_name = other, by_tls = other, by_regex = other, by_digest = other, moved = other;
    by_name.real_servers[0].endpoint.address = {};
    by_name.real_servers[0].more.edit().values.push_back({"real_server_dns", config::WordList{"web.example"}});
    by_tls.real_servers[0].checkers.push_back({.type = config::Checker::Type::Ssl});
    auto& url = by_regex.real_servers[0].checkers.emplace_back().urls.edit().emplace_back();
    url.more.edit().values.push_back({"regex", config::WordList{"up"}});
    by_digest.real_servers[0].checkers.emplace_back().urls.edit().push_back({.digest = std::string(32, '0')});
    moved.endpoint.port = 81;

    CHECK(bench.role->prepare_changes({{1, other, other}}));
    for (const auto& next : {by_name, by_tls, by_regex, by_digest, moved})
        CHECK_FALSE(bench.role->prepare_changes({{1, other, next}}));
    bench.role->commit();  // nothing is prepared
    CHECK(bench.operations() == 5);
}

TEST_CASE("an aborted reload changes nothing") {
    Bench bench;
    bench.start(with({pair()}));
    bench.kernel.batches.clear();

    REQUIRE(bench.role->prepare(with({})));
    bench.role->abort();
    bench.role->commit();

    CHECK(bench.kernel.batches.empty());
    CHECK(bench.in_kernel("10.0.0.1") != nullptr);
}

TEST_CASE("a service that comes by a reload and exists already is adjusted, not refused") {
    Bench bench;
    bench.start(with({pair()}));
    bench.kernel.table.push_back({tcp_service("10.0.0.2"), {to("10.0.0.66")}});

    bench.reload(with({pair(), service({server("10.0.0.13")}, "10.0.0.2")}));

    CHECK(bench.in_kernel("10.0.0.2")->destinations == std::vector{to("10.0.0.13")});
    CHECK(bench.runtime.log().count("refused") == 0);
}

TEST_CASE("a change by another program is repaired right after a reload, not only by the next audit") {
    const auto other = service({server("10.0.0.13")}, "10.0.0.2");
    Bench bench;
    bench.options.audit_every = std::chrono::hours{1};
    bench.start(with({pair(), other}));
    const auto wanted = bench.kernel.table;
    const auto somebody = [&] {
        bench.kernel.table[0].destinations.clear();
        bench.kernel.table[1].service.scheduler = "dh";
    };

    somebody();
    bench.reload(with({pair(), other}));
    CHECK(bench.runtime.until([&] { return bench.kernel.table[1] == wanted[1]; }));
    CHECK(bench.in_kernel("10.0.0.1")->destinations.size() == 2);

    bench.kernel.table = wanted;
    somebody();
    REQUIRE(bench.role->prepare_changes({}));
    bench.role->commit();
    CHECK(bench.runtime.until([&] { return bench.kernel.table[1] == wanted[1]; }));
    CHECK(bench.in_kernel("10.0.0.1")->destinations.size() == 2);

    bench.kernel.table = wanted;
    somebody();
    bench.role->commit_unchanged();  // the same file once more
    CHECK(bench.runtime.until([&] { return bench.kernel.table[1] == wanted[1]; }));
    CHECK(bench.in_kernel("10.0.0.1")->destinations.size() == 2);

    bench.kernel.batches.clear();
    bench.reload(with({pair(), other}));
    CHECK(bench.kernel.batches.empty());
}
