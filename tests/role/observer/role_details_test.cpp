// The observer where something is missing, fails or comes late, and what it keeps for its next incarnation.
#include <csignal>
#include <fstream>
#include <nlohmann/json.hpp>

#include "hook_receiver.hpp"
#include "observer_bench.hpp"
#include "observer_examples.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;
using namespace std::chrono_literals;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

json status_of(ObserverBench& b) { return json::parse(b.get("/status").substr(4)); }

bool logged(const ObserverBench& b, const std::string& part) {
    return std::ranges::any_of(b.runtime.log_.texts, [&](const std::string& text) { return text.contains(part); });
}

// An event that comes without a kick is taken at the next tick.
void wait_for_tick(ObserverBench& b) {
    const auto before = b.runtime.status().lvs_acknowledged;
    b.lvs_ring.append({.kind = Event::Kind::RealServer, .name = "S", .transition = Transition::Up});
    b.until([&] { return b.runtime.status().lvs_acknowledged > before; });
}

std::string contents(const fs::path& path) {
    std::ifstream file{path};
    return {std::istreambuf_iterator<char>{file}, {}};
}

ipc::Webhook webhook(const std::string& name, const std::string& url) {
    ipc::Webhook one;
    one.name = name;
    one.url = url;
    return one;
}

}  // namespace

// How many operations on the kernel's table the state has.
std::string operations(ObserverBench& b) {
    const auto text = b.get("/metrics");
    const auto at = text.find("\nmainstay_ipvs_operations_total ") + 32;
    return text.substr(at, text.find('\n', at) - at);
}

TEST_CASE("a large state that is being sent is given to others for a second, a small one to nobody") {
    for (const std::size_t servers : {10'001, 10'000}) {
        const bool large = servers > 10'000;
        ObserverBench b;
        REQUIRE(b.start(config_of(kInstance)).empty());
        b.runtime.stands_at = b.runtime.now();
        report::LvsStatus state;
        state.services = {{.name = "S", .servers = std::vector<report::ServerStatus>(servers)}};
        const auto publish = [&](std::uint64_t count) {
            state.operations = count;
            ObserverBench::publish(b.memory.lvs_block, state);
        };
        publish(1);
        const auto slow = b.asked("GET /status HTTP/1.0\r\n\r\n");  // it does not read until the end
        CHECK(operations(b) == "1");
        publish(2);
        CHECK(operations(b) == (large ? "1" : "2"));
        b.runtime.ahead += 1s;
        CHECK(operations(b) == "2");
        publish(3);
        CHECK(operations(b) == "3");  // nobody is being sent the second one
        CHECK(b.heard(slow).ends_with("\n}\n"));
        b.stop();
    }
}

TEST_CASE("what is on disk stays acknowledged while nothing more can be written there") {
    ObserverBench b;
    b.runtime.startup.spool_directory = "/proc/no/spool";
    for (int i = 0; i < 3; ++i) b.vrrp_ring.append(transition("MASTER"));
    for (int i = 0; i < 5; ++i) b.lvs_ring.append(transition("UP"));
    const ipc::ObserverStatus before{.vrrp_acknowledged = 2, .lvs_acknowledged = 5};
    b.runtime.publish_state([&](std::span<std::byte> room) { return encode_into(room, before); });
    REQUIRE(b.start(mailing()) == "");
    b.until([&] { return b.runtime.status().mails_queued == 1; });
    CHECK(b.runtime.status().vrrp_acknowledged == 2);
    CHECK(b.runtime.status().lvs_acknowledged == 5);
}

TEST_CASE("mails in memory are on disk as soon as there is a folder, and their events are acknowledged then") {
    ObserverBench b;
    b.runtime.startup.spool_directory = b.folder / "later/spool";
    REQUIRE(b.start(mailing()) == "");
    b.vrrp_ring.append(transition("MASTER"));
    b.wake();
    b.until([&] { return b.runtime.status().mails_queued == 1; });
    CHECK(b.runtime.status().vrrp_acknowledged == 0);
    fs::create_directories(b.folder / "later/spool");
    b.until([&] { return b.runtime.status().vrrp_acknowledged == 1; });
    CHECK(status_of(b)["mail"]["in_memory"] == 0);
}

TEST_CASE("a mail that the spool cannot read is reported at the start") {
    ObserverBench b;
    fs::create_directory(b.folder / "spool");
    std::ofstream{b.folder / "spool/odd.mail"} << "this is no mail";
    REQUIRE(b.start(mailing()) == "");
    CHECK(logged(b, "mail spool: "));
    CHECK(logged(b, "odd.mail"));
}

TEST_CASE("events for a webhook are acknowledged when they are on disk, not while they are in memory only") {
    ObserverBench b;
    fs::create_directory(b.folder / "spool");
    std::ofstream{b.folder / "spool/webhooks"} << "no folder";
    b.runtime.startup.webhooks = {{webhook("pager", "http://127.0.0.1:1/")}};
    REQUIRE(b.start(config_of(kInstance)) == "");
    b.vrrp_ring.append(transition("MASTER"));
    b.wake();
    b.until([&] { return b.get("/api/v1/events").contains("MASTER"); });
    CHECK(b.runtime.status().vrrp_acknowledged == 0);
}

TEST_CASE("webhooks of a reload are those that the status names") {
    ObserverBench b;
    REQUIRE(b.start(config_of(kInstance)) == "");
    CHECK(status_of(b)["webhooks"].is_null());
    b.role->on(ipc::WebhookSettings{{webhook("pager", "http://127.0.0.1:1/")}}, {});
    b.until([&] { return status_of(b)["webhooks"].is_object(); });
    CHECK(status_of(b)["webhooks"]["receivers"][0]["name"] == "pager");
}

TEST_CASE("a reload takes the events that wait, without a kick") {
    ObserverBench b;
    REQUIRE(b.start(config_of(kInstance)) == "");
    b.runtime.loop_.poll();
    REQUIRE(b.role->prepare(mailing()));
    b.role->commit();
    b.vrrp_ring.append(transition("MASTER"));
    b.runtime.loop_.restart();
    b.runtime.loop_.poll();
    CHECK(b.runtime.status().mails_queued == 1);
}

TEST_CASE("many events of one process alone are all read before the next tick") {
    ObserverBench b;
    for (int i = 0; i < 600; ++i)
        b.lvs_ring.append({.kind = Event::Kind::RealServer, .name = "S", .transition = Transition::Up});
    REQUIRE(b.start(mailing()) == "");
    b.runtime.loop_.poll();
    CHECK(b.runtime.status().lvs_acknowledged == 600);
}

TEST_CASE("the mail about events that were overwritten says of which process and how many") {
    ObserverBench b;
    for (std::size_t i = 0; i < ipc::kEventRingSlots + 10; ++i)
        b.lvs_ring.append({.kind = Event::Kind::RealServer, .name = "S", .transition = Transition::Up});
    REQUIRE(b.start(mailing()) == "");
    b.until([&] { return b.runtime.status().mails_queued == 1; });
    const auto lost = std::to_string(status_of(b)["observer"]["events_lost"].get<std::size_t>());
    std::string mail;
    for (const auto& entry : fs::directory_iterator{b.runtime.startup.spool_directory})
        if (entry.is_regular_file()) mail += contents(entry.path());
    CHECK(mail.contains(lost + " events of the lvs process were not mailed"));
    CHECK(mail.contains("They arrived faster than they could be stored; the log contains them"));
}

TEST_CASE("mails that are given up are counted on top of those of earlier incarnations") {
    ObserverBench b;
    b.runtime.startup.mail_keep_seconds = 600;
    const ipc::ObserverStatus before{.mails_sent = 30, .mails_failed = 40};
    b.runtime.publish_state([&](std::span<std::byte> room) { return encode_into(room, before); });
    REQUIRE(b.start(mailing()) == "");
    b.vrrp_ring.append(transition("MASTER"));
    b.wake();
    b.until([&] { return b.runtime.status().mails_queued == 1; });
    b.runtime.ahead = 602s;
    b.until([&] { return b.runtime.status().mails_failed == 41; });
    CHECK(b.runtime.status().mails_sent == 30);
    CHECK(status_of(b)["mail"]["failed"] == 41);
}

TEST_CASE("statistics are cleared of what was published, and of nothing while nothing is") {
    ObserverBench b;
    REQUIRE(b.start(config_of(kInstance)) == "");
    CHECK(b.dumps(SIGRTMAX - 1).at(0).second.empty());
    CHECK(b.runtime.status().cleared_instances.empty());
}

TEST_CASE("the observer is ready when the roles that its configuration needs have published their state") {
    ObserverBench b;
    REQUIRE(b.start(config_of(kService)) == "");
    CHECK(b.get("/readyz") == "503 {\"ok\":false,\"waits_for\":[\"lvs\"]}\n");
    ObserverBench::publish(b.memory.lvs_block, report::LvsStatus{});
    CHECK(b.get("/readyz") == "200 {\"ok\":true}\n");
    b.runtime.config = config_of(std::string{kInstance} + kService);
    CHECK(b.get("/readyz") == "503 {\"ok\":false,\"waits_for\":[\"vrrp\"]}\n");
    b.runtime.config.reset();  // before the first one of all
    CHECK(b.get("/readyz") == "200 {\"ok\":true}\n");
    wait_for_tick(b);
    CHECK(b.get("/readyz") == "200 {\"ok\":true}\n");
}

TEST_CASE("rates are sampled every ten seconds, beginning when the servers are known") {
    ObserverBench b;
    b.runtime.stands_at = Instant{1'000s};
    REQUIRE(b.start(config_of(kService)) == "");
    wait_for_tick(b);
    CHECK(b.runtime.asked_for_traffic == 0);
    report::LvsStatus lvs;
    lvs.services = {{.name = "S", .key = {.protocol = 6}, .scheduler = "rr"}};
    lvs.services[0].servers.resize(1);
    lvs.traffic.emplace(1)[0].stats.cps = 5;
    ObserverBench::publish(b.memory.lvs_block, lvs);
    const auto rates = [&] {
        const auto text = b.get("/api/v1/history/rates?service=S");
        return text.starts_with("200 ") ? json::parse(text.substr(4))["connections_per_s"] : json{};
    };
    wait_for_tick(b);
    CHECK(rates() == json{5});
    wait_for_tick(b);
    CHECK(rates() == json{5});
    b.runtime.ahead = 10s;
    wait_for_tick(b);
    CHECK(rates() == json{5, 5});
    CHECK(b.runtime.asked_for_traffic == 2);
}

TEST_CASE("a server of mails that cannot be reached, and mails that are switched off, do not delay the stop") {
    const Folder kept;
    {
        ObserverBench b;
        b.runtime.startup.spool_directory = kept / "spool";
        REQUIRE(b.start(mailing()) == "");
        b.vrrp_ring.append(transition("MASTER"));
        b.wake();
        b.until([&] { return status_of(b)["mail"]["last_problem"] != ""; });
        b.runtime.stands_at = std::chrono::steady_clock::now();  // the four seconds never end
        b.stop();
        CHECK(b.runtime.status().mails_queued == 1);
        CHECK_FALSE(logged(b, "mails are lost"));
    }
    ObserverBench b;
    b.runtime.startup.spool_directory = kept / "spool";
    b.runtime.stands_at = Instant{1'000s};
    REQUIRE(b.start(config_of(kInstance)) == "");
    b.stop();
    CHECK(b.runtime.status().mails_queued == 1);
}

TEST_CASE("an observer that has stopped opens nothing again") {
    ObserverBench b;
    REQUIRE(b.start(config_of(kInstance)) == "");
    b.stop();
    b.runtime.loop_.restart();
    b.runtime.loop_.run_for(1'300ms);  // longer than from one tick to the next
    CHECK_FALSE(fs::exists(b.runtime.startup.control_socket));
}

TEST_CASE("the observer may write files, start threads and change its own scheduling") {
    using kernel::CallSet;
    CHECK(observer_traits().calls == std::vector{CallSet::WriteFiles, CallSet::Threads, CallSet::Schedule});
}
