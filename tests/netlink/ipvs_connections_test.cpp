#include "mainstay/netlink/ipvs_connections.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace mainstay::netlink {
namespace {

Endpoint at(const std::string& address, std::uint16_t port) { return {*IpAddress::parse(address), port}; }

}  // namespace

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

TEST_CASE("a line that is cut anywhere is left out, or says what the whole one does") {
    const std::string line = "TCP 0A090101 D432 fd00:0050:0000:0000:0000:0000:0000:0001 0050 0A01000B 1F90 SYN_RECV 58";
    const auto whole = ipvs_connections(line);
    REQUIRE(whole.size() == 1);
    for (std::size_t length = 0; length < line.size(); ++length) {
        const auto found = ipvs_connections(std::string_view{line}.substr(0, length));
        CAPTURE(length);
        if (length < line.find(" 1F90") + 2) CHECK(found.empty());
        for (const auto& one : found) CHECK(one.service == whole[0].service);
    }
}

}  // namespace mainstay::netlink
