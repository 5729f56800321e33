#include "mainstay/report/document.hpp"

#include <doctest/doctest.h>

#include <string>

namespace mainstay::report {
namespace {

const std::string kWaiting = "TCP 0A090101 D431 0A000001 0050 0A00000B 0050 SYN_RECV         40\n",
                  kBegun = "TCP 0A090101 D439 0A000001 0050 0A00000B 0050 SYN_RECV         60\n",
                  kOpen = "TCP 0A090101 D431 0A000001 0050 0A00000B 0050 ESTABLISHED     899\n",
                  kUdp = "UDP 0A090101 D431 0A000001 0050 0A00000B 0050 UDP             299\n";

std::vector<UnansweredServer> of(const std::string& lines) {
    return unanswered_servers(netlink::ipvs_connections(lines));
}

}  // namespace

TEST_CASE("a server answers nobody where most of its connections wait, and three") {
    CHECK(of("").empty());
    CHECK(of(kWaiting + kWaiting + kBegun).empty());
    CHECK(of(kWaiting + kWaiting + kWaiting + kOpen + kOpen + kOpen).empty());
    const Endpoint service{*IpAddress::parse("10.0.0.1"), 80}, server{*IpAddress::parse("10.0.0.11"), 80};
    CHECK(of(kWaiting + kWaiting + kUdp + kUdp + kWaiting + kOpen) ==
          std::vector<UnansweredServer>{{service, server, 3, 4}});
}

TEST_CASE("each pair of a service and a server counts for itself") {
    const std::string other = "TCP 0A090101 D431 0A000002 0050 0A00000B 0050 SYN_RECV         40\n";
    CHECK(of(kWaiting + kWaiting + other).empty());
    CHECK(of(kWaiting + kWaiting + kWaiting + other + other + other).size() == 2);
}

}  // namespace mainstay::report
