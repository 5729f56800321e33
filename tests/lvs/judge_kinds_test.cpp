// SMTP, DNS, UDP, PING, FILE and BFD checks in the judge: their words, their retries, what they follow.
#include <doctest/doctest.h>

#include "judge_harness.hpp"
#include "mainstay/lvs/followed.hpp"
#include "mainstay/lvs/judge.hpp"

using namespace mainstay;
using namespace mainstay::lvs;
using namespace mainstay::lvs::test;

namespace {

using Type = config::Checker::Type;

const std::string kOut = "Removing service " + kRs + " from VS " + kVs;
const std::string kIn = "Adding service " + kRs + " to VS " + kVs;

std::string down(const std::string& mail) { return "RS " + kRs + " " + kVs + " DOWN mail: " + mail; }
std::string up(const std::string& mail) { return "RS " + kRs + " " + kVs + " UP mail: " + mail; }

config::RealServer checked_by(Type type, std::uint32_t retry = 1) {
    auto one = server("10.0.0.11", 10);
    one.checkers.push_back(tcp_check(one.endpoint));
    one.checkers[0].type = type;
    one.checkers[0].retry = retry;
    one.checkers[0].delay_before_retry = Seconds{1};
    return one;
}

config::RealServer following(Type type, const char* name) {
    auto one = checked_by(type);
    one.checkers[0].more.edit().values.push_back({type == Type::File ? "track_file" : "name", config::WordList{name}});
    return one;
}

CheckFinished failing(std::string words = {}, std::string reason = "refused") {
    return {
        .checker = 1, .outcome = Outcome::Failed, .reason = std::move(reason), .weight = {}, .words = std::move(words)};
}
CheckFinished passing() { return {.checker = 1, .outcome = Outcome::Passed, .reason = "ok", .weight = {}}; }

// First success, one tolerated failure with log_all_failures, one that counts, and recovery.
Lines story(Type type, const CheckFinished& failure) {
    auto one = checked_by(type);
    one.checkers[0].log_all_failures = true;
    Bench bench;
    bench.start(service({one, server("10.0.0.12")}));
    Lines all;
    for (const CheckFinished& fact : {passing(), failure, failure, passing()}) {
        bench.tick();
        for (std::string& line : bench.finish(fact)) all.push_back(std::move(line));
    }
    return all;
}

}  // namespace

TEST_CASE("TCP_CHECK says what keepalived says") {
    // effect: virtual_server/real_server/TCP_CHECK: retry delay_before_retry log_all_failures
    CHECK(story(Type::Tcp, failing()) ==
          Lines{"TCP connection to " + kRs + " success.", "TCP connection to " + kRs + " failed.",
                "TCP connection to " + kRs + " failed.", "TCP_CHECK on service " + kRs + " failed after 1 retries.",
                kOut, "table 0", down("TCP CHECK failed on service"), "TCP connection to " + kRs + " success.", kIn,
                "table 0", up("TCP CHECK succeed on service")});
}

TEST_CASE("UDP_CHECK says what keepalived says") {
    // effect: virtual_server/real_server/UDP_CHECK: retry delay_before_retry log_all_failures
    CHECK(story(Type::Udp, failing()) ==
          Lines{"UDP connection to " + kRs + " success.", "UDP connection to " + kRs + " failed.",
                "UDP connection to " + kRs + " failed.", "UDP_CHECK on service " + kRs + " failed after 1 retries.",
                kOut, "table 0", down("UDP CHECK failed on service"), "UDP connection to " + kRs + " success.", kIn,
                "table 0", up("UDP CHECK succeed on service")});
}

TEST_CASE("a UDP answer that is not what it should be has keepalived's words") {
    CHECK(story(Type::Udp, failing("reply data mismatch"))[1] == "UDP check to " + kRs + " reply data mismatch.");
}

TEST_CASE("PING_CHECK says what keepalived says") {
    // effect: virtual_server/real_server/PING_CHECK: retry delay_before_retry log_all_failures
    CHECK(story(Type::Ping, failing()) ==
          Lines{"ICMP connection to " + kRs + " success.", "ICMP connection to " + kRs + " failed.",
                "ICMP connection to " + kRs + " failed.",
                "ICMP CHECK on service " + kRs + " of " + kVs + " failed after 1 retries.", kOut, "table 0",
                down("ICMP CHECK failed on service"), "ICMP connection to " + kRs + " success.", kIn, "table 0",
                up("ICMP CHECK succeed on service")});
    CHECK(story(Type::Ping, failing("send ICMP packet fail"))[1] == "send ICMP packet fail");
    auto late = failing();
    late.outcome = Outcome::TimedOut;
    CHECK(story(Type::Ping, late)[1] == "ICMP connection to address " + kRs + " timeout.");
}

TEST_CASE("DNS_CHECK says what keepalived says, and nothing of a success") {
    // effect: virtual_server/real_server/DNS_CHECK: retry delay_before_retry log_all_failures
    const std::string head = "DNS_CHECK (" + kRs + ") read timeout from socket";
    CHECK(story(Type::Dns, failing("read timeout from socket")) ==
          Lines{head, head, head + " after 1 retries", kOut, "table 0", down("DNS_CHECK: failed on service"), kIn,
                "table 0", up("DNS_CHECK: succeed on service")});
}

TEST_CASE("SMTP_CHECK says what keepalived says") {
    // effect: virtual_server/real_server/SMTP_CHECK: retry delay_before_retry log_all_failures
    const std::string words = "Bad greeting banner from server";
    const std::string line = "SMTP_CHECK " + words + " [10.0.0.11]:80";
    const std::string good = "Remote SMTP server " + kRs + " succeed on service.";
    CHECK(story(Type::Smtp, failing(words)) == Lines{good, line, line, kOut, "table 0",
                                                     down("CHECK failed on service : " + words + " [10.0.0.11]:80"),
                                                     good, kIn, "table 0", up("CHECK succeed on service")});
}

TEST_CASE("only SMTP_CHECK has retries in its very first run, and extra tries in every round while it is down") {
    Bench bench;
    bench.start(service({checked_by(Type::Smtp, 2), server("10.0.0.12")}));
    for (int tries = 0; tries < 2; ++tries) {
        bench.tick();
        CHECK(bench.finish(failing("x")) == Lines{});
    }
    CHECK(bench.due() == 3);  // after 1 s of delay_before_retry twice
    bench.tick();
    CHECK(bench.finish(failing("x"))[0] == "SMTP_CHECK x [10.0.0.11]:80");
    CHECK(bench.due() == 9);  // delay_loop
    bench.tick();
    CHECK(bench.finish(failing("x")) == Lines{});
    CHECK(bench.due() == 10);
    bench.tick();
    bench.finish(failing("x"));
    CHECK(bench.due() == 11);
    bench.tick();
    CHECK(bench.finish(failing("x")) == Lines{});
    CHECK(bench.due() == 17);

    Bench other;
    other.start(service({checked_by(Type::Udp, 2), server("10.0.0.12")}));
    other.tick();
    CHECK(other.finish(failing())[0] == "UDP_CHECK on service " + kRs + " failed.");
}

TEST_CASE("an alpha SMTP_CHECK that fails is reported once, after its retries") {
    // effect: virtual_server/real_server/SMTP_CHECK: alpha
    auto one = checked_by(Type::Smtp, 1);
    one.checkers[0].alpha = true;
    Bench bench;
    bench.start(service({one, server("10.0.0.12")}));
    bench.tick();
    CHECK(bench.finish(failing("x")) == Lines{});
    bench.tick();
    CHECK(bench.finish(failing("x")) ==
          Lines{"SMTP_CHECK x [10.0.0.11]:80",
                "RS " + kRs + " " + kVs + " DOWN: CHECK failed on service : x [10.0.0.11]:80"});
    for (int tries = 0; tries < 4; ++tries) {
        bench.tick();
        CHECK(bench.finish(failing("x")) == Lines{});
    }
}

TEST_CASE("an alpha check counts as failed until it has passed once") {
    // effect: virtual_server/real_server/UDP_CHECK: alpha
    // effect: virtual_server/real_server/PING_CHECK: alpha
    // effect: virtual_server/real_server/DNS_CHECK: alpha
    // effect: virtual_server/real_server/MISC_CHECK: alpha
    for (const Type type : {Type::Udp, Type::Ping, Type::Dns, Type::Misc}) {
        CAPTURE(keyword_of(type));
        auto one = checked_by(type);
        if (type == Type::Misc) one.checkers[0].misc_path.edit().argv = {"/etc/check"};
        one.checkers[0].alpha = true;
        Bench bench;
        bench.start(service({one, server("10.0.0.12")}));
        CHECK(bench.judge.desired(0).at(0).destinations.size() == 1);
        bench.tick();
        bench.finish(passing());
        CHECK(bench.judge.desired(0).at(0).destinations.size() == 2);
    }
}

TEST_CASE("the first run comes within warmup, and the next ones every delay_loop") {
    // effect: virtual_server/real_server/UDP_CHECK: warmup delay_loop
    // effect: virtual_server/real_server/PING_CHECK: warmup delay_loop
    // effect: virtual_server/real_server/DNS_CHECK: warmup delay_loop
    // effect: virtual_server/real_server/SMTP_CHECK: warmup delay_loop
    // effect: virtual_server/real_server/MISC_CHECK: warmup delay_loop
    for (const Type type : {Type::Udp, Type::Ping, Type::Dns, Type::Smtp, Type::Misc}) {
        CAPTURE(keyword_of(type));
        auto one = checked_by(type);
        if (type == Type::Misc) one.checkers[0].misc_path.edit().argv = {"/etc/check"};
        one.checkers[0].warmup = Seconds{4};
        one.checkers[0].delay_loop = Seconds{7};
        Bench bench;
        bench.drawn = 100s;
        bench.start(service({one}));
        CHECK(bench.due() == 5);  // a second after the start, and what was drawn of the 4
        bench.tick();
        bench.finish(passing());
        CHECK(bench.due() == 12);
    }
}

TEST_CASE("a file's number is a weight: times the check's, else the block's, and 0 takes the server out") {
    // effect: virtual_server/real_server/FILE_CHECK: track_file weight
    Bench bench;
    auto one = following(Type::File, "load");
    CHECK(bench.start(service({one})).size() == 2);  // no timer is told of
    CHECK(bench.due() == -1);
    const auto reported = [&](std::int64_t number, FileRule rule = {}) {
        return text_of_intents(bench.judge.step(file_result(1, one, one.checkers[0], rule, number), bench.now()));
    };
    CHECK(reported(3) == Lines{"Changing weight from 10 to 13 for active service " + kRs + " of VS " + kVs, "table 0"});
    reported(3, {2, true});
    CHECK(weight_in_table(bench.judge) == 4);
    reported(1000, {2, true});
    CHECK(weight_in_table(bench.judge) == 0);
    reported(std::numeric_limits<std::int64_t>::max(), {2, false});
    CHECK(weight_in_table(bench.judge) == 2147483647);
    CHECK(reported(-2147483648LL)[0] == "(" + kRs + "): tracked file load now FAULT state");
    CHECK(bench.judge.desired(0).at(0).destinations.empty());
    CHECK(reported(0)[0] == "(" + kRs + "): tracked file load leaving FAULT state");
    CHECK(weight_in_table(bench.judge) == 10);

    one.checkers[0].more.edit().values.push_back({"weight", std::int64_t{5}});
    reported(2, {100, true});
    CHECK(weight_in_table(bench.judge) == 20);
    one.checkers[0].more.edit().values.push_back({"weight reverse", true});
    reported(1);
    CHECK(weight_in_table(bench.judge) == 5);
}

TEST_CASE("a file with weight 0 says up or down: any number but 0 is down, reversed only 0 is") {
    // effect: virtual_server/real_server/FILE_CHECK: weight
    Bench bench;
    const auto one = following(Type::File, "gone");
    bench.start(service({one, server("10.0.0.12")}));
    const auto reported = [&](std::int64_t number, FileRule rule) {
        return text_of_intents(bench.judge.step(file_result(1, one, one.checkers[0], rule, number), bench.now()));
    };
    CHECK(reported(0, {0, false}) == Lines{});
    CHECK(reported(1, {0, false}) == Lines{"(" + kRs + "): tracked file gone now FAULT state", kOut, "table 0",
                                           down("FILE CHECK gone failed on service")});
    CHECK(reported(7, {0, false}) == Lines{});
    CHECK(reported(1, {0, true}) == Lines{"(" + kRs + "): tracked file gone leaving FAULT state", kIn, "table 0",
                                          up("FILE CHECK gone succeeded on service")});
    CHECK(reported(0, {0, true}).size() == 4);
}

TEST_CASE("a server whose file is bad from the start never was up: nothing runs for it, nor for the quorum") {
    // keepalived 2.2.7: neither quorum_up, notify_down nor quorum_down
    Bench bench;
    bench.host.files = {{"gone", {0, false}, 1}};
    const auto one = following(Type::File, "gone");
    const Lines said = bench.start(service({one}));
    CHECK(said == Lines{kRs + " of VS " + kVs + " starts DOWN: the file says 1"});
    CHECK(in_table(bench.judge).empty());
    CHECK(text_of_intents(bench.judge.step(file_result(1, one, one.checkers[0], {0, false}, 1), bench.now())).empty());
    CHECK(text_of_intents(bench.judge.step(file_result(1, one, one.checkers[0], {0, false}, 0), bench.now())) ==
          Lines{"(" + kRs + "): tracked file gone leaving FAULT state", kIn, "table 0",
                up("FILE CHECK gone succeeded on service"), "Gained quorum 1+0=1 <= 10 for VS " + kVs,
                "VS " + kVs + " UP: Gained quorum 1+0=1 <= 10"});
}

TEST_CASE("the weight that a file asks for counts for the quorum of a start and of a reload") {
    Bench bench;
    bench.host.files = {{"load", {1, false}, -8}, {"more", {1, false}, -5}};
    auto web = service({following(Type::File, "load")});
    web.quorum = 5;
    CHECK(bench.start(web).empty());  // 10 - 8: it never had quorum
    CHECK(weight_in_table(bench.judge) == 2);
    web.real_servers[0] = following(Type::File, "more");
    CHECK(bench.reload(web) == Lines{"Changing weight from 2 to 5 for active service " + kRs + " of VS " + kVs,
                                     "Gained quorum 5+0=5 <= 5 for VS " + kVs,
                                     "VS " + kVs + " UP: Gained quorum 5+0=5 <= 5"});
    // another weight and another quorum at once: no quorum is lost in between
    web.real_servers[0].checkers[0].more.edit().values.push_back({"weight", std::int64_t{-1}});
    web.quorum = 10;
    CHECK(bench.reload(web) == Lines{"Changing weight from 5 to 15 for active service " + kRs + " of VS " + kVs});
    CHECK(bench.changed == 2);
}

TEST_CASE("a reload adds a server whose file is bad: it stays out, and nothing runs for it") {
    Bench bench;
    bench.host.files = {{"gone", {0, false}, 1}};
    bench.start(service({server("10.0.0.12", 10)}));
    CHECK(bench.reload(service({following(Type::File, "gone"), server("10.0.0.12", 10)})) ==
          Lines{kRs + " of VS " + kVs + " starts DOWN: the file says 1"});
    CHECK(in_table(bench.judge) == Lines{"10.0.0.12:80 10"});
    // a check more for a server that is down does not bring it up
    auto two = following(Type::File, "gone");
    two.checkers.push_back(two.checkers[0]);
    bench.reload(service({two, server("10.0.0.12", 10)}));
    CHECK(in_table(bench.judge) == Lines{"10.0.0.12:80 10"});
    CHECK(bench.changed == 2);
}

TEST_CASE("min_alive keeps a server whose file is bad from the start") {
    Bench bench;
    bench.host.files = {{"gone", {0, false}, 1}};
    auto other = following(Type::File, "gone");
    other.endpoint = at("10.0.0.12");
    const auto web = with(service({following(Type::File, "gone"), other}), "min_alive", std::int64_t{1});
    CHECK(bench.start(web).at(0) == "Keeping service [10.0.0.12]:tcp:80 in VS " + kVs +
                                        " though its checks fail: min_alive is 1 and 0 others are left");
    CHECK(in_table(bench.judge).size() == 1);
}

TEST_CASE("a BFD session that goes down takes the server out, without retries") {
    // effect: virtual_server/real_server/BFD_CHECK: name
    Bench bench;
    bench.start(service({following(Type::Bfd, "b1"), server("10.0.0.12")}));
    CHECK(bench.judge.followers(Type::Bfd, "b1") == std::vector<CheckerId>{1});
    CHECK(bench.judge.followers(Type::Bfd, "b2").empty());
    CHECK(bench.judge.followers(Type::File, "b1").empty());
    CHECK(bench.judge.desired(0).at(0).destinations.size() == 2);
    const auto reported = [&](bool is_up) {
        return text_of_intents(bench.judge.step(bfd_result(1, is_up), bench.now()));
    };
    CHECK(reported(false) ==
          Lines{"BFD check of [b1] RS(" + kRs + ") is DOWN", kOut, "table 0", down("BFD CHECK b1 failed on service")});
    CHECK(reported(false) == Lines{});
    CHECK(reported(true) ==
          Lines{"BFD check of [b1] RS(" + kRs + ") is UP", kIn, "table 0", up("BFD CHECK b1 succeeded on service")});
}

TEST_CASE("an alpha BFD_CHECK is down until the session has been up; alpha is nothing to a file") {
    // effect: virtual_server/real_server/BFD_CHECK: alpha
    auto session = following(Type::Bfd, "b1");
    session.checkers[0].alpha = true;
    Bench bench;
    bench.start(service({session, server("10.0.0.12")}));
    CHECK(bench.judge.desired(0).at(0).destinations.size() == 1);
    static_cast<void>(bench.judge.step(bfd_result(1, true), bench.now()));
    CHECK(bench.judge.desired(0).at(0).destinations.size() == 2);

    auto file = following(Type::File, "f");
    file.checkers[0].alpha = true;
    Bench other;
    other.start(service({file}));
    CHECK(other.judge.desired(0).at(0).destinations.size() == 1);
}

TEST_CASE("an agent's percentage is a part of the configured weight, never 0 unless it asks for that") {
    CHECK(part_of_weight(10, 75) == 8);
    CHECK(part_of_weight(10, 1) == 1);
    CHECK(part_of_weight(10, 0) == 0);
    CHECK(part_of_weight(0, 50) == 0);
    CHECK(part_of_weight(10, 200) == 20);
}

TEST_CASE("an agent's answer sets the weight until the next one, and its server goes with its reason") {
    // effect: virtual_server/real_server: AGENT_CHECK
    Bench bench;
    bench.start(service({checked_by(Type::Agent, 0), server("10.0.0.12")}));
    const auto answers = [&bench](std::optional<std::uint32_t> percent) {
        CheckFinished fact = passing();
        fact.weight_percent = percent;
        bench.tick();
        return bench.finish(fact);
    };
    CHECK(answers(50) == Lines{"Agent check of " + kRs + " success.",
                               "Changing weight from 10 to 5 for active service " + kRs + " of VS " + kVs, "table 0"});
    CHECK(weight_in_table(bench.judge) == 5);
    answers(0);
    CHECK(weight_in_table(bench.judge) == 0);
    answers(std::nullopt);
    CHECK(weight_in_table(bench.judge) == 10);
    answers(30);
    bench.tick();
    const Lines gone = bench.finish(failing({}, "the agent says down#disk full"));
    CHECK(gone.at(0) == "AGENT_CHECK on service " + kRs + " failed.");
    CHECK(gone.at(1) == kOut);
    CHECK(gone.back() == down("AGENT CHECK failed on service : the agent says down#disk full"));
    CHECK(answers(std::nullopt).back() == up("AGENT CHECK succeed on service"));
    CHECK(weight_in_table(bench.judge) == 10);
}

TEST_CASE("a reload that changes a weight keeps the agent's percentage of it, and weight 0 drains at once") {
    auto one = checked_by(Type::Agent, 0);
    Bench bench;
    bench.start(service({one, server("10.0.0.12")}));
    CheckFinished half = passing();
    half.weight_percent = 50;
    bench.tick();
    bench.finish(half);
    for (const auto& [configured, in_table] :
         std::vector<std::pair<std::int64_t, std::int64_t>>{{100, 50}, {0, 0}, {1, 1}, {30, 15}}) {
        CAPTURE(configured);
        one.weight = static_cast<decltype(one.weight)>(configured);
        bench.reload(service({one, server("10.0.0.12")}));
        CHECK(weight_in_table(bench.judge) == in_table);
    }
}

TEST_CASE("services that share an agent's answer each take their own part of their weight") {
    auto agent = checked_by(Type::Agent);
    agent.checkers[0].more.edit().values.push_back({"share_probe", true});
    config::Config config;
    config.virtual_servers = {service({agent}), service({agent})};
    config.virtual_servers[1].endpoint = at("10.0.0.2", 80);
    config.virtual_servers[1].real_servers[0].weight = 100;
    Bench bench;
    bench.start(std::move(config));
    CHECK(bench.tick().size() == 1);
    CheckFinished half = passing();
    half.weight_percent = 50;
    bench.finish(half);
    CHECK(bench.judge.desired(0).at(0).destinations.at(0).weight == 5);
    CHECK(bench.judge.desired(1).at(0).destinations.at(0).weight == 50);
}

TEST_CASE("a check that asks another question begins anew after a reload, one that asks the same goes on") {
    auto one = checked_by(Type::Dns, 0);
    one.checkers[0].more.edit().values.push_back({"name", config::WordList{"a.example.org"}});
    Bench bench;
    bench.start(service({one, server("10.0.0.12")}));
    bench.tick();
    bench.finish(failing("x"));
    one.checkers[0].delay_loop = Seconds{9};
    bench.reload(service({one, server("10.0.0.12")}));
    CHECK_FALSE(bench.judge.states()[0].servers[0].alive);
    one.checkers[0].more.edit().values[0].data = config::WordList{"b.example.org"};
    bench.reload(service({one, server("10.0.0.12")}));
    CHECK(bench.judge.states()[0].servers[0].alive);
}

TEST_CASE("only a web server's check says why it could not connect in a line of its own") {
    for (const Type type : {Type::Smtp, Type::Dns, Type::Tcp}) {
        CAPTURE(keyword_of(type));
        Bench bench;
        bench.start(service({checked_by(type, 0), server("10.0.0.12")}));
        bench.tick();
        CHECK(bench.finish(failing("Connection failed server")).size() == 4);
    }
}
