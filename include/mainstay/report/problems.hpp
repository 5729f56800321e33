// What counts as a problem of a running director: one list, which status, status --check, doctor, the page, the API and
// the metrics show, and which docs/guide/monitoring.md describes. What an operator wants (maintenance, a server that is
// drained or disabled) is none. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mainstay/report/document.hpp"

namespace mainstay::report {

enum class ProblemKind : std::uint8_t {
    TwoMasters,
    InstanceFault,
    AddressRefused,
    NoQuorum,
    IpvsUnavailable,
    ProcessDown,
    ProcessRestarted,
    InstanceInit,
    RouteRefused,
    ScriptDown,
    BfdDown,
    ServerDown,
    ServerKept,
    NotAnnounced,
    MhTableWaits,
    ServersHeld,
    ServersUnknown,
    MailStuck,
    WebhookStuck,
    SpoolUnwritable,
    ApiNotServed,
    ReloadRefused,
    UpgradeRefused,
    LogLinesLost,
    ClientsUnanswered,
};

struct ProblemRow {
    ProblemKind kind;
    std::string_view name;  // "two_masters": in JSON and metrics
    std::string_view part;  // of the status: "vrrp", "lvs" or "daemon"
    bool critical;          // else a warning
    std::string_view meaning;
    std::string_view fix;    // {} is the object
    std::string_view alert;  // the rule in mainstay-alerts.yml
    std::string_view snmp;   // the object of KEEPALIVED-MIB that shows it; empty: it has none

    [[nodiscard]] constexpr std::string_view severity() const { return critical ? "critical" : "warning"; }
};

[[nodiscard]] std::span<const ProblemRow> problem_rows();  // critical ones first
[[nodiscard]] const ProblemRow& row_of(ProblemKind kind);
[[nodiscard]] const ProblemRow* problem_row(std::string_view name);  // null: not known

struct Problem {
    ProblemKind kind;
    std::string object;  // "VI_1", "10.0.0.12:80" (a server), "vrrp" (a process); empty: the daemon as a whole
    std::string parent;  // of a server: its service
    std::string text;    // "VI_1 is in FAULT: interface eth0 down"
    bool operator==(const Problem&) const = default;
};

// The problems of now, critical ones first, then in the order of the table and of the document.
[[nodiscard]] std::vector<Problem> problems(const DaemonStatus& status);

}  // namespace mainstay::report
