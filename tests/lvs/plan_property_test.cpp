// Random tables, many seeds: the plan applied step by step to a kernel of our own gives what is wanted, and no
// service that had a server and shall have one is ever without.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <random>

#include "builders.hpp"
#include "mainstay/lvs/plan.hpp"

using namespace mainstay;
using namespace mainstay::lvs;
using namespace mainstay::lvs::test;

namespace {

class Dice {
public:
    explicit Dice(std::uint32_t seed) : engine_{seed} {}
    std::uint32_t below(std::uint32_t limit) { return static_cast<std::uint32_t>(engine_() % limit); }
    bool one_in(std::uint32_t n) { return below(n) == 0; }

private:
    std::mt19937 engine_;
};

ServiceTable random_service(Dice& dice, std::uint32_t number) {
    ServiceTable entry;
    entry.service = tcp_service("10.0.0." + std::to_string(number + 1));
    if (dice.one_in(3)) entry.service.scheduler = "rr";
    if (dice.one_in(4)) {
        entry.service.flags = netlink::kIpvsPersistent;
        entry.service.timeout_s = 50 + dice.below(2);
    }
    for (std::uint32_t i = 1; i <= 5; ++i) {
        if (dice.one_in(2)) continue;
        auto destination = to("10.1.0." + std::to_string(i), static_cast<std::int32_t>(dice.below(3)));
        destination.forwarding = dice.one_in(3) ? 3 : 0;
        entry.destinations.push_back(destination);
    }
    std::shuffle(entry.destinations.begin(), entry.destinations.end(), std::mt19937{dice.below(1000)});
    return entry;
}

Table random_table(Dice& dice) {
    Table table;
    for (std::uint32_t i = 0; i < 4; ++i) {
        if (!dice.one_in(3)) table.push_back(random_service(dice, i));
    }
    return table;
}

using Sorted = std::map<netlink::IpvsServiceKey, ServiceTable>;

Sorted sorted(const Table& table) {
    Sorted out;
    for (auto entry : table) {
        if ((entry.service.flags & netlink::kIpvsPersistent) == 0) entry.service.timeout_s = 0;
        std::ranges::sort(entry.destinations, {}, &netlink::IpvsDestination::endpoint);
        out[entry.service.key] = std::move(entry);
    }
    return out;
}

bool serves(const Table& table, const netlink::IpvsServiceKey& key) {
    const auto at = std::ranges::find(table, key, [](const ServiceTable& entry) { return entry.service.key; });
    return at != table.end() && std::ranges::any_of(at->destinations, [](const auto& d) { return d.weight > 0; });
}

}  // namespace

TEST_CASE("any plan leads to the wanted table and never through a service without its servers") {
    for (std::uint32_t seed = 1; seed <= 3000; ++seed) {
        CAPTURE(seed);
        Dice dice{seed};
        const Table before = random_table(dice);
        const Table desired = random_table(dice);
        std::vector<netlink::IpvsServiceKey> owned;
        for (const auto& entry : before) {
            if (dice.one_in(2)) owned.push_back(entry.service.key);
        }
        Sorted expected = sorted(desired);
        for (const auto& [key, entry] : sorted(before)) {
            if (!expected.contains(key) && std::ranges::find(owned, key) == owned.end()) expected[key] = entry;
        }

        Table kernel = before;
        const auto operations = plan(desired, before, owned);
        for (const auto& operation : operations) {
            REQUIRE(perform(kernel, operation));
            for (const auto& entry : desired) {
                const auto& key = entry.service.key;
                if (serves(before, key) && serves(desired, key)) REQUIRE(serves(kernel, key));
            }
        }

        REQUIRE(sorted(kernel) == expected);
        REQUIRE(plan(desired, kernel, {}).empty());
    }
}
