// HTTP_GET in the judge: one URL per run, and its words.
#include <doctest/doctest.h>

#include <algorithm>

#include "judge_harness.hpp"
#include "mainstay/lvs/judge.hpp"

using namespace mainstay;
using namespace mainstay::lvs;
using namespace mainstay::lvs::test;

namespace {

config::RealServer server_with_urls(std::size_t urls) {
    auto one = checked("10.0.0.11");
    auto& checker = one.checkers[0];
    checker.type = config::Checker::Type::Http;
    checker.retry = 1;
    for (std::size_t i = 0; i < urls; ++i) checker.urls.edit().push_back({"/" + std::to_string(i), {}, {{}}, {}});
    return one;
}

CheckFinished fails() {
    CheckFinished fact{1, Outcome::Failed, "HTTP status code 404", 5ms, {}};
    fact.words = "HTTP status code error to server";
    return fact;
}

std::uint32_t url(const Bench& bench) { return bench.judge.states()[0].servers[0].checkers[0].url; }
std::string success(int n) { return fmt::format("HTTP status code success to {} url(/{}).", kRs, n); }

}  // namespace

TEST_CASE("a web server is judged in keepalived's words") {
    Bench bench;
    auto one = server_with_urls(1);
    one.checkers[0].log_all_failures = true;
    bench.start(service({one, server("10.0.0.12")}));

    CHECK(bench.run(Outcome::Passed) == Lines{"Remote Web server " + kRs + " succeed on service."});
    bench.tick();
    CHECK(bench.finish(fails()) == Lines{"HTTP status code error to server " + kRs + "."});
    bench.tick();
    CHECK(bench.finish(fails()) ==
          Lines{"HTTP status code error to server " + kRs + ".",
                "HTTP_CHECK on service " + kRs + " failed after 1 retries.",
                "Removing service " + kRs + " from VS " + kVs, "table 0",
                "RS " + kRs + " " + kVs + " DOWN mail: CHECK failed on service : HTTP/SSL request failed"});
    CHECK(bench.run(Outcome::Passed) == Lines{success(0), "Remote Web server " + kRs + " succeed on service.",
                                              "Adding service " + kRs + " to VS " + kVs, "table 0",
                                              "RS " + kRs + " " + kVs + " UP mail: CHECK succeed on service"});
}

TEST_CASE("each run tests the next URL, a delay_loop later, and a failing one again") {
    Bench bench;
    bench.start(service({server_with_urls(3)}));

    CHECK(url(bench) == 0);
    bench.run(Outcome::Passed);
    CHECK(url(bench) == 1);
    CHECK(bench.due() == doctest::Approx(7));
    bench.run(Outcome::Failed);  // tolerated
    CHECK(url(bench) == 1);
    bench.run(Outcome::Passed);
    bench.run(Outcome::Passed);
    CHECK(url(bench) == 0);
}

TEST_CASE("a server that is down is tested with the URL that failed, then comes up after a full pass from the first") {
    Bench bench;
    bench.start(service({server_with_urls(2), server("10.0.0.12")}));
    bench.run(Outcome::Passed);
    bench.run(Outcome::Failed);
    bench.run(Outcome::Failed);  // URL 1 has failed for good
    bench.run(Outcome::Failed);
    CHECK(url(bench) == 1);

    CHECK(bench.run(Outcome::Passed) == Lines{success(1)});
    CHECK(url(bench) == 0);
    CHECK(bench.run(Outcome::Passed) == Lines{success(0)});
    CHECK_FALSE(bench.judge.states()[0].servers[0].alive);
    CHECK(bench.run(Outcome::Passed).at(1) == "Remote Web server " + kRs + " succeed on service.");
    CHECK(bench.judge.states()[0].servers[0].alive);
}

TEST_CASE("a server that starts in alpha comes up after its first full pass") {
    auto one = server_with_urls(2);
    one.checkers[0].alpha = true;
    Bench bench;
    bench.start(service({one}));

    CHECK(bench.run(Outcome::Passed) == Lines{success(0)});
    CHECK_FALSE(bench.judge.states()[0].servers[0].alive);
    bench.run(Outcome::Passed);
    CHECK(bench.judge.states()[0].servers[0].alive);
}

TEST_CASE("a down web server waits for the longer of delay_loop and delay_before_retry") {
    auto one = server_with_urls(1);
    one.checkers[0].delay_before_retry = 9s;
    Bench bench;
    bench.start(service({one}));
    bench.run(Outcome::Failed);  // the first run: down at once

    bench.run(Outcome::Failed);  // at 7
    CHECK(bench.due() == doctest::Approx(16));
}

TEST_CASE("a reload that changes the URLs asks another question: the pass begins anew") {
    Bench bench;
    bench.start(service({server_with_urls(3)}));
    bench.run(Outcome::Passed);
    bench.reload(service({server_with_urls(3)}));
    CHECK(url(bench) == 1);

    bench.reload(service({server_with_urls(1)}));

    CHECK(url(bench) == 0);
    CHECK(bench.judge.states()[0].servers[0].alive);
}

TEST_CASE("with fast_recovery the URLs of the first pass, and of the one that brings a server up, follow at once") {
    // effect: virtual_server/real_server/HTTP_GET: fast_recovery
    auto one = server_with_urls(3);
    one.checkers[0].more.edit().values.push_back({"fast_recovery", true});
    Bench bench;
    bench.start(service({one}));

    bench.run(Outcome::Passed);
    CHECK(bench.due() == doctest::Approx(1));
    bench.run(Outcome::Passed);
    CHECK(bench.due() == doctest::Approx(1));
    bench.run(Outcome::Passed);
    CHECK(bench.due() == doctest::Approx(7));  // the pass is over
    bench.run(Outcome::Passed);
    CHECK(bench.due() == doctest::Approx(13));

    bench.run(Outcome::Failed);
    bench.run(Outcome::Failed);  // URL 1 has failed for good
    const double failed_at = bench.due();
    bench.run(Outcome::Passed);
    CHECK(bench.due() == doctest::Approx(failed_at));
    for (int i = 0; i < 3; ++i) bench.run(Outcome::Passed);
    CHECK(bench.judge.states()[0].servers[0].alive);
    CHECK(bench.due() == doctest::Approx(failed_at + 6));
}

TEST_CASE("SSL_GET and GRPC_CHECK are judged in words of their own") {
    auto one = server_with_urls(1);
    one.checkers[0].type = config::Checker::Type::Ssl;
    Bench ssl;
    ssl.start(service({one}));
    CHECK(ssl.run(Outcome::Passed) == Lines{"Remote Web server " + kRs + " succeed on service."});
    ssl.run(Outcome::Failed);
    CHECK(ssl.run(Outcome::Failed).at(0) == "SSL_CHECK on service " + kRs + " failed after 1 retries.");

    one.checkers[0].type = config::Checker::Type::Grpc;
    Bench grpc;
    grpc.start(service({one}));
    CHECK(grpc.run(Outcome::Passed) == Lines{"gRPC health check of " + kRs + " success."});
    grpc.run(Outcome::Failed);
    const Lines down = grpc.run(Outcome::Failed);
    CHECK(down.at(0) == "GRPC_CHECK on service " + kRs + " failed after 1 retries.");
    CHECK(std::ranges::count(down, "RS " + kRs + " " + kVs + " DOWN mail: GRPC CHECK failed on service") == 1);
}

TEST_CASE("a URL that works again is reported by the last of its tests") {
    auto one = server_with_urls(3);
    one.checkers[0].alpha = true;
    one.checkers[0].urls.edit()[0].digest = "d41d8cd98f00b204e9800998ecf8427e";
    one.checkers[0].urls.edit()[1].more.edit().values.push_back({"regex", config::WordList{"ok"}});
    Bench bench;
    bench.start(service({one}));

    CHECK(bench.run(Outcome::Passed) == Lines{"MD5 digest success to " + kRs + " url(/0)."});
    CHECK(bench.run(Outcome::Passed) == Lines{"Regex match success to " + kRs + " url(/1)."});
    CHECK(bench.run(Outcome::Passed).at(0) == "HTTP status code success to " + kRs + " url(/2).");
}

TEST_CASE("why an HTTP check failed stands in the log beside keepalived's words, when it falls") {
    Bench bench;
    auto one = server_with_urls(1);
    one.checkers[0].retry = 0;
    bench.start(service({one, server("10.0.0.12")}));
    CheckFinished fact{1, Outcome::Failed, "connection reset by peer: 5 of 9 bytes of the answer have come", 5ms, {}};
    fact.words = "Connection failed server";

    bench.tick();
    CHECK(bench.finish(fact).at(1) ==
          "HTTP_GET " + kRs + ": connection reset by peer: 5 of 9 bytes of the answer have come");
    bench.tick();
    CHECK(bench.finish(fact) == Lines{});
}
