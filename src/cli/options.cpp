#include "options.hpp"

#include <getopt.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <utility>

#include "mainstay/config/load.hpp"

#ifndef MAINSTAY_VERSION
#define MAINSTAY_VERSION "unknown"
#endif

namespace mainstay::cli {

namespace {

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

using Act = void (*)(Options& options, const char* argument);

struct Row {
    const char* name;  // of the long option
    int argument;      // as for getopt_long()
    int letter;        // 0: there is none
    Act act;
    const char* remark = nullptr;  // it has no effect: accepted so that start scripts keep working, and said
};

void nothing(Options& /*options*/, const char* /*argument*/) {}

template <auto Member, bool Value>
void set(Options& options, const char* /*argument*/) {
    options.supervisor.*Member = Value;
}
template <auto Member>
void take(Options& options, const char* argument) {
    options.supervisor.*Member = argument;
}
template <role::Kind Kind>
void take_pid_file(Options& options, const char* argument) {
    options.supervisor.pid_file(Kind) = absolute(argument);
}
template <Options::Action Action>
void only(Options& options, const char* /*argument*/) {
    options.action = Action;
}

void take_facility(Options& options, const char* argument) {
    if (const auto facility = facility_of(argument))
        options.supervisor.log_facility = *facility;
    else
        refuse(options, "-S/--log-facility takes 0 to 7 (local0 to local7), user or daemon, not '" +
                            std::string{argument} + "'");
}

void log_to_journald(Options& options, const char* socket) {
    options.supervisor.log_journal = true;
    options.supervisor.log_socket = socket == nullptr ? "/run/systemd/journal/socket" : socket;
}

void test_config(Options& options, const char* log) {
    options.action = Options::Action::TestConfig;
    if (log != nullptr) options.test_log = log;
}

using S = role::SupervisorOptions;
using Action = Options::Action;

constexpr std::array kRows{
    Row{"use-file", required_argument, 'f',
        [](Options& o, const char* file) { o.supervisor.config_path = absolute(file); }},
    Row{"vrrp", no_argument, 'P', set<&S::run_lvs, false>},
    Row{"check", no_argument, 'C', set<&S::run_vrrp, false>},
    Row{"no_bfd", no_argument, 'B', set<&S::run_bfd, false>},
    Row{"all", no_argument, 0, nothing, "--all has no effect: processes are started when there is work for them"},
    Row{"log-console", no_argument, 'l', set<&S::log_console, true>},
    Row{"log-detail", no_argument, 'D', [](Options& o, const char*) { o.supervisor.log_level = LogLevel::Debug; }},
    Row{"log-facility", required_argument, 'S', take_facility},
    Row{"log-file", optional_argument, 'g', nothing,
        "-g/--log-file has no effect yet: lines go to syslog, and to the console with -l"},
    Row{"flush-log-file", no_argument, 0, nothing, "--flush-log-file has no effect yet"},
    Row{"no-syslog", no_argument, 'G', [](Options& o, const char*) { o.supervisor.log_socket.clear(); }},
    Row{"umask", required_argument, 'u',
        [](Options& o, const char* mask) { o.umask = static_cast<int>(std::strtol(mask, nullptr, 0)) & 0777; }},
    Row{"release-vips", no_argument, 'X', nothing,
        "-X/--release-vips has no effect: virtual addresses of instances that are not MASTER are always removed at the "
        "start"},
    Row{"dont-release-vrrp", no_argument, 'V', set<&S::keep_addresses, true>},
    Row{"dont-release-ipvs", no_argument, 'I', set<&S::keep_ipvs, true>},
    Row{"dont-respawn", no_argument, 'R', set<&S::respawn, false>},
    Row{"dont-fork", no_argument, 'n', [](Options& o, const char*) { o.dont_fork = true; }},
    Row{"dump-conf", no_argument, 'd', nothing, "-d/--dump-conf has no effect yet"},
    Row{"pid", required_argument, 'p', take_pid_file<role::Kind::Supervisor>},
    Row{"vrrp_pid", required_argument, 'r', take_pid_file<role::Kind::Vrrp>},
    Row{"checkers_pid", required_argument, 'c', take_pid_file<role::Kind::Lvs>},
    Row{"bfd_pid", required_argument, 'b', take_pid_file<role::Kind::Bfd>},
    Row{"address-monitoring", no_argument, 'a', nothing, "-a/--address-monitoring has no effect yet"},
    Row{"genhash", no_argument, 'T', [](Options& o, const char*) { refuse(o, "--genhash must be the first option"); }},
    Row{"snmp", no_argument, 'x', set<&S::snmp, true>},
    Row{"snmp-agent-socket", required_argument, 'A', take<&S::snmp_socket>},
    Row{"namespace", required_argument, 's', take<&S::net_namespace>},
    Row{"core-dump", no_argument, 'm', [](Options& o, const char*) { o.core_dump = true; }},
    Row{"core-dump-pattern", optional_argument, 'M', nothing,
        "-M/--core-dump-pattern has no effect: set kernel.core_pattern yourself"},
    Row{"all-config", no_argument, 'e', set<&S::all_include_checks, true>},
    Row{"config-id", required_argument, 'i', take<&S::config_id>},
    Row{"signum", required_argument, 0,
        [](Options& o, const char* name) { o.action = Action::SignalNumber, o.signal_name = name; }},
    Row{"config-test", optional_argument, 't', test_config},
    Row{"config-fd", required_argument, 0, nothing, "--config-fd has no effect: it is keepalived's own"},
    Row{"perf", optional_argument, 0, nothing, "--perf has no effect"},
    Row{"debug", optional_argument, 0, nothing, "--debug has no effect: use -D"},
    Row{"ignore-sigint", no_argument, 0, nothing, "--ignore-sigint has no effect yet"},
    Row{"no-mem-check", no_argument, 0, nothing, "--no-mem-check has no effect"},
    Row{"strict", no_argument, 0, set<&S::strict, true>},
    Row{"log-journal", optional_argument, 0, log_to_journald},
    Row{"log-json", no_argument, 0, set<&S::log_json, true>},
    Row{"takeover", no_argument, 0, set<&S::adopt, true>},
    Row{"shared-account", required_argument, 0, take<&S::shared_account>},
    Row{"version", no_argument, 'v', only<Action::Version>},
    Row{"help", no_argument, 'h', only<Action::Help>},
};

constexpr int kNoLetter = 256;  // and above: the row of a long option without a letter

std::array<option, kRows.size() + 1> long_options() {
    std::array<option, kRows.size() + 1> out{};
    for (std::size_t n = 0; n < kRows.size(); ++n) {
        const Row& row = kRows[n];
        out[n] = {row.name, row.argument, nullptr, row.letter != 0 ? row.letter : kNoLetter + static_cast<int>(n)};
    }
    return out;
}

std::string short_options() {
    std::string out;
    for (const Row& row : kRows)
        if (row.letter != 0)
            out += static_cast<char>(row.letter) + std::string(static_cast<std::size_t>(row.argument), ':');
    return out;
}

// `option`: what getopt_long() returned, not '?'.
const Row& row_of(int option) {
    if (option >= kNoLetter) return kRows[static_cast<std::size_t>(option - kNoLetter)];
    return *std::ranges::find(kRows, option, &Row::letter);
}

}  // namespace

Options parse_options(int argc, char** argv) {
    Options options;
    options.supervisor.identity = role::identity_of(argc > 0 ? argv[0] : "");
    optind = 0;  // starts anew; 1 would go on in the last word of an earlier command line, which may be gone
    int option = 0;
    const auto long_ones = long_options();
    const std::string letters = short_options();
    // There is one thread. NOLINTNEXTLINE(concurrency-mt-unsafe)
    while ((option = ::getopt_long(argc, argv, letters.c_str(), long_ones.data(), nullptr)) != -1) {
        if (option == '?') {
            refuse(options, "see --help for the options");
        } else {
            const Row& row = row_of(option);
            row.act(options, optarg);
            if (row.remark != nullptr) options.remarks.emplace_back(row.remark);
        }
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
  -t, --config-test[=LOG]      Test the configuration, change nothing; exit 0 clean, or only what
                               keepalived does not remark; 4 no file that can be read, 5 other
                               warnings or errors, 6 script security, 2 a word is missing
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
