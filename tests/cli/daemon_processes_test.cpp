#include "cli/daemon_processes.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace mainstay;
using Names = std::set<std::string>;

TEST_CASE("the instances that a dump of keepalived calls MASTER, and those that are not in FAULT") {
    const std::string dump =
        "------< VRRP Topology >------\n VRRP Instance = VI_1\n   VRRP Version = 2\n   State = MASTER\n   Wantstate = "
        "MASTER\n"
        " VRRP Instance = VI_2\n   State = BACKUP\n   Wantstate = MASTER\n VRRP Instance = VI_3\n   State = FAULT\n"
        " VRRP Instance = VI 4\n   State = MASTER\n------< VRRP Sync groups >------\n VRRP Sync Group = G, MASTER\n"
        "   State = MASTER\n";

    CHECK(cli::states_in_dump(dump).masters == Names{"VI_1", "VI 4"});
    CHECK(cli::states_in_dump(dump).working == Names{"VI_1", "VI_2", "VI 4"});
    CHECK(cli::states_in_dump("").working == Names{});
    CHECK(cli::states_in_dump("   State = MASTER\n").working == Names{});
    CHECK(cli::states_in_dump(" VRRP Instance = cut").working == Names{});
}
