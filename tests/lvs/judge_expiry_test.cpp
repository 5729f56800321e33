// Draining a server of a service with persistence so that its clients go, too.
#include <doctest/doctest.h>

#include "judge_harness.hpp"
#include "mainstay/lvs/judge.hpp"

using namespace mainstay;
using namespace mainstay::lvs;
using namespace mainstay::lvs::test;

namespace {

Said send_expiring(Bench& bench, Verb verb, const std::string& which, bool expire, bool dry_run = false) {
    return send_to(bench,
                   {.verb = verb, .which = which, .dry_run = dry_run, .by = "uid 0", .expire_persistence = expire});
}

config::VirtualServer sticky(std::vector<config::RealServer> servers, const char* address = "10.0.0.1") {
    auto one = service(std::move(servers), address);
    one.persistence_timeout = Seconds{300};
    return one;
}

const std::string kGone = "VS " + kVs +
                          " has persistence_timeout 300: the next connection of each client of the server goes to "
                          "another one; existing connections continue";
const std::string kSetting =
    "net.ipv4.vs.expire_quiescent_template is 1 until these servers are enabled: it ends persistence for each server "
    "with weight 0 of all services of the host";

}  // namespace

TEST_CASE("persistence expires as long as a server is drained so, and the answer says what else that concerns") {
    Bench bench;
    bench.start(sticky({server("10.0.0.11", 3), server("10.0.0.12"), server("10.0.0.13")}));
    send_expiring(bench, Verb::Drain, "10.0.0.13", false);
    CHECK_FALSE(bench.judge.expires_persistence());

    const Said said = send_expiring(bench, Verb::Drain, "10.0.0.11", true);

    CHECK(said.answer.problem.empty());
    CHECK(said.answer.lines ==
          Lines{"[10.0.0.11]:tcp:80 of VS " + kVs +
                    ": drained (persistence expires), UP, weight 0 (was: as configured, UP, weight 3)",
                kGone, kSetting + "; also affected now: [10.0.0.13]:tcp:80 of VS " + kVs});
    CHECK(said.intents.at(0) ==
          "server drain 10.0.0.11 --expire-persistence by uid 0: [10.0.0.11]:tcp:80 of VS " + kVs);
    CHECK(bench.judge.expires_persistence());
    CHECK(send_expiring(bench, Verb::Enable, "10.0.0.11", false).answer.changed == 1);
    CHECK_FALSE(bench.judge.expires_persistence());
}

TEST_CASE("whether persistence expires is what the last word on a drained server says, and its time goes on") {
    auto one = sticky({server("10.0.0.11"), server("10.0.0.12")});
    one.more.edit().values.push_back({"drain_timeout", Micros{60'000'000}});
    Bench bench;
    bench.start(one);
    send_expiring(bench, Verb::Drain, "10.0.0.11", false);
    const auto until = bench.judge.states()[0].servers[0].between->leave->until;
    bench.since_start += Seconds{10};

    CHECK(send_expiring(bench, Verb::Drain, "10.0.0.11", true).answer.changed == 1);
    CHECK(bench.judge.expires_persistence());
    CHECK(send_expiring(bench, Verb::Drain, "10.0.0.11", true).answer.changed == 0);
    CHECK(bench.judge.states()[0].servers[0].between->leave->until == until);
    CHECK(send_expiring(bench, Verb::Drain, "10.0.0.11", false).answer.changed == 1);
    CHECK_FALSE(bench.judge.expires_persistence());
    CHECK(bench.judge.states()[0].servers[0].between->leave->until == until);
}

TEST_CASE("persistence expires of servers that are drained only, and where there is any") {
    Bench bench;
    bench.start(service({server("10.0.0.11"), server("10.0.0.12")}));

    CHECK(send_expiring(bench, Verb::Disable, "10.0.0.11", true).answer.problem ==
          "expiring persistence works with drain only");
    CHECK(bench.judge.overrides().empty());
    CHECK(send_expiring(bench, Verb::Drain, "10.0.0.11", true).answer.lines.back() ==
          "VS " + kVs + " has no persistence_timeout: there is nothing to expire");
    CHECK_FALSE(bench.judge.expires_persistence());
}

TEST_CASE("a dry run shows that the setting would be made, and when it would be put back") {
    Bench bench;
    bench.start(sticky({server("10.0.0.11"), server("10.0.0.12")}));
    const auto tells = [](const Said& said, const std::string& line) {
        return std::ranges::count(said.answer.lines, line) == 1;
    };
    const std::string set = "would set: net.ipv4.vs.expire_quiescent_template = 1";

    CHECK(tells(send_expiring(bench, Verb::Drain, "10.0.0.11", true, true), set));
    CHECK_FALSE(bench.judge.expires_persistence());
    CHECK_FALSE(tells(send_expiring(bench, Verb::Drain, "10.0.0.11", false, true), set));
    send_expiring(bench, Verb::Drain, "10.0.0.11", true);
    CHECK(tells(send_expiring(bench, Verb::Enable, "10.0.0.11", false, true),
                "would restore: net.ipv4.vs.expire_quiescent_template"));
}
