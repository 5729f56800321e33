// Whatever the API refuses: the status, what is wrong, and how to do better, in these words.
#include <doctest/doctest.h>

#include <boost/beast/http/error.hpp>
#include <nlohmann/json.hpp>

#include "fake_mail_commands.hpp"
#include "mainstay/base/overloaded.hpp"
#include "role/observer/http/api_routes.hpp"
#include "role/observer/http/connection.hpp"
#include "role/observer/http/router.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::http;

namespace {

struct Refused {
    unsigned status = 0;
    std::string error, hint;
    bool operator==(const Refused&) const = default;
};

std::string text_of(const Refused& refused) {
    return std::to_string(refused.status) + " " + refused.error + " | " + refused.hint;
}

std::string text_of(const Answer& answer) {
    const auto body = nlohmann::json::parse(answer.body, nullptr, false);
    if (!body.is_object() || !body.contains("error")) return std::to_string(answer.status) + " " + answer.body;
    return text_of(Refused{answer.status, body["error"], body["hint"]});
}

struct Api {
    History history{[] {}};
    role::test::FakeMailCommands mail;
    std::vector<ipc::ServerQuestion> servers;
    std::vector<ipc::InstanceQuestion> instances;
    std::vector<ipc::LogLevelQuestion> levels;

    Request get(const std::string& target) const {
        Request request;
        request.target = wire::http_target(target).value();
        request.caller = {"uid 0, pid 7", Rights::Read};
        return request;
    }
    Request post(const std::string& target, const std::string& body) const {
        Request request = get(target);
        request.method = Method::Post;
        request.content_type = "application/json";
        request.body = body;
        request.caller.rights = Rights::Operate;
        return request;
    }
    Answer answer(const Request& request) {
        const auto keep = [this](const ipc::OperatorQuestion& question, const auto& done) {
            std::visit(Overloaded{[&](const ipc::ServerQuestion& asked) { servers.push_back(asked); },
                                  [&](const ipc::InstanceQuestion& asked) { instances.push_back(asked); },
                                  [&](const ipc::LogLevelQuestion& asked) { levels.push_back(asked); }},
                       question);
            done(OperatorReply{0, {}, "done\n"});
        };
        const Router router{
            api_routes({.status = [] { return std::make_shared<const report::DaemonStatus>(); },
                        .needs = [] { return NeededRoles{}; },
                        .history = history,
                        .ask = keep,
                        .mail = &mail,
                        .page_asset = [](std::string_view) { return std::optional<PageAsset>{}; },
                        .traffic_wanted = [] {},
                        .utc_offset_s = [] { return 0; },
                        .rates = [](std::string_view, std::int64_t) { return std::optional<std::string>{}; },
                        .ask_peer = [](const Done& done) { done({}); }})};
        Answer got;
        router.answer(request, [&](Answer answer) { got = std::move(answer); });
        return got;
    }
    std::string get_text(const std::string& target) { return text_of(answer(get(target))); }
    std::string post_text(const std::string& target, const std::string& body) {
        return text_of(answer(post(target, body)));
    }
};

using BeastError = boost::beast::http::error;
using boost::beast::http::field;
using boost::beast::http::verb;

std::string header_text(const BeastRequest& message) {
    const auto read = request_of(message);
    const auto* no = std::get_if<Answer>(&read);
    return no == nullptr ? "taken" : text_of(*no);
}

std::string broken_text(BeastError why, bool has_target) {
    const auto answer = refusal_of(make_error_code(why), has_target);
    return answer ? text_of(*answer) : "silence";
}

}  // namespace

TEST_CASE("a header that is refused hears the bound or the rule that it broke") {
    CHECK(header_text({verb::get, "/" + std::string(2048, 'a'), 11}) ==
          "414 the target is too long | it may have 2048 bytes");
    CHECK(header_text({verb::get, "/", 12}) == "505 another version than HTTP/1.1 | use HTTP/1.1");
    CHECK(header_text({verb::put, "/", 11}) ==
          "405 another method than GET, HEAD and POST | reads are GET, changes are POST");
    BeastRequest twice{verb::get, "/", 11};
    for (int times = 0; times < 2; ++times) twice.insert(field::host, "a");
    CHECK(header_text(twice) == "400 a field that is there twice | send each field once");
    CHECK(header_text({verb::get, "/%4", 11})
              .ends_with(" | escape as %XX what is no letter, digit, '-', '.', '_' or '~'"));
    CHECK(header_text({verb::get, "/%4", 11}).starts_with("400 the target cannot be read: "));
    CHECK(broken_text(BeastError::body_limit, true) == "413 the body is too large | it may have 16384 bytes");
    CHECK(broken_text(BeastError::header_limit, false) == "414 the target is too long | it may have 2048 bytes");
    CHECK(broken_text(BeastError::buffer_overflow, true) == "431 the header is too large | it may have 8192 bytes");
    CHECK(broken_text(BeastError::bad_method, false) == "400 this is not an HTTP request | speak HTTP/1.1");
    CHECK(broken_text(BeastError::partial_message, true) == "silence");
}

TEST_CASE("a caller hears which right a route needs") {
    Api api;
    const auto with = [&](Request request, Rights rights) {
        request.caller.rights = rights;
        return text_of(api.answer(request));
    };
    const std::string nobody =
        "403 only root, the service account and members of its group may read this | ask as one of them";
    CHECK(with(api.get("/api/v1/status/vrrp"), Rights::Nothing) == nobody);
    CHECK(with(api.get("/no/such"), Rights::Nothing) == nobody);
    CHECK(with(api.post("/api/v1/loglevel", "{}"), Rights::Nothing) ==
          "403 this caller may read only | a change needs the role operate; see mainstay.toml(5), [api]");
    for (const Rights few : {Rights::Read, Rights::Mail})
        CHECK(with(api.post("/api/v1/servers/drain", "{}"), few) ==
              "403 this caller may read only | a change needs the role operate; see mainstay.toml(5), [api]");
    CHECK(with(api.post("/api/v1/mail/drop", "{}"), Rights::Read) ==
          "403 this caller may read only | ask as root, or with the role operate; see mainstay.toml(5), [api]");
    CHECK(with(api.post("/api/v1/mail/drop", "{\"all\":true}"), Rights::Mail) == "200 {\"text\":\"a: dropped\\n\"}\n");
    CHECK(api.servers.empty());
    CHECK(api.levels.empty());
}

TEST_CASE("a request of another kind than the route takes hears which it takes") {
    Api api;
    auto html = api.get("/api/v1/status/vrrp");
    html.accept = "text/html";
    CHECK(text_of(api.answer(html)) == "406 there is only application/json here | leave the Accept field out");
    html = api.get("/api/v1/events");
    html.accept = "text/html";
    CHECK(text_of(api.answer(html)) ==
          "406 there is only application/json, text/event-stream here | leave the Accept field out");
    auto with_body = api.get("/api/v1/status/vrrp");
    with_body.body = "{}";
    CHECK(text_of(api.answer(with_body)) == "400 a GET with a body | send parameters in the target");
    auto form = api.post("/api/v1/loglevel", "{}");
    form.content_type = "text/plain";
    CHECK(text_of(api.answer(form)) == "415 the body of a change is application/json | set the Content-Type field");
    const auto of_site = [&](const std::string& site, const std::string& origin) {
        auto request = api.post("/api/v1/loglevel", R"({"level":"debug"})");
        request.fetch_site = site;
        request.origin = origin;
        request.host = "lb1:8443";
        return text_of(api.answer(request));
    };
    const std::string stranger =
        "403 a change that a page of another site asks for | ask from a page of this host, or without a browser";
    const std::string done = "200 {\"exit_code\":0,\"text\":\"done\\n\"}\n";
    CHECK(of_site("cross-site", "") == stranger);
    CHECK(of_site("same-site", "https://lb1:8443") == stranger);
    CHECK(of_site("", "https://lb2:8443") == stranger);
    CHECK(of_site("", "null") == stranger);
    CHECK(of_site("none", "") == done);
    CHECK(of_site("same-origin", "https://lb1:8443") == done);
    CHECK(of_site("", "http://lb1:8443") == done);
    CHECK(api.levels.size() == 3);
    auto put_away = api.post("/api/v1/status/vrrp", "{}");
    CHECK(text_of(api.answer(put_away)) == "405 this path has another method | use GET, HEAD");
    CHECK(api.get_text("/api/v1/servers/drain") == "405 this path has another method | use POST");
    CHECK(api.get_text("/no/such") == "404 there is nothing at this path | GET /api/v1 lists the paths");
    CHECK(api.get_text("/page/no.js") == "404 there is no page here | GET /api/v1 lists the paths");
}

TEST_CASE("a question that cannot be answered hears what may be asked") {
    Api api;
    CHECK(api.get_text("/ready/vrrp/VI_1") == "503 the vrrp process has not published anything | ask again later");
    const std::string number = "400 the id of an event is a number | ";
    CHECK(api.get_text("/api/v1/events?after=x") == number + "leave it out to begin with the oldest");
    auto stream = api.get("/api/v1/events?after=x");
    stream.accept = "text/event-stream";
    CHECK(text_of(api.answer(stream)) == number + "leave it out to begin now");
    const std::string limit = "400 the limit is a number from 1 to 1000 | ask again after the last id of the answer";
    for (const char* wrong : {"limit=", "limit=0", "limit=1001", "limit=x", "last=3&limit=0"})
        CHECK(api.get_text(std::string{"/api/v1/events?"} + wrong) == limit);
    const std::string last = "400 last is a number from 1 to 1000 | ask for others with after and limit";
    for (const char* wrong : {"last=", "last=0", "last=1001", "last=-1"})
        CHECK(api.get_text(std::string{"/api/v1/events?"} + wrong) == last);
    for (const char* right : {"limit=1", "limit=1000", "last=1", "last=1000"})
        CHECK(api.get_text(std::string{"/api/v1/events?"} + right) == "200 []\n");
    CHECK(api.get_text("/metrics?scope=x").ends_with(" | /metrics?scope=services|servers&compat=...&format=..."));
    CHECK(api.get_text("/metrics?scope=x").starts_with("400 "));
    const std::string after = "400 after is a number of seconds since 1970 | leave it out to begin with the oldest";
    CHECK(api.get_text("/api/v1/history/rates?after=x") == after);
    CHECK(api.get_text("/api/v1/history/rates?after=253402300800") == after);
    const std::string none =
        "404 there are no rates of such a virtual server | the member services lists those that there are";
    CHECK(api.get_text("/api/v1/history/rates?after=253402300799") == none);
    CHECK(api.get_text("/api/v1/history/rates?service=x") == none);
    CHECK(api.get_text("/api/v1/mail/test?after=x") ==
          "400 after is the number of lines that are known | leave it out for all of them");
}

TEST_CASE("a command for servers that is refused hears which member is wrong, and reaches nobody") {
    Api api;
    CHECK(api.post_text("/api/v1/servers/stop", "{}") ==
          "404 there is no such command for servers | drain, disable, enable or weight");
    const std::string hint = R"( | {"servers": "[SERVICES/]SERVERS", "dry_run": false})";
    const auto unknown = [&](const std::string& name) {
        return "400 the member " + name + " is unknown here, or of another type" + hint;
    };
    CHECK(api.post_text("/api/v1/servers/drain", "{}") == "400 the member servers is missing" + hint);
    for (const auto& [command, name, value] : {std::tuple{"drain", "servers", "7"},
                                               {"drain", "weight", "1"},
                                               {"weight", "weight", "\"1\""},
                                               {"drain", "for_s", "0"},
                                               {"drain", "for_s", "-1"},
                                               {"drain", "for_s", "\"1\""},
                                               {"drain", "reason", "true"},
                                               {"drain", "dry_run", "1"},
                                               {"disable", "expire_persistence", "true"},
                                               {"drain", "expire_persistence", "1"},
                                               {"drain", "other", "1"}})
        CHECK(api.post_text(std::string{"/api/v1/servers/"} + command,
                            std::string{"{\""} + name + "\":" + value + "}") == unknown(name));
    const std::string weight = "400 the member weight is a number from 0 to 2147483647" + hint;
    CHECK(api.post_text("/api/v1/servers/weight", R"({"servers":"a"})") == weight);
    CHECK(api.post_text("/api/v1/servers/weight", R"({"servers":"a","weight":-1})") == weight);
    CHECK(api.post_text("/api/v1/servers/weight", R"({"servers":"a","weight":2147483648})") == weight);
    CHECK(api.servers.empty());
}

TEST_CASE("a command for servers carries each member of its body, and nothing else") {
    Api api;
    const std::string done = "200 {\"exit_code\":0,\"text\":\"done\\n\"}\n";
    CHECK(api.post_text("/api/v1/servers/weight", R"({"servers":"web/a","weight":2147483647,"for_s":1})") == done);
    CHECK(api.post_text("/api/v1/servers/weight", R"({"servers":"a","weight":0})") == done);
    CHECK(api.post_text("/api/v1/servers/drain",
                        R"({"servers":"b","reason":"disk","dry_run":true,"expire_persistence":true})") == done);
    REQUIRE(api.servers.size() == 3);
    const auto& heavy = api.servers[0];
    CHECK(heavy.which == "web/a");
    CHECK(heavy.weight == 2'147'483'647);
    CHECK(heavy.seconds == 1);
    CHECK(heavy.reason.empty());
    CHECK_FALSE(heavy.dry_run);
    CHECK_FALSE(heavy.expire_persistence);
    CHECK(heavy.by == "uid 0, pid 7");
    CHECK(api.servers[1].weight == 0);
    CHECK(api.servers[1].seconds == 0);
    const auto& drain = api.servers[2];
    CHECK(drain.weight == 0);
    CHECK(drain.reason == "disk");
    CHECK(drain.dry_run);
    CHECK(drain.expire_persistence);
}

TEST_CASE("a command for instances, maintenance or levels that is refused hears why, and reaches nobody") {
    Api api;
    const std::string instance = R"( | {"name": "INSTANCE", "dry_run": false})";
    const std::string maintenance = R"( | {"seconds": 3600, "reason": "TEXT", "dry_run": false})";
    const std::string level = R"( | {"module": "vrrp", "level": "debug"})";
    const auto unknown = [&](const std::string& name, const std::string& hint) {
        return "400 the member " + name + " is unknown here, or of another type" + hint;
    };
    CHECK(api.post_text("/api/v1/instances/stop", "{}") ==
          "404 there is no such command for instances | failover or failback");
    CHECK(api.post_text("/api/v1/maintenance/stop", "{}") ==
          "404 there is no such command for maintenance | on or off");
    for (const char* command : {"failover", "failback"}) {
        const std::string target = std::string{"/api/v1/instances/"} + command;
        CHECK(api.post_text(target, "{}") == "400 the member name is missing" + instance);
        CHECK(api.post_text(target, R"({"name":7})") == unknown("name", instance));
        CHECK(api.post_text(target, R"({"seconds":7})") == unknown("seconds", instance));
        CHECK(api.post_text(target, R"({"reason":"r"})") == unknown("reason", instance));
        CHECK(api.post_text(target, R"({"dry_run":"r"})") == unknown("dry_run", instance));
    }
    CHECK(api.post_text("/api/v1/maintenance/on", R"({"name":"VI_1"})") == unknown("name", maintenance));
    CHECK(api.post_text("/api/v1/maintenance/on", R"({"seconds":"1"})") == unknown("seconds", maintenance));
    CHECK(api.post_text("/api/v1/maintenance/on", R"({"reason":1})") == unknown("reason", maintenance));
    CHECK(api.post_text("/api/v1/maintenance/off", R"({"seconds":1})") == unknown("seconds", maintenance));
    CHECK(api.post_text("/api/v1/maintenance/off", R"({"reason":"r"})") == unknown("reason", maintenance));
    CHECK(api.post_text("/api/v1/maintenance/on", R"({"seconds":-1})") ==
          "400 the member seconds is a number from 0 on" + maintenance);
    CHECK(api.post_text("/api/v1/maintenance/on", R"({"reason":")" + std::string(257, 'r') + "\"}") ==
          "400 the member reason has at most 256 bytes" + maintenance);
    CHECK(api.post_text("/api/v1/loglevel", "{}") == "400 the member level is missing" + level);
    CHECK(api.post_text("/api/v1/loglevel", R"({"module":"vrrp"})") == "400 the member level is missing" + level);
    CHECK(api.post_text("/api/v1/loglevel", R"({"level":1})") == unknown("level", level));
    CHECK(api.post_text("/api/v1/loglevel", R"({"module":1})") == unknown("module", level));
    CHECK(api.post_text("/api/v1/loglevel", R"({"other":"a"})") == unknown("other", level));
    CHECK(api.instances.empty());
    CHECK(api.levels.empty());
}

TEST_CASE("a command for instances, maintenance or levels carries each member of its body") {
    Api api;
    using Verb = ipc::InstanceQuestion::Verb;
    const std::string reason(256, 'r');
    for (const auto& [target, body] : {std::pair<std::string, std::string>{"instances/failover", R"({"name":"VI_1"})"},
                                       {"instances/failback", R"({"name":"VI_2","dry_run":true})"},
                                       {"maintenance/on", R"({"seconds":0,"reason":")" + reason + "\"}"},
                                       {"maintenance/off", R"({"dry_run":true})"},
                                       {"loglevel", R"({"module":"lvs","level":"debug"})"}})
        CHECK(api.post_text("/api/v1/" + target, body) == "200 {\"exit_code\":0,\"text\":\"done\\n\"}\n");
    REQUIRE(api.instances.size() == 4);
    CHECK(api.instances[0].verb == Verb::FailOver);
    CHECK(api.instances[0].which == "VI_1");
    CHECK_FALSE(api.instances[0].dry_run);
    CHECK(api.instances[0].by == "uid 0, pid 7");
    CHECK(api.instances[1].verb == Verb::FailBack);
    CHECK(api.instances[1].which == "VI_2");
    CHECK(api.instances[1].dry_run);
    CHECK(api.instances[2].verb == Verb::MaintenanceOn);
    CHECK(api.instances[2].seconds == 0);
    CHECK(api.instances[2].reason == reason);
    CHECK(api.instances[3].verb == Verb::MaintenanceOff);
    CHECK(api.instances[3].dry_run);
    REQUIRE(api.levels.size() == 1);
    CHECK(api.levels[0].module == "lvs");
    CHECK(api.levels[0].level == "debug");
    CHECK(api.levels[0].by == "uid 0, pid 7");
}

TEST_CASE("a command for mails that is refused hears how the body is to be") {
    Api api;
    const std::string command = R"( | {"ids": "ID ID"} or {"all": true})";
    const std::string test = R"( | {"to": "RECIPIENT RECIPIENT"} or {})";
    CHECK(api.post_text("/api/v1/mail/keep", "{}") == "404 there is no such command | retry, drop or test");
    for (const char* both : {"{}", R"({"ids":"a","all":true})", R"({"ids":"","all":false})"})
        CHECK(api.post_text("/api/v1/mail/drop", both) == "400 either ids or all says which" + command);
    for (const auto& [name, value] : {std::pair{"ids", "1"}, {"all", "\"a\""}, {"other", "1"}})
        CHECK(api.post_text("/api/v1/mail/retry", std::string{"{\""} + name + "\":" + value + "}") ==
              std::string{"400 the member "} + name + " is unknown here, or of another type" + command);
    CHECK(api.post_text("/api/v1/mail/test", R"({"to":1})") ==
          "400 the member to is unknown here, or of another type" + test);
    CHECK(api.post_text("/api/v1/mail/test", R"({"from":"a@x"})") ==
          "400 the member from is unknown here, or of another type" + test);
    api.mail.problem = "a test is under way";
    CHECK(api.post_text("/api/v1/mail/test", "{}") == "409 a test is under way | nothing was sent");
    CHECK(api.post_text("/api/v1/mail/drop", R"({"all":true})") == "409 a test is under way | nothing was changed");
    CHECK(api.mail.tests.empty());
}

TEST_CASE("a test mail has at most twenty recipients") {
    Api api;
    const auto to = [](int recipients) {
        std::string words;
        for (int i = 0; i < recipients; ++i) words += "a@x ";
        return R"({"to":")" + words + "\"}";
    };
    CHECK(api.answer(api.post("/api/v1/mail/test", to(20))).status == 200);
    CHECK(api.post_text("/api/v1/mail/test", to(21)) ==
          R"(400 at most 20 recipients | {"to": "RECIPIENT RECIPIENT"} or {})");
    REQUIRE(api.mail.tests.size() == 1);
    CHECK(api.mail.tests[0].size() == 20);
}
