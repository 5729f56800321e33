// The ledger against a kernel of our own: whatever is asked for, refused, or changed by others, what it plans is what
// plan() says for the kernel as it is.
#include <doctest/doctest.h>

#include <algorithm>
#include <random>

#include "builders.hpp"
#include "mainstay/lvs/ledger.hpp"
#include "mainstay/lvs/plan.hpp"

using namespace mainstay;
using namespace mainstay::lvs;
using namespace mainstay::lvs::test;

namespace {

using Operations = Ledger::Operations;
using Kind = netlink::IpvsOperation::Kind;

ServiceTable entry(std::string_view address, std::vector<netlink::IpvsDestination> destinations) {
    return {tcp_service(address), std::move(destinations)};
}

void want(Ledger& ledger, const Table& table) {
    ledger.begin(table.size());
    for (const auto& one : table) ledger.add(one);
    ledger.end();
}

Operations plan_of(const Ledger& ledger) {
    Operations out;
    for (std::size_t i = 0; i < ledger.size(); ++i) ledger.plan(i, out);
    ledger.plan_left_over(out);
    return out;
}

const ServiceTable* find(const Table& kernel, const Ledger::Key& key) {
    const auto at = std::ranges::find(kernel, key, [](const ServiceTable& one) { return one.service.key; });
    return at == kernel.end() ? nullptr : &*at;
}

}  // namespace

TEST_CASE("what was put in is known to be as wanted, and nothing is planned any more") {
    Ledger ledger;
    want(ledger, {entry("10.0.0.1", {to("10.1.0.1"), to("10.1.0.2")}), entry("10.0.0.2", {to("10.1.0.1")})});
    const auto operations = plan_of(ledger);
    CHECK(operations.size() == 5);
    CHECK_FALSE(ledger.is_known(0));

    ledger.carried_out(operations, {});

    CHECK(ledger.is_as_wanted(0));
    CHECK(ledger.is_as_wanted(1));
    CHECK(plan_of(ledger).empty());
    Operations removal;
    ledger.plan_removal(1, removal);
    REQUIRE(removal.size() == 1);
    CHECK(removal[0].kind == Kind::DeleteService);
    ledger.carried_out(removal, {});
    CHECK_FALSE(ledger.is_known(1));
    CHECK(ledger.is_as_wanted(0));
}

TEST_CASE("what was refused is planned again, alone") {
    Ledger ledger;
    want(ledger, {entry("10.0.0.1", {to("10.1.0.1"), to("10.1.0.2")})});
    const std::vector<std::size_t> failed{2};
    ledger.carried_out(plan_of(ledger), failed);

    CHECK_FALSE(ledger.is_as_wanted(0));
    CHECK(ledger.is_known(0));
    const auto again = plan_of(ledger);
    REQUIRE(again.size() == 1);
    CHECK(again[0].kind == Kind::AddDestination);
    CHECK(again[0].destination == to("10.1.0.2"));
}

TEST_CASE("a server that is wanted twice in a service is the first of them in the kernel") {
    Ledger ledger;
    want(ledger, {entry("10.0.0.1", {to("10.1.0.1", 1), to("10.1.0.1", 2)})});
    ledger.carried_out(plan_of(ledger), {});
    CHECK(ledger.is_as_wanted(0));

    ledger.change(0, entry("10.0.0.1", {to("10.1.0.1", 2)}));

    const auto operations = plan_of(ledger);
    REQUIRE(operations.size() == 1);
    CHECK(operations[0].kind == Kind::SetDestination);
    CHECK(operations[0].destination.weight == 2);
}

TEST_CASE("services that are wanted no more are left over, and come back as they were") {
    Ledger ledger;
    const Table both{entry("10.0.0.1", {to("10.1.0.1")}), entry("10.0.0.2", {to("10.1.0.2")})};
    want(ledger, both);
    ledger.carried_out(plan_of(ledger), {});

    want(ledger, {both[1]});
    CHECK(ledger.is_as_wanted(0));
    const auto operations = plan_of(ledger);
    REQUIRE(operations.size() == 1);
    CHECK(operations[0].kind == Kind::DeleteService);
    CHECK(operations[0].service.key == tcp_key("10.0.0.1"));

    want(ledger, both);  // nothing was carried out
    CHECK(plan_of(ledger).empty());
    CHECK(ledger.left_over().empty());
}

TEST_CASE("the ledger plans what the kernel needs, over random histories") {
    for (std::uint32_t seed = 1; seed <= 2000; ++seed) {
        CAPTURE(seed);
        std::mt19937 engine{seed};
        const auto below = [&engine](std::uint32_t limit) { return static_cast<std::uint32_t>(engine() % limit); };
        const auto random_entry = [&](std::uint32_t number) {
            ServiceTable one = entry("10.0.0." + std::to_string(number + 1), {});
            if (below(4) == 0) one.service.scheduler = "rr";
            for (std::uint32_t i = 0; i < 4; ++i) {
                if (below(3) != 0)
                    one.destinations.push_back(
                        to("10.1.0." + std::to_string(below(4) + 1), static_cast<std::int32_t>(below(3))));
            }
            return one;
        };
        Ledger ledger;
        Table kernel, wanted;
        for (int step = 0; step < 12; ++step) {
            CAPTURE(step);
            switch (below(5)) {
                case 4: {  // one service comes or goes
                    auto one = random_entry(below(5));
                    if (const auto at = ledger.find(one.service.key)) {
                        ledger.remove(one.service.key);
                        wanted.erase(wanted.begin() + static_cast<std::ptrdiff_t>(*at));
                        break;
                    }
                    const std::size_t at = below(static_cast<std::uint32_t>(wanted.size()) + 1);
                    ledger.insert(one, at < wanted.size() ? std::optional{wanted[at].service.key} : std::nullopt);
                    wanted.insert(wanted.begin() + static_cast<std::ptrdiff_t>(at), one);
                    break;
                }
                case 0:  // another list, some of it the same
                    std::erase_if(wanted, [&](const auto&) { return below(4) == 0; });
                    for (std::uint32_t i = 0; i < 5; ++i) {
                        auto one = random_entry(i);
                        if (find(wanted, one.service.key) == nullptr && below(3) == 0)
                            wanted.insert(wanted.begin() + below(static_cast<std::uint32_t>(wanted.size()) + 1), one);
                    }
                    want(ledger, wanted);
                    break;
                case 1:  // one service changes
                    for (std::uint32_t i = 0; i < 5; ++i) {
                        auto one = random_entry(i);
                        const auto at = ledger.find(one.service.key);
                        if (!at || below(2) == 0) continue;
                        ledger.change(*at, one);
                        wanted[*at] = one;
                    }
                    break;
                case 2: {  // others change the kernel, and it is read
                    const auto key = random_entry(below(5)).service.key;
                    if (!ledger.find(key) && !ledger.left_over().contains(key)) break;
                    std::erase_if(kernel, [&](const auto& one) { return one.service.key == key && below(2) == 0; });
                    const auto* there = find(kernel, key);
                    ledger.found(key, there == nullptr ? std::nullopt : std::optional{*there});
                    break;
                }
                default: {  // carried out, but for what is refused
                    const auto operations = plan_of(ledger);
                    std::vector<std::size_t> failed;
                    for (std::size_t i = 0; i < operations.size(); ++i)
                        if (below(5) == 0 || !perform(kernel, operations[i])) failed.push_back(i);
                    ledger.carried_out(operations, failed);
                }
            }
            const std::vector<Ledger::Key> owned{ledger.left_over().begin(), ledger.left_over().end()};
            Table known = kernel;
            for (const auto& operation : plan_of(ledger)) REQUIRE(perform(known, operation));
            REQUIRE(plan(wanted, known, owned).empty());
            REQUIRE(plan_of(ledger).size() == plan(wanted, kernel, owned).size());
            for (std::size_t i = 0; i < wanted.size(); ++i) REQUIRE(ledger.find(wanted[i].service.key) == i);
        }
    }
}

TEST_CASE("what the kernel is found to have is compared with what is wanted, also when that is not there") {
    Ledger ledger;
    want(ledger, {entry("10.0.0.1", {to("10.1.0.1")})});
    ledger.found(tcp_key("10.0.0.1"), entry("10.0.0.1", {to("10.1.0.1")}));
    CHECK(ledger.is_as_wanted(0));
    ledger.found(tcp_key("10.0.0.1"), entry("10.0.0.1", {to("10.1.0.2")}));
    CHECK_FALSE(ledger.is_as_wanted(0));
    CHECK(ledger.is_known(0));
    CHECK(plan_of(ledger).size() == 2);
    ledger.found(tcp_key("10.0.0.1"), std::nullopt);
    CHECK_FALSE(ledger.is_known(0));
    CHECK(plan_of(ledger).size() == 2);
    Operations none;
    ledger.plan_removal(0, none);
    CHECK(none.empty());
}

TEST_CASE("after it has forgotten all, all is planned as if nothing was there") {
    Ledger ledger;
    want(ledger, {entry("10.0.0.1", {to("10.1.0.1")}), entry("10.0.0.2", {})});
    ledger.carried_out(plan_of(ledger), {});
    ledger.change(1, entry("10.0.0.2", {to("10.1.0.2")}));
    ledger.forget();
    CHECK_FALSE(ledger.is_known(0));
    CHECK_FALSE(ledger.is_known(1));
    CHECK(plan_of(ledger).size() == 4);
}

TEST_CASE("only what is not wanted is left over, and what is deleted or forgotten is so no more") {
    Ledger ledger;
    want(ledger, {entry("10.0.0.2", {})});
    const std::vector keys{tcp_key("10.0.0.1"), tcp_key("10.0.0.2"), tcp_key("10.0.0.3"), tcp_key("10.0.0.4")};
    ledger.leave_over(keys);
    CHECK(ledger.left_over() == std::set{keys[0], keys[2], keys[3]});
    CHECK(plan_of(ledger).size() == 1);  // of the others nobody knows that they are there
    ledger.found(keys[0], entry("10.0.0.1", {to("10.1.0.1")}));
    const auto operations = plan_of(ledger);
    REQUIRE(operations.size() == 2);
    CHECK(operations[1].kind == Kind::DeleteService);
    CHECK(operations[1].service == tcp_service("10.0.0.1"));
    ledger.carried_out(operations, {});
    ledger.forget_left_over(keys[2]);
    CHECK(ledger.left_over() == std::set{keys[3]});
    CHECK(plan_of(ledger).empty());
}

TEST_CASE("a new list that is the same begins nothing anew, one that is shorter leaves over what it lacks") {
    const Table all{entry("10.0.0.1", {}), entry("10.0.0.2", {}), entry("10.0.0.3", {})};
    Ledger ledger;
    want(ledger, all);
    ledger.carried_out(plan_of(ledger), {});
    want(ledger, all);
    CHECK(ledger.size() == 3);
    CHECK(plan_of(ledger).empty());
    want(ledger, {all[0]});
    CHECK(ledger.size() == 1);
    CHECK(ledger.is_as_wanted(0));
    CHECK(ledger.left_over() == std::set{tcp_key("10.0.0.2"), tcp_key("10.0.0.3")});
    CHECK(ledger.find(tcp_key("10.0.0.1")) == 0);
    CHECK_FALSE(ledger.find(tcp_key("10.0.0.2")).has_value());
    CHECK_FALSE(ledger.find(tcp_key("10.0.0.0")).has_value());
    want(ledger, {all[0], all[2]});
    CHECK(ledger.is_as_wanted(1));
    CHECK(ledger.left_over() == std::set{tcp_key("10.0.0.2")});
}

TEST_CASE("a change that is taken back leaves nothing to do, and an absent service takes no operation") {
    Ledger ledger;
    want(ledger, {entry("10.0.0.1", {to("10.1.0.1")})});
    ledger.carried_out(plan_of(ledger), {});
    ledger.change(0, entry("10.0.0.1", {to("10.1.0.2")}));
    CHECK_FALSE(ledger.is_as_wanted(0));
    ledger.change(0, entry("10.0.0.1", {to("10.1.0.1")}));
    CHECK(ledger.is_as_wanted(0));

    Table none;
    for (const Kind kind : {Kind::SetService, Kind::DeleteService, Kind::AddDestination})
        CHECK_FALSE(perform(none, {kind, tcp_service("10.0.0.1"), to("10.1.0.1")}));
    CHECK(none.empty());
}
