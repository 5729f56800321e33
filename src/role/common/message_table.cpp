#include "message_table.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <type_traits>
#include <variant>

namespace mainstay::role {
namespace {

using enum Sender;
using enum MessageRow::Counts;
using enum MessageRow::Given;

using Table = std::array<MessageRow, std::variant_size_v<ipc::Message>>;

template <class M, std::size_t Index = 0>
constexpr std::size_t index_of() {
    if constexpr (std::is_same_v<M, std::variant_alternative_t<Index, ipc::Message>>)
        return Index;
    else
        return index_of<M, Index + 1>();
}

struct Entry {
    std::size_t kind = 0;  // its number on the wire
    MessageRow row;
};

template <class M>
constexpr Entry row(std::initializer_list<Sender> senders, MessageRow of) {
    for (const Sender sender : senders)
        of.senders = static_cast<std::uint16_t>(of.senders | 1U << static_cast<unsigned>(sender));
    return {index_of<M>(), of};
}

constexpr Entry kEntries[] = {
    // From roles.
    row<ipc::Heartbeat>({Vrrp, Lvs, Observer, Bfd, Snmp, Spare, Watcher}, {.name = "Heartbeat"}),
    row<ipc::Prepared>({Vrrp, Lvs, Observer, Bfd, Snmp, Spare, Watcher}, {.name = "Prepared", .answers = true}),
    row<ipc::Committed>({Vrrp, Lvs, Observer, Bfd, Snmp}, {.name = "Committed", .answers = true}),
    row<ipc::Stopped>({Vrrp, Lvs, Observer, Bfd, Snmp}, {.name = "Stopped"}),
    row<ipc::RunScript>({Vrrp, Lvs}, {.name = "RunScript", .counts = Work}),
    row<ipc::FifoLine>({Vrrp, Lvs}, {.name = "FifoLine", .counts = Work}),
    // The answer to the supervisor's.
    row<ipc::DumpRequested>({Vrrp, Lvs, Observer},
                            {.name = "DumpRequested", .asks = true, .answers = true, .descriptor = true}),
    // Of former versions, as its answer is.
    row<ipc::DumpText>({Observer}, {.name = "DumpText", .descriptor = true}),
    row<ipc::ControlRequest>({Observer, Snmp}, {.name = "ControlRequest", .counts = Request, .given = Running}),
    row<ipc::ServerAnswered>({Lvs},
                             {.name = "ServerAnswered", .answers = true, .descriptor = true}),  // of former versions
    row<ipc::OperatorAnswered>({Vrrp, Lvs},
                               {.name = "OperatorAnswered", .answers = true, .descriptor = true, .given = Running}),
    row<ipc::Observations>({Watcher}, {.name = "Observations", .counts = Work, .given = UntilStop}),
    row<ipc::ReadTraffic>({Observer}, {.name = "ReadTraffic", .given = Always}),
    row<ipc::ServerFileRead>({Watcher},
                             {.name = "ServerFileRead", .counts = Work, .descriptor = true, .given = UntilStop}),
    row<ipc::DiscoveryMemory>({Lvs}, {.name = "DiscoveryMemory", .descriptor = true, .given = BeforeStart}),
    row<ipc::Rests>({Observer}, {.name = "Rests", .descriptor = true}),
    row<ipc::SignalReceived>({Vrrp, Lvs, Observer, Bfd, Snmp, Spare, Watcher},
                             {.name = "SignalReceived", .counts = Request}),
    // From the processes that read configurations, and from the trial of an upgrade.
    row<ipc::Snapshot>({Reader}, {.name = "Snapshot", .descriptor = true}),
    row<ipc::ReadingDone>({Reader}, {.name = "ReadingDone"}),
    row<ipc::DryRunDone>({Reader, DryRunReader}, {.name = "DryRunDone", .descriptor = true}),
    row<ipc::UpgradeChecked>({UpgradeTrial}, {.name = "UpgradeChecked"}),
    // From mainstayctl.
    row<ipc::DryRun>({Operator}, {.name = "DryRun"}),
    row<ipc::Reload>({Operator}, {.name = "Reload"}),
    row<ipc::Upgrade>({Operator}, {.name = "Upgrade"}),
    row<ipc::RecordQuestion>({Operator}, {.name = "RecordQuestion"}),
    // From mainstayctl, and of the API, where [api] operate is set.
    row<ipc::ServerQuestion>({Operator, Observer},
                             {.name = "ServerQuestion", .counts = Request, .asks = true, .given = Running}),
    row<ipc::InstanceQuestion>({Operator, Observer},
                               {.name = "InstanceQuestion", .counts = Request, .asks = true, .given = Running}),
    row<ipc::LogLevelQuestion>({Operator, Observer}, {.name = "LogLevelQuestion", .counts = Request}),
    // What the supervisor sends, and what roles send each other.
    row<ipc::Prepare>({}, {.name = "Prepare", .asks = true, .descriptor = true}),
    row<ipc::Commit>({}, {.name = "Commit", .asks = true}),
    row<ipc::Abort>({}, {.name = "Abort"}),
    row<ipc::Stop>({}, {.name = "Stop"}),
    row<ipc::Retire>({}, {.name = "Retire"}),
    row<ipc::RoleStartup>({}, {.name = "RoleStartup", .descriptor = true}),
    row<ipc::ScriptResults>({}, {.name = "ScriptResults"}),
    row<ipc::PeerChannel>({}, {.name = "PeerChannel", .descriptor = true, .given = Always}),
    row<ipc::BfdStates>({}, {.name = "BfdStates"}),
    row<ipc::InstanceStates>({}, {.name = "InstanceStates"}),
    row<ipc::UpgradeDone>({}, {.name = "UpgradeDone"}),
    row<ipc::UpgradeTrial>({}, {.name = "UpgradeTrial"}),
    row<ipc::ReloadDone>({}, {.name = "ReloadDone", .descriptor = true}),
    row<ipc::MaintenanceOrder>({}, {.name = "MaintenanceOrder", .given = UntilStop}),
    row<ipc::RecordMemory>({}, {.name = "RecordMemory", .descriptor = true, .given = Running}),
    row<ipc::DumpFile>({}, {.name = "DumpFile", .descriptor = true}),  // on a line of its own
    row<ipc::SupervisionReport>({}, {.name = "SupervisionReport", .given = Always}),
    row<ipc::ApiSettings>({}, {.name = "ApiSettings", .given = Running}),
    row<ipc::ApiFile>({}, {.name = "ApiFile", .descriptor = true, .given = Running}),
    row<ipc::WebhookSettings>({}, {.name = "WebhookSettings", .given = Running}),
    row<ipc::LogLevelOrder>({}, {.name = "LogLevelOrder"}),
};

constexpr Table make_table() {
    Table table{};
    for (const auto& [kind, row] : kEntries) table[kind] = row;
    return table;
}

constexpr Table kTable = make_table();
static_assert(std::ranges::all_of(kTable, [](const MessageRow& row) { return row.name != nullptr; }),
              "add the new kind of message to the table");
static_assert(static_cast<std::size_t>(Operator) + 1 == kSenders);

}  // namespace

const MessageRow& row_of(const ipc::Message& message) { return kTable[message.index()]; }

}  // namespace mainstay::role
