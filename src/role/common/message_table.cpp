#include "role/common/message_table.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <type_traits>
#include <variant>

namespace mainstay::role {

namespace {

using enum Sender;
using enum MessageRow::Counts;

using Table = std::array<MessageRow, std::variant_size_v<ipc::Message>>;

template <class M, std::size_t Index = 0>
constexpr std::size_t index_of() {
    if constexpr (std::is_same_v<M, std::variant_alternative_t<Index, ipc::Message>>)
        return Index;
    else
        return index_of<M, Index + 1>();
}

template <class M>
constexpr void add(Table& table, std::initializer_list<Sender> senders, MessageRow row) {
    for (const Sender sender : senders)
        row.senders = static_cast<std::uint16_t>(row.senders | 1U << static_cast<unsigned>(sender));
    table[index_of<M>()] = row;
}

constexpr Table make_table() {
    Table table{};
    // From roles.
    add<ipc::Heartbeat>(table, {Vrrp, Lvs, Observer, Bfd, Snmp, Spare, Watcher}, {.name = "Heartbeat"});
    add<ipc::Prepared>(table, {Vrrp, Lvs, Observer, Bfd, Snmp, Spare, Watcher}, {.name = "Prepared", .answers = true});
    add<ipc::Committed>(table, {Vrrp, Lvs, Observer, Bfd, Snmp}, {.name = "Committed", .answers = true});
    add<ipc::Stopped>(table, {Vrrp, Lvs, Observer, Bfd, Snmp}, {.name = "Stopped"});
    add<ipc::RunScript>(table, {Vrrp, Lvs}, {.name = "RunScript", .counts = Work});
    add<ipc::FifoLine>(table, {Vrrp, Lvs}, {.name = "FifoLine", .counts = Work});
    add<ipc::DumpRequested>(table, {Vrrp, Lvs, Observer},
                            {.name = "DumpRequested",
                             .asks = true,
                             .answers = true,
                             .descriptor = true});  // the answer to the supervisor's
    add<ipc::DumpText>(table, {Observer},
                       {.name = "DumpText", .descriptor = true});  // of former versions, as its answer is
    add<ipc::ControlRequest>(table, {Observer, Snmp}, {.name = "ControlRequest", .counts = Request});
    add<ipc::ServerAnswered>(table, {Lvs}, {.name = "ServerAnswered", .answers = true, .descriptor = true});
    add<ipc::InstanceAnswered>(table, {Vrrp}, {.name = "InstanceAnswered", .answers = true, .descriptor = true});
    add<ipc::Observations>(table, {Watcher}, {.name = "Observations", .counts = Work});
    add<ipc::ReadTraffic>(table, {Observer}, {.name = "ReadTraffic"});
    add<ipc::ServerFileRead>(table, {Watcher}, {.name = "ServerFileRead", .counts = Work, .descriptor = true});
    add<ipc::DiscoveryMemory>(table, {Lvs}, {.name = "DiscoveryMemory", .descriptor = true});
    add<ipc::Rests>(table, {Observer}, {.name = "Rests", .descriptor = true});
    add<ipc::SignalReceived>(table, {Vrrp, Lvs, Observer, Bfd, Snmp, Spare, Watcher},
                             {.name = "SignalReceived", .counts = Request});
    // From the processes that read configurations, and from the trial of an upgrade.
    add<ipc::Snapshot>(table, {Reader}, {.name = "Snapshot", .descriptor = true});
    add<ipc::ReadingDone>(table, {Reader}, {.name = "ReadingDone"});
    add<ipc::DryRunDone>(table, {Reader, DryRunReader}, {.name = "DryRunDone", .descriptor = true});
    add<ipc::UpgradeChecked>(table, {UpgradeTrial}, {.name = "UpgradeChecked"});
    // From mainstayctl.
    add<ipc::DryRun>(table, {Operator}, {.name = "DryRun"});
    add<ipc::Reload>(table, {Operator}, {.name = "Reload"});
    add<ipc::Upgrade>(table, {Operator}, {.name = "Upgrade"});
    add<ipc::ServerQuestion>(
        table, {Operator, Observer},
        {.name = "ServerQuestion", .counts = Request, .asks = true});  // of the API, where [api] operate is set
    add<ipc::InstanceQuestion>(table, {Operator, Observer},
                               {.name = "InstanceQuestion", .counts = Request, .asks = true});  // likewise
    add<ipc::LogLevelQuestion>(table, {Operator, Observer},
                               {.name = "LogLevelQuestion", .counts = Request});  // likewise
    add<ipc::RecordQuestion>(table, {Operator}, {.name = "RecordQuestion"});
    // What the supervisor sends, and what roles send each other.
    add<ipc::Prepare>(table, {}, {.name = "Prepare", .asks = true, .descriptor = true});
    add<ipc::Commit>(table, {}, {.name = "Commit", .asks = true});
    add<ipc::Abort>(table, {}, {.name = "Abort"});
    add<ipc::Stop>(table, {}, {.name = "Stop"});
    add<ipc::Retire>(table, {}, {.name = "Retire"});
    add<ipc::RoleStartup>(table, {}, {.name = "RoleStartup", .descriptor = true});
    add<ipc::ScriptResults>(table, {}, {.name = "ScriptResults"});
    add<ipc::PeerChannel>(table, {}, {.name = "PeerChannel", .descriptor = true});
    add<ipc::BfdStates>(table, {}, {.name = "BfdStates"});
    add<ipc::InstanceStates>(table, {}, {.name = "InstanceStates"});
    add<ipc::UpgradeDone>(table, {}, {.name = "UpgradeDone"});
    add<ipc::UpgradeTrial>(table, {}, {.name = "UpgradeTrial"});
    add<ipc::ReloadDone>(table, {}, {.name = "ReloadDone", .descriptor = true});
    add<ipc::MaintenanceOrder>(table, {}, {.name = "MaintenanceOrder"});
    add<ipc::RecordMemory>(table, {}, {.name = "RecordMemory", .descriptor = true});
    add<ipc::DumpFile>(table, {}, {.name = "DumpFile", .descriptor = true});  // on a line of its own
    add<ipc::SupervisionReport>(table, {}, {.name = "SupervisionReport"});
    add<ipc::ApiSettings>(table, {}, {.name = "ApiSettings"});
    add<ipc::ApiFile>(table, {}, {.name = "ApiFile", .descriptor = true});
    add<ipc::WebhookSettings>(table, {}, {.name = "WebhookSettings"});
    add<ipc::LogLevelOrder>(table, {}, {.name = "LogLevelOrder"});
    return table;
}

constexpr Table kTable = make_table();
static_assert(std::ranges::all_of(kTable, [](const MessageRow& row) { return row.name != nullptr; }),
              "add the new kind of message to the table");
static_assert(static_cast<std::size_t>(Operator) + 1 == kSenders);

}  // namespace

const MessageRow& row_of(const ipc::Message& message) { return kTable[message.index()]; }

}  // namespace mainstay::role
