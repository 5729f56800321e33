#include "authorization.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <type_traits>
#include <variant>

#include "mainstay/kernel/signals.hpp"

namespace mainstay::role {

namespace {

using enum Sender;

struct Row {
    const char* name = nullptr;
    std::uint16_t senders = 0;  // one bit for each Sender
};
using Table = std::array<Row, std::variant_size_v<ipc::Message>>;

constexpr std::uint16_t bit(Sender sender) { return static_cast<std::uint16_t>(1U << static_cast<unsigned>(sender)); }

template <class M, std::size_t Index = 0>
constexpr std::size_t index_of() {
    if constexpr (std::is_same_v<M, std::variant_alternative_t<Index, ipc::Message>>)
        return Index;
    else
        return index_of<M, Index + 1>();
}

template <class M>
constexpr void allow(Table& table, const char* name, std::initializer_list<Sender> senders) {
    Row row{name, 0};
    for (const Sender sender : senders) row.senders = static_cast<std::uint16_t>(row.senders | bit(sender));
    table[index_of<M>()] = row;
}

constexpr Table make_table() {
    Table table{};
    // From roles.
    allow<ipc::Heartbeat>(table, "Heartbeat", {Vrrp, Lvs, Observer, Bfd, Snmp, Spare, Watcher});
    allow<ipc::Prepared>(table, "Prepared", {Vrrp, Lvs, Observer, Bfd, Snmp, Spare, Watcher});
    allow<ipc::Committed>(table, "Committed", {Vrrp, Lvs, Observer, Bfd, Snmp});
    allow<ipc::Stopped>(table, "Stopped", {Vrrp, Lvs, Observer, Bfd, Snmp});
    allow<ipc::RunScript>(table, "RunScript", {Vrrp, Lvs});
    allow<ipc::FifoLine>(table, "FifoLine", {Vrrp, Lvs});
    allow<ipc::DumpRequested>(table, "DumpRequested", {Vrrp, Lvs, Observer});  // the answer to the supervisor's
    allow<ipc::DumpText>(table, "DumpText", {Observer});                       // of former versions, as its answer is
    allow<ipc::ControlRequest>(table, "ControlRequest", {Observer, Snmp});
    allow<ipc::ServerAnswered>(table, "ServerAnswered", {Lvs});
    allow<ipc::InstanceAnswered>(table, "InstanceAnswered", {Vrrp});
    allow<ipc::Observations>(table, "Observations", {Watcher});
    allow<ipc::ReadTraffic>(table, "ReadTraffic", {Observer});
    allow<ipc::ServerFileRead>(table, "ServerFileRead", {Watcher});
    allow<ipc::DiscoveryMemory>(table, "DiscoveryMemory", {Lvs});
    allow<ipc::Rests>(table, "Rests", {Observer});
    allow<ipc::SignalReceived>(table, "SignalReceived", {Vrrp, Lvs, Observer, Bfd, Snmp, Spare, Watcher});
    // From the processes that read configurations, and from the trial of an upgrade.
    allow<ipc::Snapshot>(table, "Snapshot", {Reader});
    allow<ipc::ReadingDone>(table, "ReadingDone", {Reader});
    allow<ipc::DryRunDone>(table, "DryRunDone", {Reader, DryRunReader});
    allow<ipc::UpgradeChecked>(table, "UpgradeChecked", {UpgradeTrial});
    // From mainstayctl.
    allow<ipc::DryRun>(table, "DryRun", {Operator});
    allow<ipc::Reload>(table, "Reload", {Operator});
    allow<ipc::Upgrade>(table, "Upgrade", {Operator});
    allow<ipc::ServerQuestion>(table, "ServerQuestion",
                               {Operator, Observer});  // of the API, where [api] operate is set
    allow<ipc::InstanceQuestion>(table, "InstanceQuestion", {Operator, Observer});  // likewise
    allow<ipc::LogLevelQuestion>(table, "LogLevelQuestion", {Operator, Observer});  // likewise
    allow<ipc::RecordQuestion>(table, "RecordQuestion", {Operator});
    // What the supervisor sends, and what roles send each other.
    allow<ipc::Prepare>(table, "Prepare", {});
    allow<ipc::Commit>(table, "Commit", {});
    allow<ipc::Abort>(table, "Abort", {});
    allow<ipc::Stop>(table, "Stop", {});
    allow<ipc::Retire>(table, "Retire", {});
    allow<ipc::RoleStartup>(table, "RoleStartup", {});
    allow<ipc::ScriptResults>(table, "ScriptResults", {});
    allow<ipc::PeerChannel>(table, "PeerChannel", {});
    allow<ipc::BfdStates>(table, "BfdStates", {});
    allow<ipc::InstanceStates>(table, "InstanceStates", {});
    allow<ipc::UpgradeDone>(table, "UpgradeDone", {});
    allow<ipc::UpgradeTrial>(table, "UpgradeTrial", {});
    allow<ipc::ReloadDone>(table, "ReloadDone", {});
    allow<ipc::MaintenanceOrder>(table, "MaintenanceOrder", {});
    allow<ipc::RecordMemory>(table, "RecordMemory", {});
    allow<ipc::DumpFile>(table, "DumpFile", {});  // on a line of its own
    allow<ipc::SupervisionReport>(table, "SupervisionReport", {});
    allow<ipc::ApiSettings>(table, "ApiSettings", {});
    allow<ipc::ApiFile>(table, "ApiFile", {});
    allow<ipc::WebhookSettings>(table, "WebhookSettings", {});
    allow<ipc::LogLevelOrder>(table, "LogLevelOrder", {});
    return table;
}

constexpr Table kTable = make_table();
static_assert(std::ranges::all_of(kTable, [](const Row& row) { return row.name != nullptr; }),
              "add the new kind of message to the table");
static_assert(static_cast<std::size_t>(Operator) + 1 == kSenders);

}  // namespace

bool may_send(Sender sender, const ipc::Message& message) {
    return (kTable[message.index()].senders & bit(sender)) != 0;
}

bool may_send(Kind role, const ipc::Message& message) {
    return role != Kind::Supervisor && may_send(sender_of(role), message);
}

std::optional<std::string> offence_of(Sender sender, const Result<ipc::Received>& received) {
    if (!received) return "sent what cannot be read (" + received.error().text() + ")";
    if (!may_send(sender, received->message))
        return std::string{"sent a message "} + name_of(received->message) + ", which it may not send";
    return std::nullopt;
}

alert::Requester requester_of(Kind role) {
    return role == Kind::Vrrp  ? alert::Requester::Vrrp
           : role == Kind::Lvs ? alert::Requester::Lvs
                               : alert::Requester::Nobody;
}

Sender sender_of(Kind role) {
    switch (role) {
        case Kind::Vrrp:
            return Vrrp;
        case Kind::Lvs:
            return Lvs;
        case Kind::Bfd:
            return Bfd;
        case Kind::Snmp:
            return Snmp;
        case Kind::Observer:
        case Kind::Supervisor:
            break;
    }
    return Observer;
}

namespace {

// The observer relays control requests from D-Bus, SNMP's process writes to columns of its MIB.
bool is_request_of(Sender sender, const ipc::ControlRequest& wanted) {
    using What = ipc::ControlRequest::What;
    const bool of_bus = wanted.what <= What::SendGarp;
    const bool of_snmp = wanted.what >= What::SetPriority && wanted.what <= What::SetLinkbeat;
    return sender == Observer ? of_bus && wanted.by == "DBus" : of_snmp && wanted.by == "SNMP";
}

Verdict take_if(bool right) { return right ? Verdict::Take : Verdict::Offence; }

}  // namespace

Verdict judge(Sender sender, const ipc::Message& message, const Awaited& awaited) {
    if (const auto* wanted = std::get_if<ipc::ControlRequest>(&message)) {
        if (!is_request_of(sender, *wanted)) return Verdict::Offence;
        return awaited.ready && !awaited.stopping ? Verdict::Take : Verdict::Ignore;
    }
    if (const auto* question = std::get_if<ipc::ServerQuestion>(&message)) {
        if ((question->request & ipc::kRequestOfObserver) != 0) return Verdict::Offence;
        return awaited.ready && !awaited.stopping ? Verdict::Take : Verdict::Ignore;
    }
    if (const auto* question = std::get_if<ipc::InstanceQuestion>(&message)) {
        if (question->verb > ipc::InstanceQuestion::Verb::MaintenanceShow) return Verdict::Offence;
        return awaited.ready && !awaited.stopping ? Verdict::Take : Verdict::Ignore;
    }
    if (const auto* received = std::get_if<ipc::SignalReceived>(&message)) {
        if (std::ranges::count(kernel::asking_signals(), received->signal) == 0) return Verdict::Offence;
        return awaited.stopping ? Verdict::Ignore : Verdict::Take;
    }
    if (ipc::is_one_of<ipc::LogLevelQuestion, ipc::Rests>(message))
        return awaited.ready && !awaited.stopping ? Verdict::Take : Verdict::Ignore;
    if (std::holds_alternative<ipc::DumpText>(message))  // what a role has made is not written by root
        return awaited.handed_over ? Verdict::Ignore : Verdict::Offence;
    if (std::holds_alternative<ipc::Stopped>(message)) return take_if(awaited.stopping);
    if (std::holds_alternative<ipc::Committed>(message))
        return awaited.commits > 0 || (awaited.handed_over && !awaited.ready) ? Verdict::Take
               : awaited.handed_over                                          ? Verdict::Ignore
                                                                              : Verdict::Offence;
    if (awaited.handed_over) return Verdict::Take;
    if (const auto* done = std::get_if<ipc::DumpRequested>(&message))
        return take_if(std::ranges::find(awaited.dumps, done->signal) != awaited.dumps.end());
    return Verdict::Take;
}

const char* name_of(const ipc::Message& message) { return kTable[message.index()].name; }

}  // namespace mainstay::role
