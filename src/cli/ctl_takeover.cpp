// mainstayctl takeover: from a running keepalived to mainstay, or back, without a gap. Both run for a moment: the one
// that comes holds everything before the one that goes is killed, silently.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <syslog.h>

#include <chrono>
#include <fstream>
#include <set>
#include <string>
#include <thread>

#include "ctl.hpp"
#include "ctl_client.hpp"
#include "daemon_processes.hpp"
#include "json_view.hpp"
#include "mainstay/config/keywords.hpp"
#include "mainstay/config/load.hpp"
#include "mainstay/kernel/environment.hpp"
#include "output.hpp"
#include "systemd.hpp"

namespace mainstay::cli {
namespace {

using Names = std::set<std::string>;
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

// Before the unit is started: a configuration that mainstay can run, beside keepalived.
Result<void> can_run_beside() {
    const std::string file = configuration_in_use();
    if (file.empty()) return fail(Errc::NotFound, "mainstay has no configuration: see `mainstayctl migrate`");
    const auto loaded = config::load_file(file, kernel::host_environment());
    if (!loaded.can_run())
        return fail(Errc::Invalid,
                    fmt::format("mainstay cannot run {0}: `mainstayctl config check {0}` shows why", file));
    for (const auto& section : loaded.config.more->sections)
        if (section.keyword == config::keyword::bfd_instance) return fail(Errc::Unsupported, kBfd);
    return {};
}

struct Standing {
    Names masters;
    bool table_usable = true, has_bfd = false;
};

Result<Standing> standing_of_mainstay(const std::string& socket) {
    const auto answer = ask_daemon(socket, "/status");
    if (!answer) return error_of(answer);
    const auto status = json_object(*answer);
    if (!status) return error_of(status);
    Standing standing;
    for (const auto& instance : list(part(*status, "vrrp"), "instances"))
        if (text(instance, "state") == "MASTER") standing.masters.insert(text(instance, "name"));
    const auto& lvs = part(*status, "lvs");
    standing.table_usable = list(lvs, "services").empty() || flag(lvs, "ipvs_available");
    standing.has_bfd = !list(part(*status, "bfd"), "sessions").empty();
    return standing;
}

// Waits until mainstay is MASTER of all of them and has written its table; what is missing, for people, otherwise.
std::string missing_at_mainstay(const std::string& socket, const Names& wanted) {
    std::string missing;
    for (auto left = kMainstayWithin; left.count() > 0; left -= kAskEvery) {
        const auto standing = standing_of_mainstay(socket);
        if (!standing) {
            missing = standing.error().text();
        } else if (const Names rest = without(wanted, standing->masters); !rest.empty()) {
            missing = "mainstay is not MASTER of " + text_of(rest);
        } else if (standing->has_bfd) {
            return kBfd;
        } else if (!standing->table_usable) {
            missing = "mainstay cannot use the IPVS table";
        } else {
            return {};
        }
        std::this_thread::sleep_for(kAskEvery);
    }
    return missing;
}

std::string missing_at_keepalived(const DaemonProcesses& keepalived, const Names& wanted) {
    std::string missing;
    for (auto left = kKeepalivedWithin; left.count() > 0; left -= kAskKeepalivedEvery) {
        const auto masters = masters_of(keepalived);
        if (!masters) {
            missing = masters.error().text();
        } else if (const Names rest = without(wanted, *masters); !rest.empty()) {
            missing = "keepalived is not MASTER of " + text_of(rest);
        } else {
            return {};
        }
        std::this_thread::sleep_for(kAskKeepalivedEvery);
    }
    return missing;
}

// Of the two that run, ends the one that is not wanted any more.
Result<void> end(const DaemonProcesses& daemon) {
    const NotStartedAgain held{daemon.unit};
    return kill_silently(daemon);
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
    return started;
}

Result<void> start_mainstay(const std::string& socket, const DaemonProcesses& keepalived) {
    if (const auto runs = running_mainstay(socket); runs || runs.error().code() != Errc::NotFound) {
        if (!runs) return error_of(runs);
        return {};  // somebody has started it with --takeover
    }
    if (keepalived.unit.empty())
        return fail(Errc::NotFound,
                    "keepalived is not run by systemd: start mainstay beside it, with your options and with --takeover "
                    "(`mainstayd --takeover`), and call this again");
    if (auto possible = can_run_beside(); !possible) return possible;
    return start_mainstay_unit();
}

Result<void> take_over(const std::string& socket, const TakeoverOptions& options) {
    const auto keepalived = running_keepalived(options.pid_file);
    if (!keepalived) return error_of(keepalived);
    const auto masters = masters_of(*keepalived);
    if (!masters) return error_of(masters);
    print(fmt::format("keepalived (process {}) is MASTER of {}\n", keepalived->main, text_of(*masters)));
    if (auto started = start_mainstay(socket, *keepalived); !started) return started;
    if (const auto missing = missing_at_mainstay(socket, *masters); !missing.empty()) {
        if (const auto mainstay = running_mainstay(socket)) {
            if (const auto ended = end(*mainstay); !ended) return ended;
            log_end(fmt::format("takeover: mainstay (process {}) was ended again, keepalived goes on: {}",
                                mainstay->main, missing));
        }
        return fail(Errc::State, missing + ": mainstay was ended again, keepalived goes on; mainstay's log says more");
    }
    print(fmt::format("mainstay is MASTER of {}\n", text_of(*masters)));
    if (const auto ended = end(*keepalived); !ended) return ended;
    print("keepalived was ended without resigning: what it held stayed in place\n");
    print(keepalived->unit.empty()
              ? "`mainstayctl takeover --undo` goes back, once keepalived has been started again beside mainstay\n"
              : "`mainstayctl takeover --undo` goes back; `mainstayctl takeover --confirm` makes mainstay the one that "
                "starts at boot\n");
    log_end(fmt::format("takeover: keepalived (process {}) was ended, mainstay goes on, MASTER of {}", keepalived->main,
                        text_of(*masters)));
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

Result<void> undo(const std::string& socket, const TakeoverOptions& options) {
    const auto mainstay = running_mainstay(socket);
    if (!mainstay) return error_of(mainstay);
    const auto standing = standing_of_mainstay(socket);
    if (!standing) return error_of(standing);
    print(fmt::format("mainstay (process {}) is MASTER of {}\n", mainstay->main, text_of(standing->masters)));
    if (!mainstay->unit.empty() && !running_keepalived(options.pid_file))
        if (auto started = start_beside(options.unit); !started) return started;
    const auto keepalived = just_started_keepalived(options.pid_file);
    if (!keepalived && mainstay->unit.empty())
        return fail(Errc::NotFound, keepalived.error().text() +
                                        "; mainstay is not run by systemd, so start keepalived beside it, with your "
                                        "options, and call this again");
    if (!keepalived) return error_of(keepalived);
    if (const auto missing = missing_at_keepalived(*keepalived, standing->masters); !missing.empty()) {
        if (const auto ended = end(*keepalived); !ended) return ended;
        log_end(fmt::format("takeover --undo: keepalived (process {}) was ended again, mainstay goes on: {}",
                            keepalived->main, missing));
        return fail(Errc::State,
                    missing + ": keepalived was ended again, mainstay goes on; keepalived's log says more");
    }
    // It may have started further processes meanwhile.
    const auto now = running_mainstay(socket);
    if (!now) return error_of(now);
    print(fmt::format("keepalived (process {}) is MASTER of {}\n", keepalived->main, text_of(standing->masters)));
    if (const auto ended = end(*now); !ended) return ended;
    print("mainstay was ended\n");
    log_end(fmt::format("takeover --undo: mainstay (process {}) was ended, keepalived goes on, MASTER of {}", now->main,
                        text_of(standing->masters)));
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

int ctl_takeover(const std::string& socket, const TakeoverOptions& options) {
    using What = TakeoverOptions::What;
    const auto done = options.what == What::Confirm ? confirm(options)
                      : options.what == What::Undo  ? undo(socket, options)
                                                    : take_over(socket, options);
    return done ? 0 : complain(done.error());
}

}  // namespace mainstay::cli
