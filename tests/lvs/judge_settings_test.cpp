// From the words of a configuration to what the judge does: what services and servers say holds for the checks below
// them that say nothing else.
#include <doctest/doctest.h>

#include "judge_harness.hpp"
#include "mainstay/config/load.hpp"
#include "mainstay/lvs/judge.hpp"
#include "mainstay/lvs/settings.hpp"

using namespace mainstay;
using namespace mainstay::lvs;
using namespace mainstay::lvs::test;

namespace {

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

const std::vector<std::string> kKinds{"TCP_CHECK", "HTTP_GET",   "SSL_GET",    "SMTP_CHECK", "DNS_CHECK",
                                      "UDP_CHECK", "PING_CHECK", "MISC_CHECK", "GRPC_CHECK", "AGENT_CHECK"};

// The same with another kind of check, and what it cannot do without.
config::Config written_as(const std::string& kind, std::string_view of_check) {
    const bool web = kind == "HTTP_GET" || kind == "SSL_GET";
    const std::string_view needs = web ? "url {\npath /\n}" : kind == "MISC_CHECK" ? "misc_path /bin/true" : "";
    std::string text = fmt::format(
        "virtual_server 10.0.0.1 80 {{\nlb_algo rr\nlb_kind NAT\nprotocol TCP\n"
        "real_server 10.0.0.11 80 {{\n{} {{\n{}\n{}\n}}\n}}\nreal_server 10.0.0.12 80 {{\n}}\n}}\n",
        kind, needs, of_check);
    config::Environment environment;
    return config::load_text("test.conf", std::move(text), environment).config;
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

TEST_CASE("what a check says goes before its server, in every kind of check") {
    // effect: virtual_server/real_server/TCP_CHECK: delay_loop warmup retry delay_before_retry
    // effect: virtual_server/real_server/HTTP_GET: delay_loop warmup retry delay_before_retry
    // effect: virtual_server/real_server/SSL_GET: delay_loop warmup retry delay_before_retry
    // effect: virtual_server/real_server/SMTP_CHECK: delay_loop warmup retry delay_before_retry
    // effect: virtual_server/real_server/DNS_CHECK: delay_loop warmup retry delay_before_retry
    // effect: virtual_server/real_server/UDP_CHECK: delay_loop warmup retry delay_before_retry
    // effect: virtual_server/real_server/PING_CHECK: delay_loop warmup retry delay_before_retry
    // effect: virtual_server/real_server/MISC_CHECK: delay_loop warmup retry delay_before_retry
    // effect: virtual_server/real_server/GRPC_CHECK: delay_loop warmup retry delay_before_retry
    // effect: virtual_server/real_server/AGENT_CHECK: delay_loop warmup retry delay_before_retry
    for (const auto& kind : kKinds) {
        CAPTURE(kind);
        const auto config = written_as(kind, "delay_loop 4\nwarmup 0\nretry 1\ndelay_before_retry 3");
        CHECK(timing_of(config) == Timing{1, 4, 3, 1});
    }
}

TEST_CASE("alpha, log_all_failures, rise and fall are every check's own") {
    // effect: virtual_server/real_server/TCP_CHECK: alpha log_all_failures rise fall
    // effect: virtual_server/real_server/HTTP_GET: alpha log_all_failures rise fall
    // effect: virtual_server/real_server/SSL_GET: alpha log_all_failures rise fall
    // effect: virtual_server/real_server/SMTP_CHECK: alpha log_all_failures rise fall
    // effect: virtual_server/real_server/DNS_CHECK: alpha log_all_failures rise fall
    // effect: virtual_server/real_server/UDP_CHECK: alpha log_all_failures rise fall
    // effect: virtual_server/real_server/PING_CHECK: alpha log_all_failures rise fall
    // effect: virtual_server/real_server/MISC_CHECK: alpha log_all_failures rise fall
    // effect: virtual_server/real_server/GRPC_CHECK: alpha log_all_failures rise fall
    // effect: virtual_server/real_server/AGENT_CHECK: alpha log_all_failures rise fall
    for (const auto& kind : kKinds) {
        CAPTURE(kind);
        const auto config = written_as(kind, "alpha\nretry 0\nlog_all_failures\nrise 3\nfall 2");
        Bench bench;
        bench.start(config);
        const auto alive = [&bench] { return bench.judge.states()[0].servers[0].alive; };
        CHECK_FALSE(alive());
        bench.run(Outcome::Passed);
        bench.run(Outcome::Passed);
        CHECK_FALSE(alive());
        bench.run(Outcome::Passed);
        CHECK(alive());
        CHECK(bench.run(Outcome::Failed).size() == 1);  // the line of the failing try
        CHECK(alive());
        bench.run(Outcome::Failed);
        CHECK_FALSE(alive());
    }
}

TEST_CASE("equal checks of two services that share their probes run once, of every kind") {
    // effect: virtual_server/real_server/TCP_CHECK: share_probe
    // effect: virtual_server/real_server/HTTP_GET: share_probe
    // effect: virtual_server/real_server/SSL_GET: share_probe
    // effect: virtual_server/real_server/SMTP_CHECK: share_probe
    // effect: virtual_server/real_server/DNS_CHECK: share_probe
    // effect: virtual_server/real_server/UDP_CHECK: share_probe
    // effect: virtual_server/real_server/PING_CHECK: share_probe
    // effect: virtual_server/real_server/MISC_CHECK: share_probe
    // effect: virtual_server/real_server/GRPC_CHECK: share_probe
    // effect: virtual_server/real_server/AGENT_CHECK: share_probe
    // effect: virtual_server: share_probe
    // effect: virtual_server/real_server: share_probe
    const auto started = [](config::Config config) {
        config.virtual_servers.push_back(config.virtual_servers.at(0));
        config.virtual_servers.back().endpoint = at("10.0.0.2", 80);
        Bench bench;
        bench.start(std::move(config));
        return bench.tick().size();
    };
    for (const auto& kind : kKinds) {
        CAPTURE(kind);
        CHECK(started(written_as(kind, "")) == 2);
        CHECK(started(written_as(kind, "share_probe")) == 1);
    }
    CHECK(started(written("share_probe")) == 1);
    CHECK(started(written("", "share_probe")) == 1);
    CHECK(started(written("share_probe", "", "share_probe off")) == 2);
}

TEST_CASE("rise and fall of a service and of a server hold for their checks") {
    // effect: virtual_server: rise fall
    // effect: virtual_server/real_server: rise fall
    const auto rounds = [](const config::Config& config) {  // failures until it is down, successes until it is up
        Bench bench;
        bench.start(config);
        bench.run(Outcome::Passed);
        std::pair<int, int> out{0, 0};
        for (; bench.judge.states()[0].servers[0].alive; ++out.first) bench.run(Outcome::Failed);
        for (; !bench.judge.states()[0].servers[0].alive; ++out.second) bench.run(Outcome::Passed);
        return out;
    };
    CHECK(rounds(written("", "", "retry 0")) == std::pair{1, 1});
    CHECK(rounds(written("fall 2\nrise 3", "", "retry 0")) == std::pair{2, 3});
    CHECK(rounds(written("fall 2\nrise 3", "fall 4\nrise 5", "retry 0")) == std::pair{4, 5});
}

TEST_CASE("slow_start, drain_timeout and min_alive of a service and of a server") {
    // effect: virtual_server: slow_start drain_timeout min_alive
    // effect: virtual_server/real_server: slow_start drain_timeout
    for (const auto& config : {written("slow_start 20\ndrain_timeout 5\nweight 10"),
                               written("weight 10", "slow_start 20\ndrain_timeout 5")}) {
        Bench bench;
        bench.start(config);
        bench.run(Outcome::Failed);
        bench.run(Outcome::Passed);
        CHECK(in_table(bench.judge) == Lines{"10.0.0.11:80 1", "10.0.0.12:80 10"});
        auto rest = config;
        rest.virtual_servers[0].real_servers.erase(rest.virtual_servers[0].real_servers.begin());
        static_cast<void>(bench.judge.reload(rest, bench.now()));
        CHECK(in_table(bench.judge) == Lines{"10.0.0.12:80 10", "10.0.0.11:80 0"});
    }
    Bench bench;
    bench.start(written("min_alive 2"));
    bench.run(Outcome::Failed);
    CHECK(in_table(bench.judge) == Lines{"10.0.0.11:80 1", "10.0.0.12:80 1"});
}

TEST_CASE("alpha holds for a service's checks, a server and a check may say otherwise") {
    // effect: virtual_server: alpha
    // effect: virtual_server/real_server: alpha
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

TEST_CASE("an alpha server that passes is reported as up, one that is not alpha is not") {
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
    Bench bench;
    bench.start(written("inhibit_on_failure", "inhibit_on_failure off"));
    CHECK(bench.run(Outcome::Failed).at(1) == "Removing service " + kRs + " from VS " + kVs);
}

TEST_CASE(
    "who is mailed: servers unless they say no, services only when they say so, or as the global switches have it") {
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

TEST_CASE("omega reports servers and services as down when the daemon stops, and not without it") {
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
    CHECK(at_end(written("omega\nsmtp_alert")) == Lines{"RS " + kRs + " " + kVs + " DOWN mail: Shutting down",
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

TEST_CASE("a sorry server that is a real server too has one entry, and stays idle in the table as that one does") {
    // effect: virtual_server: sorry_server sorry_server_inhibit
    const auto twice = written("sorry_server 10.0.0.12 80\nsorry_server_inhibit");
    CHECK_FALSE(twice.virtual_servers.at(0).sorry_server->inhibit);
    CHECK(written("sorry_server 10.0.0.11 80", "inhibit_on_failure").virtual_servers.at(0).sorry_server->inhibit);

    Bench bench;
    bench.start(written("quorum 2\nsorry_server 10.0.0.12 80"));
    CHECK(in_table(bench.judge) == Lines{"10.0.0.11:80 1", "10.0.0.12:80 1"});
    bench.run(Outcome::Failed);
    CHECK(in_table(bench.judge) == Lines{"10.0.0.12:80 1"});

    Bench idle;
    idle.start(written("sorry_server 10.0.0.99 80\nsorry_server_inhibit"));
    CHECK(in_table(idle.judge) == Lines{"10.0.0.11:80 1", "10.0.0.12:80 1", "10.0.0.99:80 0"});
}
