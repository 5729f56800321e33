#include "cli/ctl_fleet.hpp"

#include <doctest/doctest.h>

namespace mainstay::cli {
namespace {

nlohmann::json director(const char* digest, const char* state = "announced", const char* reason = "") {
    return {{"version", "1.2"},
            {"lvs",
             {{"services",
               {{{"name", "[10.50.0.1]:tcp:80"},
                 {"scheduler", "mh"},
                 {"mh_table", {{"digest", digest}}},
                 {"servers",
                  {{{"name", "[10.1.0.11]:tcp:80"}, {"alive", true}},
                   {{"name", "[10.1.0.12]:tcp:80"}, {"alive", false}}}}}}},
              {"announced", {{{"address", "10.50.0.1"}, {"state", state}, {"reason", reason}}}}}}};
}

using Lines = std::vector<std::string>;

TEST_CASE("directors that agree are shown, and nothing is said to differ") {
    const auto report = compare_fleet({{"lb1", director("aa"), ""}, {"lb2", director("aa"), ""}});
    CHECK(report.differences.empty());
    CHECK(report.complete);
    CHECK(report.text ==
          "DIRECTOR  VERSION  SERVICES  SERVERS UP  ANNOUNCED  MH TABLES\n"
          "lb1       1.2      1         1 of 2      1          1\n"
          "lb2       1.2      1         1 of 2      1          1\n");
}

TEST_CASE("each difference is a line that says who says what") {
    auto third = director("bb", "withdrawn", "its quorum is lost");
    third["version"] = "1.3";
    third["lvs"]["services"][0]["servers"].erase(1);
    third["lvs"]["services"].push_back({{"name", "FWM 5"}, {"scheduler", "rr"}});
    const auto report = compare_fleet({{"lb1", director("aa"), ""}, {"lb2", director("aa"), ""}, {"lb3", third, ""}});
    CHECK(report.differences ==
          Lines{"version: 1.2 on lb1, lb2; 1.3 on lb3", "virtual server FWM 5: only on lb3",
                "servers of [10.50.0.1]:tcp:80: [10.1.0.11]:tcp:80 on lb3; [10.1.0.11]:tcp:80, [10.1.0.12]:tcp:80 on "
                "lb1, lb2",
                "mh table of [10.50.0.1]:tcp:80: aa on lb1, lb2; bb on lb3",
                "address 10.50.0.1: announced on lb1, lb2; withdrawn (its quorum is lost) on lb3"});
    CHECK(report.text.find(
              "\nThey differ:\n  version: 1.2 on lb1, lb2; 1.3 on lb3\n  virtual server FWM 5: only on lb3\n") !=
          std::string::npos);
}

TEST_CASE("an address of which two directors are MASTER is a difference") {
    const auto router = [](const char* state) {
        auto status = director("aa");
        status["vrrp"]["instances"] = {
            {{"name", "VI_1"}, {"state", state}, {"virtual_router_id", 50}, {"addresses", {"10.0.0.9/24"}}}};
        return status;
    };
    CHECK(compare_fleet({{"lb1", router("MASTER"), ""}, {"lb2", router("BACKUP"), ""}}).differences.empty());
    CHECK(compare_fleet({{"lb1", router("MASTER"), ""}, {"lb2", router("MASTER"), ""}}).differences ==
          Lines{"more than one MASTER of 10.0.0.9/24 (VRID 50): lb1, lb2"});
}

TEST_CASE("a director without an answer is named with the reason, and compared with nobody") {
    const auto report = compare_fleet({{"lb1", director("aa"), ""}, {"lb2", nullptr, "connection refused"}});
    CHECK_FALSE(report.complete);
    CHECK(report.differences.empty());
    CHECK(report.text.find("lb2       -        -         -           -          no answer: connection refused\n") !=
          std::string::npos);
}

}  // namespace
}  // namespace mainstay::cli
