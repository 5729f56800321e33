// The subcommands of mainstayctl. Each prints to stdout, reports errors on stderr, and returns the exit code.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mainstay/base/error.hpp"
#include "mainstay/config/keywords.hpp"
#include "mainstay/config/schema/schema.hpp"
#include "status_view.hpp"

namespace mainstay::cli {

// Exit codes. What they mean to a subcommand stands with it.
inline constexpr int kUsage = 2, kError = 2, kNotRunning = 3, kNotAllowed = 4;
inline constexpr int kClean = 0, kWarnings = 1, kErrors = 2;      // of what was found in files
inline constexpr int kSame = 0, kDifferent = 1, kUnreadable = 2;  // of what was compared
inline constexpr std::size_t kAnswerBytesMax = 256U << 20;        // thousands of services with thousands of servers

struct StatusOptions {
    std::vector<std::string> names;  // show only these (status_view.hpp); empty: all
    StatusSection section = StatusSection::All;
    bool as_json = false;
    bool check = false;  // one line, with the exit codes of Nagios' plugins
    bool watch = false;  // again every two seconds; does not return
};
[[nodiscard]] int ctl_status(const std::string& socket, const StatusOptions& options);
struct EventsOptions {
    std::string since;              // as moments.hpp has it; empty: the last ones
    std::string instance, service;  // show only events of these; empty: all
    std::size_t most = 50;          // without `since`
    bool follow = false, as_json = false;
};
// Exit 0: done, 2: the arguments are wrong, 3: no daemon answers, 4: not allowed.
[[nodiscard]] int ctl_events(const std::string& socket, const EventsOptions& options);
// Exit 0: done, 1: nothing is called like that, or several things are; 3 and 4 as above.
[[nodiscard]] int ctl_why(const std::string& socket, const std::string& name, bool as_json);
// The busiest services and servers, `most` of each; `again`: every two seconds, without an end.
[[nodiscard]] int ctl_top(const std::string& socket, std::size_t most, bool again);
// Prints the daemon's metrics. Exit 1: an unknown scope or set of names, 3: no daemon answers.
struct MetricsRequest {
    std::string scope;                // empty: services
    std::vector<std::string> compat;  // names of other exporters
    bool openmetrics = false;
    bool reference = false;  // print the tables of docs/metrics.md, without the daemon
};
[[nodiscard]] int ctl_metrics(const std::string& socket, const MetricsRequest& request);
struct CheckOptions {
    bool as_json = false;   // one array of diagnostics, nothing else
    bool strict = false;    // warnings count as errors
    std::string config_id;  // as mainstayd -i; empty: the host's name
};
[[nodiscard]] int ctl_config_check(const std::vector<std::string>& files, const CheckOptions& options);
[[nodiscard]] int ctl_config_explain(const std::vector<std::string>& keywords);
// Everything about all keywords; `head` is a file that is printed first, unless it is empty.
enum class ReferenceForm : std::uint8_t { Markdown, Man, TomlMan, List };
[[nodiscard]] int ctl_config_reference(ReferenceForm form, const std::string& head);
// The JSON Schema of the TOML form.
[[nodiscard]] int ctl_config_schema();
// `ids`: whose @ID lines are taken in each; empty: nobody's.
[[nodiscard]] int ctl_config_pair(const std::string& first, const std::string& second,
                                  const std::vector<std::string>& ids);
[[nodiscard]] int ctl_config_print(const std::string& file);
// keepalived.conf to TOML, or back, by the file's name, with the @ID lines of this id. Exit 0: all of it, 1: not all,
// 2: nothing is printed.
[[nodiscard]] int ctl_config_convert(const std::string& file, const std::string& config_id);
// Shows what a reload from one file to the other would change. `config_id`: as mainstayd -i. Exit 0: nothing,
// 1: something, 2: one of them cannot run.
[[nodiscard]] int ctl_config_diff(const std::string& before, const std::string& after, const std::string& config_id,
                                  bool as_json);
// Asks the daemon what a reload would change: from its running configuration to the files on disk. Exit 0: nothing,
// 1: something, 2: it would be refused, 3: no daemon answers, 4: not allowed. `socket` is the control socket; the
// supervisor's is beside it.
[[nodiscard]] int ctl_reload_dry_run(const std::string& socket, bool as_json);
struct ReloadOptions {
    bool force = false, as_json = false;
    bool yes = false;  // do not ask, at a terminal, about what new errors of the file remove
};
[[nodiscard]] int ctl_reload(const std::string& socket, const ReloadOptions& options);
// Compares the file that the daemon would read with another one, on this host and without the daemon.
[[nodiscard]] int ctl_reload_dry_run_to(const std::string& file, bool as_json);
// Replaces the daemon with `program` (empty: its own path on disk) and keeps its state. Exit 0: done, 2: refused
// or not all processes, 3 and 4 as above.
[[nodiscard]] int ctl_upgrade(const std::string& socket, const std::string& program);
// From a running keepalived to this daemon without a gap, or back. Exit 0: done, 2: refused or not possible, and what
// ran before goes on; 3: there is nothing to take over from, 4 as above.
struct TakeoverOptions {
    enum class What : std::uint8_t { TakeOver, Undo, Confirm } what = What::TakeOver;
    std::string pid_file = "/run/keepalived.pid", unit = "keepalived.service";
};
[[nodiscard]] int ctl_takeover(const std::string& socket, const TakeoverOptions& options);
// Sets or resets overrides of servers in the running daemon; they last until they are reset. Exit 0: done, or in a dry
// run nothing would change; 1: in a dry run, something would, or after the wait, connections are left; 2: refused; 3
// and 4 as above.
struct ServerOptions {
    std::string verb;  // show, drain, disable, enable, weight
    std::string which;
    std::int64_t weight = 0;
    bool dry_run = false;
    bool expire_persistence = false;  // with drain
    std::string duration, reason;     // with drain, disable and weight: as of maintenance
    bool wait = false;                // with drain and disable: until no connection is left
    std::string timeout = "10m";      // of the wait
};
[[nodiscard]] int ctl_servers(const std::string& socket, const ServerOptions& options);
struct MailOptions {
    bool of_webhooks = false;      // events for webhooks instead of mails
    std::string verb;              // queue, retry, drop, test
    std::vector<std::string> ids;  // retry and drop; empty: all
    std::vector<std::string> to;   // test; empty: the configured recipients, or all webhooks
    bool all = false;
    bool as_json = false;  // queue
};
// mainstayctl mail and webhook. Exit 0: done, or the test was delivered; 1: it was not; 2: refused; 3 and 4 as above.
[[nodiscard]] int ctl_mail(const std::string& socket, const MailOptions& options);
// Hands an instance or a sync group over to another router and waits for the outcome; `back`: lets it preempt again.
// Exit 0: another router took over, 1: nobody did, or a dry run with changes, 2: refused; 3 and 4 as above.
[[nodiscard]] int ctl_failover(const std::string& socket, const std::string& which, bool back, bool dry_run);
struct MaintenanceOptions {
    std::string verb;  // on, off, show
    std::string duration, reason;
    bool dry_run = false;
};
// Shows the levels of the log, or sets them: no words, MODULE, LEVEL, or MODULE LEVEL. Exit 0: done, 2: refused.
[[nodiscard]] int ctl_log_level(const std::string& socket, const std::vector<std::string>& words);
[[nodiscard]] int ctl_maintenance(const std::string& socket, const MaintenanceOptions& options);
// "90", "90s", "30m", "1h30m", "2d": of seconds, 1 to a year. None: it is no such duration.
inline constexpr std::int64_t kDurationSecondsMax = 366LL * 86'400;
[[nodiscard]] std::optional<std::int64_t> seconds_of(const std::string& text);
// Prints the line of a new credential of the API, and on stderr its token; with `password`, it is read from stdin.
// Exit 0: printed, 2: refused.
struct CredentialOptions {
    std::string name, role = "read";
    unsigned days = 0;  // until it ends; 0: it does not
    bool password = false;
};
[[nodiscard]] int ctl_api_credential(const CredentialOptions& options);
// Saves the flight record of the running daemon. Exit 0: done, 2: refused, 3 and 4 as above.
[[nodiscard]] int ctl_record_save(const std::string& socket, const std::string& file);
// A line about the process ("VRRP") that records nothing because its state does not fit into its memory, with the
// setting that helps. None: it records, or has not begun yet.
[[nodiscard]] std::optional<std::string> unrecorded(std::string_view process, std::span<const std::byte> memory);
// Replays a flight record. Exit 0: identical to the recording, 1: it differs, 2: it cannot be replayed.
struct ReplayOptions {
    std::string file;
    std::string at;        // "2026-11-22 03:12:00" or "03:12:00", local time; empty: all
    std::string instance;  // empty: all; with one, only the VRRP part is shown
    std::string service;   // likewise, and only the part of virtual servers is shown
    std::string server;
};
[[nodiscard]] int ctl_replay(const ReplayOptions& options);
[[nodiscard]] int ctl_ipvs(bool stats);
[[nodiscard]] int ctl_ipvs_mtu();
struct AnnouncedOptions {
    std::string interface{config::kAnnounceInterface}, drain_interface{config::keyword::drain_interface.otherwise};
    bool follow = false, exabgp = false;
};
[[nodiscard]] int ctl_announced(const AnnouncedOptions& options);
// `directors`: [USER@]HOST, or the path of a control socket.
[[nodiscard]] int ctl_fleet(const std::vector<std::string>& directors, bool as_json);
// Which server a new flow goes to; `client` and `service` as "192.0.2.1:80". Asks the kernel, not the daemon.
[[nodiscard]] int ctl_flow(const std::string& client, const std::string& service, bool udp);
// Without `from`: shows a host's keepalived set-up and what will differ. Exit 0: nothing differs, 1: something does, 2:
// there is no configuration that can run. With it: prints a keepalived.conf made from `file`. Exit 0: all was carried
// over, 1: not all, 2: nothing is printed.
struct MigrateOptions {
    std::string from;        // ldirectord, ipvsadm, or empty
    std::string file;        // "-": standard input
    std::string root = "/";  // the set-up is read below it
    bool as_json = false;
};
[[nodiscard]] int ctl_migrate(const MigrateOptions& options);
[[nodiscard]] int ctl_doctor(const std::string& file, const std::string& socket, bool as_json);

// Returns the file that the daemon would read; empty: there is none.
[[nodiscard]] std::string configuration_in_use();
// GET over the daemon's socket, with a timeout. Errc::NotFound: no daemon listens there. Errc::Permission: the answer
// was 403, or the socket may not be opened.
[[nodiscard]] Result<std::string> ask_daemon(const std::string& socket, const std::string& target);
// Likewise a POST of this JSON.
[[nodiscard]] Result<std::string> send_command(const std::string& socket, const std::string& target,
                                               const std::string& body);

}  // namespace mainstay::cli
