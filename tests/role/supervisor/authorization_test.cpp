#include "role/supervisor/authorization.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

using namespace mainstay;
using namespace mainstay::role;

namespace {

template <std::size_t... Index>
std::vector<ipc::Message> one_of_each(std::index_sequence<Index...>) {
    return {ipc::Message{std::in_place_index<Index>}...};
}

std::set<std::string> allowed(Sender sender) {
    std::set<std::string> names;
    for (const auto& message : one_of_each(std::make_index_sequence<std::variant_size_v<ipc::Message>>{}))
        if (may_send(sender, message)) names.insert(row_of(message).name);
    return names;
}

using Names = std::set<std::string>;

}  // namespace

TEST_CASE("each process may send just the kinds of messages that its work needs") {
    CHECK(allowed(Sender::Vrrp) == Names{"Heartbeat", "Prepared", "Committed", "Stopped", "RunScript", "FifoLine",
                                         "DumpRequested", "OperatorAnswered", "SignalReceived"});
    CHECK(allowed(Sender::Lvs) == Names{"Heartbeat", "Prepared", "Committed", "Stopped", "RunScript", "FifoLine",
                                        "DumpRequested", "ServerAnswered", "OperatorAnswered", "DiscoveryMemory",
                                        "SignalReceived"});
    CHECK(allowed(Sender::Observer) == Names{"Heartbeat", "Prepared", "Committed", "Stopped", "DumpRequested",
                                             "DumpText", "ControlRequest", "ServerQuestion", "InstanceQuestion",
                                             "LogLevelQuestion", "ReadTraffic", "Rests", "SignalReceived"});
    CHECK(allowed(Sender::Bfd) == Names{"Heartbeat", "Prepared", "Committed", "Stopped", "SignalReceived"});
    CHECK(allowed(Sender::Snmp) ==
          Names{"Heartbeat", "Prepared", "Committed", "Stopped", "ControlRequest", "SignalReceived"});
    CHECK(allowed(Sender::Spare) == Names{"Heartbeat", "Prepared", "SignalReceived"});
    CHECK(allowed(Sender::Reader) == Names{"Snapshot", "ReadingDone", "DryRunDone"});
    CHECK(allowed(Sender::Watcher) ==
          Names{"Heartbeat", "Prepared", "Observations", "ServerFileRead", "SignalReceived"});
    CHECK(allowed(Sender::DryRunReader) == Names{"DryRunDone"});
    CHECK(allowed(Sender::UpgradeTrial) == Names{"UpgradeChecked"});
    CHECK(allowed(Sender::Operator) == Names{"DryRun", "Reload", "Upgrade", "ServerQuestion", "InstanceQuestion",
                                             "LogLevelQuestion", "RecordQuestion"});
}

TEST_CASE("a role is the sender of its name") {
    CHECK(may_send(sender_of(Kind::Lvs), ipc::ServerAnswered{}));
    CHECK_FALSE(may_send(sender_of(Kind::Vrrp), ipc::ServerAnswered{}));
    CHECK(may_send(sender_of(Kind::Snmp), ipc::ControlRequest{}));
    CHECK_FALSE(may_send(sender_of(Kind::Bfd), ipc::RunScript{}));
}

TEST_CASE("no process may send messages that only the supervisor sends") {
    for (std::size_t sender = 0; sender < kSenders; ++sender) {
        CHECK_FALSE(may_send(static_cast<Sender>(sender), ipc::Stop{}));
        CHECK_FALSE(may_send(static_cast<Sender>(sender), ipc::RoleStartup{}));
        CHECK_FALSE(may_send(static_cast<Sender>(sender), ipc::Commit{}));
        CHECK_FALSE(may_send(static_cast<Sender>(sender), ipc::SupervisionReport{}));
    }
}

TEST_CASE("a descriptor comes with a message of a kind that has one, and with no other") {
    const auto offence = [](Sender sender, ipc::Message message) {
        return offence_of(sender, ipc::Received{std::move(message), UniqueFd{::dup(0)}}).value_or("none");
    };
    CHECK(offence(Sender::Lvs, ipc::ServerAnswered{}) == "none");
    CHECK(offence(Sender::Watcher, ipc::ServerFileRead{}) == "none");
    CHECK(offence(Sender::Observer, ipc::Rests{}) == "none");
    CHECK(offence(Sender::Bfd, ipc::Heartbeat{}) ==
          "sent a message Heartbeat with a descriptor, though none belongs to it");
    CHECK(offence(Sender::Vrrp, ipc::RunScript{}) ==
          "sent a message RunScript with a descriptor, though none belongs to it");
    CHECK(offence(Sender::Bfd, ipc::ServerAnswered{}) == "sent a message ServerAnswered, which it may not send");
}

TEST_CASE("a role is believed to have stopped, committed or made a dump when it was asked to") {
    const auto vrrp = [](const ipc::Message& message, const Awaited& awaited) {
        return judge(Sender::Vrrp, message, awaited);
    };
    CHECK(vrrp(ipc::Stopped{}, {.stopping = true}) == Verdict::Take);
    CHECK(vrrp(ipc::Stopped{}, {.ready = true}) == Verdict::Offence);
    CHECK(vrrp(ipc::Committed{}, {.commits = 1}) == Verdict::Take);
    CHECK(vrrp(ipc::Committed{}, {.ready = true}) == Verdict::Offence);
    CHECK(vrrp(ipc::DumpRequested{10}, {.ready = true, .dumps = {12, 10}}) == Verdict::Take);
    CHECK(vrrp(ipc::DumpRequested{10}, {.ready = true, .dumps = {12}}) == Verdict::Offence);
    CHECK(vrrp(ipc::DumpRequested{10}, {.ready = true}) == Verdict::Offence);
    CHECK(vrrp(ipc::Heartbeat{}, {}) == Verdict::Take);
}

TEST_CASE("the supervisor takes no text of a dump, and ignores one of a former version's observer") {
    const auto observer = [](const Awaited& awaited) { return judge(Sender::Observer, ipc::DumpText{}, awaited); };
    CHECK(observer({.ready = true, .dumps = {10}}) == Verdict::Offence);
    CHECK(observer({.ready = true, .handed_over = true}) == Verdict::Ignore);
}

TEST_CASE("control requests are the ones that D-Bus and SNMP have, and are ignored until the role is ready") {
    using What = ipc::ControlRequest::What;
    const Awaited ready{.ready = true};
    CHECK(judge(Sender::Observer, ipc::ControlRequest{What::Reload, {}, 0, "DBus"}, ready) == Verdict::Take);
    CHECK(judge(Sender::Observer, ipc::ControlRequest{What::SendGarp, "VI_1", 0, "DBus"}, ready) == Verdict::Take);
    CHECK(judge(Sender::Snmp, ipc::ControlRequest{What::SetLinkbeat, "VI_1", 1, "SNMP"}, ready) == Verdict::Take);
    CHECK(judge(Sender::Observer, ipc::ControlRequest{What::Reload, {}, 0, "DBus"}, {}) == Verdict::Ignore);
    CHECK(judge(Sender::Observer, ipc::ControlRequest{What::Reload, {}, 0, "DBus"},
                {.stopping = true, .ready = true}) == Verdict::Ignore);
    CHECK(judge(Sender::Observer, ipc::ControlRequest{What::SetPriority, "VI_1", 1, "DBus"}, ready) ==
          Verdict::Offence);
    CHECK(judge(Sender::Observer, ipc::ControlRequest{What::Reload, {}, 0, "root\nfrom nowhere"}, ready) ==
          Verdict::Offence);
    CHECK(judge(Sender::Snmp, ipc::ControlRequest{What::Reload, {}, 0, "SNMP"}, ready) == Verdict::Offence);
    CHECK(judge(Sender::Snmp, ipc::ControlRequest{static_cast<What>(77), {}, 0, "SNMP"}, ready) == Verdict::Offence);
}

TEST_CASE("of signals that a process hands on, those of keepalived's children are taken, whatever its state") {
    const auto handed_on = [](int signal, const Awaited& awaited) {
        return judge(Sender::Spare, ipc::SignalReceived{signal}, awaited);
    };
    for (const int signal : {1, 10, 12, 36, 63}) CHECK(handed_on(signal, {}) == Verdict::Take);
    for (const int signal : {0, 2, 15, 17, 64, -1}) CHECK(handed_on(signal, {.ready = true}) == Verdict::Offence);
    CHECK(handed_on(1, {.stopping = true}) == Verdict::Ignore);
    CHECK(handed_on(15, {.stopping = true}) == Verdict::Offence);
}

TEST_CASE("a command for servers of the API is ignored until the observer is ready") {
    const auto asked = [](std::uint64_t request, const Awaited& awaited) {
        return judge(Sender::Observer, ipc::ServerQuestion{.request = request, .which = "*", .by = {}}, awaited);
    };
    CHECK(asked(7, {.ready = true}) == Verdict::Take);
    CHECK(asked(7, {}) == Verdict::Ignore);
    CHECK(asked(7, {.stopping = true, .ready = true}) == Verdict::Ignore);
}

TEST_CASE("a command for instances of the API is ignored until the observer is ready, and is one of the known ones") {
    using Verb = ipc::InstanceQuestion::Verb;
    const auto asked = [](Verb verb, const Awaited& awaited) {
        ipc::InstanceQuestion question;
        question.verb = verb;
        return judge(Sender::Observer, question, awaited);
    };
    CHECK(asked(Verb::FailOver, {.ready = true}) == Verdict::Take);
    CHECK(asked(Verb::MaintenanceShow, {.ready = true}) == Verdict::Take);
    CHECK(asked(Verb::FailOver, {}) == Verdict::Ignore);
    CHECK(asked(Verb::FailOver, {.stopping = true, .ready = true}) == Verdict::Ignore);
    CHECK(asked(static_cast<Verb>(5), {.ready = true}) == Verdict::Offence);
}

TEST_CASE("of a role that a former program started it is not known what that one waits for") {
    const Awaited running{.ready = true, .handed_over = true};
    CHECK(judge(Sender::Vrrp, ipc::Committed{}, running) == Verdict::Ignore);
    CHECK(judge(Sender::Vrrp, ipc::Committed{}, {.handed_over = true}) == Verdict::Take);
    CHECK(judge(Sender::Vrrp, ipc::DumpRequested{10}, running) == Verdict::Take);
    CHECK(judge(Sender::Observer, ipc::DumpRequested{10}, running) == Verdict::Take);
    CHECK(judge(Sender::Vrrp, ipc::Stopped{}, running) == Verdict::Offence);
}
