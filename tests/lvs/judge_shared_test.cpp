// share_probe: which checks one run answers for, and who waits for it.
#include <doctest/doctest.h>

#include <algorithm>
#include <functional>

#include "judge_harness.hpp"

using namespace mainstay;
using namespace mainstay::lvs;
using namespace mainstay::lvs::test;

namespace {

using Type = config::Checker::Type;

config::RealServer shared_web(const std::function<void(config::Checker&)>& change = [](auto&) {}) {
    auto one = checked("10.0.0.11");
    auto& check = one.checkers[0];
    check.type = Type::Http;
    check.urls.edit() = {{"/a", {}, {{}}, {}}, {"/b", {}, {{}}, {}}};
    check.misc_path.edit().argv = {"/etc/check", "web"};
    check.more.edit().values = {{"name", config::WordList{"a"}}, {"share_probe", true}};
    change(check);
    return one;
}

config::Config of(std::vector<config::RealServer> servers) {
    config::Config config;
    for (std::size_t i = 0; i < servers.size(); ++i)
        config.virtual_servers.push_back(service({std::move(servers[i])}, "10.0.0." + std::to_string(i + 1)));
    return config;
}

void suspend(config::VirtualServer& service) { service.more.edit().values.push_back({"ha_suspend", true}); }

// Whether a check and the same one, changed, run once.
bool shares(const std::function<void(config::Checker&)>& change) {
    Bench bench;
    bench.start(of({shared_web(), shared_web(change)}));
    const std::size_t one_way = bench.tick().size();
    Bench other;
    other.start(of({shared_web(change), shared_web()}));
    CHECK(other.tick().size() == one_way);
    return one_way == 1;
}

template <class T>
std::function<void(config::Checker&)> says(std::string keyword, T value) {
    return [=](config::Checker& check) {
        auto& values = check.more.edit().values;
        std::erase_if(values, [&](const auto& one) { return one.keyword == keyword; });
        values.push_back({keyword, value});
        std::ranges::sort(values, {}, &config::KeywordValue::keyword);
    };
}

}  // namespace

TEST_CASE("checks that ask the same at the same times run once, whatever is made of the answer") {
    CHECK(shares([](auto&) {}));
    CHECK(shares([](auto& check) { check.alpha = true; }));
    CHECK(shares(says("rise", std::int64_t{3})));
    CHECK(shares(says("fall", std::int64_t{3})));
    CHECK(shares(says("fast_recovery", true)));
    CHECK(shares(says("cert_expiry_warning", std::int64_t{3})));
}

TEST_CASE("checks that ask another thing, another place or in another way run each for itself") {
    CHECK_FALSE(shares([](auto& check) { check.type = Type::Ssl; }));
    CHECK_FALSE(shares([](auto& check) { check.target = at("10.0.0.12", 80); }));
    CHECK_FALSE(shares([](auto& check) { check.bind.edit() = at("10.0.0.9", 0); }));
    CHECK_FALSE(shares([](auto& check) { check.bind_if = std::string{"eth1"}; }));
    CHECK_FALSE(shares([](auto& check) { check.misc_path.edit().argv[0] = "/etc/other"; }));
    CHECK_FALSE(shares([](auto& check) { check.misc_path.edit().argv[1] = "db"; }));
    CHECK_FALSE(shares([](auto& check) { check.misc_path.edit().argv.clear(); }));
    CHECK_FALSE(shares([](auto& check) { check.urls.edit()[0].path = "/c"; }));
    CHECK_FALSE(shares([](auto& check) { check.urls.edit()[1].path = "/c"; }));
    CHECK_FALSE(shares([](auto& check) { check.urls.edit().clear(); }));
    CHECK_FALSE(shares([](auto& check) { check.http_protocol = std::string{"1.1"}; }));
    CHECK_FALSE(shares([](auto& check) { check.enable_sni = true; }));
    CHECK_FALSE(shares([](auto& check) { check.sni_name = std::string{"a.example.org"}; }));
    CHECK_FALSE(shares(says("name", config::WordList{"b"})));
    CHECK_FALSE(shares(says("a_first_word", true)));
    CHECK_FALSE(shares(says("the_last_word", true)));
    CHECK_FALSE(shares([](auto& check) { check.more.edit().sections.push_back({"section", {}, {}, {}}); }));
}

TEST_CASE("checks with another rhythm or patience run each for itself") {
    CHECK_FALSE(shares([](auto& check) { check.delay_loop = 7s; }));
    CHECK_FALSE(shares([](auto& check) { check.retry = 4; }));
    CHECK_FALSE(shares([](auto& check) { check.delay_before_retry = 4s; }));
    CHECK_FALSE(shares([](auto& check) { check.connect_timeout = 4s; }));
    CHECK_FALSE(shares([](auto& check) { check.misc_timeout = 4s; }));
    CHECK_FALSE(shares([](auto& check) { check.misc_dynamic = true; }));
}

TEST_CASE("checks of several groups of equals each have the answer of their own group") {
    const auto other = [](auto& check) { check.http_protocol = std::string{"1.1"}; };
    Bench bench;
    bench.start(of({shared_web(), shared_web(other), shared_web(), shared_web(other), shared_web()}));
    CHECK(bench.tick() == Lines{"start 1", "start 2"});
    bench.finish(2, Outcome::Failed);
    bench.finish(1, Outcome::Passed);
    std::vector<bool> alive;
    for (const auto& state : bench.judge.states()) alive.push_back(state.servers[0].alive);
    CHECK(alive == std::vector<bool>{true, false, true, false, true});
    CHECK(bench.tick() == Lines{"start 1", "start 2"});
}

TEST_CASE("those that wait are due with the one that runs, and run with it from then on") {
    Bench bench;
    auto late = shared_web();
    late.checkers[0].warmup = 60s;
    bench.drawn = 4s;  // of each warmup as much as there is
    auto soon = shared_web();
    soon.checkers[0].warmup = 0s;
    bench.start(of({late, soon}));
    CHECK(bench.tick() == Lines{"start 2"});
    CHECK(bench.judge.states()[0].servers[0].checkers[0].running);
    CHECK_FALSE(bench.judge.states()[0].servers[0].checkers[0].waits);
    CHECK(bench.judge.states()[0].servers[0].checkers[0].due == bench.zero + 1s);
    bench.finish(2, Outcome::Passed);
    CHECK(bench.due() == doctest::Approx(7));
    CHECK(bench.tick().size() == 1);
}

TEST_CASE("one that runs already, is disabled, suspended or at another URL does not wait for another's run") {
    auto config = of({shared_web(), shared_web(), shared_web(), shared_web(), shared_web()});
    suspend(config.virtual_servers[2]);
    config.virtual_servers[4].real_servers[0].checkers[0].warmup = 0s;
    Bench bench;
    bench.host.addresses.emplace();
    bench.start(config);
    ServerAnswer answer;
    static_cast<void>(
        bench.judge.command({ServerCommand::Verb::Disable, "10.0.0.2:80/*", 0, false, "me"}, bench.now(), answer));
    REQUIRE(bench.tick() == Lines{"start 1"});
    const auto running = [&bench] {
        std::vector<bool> out;
        for (const auto& state : bench.judge.states()) out.push_back(state.servers[0].checkers[0].running);
        return out;
    };
    CHECK(running() == std::vector<bool>{true, false, false, true, true});
    const Lines said = bench.finish(1, Outcome::Failed);
    CHECK(std::ranges::count_if(said, [](const auto& line) { return line.starts_with("Removing service"); }) == 3);
    CHECK(bench.judge.states()[2].servers[0].alive);
    CHECK(running() == std::vector<bool>(5, false));
}

TEST_CASE("a check that is alone in its group leads nobody, and its end calls nobody") {
    Bench bench;
    bench.start(of({shared_web()}));
    CHECK(bench.tick() == Lines{"start 1"});
    static_cast<void>(bench.judge.reload({}, bench.now()));
    CHECK(bench.due() == -1);
}

TEST_CASE("when the running one and one that waits for it go together, the third runs by itself") {
    auto config = of({shared_web(), shared_web(), shared_web()});
    Bench bench;
    bench.start(config);
    CHECK(bench.tick() == Lines{"start 1"});
    bench.since_start = 2s;
    config.virtual_servers.erase(config.virtual_servers.begin(), config.virtual_servers.begin() + 2);

    CHECK(contains(text_of_intents(bench.judge.reload(config, bench.now())), "cancel 1"));

    CHECK(bench.due() == doctest::Approx(2));
    CHECK(bench.tick() == Lines{"start 3"});
    CHECK(bench.finish(1, Outcome::Failed).empty());
    CHECK(bench.finish(3, Outcome::Passed).size() == 1);
}

TEST_CASE("one that waits and is disabled in the meantime is not run when the running one goes") {
    auto config = of({shared_web(), shared_web(), shared_web()});
    Bench bench;
    bench.start(config);
    CHECK(bench.tick() == Lines{"start 1"});
    ServerAnswer answer;
    static_cast<void>(
        bench.judge.command({ServerCommand::Verb::Disable, "10.0.0.2:80/*", 0, false, "me"}, bench.now(), answer));
    config.virtual_servers.erase(config.virtual_servers.begin());
    static_cast<void>(bench.judge.reload(config, bench.now()));
    CHECK(bench.tick() == Lines{"start 3"});
}

TEST_CASE("a reload leaves those that wait with the one that runs still") {
    auto config = of({shared_web(), shared_web(), shared_web()});
    Bench bench;
    bench.start(config);
    CHECK(bench.tick() == Lines{"start 1"});
    config.virtual_servers.pop_back();
    CHECK_FALSE(contains(text_of_intents(bench.judge.reload(config, bench.now())), "cancel 1"));
    CHECK(bench.due() == -1);
    bench.finish(1, Outcome::Failed);
    CHECK_FALSE(bench.judge.states()[1].servers[0].alive);
}
