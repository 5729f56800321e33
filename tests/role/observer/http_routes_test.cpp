// The routes of the API with a made-up daemon behind them, and the description of the API that holds them.
#include "role/observer/http/api_routes.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "event_at.hpp"
#include "fake_mail_commands.hpp"
#include "mainstay/report/rate_history.hpp"
#include "role/observer/http/event_feed.hpp"
#include "role/observer/http/exchange.hpp"
#include "role/observer/http/router.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::http;
using nlohmann::json;

namespace {

struct Daemon {
    report::DaemonStatus status{.version = "0.1.0", .host_name = "lb1"};
    NeededRoles needs{.vrrp = true};
    History history{[] {}};
    std::vector<ipc::ServerQuestion> asked;
    role::test::FakeMailCommands mail, webhooks;
    std::vector<ipc::InstanceQuestion> instances_asked;
    OperatorReply answered{0, {}, "drained\n"};
    int traffic_wanted = 0;
    report::RateHistory rates;

    Router router() {
        webhooks.shown =
            R"({"enabled":true,"problem":"","now_unix_us":6,)"
            R"("receivers":[{"name":"a","queued":1,"sent":2,"failed":3,"dropped":4,"retries":5,"problem":""}],)"
            R"("waiting":[{"id":"a/1","state":"waiting","webhook":"a","object":"o","queued":"","queued_unix_us":1,)"
            R"("tries":0,"answer":"","next_try_s":null}],"failed":[]})";
        return Router{api_routes(
            {.status = [this] { return std::make_shared<const report::DaemonStatus>(status); },
             .needs = [this] { return needs; },
             .history = history,
             .ask =
                 [this](const ipc::OperatorQuestion& question, const auto& done) {
                     if (const auto* servers = std::get_if<ipc::ServerQuestion>(&question)) asked.push_back(*servers);
                     if (const auto* instances = std::get_if<ipc::InstanceQuestion>(&question))
                         instances_asked.push_back(*instances);
                     done(answered);
                 },
             .mail = &mail,
             .page_asset = [](std::string_view path) -> std::optional<PageAsset> {
                 if (path == "/") return PageAsset{path, "text/html; charset=utf-8", "<p>"};
                 if (path == "/page/js/a.js") return PageAsset{path, "text/javascript", "1"};
                 return std::nullopt;
             },
             .traffic_wanted = [this] { ++traffic_wanted; },
             .utc_offset_s = [] { return 0; },
             .rates = [this](std::string_view service, std::int64_t after) { return rates.to_json(service, after); },
             .ask_peer =
                 [this](const Done& done) {
                     Answer answer;
                     answer.body = report::status_json(status);
                     done(std::move(answer));
                 },
             .webhooks = &webhooks})};
    }
    Answer answer(Request request) {
        Answer got;
        router().answer(std::move(request), [&](Answer answer) { got = std::move(answer); });
        return got;
    }
    Answer get(const std::string& target, const std::string& accept = {}, const std::string& last_event_id = {}) {
        Request request;
        request.target = wire::http_target(target).value();
        request.accept = accept;
        request.last_event_id = last_event_id;
        request.caller = {"uid 0, pid 7", Rights::Read};
        return answer(std::move(request));
    }
    Answer post(const std::string& target, const std::string& body) {
        Request request;
        request.method = Method::Post;
        request.target = wire::http_target(target).value();
        request.content_type = "application/json";
        request.body = body;
        request.caller = {"ana from 192.0.2.7", Rights::Operate};
        return answer(std::move(request));
    }
    void publish(vrrp::State state) {
        vrrp::InstanceSnapshot one;
        one.name = "VI_1";
        one.state = state;
        one.effective_priority = 150;
        status.vrrp.emplace().router.instances = {one};
    }
};

json body_of(const Answer& answer) { return json::parse(answer.body); }

}  // namespace

TEST_CASE("the status is served whole and in parts, which agree") {
    Daemon d;
    d.publish(vrrp::State::Backup);
    const auto whole = d.get("/api/v1/status");
    CHECK(whole.status == 200);
    CHECK(whole.body == d.get("/status").body);
    CHECK(body_of(whole)["vrrp"] == body_of(d.get("/api/v1/status/vrrp")));
    CHECK(body_of(d.get("/api/v1/status/vrrp"))["instances"][0]["state"] == "BACKUP");
    CHECK(d.get("/api/v1/status/lvs").body == "null\n");
    CHECK(d.get("/api/v1/status/bfd").body == "null\n");
    CHECK(d.get("/api/v1/status/mail").status == 404);
}

TEST_CASE("traffic is read while somebody looks at it") {
    Daemon d;
    d.publish(vrrp::State::Backup);
    for (const char* target : {"/status", "/api/v1/status/vrrp", "/api/v1/events", "/metrics?scope=x"})
        static_cast<void>(d.get(target));
    CHECK(d.traffic_wanted == 0);
    static_cast<void>(d.get("/api/v1/status"));
    CHECK(d.get("/metrics", "*/*").content_type == "text/plain; version=0.0.4; charset=utf-8");
    CHECK(d.traffic_wanted == 2);
}

TEST_CASE("the reasons of a state are those of the name that is asked for") {
    Daemon d;
    d.publish(vrrp::State::Master);
    CHECK(body_of(d.get("/api/v1/why?name=VI_1"))["kind"] == "instance");
    const auto unknown = d.get("/api/v1/why?name=VI_2");
    CHECK(unknown.status == 404);
    CHECK(body_of(unknown)["nearest"] == "VI_1");
}

TEST_CASE("the rates of the last hours are those of all virtual servers, or of the one that is named") {
    Daemon d;
    report::LvsStatus lvs;
    lvs.services = {{.name = "[10.0.0.1]:tcp:80", .key = {}}};
    lvs.traffic.emplace(1)[0].stats.cps = 7;
    d.rates.add(lvs, {1'795'163'866'000'000});
    const auto cps = [&](const std::string& target) { return body_of(d.get(target))["connections_per_s"]; };
    CHECK(cps("/api/v1/history/rates") == json::array({7}));
    CHECK(cps("/api/v1/history/rates?service=%5B10.0.0.1%5D:tcp:80&after=1795163865") == json::array({7}));
    CHECK(cps("/api/v1/history/rates?after=1795163866") == json::array());
    CHECK(d.get("/api/v1/history/rates?service=x").status == 404);
    for (const char* after : {"x", "-1", "", "253402300800"})
        CHECK(d.get(std::string{"/api/v1/history/rates?after="} + after).status == 400);
}

TEST_CASE("alive is who answers, ready whose roles have published what they are") {
    Daemon d;
    CHECK(d.get("/livez").body == "{\"ok\":true}\n");
    CHECK(d.get("/healthz").status == 200);
    CHECK(d.get("/readyz").status == 503);
    CHECK(d.get("/readyz").body == "{\"ok\":false,\"waits_for\":[\"vrrp\"]}\n");
    d.publish(vrrp::State::Backup);
    CHECK(d.get("/readyz").status == 200);
    d.needs.lvs = true;
    CHECK(d.get("/readyz").body == "{\"ok\":false,\"waits_for\":[\"lvs\"]}\n");
    d.status.lvs.emplace();
    CHECK(d.get("/readyz").status == 200);
}

TEST_CASE("an instance is ready when it is the MASTER") {
    Daemon d;
    CHECK(d.get("/ready/vrrp/VI_1").status == 503);
    d.publish(vrrp::State::Backup);
    CHECK(d.get("/ready/vrrp/VI_1").status == 503);
    CHECK(d.get("/ready/vrrp/VI_1").body ==
          "{\"name\":\"VI_1\",\"state\":\"BACKUP\",\"priority\":150,\"since\":\"\",\"fault\":\"\"}\n");
    CHECK(d.get("/ready/vrrp/VI_2").status == 404);
    CHECK(d.get("/ready/vrrp/eth0%2FVI_2").body.find("there is no instance of this name") != std::string::npos);
    d.publish(vrrp::State::Master);
    CHECK(d.get("/ready/vrrp/VI_1").status == 200);
    CHECK(d.get("/ready/vrrp/VI%5F1").status == 200);
    d.publish(vrrp::State::Fault);
    CHECK(d.get("/ready/vrrp/VI_1").status == 503);
}

TEST_CASE("events are a list behind an id, in pieces") {
    Daemon d;
    CHECK(d.get("/api/v1/events").body == "[]\n");
    d.history.append("vrrp", {role::test::event_at(100), role::test::event_at(200), role::test::event_at(300)});
    const auto ids = [&](const std::string& target) {
        std::vector<int> list;
        for (const auto& event : body_of(d.get(target))) list.push_back(event["id"]);
        return list;
    };
    CHECK(ids("/api/v1/events") == std::vector<int>{100, 200, 300});
    CHECK(ids("/api/v1/events?after=100") == std::vector<int>{200, 300});
    CHECK(ids("/api/v1/events?after=0&limit=2") == std::vector<int>{100, 200});
    CHECK(ids("/api/v1/events?after=300").empty());
    CHECK(ids("/api/v1/events?last=2") == std::vector<int>{200, 300});
    CHECK(ids("/api/v1/events?last=7") == std::vector<int>{100, 200, 300});
    CHECK(ids("/api/v1/events?last=1000") == std::vector<int>{100, 200, 300});
    CHECK(ids("/api/v1/events?limit=1000") == std::vector<int>{100, 200, 300});
    CHECK(ids("/api/v1/events?last=1") == std::vector<int>{300});
    CHECK(ids("/api/v1/events?limit=1") == std::vector<int>{100});
    CHECK(d.get("/api/v1/events?after=150").fields ==
          std::vector<std::pair<std::string, std::string>>{{"Mainstay-Events-Lost", "0"}});
    CHECK(d.get("/api/v1/events?after=50").fields ==
          std::vector<std::pair<std::string, std::string>>{{"Mainstay-Events-Lost", "1"}});
    for (const char* target : {"?after=x", "?after=-1", "?limit=0", "?limit=1001", "?limit=x", "?limit=", "?last=0",
                               "?last=1001", "?last=x"})
        CHECK(d.get(std::string{"/api/v1/events"} + target).status == 400);
}

TEST_CASE("times of which events may be missing are listed") {
    Daemon d;
    CHECK(body_of(d.get("/api/v1/events/gaps")) == json::array());
    d.history.add_gap({{}, {200}, "events-00000001.log: it is damaged in 1 place"});
    d.history.add_gap({{300}, {400}, "7 events of the lvs process were overwritten"});
    CHECK(body_of(d.get("/api/v1/events/gaps")) ==
          json::parse(R"([{"why": "events-00000001.log: it is damaged in 1 place",
                           "after_unix_us": null, "before_unix_us": 200},
                          {"why": "7 events of the lvs process were overwritten",
                           "after_unix_us": 300, "before_unix_us": 400}])"));
}

TEST_CASE("the stream of events resumes behind the last one that the client has") {
    Daemon d;
    d.history.append("vrrp", {role::test::event_at(100), role::test::event_at(200)});
    const auto feed = [&](const std::string& target, const std::string& last) {
        const auto answer = d.get(target, "text/event-stream", last);
        REQUIRE(answer.feed);
        CHECK(answer.content_type == "text/event-stream");
        return answer.feed->next();
    };
    CHECK(feed("/api/v1/events", "").empty());  // from now on
    CHECK(feed("/api/v1/events?after=100", "").starts_with("id: 200\ndata: {"));
    CHECK(feed("/api/v1/events?after=0", "").starts_with("id: 100\n"));
    CHECK(feed("/api/v1/events?after=100", "200").empty());
    CHECK(feed("/api/v1/events", "50").starts_with("event: lost\ndata: {\"after\":50,\"first\":100}\n\nid: 100\n"));
    CHECK(d.get("/api/v1/events", "text/event-stream", "x").status == 400);
}

TEST_CASE("a stream gives each event once, in pieces of a hundred") {
    History history{[] {}};
    EventFeed feed{history, 0};
    CHECK(feed.next().empty());
    std::vector<Event> many;
    for (int i = 1; i <= 150; ++i) many.push_back(role::test::event_at(i));
    history.append("vrrp", many);
    const auto first = feed.next();
    CHECK(first.starts_with("id: 1\n"));
    CHECK(first.find("\nid: 100\n") != std::string::npos);
    CHECK(first.find("\nid: 101\n") == std::string::npos);
    CHECK(feed.next().starts_with("id: 101\n"));
    CHECK(feed.next().empty());
}

TEST_CASE("a follower learns of events that were forgotten before it had them") {
    History history{[] {}};
    history.append("vrrp", {role::test::event_at(1)});
    EventFeed feed{history, 1};
    history.append("vrrp", std::vector<Event>(kHistoryEntriesMax, role::test::event_at(2)));
    CHECK(feed.next().starts_with("event: lost\ndata: {\"after\":1,\"first\":2}\n\nid: 2\n"));
    CHECK(feed.next().starts_with("id: "));
}

TEST_CASE("a command for servers is asked as the caller, and its answer comes back") {
    Daemon d;
    const auto answer =
        d.post("/api/v1/servers/drain", "{\"servers\":\"10.0.0.1:80\",\"dry_run\":true,\"expire_persistence\":true}");
    CHECK(answer.status == 200);
    CHECK(answer.body == "{\"exit_code\":0,\"text\":\"drained\\n\"}\n");
    REQUIRE(d.asked.size() == 1);
    CHECK(d.asked[0].verb == 1);
    CHECK(d.asked[0].which == "10.0.0.1:80");
    CHECK(d.asked[0].dry_run);
    CHECK(d.asked[0].expire_persistence);
    CHECK(d.asked[0].weight == 0);
    CHECK(d.asked[0].by == "ana from 192.0.2.7");
    CHECK(d.asked[0].seconds == 0);
    CHECK(d.post("/api/v1/servers/weight", "{\"servers\":\"*\",\"weight\":7}").status == 200);
    CHECK(d.asked[1].weight == 7);
    CHECK(d.post("/api/v1/servers/disable", "{\"servers\":\"*\",\"for_s\":90,\"reason\":\"kernel\"}").status == 200);
    CHECK(d.asked[2].seconds == 90);
    CHECK(d.asked[2].reason == "kernel");
    d.answered = {2, "no server is called x", {}};
    const auto refused = d.post("/api/v1/servers/disable", "{\"servers\":\"x\"}");
    CHECK(refused.status == 409);
    CHECK(refused.body == "{\"error\":\"no server is called x\",\"hint\":\"nothing was changed\"}\n");
}

TEST_CASE("a command that cannot be meant is refused without asking") {
    Daemon d;
    CHECK(d.post("/api/v1/servers/show", "{\"servers\":\"*\"}").status == 404);
    CHECK(d.post("/api/v1/servers/kill", "{\"servers\":\"*\"}").status == 404);
    for (const char* body : {"", "{}", "[]", "{\"servers\":1}", "{\"servers\":\"\"}", "{\"servers\":\"*\",\"x\":1}",
                             "{\"servers\":\"*\",\"weight\":1}", "{\"servers\":\"*\",\"dry_run\":1}",
                             "{\"servers\":\"*\",\"for_s\":0}", "{\"servers\":\"*\",\"reason\":1}"})
        CHECK(d.post("/api/v1/servers/drain", body).status == 400);
    for (const char* body :
         {"{\"servers\":\"*\"}", "{\"servers\":\"*\",\"weight\":-1}", "{\"servers\":\"*\",\"weight\":2147483648}",
          "{\"servers\":\"*\",\"weight\":\"1\"}", "{\"servers\":\"*\",\"weight\":1,\"expire_persistence\":true}"})
        CHECK(d.post("/api/v1/servers/weight", body).status == 400);
    CHECK(d.asked.empty());
}

TEST_CASE("a command for instances is asked as the caller, and its answer comes back") {
    using Verb = ipc::InstanceQuestion::Verb;
    Daemon d;
    d.answered = {1, {}, "VI_1 would be handed over\n"};
    const auto answer = d.post("/api/v1/instances/failover", R"({"name":"VI_1","dry_run":true})");
    CHECK(answer.status == 200);
    CHECK(answer.body == "{\"exit_code\":1,\"text\":\"VI_1 would be handed over\\n\"}\n");
    CHECK(d.post("/api/v1/instances/failback", R"({"name":"G"})").status == 200);
    CHECK(d.post("/api/v1/maintenance/on", R"({"seconds":60,"reason":"update"})").status == 200);
    CHECK(d.post("/api/v1/maintenance/off", R"({"dry_run":true})").status == 200);
    REQUIRE(d.instances_asked.size() == 4);
    CHECK(d.instances_asked[0].verb == Verb::FailOver);
    CHECK(d.instances_asked[0].which == "VI_1");
    CHECK(d.instances_asked[0].dry_run);
    CHECK(d.instances_asked[0].by == "ana from 192.0.2.7");
    CHECK(d.instances_asked[1].verb == Verb::FailBack);
    CHECK_FALSE(d.instances_asked[1].dry_run);
    CHECK(d.instances_asked[2].verb == Verb::MaintenanceOn);
    CHECK(d.instances_asked[2].seconds == 60);
    CHECK(d.instances_asked[2].reason == "update");
    CHECK(d.instances_asked[3].verb == Verb::MaintenanceOff);
    d.answered = {2, "nothing to hand over", {}};
    CHECK(d.post("/api/v1/instances/failover", R"({"name":"VI_1"})").status == 409);
}

TEST_CASE("a command for instances that cannot be meant is refused without asking") {
    Daemon d;
    CHECK(d.post("/api/v1/instances/stop", R"({"name":"VI_1"})").status == 404);
    CHECK(d.post("/api/v1/maintenance/show", "{}").status == 404);
    for (const char* body : {"", "{}", R"({"name":""})", R"({"name":1})", R"({"name":"VI_1","seconds":1})",
                             R"({"name":"VI_1","dry_run":"yes"})", R"({"name":"VI_1","reason":"x"})"})
        CHECK(d.post("/api/v1/instances/failover", body).status == 400);
    const auto long_reason = R"({"reason":")" + std::string(257, 'x') + R"("})";
    for (const char* body :
         {"", R"({"name":"VI_1"})", R"({"seconds":-1})", R"({"seconds":"1"})", R"({"reason":1})", long_reason.c_str()})
        CHECK(d.post("/api/v1/maintenance/on", body).status == 400);
    for (const char* body : {R"({"seconds":1})", R"({"reason":"x"})"})
        CHECK(d.post("/api/v1/maintenance/off", body).status == 400);
    CHECK(d.instances_asked.empty());
}

TEST_CASE("without rights there is health and nothing else") {
    Daemon d;
    d.publish(vrrp::State::Master);
    const auto router = d.router();
    for (const auto& route : router.routes()) {
        CAPTURE(route.pattern);
        Request request;
        request.method = route.method;
        std::string path{route.pattern.substr(0, route.pattern.find_first_of("{*"))};
        if (path.size() != route.pattern.size()) path += "VI_1";
        request.target = wire::http_target(path).value();
        const bool is_health = path == "/livez" || path == "/healthz" || path == "/readyz";
        CHECK(d.answer(request).status == (is_health ? 200 : 403));
    }
    Request unknown;
    unknown.target.path = "/unknown";
    CHECK(d.answer(unknown).status == 403);  // what there is, is not told either
}

TEST_CASE("a caller gets who it is and whether it may change something") {
    Daemon d;
    const auto seen = body_of(d.get("/api/v1"));
    CHECK(seen["caller"] == "uid 0, pid 7");
    CHECK(seen["may_operate"] == false);
    CHECK(seen["paths"][0] == json{{"method", "GET"}, {"path", "/livez"}});
    Request request;
    request.target.path = "/api/v1";
    request.caller = {"ana", Rights::Operate};
    CHECK(body_of(d.answer(request))["may_operate"] == true);
}

TEST_CASE("the page's files are served from a table, and no other") {
    Daemon d;
    CHECK(d.get("/", "text/html").body == "<p>");
    CHECK(d.get("/").content_type == "text/html; charset=utf-8");
    CHECK(d.get("/page/js/a.js").body == "1");
    CHECK(d.get("/page/js/b.js").status == 404);
}

TEST_CASE("a pattern stands for one segment or for the rest") {
    std::string segment;
    CHECK(matches("/a/{x}", "/a/b", segment));
    CHECK(segment == "b");
    CHECK_FALSE(matches("/a/{x}", "/a/b/c", segment));
    CHECK_FALSE(matches("/a/{x}", "/a/", segment));
    CHECK_FALSE(matches("/a/{x}", "/a", segment));
    CHECK(matches("/page/*", "/page/a/b", segment));
    CHECK(segment == "a/b");
    CHECK_FALSE(matches("/a", "/a/b", segment));
}

// ---- docs/openapi.json

namespace {

json description() {
    std::ifstream file{OPENAPI_FILE};
    return json::parse(file);
}

// Whether the value has the members that the schema requires, of the types that it names.
void require_shape(const json& document, const json& schema, const json& value, const std::string& where) {
    CAPTURE(where);
    if (schema.contains("$ref")) {
        const auto name = schema["$ref"].get<std::string>().substr(std::string{"#/components/schemas/"}.size());
        return require_shape(document, document["components"]["schemas"].at(name), value, where + "/" + name);
    }
    if (!schema.contains("type")) return;
    const json types = schema["type"].is_array() ? schema["type"] : json::array({schema["type"]});
    bool fits = false;
    for (const auto& type : types)
        fits = fits || (type == "object" && value.is_object()) || (type == "array" && value.is_array()) ||
               (type == "string" && value.is_string()) || (type == "integer" && value.is_number_integer()) ||
               (type == "number" && value.is_number()) || (type == "boolean" && value.is_boolean()) ||
               (type == "null" && value.is_null());
    REQUIRE(fits);
    if (value.is_array())
        for (const auto& one : value) require_shape(document, schema.value("items", json::object()), one, where + "[]");
    if (!value.is_object()) return;
    for (const auto& name : schema.value("required", json::array()))
        CHECK_MESSAGE(value.contains(name.get<std::string>()), name.get<std::string>());
    const auto properties = schema.value("properties", json::object());
    for (const auto& [name, member] : value.items()) {
        CAPTURE(name);
        if (properties.contains(name))
            require_shape(document, properties[name], member, where + "." + name);
        else
            CHECK(schema.value("additionalProperties", true));
    }
}

}  // namespace

TEST_CASE("the description has each route of the server, and the server each path of the description") {
    Daemon d;
    std::set<std::string> served, described;
    const auto router = d.router();
    for (const auto& route : router.routes())
        served.insert((route.method == Method::Get ? "get " : "post ") + std::string{route.pattern});
    const auto document = description();
    CHECK(document["openapi"] == "3.1.0");
    for (const auto& [path, methods] : document["paths"].items())
        for (const auto& [method, operation] : methods.items()) {
            // A page's file and an instance's name may have slashes: * in the server's table.
            const bool rest = path == "/page/{file}" || path == "/ready/vrrp/{name}";
            described.insert(method + " " + (rest ? path.substr(0, path.find('{')) + "*" : path));
            CHECK(operation["responses"].size() >= 2);
        }
    CHECK(described == served);
}

TEST_CASE("answers have the shape that the description gives them") {
    Daemon d;
    d.publish(vrrp::State::Master);
    d.status.lvs.emplace().services = {{.name = "S", .key = {.protocol = 6}}};
    d.status.bfd.emplace();
    d.status.api.emplace().listeners = {{"127.0.0.1:9112", true, false, ""}};
    d.history.append("vrrp", {role::test::event_at(100)});
    const auto document = description();
    const auto schema_of = [&](const std::string& path, const char* method, const char* code) {
        return document["paths"][path][method]["responses"][code]["content"]["application/json"]["schema"];
    };
    for (const auto& [path, methods] : document["paths"].items()) {
        if (!methods.contains("get") || path == "/" || path.starts_with("/page") || path == "/metrics") continue;
        std::string target = path.substr(0, path.find('{'));
        if (target != path) target += "VI_1";
        if (path == "/api/v1/why") target += "?name=VI_1";
        const auto answer = d.get(target);
        CHECK(answer.status == 200);
        require_shape(document, schema_of(path, "get", "200"), body_of(answer), path);
    }
    const auto dropped = d.post("/api/v1/mail/drop", "{\"all\":true}");
    require_shape(document, schema_of("/api/v1/mail/{verb}", "post", "200"), body_of(dropped), "mail");
    const auto tested = d.post("/api/v1/mail/test", "{}");
    require_shape(document, schema_of("/api/v1/mail/test", "post", "200"), body_of(tested), "mail test");
    const auto done = d.post("/api/v1/servers/drain", "{\"servers\":\"*\"}");
    require_shape(document, schema_of("/api/v1/servers/{verb}", "post", "200"), body_of(done), "servers");
    const auto refused = d.post("/api/v1/servers/drain", "{}");
    require_shape(document, document["components"]["schemas"]["Refusal"], body_of(refused), "refusal");
}

TEST_CASE("each example of the description has the shape that it is an example of") {
    const auto document = description();
    std::size_t examples = 0;
    for (const auto& [name, schema] : document["components"]["schemas"].items())
        for (const auto& example : schema.value("examples", json::array())) {
            ++examples;
            require_shape(document, schema, example, name);
        }
    CHECK(examples >= 5);
    // The example of an event is what the daemon says of it.
    const auto event =
        json::parse(report::event_json({.id = 100, .source = "vrrp", .event = role::test::event_at(100)}));
    CHECK(document["components"]["schemas"]["Event"]["examples"][0] == event);
}
