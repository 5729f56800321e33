// The record of the judge of virtual servers: what is in it, and what is not.
#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "../lvs/builders.hpp"
#include "mainstay/record/recorded.hpp"
#include "mainstay/record/replay.hpp"

using namespace mainstay;
using namespace mainstay::record;
using namespace std::chrono_literals;

namespace {

constexpr const char* kVersion = "1.2.3";

config::Config services() {
    config::Config config;
    config.virtual_servers.push_back(
        lvs::test::service({lvs::test::checked("10.1.0.1"), lvs::test::checked("10.1.0.2")}));
    return config;
}

struct JudgedServices {
    explicit JudgedServices(std::size_t bytes = 1U << 20) : memory(bytes / sizeof(std::uint64_t)) {
        judge.record(&recorder);
    }
    explicit JudgedServices(const JudgedServices& died) : memory{died.memory}, since_start{died.since_start} {
        judge.record(&recorder);
    }

    [[nodiscard]] lvs::Moment now() const {
        return {Instant{1000s} + since_start, {1'700'000'000'000'000 + since_start / Micros{1}}};
    }
    void take(const lvs::Intents& intents) {
        seen += intents.size();
        for (const auto& intent : intents)
            if (const auto* start = std::get_if<lvs::StartCheck>(&intent)) running.push_back(start->checker);
    }
    void start(const config::Config& config = services()) { take(judge.start(config, {}, now())); }
    void finish(lvs::Outcome outcome, const std::string& reason) {
        for (const auto id : std::exchange(running, {}))
            take(judge.step(lvs::CheckFinished{.checker = id, .outcome = outcome, .reason = reason, .weight = {}},
                            now()));
    }
    void pass(Nanos how_long, lvs::Outcome outcome = lvs::Outcome::Passed, const std::string& reason = "connected") {
        const Nanos until = since_start + how_long;
        while (const auto due = judge.deadline()) {
            if (*due - Instant{1000s} > until) break;
            since_start = *due - Instant{1000s};
            take(judge.step(lvs::DeadlineReached{}, now()));
            finish(outcome, reason);
        }
        since_start = until;
    }
    [[nodiscard]] Record record() const {
        return read_record(file_of_memory(std::as_bytes(std::span{memory}), WallTime{}).value()).value();
    }

    std::vector<std::uint64_t> memory;
    JudgeRecorder recorder{std::as_writable_bytes(std::span{memory}), kVersion};
    RecordedJudge judge{[engine = std::mt19937_64{7}](Micros limit) mutable {
        return Micros{std::uniform_int_distribution<std::int64_t>{0, limit.count()}(engine)};
    }};
    Nanos since_start{0};
    std::vector<lvs::CheckerId> running;
    std::uint64_t seen = 0;
};

// The lines of the replay, which must be identical.
std::vector<std::string> replayed(const Record& record, const std::string& services = "*",
                                  const std::string& servers = "*") {
    std::vector<std::string> lines;
    const auto outcome = replay_judge(record, kVersion, [&](const ReplayedJudgeStep& step) {
        if (!concerns(step, {services, servers}, servers == "*")) return;
        for (const auto& intent : step.intents)
            if (!std::holds_alternative<lvs::StartCheck>(intent))
                lines.push_back(describe_fact(step.entry, step.judge) + ": " + describe_intent(intent, step.judge));
    });
    REQUIRE_MESSAGE(outcome, (outcome ? "" : outcome.error().text()));
    CHECK_MESSAGE(!outcome->difference, (outcome->difference ? outcome->difference->fact : ""));
    return lines;
}

bool has(const Record& record, std::string_view text) {
    return std::ranges::any_of(record.judge_segments, [&](const Segment& segment) {
        return !std::ranges::search(segment.bytes, std::as_bytes(std::span{text})).empty();
    });
}

}  // namespace

TEST_CASE("a judge's record replays identically, with the random delays, and says why a server went down") {
    JudgedServices bench;
    bench.start();
    bench.pass(30s);
    bench.pass(30s, lvs::Outcome::Failed, "connection refused");
    const auto record = bench.record();
    CHECK(record.segments.empty());
    const auto outcome = replay_judge(record, kVersion, {});
    REQUIRE(outcome);
    CHECK_FALSE(outcome->difference);
    CHECK(outcome->intents == bench.seen);

    const auto lines = replayed(record, "10.0.0.1", "10.1.0.2");
    CHECK(std::ranges::count(lines,
                             "TCP_CHECK of [10.1.0.2]:tcp:80 of VS [10.0.0.1]:tcp:80 failed: connection refused: "
                             "log: Removing service [10.1.0.2]:tcp:80 from VS [10.0.0.1]:tcp:80") == 1);
    CHECK(std::ranges::none_of(lines, [](const auto& line) { return line.contains("of [10.1.0.1]:tcp:80 of VS"); }));
    CHECK(replayed(record, "10.0.0.9").empty());
}

TEST_CASE("a passed check takes a few bytes") {
    JudgedServices bench;
    bench.start();
    bench.pass(60s);
    const auto before = bench.record().judge_segments.at(0).bytes.size();
    bench.pass(600s);  // 2 checks every 6 s
    CHECK(bench.record().judge_segments.at(0).bytes.size() - before <= 200 * 60);
}

TEST_CASE("a record of the judge that begins in mid-life, after its memory was overwritten, replays identically") {
    JudgedServices bench{64U << 10};
    bench.start();
    auto next = services();
    next.virtual_servers[0].real_servers.push_back(lvs::test::checked("10.1.0.3"));
    for (int round = 0; round < 40; ++round) {
        bench.pass(120s, round % 3 == 0 ? lvs::Outcome::Failed : lvs::Outcome::Passed,
                   "round " + std::to_string(round));
        bench.take(bench.judge.reload(round % 2 == 0 ? next : services(), bench.now()));
        lvs::ServerAnswer answer;
        bench.take(bench.judge.command({.verb = lvs::ServerCommand::Verb::Drain, .which = "10.1.0.1", .by = "me"},
                                       bench.now(), answer));
    }
    const auto record = bench.record();
    REQUIRE(record.judge_segments.size() == 2);
    CHECK(record.judge_segments[0].number > 2);
    CHECK(replayed(record).size() > 20);
}

TEST_CASE("a judge's process that died and the next one are both in the record") {
    JudgedServices first;
    first.start();
    first.pass(30s);
    JudgedServices second{first};
    second.start();
    second.pass(30s, lvs::Outcome::TimedOut, "timed out");
    const auto outcome = replay_judge(second.record(), kVersion, {});
    REQUIRE(outcome);
    CHECK(outcome->segments == 2);
    CHECK(outcome->gaps == 1);
    CHECK_FALSE(outcome->difference);
}

TEST_CASE("a result, a random delay or a digest of the judge's record that was changed is the first difference") {
    JudgedServices bench;
    bench.start();
    bench.pass(8s);
    const auto whole = bench.record();
    std::size_t differences = 0, refused = 0;
    SegmentReader frame{whole.judge_segments[0].bytes};
    const auto key = frame.key_frame().value();
    const std::size_t from = whole.judge_segments[0].bytes.size() - key.state.size();
    for (std::size_t at = from; at < whole.judge_segments[0].bytes.size(); ++at) {
        auto changed = whole;
        changed.judge_segments[0].bytes[at] ^= std::byte{1};
        const auto outcome = replay_judge(changed, kVersion, {});
        refused += outcome ? 0 : 1;
        differences += outcome && outcome->difference ? 1 : 0;
    }
    CHECK(differences > 100);
    CHECK(refused > 10);
    auto digest = whole;
    digest.judge_segments[0].bytes.back() ^= std::byte{1};
    const auto outcome = replay_judge(digest, kVersion, {});
    REQUIRE(outcome);
    REQUIRE(outcome->difference);
    CHECK(outcome->difference->fact == "TCP_CHECK of [10.1.0.2]:tcp:80 of VS [10.0.0.1]:tcp:80 passed: connected");
}

TEST_CASE("a record whose configuration has a time that nobody can set is refused") {
    const auto refusal = [](Micros delay_loop) {
        JudgedServices bench;
        auto config = services();
        config.virtual_servers[0].real_servers[0].checkers[0].delay_loop = delay_loop;
        bench.start(config);
        const auto outcome = replay_judge(bench.record(), kVersion, {});
        return outcome ? std::string{} : outcome.error().text();
    };
    CHECK(refusal(std::chrono::years{100}) == "");
    CHECK(refusal(std::chrono::years{100} + 1us) == "the record is damaged: its configuration has an impossible time");
    CHECK(refusal(-1us) == "the record is damaged: its configuration has an impossible time");
}

TEST_CASE("what checks send, the arguments of notify scripts and mail settings are not in a judge's record") {
    auto config = services();
    config.global.smtp_server = "relay-S3CRET";
    config.global.more.edit().values.push_back({"snmp_socket", config::WordList{"tcp:S3CRET"}});
    auto& server = config.virtual_servers[0].real_servers[0];
    server.notify_up = config::Command{{"/etc/up", "S3CRET"}, {}, {}};
    config.virtual_servers[0].quorum_down = config::Command{{"/etc/down", "S3CRET"}, {}, {}};
    server.checkers[0].type = config::Checker::Type::Http;
    server.checkers[0].more.edit().values.push_back({"send", config::WordList{"token S3CRET"}});
    config::HttpUrl url{.path = "/", .digest = {}, .status_codes = {{}}, .virtualhost = {}, .more = {}};
    url.more.edit().sections.push_back({"headers", {"S3CRET"}, {{"header", config::WordList{"S3CRET"}}}, {}});
    server.checkers[0].urls = std::vector{url};

    JudgedServices bench{64U << 10};
    bench.start(config);
    bench.take(bench.judge.reload(config, bench.now()));
    std::vector<config::ServiceChange> changes{{0, bench.judge.services()[0], config.virtual_servers[0]}};
    changes[0].after.quorum = 2;
    bench.take(bench.judge.reload(bench.judge.accept(changes).value(), bench.now()));
    bench.pass(3600s);

    const auto record = bench.record();
    CHECK(record.judge_segments.back().number > 1);  // a key frame in mid-life, too
    CHECK_FALSE(has(record, "S3CRET"));
    CHECK(has(record, "connected"));
    static_cast<void>(replayed(record));
}

TEST_CASE("the numbers of tracked files that were known at a start and at a reload are in the record") {
    auto config = services();
    auto& check = config.virtual_servers[0].real_servers[0].checkers[0];
    check.type = config::Checker::Type::File;
    check.more.edit().values.push_back({"track_file", config::WordList{"gone"}});
    const lvs::HostFacts bad{.addresses = {}, .files = {{"gone", {0, false}, 1}}};
    JudgedServices bench;
    bench.take(bench.judge.start(config, {}, bench.now(), {}, bad));
    REQUIRE_FALSE(bench.judge.states()[0].servers[0].alive);
    auto changed = config.virtual_servers[0];
    changed.real_servers.push_back(changed.real_servers[0]);
    changed.real_servers[2].endpoint.port = 81;
    bench.take(
        bench.judge.reload(bench.judge.accept({{0, config.virtual_servers[0], changed}}).value(), bench.now(), bad));
    REQUIRE_FALSE(bench.judge.states()[0].servers[2].alive);
    config.virtual_servers[0].endpoint.port = 81;
    bench.take(bench.judge.reload(config, bench.now(), bad));
    bench.pass(60s);
    CHECK(replayed(bench.record()).at(0) ==
          "start, with 1 virtual server: log: [10.1.0.1]:tcp:80 of VS [10.0.0.1]:tcp:80 starts DOWN: the file says 1");
}

TEST_CASE("a line concerns a server that it names, and not one whose port is the beginning of that") {
    auto other = lvs::test::checked("10.1.0.1");
    other.endpoint.port = 8080;
    config::Config config;
    config.virtual_servers.push_back(lvs::test::service({lvs::test::checked("10.1.0.1"), other}));
    JudgedServices bench;
    bench.start(config);
    lvs::Judge judge{[](Micros) { return Micros{0}; }};
    static_cast<void>(judge.start(config, {}, bench.now()));
    const JudgeEntry entry{
        .now = {}, .wall = {}, .what = lvs::Fact{lvs::DeadlineReached{}}, .drawn = {}, .intents = {}};
    const auto names = [&](std::string_view line, const std::string& server) {
        const lvs::Intents intents{lvs::WriteLog{{LogLevel::Info, std::string{line}}}};
        return concerns({.at = {}, .entry = entry, .intents = intents, .judge = judge}, {"*", server}, false);
    };

    constexpr std::string_view kLine = "Removing service [10.1.0.1]:tcp:8080 from VS [10.0.0.1]:tcp:80";
    CHECK(names(kLine, "10.1.0.1:8080"));
    CHECK_FALSE(names(kLine, "10.1.0.1:80"));
    CHECK(names("TCP_CHECK on service [10.1.0.1]:tcp:80 failed.", "10.1.0.1:80"));
    CHECK(names("Adding [10.1.0.1]:tcp:80", "10.1.0.1:80"));
}

TEST_CASE("a file holds what both machines recorded, and a memory of one twice is refused") {
    JudgedServices bench;
    bench.start();
    const auto memory = std::as_bytes(std::span{bench.memory});
    const std::vector<std::uint64_t> unused(bench.memory.size());
    const std::array both{std::as_bytes(std::span{unused}), memory};
    const auto record = read_record(file_of_memories(both, {}).value()).value();
    CHECK(record.segments.empty());
    CHECK(record.judge_segments.size() == 1);
    CHECK(replay(record, kVersion, {}).value().facts == 0);
    const std::array twice{memory, memory};
    CHECK(file_of_memories(twice, {}).error().text() == "the record is damaged: whose it is");
}

TEST_CASE("without a configuration that fits, nothing of a judge is recorded and that can be seen") {
    config::Config config;
    for (int n = 0; n < 250; ++n) {
        auto service = lvs::test::service({lvs::test::checked("10.1.0.1"), lvs::test::checked("10.1.0.2")});
        service.endpoint.port = static_cast<std::uint16_t>(1000 + n);
        config.virtual_servers.push_back(service);
    }
    JudgedServices bench{64U << 10};
    bench.start(config);
    bench.pass(30s);
    CHECK_FALSE(bench.recorder.works());
    CHECK(bench.recorder.statistics().key_frame_bytes > 32U << 10);
    CHECK(unwritten_key_frame(std::as_bytes(std::span{bench.memory})) == bench.recorder.statistics().key_frame_bytes);
}
