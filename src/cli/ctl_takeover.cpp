// mainstayctl takeover: from a running keepalived to mainstay, or back, without a gap. Both run for a moment: the one
// that comes holds everything before the one that goes is killed, silently.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <syslog.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <thread>
#include <utility>

#include "ctl.hpp"
#include "ctl_client.hpp"
#include "daemon_processes.hpp"
#include "json_view.hpp"
#include "leftovers.hpp"
#include "mainstay/config/keywords.hpp"
#include "mainstay/config/load.hpp"
#include "mainstay/config/tools/host_files.hpp"
#include "mainstay/kernel/environment.hpp"
#include "migrate.hpp"
#include "output.hpp"
#include "systemd.hpp"

namespace mainstay::cli {
namespace {

using Names = std::set<std::string>;

// Ctrl-C and a lost connection end the waiting, not the command: it may not leave both programs running.
volatile std::sig_atomic_t interrupted = 0;
bool is_interrupted() { return interrupted != 0; }
constexpr const char* kInterrupted = "the command was interrupted";

void heed_interruptions() {
    struct sigaction action{};
    action.sa_handler = [](int) { interrupted = 1; };
    action.sa_flags = SA_RESTART;
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) (void)::sigaction(signal, &action, nullptr);
    action.sa_handler = SIG_IGN;  // nobody may read any more what is printed
    (void)::sigaction(SIGPIPE, &action, nullptr);
}

using std::chrono::milliseconds;

constexpr milliseconds kMainstayWithin{30'000}, kKeepalivedWithin{60'000}, kPidFileWithin{5'000};
constexpr milliseconds kAskEvery{50}, kAskKeepalivedEvery{500};
constexpr const char* kUnit = "mainstay.service";
// The unit reads it (packaging/systemd/mainstay.service); it is there only while the unit is started. Not in
// /run/mainstay, which belongs to a role's account.
constexpr const char* kUnitEnvironment = "/run/mainstay-takeover.env";

std::string text_of(const Names& names) {
    return names.empty() ? "no instance" : fmt::format("{}", fmt::join(names, " "));
}

Names without(const Names& all, const Names& some) {
    Names rest;
    for (const auto& name : all)
        if (!some.contains(name)) rest.insert(name);
    return rest;
}

constexpr const char* kBfd =
    "the configuration has BFD sessions, which two programs on one host cannot have at the same time: stop keepalived "
    "and "
    "start mainstay instead";

// The file that the unit would read: its options may name one.
std::string configuration_of_unit() {
    std::vector<std::string> words;
    for (const char* path : {"/etc/default/mainstay", "/etc/sysconfig/mainstay"}) {
        std::ifstream file{path};
        const std::string text{std::istreambuf_iterator<char>{file}, {}};
        if (const auto value = config::read_environment_value(text, "MAINSTAY_OPTIONS"))
            words = config::read_command_words(*value);
    }
    const auto named = read_keepalived_options(words).supervisor.config_path;
    return named.empty() ? configuration_in_use() : named;
}

// Before the unit is started: a configuration that mainstay can run, beside keepalived, and that has its instances.
Result<config::Config> can_run_beside(const Names& instances) {
    const std::string file = configuration_of_unit();
    if (file.empty()) return fail(Errc::NotFound, "mainstay has no configuration: see `mainstayctl migrate`");
    auto loaded = config::load_file(file, kernel::host_environment());
    if (!loaded.can_run())
        return fail(Errc::Invalid,
                    fmt::format("mainstay cannot run {0}: `mainstayctl config check {0}` shows why", file));
    if (config::find_section(loaded.config.more->sections, config::keyword::bfd_instance) != nullptr)
        return fail(Errc::Unsupported, kBfd);
    Names missing = instances;
    for (const auto& instance : loaded.config.instances) missing.erase(instance.name);
    if (missing.empty()) return std::move(loaded.config);
    return fail(Errc::State,
                fmt::format("{}, which mainstay would run, has no instance {}, which keepalived has: "
                            "keepalived goes on. Use keepalived's own configuration; if it was changed since "
                            "keepalived has read it, reload keepalived first",
                            file, text_of(missing)));
}

struct Standing {
    InstanceStates states;
    bool table_usable = true, has_bfd = false;
};

Result<Standing> standing_of_mainstay(const std::string& socket) {
    const auto answer = ask_daemon(socket, "/status");
    if (!answer) return error_of(answer);
    const auto status = json_object(*answer);
    if (!status) return error_of(status);
    Standing standing;
    for (const auto& instance : list(part(*status, "vrrp"), "instances"))
        standing.states.add(text(instance, "name"), text(instance, "state"));
    const auto& lvs = part(*status, "lvs");
    standing.table_usable = list(lvs, "services").empty() || flag(lvs, "ipvs_available");
    standing.has_bfd = !list(part(*status, "bfd"), "sessions").empty();
    return standing;
}

// A backup that could not become MASTER would be missed only when it has to.
std::string missing_at(std::string_view program, const InstanceStates& states, const InstanceStates& wanted) {
    if (const Names rest = without(wanted.masters, states.masters); !rest.empty())
        return fmt::format("{} is not MASTER of {}", program, text_of(rest));
    if (const Names rest = without(wanted.working, states.working); !rest.empty())
        return fmt::format("{} is neither MASTER nor BACKUP of {}", program, text_of(rest));
    return {};
}

// Waits until mainstay is what keepalived is in all of them and has written its table; what is missing, for people,
// otherwise.
std::string missing_at_mainstay(const std::string& socket, const InstanceStates& wanted) {
    std::string missing;
    for (auto left = kMainstayWithin; left.count() > 0 && !is_interrupted(); left -= kAskEvery) {
        const auto standing = standing_of_mainstay(socket);
        if (!standing) {
            missing = standing.error().text();
        } else if (auto rest = missing_at("mainstay", standing->states, wanted); !rest.empty()) {
            missing = std::move(rest);
        } else if (standing->has_bfd) {
            return kBfd;
        } else if (!standing->table_usable) {
            missing = "mainstay cannot use the IPVS table";
        } else {
            return {};
        }
        std::this_thread::sleep_for(kAskEvery);
    }
    return is_interrupted() ? kInterrupted : missing;
}

std::string missing_at_keepalived(const DaemonProcesses& keepalived, const InstanceStates& wanted) {
    std::string missing;
    for (auto left = kKeepalivedWithin; left.count() > 0 && !is_interrupted(); left -= kAskKeepalivedEvery) {
        const auto states = states_of(keepalived);
        if (!states) {
            missing = states.error().text();
        } else if (auto rest = missing_at("keepalived", *states, wanted); !rest.empty()) {
            missing = std::move(rest);
        } else {
            return {};
        }
        std::this_thread::sleep_for(kAskKeepalivedEvery);
    }
    return is_interrupted() ? kInterrupted : missing;
}

// A program that is killed has no last line of its own: without this one its log just stops.
void log_end(const std::string& text) {
    ::openlog("mainstayctl", LOG_PID, LOG_DAEMON);
    ::syslog(LOG_NOTICE, "%s", text.c_str());
    ::closelog();
}

Result<void> start_mainstay_unit() {
    std::ofstream file{kUnitEnvironment};
    file << "MAINSTAY_TAKEOVER=--takeover\n" << std::flush;
    if (!file) return fail(Errc::Io, fmt::format("{} cannot be written", kUnitEnvironment));
    const auto started = start_beside(kUnit);
    (void)std::remove(kUnitEnvironment);
    if (!started)
        return fail(Errc::Io,
                    fmt::format("mainstay did not start, keepalived goes on; `journalctl -u mainstay` says why "
                                "({})",
                                started.error().text()));
    return started;
}

// The mainstay that takes over.
struct Coming {
    std::string unit;       // empty: none
    bool is_there = false;  // somebody has started it with --takeover
    config::Config config{};
};

Result<Coming> coming_mainstay(const std::string& socket, const DaemonProcesses& keepalived, const Names& instances) {
    if (const auto runs = running_mainstay(socket); runs || runs.error().code() != Errc::NotFound) {
        if (!runs) return error_of(runs);
        return Coming{.unit = runs->unit, .is_there = true};
    }
    if (keepalived.unit.empty())
        return fail(Errc::NotFound,
                    "keepalived is not run by systemd: start mainstay beside it, with your options and with --takeover "
                    "(`mainstayd --takeover`), and call this again");
    auto possible = can_run_beside(instances);
    if (!possible) return error_of(possible);
    return Coming{.unit = kUnit, .config = std::move(*possible)};
}

// What a mainstay that was killed has added: nobody would advertise it, or answer for it. Of one that was there before
// it is not known. What keepalived is MASTER of since then is keepalived's.
void remove_what_came(const Coming& mainstay, const HostState& before, const DaemonProcesses& keepalived,
                      const Names& masters) {
    if (mainstay.is_there) return;
    const auto now = states_of(keepalived);
    const auto removed = remove_leftovers(before, mainstay.config, now ? without(now->masters, masters) : Names{});
    if (!removed)
        print_error(
            fmt::format("mainstayctl: what mainstay has added cannot be removed: {}; compare `ip address`, `ip "
                        "route` and `ipvsadm -Ln` with keepalived's configuration\n",
                        removed.error().text()));
}

// Before systemd has decided, nothing else is asked of it: what it rereads in between might decide otherwise.
Result<void> end_silently(const DaemonProcesses& daemon) {
    if (auto ended = kill_silently(daemon); !ended) return ended;
    wait_until_decided(daemon.unit);
    return {};
}

Result<void> end_keepalived(const DaemonProcesses& keepalived, const std::string& pid_file) {
    if (auto ended = end_silently(keepalived); !ended) return ended;
    remove_pid_files(keepalived, pid_file);
    return {};
}

// Those that shall not go on, found by their units where they do not say a word.
Result<void> end_mainstay_again(const std::string& socket, const std::string& unit) {
    auto daemon = running_mainstay(socket);
    if (!daemon) daemon = running_in(unit, "mainstayd");
    return daemon ? end_silently(*daemon) : Result<void>{};
}

Result<void> end_keepalived_again(const TakeoverOptions& options) {
    auto daemon = running_keepalived(options.pid_file);
    if (!daemon) daemon = running_in(options.unit, "keepalived");
    return daemon ? end_keepalived(*daemon, options.pid_file) : Result<void>{};
}

Error not_taken_over(const std::string& missing, std::string_view ended, std::string_view goes_on) {
    return Error{Errc::State, fmt::format("{}: {} was ended again, {} goes on{}", missing, ended, goes_on,
                                          is_interrupted() ? "" : fmt::format("; {}'s log says more", ended))};
}

Result<void> take_over(const std::string& socket, const TakeoverOptions& options) {
    const auto keepalived = running_keepalived(options.pid_file);
    if (!keepalived) return error_of(keepalived);
    const auto states = states_of(*keepalived);
    if (!states) return error_of(states);
    const Names& masters = states->masters;
    print(fmt::format("keepalived (process {}) is MASTER of {}\n", keepalived->main, text_of(masters)));
    const auto mainstay = coming_mainstay(socket, *keepalived, states->working);
    if (!mainstay) return error_of(mainstay);
    const auto one = NotStartedAgain::of(keepalived->unit);
    if (!one) return error_of(one);
    const auto other = NotStartedAgain::of(mainstay->unit);
    if (!other) return error_of(other);
    const auto before = read_host_state(mainstay->config);
    if (!before) return error_of(before);
    if (!mainstay->is_there) {
        if (auto started = start_mainstay_unit(); !started) {
            remove_what_came(*mainstay, *before, *keepalived, masters);
            return started;
        }
    }
    if (const auto missing = missing_at_mainstay(socket, *states); !missing.empty()) {
        if (auto ended = end_mainstay_again(socket, mainstay->unit); !ended) return ended;
        remove_what_came(*mainstay, *before, *keepalived, masters);
        log_end(fmt::format("takeover: mainstay was ended again, keepalived (process {}) goes on: {}", keepalived->main,
                            missing));
        return std::unexpected{not_taken_over(missing, "mainstay", "keepalived")};
    }
    print(fmt::format("mainstay is MASTER of {}\n", text_of(masters)));
    if (auto ended = end_keepalived(*keepalived, options.pid_file); !ended) return ended;
    print("keepalived was ended without resigning: what it held stayed in place\n");
    print(keepalived->unit.empty()
              ? "`mainstayctl takeover --undo` goes back, once keepalived has been started again beside mainstay\n"
              : "`mainstayctl takeover --undo` goes back; `mainstayctl takeover --confirm` makes mainstay the one that "
                "starts at boot\n");
    log_end(fmt::format("takeover: keepalived (process {}) was ended, mainstay goes on, MASTER of {}", keepalived->main,
                        text_of(masters)));
    return {};
}

// It writes its pid file some time after it has been started.
Result<DaemonProcesses> just_started_keepalived(const std::string& pid_file) {
    for (auto left = kPidFileWithin; left.count() > 0; left -= kAskEvery) {
        if (auto found = running_keepalived(pid_file)) return found;
        std::this_thread::sleep_for(kAskEvery);
    }
    return running_keepalived(pid_file);
}

Result<DaemonProcesses> keepalived_beside(const DaemonProcesses& mainstay, const TakeoverOptions& options) {
    if (auto runs = running_keepalived(options.pid_file)) return runs;
    if (mainstay.unit.empty()) {
        auto found = just_started_keepalived(options.pid_file);
        if (found) return found;
        return fail(Errc::NotFound, found.error().text() +
                                        "; mainstay is not run by systemd, so start keepalived beside it, with your "
                                        "options, and call this again");
    }
    const auto started = start_beside(options.unit);
    auto found = started ? just_started_keepalived(options.pid_file) : Result<DaemonProcesses>{error_of(started)};
    if (found) return found;
    if (const auto ended = end_keepalived_again(options); !ended) return error_of(ended);
    return fail(Errc::State, fmt::format("keepalived did not start, mainstay goes on; `journalctl -u {}` says why ({})",
                                         options.unit, found.error().text()));
}

Result<void> undo(const std::string& socket, const TakeoverOptions& options) {
    const auto mainstay = running_mainstay(socket);
    if (!mainstay) return error_of(mainstay);
    const auto standing = standing_of_mainstay(socket);
    if (!standing) return error_of(standing);
    if (!mainstay->unit.empty() && (mainstay->unit == options.unit || is_mainstays_own(options.unit)))
        return fail(
            Errc::State,
            fmt::format("there is no keepalived to go back to: {} is mainstay itself, of the package "
                        "mainstay-keepalived-compat, which has keepalived's place. Nothing was changed. Have the "
                        "package keepalived back first: \"Back again\" in docs/guide/migration.md",
                        options.unit));
    print(fmt::format("mainstay (process {}) is MASTER of {}\n", mainstay->main, text_of(standing->states.masters)));
    const auto one = NotStartedAgain::of(mainstay->unit);
    if (!one) return error_of(one);
    const auto other = NotStartedAgain::of(mainstay->unit.empty() ? "" : options.unit);
    if (!other) return error_of(other);
    const auto keepalived = keepalived_beside(*mainstay, options);
    if (!keepalived) return error_of(keepalived);
    if (const auto missing = missing_at_keepalived(*keepalived, standing->states); !missing.empty()) {
        if (auto ended = end_keepalived_again(options); !ended) return ended;
        log_end(fmt::format("takeover --undo: keepalived (process {}) was ended again, mainstay goes on: {}",
                            keepalived->main, missing));
        return std::unexpected{not_taken_over(missing, "keepalived", "mainstay")};
    }
    // Each may have started further processes meanwhile.
    const auto now = running_mainstay(socket);
    if (!now) return error_of(now);
    print(
        fmt::format("keepalived (process {}) is MASTER of {}\n", keepalived->main, text_of(standing->states.masters)));
    if (auto ended = end_silently(*now); !ended) return ended;
    print("mainstay was ended\n");
    log_end(fmt::format("takeover --undo: mainstay (process {}) was ended, keepalived goes on, MASTER of {}", now->main,
                        text_of(standing->states.masters)));
    return {};
}

Result<void> confirm(const TakeoverOptions& options) {
    if (!systemd_runs()) return fail(Errc::Unsupported, "systemd is not running: enable the service at boot yourself");
    if (auto disabled = enable_unit(options.unit, false); !disabled) return disabled;
    if (auto enabled = enable_unit(kUnit, true); !enabled) return enabled;
    print("mainstay starts at boot, keepalived does not\n");
    return {};
}

}  // namespace

int ctl_takeover(const std::string& socket, const TakeoverOptions& given) {
    using What = TakeoverOptions::What;
    TakeoverOptions options = given;
    if (!options.unit.ends_with(".service")) options.unit += ".service";  // as systemctl takes it
    heed_interruptions();
    const auto done = options.what == What::Confirm ? confirm(options)
                      : options.what == What::Undo  ? undo(socket, options)
                                                    : take_over(socket, options);
    return done ? 0 : complain(done.error());
}

}  // namespace mainstay::cli
