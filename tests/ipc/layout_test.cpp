// The bytes of what one version writes and another one reads: a field that is forgotten or changes its place cannot be
// seen by writing and reading with the same code.
#include <doctest/doctest.h>
#include <unistd.h>

#include <string>

#include "bytes.hpp"
#include "mainstay/ipc/hand_over.hpp"
#include "mainstay/ipc/message.hpp"
#include "mainstay/ipc/shared.hpp"

using namespace mainstay;
using namespace mainstay::ipc;
using namespace mainstay::ipc::test;
using namespace std::string_literals;

namespace {

std::string number(std::uint64_t value, int size) {
    std::string text;
    for (int at = 0; at < size; ++at) text += static_cast<char>(value >> (8 * at) & 0xff);
    return text;
}
std::string n8(std::uint64_t value) { return number(value, 1); }
std::string n32(std::int64_t value) { return number(static_cast<std::uint64_t>(value), 4); }
std::string n64(std::uint64_t value) { return number(value, 8); }
// A text, a struct, or any other thing with its length in front.
std::string sized(const std::string& content) { return n32(static_cast<std::int64_t>(content.size())) + content; }

void crosses(const Message& message, int kind, const std::string& fields) {
    const std::string expected = n8(static_cast<std::uint64_t>(kind)) + sized(fields);
    const auto bytes = encode_message(message);
    CHECK(text_of(bytes) == expected);
    const auto back = decode_message(std::as_bytes(std::span{expected}));
    REQUIRE(back);
    CHECK(text_of(encode_message(*back)) == expected);
}

const std::string kOn = n8(1), kOff = n8(0);

}  // namespace

TEST_CASE("the messages of a reload have each field in its place") {
    crosses(Prepare{0x0102030405060708}, 0, n64(0x0102030405060708));
    crosses(Commit{7}, 1, n64(7));
    crosses(Abort{8}, 2, n64(8));
    crosses(Stop{}, 3, "");
    crosses(Heartbeat{11}, 6, n64(11));
    crosses(Prepared{9, "no"}, 7, n64(9) + sized("no"));
    crosses(Committed{10}, 8, n64(10));
    crosses(Stopped{}, 10, "");
    crosses(Snapshot{Snapshot::For::Bfd, true}, 12, n8(4) + kOn);
    crosses(DryRun{true}, 14, kOn);
    crosses(DryRunDone{2, "busy", {"a line"}, 7, {"gone"}}, 15,
            n32(2) + sized("busy") + n32(1) + sized("a line") + n32(7) + n32(1) + sized("gone"));
    crosses(Retire{}, 17, "");
}

TEST_CASE("the messages about scripts and dumps have each field in its place") {
    using How = ScriptResult::How;
    crosses(ScriptResults{{{4, How::TimedOut, 9}, {5, How::Exited, 1, "why"}}}, 4,
            n32(2) + sized(n64(4) + n8(2) + n32(9) + sized("")) + sized(n64(5) + n8(0) + n32(1) + sized("why")));
    crosses(DumpRequested{12}, 5, n32(12));
    crosses(RunScript{3, "key", "queue", {"A", "BB"}, true}, 9,
            n64(3) + sized("key") + sized("queue") + n32(2) + sized("A") + sized("BB") + kOn);
    crosses(FifoLine{"line\n"}, 24, sized("line\n"));
    crosses(DumpText{DumpText::What::Stats}, 26, n8(4));
    crosses(DumpFile{DumpText::What::Json, DumpFile::Step::Written}, 32, n8(5) + n8(3));
    crosses(ApiSettings{{"127.0.0.1:9112"}, "cert", "key", "ca", "file", true, "url", "token", "pca"}, 38,
            n32(1) + sized("127.0.0.1:9112") + sized("cert") + sized("key") + sized("ca") + sized("file") + kOn +
                sized("url") + sized("token") + sized("pca"));
    crosses(ApiFile{ApiFile::What::Credentials, "why"}, 39, n8(3) + sized("why"));
    crosses(WebhookSettings{{{"n", "u", "ca", true, 6, 7, {"H: v"}, "p"}}}, 42,
            n32(1) + sized(sized("n") + sized("u") + sized("ca") + kOn + n8(6) + n32(7) + n32(1) + sized("H: v") +
                           sized("p")));
}

TEST_CASE("the messages between roles have each field in its place") {
    crosses(PeerChannel{PeerChannel::To::Bfd}, 22, n8(2));
    crosses(BfdStates{{{"b1", true}}}, 23, n32(1) + sized(sized("b1") + kOn));
    crosses(Observations{{{Observation::Kind::Process, "ha", -5}}}, 25,
            n32(1) + sized(n8(1) + sized("ha") + n64(static_cast<std::uint64_t>(-5))));
    crosses(InstanceStates{{{"VI_1", true}, {"VI_2", false}}}, 29,
            n32(2) + sized(sized("VI_1") + kOn) + sized(sized("VI_2") + kOff));
    crosses(Reload{true, false}, 30, kOn + kOff);
    crosses(ReloadDone{"why"}, 31, sized("why"));
    crosses(ControlRequest{ControlRequest::What::SetPriority, "VI_1", 90, "DBus"}, 16,
            n8(5) + sized("VI_1") + n64(90) + sized("DBus"));
    crosses(ServerQuestion{6, 2, "which", 40, true, "root", true, 90, "kernel", true}, 27,
            n64(6) + n8(2) + sized("which") + n64(40) + kOn + sized("root") + kOn + n64(90) + sized("kernel") + kOn);
    crosses(InstanceQuestion{6, InstanceQuestion::Verb::MaintenanceOn, "VI_1", 60, "kernel", true, "alice", "uid 0"},
            35, n64(6) + n8(2) + sized("VI_1") + n64(60) + sized("kernel") + kOn + sized("alice") + sized("uid 0"));
    crosses(OperatorAnswered{6, 1, "why"}, 36, n64(6) + n32(1) + sized("why"));
    crosses(MaintenanceOrder{true, {7}, WallTime{8}, "alice", "kernel", 9, "note"}, 37,
            kOn + n64(7) + kOn + n64(8) + sized("alice") + sized("kernel") + n64(9) + sized("note"));
    crosses(LogLevelQuestion{6, "vrrp", "debug", "uid 0", "alice"}, 43,
            n64(6) + sized("vrrp") + sized("debug") + sized("uid 0") + sized("alice"));
    crosses(LogLevelOrder{{LogLevel::Debug, LogLevel::Error}}, 44, n32(2) + n8(7) + n8(3));
    crosses(RecordQuestion{RecordQuestion::Of::Lvs}, 40, n8(1));
    crosses(RecordMemory{"why"}, 41, sized("why"));
    crosses(ServerAnswered{6, 1, "why"}, 28, n64(6) + n32(1) + sized("why"));
}

TEST_CASE("the messages for metrics have each field in its place") {
    const SupervisionReport report{{.since = {1},
                                    .reloads = {.done = 2,
                                                .refused = 3,
                                                .last_done = {4},
                                                .last_refused = {5},
                                                .last_problem = "no",
                                                .last_changes = {"a -> b"},
                                                .last_changes_left_out = 9},
                                    .processes = {{.role = "vrrp", .ready = true, .ends = 6, .last_end = {7}}},
                                    .upgrade_refused = {{8}, "old"},
                                    .log_losses = {{"reader", 12, {13}}}}};
    crosses(report, 33,
            sized(n64(1) + sized(n64(2) + n64(3) + n64(4) + n64(5) + sized("no") + n32(1) + sized("a -> b") + n64(9)) +
                  n32(1) + sized(sized("vrrp") + kOn + n64(6) + n64(7)) + sized(n64(8) + sized("old")) + n32(1) +
                  sized(sized("reader") + n64(12) + n64(13))));
    crosses(ReadTraffic{}, 34, "");
}

TEST_CASE("the messages of an upgrade have each field in its place") {
    crosses(Upgrade{"/usr/sbin/mainstayd"}, 18, sized("/usr/sbin/mainstayd"));
    crosses(UpgradeDone{"why", "1.0", "1.1", 4}, 19, sized("why") + sized("1.0") + sized("1.1") + n32(4));
    crosses(UpgradeTrial{1, {{2, 30, 31}}}, 20, n32(1) + n32(1) + sized(n8(2) + n32(30) + n32(31)));
    crosses(UpgradeChecked{"why", "1.1"}, 21, sized("why") + sized("1.1"));
}

TEST_CASE("the first message to a role has each field in its place") {
    RoleStartup h;
    h.restarted = true;
    h.log_ident = "ident", h.log_socket = "socket", h.log_facility = 16, h.log_console = true,
    h.log_level = LogLevel::Error;
    h.user = "user", h.process_name = "name", h.config_path = "path", h.config_id = "id";
    h.control_socket = "control", h.spool_directory = "spool", h.keep_addresses = true, h.keep_ipvs = false;
    h.audit_seconds = 11, h.settings_path = "settings", h.mail_keep_seconds = 12, h.strict = true;
    h.all_include_checks = false, h.dry_run = RoleStartup::DryRunAs::Json, h.run_vrrp = false, h.run_lvs = true;
    h.notify_wait_seconds = 13, h.spare = true, h.snmp = false, h.snmp_socket = "agentx";
    h.has_ipvs_namespace = true, h.net_namespace = "blue", h.check_first = false, h.check_log = "log";
    h.may_schedule = true, h.may_lock = false, h.force = true, h.report = RoleStartup::DryRunAs::Text;
    h.in_namespace = "green", h.has_record = true, h.log_journal = true, h.log_json = false;
    h.mail = {{{"mx1", 587, 1}}, "ca", "user", "password"};
    h.webhooks = {{{"n", "u", "ca", false, 6, 7, {"H: v"}, "p"}}};
    h.api = {{"l"}, "c", "k", "a", "f", true, "peer", "t", "pca"};
    h.log_levels = {LogLevel::Debug, LogLevel::Info}, h.adopt = true;
    h.pass_environment = {"A_*"}, h.has_api_socket = true, h.upgraded_from = "1.0", h.errors = {9};
    h.check_dump = true;

    crosses(h, 11,
            kOn + sized("ident") + sized("socket") + n32(16) + kOn + n8(3) + sized("user") + sized("name") +
                sized("path") + sized("id") + sized("control") + sized("spool") + kOn + kOff + n32(11) +
                sized("settings") + n32(12) + kOn + kOff + n8(2) + kOff + kOn + n32(13) + kOn + kOff + sized("agentx") +
                kOn + sized("blue") + kOff + sized("log") + kOn + kOff + kOn + n8(1) + sized("green") +
                sized(n32(1) + sized(sized("mx1") + number(587, 2) + n8(1)) + sized("ca") + sized("user") +
                      sized("password")) +
                kOn + kOn + kOff +
                sized(n32(1) + sized(sized("n") + sized("u") + sized("ca") + kOff + n8(6) + n32(7) + n32(1) +
                                     sized("H: v") + sized("p"))) +
                sized(n32(1) + sized("l") + sized("c") + sized("k") + sized("a") + sized("f") + kOn + sized("peer") +
                      sized("t") + sized("pca")) +
                n32(2) + n8(7) + n8(6) + kOn + n32(1) + sized("A_*") + kOn + sized("1.0") + n32(1) + n64(9) + kOn);
}

TEST_CASE("a hand-over has each field in its place, and one of another format is refused") {
    HandOver sent;
    sent.version = "1.0", sent.config_path = "/c", sent.pid_path = "/p";
    sent.pid_file = 20, sent.kick = 21, sent.scripts = 22, sent.client = 23, sent.generation = 24;
    sent.roles = {{1, 100, 30, 31, 32, 33, true, false, true, Instant{} + std::chrono::nanoseconds{5}}};
    sent.running = {{200, 2, 6, "key", "queue", {"x"}, true, Instant{} + std::chrono::nanoseconds{7}}};
    sent.host = 40;
    sent.fifos = {{"/f", 41, true, 42}};
    sent.maintenance = {true, {7}, WallTime{8}, "alice", "kernel", 0, {}};
    sent.log_levels = {LogLevel::Error};
    sent.discovered = 43, sent.pid_name = "a.pid-1";
    const auto ticks = [](Instant at) { return n64(static_cast<std::uint64_t>(at.time_since_epoch().count())); };
    const std::string role =
        n8(1) + n32(100) + n32(30) + n32(31) + n32(32) + n32(33) + kOn + kOff + kOn + ticks(sent.roles[0].born);
    const std::string script = n32(200) + n8(2) + n64(6) + sized("key") + sized("queue") + n32(1) + sized("x") + kOn +
                               ticks(sent.running[0].due);
    const std::string expected =
        sized(n32(1) + sized("1.0") + sized("/c") + sized("/p") + n32(20) + n32(21) + n32(22) + n32(23) + n64(24) +
              text_of(encode(sent.settings)) + n32(1) + sized(role) + n32(1) + sized(script) + n32(40) + n32(1) +
              sized(sized("/f") + n32(41) + kOn + n32(42)) +
              sized(kOn + n64(7) + kOn + n64(8) + sized("alice") + sized("kernel") + n64(0) + sized("")) + n32(1) +
              n8(3) + n32(43) + sized("a.pid-1"));

    const auto fd = write_hand_over(sent);
    REQUIRE(fd);
    CHECK(text_of(*read_memfd(fd->get())) == expected);
    const auto back = read_hand_over(fd->get());
    REQUIRE(back);
    CHECK(text_of(encode(back->settings)) == text_of(encode(sent.settings)));
    CHECK(text_of(*read_memfd(write_hand_over(*back)->get())) == expected);

    sent.format = 2;
    CHECK(read_hand_over(write_hand_over(sent)->get()).error().code() == Errc::Unsupported);
    const auto closed = read_hand_over(-1);
    CHECK_FALSE(closed.has_value());
}

TEST_CASE("an event in its ring has each field in its place") {
    constexpr off_t kFirst = 64 + 1040, kBytes = 12;  // the header, slot 0; number and length of slot 1
    auto fd = make_memfd("ring", event_ring_bytes());
    auto ring = EventRing::map(fd->get(), true);
    Event event{Event::Kind::RealServer,
                "name",
                "parent",
                Transition::Down,
                "detail",
                "reason",
                Cause::Track,
                7,
                false,
                true,
                {},
                0,
                "plain",
                std::string{"source"}};
    event.at.unix_us = 99;
    ring->append(event);

    const std::string expected =
        sized(n8(3) + sized("name") + sized("parent") + sized("DOWN") + sized("detail") + n32(7) + kOff + kOn +
              n64(99) + n64(1) + sized("reason") + sized("track") + sized("plain") + sized("source"));
    std::string found(expected.size(), '\0');
    REQUIRE(::pread(fd->get(), found.data(), found.size(), kFirst + kBytes) == static_cast<ssize_t>(found.size()));
    CHECK(found == expected);
    event.number = 1;
    CHECK(ring->read_after(0).events.at(0) == event);
}
