// What keepalived's rules say of first runs, retries, notifications and mails, kind by kind; and rise and fall.
#include <doctest/doctest.h>

#include "judge_harness.hpp"
#include "mainstay/lvs/judge.hpp"

using namespace mainstay;
using namespace mainstay::lvs;
using namespace mainstay::lvs::test;

namespace {

using Type = config::Checker::Type;

config::VirtualServer web_of(Type type, config::KeywordValues values = {}) {
    auto web = service({checked("10.0.0.11"), server("10.0.0.12")});
    auto& checker = web.real_servers[0].checkers[0];
    checker.type = type;
    checker.retry = 2;
    if (!values.empty()) checker.more.edit().values = std::move(values);
    return web;
}

config::Config with_global(config::VirtualServer web, std::string keyword) {
    config::Config config;
    config.virtual_servers.push_back(std::move(web));
    config.global.more.edit().values.push_back({std::move(keyword), true});
    return config;
}

CheckFinished failure(std::string words, Outcome outcome = Outcome::Failed) {
    CheckFinished fact{1, outcome, "because", 5ms, {}};
    fact.words = std::move(words);
    return fact;
}

}  // namespace

TEST_CASE("rs_init_notifies reports the servers that are put in at the start, before the quorum and without a mail") {
    // effect: global_defs: rs_init_notifies
    auto web = service({checked("10.0.0.11"), checked("10.0.0.12")});
    web.real_servers[1].checkers[0].alpha = true;  // not put in
    Bench bench;

    const Lines said = bench.start(with_global(web, "rs_init_notifies"));

    CHECK(said.at(0) == "RS " + kRs + " " + kVs + " UP: Starting");
    CHECK(said.at(1) == "Gained quorum 1+0=1 <= 1 for VS " + kVs);
    for (const auto& line : said) CHECK_FALSE(line.starts_with("RS [10.0.0.12]"));
}

TEST_CASE("rs_init_notifies reports a server that a reload adds, and none that was there") {
    Bench bench;
    bench.start(with_global(service({server("10.0.0.11")}), "rs_init_notifies"));
    auto web = service({server("10.0.0.11"), server("10.0.0.12")});

    CHECK(text_of_intents(bench.judge.reload(with_global(web, "rs_init_notifies"), bench.now())) ==
          Lines{"RS [10.0.0.12]:tcp:80 " + kVs + " UP: Starting"});
}

TEST_CASE("rs_init_notifies reports nothing anew after a crash of the role") {
    Memory memory{{{tcp_key("10.0.0.1"), ""}, {}, true, false, {{at("10.0.0.11", 80), true, {}, {}}}}};
    Bench bench;

    CHECK(bench.start(with_global(service({server("10.0.0.11")}), "rs_init_notifies"), memory).empty());
}

TEST_CASE("with no_checker_emails a mail goes out when the server changes, not when one more check does") {
    // effect: global_defs: no_checker_emails
    auto web = service({checked("10.0.0.11"), server("10.0.0.12")});
    web.real_servers[0].checkers.push_back(tcp_check(at("10.0.0.11", 443)));
    web.real_servers[0].checkers[1].warmup = 3s;
    Bench bench;
    bench.drawn = 5s;
    bench.start(with_global(web, "no_checker_emails"));

    CHECK(bench.run(Outcome::Failed).back() == "RS " + kRs + " " + kVs + " DOWN mail: TCP CHECK failed on service");
    CHECK(bench.run(Outcome::Failed) == Lines{"TCP_CHECK on service " + kRs + " failed."});
    CHECK(bench.run(Outcome::Passed) == Lines{"TCP connection to " + kRs + " success."});
    CHECK(bench.run(Outcome::Passed).back() == "RS " + kRs + " " + kVs + " UP mail: TCP CHECK succeed on service");
}

TEST_CASE("with rise 3 a server comes back after three successes in a row") {
    auto web = service({checked("10.0.0.11"), server("10.0.0.12")});
    web.real_servers[0].checkers[0].more.edit().values.push_back({"rise", std::int64_t{3}});
    Bench bench;
    bench.start(web);
    bench.run(Outcome::Failed);

    CHECK(bench.run(Outcome::Passed).empty());
    CHECK(bench.run(Outcome::Passed).empty());
    CHECK(bench.run(Outcome::Failed).empty());  // counted from the start again
    CHECK(bench.run(Outcome::Passed).empty());
    CHECK(bench.run(Outcome::Passed).empty());
    CHECK_FALSE(bench.judge.states()[0].servers[0].alive);
    CHECK(bench.run(Outcome::Passed).at(0) == "TCP connection to " + kRs + " success.");
    CHECK(bench.judge.states()[0].servers[0].alive);
}

TEST_CASE("with fall 2 a check fails after two rounds in a row, each with its retries; a success between clears them") {
    auto web = service({checked("10.0.0.11"), server("10.0.0.12")});
    web.real_servers[0].checkers[0].retry = 1;
    web.more.edit().values.push_back({"fall", std::int64_t{2}});  // the service's default
    Bench bench;
    bench.start(web);
    bench.run(Outcome::Passed);  // at 1, next at 7

    CHECK(bench.run(Outcome::Failed).empty());
    CHECK(bench.due() == doctest::Approx(10));  // its retry
    CHECK(bench.run(Outcome::Failed).empty());
    CHECK(bench.due() == doctest::Approx(16));  // the next round
    CHECK(bench.run(Outcome::Passed).empty());
    CHECK(bench.run(Outcome::Failed).empty());
    CHECK(bench.run(Outcome::Failed).empty());
    CHECK(bench.run(Outcome::Failed).empty());
    CHECK(bench.run(Outcome::Failed).at(0) == "TCP_CHECK on service " + kRs + " failed after 1 retries.");
}

TEST_CASE("SMTP_CHECK has its retries in its first run too, and in every round while it is down") {
    Bench bench;
    bench.start(web_of(Type::Smtp));
    bench.tick();
    CHECK(bench.finish(failure("Bad greeting banner from server")).empty());
    bench.tick();
    CHECK(bench.finish(failure("Bad greeting banner from server")).empty());
    bench.tick();
    CHECK(bench.finish(failure("Bad greeting banner from server")) ==
          Lines{"SMTP_CHECK Bad greeting banner from server [10.0.0.11]:80",
                "Removing service " + kRs + " from VS " + kVs, "table 0",
                "RS " + kRs + " " + kVs +
                    " DOWN mail: CHECK failed on service : Bad greeting banner from server [10.0.0.11]:80"});
    const double down = bench.due();
    bench.run(Outcome::Failed);
    CHECK(bench.due() == doctest::Approx(down + 3));
    bench.run(Outcome::Failed);
    CHECK(bench.due() == doctest::Approx(down + 6));
    bench.run(Outcome::Failed);
    CHECK(bench.due() == doctest::Approx(down + 12));
    CHECK(bench.run(Outcome::Passed).at(0) == "Remote SMTP server " + kRs + " succeed on service.");
}

TEST_CASE("each kind of check has keepalived's words for its failure, its success and their mails") {
    struct Words {
        Type type;
        config::KeywordValues values;
        std::string words, down, down_mail, up, up_mail;
    };
    const std::vector<Words> kinds{
        {Type::Tcp,
         {},
         "",
         "TCP_CHECK on service " + kRs + " failed.",
         "TCP CHECK failed on service",
         "TCP connection to " + kRs + " success.",
         "TCP CHECK succeed on service"},
        {Type::Http,
         {},
         "",
         "HTTP_CHECK on service " + kRs + " failed.",
         "CHECK failed on service : HTTP/SSL request failed",
         "Remote Web server " + kRs + " succeed on service.",
         "CHECK succeed on service"},
        {Type::Ssl,
         {},
         "",
         "SSL_CHECK on service " + kRs + " failed.",
         "CHECK failed on service : HTTP/SSL request failed",
         "Remote Web server " + kRs + " succeed on service.",
         "CHECK succeed on service"},
        {Type::Udp,
         {},
         "",
         "UDP_CHECK on service " + kRs + " failed.",
         "UDP CHECK failed on service",
         "UDP connection to " + kRs + " success.",
         "UDP CHECK succeed on service"},
        {Type::Ping,
         {},
         "",
         "ICMP CHECK on service " + kRs + " failed.",
         "ICMP CHECK failed on service",
         "ICMP connection to " + kRs + " success.",
         "ICMP CHECK succeed on service"},
        {Type::Dns,
         {},
         "read error occurred. (rcode = 3)",
         "DNS_CHECK (" + kRs + ") read error occurred. (rcode = 3)",
         "DNS_CHECK: failed on service",
         "Adding service " + kRs + " to VS " + kVs,  // nothing of the check
         "DNS_CHECK: succeed on service"},
        {Type::Bfd,
         {{"name", config::WordList{"peer"}}},
         "",
         "BFD check of [peer] RS(" + kRs + ") is DOWN",
         "BFD CHECK peer failed on service",
         "BFD check of [peer] RS(" + kRs + ") is UP",
         "BFD CHECK peer succeeded on service"},
    };
    for (const auto& kind : kinds) {
        CAPTURE(kind.down);
        Bench bench;
        bench.start(web_of(kind.type, kind.values));
        if (!bench.judge.deadline()) continue;  // not run by this version, or by events only
        bench.tick();
        const Lines down = bench.finish(failure(kind.words));
        CHECK(down.front() == kind.down);
        CHECK(down.back() == "RS " + kRs + " " + kVs + " DOWN mail: " + kind.down_mail);
        const Lines up = bench.run(Outcome::Passed);
        CHECK(up.front() == kind.up);
        CHECK(up.back() == "RS " + kRs + " " + kVs + " UP mail: " + kind.up_mail);
    }
}

TEST_CASE("each failing try of a check is reported in keepalived's words with log_all_failures") {
    struct Words {
        Type type;
        std::string words, line, last;
        Outcome outcome = Outcome::Failed;
    };
    const std::vector<Words> tries{
        {Type::Http, "Error connecting server", "Error connecting server " + kRs + ".",
         "HTTP_CHECK on service " + kRs + " failed after 2 retries."},
        {Type::Http, "Timeout connecting server", "Timeout connecting server " + kRs + ".", ""},
        {Type::Http, "Connection failed server", "Connection failed server " + kRs + ".", ""},
        {Type::Http, "HTTP status code error to server", "HTTP status code error to server " + kRs + ".", ""},
        {Type::Http, "MD5 digest error to server", "MD5 digest error to server " + kRs + ".", ""},
        {Type::Http, "Regex match failed server", "Regex match failed server " + kRs + ".", ""},
        {Type::Http, "Timeout HTTP read server", "Timeout HTTP read server " + kRs + ".", ""},
        {Type::Ssl, "SSL handshake/communication error connecting to server",
         "SSL handshake/communication error connecting to server " + kRs + ".",
         "SSL_CHECK on service " + kRs + " failed after 2 retries."},
        {Type::Smtp, "Connection timeout to server", "SMTP_CHECK Connection timeout to server [10.0.0.11]:80", ""},
        {Type::Smtp, "Could not connect to server", "SMTP_CHECK Could not connect to server [10.0.0.11]:80", ""},
        {Type::Smtp, "Bad HELO response from server", "SMTP_CHECK Bad HELO response from server [10.0.0.11]:80", ""},
        {Type::Smtp, "Read timeout from server", "SMTP_CHECK Read timeout from server [10.0.0.11]:80", ""},
        {Type::Dns, "read timeout from socket", "DNS_CHECK (" + kRs + ") read timeout from socket",
         "DNS_CHECK (" + kRs + ") read timeout from socket after 2 retries"},
        {Type::Ping, "", "ICMP connection to address " + kRs + " timeout.",
         "ICMP CHECK on service " + kRs + " of " + kVs + " failed after 2 retries.", Outcome::TimedOut},
        {Type::Udp, "", "UDP connection to " + kRs + " failed.",
         "UDP_CHECK on service " + kRs + " failed after 2 retries."},
    };
    for (const auto& one : tries) {
        CAPTURE(one.line);
        auto web = web_of(one.type);
        web.real_servers[0].checkers[0].log_all_failures = true;
        Bench bench;
        bench.start(web);
        bench.run(Outcome::Passed);
        bench.tick();
        CHECK(bench.finish(failure(one.words, one.outcome)) == Lines{one.line});
        bench.tick();
        bench.finish(failure(one.words, one.outcome));
        bench.tick();
        const Lines last = bench.finish(failure(one.words, one.outcome));
        CHECK(last.at(0) == one.line);
        if (!one.last.empty()) CHECK(last.at(1) == one.last);
    }
}

TEST_CASE("a web server that recovers is reported by the last that is asked of its URL") {
    auto web = web_of(Type::Http);
    auto& urls = web.real_servers[0].checkers[0].urls.edit();
    const auto recovers = [&](config::HttpUrl url) {
        url.path = "/x";
        urls = {url};
        Bench bench;
        bench.start(web);
        bench.run(Outcome::Failed);
        return bench.run(Outcome::Passed).at(0);
    };
    config::HttpUrl url;
    CHECK(recovers(url) == "HTTP status code success to " + kRs + " url(/x).");
    url.digest = "755f85c2723bb39381c7379a604160d8";
    CHECK(recovers(url) == "MD5 digest success to " + kRs + " url(/x).");
    url.more.edit().values.push_back({"regex", config::WordList{"ok"}});
    CHECK(recovers(url) == "Regex match success to " + kRs + " url(/x).");
}

TEST_CASE("an idle sorry server that stays in the table is enabled and disabled, not added and removed") {
    auto web = service({checked("10.0.0.11")});
    web.sorry_server = sorry("10.0.0.99");
    web.sorry_server->inhibit = true;
    Bench bench;
    bench.start(web);

    const Lines lost = bench.run(Outcome::Failed), gained = bench.run(Outcome::Passed);

    CHECK(lost.at(5) == "Enabling sorry server [10.0.0.99]:tcp:80 to VS " + kVs);
    CHECK(gained.at(5) == "Disabling sorry server [10.0.0.99]:tcp:80 from VS " + kVs);
}
