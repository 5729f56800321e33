// The observer: events become mails, signals dumps, and the state blocks the answers on the status socket.
#include <csignal>
#include <fstream>
#include <nlohmann/json.hpp>

#include "observer_bench.hpp"
#include "observer_examples.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;
using Strings = std::vector<std::string>;
using DumpKind = ipc::DumpText::What;

namespace {

std::size_t files_in(const std::string& folder) {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator{folder}) count += entry.is_regular_file() ? 1 : 0;
    return count;
}

}  // namespace

TEST_CASE("the status socket answers with the document, with its own health, and nothing else") {
    ObserverBench b;
    REQUIRE(b.start(config_of(kInstance)) == "");
    CHECK(b.get("/healthz") == "200 {\"ok\":true}\n");
    CHECK(b.get("/none") ==
          "404 {\"error\":\"there is nothing at this path\",\"hint\":\"GET /api/v1 lists the paths\"}\n");
    CHECK(b.get("/api/v1/status/vrrp") == "200 null\n");
    CHECK(b.get("/readyz") == "503 {\"ok\":false,\"waits_for\":[\"vrrp\"]}\n");
    const auto text = b.get("/status");
    REQUIRE(text.starts_with("200 "));
    auto all = nlohmann::json::parse(text.substr(4));
    CHECK(all["vrrp"].is_null());
    CHECK(all["lvs"].is_null());
    CHECK(all["bfd"].is_null());
    CHECK(all["generation"] == 7);
    CHECK(all["now"] == "2026-11-20T08:37:46Z");
    CHECK(all["supervisor"]["pid"] == ::getppid());
    CHECK(all["observer"]["pid"] == ::getpid());
    CHECK(all["observer"]["since"] == "2026-11-20T08:37:46Z");
    CHECK(all["configuration"]["file"] == "/etc/x.conf");
    CHECK(all["configuration"]["config_id"] == "red");
    CHECK(all["configuration"]["settings"] == "/etc/mainstay.toml");
    std::array<char, 256> name{};
    REQUIRE(::gethostname(name.data(), name.size() - 1) == 0);
    CHECK(all["host"] == std::string{name.data()});
    CHECK(all["mail"]["enabled"] == false);
    CHECK(all["mail"]["last_problem"] == "");
    b.stop();
    CHECK_FALSE(std::filesystem::exists(b.runtime.startup.control_socket));
}

TEST_CASE("the metrics are those of the document, and each request prolongs the reading of the kernel's counters") {
    ObserverBench b;
    REQUIRE(b.start(config_of(kInstance)) == "");
    ObserverBench::publish(b.memory.vrrp_block, vrrp_status());
    const auto has = [&b](const std::string& target, const std::string& line) {
        const auto text = b.get(target);
        return text.starts_with("200 ") && text.find("\n" + line + "\n") != std::string::npos;
    };
    CHECK(b.runtime.asked_for_traffic == 0);
    CHECK(has("/metrics", "mainstay_config_generation 7"));
    CHECK(b.runtime.asked_for_traffic == 1);
    CHECK(has("/metrics?format=openmetrics", "# EOF"));
    CHECK(has("/metrics?compat=mehdy", "keepalived_advertisements_sent_total{iname=\"VI_1\",intf=\"\",vrid=\"0\"} 10"));
    CHECK(has("/metrics?compat=mehdy%2Cgen2brain", "keepalived_up 1"));
    CHECK(
        b.get("/metrics?scope=x").starts_with("400 {\"error\":\"unknown scope \\\"x\\\"; known: services, servers\""));
    // However often somebody asks, the supervisor gets few messages.
    CHECK(b.runtime.asked_for_traffic == 1);
    b.runtime.ahead = std::chrono::seconds{11};
    CHECK(has("/metrics", "mainstay_config_generation 7"));
    CHECK(b.runtime.asked_for_traffic == 2);

    CHECK_FALSE(has("/metrics", "mainstay_reloads_total{result=\"refused\"} 4"));
    b.role->on(ipc::SupervisionReport{{.since = {1}, .reloads = {.refused = 4}, .processes = {}}}, {});
    CHECK(has("/metrics", "mainstay_reloads_total{result=\"refused\"} 4"));
    b.stop();
}

TEST_CASE("the status socket serves the events, which a new incarnation still has, and the reasons of a state") {
    const Folder kept;
    auto first_run = std::make_unique<ObserverBench>();
    ObserverBench& b = *first_run;
    b.runtime.startup.spool_directory = kept / "spool";
    REQUIRE(b.start(config_of(kInstance)) == "");
    CHECK(b.get("/api/v1/events") == "200 []\n");
    b.vrrp_ring.append(transition("BACKUP"));
    b.vrrp_ring.append(transition("MASTER"));
    b.wake();
    b.until([&] { return b.get("/api/v1/events").find("MASTER") != std::string::npos; });
    const auto events = nlohmann::json::parse(b.get("/api/v1/events").substr(4));
    REQUIRE(events.size() == 2);
    CHECK(events[0]["transition"] == "BACKUP");
    const auto first = std::to_string(events[0]["id"].get<std::uint64_t>());
    CHECK(nlohmann::json::parse(b.get("/api/v1/events?after=" + first).substr(4)).size() == 1);
    CHECK(nlohmann::json::parse(b.get("/api/v1/events?limit=1").substr(4))[0] == events[0]);
    CHECK(b.get("/api/v1/events?after=x").starts_with("400 "));

    ObserverBench::publish(b.memory.vrrp_block, vrrp_status());
    const auto why = nlohmann::json::parse(b.get("/api/v1/why?name=VI%5F1").substr(4));
    CHECK(why["kind"] == "instance");
    CHECK(why["state"] == "MASTER");
    CHECK(why["reasons"].size() == 3);
    CHECK(b.get("/api/v1/why?name=VI_2")
              .starts_with("404 {\n \"error\": \"nothing here is called VI_2; did you mean VI_1?"));
    b.stop();
    first_run.reset();

    ObserverBench next;
    next.runtime.startup.spool_directory = kept / "spool";
    REQUIRE(next.start(config_of(kInstance)) == "");
    CHECK(nlohmann::json::parse(next.get("/api/v1/events").substr(4)) == events);
    next.stop();
}

TEST_CASE("the status has what the roles have published last") {
    ObserverBench b;
    REQUIRE(b.start(config_of(kInstance)) == "");
    auto status = vrrp_status();
    status.router.instances[0].problems = {{"rival_master", {}, Instant{}, 7, "text"}};
    ObserverBench::publish(b.memory.vrrp_block, status);
    report::LvsStatus lvs;
    lvs.services = {{.name = "S", .key = {.protocol = 6}}};
    lvs.services[0].servers = {{.endpoint = {*IpAddress::parse("10.1.1.1"), 80}}};
    ObserverBench::publish(b.memory.lvs_block, lvs);
    report::BfdStatus bfd;
    bfd.generation = 8;
    ObserverBench::publish(b.memory.bfd_block, bfd);
    const auto all = nlohmann::json::parse(b.get("/status").substr(4));
    CHECK(all["vrrp"]["instances"][0]["state"] == "MASTER");
    // An instant of the roles' clock becomes a time of the day: the epoch of that clock is before now.
    CHECK(all["vrrp"]["instances"][0]["problems"][0]["last_unix_us"] < 1'795'163'866'000'000);
    CHECK(all["lvs"]["services"][0]["servers"][0]["name"] == "[10.1.1.1]:tcp:80");  // left out by the role
    CHECK(all["bfd"]["generation"] == 8);
}

TEST_CASE("events that were collected are listed") {
    ObserverBench b;
    REQUIRE(b.start(config_of(kInstance)) == "");
    CHECK(b.get("/api/v1/events") == "200 []\n");
    b.vrrp_ring.append(transition("MASTER"));
    b.wake();
    b.until([&] { return b.runtime.status().vrrp_acknowledged == 1; });
    const auto events = nlohmann::json::parse(b.get("/api/v1/events").substr(4));
    REQUIRE(events.size() == 1);
    CHECK(events[0]["name"] == "VI_1");
    CHECK(events[0]["transition"] == "MASTER");
}

TEST_CASE("the API listens where the supervisor says, and commands for servers go to it and back") {
    ObserverBench b;
    REQUIRE(b.start(config_of(kInstance)) == "");
    ipc::ApiSettings settings{.listen = {"192.0.2.1:9112"}, .credentials = "/c", .operate = true};
    b.role->on(settings, {});
    UniqueFd file{::memfd_create("credentials", MFD_CLOEXEC)};
    REQUIRE(::write(file.get(), "nonsense\n", 9) == 9);
    b.role->on(ipc::ApiFile{ipc::ApiFile::What::Credentials, {}}, std::move(file));
    const auto api = nlohmann::json::parse(b.get("/status").substr(4))["api"];
    CHECK(api["listeners"][0]["at"] == "192.0.2.1:9112");
    CHECK(api["listeners"][0]["open"] == false);
    CHECK(api["listeners"][0]["problem"] == "tls_certificate is needed at an address that is not loopback");
    CHECK(b.runtime.log_.texts.at(0) == "/c: line 1: the role is read or operate");

    const UniqueFd client = b.asked(
        "POST /api/v1/servers/drain HTTP/1.1\r\nContent-Type: application/json\r\n"
        "Content-Length: 15\r\n\r\n{\"servers\":\"*\"}");
    b.until([&] { return b.runtime.questions.size() == 1; });
    CHECK(b.runtime.questions[0].which == "*");
    CHECK(b.runtime.questions[0].by.starts_with("uid "));
    const auto number = b.runtime.questions[0].request;
    b.role->on(ipc::OperatorAnswered{number + 1, 0, "of another"}, {});
    auto text = ipc::make_sealed_memfd("text", std::as_bytes(std::span{std::string_view{"drained"}}));
    REQUIRE(text.has_value());
    b.role->on(ipc::OperatorAnswered{number, 0, {}}, std::move(*text));
    CHECK(b.heard(client) == "200 {\"exit_code\":0,\"text\":\"drained\"}\n");

    const UniqueFd second = b.asked(
        "POST /api/v1/maintenance/on HTTP/1.1\r\nContent-Type: application/json\r\n"
        "Content-Length: 15\r\n\r\n{\"reason\":\"hi\"}");
    b.until([&] { return b.runtime.instance_questions.size() == 1; });
    CHECK(b.runtime.instance_questions[0].reason == "hi");
    CHECK(b.runtime.instance_questions[0].by.starts_with("uid "));
    CHECK(b.runtime.instance_questions[0].request != number);
    b.role->on(ipc::OperatorAnswered{b.runtime.instance_questions[0].request, 2, "the VRRP process is not running"},
               {});
    CHECK(b.heard(second) == "409 {\"error\":\"the VRRP process is not running\",\"hint\":\"nothing was changed\"}\n");
}

TEST_CASE("an event is on disk before it is acknowledged, and is sent when it can be") {
    ObserverBench b;
    REQUIRE(b.start(mailing()) == "");
    b.vrrp_ring.append(transition("MASTER"));
    b.lvs_ring.append({.kind = Event::Kind::VirtualServer, .name = "S", .transition = Transition::Up, .mail = false});
    b.lvs_ring.append({.kind = Event::Kind::VirtualServer, .name = "S", .transition = Transition::Down, .mail = false});
    b.wake();
    b.until([&] { return b.runtime.status().vrrp_acknowledged == 1 && b.runtime.status().lvs_acknowledged == 2; });
    CHECK(b.runtime.status().mails_queued == 1);
    CHECK(files_in(b.runtime.startup.spool_directory) == 1);
    b.until([&] {
        const auto mail = nlohmann::json::parse(b.get("/status").substr(4))["mail"];
        CHECK(mail["enabled"] == true);
        return mail["last_problem"] != "";
    });
    b.stop();  // a server that cannot be reached is not waited for
    CHECK(files_in(b.runtime.startup.spool_directory) == 1);
}

TEST_CASE("a mail that cannot be delivered is given up after the configured time") {
    ObserverBench b;
    b.runtime.startup.mail_keep_seconds = 600;
    REQUIRE(b.start(mailing()) == "");
    b.vrrp_ring.append(transition("MASTER"));
    b.wake();
    b.until([&] { return files_in(b.runtime.startup.spool_directory) == 1; });
    b.runtime.ahead = std::chrono::seconds{602};
    b.until([&] { return nlohmann::json::parse(b.get("/status").substr(4))["mail"]["failed"] == 1; });
    b.stop();
}

TEST_CASE("a kick wakes the observer at once, not at its next tick") {
    ObserverBench b;
    REQUIRE(b.start(mailing()) == "");
    b.runtime.loop_.poll();
    b.vrrp_ring.append(transition("MASTER"));
    b.wake();
    b.runtime.loop_.poll();
    CHECK(b.runtime.status().vrrp_acknowledged == 1);
    b.vrrp_ring.append(transition("BACKUP"));
    b.wake();
    b.runtime.loop_.poll();
    CHECK(b.runtime.status().vrrp_acknowledged == 2);
}

TEST_CASE("what came before the start is taken from the rings too, without a kick") {
    ObserverBench b;
    b.vrrp_ring.append(transition("MASTER"));
    REQUIRE(b.start(mailing()) == "");
    b.until([&] { return b.runtime.status().vrrp_acknowledged == 1; });
    b.vrrp_ring.append(transition("BACKUP"));
    b.until([&] { return b.runtime.status().vrrp_acknowledged == 2; });  // at the next tick
    CHECK(b.runtime.status().mails_queued == 2);
}

TEST_CASE("more events than are read at once are all read") {
    ObserverBench b;
    for (int i = 0; i < 600; ++i)
        b.vrrp_ring.append({.kind = Event::Kind::Instance, .name = "VI_1", .transition = Transition::Master});
    for (int i = 0; i < 300; ++i)
        b.lvs_ring.append({.kind = Event::Kind::RealServer, .name = "S", .transition = Transition::Up});
    REQUIRE(b.start(mailing()) == "");
    b.runtime.loop_.poll();  // before the next tick
    CHECK(b.runtime.status().vrrp_acknowledged == 600);
    CHECK(b.runtime.status().lvs_acknowledged == 300);
}

TEST_CASE("the next incarnation goes on after what is on disk, and counts on") {
    ObserverBench b;
    for (int i = 0; i < 3; ++i) b.vrrp_ring.append(transition("MASTER"));
    for (int i = 0; i < 5; ++i) b.lvs_ring.append(transition("UP"));
    vrrp::Counters cleared;
    cleared.advert_sent = 4;
    const ipc::ObserverStatus before{.vrrp_acknowledged = 2,
                                     .lvs_acknowledged = 5,
                                     .mails_sent = 30,
                                     .mails_failed = 40,
                                     .cleared_instances = {"VI_1", "VI_2"},
                                     .cleared_counters = {cleared}};
    b.runtime.publish_state([&](std::span<std::byte> room) { return encode_into(room, before); });
    REQUIRE(b.start(mailing()) == "");
    b.until([&] { return b.runtime.status().vrrp_acknowledged == 3; });
    const auto now = b.runtime.status();
    CHECK(now.lvs_acknowledged == 5);
    CHECK(now.mails_queued == 1);
    CHECK(now.mails_sent == 30);
    CHECK(now.mails_failed == 40);
    CHECK(now.cleared_instances == Strings{"VI_1"});
    const auto mail = nlohmann::json::parse(b.get("/status").substr(4))["mail"];
    CHECK(mail["sent"] == 30);
    CHECK(mail["failed"] == 40);
    ObserverBench::publish(b.memory.vrrp_block, vrrp_status());
    CHECK(b.dumps(SIGUSR2).at(0).second.find("    Sent: 6\n") != std::string::npos);
}

TEST_CASE("an earlier state that cannot be read is reported, and the rings are read from their beginning") {
    ObserverBench b;
    b.vrrp_ring.append(transition("MASTER"));
    b.runtime.state = std::vector<std::byte>(3);
    REQUIRE(b.start(mailing()) == "");
    CHECK(b.runtime.log_.texts.at(0).starts_with("the observer's earlier state is unreadable: "));
    b.until([&] { return b.runtime.status().vrrp_acknowledged == 1; });
}

TEST_CASE("events that were overwritten before they were read are reported and mailed about") {
    ObserverBench b;
    for (std::size_t i = 0; i < ipc::kEventRingSlots + 10; ++i)
        b.lvs_ring.append({.kind = Event::Kind::RealServer, .name = "S", .transition = Transition::Up});
    REQUIRE(b.start(mailing()) == "");
    b.until([&] { return b.runtime.status().lvs_acknowledged == ipc::kEventRingSlots + 10; });
    const auto lost = nlohmann::json::parse(b.get("/status").substr(4))["observer"]["events_lost"].get<std::size_t>();
    CHECK(lost >= 10);
    const auto& texts = b.runtime.log_.texts;
    CHECK(std::ranges::find(texts, std::to_string(lost) + " events of the lvs process came faster than they could be "
                                                          "mailed and were overwritten") != texts.end());
    CHECK(b.runtime.status().mails_queued == 1);
}

TEST_CASE("without a spool folder mails stay in memory, and are lost at the stop") {
    ObserverBench b;
    b.runtime.startup.spool_directory = "/proc/no/spool";
    REQUIRE(b.start(mailing()) == "");
    b.vrrp_ring.append(transition("MASTER"));
    b.wake();
    b.until([&] { return b.runtime.status().mails_queued == 1; });
    CHECK(b.runtime.status().vrrp_acknowledged == 0);  // the next incarnation gets it again
    const auto mail = nlohmann::json::parse(b.get("/status").substr(4))["mail"];
    CHECK(mail["in_memory"] == 1);
    CHECK(mail["last_problem"].get<std::string>().starts_with("the mail spool cannot be written ("));
    CHECK(mail["last_problem"].get<std::string>().find("), 1 mails are in memory only") != std::string::npos);
    b.until([&] {
        return nlohmann::json::parse(b.get("/status").substr(4))["mail"]["last_problem"].get<std::string>().find(
                   " in memory only; ") != std::string::npos;
    });
    b.stop();
    CHECK(b.runtime.log_.texts.back() ==
          "1 mails are lost: they were not delivered, and the mail spool cannot be written");
}

TEST_CASE("a status socket that cannot be opened is tried again, and reported once a minute") {
    ObserverBench b;
    b.runtime.startup.control_socket = b.folder / "later/status.sock";
    REQUIRE(b.start(config_of(kInstance)) == "");
    const auto reported = [&] {
        return std::ranges::count_if(b.runtime.log_.texts, [](const std::string& text) {
            return text.starts_with("mainstayctl status will not work: status socket: listen at ");
        });
    };
    CHECK(reported() == 1);
    std::size_t ticks = 0;
    const auto tick = [&] {
        const auto state = b.runtime.status();
        b.vrrp_ring.append(transition("MASTER"));
        b.until([&] { return b.runtime.status().vrrp_acknowledged > state.vrrp_acknowledged; });
        ++ticks;
    };
    tick();
    CHECK(reported() == 1);
    b.runtime.ahead = std::chrono::seconds{61};
    tick();
    CHECK(reported() == 2);
    std::filesystem::create_directory(b.folder.path / "later");
    b.until([&] { return std::filesystem::exists(b.runtime.startup.control_socket); });
    CHECK(b.get("/healthz") == "200 {\"ok\":true}\n");
}

TEST_CASE("a reload configures the mails, an aborted one does not") {
    ObserverBench b;
    REQUIRE(b.start(config_of(kInstance)) == "");
    const auto enabled = [&] { return nlohmann::json::parse(b.get("/status").substr(4))["mail"]["enabled"]; };
    CHECK(enabled() == false);
    REQUIRE(b.role->prepare(mailing()));
    b.role->abort();
    b.role->commit();
    CHECK(enabled() == false);
    REQUIRE(b.role->prepare(mailing()));
    b.role->commit();
    CHECK(enabled() == true);
}

TEST_CASE("each signal asks for its dump files") {
    ObserverBench b;
    REQUIRE(b.start(config_of(std::string{kInstance} + kService)) == "");
    ObserverBench::publish(b.memory.vrrp_block, vrrp_status());
    const auto kinds = [&](int signal) {
        std::vector<DumpKind> list;
        for (const auto& [what, text] : b.dumps(signal)) list.push_back(what);
        return list;
    };
    CHECK(kinds(SIGUSR1) == std::vector{DumpKind::Data, DumpKind::DataParent});
    CHECK(kinds(SIGUSR2) == std::vector{DumpKind::Stats});
    CHECK(kinds(SIGRTMIN + 2) == std::vector{DumpKind::Json});
    CHECK(b.dumps(SIGRTMIN + 2).at(0).second.starts_with("[{\"data\":"));
    CHECK(b.dumps(SIGUSR1).at(0).second.find("   State = MASTER\n") != std::string::npos);
    b.runtime.config = config_of(std::string{"global_defs {\njson_version 2\n}\n"} + kInstance);
    CHECK(b.dumps(SIGRTMIN + 2).at(0).second.starts_with("{\"vrrp\":[{\"data\":"));
    CHECK(kinds(SIGUSR1) == std::vector{DumpKind::Data, DumpKind::DataParent});
    b.runtime.config = config_of(kService);
    CHECK(kinds(SIGUSR1) == std::vector{DumpKind::DataParent});
    CHECK(kinds(SIGRTMIN + 2).empty());
    CHECK(b.dumps(SIGUSR2).at(0).second.empty());  // what is left of the vrrp role is of another configuration
    b.runtime.config.reset();
    CHECK(kinds(SIGUSR1).empty());
}

TEST_CASE("the rates of the last hours are sampled without anybody asking, unless there are too many servers") {
    ObserverBench b;
    report::LvsStatus lvs;
    lvs.services = {{.name = "S", .key = {.protocol = 6}, .scheduler = "rr"}};
    lvs.services[0].servers.resize(1);
    lvs.traffic.emplace(1)[0].stats.cps = 5;
    ObserverBench::publish(b.memory.lvs_block, lvs);
    REQUIRE(b.start(config_of(kService)) == "");
    CHECK(b.runtime.asked_for_traffic == 1);
    CHECK(b.get("/api/v1/history/rates?service=S").find("\"connections_per_s\":[5]") != std::string::npos);
    lvs.services[0].servers.resize(10'000);
    ObserverBench::publish(b.memory.lvs_block, lvs);
    b.runtime.ahead = std::chrono::seconds{11};
    b.until([&] { return b.get("/api/v1/history/rates?service=S").find("[5,5]") != std::string::npos; });
    CHECK(b.runtime.asked_for_traffic == 2);
    lvs.services[0].servers.resize(10'001);
    ObserverBench::publish(b.memory.lvs_block, lvs);
    b.runtime.ahead = std::chrono::seconds{22};
    b.until([&] { return b.get("/api/v1/history/rates?service=S").find("[5,5,5]") != std::string::npos; });
    CHECK(b.runtime.asked_for_traffic == 2);
}

TEST_CASE("statistics that are cleared count from then on, in the next incarnation too") {
    ObserverBench b;
    REQUIRE(b.start(config_of(kInstance)) == "");
    ObserverBench::publish(b.memory.vrrp_block, vrrp_status());
    const auto sent = [&](int signal) {
        const auto text = b.dumps(signal).at(0).second;
        return text.substr(text.find("    Sent: "), 12);
    };
    CHECK(sent(SIGUSR2) == "    Sent: 10");
    CHECK(sent(SIGRTMAX - 1) == "    Sent: 10");
    CHECK(sent(SIGUSR2) == "    Sent: 0\n");
    CHECK(b.runtime.status().cleared_instances == Strings{"VI_1"});
    CHECK(b.runtime.status().cleared_counters.at(0).advert_sent == 10);
}

TEST_CASE("memory that is missing is an error that names the role") {
    for (const auto& [number, name] :
         {std::pair{ipc::inherited::kVrrpRing, "vrrp: "}, std::pair{ipc::inherited::kVrrpBlock, "vrrp: "},
          std::pair{ipc::inherited::kLvsRing, "lvs: "}, std::pair{ipc::inherited::kLvsBlock, "lvs: "},
          std::pair{ipc::inherited::kBfdBlock, "bfd: "}}) {
        ObserverBench b;
        REQUIRE(::dup2(b.memory.kick.get(), number) == number);
        CHECK(b.start(config_of(kInstance)).starts_with(name));
    }
}

TEST_CASE("the observer has no capability, and no ring of its own") {
    const auto traits = observer_traits();
    CHECK(traits.capabilities.empty());
    CHECK_FALSE(traits.has_ring);
    CHECK(traits.kind == Kind::Observer);
}
