// From the words of a configuration to what the judge does: what services and servers say holds for the checks below
// them that say nothing else.
#include <doctest/doctest.h>

#include "judge_harness.hpp"
#include "mainstay/config/load.hpp"
#include "mainstay/lvs/judge.hpp"

using namespace mainstay;
using namespace mainstay::lvs;
using namespace mainstay::lvs::test;

namespace {

const std::string kRs = "[10.0.0.11]:tcp:80";
const std::string kVs = "[10.0.0.1]:tcp:80";

// A service with two servers, of which the first has a TCP_CHECK.
config::Config written(std::string_view of_service, std::string_view of_server = "", std::string_view of_check = "",
                       std::string_view of_all = "") {
    const std::string text = fmt::format(
        "global_defs {{\n{}\n}}\n"
        "virtual_server 10.0.0.1 80 {{\nlb_algo rr\nlb_kind NAT\nprotocol TCP\n{}\n"
        "real_server 10.0.0.11 80 {{\n{}\nTCP_CHECK {{\n{}\n}}\n}}\n"
        "real_server 10.0.0.12 80 {{\n}}\n}}\n",
        of_all, of_service, of_server, of_check);
    config::Environment environment;
    return config::load_text("test.conf", text, environment).config;
}

Lines in_table(const Judge& judge) {
    Lines out;
    for (const auto table = judge.desired(0); const auto& one : table.at(0).destinations)
        out.push_back(fmt::format("{} {}", one.endpoint.to_string(), one.weight));
    return out;
}

// Seconds until the first run, from it to the next, and from a failure to its retry; and retries until it is down.
struct Timing {
    double first = 0, loop = 0, pause = 0;
    int retries = 0;
    bool operator==(const Timing&) const = default;
};
Timing timing_of(config::Config config) {
    Bench bench;
    bench.drawn = 1000s;  // all of the warmup
    bench.start(std::move(config));
    Timing timing{.first = bench.due()};
    bench.run(Outcome::Passed);
    timing.loop = bench.due() - timing.first;
    const double at = bench.due();
    bench.run(Outcome::Failed);
    timing.pause = bench.due() - at;
    while (bench.judge.states()[0].servers[0].alive) {
        ++timing.retries;
        bench.run(Outcome::Failed);
    }
    return timing;
}

}  // namespace

TEST_CASE("what a service says of its checks holds for those that say nothing else") {
    // effect: virtual_server: delay_loop warmup retry delay_before_retry
    CHECK(timing_of(written("")) == Timing{61, 60, 1, 1});
    CHECK(timing_of(written("delay_loop 6\nwarmup 2\nretry 3\ndelay_before_retry 1.5")) == Timing{3, 6, 1.5, 3});
}

TEST_CASE("what a server says of its checks goes before its service") {
    // effect: virtual_server/real_server: delay_loop warmup retry delay_before_retry
    CHECK(timing_of(written("delay_loop 6\nwarmup 2\nretry 3\ndelay_before_retry 1.5",
                            "delay_loop 5\nwarmup 1\nretry 2\ndelay_before_retry 2")) == Timing{2, 5, 2, 2});
}

TEST_CASE("what a check says goes before its server") {
    // effect: virtual_server/real_server/TCP_CHECK: delay_loop warmup retry delay_before_retry
    CHECK(timing_of(written("delay_loop 6\nwarmup 2", "retry 3", "delay_loop 4\nwarmup 0\nretry 1\ndelay_before_retry 3")) ==
          Timing{1, 4, 3, 1});
}

TEST_CASE("alpha holds for a service's checks, a server and a check may say otherwise") {
    // effect: virtual_server: alpha
    // effect: virtual_server/real_server: alpha
    // effect: virtual_server/real_server/TCP_CHECK: alpha
    const auto starts_with = [](const config::Config& config) {
        Bench bench;
        bench.start(config);
        return in_table(bench.judge);
    };
    const Lines both{"10.0.0.11:80 1", "10.0.0.12:80 1"}, rest{"10.0.0.12:80 1"};
    CHECK(starts_with(written("")) == both);
    CHECK(starts_with(written("alpha")) == rest);  // the other has no check that could fail
    CHECK(starts_with(written("alpha", "alpha off")) == both);
    CHECK(starts_with(written("", "alpha")) == rest);
    CHECK(starts_with(written("", "alpha", "alpha no")) == both);
    CHECK(starts_with(written("", "", "alpha")) == rest);
}

TEST_CASE("an alpha server that passes is told as up, one that is not alpha is not") {
    Bench bench;
    bench.start(written("alpha"));
    CHECK(bench.run(Outcome::Passed).back() == "RS " + kRs + " " + kVs + " UP mail: TCP CHECK succeed on service");
    Bench other;
    other.start(written(""));
    CHECK(other.run(Outcome::Passed) == Lines{"TCP connection to " + kRs + " success."});
}

TEST_CASE("quorum and hysteresis: down below their difference, up at their sum") {
    // effect: virtual_server: quorum hysteresis weight
    Bench bench;
    bench.start(written("weight 3\nquorum 4\nhysteresis 1\nsmtp_alert"));
    CHECK(bench.judge.states()[0].quorum_up);
    CHECK(bench.run(Outcome::Failed).back() == "RS " + kRs + " " + kVs + " DOWN mail: TCP CHECK failed on service");
    CHECK(bench.judge.states()[0].quorum_up);  // 3 is not below 4 - 1

    Bench higher;
    higher.start(written("weight 3\nquorum 5\nhysteresis 1\nsmtp_alert"));
    const Lines lost = higher.run(Outcome::Failed);
    CHECK(lost.at(4) == "Lost quorum 5-1=4 > 3 for VS " + kVs);
    CHECK(lost.back() == "VS " + kVs + " DOWN mail: Lost quorum 5+1=4 <= 3");
    CHECK(higher.run(Outcome::Passed).at(4) == "Gained quorum 5+1=6 <= 6 for VS " + kVs);
}

TEST_CASE("inhibit_on_failure holds for a service's servers, and a server may say so by itself") {
    // effect: virtual_server: inhibit_on_failure
    // effect: virtual_server/real_server: inhibit_on_failure
    for (const auto& config : {written("inhibit_on_failure"), written("", "inhibit_on_failure")}) {
        Bench bench;
        bench.start(config);
        CHECK(bench.run(Outcome::Failed).at(1) == "Disabling service " + kRs + " of VS " + kVs);
        CHECK(in_table(bench.judge) == Lines{"10.0.0.11:80 0", "10.0.0.12:80 1"});
    }
}

TEST_CASE("who is mailed: servers unless they say no, services only when they say so, or as the global switches have it") {
    // effect: virtual_server: smtp_alert
    // effect: virtual_server/real_server: smtp_alert
    // effect: global_defs: smtp_alert_checker
    const auto mails = [](const config::Config& config) {
        Bench bench;
        bench.start(config);
        std::string out;
        for (const auto& line : bench.run(Outcome::Failed)) {
            if (line.find(" mail: ") != std::string::npos) out += line.substr(0, 2);
        }
        return out;
    };
    CHECK(mails(written("quorum 2")) == "RS");
    CHECK(mails(written("quorum 2\nsmtp_alert")) == "RSVS");
    CHECK(mails(written("quorum 2\nsmtp_alert", "smtp_alert off")) == "VS");
    CHECK(mails(written("quorum 2", "", "", "smtp_alert_checker off")) == "");
    CHECK(mails(written("quorum 2", "", "", "smtp_alert off\nsmtp_alert_checker")) == "RSVS");
}

TEST_CASE("omega tells servers and services as down when the daemon stops, and not without it") {
    // effect: virtual_server: omega
    const auto at_end = [](const config::Config& config) {
        Bench bench;
        bench.start(config);
        Lines told;
        for (auto& line : text_of_intents(bench.judge.stop(false, bench.now()))) {
            if (line.starts_with("RS ") || line.starts_with("VS ")) told.push_back(std::move(line));
        }
        return told;
    };
    CHECK(at_end(written("")).empty());
    CHECK(at_end(written("omega\nsmtp_alert")) ==
          Lines{"RS " + kRs + " " + kVs + " DOWN mail: Shutting down",
                "RS [10.0.0.12]:tcp:80 " + kVs + " DOWN mail: Shutting down",
                "VS " + kVs + " DOWN mail: Shutting down"});
    // keepalived: with lvs_flush_on_stop the servers' part is left out.
    CHECK(at_end(written("omega", "", "", "lvs_flush_on_stop VS")) == Lines{"VS " + kVs + " DOWN: Shutting down"});
}

TEST_CASE("rise, fall, slow_start, drain_timeout and share_probe are defaults of a service, and of a server") {
    const auto config = written("rise 2\nfall 3\nslow_start 30\ndrain_timeout 60\nshare_probe\nmin_alive 1",
                                "fall 4\nslow_start 5.5", "rise 5");
    const auto& service = config.virtual_servers.at(0);
    const auto& server = service.real_servers[0];

    CHECK(rise_fall_of(service, server, server.checkers[0]) == RiseFall{5, 4});
    CHECK(slow_start_of(service, server) == Micros{5'500'000});
    CHECK(slow_start_of(service, service.real_servers[1]) == Micros{30'000'000});
    CHECK(drain_timeout_of(service, server) == Micros{60'000'000});
    CHECK(shares_probe(service, server, server.checkers[0]));
    CHECK(min_alive_of(service) == 1);
}
