// active_active: whatever a director has been through, its mh table becomes the one that its configuration demands, and
// what the calculator says of it is what a kernel has.
#include <doctest/doctest.h>

#include <algorithm>
#include <random>

#include "builders.hpp"
#include "mainstay/config/validate/resolved.hpp"
#include "mainstay/lvs/ledger.hpp"
#include "mainstay/lvs/mh_table.hpp"
#include "mainstay/lvs/plan.hpp"

using namespace mainstay;
using namespace mainstay::lvs;
using namespace mainstay::lvs::test;
using Operations = Ledger::Operations;
using Kind = netlink::IpvsOperation::Kind;

namespace {

constexpr std::uint32_t kSlots = 251;

config::VirtualServer agreed(std::vector<config::RealServer> servers) {
    auto service = test::service(std::move(servers));
    service.active_active = true;
    service.scheduler = "mh";
    for (auto& server : service.real_servers) server.forwarding = config::Forwarding::DirectRoute;
    return service;
}

ServiceVerdict all_up(const config::VirtualServer& service) {
    ServiceVerdict verdict;
    for (const auto& server : service.real_servers) verdict.servers.push_back({.weight = server.weight});
    return verdict;
}

ServiceTable wanted(const config::VirtualServer& service, const ServiceVerdict& verdict) {
    return desired(service, keys_of(service), verdict).front();
}

struct Row {
    std::string endpoint;
    std::int32_t weight;
    std::uint32_t last_weight;
    bool operator==(const Row&) const = default;
};
std::vector<Row> rows(const ServiceTable& table) {
    std::vector<Row> all;
    for (const auto& one : table.destinations) all.push_back({one.endpoint.to_string(), one.weight, one.last_weight});
    return all;
}

std::vector<std::string> texts(const Operations& operations) {
    std::vector<std::string> all;
    for (const auto& one : operations) {
        const char* kind = one.kind == Kind::AddDestination      ? "add"
                           : one.kind == Kind::SetDestination    ? "set"
                           : one.kind == Kind::DeleteDestination ? "delete"
                           : one.kind == Kind::AddService        ? "service"
                                                                 : "other";
        all.push_back(kind);
        if (one.kind == Kind::AddService) continue;
        all.back() += " " + one.destination.endpoint.address.to_string();
        if (one.kind != Kind::DeleteDestination) all.back() += " " + std::to_string(one.destination.weight);
    }
    return all;
}

Operations planned(const ServiceTable& want, const ServiceTable* is, Repair repair = Repair::Later) {
    Operations operations;
    plan_service(want, is, operations, repair);
    return operations;
}

void carry_out(ServiceTable& kernel, const Operations& operations) {
    for (const auto& one : operations) CHECK(perform(kernel, one));
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("every configured server is in the table, in the order of endpoints, with its configured share") {
    auto service = agreed({server("10.0.0.13", 5), server("10.0.0.11"), server("10.0.0.12", 2)});
    service.sorry_server = config::SorryServer{.endpoint = at("10.0.0.1", 80)};
    auto verdict = all_up(service);
    verdict.servers[0].alive = false;
    verdict.servers[1].weight = 7;      // by a check
    verdict.servers[2].weight_now = 1;  // by slow start

    CHECK(rows(wanted(service, verdict)) ==
          std::vector<Row>{
              {"10.0.0.1:80", 0, 1}, {"10.0.0.11:80", 1, 1}, {"10.0.0.12:80", 2, 2}, {"10.0.0.13:80", 0, 5}});

    verdict.servers[1].weight = 0;
    verdict.servers[2].place = ServerVerdict::Place::Out;
    CHECK(rows(wanted(service, verdict)) ==
          std::vector<Row>{
              {"10.0.0.1:80", 0, 1}, {"10.0.0.11:80", 0, 1}, {"10.0.0.12:80", 0, 2}, {"10.0.0.13:80", 0, 5}});

    verdict.sorry_in_use = true;
    CHECK(wanted(service, verdict).destinations[0].weight == 1);
    verdict.leaving = {server("10.0.0.99")};
    CHECK(wanted(service, verdict).destinations.size() == 4);
}

TEST_CASE("a sorry server that is a real server has that one's share, in use or not") {
    auto service = agreed({server("10.0.0.11", 3), server("10.0.0.12")});
    service.sorry_server = config::SorryServer{.endpoint = at("10.0.0.11", 80)};
    auto verdict = all_up(service);
    CHECK(rows(wanted(service, verdict)) == std::vector<Row>{{"10.0.0.11:80", 3, 3}, {"10.0.0.12:80", 1, 1}});
    verdict.sorry_in_use = true;
    CHECK(rows(wanted(service, verdict)) == std::vector<Row>{{"10.0.0.11:80", 3, 3}, {"10.0.0.12:80", 0, 1}});
}

TEST_CASE("a server that is down is added with its weight first, so that it has its slots") {
    const auto service = agreed({server("10.0.0.12", 3), server("10.0.0.11")});
    auto verdict = all_up(service);
    verdict.servers[0].alive = false;
    CHECK(texts(planned(wanted(service, verdict), nullptr)) ==
          Texts{"service", "add 10.0.0.11 1", "add 10.0.0.12 3", "set 10.0.0.12 0"});
}

TEST_CASE("a server that is removed keeps its slots, and one that is added stands last, until the repair") {
    const auto before = agreed({server("10.0.0.11"), server("10.0.0.12"), server("10.0.0.14")});
    const auto after = agreed({server("10.0.0.11"), server("10.0.0.13"), server("10.0.0.14")});
    auto kernel = as_put_in(wanted(before, all_up(before)));
    const auto want = wanted(after, all_up(after));

    const auto now = planned(want, &kernel);
    CHECK(texts(now) == Texts{"add 10.0.0.13 1", "set 10.0.0.12 0"});
    carry_out(kernel, now);
    CHECK(rows(kernel) ==
          std::vector<Row>{
              {"10.0.0.13:80", 1, 1}, {"10.0.0.14:80", 1, 1}, {"10.0.0.12:80", 0, 1}, {"10.0.0.11:80", 1, 1}});
    CHECK(planned(want, &kernel).empty());

    const auto repair = planned(want, &kernel, Repair::Now);
    CHECK(texts(repair) ==
          Texts{"delete 10.0.0.13", "delete 10.0.0.14", "delete 10.0.0.12", "add 10.0.0.13 1", "add 10.0.0.14 1"});
    carry_out(kernel, repair);
    CHECK(kernel == as_put_in(want));
    CHECK(planned(want, &kernel, Repair::Now).empty());
}

TEST_CASE("another configured weight gives a server that is down its share at once; no share at all waits") {
    auto service = agreed({server("10.0.0.11"), server("10.0.0.12", 2)});
    auto verdict = all_up(service);
    verdict.servers[1].alive = false;
    auto kernel = as_put_in(wanted(service, verdict));

    service.real_servers[1].weight = 4;
    const auto want = wanted(service, verdict);
    const auto operations = planned(want, &kernel);
    CHECK(texts(operations) == Texts{"set 10.0.0.12 4", "set 10.0.0.12 0"});
    carry_out(kernel, operations);
    CHECK(kernel == as_put_in(want));

    service.real_servers[1].weight = 0;
    const auto none = wanted(service, verdict);
    CHECK(planned(none, &kernel).empty());
    CHECK(texts(planned(none, &kernel, Repair::Now)) == Texts{"delete 10.0.0.12", "add 10.0.0.12 0"});
}

TEST_CASE("the ledger calls a service usable that waits for a repair, and as wanted one that does not") {
    const auto before = agreed({server("10.0.0.11"), server("10.0.0.12")});
    const auto after = agreed({server("10.0.0.12")});
    Ledger ledger;
    ledger.begin(1);
    ledger.add(wanted(before, all_up(before)));
    ledger.end();
    const auto key = ledger.wanted(0).service.key;
    ledger.found(key, as_put_in(ledger.wanted(0)));
    CHECK(ledger.is_as_wanted(0));

    ledger.change(0, wanted(after, all_up(after)));
    CHECK_FALSE(ledger.is_usable(0));
    Operations operations;
    ledger.plan(0, operations);
    ledger.carried_out(operations, {});
    CHECK(ledger.is_usable(0));
    CHECK_FALSE(ledger.is_as_wanted(0));

    // What the kernel does not show is known from before.
    ServiceTable read{ledger.wanted(0).service, {to("10.0.0.12"), to("10.0.0.11", 0)}};
    for (auto& one : read.destinations) one.forwarding = 3;
    ledger.found(key, read);
    CHECK(rows(*ledger.known(0)) == std::vector<Row>{{"10.0.0.12:80", 1, 1}, {"10.0.0.11:80", 0, 1}});

    operations.clear();
    ledger.plan_repair(0, operations);
    CHECK(texts(operations) == Texts{"delete 10.0.0.12", "delete 10.0.0.11", "add 10.0.0.12 1"});
    ledger.carried_out(operations, {});
    CHECK(ledger.is_as_wanted(0));
}

namespace {

// A director with a kernel that behaves as IPVS does. Configurations reach it late, its checks fail as they like.
struct Director {
    config::VirtualServer service;
    ServiceVerdict verdict;
    ServiceTable kernel;
    Ledger ledger;

    void start(const config::VirtualServer& configured) {
        service = configured;
        verdict = all_up(service);
        ledger = {};
        ledger.begin(1);
        ledger.add(wanted(service, verdict));
        ledger.end();
        kernel = {ledger.wanted(0).service, {}};
        Operations operations;
        ledger.plan(0, operations);
        for (const auto& one : operations)
            if (one.kind != Kind::AddService) CHECK(perform(kernel, one));
        ledger.carried_out(operations, {});
    }
    void settle(void (Ledger::*plan)(std::size_t, Operations&) const) {
        ledger.change(0, wanted(service, verdict));
        Operations operations;
        (ledger.*plan)(0, operations);
        for (const auto& one : operations) CHECK(perform(kernel, one));
        ledger.carried_out(operations, {});
    }
    void reload(const config::VirtualServer& configured) {
        service = configured;
        verdict = all_up(service);
        settle(&Ledger::plan);
    }
    void flap(std::size_t server) {
        verdict.servers[server].alive = !verdict.servers[server].alive;
        settle(&Ledger::plan);
    }
    void maintain() { settle(&Ledger::plan_repair); }
    // As after the loss of the socket, or an audit: read from the kernel, which shows no last_weight.
    void read_again() {
        auto shown = kernel;
        for (auto& one : shown.destinations) one.last_weight = 0;
        ledger.found(kernel.service.key, shown);
    }
    [[nodiscard]] std::uint64_t digest() const { return MhDigests{kSlots}.of(kernel); }
};

}  // namespace

TEST_CASE("directors agree after any 10,000 flaps, additions, removals, restarts and maintenances") {
    std::mt19937 random{20261123};
    const auto below = [&random](std::size_t n) {
        return std::uniform_int_distribution<std::size_t>{0, n - 1}(random);
    };
    const auto make = [&below] {
        std::vector<config::RealServer> servers;
        for (int n = 11; n < 31; ++n)
            if (below(3) != 0 || (n == 30 && servers.empty()))
                servers.push_back(server("10.0.0." + std::to_string(n), static_cast<std::uint32_t>(1 + below(3))));
        std::ranges::shuffle(servers, std::mt19937{static_cast<std::uint32_t>(below(1000))});
        return agreed(std::move(servers));
    };
    auto configured = make();
    std::vector<Director> directors(5);
    for (auto& one : directors) one.start(configured);

    std::size_t agreed_meanwhile = 0;
    for (int step = 0; step < 10'000; ++step) {
        auto& one = directors[below(directors.size())];
        switch (below(12)) {
            case 0:
                configured = make();
                break;
            case 1:
                one.reload(configured);
                break;
            case 2:
                one.start(configured);
                break;
            case 3:
                one.maintain();
                CHECK(one.ledger.is_as_wanted(0));
                break;
            case 4:
                one.read_again();
                break;
            default:
                one.flap(below(one.service.real_servers.size()));
        }
        REQUIRE(one.ledger.is_usable(0));
        REQUIRE(rows(*one.ledger.known(0)) == rows(one.kernel));
        for (auto& other : directors) {
            if (!one.ledger.is_as_wanted(0) || !other.ledger.is_as_wanted(0)) continue;
            if (one.service.real_servers != other.service.real_servers) continue;
            REQUIRE(one.digest() == other.digest());
            ++agreed_meanwhile;
        }
    }
    CHECK(agreed_meanwhile > 10'000);
    for (auto& one : directors) {
        one.reload(configured);
        one.maintain();
        CHECK(one.digest() == directors.front().digest());
        CHECK(one.digest() == MhDigests{kSlots}.of(as_put_in(one.ledger.wanted(0))));
    }
}

TEST_CASE("mh knows a server by the sum of address and port") {
    CHECK(config::mh_number(at("10.1.0.1", 8081)) == config::mh_number(at("10.1.0.2", 8080)));
    CHECK(config::mh_number(at("10.1.0.1", 8081)) != config::mh_number(at("10.1.0.1", 8080)));
    CHECK(config::mh_number(at("fd00::1", 80)) == 0xfd000000U + 1 + 80);
}
