// What a receiver gets, literally.
#include "mainstay/alert/webhook.hpp"

#include <doctest/doctest.h>

namespace mainstay::alert {
namespace {

const HookSender kSender{.host_name = "lb1.example.com", .router_id = "LVS_1"};
constexpr WallTime kChangedAt{1'795'163'866'123'456};  // 2026-11-20T08:37:46.123456Z

Event instance(Transition transition, std::uint64_t number = 7, WallTime at = kChangedAt) {
    return {.kind = Event::Kind::Instance,
            .name = "VI_1",
            .transition = transition,
            .detail = "VRRP Instance is now in FAULT state",
            .reason = "script chk fails",
            .cause = Cause::Track,
            .priority = 100,
            .at = at,
            .number = number};
}
Event server(Transition transition, const std::string& detail) {
    return {.kind = Event::Kind::RealServer,
            .name = "[10.0.0.11]:tcp:80",
            .parent = "[10.0.0.10]:tcp:80",
            .transition = transition,
            .detail = detail,
            .at = kChangedAt,
            .number = 8};
}
std::vector<std::string> names(const std::vector<AlertChange>& changes) {
    std::vector<std::string> all;
    for (const auto& change : changes) all.push_back((change.firing ? "+" : "-") + change.name);
    return all;
}
using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("an event is one CloudEvent, with the same id each time") {
    const Post post = cloud_event_post(instance(Transition::Fault), kSender);

    CHECK(post.id == "vrrp.7.1795163866123456");
    CHECK(post.object == "instance VI_1");
    CHECK(post.content_type == "application/cloudevents+json; charset=utf-8");
    CHECK(post.body ==
          R"({"specversion":"1.0","id":"vrrp.7.1795163866123456","source":"//lb1.example.com/mainstay/vrrp",)"
          R"("type":"mainstay.instance.fault","subject":"VI_1","time":"2026-11-20T08:37:46.123456Z",)"
          R"("datacontenttype":"application/json","data":{"kind":"instance","name":"VI_1","parent":"",)"
          R"("transition":"FAULT","priority":100,"detail":"VRRP Instance is now in FAULT state",)"
          R"("at_unix_us":1795163866123456,"number":7,"host":"lb1.example.com","router_id":"LVS_1",)"
          R"("reason":"script chk fails","cause":"track"}})");
    CHECK(cloud_event_post(instance(Transition::Fault), kSender) == post);
    CHECK(cloud_event_post(instance(Transition::LowerPriorityHeard), kSender).body.find("master_rx_lower_pri") !=
          std::string::npos);
}

TEST_CASE("an alert is what Alertmanager sends, and its fingerprint is the one of Alertmanager") {
    FiringAlerts firing;
    const Event down = server(Transition::Down, "TCP CHECK failed on service");
    const auto post = alertmanager_post(down, alert_changes(down, firing, kSender), "oncall", kSender);

    REQUIRE(post);
    CHECK(post->id == "lvs.8.1795163866123456");
    CHECK(post->content_type == "application/json");
    CHECK(post->body ==
          R"({"receiver":"oncall","status":"firing","alerts":[{"status":"firing","labels":{)"
          R"("alertname":"MainstayServerDown","director":"lb1.example.com","kind":"server",)"
          R"("name":"[10.0.0.11]:tcp:80","router_id":"LVS_1","service":"[10.0.0.10]:tcp:80","severity":"warning"},)"
          R"("annotations":{"description":"TCP CHECK failed on service","state":"DOWN",)"
          R"("summary":"Server [10.0.0.11]:tcp:80 of [10.0.0.10]:tcp:80 is DOWN"},)"
          R"("startsAt":"2026-11-20T08:37:46.123456Z","endsAt":"0001-01-01T00:00:00Z","generatorURL":"",)"
          R"("fingerprint":"b00b244df60a2b40"}],)"
          R"("groupLabels":{"director":"lb1.example.com","kind":"server","name":"[10.0.0.11]:tcp:80",)"
          R"("router_id":"LVS_1","service":"[10.0.0.10]:tcp:80"},)"
          R"("commonLabels":{"alertname":"MainstayServerDown","director":"lb1.example.com","kind":"server",)"
          R"("name":"[10.0.0.11]:tcp:80","router_id":"LVS_1","service":"[10.0.0.10]:tcp:80","severity":"warning"},)"
          R"("commonAnnotations":{"description":"TCP CHECK failed on service","state":"DOWN",)"
          R"("summary":"Server [10.0.0.11]:tcp:80 of [10.0.0.10]:tcp:80 is DOWN"},)"
          R"("externalURL":"","version":"4","groupKey":"{}:{director=\"lb1.example.com\", kind=\"server\", )"
          R"(name=\"[10.0.0.11]:tcp:80\", router_id=\"LVS_1\", service=\"[10.0.0.10]:tcp:80\"}","truncatedAlerts":0})");
}

TEST_CASE("an alert of an instance has the cause and the reason of its change") {
    FiringAlerts firing;
    const Event fault = instance(Transition::Fault);
    CHECK(alertmanager_post(fault, alert_changes(fault, firing, kSender), "oncall", kSender)
              ->body.contains(R"("annotations":{"cause":"track","description":"VRRP Instance is now in FAULT state",)"
                              R"("reason":"script chk fails","state":"FAULT","summary":"Instance VI_1 is FAULT"})"));
}

TEST_CASE("a fingerprint is FNV-1a over the sorted labels, each followed by 255") {
    // The values of github.com/prometheus/common/model for the same labels.
    CHECK(fingerprint({}) == "cbf29ce484222325");
    CHECK(fingerprint({{"name", "garland, briggs"}, {"fear", "love is not enough"}}) == "507a62d79ee76c9a");
}

TEST_CASE("what began is resolved with its beginning, and under the same fingerprint") {
    FiringAlerts firing;
    const Event down = server(Transition::Down, "TCP CHECK failed on service");
    Event up = server(Transition::Up, "TCP CHECK succeed on service");
    up.at.unix_us += 60'000'000;
    up.number = 9;
    const auto first = alert_changes(down, firing, kSender), again = alert_changes(down, firing, kSender);
    const auto last = alert_changes(up, firing, kSender);

    CHECK(first == again);  // an event that comes twice begins nothing anew
    REQUIRE(last.size() == 1);
    CHECK(last[0] == AlertChange{"MainstayServerDown", "warning", false, kChangedAt, up.at, kSender});
    CHECK(alert_changes(up, firing, kSender).empty());
    const std::string body = alertmanager_post(up, last, "oncall", kSender)->body;
    const std::string before = alertmanager_post(down, first, "oncall", kSender)->body;
    const auto fingerprint_in = [](const std::string& text) { return text.substr(text.find("fingerprint"), 30); };
    CHECK(fingerprint_in(body) == fingerprint_in(before));
    CHECK(body.starts_with(R"({"receiver":"oncall","status":"resolved","alerts":[{"status":"resolved",)"));
    CHECK(body.find(R"("startsAt":"2026-11-20T08:37:46.123456Z","endsAt":"2026-11-20T08:38:46.123456Z")") !=
          std::string::npos);
}

TEST_CASE("an alert is resolved under the labels with which it fired, whatever the router is called since") {
    FiringAlerts firing;
    const HookSender renamed{"lb1.example.com", "LVS_2"};
    const Event down = server(Transition::Down, "TCP CHECK failed on service");
    const Event up = server(Transition::Up, "TCP CHECK succeed on service");
    const auto fired = alert_changes(down, firing, kSender);
    CHECK(alert_changes(down, firing, renamed) == fired);
    const auto resolved = alert_changes(up, firing, renamed);
    const auto post = alertmanager_post(up, resolved, "oncall", renamed);
    CHECK(post->body.find(R"("router_id":"LVS_1")") != std::string::npos);
    CHECK(post->body.find("LVS_2") == std::string::npos);
    const auto fingerprint_in = [](const std::string& text) { return text.substr(text.find("fingerprint"), 30); };
    CHECK(fingerprint_in(post->body) == fingerprint_in(alertmanager_post(down, fired, "oncall", kSender)->body));

    auto older = firing;  // a file of a version that did not note it
    (void)alert_changes(down, older, kSender);
    older.begin()->second.sender.reset();
    CHECK_FALSE(alert_changes(up, older, renamed).at(0).sender.has_value());
}

TEST_CASE("an instance that is still in the state that fired keeps its alert, and another state ends it") {
    FiringAlerts firing;
    (void)alert_changes(instance(Transition::Fault), firing, kSender);
    const auto closed_as = [&](Transition state) {
        std::string closed;
        for (const auto& event : closing_events(firing, [&](const FiringAlert&) { return std::optional{state}; }, {5}))
            for (const auto& change : alert_changes(event, firing, kSender))
                closed += (change.firing ? "+" : "-") + change.name + " " + event.detail + "\n";
        return closed;
    };
    CHECK(closed_as(Transition::Fault) == "");
    CHECK(
        closed_as(Transition::Master) ==
        "+MainstayMaster It changed while no webhook was told\n-MainstayFault It changed while no webhook was told\n");
    CHECK(closed_as(Transition::Master) == "");
    CHECK(closed_as(Transition::Backup) == "-MainstayMaster It changed while no webhook was told\n");
    CHECK(firing.empty());
}

TEST_CASE("an instance that becomes master ends its fault in the same body") {
    FiringAlerts firing;

    CHECK(names(alert_changes(instance(Transition::Backup), firing, kSender)).empty());
    CHECK(names(alert_changes(instance(Transition::Master), firing, kSender)) == Names{"+MainstayMaster"});
    CHECK(names(alert_changes(instance(Transition::MasterPriority), firing, kSender)).empty());
    CHECK(names(alert_changes(instance(Transition::Fault), firing, kSender)) ==
          Names{"+MainstayFault", "-MainstayMaster"});
    const auto changes = alert_changes(instance(Transition::Master), firing, kSender);
    CHECK(names(changes) == Names{"+MainstayMaster", "-MainstayFault"});
    CHECK(names(alert_changes(instance(Transition::Stop), firing, kSender)) == Names{"-MainstayMaster"});
    CHECK(firing.empty());
    const std::string body = alertmanager_post(instance(Transition::Master), changes, "r", kSender)->body;
    CHECK(body.starts_with(R"({"receiver":"r","status":"firing","alerts":[{"status":"firing",)"));
    CHECK(body.find(
              R"("commonLabels":{"director":"lb1.example.com","kind":"instance","name":"VI_1","router_id":"LVS_1"})") !=
          std::string::npos);
}

TEST_CASE("a server that is removed, or stopped with the daemon, is not reported as down") {
    FiringAlerts firing;

    CHECK(alert_changes(server(Transition::Down, "Removing"), firing, kSender).empty());
    CHECK(alert_changes(server(Transition::Down, "Shutting down"), firing, kSender).empty());
    CHECK(names(alert_changes(server(Transition::Down, "HTTP CHECK failed"), firing, kSender)) ==
          Names{"+MainstayServerDown"});
    CHECK(names(alert_changes(server(Transition::Down, "Removing"), firing, kSender)) == Names{"-MainstayServerDown"});
    Event quorum{
        .kind = Event::Kind::VirtualServer, .name = "s", .transition = Transition::Down, .detail = "Lost quorum"};
    CHECK(names(alert_changes(quorum, firing, kSender)) == Names{"+MainstayServiceDown"});
}

TEST_CASE("an alert that no event ends is ended by what is known of its object") {
    FiringAlerts firing;
    Event down = server(Transition::Down, "HTTP CHECK failed");
    (void)alert_changes(down, firing, kSender);
    down.name = "[10.0.0.12]:tcp:80";
    (void)alert_changes(down, firing, kSender);
    (void)alert_changes(instance(Transition::Fault), firing, kSender);
    const auto events =
        closing_events(firing,
                       [](const FiringAlert& alert) -> std::optional<Transition> {
                           if (alert.kind == Event::Kind::Instance) return std::nullopt;
                           return alert.name == "[10.0.0.12]:tcp:80" ? Transition::Up : Transition::Deleted;
                       },
                       {kChangedAt.unix_us + 5});

    REQUIRE(events.size() == 2);
    CHECK(events[0].name == "[10.0.0.11]:tcp:80");
    CHECK(events[0].transition == Transition::Deleted);
    CHECK(events[0].at.unix_us == kChangedAt.unix_us + 5);
    CHECK(events[1].transition == Transition::Up);
    CHECK(post_id(events[1]) == "lvs.0.1795163866123462");
    for (const auto& event : events)
        CHECK(names(alert_changes(event, firing, kSender)) == Names{"-MainstayServerDown"});
    CHECK(firing.size() == 1);
}

TEST_CASE("text from outside stays inside its JSON string") {
    Event event = instance(Transition::Fault);
    event.detail = "a\"b\r\nX-Evil: 1\xff";
    const std::string body = cloud_event_post(event, kSender).body;

    CHECK(body.find(R"("detail":"a\"b  X-Evil: 1)"
                    "\xEF\xBF\xBD") != std::string::npos);
    CHECK(body.find('\n') == std::string::npos);
}

TEST_CASE("a clock that is far off makes no broken time") {
    CHECK(cloud_event_post(instance(Transition::Fault, 1, {-5}), kSender).body.find("1970-01-01T00:00:00.000000Z") !=
          std::string::npos);
    CHECK(cloud_event_post(instance(Transition::Fault, 1, {INT64_MAX}), kSender).body.find("9999-12-31T23:59:59") !=
          std::string::npos);
}

TEST_CASE("an answer counts for the body, for the request, or for the receiver") {
    for (const int status : {200, 202, 204, 299}) CHECK(judge_answer(status) == HookVerdict::Delivered);
    for (const int status : {400, 413, 415, 422}) CHECK(judge_answer(status) == HookVerdict::Rejected);
    for (const int status : {408, 409, 425, 500}) CHECK(judge_answer(status) == HookVerdict::Deferred);
    for (const int status : {0, 199, 301, 302, 401, 403, 404, 405, 407, 410, 429, 501, 502, 503, 504})
        CHECK(judge_answer(status) == HookVerdict::NotReceiving);
}

}  // namespace mainstay::alert
