// The routes of the API for mails, with made-up mails behind them.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "fake_mail_commands.hpp"
#include "role/observer/http/router.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::http;
using nlohmann::json;

namespace {

using Words = std::vector<std::string>;

struct Mails {
    role::test::FakeMailCommands desk, webhooks;

    Answer answer(Method method, const std::string& target, const std::string& body, Rights rights) {
        std::vector<Route> routes;
        add_mail_routes(routes, desk);
        add_webhook_routes(routes, webhooks);
        Request request;
        request.method = method;
        request.target = wire::http_target(target).value();
        request.content_type = "application/json";
        request.body = body;
        request.caller = {"uid 0, pid 7", rights};
        Answer got;
        Router{std::move(routes)}.answer(std::move(request), [&](Answer answer) { got = std::move(answer); });
        return got;
    }
    Answer get(const std::string& target) { return answer(Method::Get, target, "", Rights::Read); }
    Answer post(const std::string& target, const std::string& body, Rights rights = Rights::Mail) {
        return answer(Method::Post, target, body, rights);
    }
};

}  // namespace

TEST_CASE("who may read sees the queue and the last test") {
    Mails m;
    CHECK(json::parse(m.get("/api/v1/mail").body)["failed"][0]["id"] == "a");
    CHECK(json::parse(m.get("/api/v1/mail/test").body)["next"] == 1);
    CHECK(json::parse(m.get("/api/v1/mail/test?after=7").body)["next"] == 8);
    for (const char* wrong : {"", "x", "-1", "1x"})
        CHECK(m.get(std::string{"/api/v1/mail/test?after="} + wrong).status == 400);
}

TEST_CASE("mails are retried and dropped by their ids, or all of them, as the caller") {
    Mails m;
    CHECK(m.post("/api/v1/mail/retry", "{\"ids\":\"a  b\"}").body == "{\"text\":\"a: dropped\\n\"}\n");
    CHECK(m.post("/api/v1/mail/drop", "{\"all\":true}").status == 200);
    REQUIRE(m.desk.commands.size() == 2);
    CHECK(m.desk.commands[0].verb == QueueCommands::Verb::Retry);
    CHECK(m.desk.commands[0].ids == Words{"a", "b"});
    CHECK_FALSE(m.desk.commands[0].all);
    CHECK(m.desk.commands[0].by == "uid 0, pid 7");
    CHECK(m.desk.commands[1].verb == QueueCommands::Verb::Drop);
    CHECK(m.desk.commands[1].all);
    m.desk.problem = "no mail has the id x";
    const auto refused = m.post("/api/v1/mail/drop", "{\"ids\":\"x\"}");
    CHECK(refused.status == 409);
    CHECK(refused.body == "{\"error\":\"no mail has the id x\",\"hint\":\"nothing was changed\"}\n");
}

TEST_CASE("a command for mails that cannot be meant is refused") {
    Mails m;
    CHECK(m.post("/api/v1/mail/eat", "{\"all\":true}").status == 404);
    std::string many;
    for (std::size_t i = 0; i <= kMailsOfCommandMax; ++i) many += "a ";
    for (const std::string& body :
         {std::string{}, std::string{"{}"}, std::string{"[]"}, std::string{"{\"all\":false}"},
          std::string{"{\"ids\":\" \"}"}, std::string{"{\"ids\":\"a\",\"all\":true}"}, std::string{"{\"all\":1}"},
          std::string{"{\"ids\":7}"}, std::string{"{\"all\":true,\"x\":1}"}, "{\"ids\":\"" + many + "\"}"})
        CHECK(m.post("/api/v1/mail/drop", body).status == 400);
    CHECK(m.desk.commands.empty());
}

TEST_CASE("a test mail goes to the configured recipients or to those of the request") {
    Mails m;
    CHECK(json::parse(m.post("/api/v1/mail/test", "{}").body)["number"] == 1);
    CHECK(m.post("/api/v1/mail/test", "{\"to\":\"a@x b@x\"}").status == 200);
    CHECK(m.desk.tests == std::vector<Words>{{}, {"a@x", "b@x"}});
    CHECK(m.desk.tested_by == "uid 0, pid 7");
    for (const char* body : {"", "{\"to\":1}", "{\"cc\":\"a\"}"})
        CHECK(m.post("/api/v1/mail/test", body).status == 400);
    std::string many;
    for (std::size_t i = 0; i <= kTestRecipientsMax; ++i) many += "a ";
    CHECK(m.post("/api/v1/mail/test", "{\"to\":\"" + many + "\"}").status == 400);
    m.desk.problem = "another test";
    CHECK(m.post("/api/v1/mail/test", "{}").status == 409);
}

TEST_CASE("who may only read changes no mail") {
    Mails m;
    for (const char* target : {"/api/v1/mail/retry", "/api/v1/mail/drop", "/api/v1/mail/test"}) {
        const auto refused = m.post(target, "{\"all\":true}", Rights::Read);
        CHECK(refused.status == 403);
        CHECK(json::parse(refused.body)["hint"] ==
              "ask as root, or with the role operate; see mainstay.toml(5), [api]");
    }
    CHECK(m.desk.tests.empty());
    CHECK(m.desk.commands.empty());
    CHECK(m.post("/api/v1/mail/retry", "{\"all\":true}", Rights::Operate).status == 200);
}

TEST_CASE("events of webhooks have the same routes, with a desk of their own") {
    Mails m;
    CHECK(m.get("/api/v1/webhooks").status == 200);
    CHECK(m.post("/api/v1/webhooks/drop", R"({"ids":"ops/vrrp.1.2"})").status == 200);
    REQUIRE(m.webhooks.commands.size() == 1);
    CHECK(m.webhooks.commands[0].ids == Words{"ops/vrrp.1.2"});
    CHECK(m.desk.commands.empty());
    CHECK(m.post("/api/v1/webhooks/test", R"({"to":"ops"})").status == 200);
    REQUIRE(m.webhooks.tests.size() == 1);
    CHECK(m.webhooks.tests[0] == Words{"ops"});
    CHECK(m.post("/api/v1/webhooks/retry", R"({"all":true})", Rights::Read).status == 403);
    CHECK(json::parse(m.get("/api/v1/webhooks/test?after=7").body)["next"] == 8);
}
