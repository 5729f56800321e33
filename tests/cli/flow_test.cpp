// The server of a new flow and its reasons. That the calculation is the kernel's: tests/lab/test_mh.py.
#include "cli/flow.hpp"

#include <doctest/doctest.h>

namespace mainstay::cli {
namespace {

constexpr std::uint32_t kSize = 4093;

Endpoint at(std::string_view text) { return *endpoint_from(text); }

std::vector<IpvsTableEntry> service(const char* scheduler, std::uint32_t flags) {
    IpvsTableEntry entry;
    const Endpoint place = at("10.0.0.1:80");
    entry.service.service.key = {.family = Family::V4, .protocol = 6, .address = place.address, .port = place.port};
    entry.service.service.scheduler = scheduler;
    entry.service.service.flags = flags;
    for (int n = 1; n <= 10; ++n)
        entry.destinations.push_back({.destination = {.endpoint = at("10.1.0." + std::to_string(n) + ":80")}});
    return {entry};
}

const Flow kFlow{.client = {*IpAddress::parse("10.9.0.1"), 1}, .service = {*IpAddress::parse("10.0.0.1"), 80}};
constexpr std::uint32_t kBoth = 0x18;

std::string shown(const std::vector<IpvsTableEntry>& table, std::optional<std::uint32_t> size) {
    const auto lines = explain_flow(table, kFlow, {.configured = size});
    REQUIRE(lines);
    std::string text;
    for (const auto& line : *lines) text += line + "\n";
    return text;
}

}  // namespace

TEST_CASE("the server of a flow, its slot and the table's digest") {
    CHECK(shown(service("mh", kBoth), kSize) ==
          "a new flow from 10.9.0.1:1 to 10.0.0.1:80 goes to 10.1.0.3:80\n"
          "the client's address and port choose slot 1933 of 4093 of the mh table, which is 10.1.0.3:80's\n"
          "table of 10 servers, digest e2a79dfce0b96055\n");
}

TEST_CASE("without a word of the boot configuration connections show the size, if there are enough") {
    auto table = service("mh", kBoth);
    const lvs::MhTable kernels{mh_destinations(table[0]), 251};
    TableSize size;
    for (std::uint16_t port = 1; port <= kConnectionsForSize; ++port) {
        const Endpoint client{*IpAddress::parse("10.9.0.1"), port};
        const auto chosen = kernels.choose(client, {.fallback = true, .port = true}, [](std::size_t) { return true; });
        size.connections.push_back({6, client, at("10.0.0.1:80"), table[0].destinations[*chosen].destination.endpoint});
    }
    const auto lines = explain_flow(table, kFlow, size);
    REQUIRE(lines);
    CHECK(lines->back() == "tables of 251 slots: so 20 of 20 of its connections are explained, and by no other size");
    CHECK((*lines)[1].find("of 251 of the mh table") != std::string::npos);
}

TEST_CASE("with weight 0 another server takes the flow, or none without mh-fallback") {
    auto table = service("mh", kBoth);
    table[0].destinations[2].destination.weight = 0;
    CHECK(shown(table, kSize) ==
          "a new flow from 10.9.0.1:1 to 10.0.0.1:80 goes to 10.1.0.9:80\n"
          "the client's address and port choose slot 1933 of 4093 of the mh table, which is 10.1.0.3:80's\n"
          "10.1.0.3:80 takes no new flow: weight 0; mh-fallback tries other slots until a server does\n"
          "table of 10 servers, digest e2a79dfce0b96055\n"
          "assumed: a server with weight 0 had weight 1 before, which the kernel does not tell\n");
    table[0].service.service.flags = 0x10;
    CHECK(
        shown(table, std::nullopt) ==
        "a new flow from 10.9.0.1:1 to 10.0.0.1:80 is refused\n"
        "the client's address and port choose slot 1933 of 4093 of the mh table, which is 10.1.0.3:80's\n"
        "10.1.0.3:80 takes no new flow: weight 0; without mh-fallback no other server is tried\n"
        "table of 10 servers, digest e2a79dfce0b96055\n"
        "assumed: a server with weight 0 had weight 1 before, which the kernel does not tell\n"
        "assumed: tables of 4093 slots, as most kernels have; neither /boot/config-RELEASE nor its connections tell\n");
}

TEST_CASE("where weights differ, what a server with weight 0 had before is a guess, and the answer says so") {
    auto table = service("mh", kBoth);
    table[0].destinations[0].destination.weight = 3;
    CHECK(shown(table, kSize).find("prob") == std::string::npos);
    table[0].destinations[2].destination.weight = 0;
    const auto text = shown(table, kSize);
    CHECK(text.starts_with("a new flow from 10.9.0.1:1 to 10.0.0.1:80 probably goes to 10.1.0."));
    CHECK(text.ends_with(
        "assumed: a server with weight 0 had weight 1 before, which the kernel does not tell; the others differ, so it "
        "may have had another one: if mainstayctl status --json has another digest, this answer is wrong\n"));
}

TEST_CASE("a server that is full takes no new flow, and a persistent service is said to be one") {
    auto table = service("mh", kBoth | netlink::kIpvsPersistent);
    table[0].destinations[2].active = 70;
    table[0].destinations[2].inactive = 30;
    table[0].destinations[2].destination.upper_threshold = 100;
    CHECK(shown(table, kSize) ==
          "a new flow from 10.9.0.1:1 to 10.0.0.1:80 goes to 10.1.0.9:80\n"
          "the client's address and port choose slot 1933 of 4093 of the mh table, which is 10.1.0.3:80's\n"
          "10.1.0.3:80 takes no new flow: 100 connections, uthreshold 100; mh-fallback tries other slots until a "
          "server does\n"
          "table of 10 servers, digest e2a79dfce0b96055\n"
          "the service is persistent: a client that has a template goes where that says\n");
}

TEST_CASE("what cannot be reported") {
    CHECK(explain_flow(service("wrr", 0), kFlow, {.configured = kSize}).error().text() ==
          "10.0.0.1:80 has the scheduler wrr, which decides by what it remembers at that moment; only mh can be "
          "calculated");
    auto flow = kFlow;
    flow.protocol = 17;
    CHECK(explain_flow(service("mh", kBoth), flow, {.configured = kSize}).error().text() ==
          "the kernel has no service 10.0.0.1:80; mainstayctl ipvs shows those that it has");
    flow = kFlow;
    flow.client = *endpoint_from("[fd00::1]:70");
    CHECK(explain_flow(service("mh", kBoth), flow, {.configured = kSize}).error().text() ==
          "[fd00::1]:70 and 10.0.0.1:80 are of different families: no flow can be between them");
    auto nobody = service("mh", kBoth);
    nobody[0].destinations.clear();
    CHECK(shown(nobody, kSize) == "a new flow from 10.9.0.1:1 to 10.0.0.1:80 is refused\nno server has a weight\n");
}

TEST_CASE("an address with its port") {
    CHECK(endpoint_from("10.0.0.1:80") == Endpoint{*IpAddress::parse("10.0.0.1"), 80});
    CHECK(endpoint_from("[fd00::1]:80") == Endpoint{*IpAddress::parse("fd00::1"), 80});
    for (const auto* wrong : {"", ":", "10.0.0.1", "10.0.0.1:", "10.0.0.1:x", "10.0.0.1:80x", "10.0.0.1:65536",
                              "fd00::1:80", "[10.0.0.1]:80", "[fd00::1]", "name:80", "10.0.0.1:-1"})
        CHECK_FALSE(endpoint_from(wrong));
}

}  // namespace mainstay::cli
