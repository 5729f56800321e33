#include "mainstay/role/reader/reader.hpp"

#include <poll.h>

#include <malloc.h>
#include <unistd.h>

#include <linux/capability.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <new>
#include <optional>
#include <random>
#include <utility>

#include "check_dump.hpp"
#include "dry_run.hpp"
#include "host_plan.hpp"
#include "mainstay/alert/scripts.hpp"
#include "mainstay/bfd/configured.hpp"
#include "mainstay/config/keywords.hpp"
#include "mainstay/config/load.hpp"
#include "mainstay/config/members.hpp"
#include "mainstay/config/settings.hpp"
#include "mainstay/config/toml/toml.hpp"
#include "mainstay/ipc/channel.hpp"
#include "mainstay/ipc/shared.hpp"
#include "mainstay/kernel/environment.hpp"
#include "mainstay/kernel/exposed_files.hpp"
#include "mainstay/kernel/log_sink.hpp"
#include "mainstay/kernel/process.hpp"
#include "mainstay/kernel/scheduling.hpp"
#include "mainstay/kernel/scripts.hpp"
#include "mainstay/kernel/signals.hpp"
#include "mainstay/report/snmp.hpp"
#include "role/common/daemon_settings.hpp"
#include "role/common/event_log.hpp"
#include "role/common/process.hpp"
#include "role/common/reach.hpp"

namespace mainstay::role {

namespace {

constexpr std::array<unsigned, 1> kCapabilities{
    CAP_DAC_READ_SEARCH};  // to read keys, and to check scripts in any folder
constexpr std::size_t kLossesLogged = 20;
constexpr int kMemoryKept = 256 * 1024 * 1024;
constexpr const char* kNoTakeover =
    "--takeover: the configuration has BFD sessions, which two programs on one host cannot have at the same time";
constexpr int kLogAgainMs = 20;  // the queue of a log socket may hold ten lines only

LogLevel level_of(config::Severity severity) {
    switch (severity) {
        case config::Severity::Note:
            return LogLevel::Info;
        case config::Severity::Warning:
            return LogLevel::Warning;
        case config::Severity::Error:
        case config::Severity::Fatal:
            break;
    }
    return LogLevel::Error;
}

using For = ipc::Snapshot::For;

Result<void> send_part(For audience, bool needed, const UniqueFd& sealed) {
    return ipc::send_message(ipc::inherited::kControl, ipc::Snapshot{audience, needed}, sealed.get());
}

template <class T>
Result<void> send_snapshot(For audience, bool needed, const T& content) {
    auto memfd = ipc::encode_sealed("snapshot", content);
    if (!memfd) return error_of(memfd);
    return send_part(audience, needed, *memfd);
}

// The vrrp role is also needed for static entries without any instance.
bool needs_vrrp(const config::Config& config) {
    return !config.instances.empty() || std::ranges::any_of(config.more->sections, [](const auto& section) {
        return section.keyword.starts_with("static_") && !section.sections.empty();
    });
}

// `parts` are those of the configuration.
Result<void> send_all(const config::Config& config, const NextParts& parts, const report::SnmpParts& snmp,
                      const config::Environment& environment, Log& log) {
    if (auto sent = send_part(For::Vrrp, needs_vrrp(config), parts.vrrp); !sent) return sent;
    const bool has_sessions = !bfd::configured_sessions(config).empty();
    if (auto sent = send_snapshot(For::Bfd, has_sessions, config::slice(config, config::Audience::Bfd)); !sent)
        return sent;
    // SNMP's part has all services, and it is made only where it is needed.
    const auto sent_snmp = snmp.any() ? send_snapshot(For::Snmp, true, config::slice(config, config::Audience::Snmp))
                                      : send_part(For::Snmp, false, parts.observer);
    if (!sent_snmp) return sent_snmp;
    if (auto sent = send_part(For::Observer, true, parts.observer); !sent) return sent;
    const auto plan = host_plan(config, log);
    if (auto sent = send_snapshot(For::Host, !plan.watch.empty(), plan); !sent) return sent;
    if (auto sent = send_snapshot(For::Scripts, true, script_table(config, environment, log)); !sent) return sent;
    return send_part(For::Lvs, needs_lvs(config), parts.lvs);
}

std::string contents(const std::string& path) {
    std::ifstream file{path};
    return {std::istreambuf_iterator<char>{file}, {}};
}

// Reads the daemon's settings from mainstay.toml, if it exists, or from a TOML configuration that has the daemon's
// tables itself. Returns the problems, unless the configuration's own diagnostics contain them already.
std::vector<std::string> read_own_settings(const ipc::RoleStartup& startup, ipc::ReadingDone& done,
                                           bool& accept_losses) {
    std::string path = startup.settings_path, text;
    if (config::is_toml_name(startup.config_path)) text = contents(startup.config_path);
    const bool there = config::toml_has_settings(text);
    if (there)
        path = startup.config_path;
    else
        text = contents(path);
    auto read = config::read_settings(text, path);
    if (path == startup.config_path) read.problems.clear();
    done.audit_seconds = read.settings.lvs_audit_interval_s;
    done.notify_wait_seconds = read.settings.scripts_notify_wait_s;
    done.pass_environment = read.settings.scripts_pass_environment;
    done.mail_keep_seconds = read.settings.mail_keep_s;
    done.api = {.listen = read.settings.api_listen,
                .tls_certificate = read.settings.api_tls_certificate,
                .tls_key = read.settings.api_tls_key,
                .tls_client_ca = read.settings.api_tls_client_ca,
                .credentials = read.settings.api_credentials,
                .operate = read.settings.api_operate,
                .peer = read.settings.api_peer,
                .peer_token = read.settings.api_peer_token,
                .peer_ca = read.settings.api_peer_ca};
    done.mail = mail_settings(read.settings, read.problems);
    done.webhooks = webhook_settings(read.settings, read.problems);
    done.daemon.recorder_mib = read.settings.recorder_size_mib;
    accept_losses = read.settings.reload_accept_losses;
    return std::move(read.problems);
}

// The seed of ${_RANDOM} is a setting of the configuration itself: if it is set, the configuration is read twice.
config::Loaded load_with_its_seed(const ipc::RoleStartup& startup, config::Environment& environment) {
    auto loaded = config::load_file(startup.config_path, environment);
    const auto seed = config::value_of(loaded.config.global.more->values, config::keyword::random_seed);
    if (!seed) return loaded;
    environment.random = [engine = std::mt19937_64{static_cast<std::uint64_t>(*seed)}]() mutable { return engine(); };
    return config::load_file(startup.config_path, environment);
}

// Names and numbers of interfaces are those of the network namespace that the configuration names. Only root may enter
// it: the supervisor starts another reader there. A dry run is started where the daemon runs.
bool is_elsewhere(const ipc::RoleStartup& startup, const ipc::DaemonSettings& daemon) {
    return !daemon.net_namespace.empty() && startup.in_namespace.empty() &&
           startup.dry_run == ipc::RoleStartup::DryRunAs::No;
}

void log_diagnostics(const config::Loaded& loaded, Log& log) {
    for (const auto& diagnostic : loaded.diagnostics)
        log.line(level_of(diagnostic.severity), config::render_line(diagnostic, loaded));
}

// The first of those that refuse the file, for who does not see the log.
std::string first_reason(const config::Loaded& loaded) {
    const auto worst = loaded.can_run() ? config::Severity::Warning : config::Severity::Fatal;
    const auto refuses = [&](const config::Diagnostic& one) { return one.severity >= worst; };
    const auto first = std::ranges::find_if(loaded.diagnostics, refuses);
    if (first == loaded.diagnostics.end()) return {};
    const auto others = std::count_if(std::next(first), loaded.diagnostics.end(), refuses);
    return config::render_line(*first, loaded) + (others == 0 ? "" : fmt::format(", and {} more", others));
}

// reload_check_config: any diagnostic refuses the reload, and is written to a separate file, or to the log.
void refuse_checked(const ipc::RoleStartup& startup, const config::Loaded& loaded, int check_log,
                    ipc::ReadingDone& done, Log& log) {
    done.can_run = false;
    done.summary = startup.config_path + " is refused";
    done.reason = first_reason(loaded);
    std::string text;
    for (const auto& diagnostic : loaded.diagnostics) text += config::render_line(diagnostic, loaded) + "\n";
    if (!startup.check_log.empty()) {
        if (check_log >= 0 && ::write(check_log, text.data(), text.size()) >= 0)
            return log.error("New config failed validation, see {} for details", startup.check_log);
        log.warning("{} cannot be written", startup.check_log);
    }
    log.error("New config failed validation");
    log_diagnostics(loaded, log);
}

// A file that cannot run: a missing file or include is keepalived's exit code 6, anything else 2.
void refuse_file(const ipc::RoleStartup& startup, const config::Loaded& loaded, bool for_warnings,
                 ipc::ReadingDone& done) {
    const bool missed = std::ranges::any_of(loaded.diagnostics, [](const config::Diagnostic& d) {
        return d.severity == config::Severity::Fatal && d.rank == config::Rank::Security;
    });
    done.exit_code = missed || loaded.files.empty() || loaded.files[0].text.empty() ? 6 : 2;
    if (!done.summary.empty()) return;
    done.summary = startup.config_path + (for_warnings ? " is refused: --strict allows no warnings" : " is refused");
    done.reason = (for_warnings ? "--strict allows no warnings: " : "") + first_reason(loaded);
}

// A reload that would remove running objects because of broken blocks, or of an empty file, is refused.
void refuse_losses(const ipc::RoleStartup& startup, const Report& report, ipc::ReadingDone& done, Log& log) {
    const auto& losses = report.losses;
    for (const auto& line : lines_of_losses(losses, kLossesLogged)) log.error("{}", line);
    log.error("{}", kLossesHint);
    done.can_run = false;
    done.summary =
        fmt::format("{} is refused: {}, and {} would be removed", startup.config_path, cause_of_losses(report),
                    losses.size() == 1 ? "1 running object" : fmt::format("{} running objects", losses.size()));
}

// Such a file is loaded, as keepalived does: who reloads it at a terminal has been asked.
void warn_of_removals(const ipc::RoleStartup& startup, const Report& report, Log& log) {
    const auto removed = removed_by_errors(report);
    if (removed.empty()) return;
    log.warning("{} in {} that the running configuration does not have, with which something is missing: {}{}",
                report.errors.fresh.size() == 1 ? "1 error" : fmt::format("{} errors", report.errors.fresh.size()),
                startup.config_path, removed.front(),
                removed.size() == 1 ? "" : fmt::format(", and {} more", removed.size() - 1));
}

// Compares with the running configuration: for the log, for whoever requested a report, and because something may be
// removed. False: the report cannot be sent.
bool look_at_changes(const ipc::RoleStartup& startup, const RunningParts& running, const config::Loaded& loaded,
                     const NextParts& parts, bool accept_losses, const std::vector<std::string>& problems,
                     ipc::ReadingDone& done, Log& log) {
    const bool wanted = startup.report != ipc::RoleStartup::DryRunAs::No;
    if (!running.known() || (!wanted && !done.can_run)) return true;
    const auto report = report_on(startup, running, loaded, parts, done, accept_losses);
    if (!report) log.error("{}", report.error().text());
    if (report && !report->losses.empty()) refuse_losses(startup, *report, done, log);
    if (report) warn_of_removals(startup, *report, log);
    if (wanted) return send_report(startup, loaded, report, problems) == 0;
    return !report || !done.can_run || send_log_lines(*report) == 0;
}

// What this process does next.
enum class Then : std::uint8_t { Wait, End, Fail, OutOfMemory };

void send_copy(const std::string& text, Log& log) {
    const auto memfd = ipc::make_sealed_memfd("copy", std::as_bytes(std::span{text}));
    const auto sent = memfd ? ipc::send_message(ipc::inherited::kControl,
                                                ipc::Snapshot{ipc::Snapshot::For::Copy, false}, memfd->get())
                            : error_of(memfd);
    if (!sent) log.warning("a copy of the configuration cannot be kept: {}", sent.error().text());
}

// Whether the reading ends here, because it must be done elsewhere, or what it would begin is not possible.
bool is_not_for_this_reader(const ipc::RoleStartup& startup, const config::Config& config, ipc::ReadingDone& done) {
    if (is_elsewhere(startup, done.daemon)) {
        done.wants_namespace = done.daemon.net_namespace;
        // For a supervisor of an earlier version, which starts no reader there.
        done.summary = "no reader can be started in network namespace " + done.wants_namespace + ": upgrade the daemon";
    } else if (startup.adopt && !bfd::configured_sessions(config).empty()) {
        done.summary = kNoTakeover;
    } else {
        return false;
    }
    done.exit_code = 1;
    return true;
}

Then read_once(const ipc::RoleStartup& startup, const RunningParts& running, int check_log, kernel::DaemonLog& log) {
    auto environment = kernel::host_environment();
    environment.config_id = startup.config_id;
    environment.all_include_checks = startup.all_include_checks;
    if (!startup.net_namespace.empty()) environment.network_namespace_exists = nullptr;  // the file's is not used
    const auto unsafe = note_unsafe_scripts(environment);
    // What -t --strict refuses, a start and a reload with --strict do as well.
    const kernel::ExposedFiles exposed{environment, {0, 0}};
    auto loaded = load_with_its_seed(startup, environment);
    if (startup.strict) exposed.report(loaded, startup.settings_path);
    ipc::ReadingDone done;
    done.daemon = daemon_settings(loaded.config, startup.net_namespace);
    if (is_not_for_this_reader(startup, loaded.config, done))
        return ipc::send_message(ipc::inherited::kControl, done) ? Then::End : Then::Fail;
    done.stays = true;
    bool accept_losses = false;
    const auto problems = read_own_settings(startup, done, accept_losses);
    const bool refused = startup.strict && loaded.can_run() && config::has_warnings(loaded);
    done.can_run = loaded.can_run() && !refused;
    done.errors = config::error_marks(loaded);
    done.exit_code = loaded.exit_code();
    auto parts = done.can_run ? encode_parts(loaded.config) : NextParts{};
    if (!parts) {
        log.error("{}", parts.error().text());
        return Then::Fail;
    }
    if (startup.dry_run != ipc::RoleStartup::DryRunAs::No)
        return send_report(startup, loaded, report_on(startup, running, loaded, *parts, done, accept_losses),
                           problems) == 0
                   ? Then::End
                   : Then::Fail;
    const bool unchecked = startup.check_first && done.can_run && config::has_warnings(loaded);
    if (unchecked) refuse_checked(startup, loaded, check_log, done, log);
    if (!look_at_changes(startup, running, loaded, *parts, accept_losses, problems, done, log)) return Then::Fail;
    if (!unchecked) {
        log_diagnostics(loaded, log);
        for (const auto& [path, disabled] : *unsafe)
            log.warning("Unsafe permissions found for script '{}'{}", path, disabled ? " - disabling" : "");
        for (const auto& problem : problems) log.warning("{}", problem);
        if (done.can_run) {
            log.info("Configuration file {}", startup.config_path);
            const auto snmp = report::snmp_parts(loaded.config, startup.snmp, startup.snmp_socket);
            done.daemon.snmp_socket = snmp.socket;
            if (const auto sent = send_all(loaded.config, *parts, snmp, environment, log); !sent) {
                log.error("{}", sent.error().text());
                return Then::Fail;
            }
            if (!done.daemon.tmp_config_directory.empty() || !done.daemon.config_save_dir.empty())
                send_copy(config::consolidated(startup.config_path, environment), log);
        } else {
            refuse_file(startup, loaded, refused, done);
        }
    }
    done.log_lines_lost = log.lost_by_reader();
    if (!ipc::send_message(ipc::inherited::kControl, done)) return Then::Fail;
    return done.stays ? Then::Wait : Then::End;
}

// The log of all readings. Lines that a slow reader of it does not take are written between them: nobody waits for
// that.
class ReaderLog {
public:
    kernel::DaemonLog& of(const ipc::RoleStartup& startup) {
        const auto options = log_options_of(startup);
        if (!log_) {
            log_.emplace(options);
            log_->retry([this] { lines_wait_ = true; });
        }
        log_->set_ident(options.ident);
        log_->set_level(options.level);
        return *log_;
    }
    // Until the supervisor sends something.
    void write_until_asked() {
        pollfd wait{ipc::inherited::kControl, POLLIN, 0};
        for (;;) {
            const int ready = ::poll(&wait, 1, lines_wait_ ? kLogAgainMs : -1);
            if (ready > 0 || (ready < 0 && errno != EINTR)) return;
            if (std::exchange(lines_wait_, false)) log_->flush();
        }
    }

private:
    bool lines_wait_ = false;
    std::optional<kernel::DaemonLog> log_;
};

Then read_within_limits(const ipc::RoleStartup& startup, const RunningParts& parts, int check_log, ReaderLog& logs,
                        bool& confined) {
    kernel::set_process_name(startup.process_name);
    auto& log = logs.of(startup);
    if (!confined && !confine(startup.user, kCapabilities, reader_reach(), {}, log)) return Then::Fail;
    confined = true;
    try {
        if (startup.check_dump) return write_check_dump(ipc::inherited::kControl, log) == 0 ? Then::End : Then::Fail;
        return read_once(startup, parts, check_log, log);
    } catch (const std::bad_alloc&) {
        (void)out_of_memory(log);
        return Then::OutOfMemory;
    }
}

}  // namespace

// Freed memory is kept for the next reading: faulting it in again takes longer than reading a configuration of
// thousands of services.
int run_reader() {
    kernel::ignore_unused_signals();
    ::mallopt(M_TRIM_THRESHOLD, kMemoryKept);  // NOLINT(concurrency-mt-unsafe): there is one thread
    ::mallopt(M_MMAP_THRESHOLD, kMemoryKept);  // NOLINT(concurrency-mt-unsafe): there is one thread
    UniqueFd vrrp, lvs, observer;              // the running snapshots, before a reload
    ReaderLog log;
    bool confined = false;
    for (;;) {
        kernel::set_process_name("mainstayd-read");
        log.write_until_asked();
        auto got = ipc::receive_message(ipc::inherited::kControl);
        if (!got || !got->has_value()) return 1;
        if (std::holds_alternative<ipc::Closed>(**got))
            return 0;  // the supervisor has died or needs no further reading
        auto& received = std::get<ipc::Received>(**got);
        if (const auto* running = std::get_if<ipc::Snapshot>(&received.message)) {
            if (running->audience == For::Vrrp) vrrp = std::move(received.descriptor);
            if (running->audience == For::Lvs) lvs = std::move(received.descriptor);
            if (running->audience == For::Observer) observer = std::move(received.descriptor);
            continue;
        }
        const auto* startup = std::get_if<ipc::RoleStartup>(&received.message);
        if (startup == nullptr) return 1;
        const RunningParts parts = startup->dry_run != ipc::RoleStartup::DryRunAs::No
                                       ? RunningParts{ipc::inherited::kRunningVrrp, ipc::inherited::kRunningLvs,
                                                      ipc::inherited::kRunningObserver}
                                       : RunningParts{vrrp.get(), lvs.get(), observer.get()};
        const Then then = read_within_limits(*startup, parts, received.descriptor.get(), log, confined);
        if (then == Then::OutOfMemory) return kExitOutOfMemory;
        if (then != Then::Wait) return then == Then::End ? 0 : 1;
        for (auto* fd : {&vrrp, &lvs, &observer}) fd->reset();
    }
}

}  // namespace mainstay::role
