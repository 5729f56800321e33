#include "mainstay/alert/trials.hpp"

#include <doctest/doctest.h>

namespace mainstay::alert {
namespace {

using Strings = std::vector<std::string>;

struct FakeHookTransport final : HookTransport {
    void post(const Webhook& webhook, const Post& post, std::function<void(HookAnswer)> end) override {
        names.push_back(webhook.name);
        posts.push_back(post);
        done = std::move(end);
    }
    void keep_connections(const Strings&) override {}
    void answer(HookAnswer answer) { std::exchange(done, nullptr)(std::move(answer)); }
    Strings names;
    std::vector<Post> posts;
    std::function<void(HookAnswer)> done;
};

Webhook webhook(const std::string& name, HookBody body = HookBody::CloudEvents, const std::string& problem = {}) {
    return {.name = name, .url = "https://x/secret", .ca_file = {}, .headers = {}, .body = body, .problem = problem};
}

}  // namespace

TEST_CASE("a marked event goes to each webhook in turn, and the answers are shown") {
    FakeHookTransport transport;
    HookTest test{transport};
    CHECK(test.progress(0).number == 0);
    CHECK_FALSE(test.progress(0).delivered);
    REQUIRE(test.start(
        {webhook("a"), webhook("c", HookBody::CloudEvents, "no headers"), webhook("b", HookBody::Alertmanager)},
        {"lb1", "R"}, {7}));
    CHECK(test.start({webhook("a")}, {"lb1", "R"}, {8}).error().code() == Errc::Limit);
    CHECK(test.progress(0).running);
    transport.answer({202, {}});
    transport.answer({0, "connection refused"});

    const auto end = test.progress(1);
    CHECK_FALSE(end.running);
    CHECK_FALSE(end.delivered);
    CHECK(end.outcome == "1 of 3 webhooks accepted it");
    CHECK(end.next == 5);
    CHECK(end.lines.at(0) == "< webhook a: HTTP status 202 (accepted)");
    CHECK(end.lines.at(1) == "* webhook c: nothing is sent: no headers");
    CHECK(end.lines.at(3) ==
          "< webhook b: connection refused (not accepted: while this is the answer all events wait "
          "and are retried)");
    CHECK(transport.names == Strings{"a", "b"});
    CHECK(transport.posts[0].id == "test.7");
    CHECK(transport.posts[0].body.contains(R"("type":"mainstay.test")"));
    CHECK(transport.posts[1].body.contains(R"("status":"resolved")"));
    CHECK(transport.posts[1].body.contains(R"("alertname":"MainstayTest")"));
}

TEST_CASE("a test is delivered if every webhook accepts it, and needs one") {
    FakeHookTransport transport;
    HookTest test{transport};
    CHECK(test.start({}, {}, {1}).error().text() == "no webhook is configured");
    REQUIRE(test.start({webhook("a")}, {"lb1", "R"}, {7}));
    transport.answer({200, {}});
    CHECK(test.progress(0).delivered);
    REQUIRE(test.start({webhook("a")}, {"lb1", "R"}, {8}));
    transport.answer({400, {}});
    CHECK(test.progress(9).lines.empty());
    CHECK(test.progress(0).number == 2);
    CHECK_FALSE(test.progress(0).delivered);
}

}  // namespace mainstay::alert
