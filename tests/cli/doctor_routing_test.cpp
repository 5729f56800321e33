#include <doctest/doctest.h>

#include "cli/doctor.hpp"

namespace mainstay::cli {
namespace {

// As FRR 8.4.4 answers, shortened.
constexpr auto kNeighbors = R"({
  "10.1.0.254":{"bgpState":"Established","gracefulRestartInfo":{"localGrMode":"Disable*"},"peerBfdInfo":{"status":"Up"}},
  "10.1.0.253":{"bgpState":"Established","gracefulRestartInfo":{"localGrMode":"Helper*"}},
  "10.1.0.252":{"bgpState":"Active","gracefulRestartInfo":{"localGrMode":"Disable"},"peerBfdInfo":{"status":"Down"}},
  "10.1.0.251":{"bgpState":"Established","gracefulRestartInfo":{"localGrMode":"Disable"},"peerBfdInfo":{"status":"Down"}}
})";

using Findings = std::vector<std::string>;

Findings judge(const DoctorFacts& facts) {
    std::vector<Finding> found;
    evaluate_routing(facts, found);
    Findings texts;
    for (auto& one : found) texts.push_back(std::move(one.what));
    return texts;
}

TEST_CASE("what keeps routers from hearing of this director, or lets them hear too late of its end") {
    DoctorFacts facts;
    facts.announced = {"10.50.0.1", "10.50.0.2"};
    facts.has_routing_daemon = true;
    facts.not_advertised = {"10.50.0.2"};
    read_bgp_neighbors(facts, kNeighbors);
    CHECK(judge(facts) ==
          Findings{"BFD with 10.1.0.251 is Down: a director that is gone is noticed after the hold time only",
                   "the BGP session with 10.1.0.252 is in the state Active",
                   "graceful restart is on in the BGP session with 10.1.0.253: it keeps the routes of a director that "
                   "is dead",
                   "BFD with 10.1.0.253 is off: a director that is gone is noticed after the hold time only",
                   "mainstay announces 10.50.0.2, and FRR advertises it to nobody"});

    facts.has_routing_daemon = false;
    CHECK(judge(facts) == Findings{"no routing daemon runs here, and mainstay announces 10.50.0.1"});
    facts.announced.clear();
    CHECK(judge(facts).empty());
}

TEST_CASE("the prefixes that FRR advertises to nobody, and answers that are none") {
    const std::vector<std::string> two{"10.50.0.1", "10.50.0.2"};
    const std::string to = R"({"prefix":"10.50.0.1/32","advertisedTo":{"10.1.0.254":{"hostname":"router"}}})";
    CHECK(not_advertised(two, to + "\n{\n  \"prefix\":\"10.50.0.2/32\"\n}\n") == Findings{"10.50.0.2"});
    CHECK(not_advertised(two, "{\n}\n" + to) == Findings{"10.50.0.1"});
    CHECK(not_advertised(two, to + to).empty());
    CHECK(not_advertised(two, to).empty());
    CHECK(not_advertised(two, "% Unknown command").empty());
    DoctorFacts facts;
    read_bgp_neighbors(facts, "bgpd is not running");
    read_bgp_neighbors(facts, R"({"bgpNoSuchNeighbor":true})");
    CHECK(facts.bgp_neighbors.empty());
}

}  // namespace
}  // namespace mainstay::cli
