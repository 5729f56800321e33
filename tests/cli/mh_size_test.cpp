#include "cli/mh_size.hpp"

#include <doctest/doctest.h>

#include <fmt/format.h>

#include <string>

#include "mainstay/config/model.hpp"

namespace mainstay::cli {
namespace {

Endpoint at(const std::string& address, std::uint16_t port) { return {*IpAddress::parse(address), port}; }

IpvsTableEntry service(std::size_t servers) {
    IpvsTableEntry entry;
    entry.service.service.key = {
        .family = Family::V4, .protocol = 6, .address = *IpAddress::parse("10.0.0.1"), .port = 80};
    entry.service.service.flags = config::kHashFallback | config::kHashPort;
    for (std::size_t n = 1; n <= servers; ++n)
        entry.destinations.push_back({.destination = {.endpoint = at(fmt::format("10.1.0.{}", n), 80)}});
    return entry;
}

// As a kernel with tables of this size lets clients go.
std::vector<netlink::IpvsConnection> connections(const IpvsTableEntry& entry, std::uint32_t slots, std::size_t count) {
    const auto destinations = mh_destinations(entry);
    const lvs::MhTable table{destinations, slots};
    std::vector<netlink::IpvsConnection> all;
    for (std::size_t n = 0; n < count; ++n) {
        const Endpoint client =
            at(fmt::format("10.9.{}.{}", n / 200, 1 + n % 200), static_cast<std::uint16_t>(4000 + n));
        const auto chosen = table.choose(client, {.fallback = true, .port = true}, [](std::size_t) { return true; });
        all.push_back({6, client, at("10.0.0.1", 80), destinations[chosen.value()].endpoint});
    }
    return all;
}

}  // namespace

TEST_CASE("the size is the one that explains where connections went") {
    const auto entry = service(12);
    for (const auto slots : {251U, 4093U, 65521U}) {
        const auto inferred = infer_mh_size(entry, connections(entry, slots, 300));
        REQUIRE(inferred);
        CHECK(inferred->slots == slots);
        CHECK(inferred->explained == 300);
        CHECK(inferred->of == 300);
    }
}

TEST_CASE("too few connections, one server, and connections of before prove nothing") {
    const auto entry = service(12);
    CHECK(infer_mh_size(entry, connections(entry, 4093, kConnectionsForSize)));
    CHECK_FALSE(infer_mh_size(entry, connections(entry, 4093, kConnectionsForSize - 1)));
    CHECK_FALSE(infer_mh_size(service(1), connections(service(1), 4093, 300)));
    auto others = connections(entry, 4093, 100);
    for (std::size_t n = 0; n < 11; ++n) others[n].server = at("10.1.0.99", 80);
    CHECK_FALSE(infer_mh_size(entry, others));
    for (auto& one : others) one.protocol = 17;
    CHECK_FALSE(infer_mh_size(entry, others));
}

}  // namespace mainstay::cli
