// An operator's commands: their bounds, what they answer, and what a server is after them.
#include <doctest/doctest.h>

#include <algorithm>

#include "judge_harness.hpp"
#include "mainstay/base/text.hpp"

using namespace mainstay;
using namespace mainstay::lvs;
using namespace mainstay::lvs::test;

namespace {

config::VirtualServer service_of_servers(int count) {
    std::vector<config::RealServer> all;
    for (int i = 1; i <= count; ++i) all.push_back(server("10.0.0." + std::to_string(10 + i)));
    return service(std::move(all));
}

const ServerState& state(const Bench& bench, std::size_t server = 0) { return bench.judge.states()[0].servers[server]; }

}  // namespace

TEST_CASE("an operator's weight is what the kernel takes, and no other verb looks at it") {
    Bench bench;
    bench.start(service_of_servers(2));
    const auto problem = [&](std::int64_t weight, Verb verb = Verb::Weight) {
        return send_to(bench, verb, "10.0.0.11", weight).answer.problem;
    };
    CHECK(problem(-1) == "the weight must be 0 to 2147483647");
    CHECK(problem(2147483648) == "the weight must be 0 to 2147483647");
    CHECK_FALSE(bench.judge.override_of(0, 0).has_value());
    CHECK(problem(0).empty());
    CHECK(state(bench).weight == 0);
    CHECK(problem(2147483647).empty());
    CHECK(state(bench).weight == 2147483647);
    CHECK(problem(-1, Verb::Drain).empty());
}

TEST_CASE("what is so already is only reported, another weight is a change") {
    Bench bench;
    bench.start(service_of_servers(1));
    const std::string lost = "has lost its quorum: ";
    const auto changed = [&](Verb verb, std::int64_t weight = 0) {
        const auto said = send_to(bench, verb, "*", weight);
        CHECK(said.answer.matched == 1);
        CHECK(std::ranges::count_if(said.answer.lines,
                                    [&](const std::string& line) { return !line.starts_with(lost); }) == 1);
        CHECK((said.answer.changed == 0) == said.intents.empty());
        return said.answer.changed;
    };
    CHECK(changed(Verb::Show) == 0);
    CHECK(changed(Verb::Enable) == 0);
    CHECK(changed(Verb::Weight, 5) == 1);
    CHECK(changed(Verb::Weight, 5) == 0);
    CHECK(send_to(bench, Verb::Show, "*").answer.lines == Lines{kRs + " of VS " + kVs + ": weight 5, UP, weight 5"});
    CHECK(changed(Verb::Weight, 6) == 1);
    CHECK(changed(Verb::Drain) == 1);
    CHECK(changed(Verb::Drain) == 0);
    CHECK(changed(Verb::Disable) == 1);
    CHECK(changed(Verb::Disable) == 0);
    CHECK(changed(Verb::Enable) == 1);
    CHECK(bench.judge.overrides().empty());
}

TEST_CASE("ten servers are named in the audit line, of more their number") {
    const auto line = [](int count, Verb verb, std::int64_t weight = 0) {
        Bench bench;
        bench.start(service_of_servers(count));
        return send_to(bench, verb, "*", weight).intents.at(0);
    };
    std::string ten = "server drain * by me:";
    for (int i = 1; i <= 10; ++i) ten += fmt::format(" [10.0.0.{}]:tcp:80 of VS {},", 10 + i, kVs);
    ten.pop_back();
    CHECK(line(10, Verb::Drain) == ten);
    CHECK(line(12, Verb::Drain) == ten + " and 2 more");
    CHECK(line(1, Verb::Weight, 3) == "server weight * 3 by me: " + kRs + " of VS " + kVs);
}

TEST_CASE("eight servers are named where none is meant, of more their number") {
    const auto problem = [](config::VirtualServer web, const char* which) {
        Bench bench;
        bench.start(std::move(web));
        const auto said = send_to(bench, Verb::Show, which);
        CHECK(said.answer.matched == 0);
        return said.answer.problem;
    };
    std::string eight = "no server matches 10.9.9.9; known servers:";
    for (int i = 1; i <= 8; ++i) eight += fmt::format("\n  {}/[10.0.0.{}]:tcp:80", kVs, 10 + i);
    CHECK(problem(service_of_servers(8), "10.9.9.9") == eight);
    CHECK(problem(service_of_servers(10), "10.9.9.9") == eight + "\n  and 2 more");
    CHECK(problem(service_of_servers(0), "10.9.9.9") == "no server matches 10.9.9.9; no server is configured");
    CHECK(problem(service_of_servers(0), "web/x") == "no server matches web/x; no server is configured");
    CHECK(problem(service_of_servers(1), "10.9.9.9/10.0.0.11")
              .starts_with("no server matches 10.9.9.9/10.0.0.11; known servers:"));
}

TEST_CASE("65536 servers are held at most, and one that is held can be held otherwise") {
    Overrides many;
    for (std::uint32_t i = 0; i < 65'535; ++i)
        many[{"gone", {IpAddress::v4(i + 1), 80}}] = {Hold::Drained, 0, {}, "me"};
    config::Config config;
    config.virtual_servers = {service_of_servers(2)};
    Bench bench;
    static_cast<void>(bench.judge.start(config, {}, bench.now(), many));
    CHECK(send_to(bench, Verb::Drain, "10.0.0.11").answer.changed == 1);
    const auto refused = send_to(bench, Verb::Drain, "*");
    CHECK(refused.answer.problem == "65536 servers have overrides already, which is the maximum: enable some first");
    CHECK(refused.answer.changed == 0);
    CHECK(send_to(bench, Verb::Disable, "10.0.0.11").answer.changed == 1);
    CHECK(send_to(bench, Verb::Enable, "10.0.0.11").answer.changed == 1);
    CHECK(send_to(bench, Verb::Drain, "10.0.0.12").answer.problem.empty());
}

TEST_CASE("overrides of unknown servers are reported by their verb, and ten of those that are forgotten are named") {
    Overrides gone;
    for (int i = 1; i <= 11; ++i)
        gone[{kVs, at("10.0.0." + std::to_string(20 + i), 80)}] =
            i == 1 ? Override{Hold::Weight, 4, {}, "me"} : Override{Hold::Disabled, 0, {}, "me"};
    config::Config config;
    config.virtual_servers = {service_of_servers(1)};
    Bench bench;
    static_cast<void>(bench.judge.start(config, {}, bench.now(), gone));

    const auto shown = send_to(bench, Verb::Show, "10.0.0.2*");
    CHECK(shown.answer.problem.empty());
    CHECK(shown.answer.matched == 9);
    CHECK(shown.answer.lines.at(0) == "10.0.0.21:80 of VS " + kVs + ": not configured, weight 4");
    CHECK(send_to(bench, Verb::Drain, "10.0.0.21").answer.problem.starts_with("no server matches"));
    CHECK(bench.judge.overrides().size() == 11);

    const auto forgotten = send_to(bench, Verb::Enable, "10.0.0.??");
    CHECK(forgotten.answer.matched == 12);
    CHECK(forgotten.answer.changed == 11);
    CHECK(forgotten.answer.lines.at(2) == "10.0.0.22:80 of VS " + kVs + ": not configured, was disabled");
    CHECK(forgotten.intents.at(0).starts_with("server enable 10.0.0.?? by me: 10.0.0.21:80 of VS " + kVs +
                                              ", 10.0.0.22"));
    CHECK(forgotten.intents.at(0).ends_with(", 10.0.0.30:80 of VS " + kVs + " and 1 more"));
    CHECK(bench.judge.overrides().empty());
}

TEST_CASE("a dry run shows the writes of each service with the weights that are written") {
    config::Config config;
    config.virtual_servers = {service_of_servers(1), service({server("10.0.0.11")}, "10.0.0.2")};
    config.virtual_servers[1].sorry_server = sorry("10.0.0.99");
    Bench bench;
    bench.start(config);
    const auto lines = send_to(bench, Verb::Drain, "10.0.0.11", 0, true).answer.lines;
    CHECK(contains(lines, "would write: change TCP 10.0.0.1:80 -> 10.0.0.11:80 weight 0"));
    CHECK(contains(lines, "would write: add TCP 10.0.0.2:80 -> 10.0.0.99:80 weight 1"));
    CHECK(contains(lines, "would write: change TCP 10.0.0.2:80 -> 10.0.0.11:80 weight 0"));
    CHECK_FALSE(contains(lines, "would log: server drain 10.0.0.11 by me: " + kRs + " of VS " + kVs));
    CHECK(send_to(bench, Verb::Drain, "x", 0, true).answer.lines.empty());
    CHECK(send_to(bench, Verb::Show, "10.0.0.1:80/*", 0, true).answer.lines ==
          Lines{kRs + " of VS " + kVs + ": as configured, UP, weight 1"});
}

TEST_CASE("a server that is down already is disabled without a word to anybody, one that lives with its time") {
    Bench bench;
    bench.start(service({checked("10.0.0.11"), checked("10.0.0.12")}));
    bench.tick();
    bench.finish(1, Outcome::Failed);
    bench.since_start = 5s;
    const auto said = send_to(bench, Verb::Disable, "*").intents;
    CHECK(std::ranges::count_if(said, [](const auto& line) { return line.starts_with("RS "); }) == 1);
    CHECK(contains(said, "cancel 2"));
    CHECK_FALSE(contains(said, "cancel 1"));
    CHECK(state(bench, 0).since == WallTime{1'000'000});
    CHECK(state(bench, 1).since == WallTime{5'000'000});
    CHECK(bench.due() == -1);
}

TEST_CASE("a server that min_alive kept is kept no more once it is disabled") {
    auto web = service({checked("10.0.0.11")});
    web.more.edit().values.push_back({"min_alive", std::int64_t{1}});
    Bench bench;
    bench.start(web);
    bench.run(Outcome::Failed);
    CHECK(state(bench).kept);
    send_to(bench, Verb::Disable, "*");
    CHECK_FALSE(state(bench).kept);
    CHECK_FALSE(state(bench).alive);
}

TEST_CASE("a server that is enabled begins its checks anew, one that follows a session comes back as that is") {
    auto one = checked("10.0.0.11");
    one.checkers[0].more.edit().values.push_back({"rise", std::int64_t{2}});
    Bench bench;
    bench.start(service({one}));
    bench.run(Outcome::Failed);
    bench.run(Outcome::Passed);
    CHECK(state(bench).checkers[0].rises == 1);
    send_to(bench, Verb::Disable, "*");
    send_to(bench, Verb::Enable, "*");
    CHECK(state(bench).checkers[0].rises == 0);
    CHECK(state(bench).checkers[0].has_run);
    bench.run(Outcome::Passed);
    CHECK_FALSE(state(bench).alive);
    bench.run(Outcome::Passed);
    CHECK(state(bench).alive);

    one.checkers[0].type = config::Checker::Type::Bfd;
    Bench other;
    other.start(service({one}));
    send_to(other, Verb::Disable, "*");
    const auto said = send_to(other, Verb::Enable, "*").intents;
    CHECK(contains(said, "Adding service " + kRs + " to VS " + kVs));
    CHECK(contains(said, "RS " + kRs + " " + kVs + " UP mail: Enabled by an operator"));
    CHECK(other.due() == -1);
}

TEST_CASE("a disabled server that is drained instead comes back for its connections, when its checks pass") {
    Bench bench;
    bench.start(service({server("10.0.0.11"), server("10.0.0.12")}));
    send_to(bench, Verb::Disable, "10.0.0.11");
    CHECK(contains(send_to(bench, Verb::Drain, "10.0.0.11").intents, "Adding service " + kRs + " to VS " + kVs));
    CHECK(state(bench).alive);
    CHECK(state(bench).weight == 0);
    CHECK(bench.judge.desired(0).at(0).destinations.at(0).weight == 0);
    send_to(bench, Verb::Weight, "10.0.0.11", 3);
    CHECK_FALSE(
        contains(send_to(bench, Verb::Weight, "10.0.0.11", 4).intents, "Adding service " + kRs + " to VS " + kVs));
    CHECK(bench.judge.override_of(0, 0) == Override{Hold::Weight, 4, {0}, "me"});
    CHECK_FALSE(bench.judge.override_of(0, 1).has_value());
}

TEST_CASE("with persistence a weight of 0 is remarked once for each service, any other is not") {
    config::Config config;
    config.virtual_servers = {service_of_servers(2), service({server("10.0.0.11"), server("10.0.0.12")}, "10.0.0.2")};
    for (auto& web : config.virtual_servers) web.persistence_timeout = Seconds{300};
    Bench bench;
    bench.start(config);
    CHECK(send_to(bench, Verb::Weight, "*", 0).answer.lines.size() == 8);  // two quorums are lost
    CHECK(send_to(bench, Verb::Weight, "*", 1).answer.lines.size() == 4);
    const auto drained = send_to(bench, Verb::Drain, "10.0.0.1:80/*").answer.lines;
    REQUIRE(drained.size() == 4);
    CHECK(drained[2].starts_with("VS " + kVs + " has persistence_timeout 300: "));
    CHECK(drained[3].starts_with("has lost its quorum: " + kVs));
    CHECK(send_to(bench, Verb::Enable, "*").answer.lines.size() == 4);
}

TEST_CASE("words, patterns and names") {
    CHECK(word_of(Verb::Show) == "show");
    CHECK(word_of(Verb::Weight) == "weight");
    CHECK(word_of(static_cast<Verb>(5)) == "unknown");
    CHECK(text_of(Override{}) == "as configured");
    CHECK(text_of(Override{Hold::Disabled, 0, {}, {}}) == "disabled");

    CHECK(is_like("abc", "a?c"));
    CHECK(is_like("abc", "***"));
    CHECK(is_like("abc", "abc*"));
    CHECK(is_like("aXbYc", "a*b*c"));
    CHECK(is_like("mississippi", "m*issip*"));
    CHECK_FALSE(is_like("xyz", "xy*yz"));  // nothing counts twice
    CHECK_FALSE(is_like("abc", "abcd"));
    CHECK_FALSE(is_like("abc", "abc?"));
    CHECK_FALSE(is_like("ac", "a?c"));
    CHECK_FALSE(is_like("aXbY", "a*b*c"));
    CHECK_FALSE(is_like("", "?"));

    CHECK(pattern_of("a/b/c").services == "a");
    CHECK(pattern_of("a/b/c").servers == "b/c");
    CHECK(pattern_of("a").services == "*");
    const Endpoint six{ip("2001:db8::1"), 80};
    for (const char* same : {"2001:db8::1", "2001:DB8:0:0::1", "[2001:db8:0::1]:80", "[2001:DB8::1]:*", "2001:*"}) {
        CAPTURE(same);
        CHECK(is_endpoint(six, same));
    }
    for (const char* other : {"2001:db8::2", "[2001:db8::1]:81", "[2001:db8::1", "10.0.0.1"}) {
        CAPTURE(other);
        CHECK_FALSE(is_endpoint(six, other));
    }
    CHECK(pattern_of("/a").services.empty());

    const OverrideKey key{kVs, at("10.0.0.11", 80)};
    CHECK(matches(pattern_of("10.0.0.11"), key));
    CHECK(matches(pattern_of(kVs + "/10.0.0.11:80"), key));
    CHECK_FALSE(matches(pattern_of(kVs + "/10.0.0.12"), key));
    CHECK_FALSE(matches(pattern_of("x/10.0.0.11"), key));
    // As servers that are configured are written.
    for (const char* same :
         {"10.0.0.1/10.0.0.11", "10.0.0.1:80/*", "10.0.0.1:80/[10.0.0.11]:tcp:80", "[10.0.0.11]:tcp:80"})
        CHECK(matches(pattern_of(same), key));
    for (const char* other : {"10.0.0.2/10.0.0.11", "10.0.0.1:81/*", "[10.0.0.11]:udp:80"})
        CHECK_FALSE(matches(pattern_of(other), key));
    CHECK(matches(pattern_of("fwmark 5/*"), {"FWM 5", at("10.0.0.11", 80)}));
    CHECK(matches(pattern_of("web/10.0.0.11"), {"[web]:1", at("10.0.0.11", 80)}));
    CHECK_FALSE(matches(pattern_of("other/10.0.0.11"), {"[web]:1", at("10.0.0.11", 80)}));
}

TEST_CASE("what is held of a service of a group stays held when a reload gives it the name of another one") {
    auto tcp = grouped({server("10.1.0.1")}, {range("10.0.0.1", "10.0.0.1")});
    auto udp = tcp;
    udp.protocol = config::Protocol::Udp;
    udp.membership.edit().position = 1;
    config::Config config;
    config.virtual_servers = {tcp, udp};
    Bench bench;
    bench.start(config);
    CHECK(send_to(bench, Verb::Disable, "[web]:0/*").answer.changed == 1);
    CHECK_FALSE(bench.judge.states()[0].servers[0].alive);
    std::swap(config.virtual_servers[0].membership.edit().position,
              config.virtual_servers[1].membership.edit().position);
    static_cast<void>(bench.judge.reload(config, bench.now()));
    CHECK_FALSE(bench.judge.states()[0].servers[0].alive);
    CHECK(bench.judge.states()[1].servers[0].alive);
}

TEST_CASE("a server that is disabled before its first check and enabled again has had its first run") {
    Bench bench;
    bench.start(service({checked("10.0.0.11")}));
    send_to(bench, Verb::Disable, "*");
    send_to(bench, Verb::Enable, "*");
    CHECK(state(bench).checkers[0].has_run);
    CHECK(bench.run(Outcome::Failed).empty());
}

TEST_CASE("a mark is meant by a pattern, too") {
    auto marked = service_of_servers(1);
    marked.fwmark = 5;
    CHECK(matches(pattern_of("fwmark ?/*"), marked));
    CHECK_FALSE(matches(pattern_of("fwmark 5?/*"), marked));
    auto group = grouped({}, {});
    CHECK(matches(pattern_of("w?b/*"), group));
    CHECK_FALSE(matches(pattern_of("w?/*"), group));
}
