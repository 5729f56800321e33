#include "options.hpp"

#include <getopt.h>
#include <unistd.h>

#include <array>
#include <cctype>
#include <charconv>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <utility>

#include "mainstay/config/language/sources.hpp"

#ifndef MAINSTAY_VERSION
#define MAINSTAY_VERSION "unknown"
#endif

namespace mainstay::cli {

namespace {

enum Long : std::uint16_t {
    kAll = 256,
    kFlushLogFile,
    kSignum,
    kConfigFd,
    kPerf,
    kDebug,
    kIgnoreSigint,
    kNoMemCheck,
    kStrict,
    kSharedAccount,
    kLogJournal,
    kLogJson,
    kTakeover
};

const std::array<option, 46> kLongOptions{{
    {"use-file", required_argument, nullptr, 'f'},
    {"vrrp", no_argument, nullptr, 'P'},
    {"check", no_argument, nullptr, 'C'},
    {"no_bfd", no_argument, nullptr, 'B'},
    {"all", no_argument, nullptr, kAll},
    {"log-console", no_argument, nullptr, 'l'},
    {"log-detail", no_argument, nullptr, 'D'},
    {"log-facility", required_argument, nullptr, 'S'},
    {"log-file", optional_argument, nullptr, 'g'},
    {"flush-log-file", no_argument, nullptr, kFlushLogFile},
    {"no-syslog", no_argument, nullptr, 'G'},
    {"umask", required_argument, nullptr, 'u'},
    {"release-vips", no_argument, nullptr, 'X'},
    {"dont-release-vrrp", no_argument, nullptr, 'V'},
    {"dont-release-ipvs", no_argument, nullptr, 'I'},
    {"dont-respawn", no_argument, nullptr, 'R'},
    {"dont-fork", no_argument, nullptr, 'n'},
    {"dump-conf", no_argument, nullptr, 'd'},
    {"pid", required_argument, nullptr, 'p'},
    {"vrrp_pid", required_argument, nullptr, 'r'},
    {"checkers_pid", required_argument, nullptr, 'c'},
    {"bfd_pid", required_argument, nullptr, 'b'},
    {"address-monitoring", no_argument, nullptr, 'a'},
    {"genhash", no_argument, nullptr, 'T'},
    {"snmp", no_argument, nullptr, 'x'},
    {"snmp-agent-socket", required_argument, nullptr, 'A'},
    {"namespace", required_argument, nullptr, 's'},
    {"core-dump", no_argument, nullptr, 'm'},
    {"core-dump-pattern", optional_argument, nullptr, 'M'},
    {"all-config", no_argument, nullptr, 'e'},
    {"config-id", required_argument, nullptr, 'i'},
    {"signum", required_argument, nullptr, kSignum},
    {"config-test", optional_argument, nullptr, 't'},
    {"config-fd", required_argument, nullptr, kConfigFd},
    {"perf", optional_argument, nullptr, kPerf},
    {"debug", optional_argument, nullptr, kDebug},
    {"ignore-sigint", no_argument, nullptr, kIgnoreSigint},
    {"no-mem-check", no_argument, nullptr, kNoMemCheck},
    {"strict", no_argument, nullptr, kStrict},
    {"log-journal", optional_argument, nullptr, kLogJournal},
    {"log-json", no_argument, nullptr, kLogJson},
    {"takeover", no_argument, nullptr, kTakeover},
    {"shared-account", required_argument, nullptr, kSharedAccount},
    {"version", no_argument, nullptr, 'v'},
    {"help", no_argument, nullptr, 'h'},
    {nullptr, 0, nullptr, 0},
}};
constexpr const char* kShortOptions = "f:PCBlDS:g::Gu:XVIRndp:r:c:b:aTxA:s:mM::ei:t::vh";

struct NotYet {
    int option;
    const char* text;
};
// These options are accepted so that start scripts keep working, and reported so that nobody relies on them.
constexpr std::array kNotYet{
    NotYet{'g', "-g/--log-file has no effect yet: lines go to syslog, and to the console with -l"},
    NotYet{kFlushLogFile, "--flush-log-file has no effect yet"},
    NotYet{'d', "-d/--dump-conf has no effect yet"},
    NotYet{'a', "-a/--address-monitoring has no effect yet"},
    NotYet{'M', "-M/--core-dump-pattern has no effect: set kernel.core_pattern yourself"},
    NotYet{'X',
           "-X/--release-vips has no effect: virtual addresses of instances that are not MASTER are always removed at "
           "the start"},
    NotYet{kAll, "--all has no effect: processes are started when there is work for them"},
    NotYet{kConfigFd, "--config-fd has no effect: it is keepalived's own"},
    NotYet{kPerf, "--perf has no effect"},
    NotYet{kDebug, "--debug has no effect: use -D"},
    NotYet{kIgnoreSigint, "--ignore-sigint has no effect yet"},
    NotYet{kNoMemCheck, "--no-mem-check has no effect"},
};

std::optional<int> facility_of(std::string_view word) {
    if (word == "user") return 1;
    if (word == "daemon") return 3;
    if (word.starts_with("local")) word.remove_prefix(5);
    if (word.size() == 1 && word[0] >= '0' && word[0] <= '7') return 16 + (word[0] - '0');
    return std::nullopt;
}

// The daemon changes to "/": a relative path would be another file at the next reload.
std::string absolute(const std::string& path) {
    std::error_code error;
    const auto full = std::filesystem::absolute(path, error);
    return error ? path : full.string();
}

void refuse(Options& options, std::string complaint, int exit_code = 1) {
    options.action = Options::Action::Refuse;
    options.complaint = std::move(complaint);
    options.test_exit_code = exit_code;
}

void take(Options& options, int option, const char* argument) {
    auto& supervisor = options.supervisor;
    switch (option) {
        case 'f':
            supervisor.config_path = absolute(argument);
            break;
        case 'P':
            supervisor.run_lvs = false;
            break;
        case 'C':
            supervisor.run_vrrp = false;
            break;
        case 'B':
            supervisor.run_bfd = false;
            break;
        case 'l':
            supervisor.log_console = true;
            break;
        case 'D':
            supervisor.log_level = LogLevel::Debug;
            break;
        case 'S':
            if (const auto facility = facility_of(argument))
                supervisor.log_facility = *facility;
            else
                refuse(options, "-S/--log-facility takes 0 to 7 (local0 to local7), user or daemon, not '" +
                                    std::string{argument} + "'");
            break;
        case 'G':
            supervisor.log_socket.clear();
            break;
        case kLogJournal:
            supervisor.log_journal = true;
            supervisor.log_socket = argument == nullptr ? "/run/systemd/journal/socket" : argument;
            break;
        case kLogJson:
            supervisor.log_json = true;
            break;
        case 'u':
            options.umask = static_cast<int>(std::strtol(argument, nullptr, 0)) & 0777;
            break;
        case 'V':
            supervisor.keep_addresses = true;
            break;
        case 'I':
            supervisor.keep_ipvs = true;
            break;
        case 'R':
            supervisor.respawn = false;
            break;
        case 'n':
            options.dont_fork = true;
            break;
        case 'p':
            supervisor.pid_file(role::Kind::Supervisor) = absolute(argument);
            break;
        case 'r':
            supervisor.pid_file(role::Kind::Vrrp) = absolute(argument);
            break;
        case 'c':
            supervisor.pid_file(role::Kind::Lvs) = absolute(argument);
            break;
        case 'b':
            supervisor.pid_file(role::Kind::Bfd) = absolute(argument);
            break;
        case 'x':
            supervisor.snmp = true;
            break;
        case 'A':
            supervisor.snmp_socket = argument;
            break;
        case 'm':
            options.core_dump = true;
            break;
        case 'e':
            supervisor.all_include_checks = true;
            break;
        case 'i':
            supervisor.config_id = argument;
            break;
        case 's':
            supervisor.net_namespace = argument;
            break;
        case 'T':
            refuse(options, "--genhash must be the first option");
            break;
        case 't':
            options.action = Options::Action::TestConfig;
            if (argument != nullptr) options.test_log = argument;
            break;
        case kSharedAccount:
            supervisor.shared_account = argument;
            break;
        case kTakeover:
            supervisor.adopt = true;
            break;
        case kStrict:
            supervisor.strict = true;
            break;
        case kSignum:
            options.action = Options::Action::SignalNumber;
            options.signal_name = argument;
            break;
        case 'v':
            options.action = Options::Action::Version;
            break;
        case 'h':
            options.action = Options::Action::Help;
            break;
        default:
            for (const auto& entry : kNotYet)
                if (entry.option == option) options.remarks.emplace_back(entry.text);
            break;
    }
}

}  // namespace

Options parse_options(int argc, char** argv) {
    Options options;
    options.supervisor.identity = role::identity_of(argc > 0 ? argv[0] : "");
    optind = 0;  // starts anew; 1 would go on in the last word of an earlier command line, which may be gone
    int option = 0;
    // There is one thread. NOLINTNEXTLINE(concurrency-mt-unsafe)
    while ((option = ::getopt_long(argc, argv, kShortOptions, kLongOptions.data(), nullptr)) != -1) {
        if (option == '?')
            refuse(options, "see --help for the options");
        else
            take(options, option, optarg);
        if (options.action == Options::Action::Refuse || options.action == Options::Action::Version ||
            options.action == Options::Action::Help)
            return options;
    }
    for (; optind < argc; ++optind) options.remarks.push_back(std::string{"ignored argument: "} + argv[optind]);
    return options;
}

std::string default_config_path(std::vector<std::string>& passed_over) {
    const config::Places places;
    config::ConfigSource source = config::find_source(places);
    passed_over = std::move(source.passed_over);
    if (source.used.empty()) return places.files.back();
    return std::move(source.used);
}

std::string version_text(const role::Identity& identity) {
    const std::string text = identity.program_and_version(MAINSTAY_VERSION);
    // Exporters and scripts look for keepalived's first line and for the build option.
    return identity.keepalived ? text + "\n\nConfigure options: --enable-json\n" : text + "\n";
}

std::string help_text(const std::string& program) {
    return "Usage: " + program + R"( [OPTION...]

  -f, --use-file=FILE          Read this configuration; else /etc/mainstay/mainstay.conf,
                               else /etc/keepalived/keepalived.conf, else what
                               /etc/mainstay/mainstay.toml says about the director; a name that
                               ends in .toml is read as TOML
  -t, --config-test[=LOG]      Test the configuration, change nothing; exit 0 clean, 4 no file that
                               can be read, 5 warnings or errors, 6 script security, 2 a word
                               is missing
      --shared-account=NAME    Run all roles as this account instead of one for each
      --takeover               Go on with what another program, keepalived, holds on this host: its
                               addresses, devices and IPVS table (mainstayctl takeover)
      --strict                 Refuse a configuration with warnings or errors, at start and reload
  -P, --vrrp                   Run no health checks and no IPVS
  -C, --check                  Run no VRRP
  -B, --no_bfd                 Run no BFD
  -n, --dont-fork              Stay in the foreground
  -l, --log-console            Log to the terminal as well
  -D, --log-detail             Log more
  -S, --log-facility=0..7      Set the syslog facility: local0 to local7, or user, daemon
                               (default daemon)
  -G, --no-syslog              Do not log to syslog
      --log-journal[=SOCKET]   Log to journald with fields (instance, service, server, event,
                               reason) instead of syslog
      --log-json               Log to stdout as well, a JSON object per line; with -n
  -V, --dont-release-vrrp      Leave the addresses at stop
  -I, --dont-release-ipvs      Leave the IPVS table at stop
  -R, --dont-respawn           Stop when a process dies instead of restarting it
  -p, --pid=FILE  -r, --vrrp_pid=FILE  -c, --checkers_pid=FILE  -b, --bfd_pid=FILE
                               Write pid files
  -x, --snmp                   Serve KEEPALIVED-MIB over AgentX
  -A, --snmp-agent-socket=ADDR Connect to this AgentX master, overriding snmp_socket:
                               unix:PATH, tcp:HOST:PORT
  -s, --namespace=NAME         Run in this network namespace
  -e, --all-config             Fail when an include matches no file
  -u, --umask=MASK             -m, --core-dump        -i, --config-id=ID
      --signum=NAME            Print the number of STOP RELOAD DATA STATS STATS_CLEAR JSON TDUMP
  -v, --version                -h, --help

keepalived's other options are accepted; those without effect are reported when used.
)";
}

int signal_number(const std::string& name) {
    if (name == "STOP") return SIGTERM;
    if (name == "RELOAD") return SIGHUP;
    if (name == "DATA") return SIGUSR1;
    if (name == "STATS") return SIGUSR2;
    if (name == "STATS_CLEAR") return SIGRTMAX - 1;
    if (name == "JSON") return SIGRTMIN + 2;
    if (name == "TDUMP") return SIGRTMAX;
    return 0;
}

}  // namespace mainstay::cli
