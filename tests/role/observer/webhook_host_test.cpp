// Webhooks as the observer has them: what receivers get, what operators are told, and how alerts end of which no event
// tells.
#include "role/observer/webhook_host.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "hook_receiver.hpp"
#include "observer_bench.hpp"
#include "role/observer/delivery_commands.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;
using namespace std::chrono_literals;
using nlohmann::json;
using Strings = std::vector<std::string>;
using Verb = http::QueueCommands::Verb;

namespace {

constexpr const char* kNone = "no webhook is configured: [[webhook]] of mainstay.toml names them";

Event event(const std::string& name, Transition transition = Transition::Master,
            Event::Kind kind = Event::Kind::Instance, const std::string& parent = {}) {
    static std::uint64_t number = 0;
    return {.kind = kind,
            .name = name,
            .parent = parent,
            .transition = transition,
            .detail = "x",
            .at = {1'795'163'866'000'000},
            .number = ++number};
}

struct Hooks {
    Folder folder;
    ObserverRuntime runtime;
    HookReceiver receiver{runtime.loop_};
    int woken = 0, lvs_read = 0;
    std::optional<report::VrrpStatus> vrrp;
    std::optional<report::LvsStatus> lvs;
    WebhookHost host{runtime, [this] { ++woken; }};
    WebhookCommands desk{runtime, host, [this] { ++woken; }};
    const boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{runtime.loop_.get_executor()};

    Hooks() {
        runtime.stands_at = Instant{1'000s};
        runtime.startup.spool_directory = folder / "spool";
        std::filesystem::create_directory(folder / "spool");
    }
    [[nodiscard]] ipc::Webhook to(const std::string& name) const {
        ipc::Webhook webhook;
        webhook.name = name;
        webhook.url = receiver.url();
        return webhook;
    }
    [[nodiscard]] ipc::Webhook held(const std::string& name) const {
        auto webhook = to(name);
        webhook.problem = "the file of headers is missing";
        return webhook;
    }
    void start(const std::vector<ipc::Webhook>& webhooks, const ipc::ObserverStatus& previous = {}) {
        runtime.startup.webhooks = {webhooks};
        REQUIRE(host.start(previous).has_value());
        tick();
    }
    void tick() {
        config::Global global;
        global.router_id = "R";
        host.tick(global, "lb1");
    }
    void until(const std::function<bool()>& holds) {
        const auto end = std::chrono::steady_clock::now() + 60s;
        while (!holds()) {
            REQUIRE(std::chrono::steady_clock::now() < end);
            host.pump();
            runtime.loop_.restart();
            runtime.loop_.run_for(2ms);
        }
    }
    // Until nothing waits that can be delivered; then "STATUS NAME STATE" of each alert that was.
    Strings delivered() {
        until([this] { return host.finished(); });
        Strings all;
        for (const auto& body : std::exchange(receiver.bodies, {})) {
            const auto posted = json::parse(body);
            for (const auto& alert : posted["alerts"])
                all.push_back(alert["status"].get<std::string>() + " " + alert["labels"]["name"].get<std::string>() +
                              " " + alert["annotations"]["state"].get<std::string>());
        }
        std::ranges::sort(all);
        return all;
    }
    void close_alerts(const config::Config& running, std::uint64_t generation) {
        host.close_alerts(running, generation,
                          {[this] { return vrrp; },
                           [this] {
                               ++lvs_read;
                               return lvs;
                           }});
    }
    json queue() { return json::parse(desk.queue_json()); }
};

config::Config running_with_services() {
    config::Config running;
    running.instances.emplace_back().name = "VI_1";
    running.sync_groups.emplace_back().name = "G";
    running.virtual_servers.emplace_back();
    return running;
}

report::VrrpStatus instances(vrrp::State state = vrrp::State::Master) {
    report::VrrpStatus status;
    status.generation = 7;
    status.router.instances.resize(1);
    status.router.instances[0].name = "VI_1";
    status.router.instances[0].state = state;
    status.router.groups = {{.name = "G", .state = state, .last_mailed = {}}};
    return status;
}

report::LvsStatus services() {
    report::LvsStatus lvs;
    lvs.generation = 7;
    lvs.services.resize(2);
    lvs.services[0].name = "S";
    lvs.services[0].servers.resize(1);
    lvs.services[0].servers[0].name = "one";
    lvs.services[0].servers[0].alive = false;
    lvs.services[1].name = "T";
    lvs.services[1].quorum_up = true;
    lvs.services[1].servers.resize(1);
    lvs.services[1].servers[0].name = "one";
    return lvs;
}

// An alert of each object, of which some are not there any more, and some are well.
std::vector<Event> everything_fires() {
    using enum Event::Kind;
    const auto down = Transition::Down;
    return {event("VI_1"),
            event("VI_2"),
            event("G", Transition::Master, Group),
            event("H", Transition::Master, Group),
            event("S", down, VirtualServer),
            event("T", down, VirtualServer),
            event("U", down, VirtualServer),
            event("one", down, RealServer, "S"),
            event("one", down, RealServer, "T"),
            event("two", down, RealServer, "T")};
}

}  // namespace

TEST_CASE("what mainstay.toml says of a webhook is how it is posted to") {
    Hooks b;
    ipc::Webhook one{.name = "ops",
                     .url = "https://x/",
                     .ca_file = "/ca.pem",
                     .cloud_events = true,
                     .kinds = 5,
                     .keep_seconds = 60,
                     .headers = {"A: b"},
                     .problem = "p"};
    ipc::Webhook other{.name = "plain", .url = {}, .ca_file = {}, .headers = {}, .problem = {}};
    b.start({one, other});
    const auto all = b.host.configured();
    REQUIRE(all.size() == 2);
    CHECK(all[0] == alert::Webhook{.name = "ops",
                                   .url = "https://x/",
                                   .ca_file = "/ca.pem",
                                   .headers = {"A: b"},
                                   .body = alert::HookBody::CloudEvents,
                                   .kinds = 5,
                                   .keep = Seconds{60},
                                   .problem = "p"});
    CHECK(all[1].body == alert::HookBody::Alertmanager);
    CHECK(b.host.sender() == alert::HookSender{"lb1", "R"});
    b.host.tick({}, "lb2");
    CHECK(b.host.sender() == alert::HookSender{"lb2", "lb2"});
}

TEST_CASE("without a webhook there is no folder, nothing is held up, and commands are refused with the reason") {
    Hooks b;
    b.start({});
    b.host.take({event("VI_1")});
    b.host.pump();
    b.close_alerts({}, 7);
    CHECK(b.host.finished());
    CHECK(b.host.all_saved());
    CHECK_FALSE(b.host.status().has_value());
    CHECK_FALSE(std::filesystem::exists(b.folder / "spool/webhooks"));
    ipc::ObserverStatus status;
    b.host.put_counters(status);
    CHECK(status.webhooks.empty());
    CHECK(b.queue() == json{{"enabled", false},
                            {"problem", ""},
                            {"now_unix_us", 1'795'163'866'000'000},
                            {"receivers", json::array()},
                            {"waiting", json::array()},
                            {"failed", json::array()}});
    CHECK(b.desk.change({.verb = Verb::Drop, .ids = {}, .all = true, .by = "ana"}).error().text() == kNone);
    CHECK(b.desk.start_test({}, "ana").error().text() == kNone);
    CHECK(json::parse(b.desk.test_json(0))["number"] == 0);
    CHECK(b.woken == 0);
}

TEST_CASE("a receiver gets an event, which then is counted on top of what earlier incarnations delivered") {
    Hooks b;
    const ipc::ObserverStatus before{.webhooks = {"gone", "ops"},
                                     .webhooks_sent = {100, 10},
                                     .webhooks_failed = {200, 20},
                                     .webhooks_dropped = {300, 30}};
    b.start({b.to("ops"), b.held("held")}, before);
    b.host.take({event("VI_1")});
    CHECK_FALSE(b.host.finished());
    CHECK(b.host.all_saved());
    CHECK(b.delivered() == Strings{"firing VI_1 MASTER"});
    CHECK(b.woken > 0);
    const auto status = b.host.status();
    REQUIRE(status.has_value());
    REQUIRE(status->receivers.size() == 2);
    CHECK(status->receivers[0].name == "ops");
    CHECK(status->receivers[0].sent == 11);
    CHECK(status->receivers[0].failed == 20);
    CHECK(status->receivers[0].dropped == 30);
    CHECK(status->receivers[1].sent == 0);
    CHECK(status->receivers[1].queued == 1);
    CHECK(status->receivers[1].problem == "the file of headers is missing");
    ipc::ObserverStatus next;
    b.host.put_counters(next);
    CHECK(next.webhooks == Strings{"ops", "held"});
    CHECK(next.webhooks_sent == std::vector<std::uint64_t>{11, 0});
    CHECK(next.webhooks_failed == std::vector<std::uint64_t>{20, 0});
    CHECK(next.webhooks_dropped == std::vector<std::uint64_t>{30, 0});
    b.host.settings({});  // mainstay.toml has none any more
    b.tick();
    CHECK_FALSE(b.host.status().has_value());
}

TEST_CASE("counters of an earlier incarnation that are not complete are taken over as far as they go") {
    for (int shorter = 0; shorter < 3; ++shorter) {
        Hooks b;
        ipc::ObserverStatus before{
            .webhooks = {"a", "b"}, .webhooks_sent = {1, 2}, .webhooks_failed = {1, 2}, .webhooks_dropped = {1, 2}};
        (shorter == 0   ? before.webhooks_sent
         : shorter == 1 ? before.webhooks_failed
                        : before.webhooks_dropped)
            .pop_back();
        b.start({b.held("a"), b.held("b")}, before);
        const auto status = b.host.status();
        REQUIRE(status->receivers.size() == 2);
        CHECK(status->receivers[0].sent == 1);
        CHECK(status->receivers[1].sent == 0);
    }
}

TEST_CASE("what was delivered before a restart is not posted again, and what waited is") {
    Hooks b;
    b.start({b.to("ops")});
    b.host.take({event("VI_1")});
    CHECK(b.delivered() == Strings{"firing VI_1 MASTER"});
    b.host.settings({{b.held("ops")}});
    b.tick();
    b.host.take({event("VI_2")});
    WebhookHost next{b.runtime, [] {}};
    b.runtime.startup.webhooks = {{b.held("ops")}};
    REQUIRE(next.start({}).has_value());
    next.tick({}, "lb1");
    const auto waiting = next.hooks()->queue(b.runtime.now());
    REQUIRE(waiting.size() == 1);
    CHECK(waiting[0].object == "instance VI_2");
}

TEST_CASE("alerts of objects that are gone or well end a quarter of a minute after the start or a reload") {
    Hooks b;
    b.start({b.to("ops")});
    b.host.take(everything_fires());
    CHECK(b.delivered().size() == 10);
    const auto running = running_with_services();
    b.close_alerts(running, 7);
    b.vrrp = instances();
    b.lvs = services();
    b.runtime.ahead = 14'999ms;
    b.close_alerts(running, 7);
    CHECK(b.lvs_read == 0);
    b.lvs->generation = 6;  // the role does not run this configuration yet
    b.runtime.ahead = 15s;
    b.close_alerts(running, 7);
    CHECK(b.lvs_read == 1);
    CHECK(b.delivered().empty());
    b.lvs->generation = 7;
    b.close_alerts(running, 7);
    CHECK(b.delivered() == Strings{"resolved H DELETED", "resolved T UP", "resolved U DELETED", "resolved VI_2 DELETED",
                                   "resolved one UP", "resolved two DELETED"});
    b.close_alerts(running, 7);
    CHECK(b.lvs_read == 2);  // once for each configuration

    b.close_alerts({}, 8);  // nothing of it is there any more
    CHECK(b.delivered().empty());
    b.runtime.ahead = 30s;
    b.close_alerts({}, 8);
    CHECK(b.delivered() ==
          Strings{"resolved G DELETED", "resolved S DELETED", "resolved VI_1 DELETED", "resolved one DELETED"});
    CHECK(b.lvs_read == 2);  // there is no virtual server
}

TEST_CASE("an alert of an instance ends when it is in another state, of which no webhook was told") {
    Hooks b;
    b.start({b.to("ops")});
    b.host.take({event("VI_1", Transition::Fault), event("G", Transition::Fault, Event::Kind::Group)});
    CHECK(b.delivered().size() == 2);
    auto running = running_with_services();
    running.virtual_servers.clear();
    const auto closed = [&](std::uint64_t generation, std::optional<report::VrrpStatus> state) {
        b.vrrp = std::move(state);
        b.close_alerts(running, generation);
        b.runtime.ahead += 15s;
        b.close_alerts(running, generation);
        return b.delivered();
    };
    b.close_alerts(running, 7);
    CHECK(closed(7, instances(vrrp::State::Init)).empty());
    CHECK(closed(8, instances(vrrp::State::Backup)).empty());  // of the configuration before
    auto backup = instances(vrrp::State::Backup);
    backup.generation = 8;
    CHECK(closed(8, backup) == Strings{"resolved G BACKUP", "resolved VI_1 BACKUP"});
}

TEST_CASE("after 75 seconds without the state of the servers the other alerts end, and theirs stay") {
    Hooks b;
    b.start({b.to("ops")});
    b.host.take(everything_fires());
    CHECK(b.delivered().size() == 10);
    b.close_alerts(running_with_services(), 7);
    b.runtime.ahead = 74'999ms;
    b.close_alerts(running_with_services(), 7);
    CHECK(b.delivered().empty());
    b.runtime.ahead = 75s;
    b.close_alerts(running_with_services(), 7);
    CHECK(b.delivered() == Strings{"resolved H DELETED", "resolved VI_2 DELETED"});
    b.runtime.ahead = 200s;
    b.close_alerts(running_with_services(), 7);
    CHECK(b.delivered().empty());
}

TEST_CASE("an alert that began in the last ten seconds does not end, and without any the state is not read") {
    Hooks b;
    b.start({b.to("ops")});
    b.close_alerts(running_with_services(), 7);
    b.runtime.ahead = 20s;
    b.close_alerts(running_with_services(), 7);
    CHECK(b.lvs_read == 0);

    auto young = event("VI_2"), old = event("VI_3");
    young.at = {1'795'163'866'000'000 + 30'000'001};
    old.at = {1'795'163'866'000'000 + 30'000'000};
    b.host.take({young, old});
    CHECK(b.delivered().size() == 2);
    config::Config none;
    b.close_alerts(none, 8);
    b.runtime.ahead = 40s;
    b.close_alerts(none, 8);
    CHECK(b.delivered() == Strings{"resolved VI_3 DELETED"});
}

TEST_CASE("a spool of webhooks that cannot be opened is reported, and events are kept in memory") {
    Hooks b;
    std::ofstream{b.folder / "spool/webhooks"} << "a file, not a folder";
    b.start({b.held("ops")});
    b.host.take({event("VI_1")});
    CHECK_FALSE(b.host.all_saved());
    CHECK(b.host.status()->unsaved == 1);
    CHECK_FALSE(b.host.status()->disk_problem.empty());
    CHECK(b.queue()["problem"] == b.host.status()->disk_problem);
    CHECK(b.queue()["waiting"].size() == 1);
    std::filesystem::remove(b.folder / "spool/webhooks");
    b.tick();
    CHECK(b.host.all_saved());
    CHECK(b.queue()["problem"] == "");
}

TEST_CASE("the queue of webhooks has what waits, apart from it what has failed, and each receiver's numbers") {
    Hooks b;
    b.start({b.held("ops")});
    b.host.take({event("VI_1")});
    auto queue = b.queue();
    CHECK(queue["enabled"] == true);
    CHECK(queue["failed"].empty());
    REQUIRE(queue["waiting"].size() == 1);
    const auto& post = queue["waiting"][0];
    CHECK(post["id"].get<std::string>().starts_with("ops/vrrp."));
    CHECK(post["state"] == "waiting");
    CHECK(post["webhook"] == "ops");
    CHECK(post["object"] == "instance VI_1");
    CHECK(post["queued"] == "2026-11-20T08:37:46Z");
    CHECK(post["queued_unix_us"] == 1'795'163'866'000'000);
    CHECK(post["tries"] == 0);
    CHECK(queue["receivers"] == json::array({{{"name", "ops"},
                                              {"queued", 1},
                                              {"sent", 0},
                                              {"failed", 0},
                                              {"dropped", 0},
                                              {"retries", 0},
                                              {"problem", "the file of headers is missing"}}}));
    b.host.settings({{b.to("ops")}});
    b.tick();
    b.receiver.status = "503 Busy";
    b.host.pump();
    CHECK(b.queue()["waiting"][0]["state"] == "sending");
    b.until([&] { return b.host.status()->receivers[0].retries == 1; });
    CHECK(b.queue()["waiting"][0]["next_try_s"] == 5);
    CHECK(b.queue()["waiting"][0]["answer"] == "HTTP status 503");
    CHECK(b.queue()["receivers"][0]["retries"] == 1);
    b.receiver.status = "400 Bad Request";
    b.runtime.ahead = 5s;
    b.until([&] { return b.host.status()->receivers[0].failed == 1; });
    queue = b.queue();
    CHECK(queue["now_unix_us"] == 1'795'163'871'000'000);
    CHECK(queue["waiting"].empty());
    REQUIRE(queue["failed"].size() == 1);
    CHECK(queue["failed"][0]["state"] == "failed");
    CHECK(queue["failed"][0]["next_try_s"].is_null());
}

TEST_CASE("events of webhooks are retried and dropped with a line for each, or that there is none") {
    Hooks b;
    b.start({b.held("ops")});
    const auto all = [&b](Verb verb) {
        return b.desk.change({.verb = verb, .ids = {}, .all = true, .by = "ana"}).value();
    };
    CHECK(all(Verb::Retry) == "no event waits or has failed\n");
    CHECK(b.woken == 1);
    b.host.take({event("VI_1"), event("VI_2")});
    const std::string id = b.queue()["waiting"][0]["id"], other = b.queue()["waiting"][1]["id"];
    CHECK(all(Verb::Retry).starts_with(id + ": "));
    CHECK(b.queue()["waiting"].size() == 2);
    CHECK(b.desk.change({.verb = Verb::Drop, .ids = {id}, .all = false, .by = "ana"}).value().starts_with(id + ": "));
    REQUIRE(b.queue()["waiting"].size() == 1);
    CHECK(b.queue()["waiting"][0]["id"] == other);
    CHECK(b.woken == 3);
    CHECK(b.runtime.log_.has("by ana"));
    CHECK_FALSE(b.desk.change({.verb = Verb::Drop, .ids = {"x"}, .all = false, .by = "ana"}).has_value());
    CHECK(b.woken == 3);
}

TEST_CASE("a test event goes to the webhooks that are named, or to all, and is logged with who asked for it") {
    Hooks b;
    b.start({b.to("a"), b.to("b"), b.held("c")});
    CHECK(b.desk.start_test({"a", "x"}, "ana").error().text() == "there is no webhook x");
    CHECK(b.receiver.bodies.empty());
    REQUIRE(b.desk.start_test({"b"}, "ana").has_value());
    CHECK(b.runtime.log_.texts == Strings{"webhook test by ana: to b"});
    CHECK(json::parse(b.desk.test_json(0))["running"] == true);
    CHECK_FALSE(b.desk.start_test({}, "bob").has_value());
    CHECK(b.runtime.log_.texts.size() == 1);
    const auto result = [&b] {
        b.until([&b] { return json::parse(b.desk.test_json(0))["running"] == false; });
        return json::parse(b.desk.test_json(0));
    };
    CHECK(result()["outcome"] == "1 of 1 webhooks accepted it");
    CHECK(result()["delivered"] == true);
    CHECK(json::parse(b.desk.test_json(1))["lines"].size() == 1);
    REQUIRE(b.receiver.bodies.size() == 1);
    CHECK(json::parse(b.receiver.bodies[0])["alerts"][0]["labels"]["director"] == "lb1");
    REQUIRE(b.desk.start_test({}, "bob").has_value());
    CHECK(b.runtime.log_.texts.back() == "webhook test by bob: to a, b, c");
    CHECK(result()["outcome"] == "2 of 3 webhooks accepted it");
    CHECK(result()["number"] == 2);
    CHECK(b.receiver.bodies.size() == 3);
    CHECK(b.host.status()->receivers[0].sent == 0);  // past the other events
}
