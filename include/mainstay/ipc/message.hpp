// Messages between the supervisor and other processes, over SEQPACKET sockets. They are small; a configuration is sent
// as a sealed memfd with its message.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "mainstay/base/error.hpp"
#include "mainstay/base/framed_archive.hpp"
#include "mainstay/base/log.hpp"
#include "mainstay/report/supervision.hpp"
#include "settings.hpp"

namespace mainstay::ipc {

inline constexpr std::size_t kMessageBytesMax = 64 * 1024;

// ---- supervisor to role ----
struct Prepare {  // with one descriptor: a sealed memfd with the encoded config::Config
    std::uint64_t generation = 0;
};
struct Commit {
    std::uint64_t generation = 0;
};
struct Abort {
    std::uint64_t generation = 0;
};
struct Stop {};  // resign, release everything and exit
struct ScriptResult {
    std::uint64_t request = 0;
    enum class How : std::uint8_t { Exited, Signalled, TimedOut, NotRun } how = How::Exited;
    std::int32_t status = 0;  // exit status, signal; NotRun: errno, EAGAIN when there are too many, 0: no such key
    std::string errors = {};  // of one that failed: its last lines on stderr, kernel::last_lines(); may be empty
};
struct ScriptResults {
    std::vector<ScriptResult> results;
};  // scripts that have ended since the last batch
// A relayed SIGUSR1, SIGUSR2 and so on: update the state block (vrrp, lvs, which send it back when done), or write the
// dump files (observer; with one descriptor: its end of the channel on which it gets them, see DumpFile).
struct DumpRequested {
    std::int32_t signal = 0;
};

// With one descriptor for a reader that writes to `check_log`.
struct RoleStartup {         // the first message a role or the reader gets: everything about its start
    bool restarted = false;  // an earlier incarnation crashed: take over its state
    std::string log_ident;   // syslog ident; empty log_socket: no syslog
    std::string log_socket = "/dev/log";
    std::int32_t log_facility = 3;
    bool log_console = false;
    LogLevel log_level = LogLevel::Info;
    std::string user = "mainstay";                // the account to which the process switches
    std::string process_name;                     // for ps
    std::string config_path, config_id;           // reader
    std::string control_socket, spool_directory;  // observer
    bool keep_addresses = false;                  // -V: leave VIPs at stop
    bool keep_ipvs = false;                       // -I: leave services at stop
    std::uint32_t audit_seconds = 10;             // lvs: how often the kernel's table is compared
    std::string settings_path;                    // reader: mainstay.toml
    std::uint32_t mail_keep_seconds = 259200;     // observer: how long an undelivered mail is retried
    bool strict = false;                          // reader: a configuration with a warning cannot run
    bool all_include_checks = false;              // reader: -e
    // reader: read, compare with the running configuration, and report; no snapshots are sent
    enum class DryRunAs : std::uint8_t { No, Text, Json } dry_run = DryRunAs::No;
    bool run_vrrp = true, run_lvs = true;    // reader in a dry run: -P, -C
    std::uint32_t notify_wait_seconds = 10;  // reader in a dry run: the running value
    bool has_ipvs_namespace = false;         // lvs: use IPVS in the network namespace of descriptor kIpvsNamespace
    std::string net_namespace;               // reader: -s
    // reader, at a reload: any diagnostic refuses it; all diagnostics are appended to this file (empty: none)
    bool check_first = false;
    std::string check_log;
    bool may_schedule = false, may_lock = false;  // scheduling and mlock rights, from its process options
    bool spare = false;                           // load everything and wait for a Commit, which may never come
    bool snmp = false;                            // reader, SNMP: -x
    std::string snmp_socket;                      // of the AgentX master; reader: -A; SNMP: the one in use
    bool force = false;                           // reader: reload even if broken blocks remove running objects
    DryRunAs report = DryRunAs::No;               // reader: report the reload's changes, or why it is refused
    MailSettings mail;                            // observer
    std::string in_namespace;                     // reader: the network namespace in which it was started; empty: none
    bool has_record = false;                      // descriptor kOwnRecord is the memory of its flight recorder
    bool log_journal = false;                     // log_socket is journald's
    bool log_json = false;                        // also JSON lines on stdout
    WebhookSettings webhooks;  // observer; reader in a dry run: the running ones, as `mail` and `api`
    ApiSettings api;           // reader
    LogLevels log_levels;      // of all modules; empty: log_level
    bool adopt = false;        // vrrp, lvs: go on with what another program holds on this host (--takeover)
    std::vector<std::string> pass_environment;  // reader in a dry run: the running value
    bool has_api_socket = false;                // descriptor kApiSocket is the observer's that rests (Rests)
    std::string upgraded_from;                  // with `restarted`: by an upgrade from this version; empty: by a crash
    std::vector<std::uint64_t> errors;          // reader: those of the running configuration (config::ErrorMarks)
    bool check_dump = false;                    // reader: write keepalived_check.data on kControl, a dump's line
};

// One end of a new channel to another role, with one descriptor. It replaces an earlier one to the same role.
struct PeerChannel {
    enum class To : std::uint8_t { Vrrp, Lvs, Bfd } to = To::Vrrp;
};

// ---- bfd to vrrp and lvs, over their peer channels ----
struct BfdState {
    std::string name;  // of the bfd_instance
    bool up = false;
};
struct BfdStates {
    std::vector<BfdState> sessions;
};  // all sessions on a new channel, then changes

// ---- vrrp to lvs, over their peer channel ----
struct InstanceState {
    std::string name;  // of the vrrp_instance
    bool master = false;
};
struct InstanceStates {
    std::vector<InstanceState> instances;
};  // the instances that lvs follows: first all, then changes

// ---- role to supervisor ----
struct Heartbeat {
    std::uint64_t log_lines_lost = 0;  // by this process; a later one begins with 0
};
struct Prepared {  // also the answer to the first Prepare after the start
    std::uint64_t generation = 0;
    std::string refused;  // empty: ready to commit; else the reason
};
struct Committed {
    std::uint64_t generation = 0;
};
struct RunScript {
    std::uint64_t request = 0;       // 0: no result is needed
    std::string key;                 // into the supervisor's script table, see alert/scripts.hpp
    std::string queue;               // scripts of one queue run one after the other; empty: at once
    std::vector<std::string> extra;  // appended to the configured arguments
    bool removed = false;            // of an object that the last reload removed: the key is one of the table before
};
struct Stopped {};  // everything is released; the role exits next
// Only of the observer, with one descriptor: the listening socket of the API. It has nothing to do and exits next; the
// supervisor starts another one when a client connects, an event is there or a dump is asked for.
struct Rests {};

// ---- reader to supervisor; supervisor to reader: the roles' running snapshots, before the RoleStartup of a reload
// ---- With one descriptor, a sealed memfd: the encoded config::Config of a role, or for the supervisor
// alert::ScriptTable, HostPlan or the text of the configuration.
struct Snapshot {
    enum class For : std::uint8_t { Vrrp, Lvs, Observer, Scripts, Bfd, Host, Snmp, Copy } audience = For::Vrrp;
    bool needed = false;  // the configuration has work for that role
};
struct ReadingDone {
    std::int32_t exit_code = 0;  // keepalived's, as for -t
    bool can_run = false;
    std::string summary;                                                                     // one line for the log
    std::uint32_t audit_seconds = 10, notify_wait_seconds = 10, mail_keep_seconds = 259200;  // from mainstay.toml
    DaemonSettings daemon;  // the settings that the supervisor itself uses
    bool stays = false;     // the reader waits for another RoleStartup; else it exits
    // Not empty: the configuration must be read in this network namespace, because it has other interfaces.
    std::string wants_namespace;
    ApiSettings api;
    MailSettings mail;
    WebhookSettings webhooks;
    std::vector<std::string> pass_environment;  // patterns of variables that scripts get
    std::vector<std::uint64_t> errors;          // that the configuration runs with (config::ErrorMarks)
    std::string reason;  // why it cannot run, as in the log's lines before the summary; empty: the summary says it
    std::uint64_t log_lines_lost = 0;  // by this process, as in Heartbeat
};

template <class A>
void fields(A& a, ReadingDone& m) {
    a(m.exit_code, m.can_run, m.summary, m.audit_seconds, m.notify_wait_seconds, m.mail_keep_seconds, m.daemon, m.stays,
      m.wants_namespace, m.api, m.mail, m.webhooks, m.pass_environment, m.errors, m.reason, m.log_lines_lost);
}

// ---- mainstayctl to the supervisor, over its own socket ----
struct DryRun {
    bool as_json = false;
};  // asks what a reload would change
// ---- reader to supervisor, supervisor to mainstayctl; also the reader's report of a real reload ----
inline constexpr std::size_t kReloadLinesMax = 20;
struct DryRunDone {              // with one descriptor: the sealed text for the operator
    std::int32_t exit_code = 0;  // 0: nothing would change, 1: something would, 2: the reload would be refused
    std::string problem;         // not empty: why there is no report and no descriptor
    // Of a real reload: what changes, for the log; at most kReloadLinesMax lines, and how many there are more.
    std::vector<std::string> lines;
    std::uint32_t lines_left_out = 0;
    // What of the running configuration new errors of the file take away, in the same form.
    std::vector<std::string> removed_by_errors;
};

// ---- observer and SNMP agent to the supervisor, which forwards requests for an instance to the vrrp role ----
struct ControlRequest {  // a request over D-Bus or SNMP; there is no answer
    enum class What : std::uint8_t {
        Reload,
        PrintData,
        PrintStats,
        PrintStatsClear,
        SendGarp,  // of `instance`, if it is master
        // of `instance`, until the next reload; switches are 0 or 1
        SetPriority,
        SetPreempt,
        SetAccept,
        SetPromoteSecondaries,
        SetLinkbeat
    } what = What::Reload;
    std::string instance;
    std::int64_t value = 0;
    std::string by;  // "DBus", "SNMP": for the log
};

// ---- supervisor to role ----
struct Retire {};  // the successor waits: publish the state and exit without releasing or resigning

// ---- mainstayctl to the supervisor, over its own socket, and back when all is over ----
struct Upgrade {
    std::string program;
};  // empty: the daemon's own path
struct UpgradeDone {
    std::string problem;        // not empty: why nothing was changed, or why not all roles were replaced
    std::string before, after;  // versions
    std::uint32_t roles = 0;    // number of replaced roles
};
// ---- supervisor to the new program, on trial in a child, and back ----
struct UpgradeTrial {
    std::uint32_t format = 0;  // of the HandOver that would follow
    struct Part {
        std::uint8_t kind = 0;                   // role::Kind
        std::int32_t snapshot = -1, block = -1;  // inherited descriptors
    };
    std::vector<Part> parts;
};
struct UpgradeChecked {
    std::string problem;  // empty: the new program can continue from the current state
    std::string version;
};

// ---- role to supervisor ----
struct FifoLine {
    std::string line;
};  // for notify_fifo, vrrp_notify_fifo or lvs_notify_fifo, with its newline

// ---- watcher to supervisor, supervisor to roles ----
struct Observation {  // of a tracked file, process or polled link
    enum class Kind : std::uint8_t { File, Process, Link } kind = Kind::File;
    std::string name;        // of the track_file, the vrrp_track_process, the interface
    std::int64_t value = 0;  // the file's number; the number of processes; link: 1 up, 0 down, -1 cannot be polled
};
struct Observations {
    std::vector<Observation> list;
};

// ---- observer to supervisor ----
struct DumpText {  // of former versions, whose observer had the supervisor write the files
    enum class What : std::uint8_t { Data, DataCheck, DataParent, DataBfd, Stats, Json } what = What::Data;
};

// ---- mainstayctl or the observer to the supervisor, supervisor to the lvs role, and back the same way ----
struct ServerQuestion {         // an operator's command for servers, see lvs/overrides.hpp
    std::uint64_t request = 0;  // set by the supervisor; until it has it, the observer's own
    std::uint8_t verb = 0;      // lvs::ServerCommand::Verb
    std::string which;
    std::int64_t weight = 0;
    bool dry_run = false;
    std::string by;  // set by the supervisor: the account of the client, or "API: " and what the observer says
    bool expire_persistence = false;
    std::int64_t seconds = 0;  // until the override ends by itself; 0: it does not
    std::string reason;
    bool count_connections = false;  // with Verb::Show: of the servers that match
};
struct ServerAnswered {  // of former versions; now an OperatorAnswered
    std::uint64_t request = 0;
    std::int32_t exit_code = 0;
    std::string problem;
};

// ---- mainstayctl to the supervisor, over its own socket, and back when all is over ----
struct Reload {
    bool force = false;  // reload even if broken blocks remove running objects
    bool as_json = false;
};
struct ReloadDone {       // with one descriptor, when the configuration could be read: the sealed text for the operator
    std::string problem;  // empty: the new configuration runs; else the reason why it does not
};

// ---- observer to the process that makes the files of one dump, and back: on a line of their own ----
struct DumpFile {
    DumpText::What what = DumpText::What::Data;
    enum class Step : std::uint8_t {
        Wanted,   // of former versions: a file is handed out unasked
        Opened,   // with one descriptor, for writing only
        Refused,  // why not, is in the log
        Written,  // it is whole: the file goes to its place
        Over      // there is no more: of no file, by both sides
    } step = Step::Wanted;
};

// ---- supervisor to observer: when a process starts to run, when one ends, after each reload ----
struct SupervisionReport {
    report::Supervision now;
};

// ---- observer to supervisor, supervisor to the lvs role: somebody collects metrics. It is repeated while that goes
// on; some minutes after the last one the lvs role stops reading the kernel's counters ----
struct ReadTraffic {};
// ---- mainstayctl or the observer to the supervisor; FailOver, FailBack and dry runs of Maintenance on to the vrrp
// role
// ----
struct InstanceQuestion {       // an operator's command for the director's instances
    std::uint64_t request = 0;  // set by the supervisor
    enum class Verb : std::uint8_t {
        FailOver,
        FailBack,
        MaintenanceOn,
        MaintenanceOff,
        MaintenanceShow
    } verb = Verb::FailOver;
    std::string which;         // FailOver, FailBack: an instance or a sync group
    std::int64_t seconds = 0;  // MaintenanceOn: it ends after so many; 0: when an operator ends it
    std::string reason;        // MaintenanceOn
    bool dry_run = false;
    std::string account;  // of the operator, as mainstayctl knows it: a name for people
    std::string by;       // set by the supervisor: the account of the client
};
struct OperatorAnswered {  // with one descriptor, unless there is a problem: the sealed text for the operator
    std::uint64_t request = 0;
    std::int32_t exit_code = 0;  // 0: done, or a dry run without changes; 1: nobody took over, connections are left, or
                                 // a dry run with changes; 2: refused
    std::string problem;
};
// ---- supervisor to the vrrp and the lvs role: before the first configuration if it is on, then changes ----
struct MaintenanceOrder {
    bool on = false;
    WallTime since;
    std::optional<WallTime> until;  // none: until an operator ends it
    std::string by, reason;
    std::uint64_t request = 0;  // of the operator who waits for the outcome; 0: nobody
    std::string note;           // for that operator
    bool operator==(const MaintenanceOrder&) const = default;
};
template <class A>
void fields(A& a, MaintenanceOrder& m) {
    a(m.on, m.since, m.until, m.by, m.reason, m.request, m.note);
}

// ---- supervisor to observer: WebhookSettings; an ApiSettings, then one ApiFile for each file that it names; again
// when they change
// ----
struct ApiFile {  // with one descriptor, for reading, unless there is a problem
    enum class What : std::uint8_t {
        Certificate,
        Key,
        ClientCa,
        Credentials,
        PeerToken,
        PeerCa
    } what = What::Certificate;
    std::string problem;
};
inline constexpr std::size_t kApiFileBytesMax = 1 << 20;

// ---- mainstayctl to the supervisor, over its own socket, and back ----
struct RecordQuestion {  // asks for what the flight recorder of a role holds
    enum class Of : std::uint8_t { Vrrp, Lvs } of = Of::Vrrp;
};
struct RecordMemory {  // with one descriptor, unless there is a problem: the recorder's memory, read-only
    std::string problem;
};

// ---- mainstayctl or the observer to the supervisor; the answer is an OperatorAnswered ----
struct LogLevelQuestion {       // shows the levels of the log, or sets them until the daemon restarts
    std::uint64_t request = 0;  // of the observer's own
    std::string module;         // of which log_module_of() knows the name; empty: of all
    std::string level;          // log_level_of()'s, or "default": as on the command line; empty: show
    std::string by;             // set by the supervisor, as in InstanceQuestion
    std::string account;
};
// ---- supervisor to roles, spares and the watcher: when an operator has changed them ----
struct LogLevelOrder {
    LogLevels levels;  // of all modules
};

// ---- watcher to supervisor, supervisor to the lvs role ----
struct ServerFileRead {   // with one descriptor, unless there is a problem: sealed, the encoded ServerList
    std::string source;   // config::key_of() of a source of the plan
    std::string problem;  // why the file gives no servers now
};
// ---- lvs role to supervisor when the servers in force change; supervisor to the lvs role before its first Commit ----
struct DiscoveryMemory {};  // with one descriptor: sealed, the encoded DiscoveredSources

// ---- role, spare or watcher to supervisor ----
struct SignalReceived {  // one by which keepalived's children are asked for something, see kernel/signals.hpp
    std::int32_t signal = 0;
};

// New kinds go to the end: the position is the number on the wire, and processes of two versions meet during an
// upgrade.
using Message = std::variant<Prepare, Commit, Abort, Stop, ScriptResults, DumpRequested, Heartbeat, Prepared, Committed,
                             RunScript, Stopped, RoleStartup, Snapshot, ReadingDone, DryRun, DryRunDone, ControlRequest,
                             Retire, Upgrade, UpgradeDone, UpgradeTrial, UpgradeChecked, PeerChannel, BfdStates,
                             FifoLine, Observations, DumpText, ServerQuestion, ServerAnswered, InstanceStates, Reload,
                             ReloadDone, DumpFile, SupervisionReport, ReadTraffic, InstanceQuestion, OperatorAnswered,
                             MaintenanceOrder, ApiSettings, ApiFile, RecordQuestion, RecordMemory, WebhookSettings,
                             LogLevelQuestion, LogLevelOrder, ServerFileRead, DiscoveryMemory, SignalReceived, Rests>;

template <class... Kinds>
[[nodiscard]] bool is_one_of(const Message& message) {
    return (std::holds_alternative<Kinds>(message) || ...);
}

// What an operator asks the daemon over mainstayctl or the API, and gets an OperatorAnswered for.
using OperatorQuestion = std::variant<ServerQuestion, InstanceQuestion, LogLevelQuestion>;
[[nodiscard]] std::optional<OperatorQuestion> operator_question(const Message& message);  // none: it is another message
[[nodiscard]] std::optional<OperatorAnswered> operator_answer(const Message& message);    // also of former versions

// One byte with the kind, then the struct. An unknown kind is Errc::Unsupported, which distinguishes a newer peer from
// damaged bytes.
[[nodiscard]] std::vector<std::byte> encode_message(const Message& message);
[[nodiscard]] Result<Message> decode_message(std::span<const std::byte> bytes);

}  // namespace mainstay::ipc
