// The calculator of the kernel's scheduler `mh`. That it equals a kernel is shown in tests/lab/test_mh.py.
#include "mainstay/lvs/mh_table.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "builders.hpp"

using namespace mainstay;
using namespace mainstay::lvs;

namespace {

std::vector<MhDestination> equal_servers(std::size_t count) {
    std::vector<MhDestination> all;
    for (std::size_t n = 1; n <= count; ++n) all.push_back({lvs::test::at("10.1.0." + std::to_string(n)), 1});
    return all;
}

Endpoint client(std::size_t n) {
    return lvs::test::at("10.9." + std::to_string(n / 250) + "." + std::to_string(n % 250),
                         static_cast<std::uint16_t>(1024 + n));
}

std::vector<std::size_t> counts(const MhTable& table, std::size_t of) {
    std::vector<std::size_t> all(of);
    for (const auto slot : table.slots()) ++all[slot];
    return all;
}

const auto kAll = [](std::size_t) { return true; };

}  // namespace

TEST_CASE("slots go to the servers by their weights") {
    auto two = equal_servers(2);
    CHECK(counts(MhTable{two, 251}, 2) == std::vector<std::size_t>{126, 125});
    two[0].last_weight = 300, two[1].last_weight = 100;
    CHECK(counts(MhTable{two, 251}, 2) == std::vector<std::size_t>{189, 62});
    // 1000 to 1 has 10 bits: halved six times at a table of index 8.
    two[0].last_weight = 1000, two[1].last_weight = 1;
    CHECK(counts(MhTable{two, 251}, 2) == std::vector<std::size_t>{236, 15});
}

TEST_CASE("without a weight, or with a size that no kernel has, there is no slot and no server") {
    auto one = equal_servers(1);
    CHECK(MhTable{one, 250}.slots().empty());
    CHECK_FALSE(MhTable{one, 250}.choose(client(1), {}, kAll));
    one[0].last_weight = 0;
    CHECK(MhTable{one, 251}.slots().empty());
    CHECK(MhTable{{}, 251}.slots().empty());
}

TEST_CASE("a server that was added with weight 0 has no slot beside others") {
    auto three = equal_servers(3);
    three[1].last_weight = 0;
    CHECK(counts(MhTable{three, 4093}, 3) == std::vector<std::size_t>{2047, 0, 2046});
}

TEST_CASE("who takes no new flow is avoided with fallback, and no flow of others moves") {
    const auto ten = equal_servers(10);
    const MhTable table{ten, 4093};
    const auto without = [](std::size_t index) { return index != 3; };
    std::size_t moved = 0, refused = 0;
    for (std::size_t n = 0; n < 2000; ++n) {
        const auto before = *table.choose(client(n), {.fallback = true}, kAll);
        const auto after = table.choose(client(n), {.fallback = true}, without);
        REQUIRE(after);
        CHECK((before == 3 ? *after != 3 : *after == before));
        moved += before == 3 ? 1 : 0;
        refused += table.choose(client(n), {}, without) ? 0 : 1;
    }
    CHECK(moved > 100);
    CHECK(refused == moved);
    CHECK_FALSE(table.choose(client(1), {.fallback = true}, [](std::size_t) { return false; }));
}

TEST_CASE("the port counts where the service says so") {
    const MhTable table{equal_servers(10), 4093};
    std::vector<std::size_t> with, without;
    for (std::uint16_t port = 1; port <= 100; ++port) {
        with.push_back(*table.choose(lvs::test::at("10.9.0.1", port), {.port = true}, kAll));
        without.push_back(*table.choose(lvs::test::at("10.9.0.1", port), {}, kAll));
    }
    CHECK(std::ranges::count(without, without[0]) == 100);
    CHECK(std::ranges::count(with, with[0]) < 40);
}

TEST_CASE("the servers of some flows, as a kernel chooses them") {
    const MhTable table{equal_servers(10), 4093};
    std::vector<std::size_t> chosen;
    for (std::uint16_t port = 1; port <= 6; ++port)
        chosen.push_back(*table.choose(lvs::test::at("10.9.0.1", port), {.fallback = true, .port = true}, kAll));
    CHECK(chosen == std::vector<std::size_t>{2, 3, 0, 9, 9, 2});
    CHECK(table.digest() == 16332196283109957717U);
}

TEST_CASE("a digest distinguishes tables with other servers, another order or another size, and only these") {
    auto ten = equal_servers(10);
    const auto digest = MhTable{ten, 4093}.digest();
    CHECK(MhTable{ten, 4093}.digest() == digest);
    CHECK(MhTable{ten, 8191}.digest() != digest);
    std::ranges::reverse(ten);
    CHECK(MhTable{ten, 4093}.digest() != digest);
    for (auto& one : ten) one.last_weight = 7;
    std::ranges::reverse(ten);
    CHECK(MhTable{ten, 4093}.digest() == digest);
    ten[4].endpoint.port = 81;
    CHECK(MhTable{ten, 4093}.digest() != digest);
}

TEST_CASE("the table size of a kernel by its boot configuration") {
    CHECK(mh_table_size("CONFIG_A=y\nCONFIG_IP_VS_MH_TAB_INDEX=12\n") == 4093);
    CHECK(mh_table_size("#\nCONFIG_IP_VS_MH_TAB_INDEX=17\n") == 131071);
    CHECK(mh_table_size("#\nCONFIG_IP_VS_MH_TAB_INDEX=8\n") == 251);
    for (const auto* wrong : {"", "CONFIG_A=y\n", "\nCONFIG_IP_VS_MH_TAB_INDEX=7\n", "\nCONFIG_IP_VS_MH_TAB_INDEX=18\n",
                              "\nCONFIG_IP_VS_MH_TAB_INDEX=\n"})
        CHECK_FALSE(mh_table_size(wrong));
}
