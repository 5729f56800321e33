#include "cli/mh_size.hpp"

#include <doctest/doctest.h>

#include <fmt/format.h>

#include <string>

namespace mainstay::cli {
namespace {

Endpoint at(const std::string& address, std::uint16_t port) { return {*IpAddress::parse(address), port}; }

IpvsTableEntry service(std::size_t servers) {
    IpvsTableEntry entry;
    entry.service.service.key = {
        .family = Family::V4, .protocol = 6, .address = *IpAddress::parse("10.0.0.1"), .port = 80};
    entry.service.service.flags = kScheduler1 | kScheduler2;
    for (std::size_t n = 1; n <= servers; ++n)
        entry.destinations.push_back({.destination = {.endpoint = at(fmt::format("10.1.0.{}", n), 80)}});
    return entry;
}

// As a kernel with tables of this size lets clients go.
std::vector<IpvsConnection> connections(const IpvsTableEntry& entry, std::uint32_t slots, std::size_t count) {
    const auto destinations = mh_destinations(entry);
    const lvs::MhTable table{destinations, slots};
    std::vector<IpvsConnection> all;
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

TEST_CASE("the kernel's lines of connections") {
    CHECK(ipvs_connections(
              "Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData\n"
              "TCP 0A090101 D431 0A320001 0050 0A01000B 1F90 ESTABLISHED     899\n"
              "UDP fd00:0009:0000:0000:0000:0000:0000:0001 0035 fd00:0050:0000:0000:0000:0000:0000:0001 0035 "
              "fd00:0001:0000:0000:0000:0000:0000:0011 0035 UDP             299\n"
              "TCP 0A090101 D432 0A320001 0050 0A01000B 1F90 SYN_RECV         58\n"
              "TCP 0A090101 D433 0A320001 0050 0A01000B 1F90 SYN_RECV         59\n"
              "TCP 0A090101 D431\n"
              "IP  00000000 0000 00000000 0000 00000000 0000 NONE            1") ==
          std::vector<IpvsConnection>{{6, at("10.9.1.1", 54321), at("10.50.0.1", 80), at("10.1.0.11", 8080)},
                                      {17, at("fd00:9::1", 53), at("fd00:50::1", 53), at("fd00:1::11", 53)},
                                      {6, at("10.9.1.1", 54322), at("10.50.0.1", 80), at("10.1.0.11", 8080), true},
                                      {6, at("10.9.1.1", 54323), at("10.50.0.1", 80), at("10.1.0.11", 8080)}});
}

}  // namespace mainstay::cli
