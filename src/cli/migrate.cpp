#include "migrate.hpp"

#include <fmt/format.h>
#include <getopt.h>

#include <algorithm>
#include <array>

#include "mainstay/base/script_variables.hpp"
#include "mainstay/base/text.hpp"
#include "mainstay/config/keywords.hpp"
#include "mainstay/config/tools/host_files.hpp"
#include "options.hpp"

namespace mainstay::cli {
namespace {

using config::Severity;

constexpr std::size_t kDiagnosticsShown = 10;

// What becomes of a setting of keepalived's unit. What is not listed goes into a drop-in of mainstay's.
struct UnitRow {
    std::string_view key;
    std::string_view what;  // empty: mainstay's unit has its own, and nothing is lost
    std::string_view fix{};
};
constexpr std::string_view kRoles =
    "the supervisor starts as root and each of its processes has an account of its own: User and Group break that";
constexpr std::string_view kSandbox =
    "it would restrict mainstay's supervisor and the scripts; mainstay restricts its other processes itself";
constexpr std::array kUnitRows{
    UnitRow{"User", kRoles, "leave it out"},
    UnitRow{"Group", kRoles, "leave it out"},
    UnitRow{"DynamicUser", kRoles, "leave it out"},
    UnitRow{"Type", ""},
    UnitRow{"PIDFile", ""},
    UnitRow{"NotifyAccess", ""},
    UnitRow{"KillMode", ""},
    UnitRow{"ExecReload", ""},
    UnitRow{"EnvironmentFile", ""},
    UnitRow{"Restart", "mainstay.service has Restart=on-failure, but not after the exit codes 2, 3, 4 and 6",
            "leave it out, unless another value is needed"},
    UnitRow{"CapabilityBoundingSet", kSandbox, "leave it out, or run `mainstayctl doctor` with it"},
    UnitRow{"AmbientCapabilities", kSandbox, "leave it out"},
    UnitRow{"NoNewPrivileges", kSandbox, "leave it out"},
    UnitRow{"ProtectSystem", kSandbox,
            "leave it out, or allow /run/mainstay, /var/lib/mainstay and /var/spool/mainstay"},
    UnitRow{"PrivateTmp", kSandbox, "leave it out if dashboards read the dump files in /tmp"},
    UnitRow{"RestrictAddressFamilies", kSandbox, "leave it out"},
    UnitRow{"SystemCallFilter", kSandbox, "leave it out"},
    UnitRow{"MemoryDenyWriteExecute", kSandbox, "leave it out"},
};

bool is_keepalived(std::string_view word) { return word == "keepalived" || word.ends_with("/keepalived"); }

// The words of the last ExecStart; one with an empty value resets those before it.
std::vector<std::string> start_words(const MigrateFacts& facts) {
    std::vector<std::string> words;
    for (const auto& unit : facts.units)
        for (const auto& setting : config::read_unit_file(unit.text))
            if (setting.section == "Service" && setting.key == "ExecStart")
                words = config::read_command_words(setting.value);
    return words;
}

// NAME=VALUE of each Environment= of the unit.
std::vector<std::string> unit_variables(const MigrateFacts& facts) {
    std::vector<std::string> entries;
    for (const auto& unit : facts.units)
        for (const auto& setting : config::read_unit_file(unit.text))
            if (setting.key == "Environment")
                for (auto& entry : config::read_command_words(setting.value)) entries.push_back(std::move(entry));
    return entries;
}

// systemd: a file of variables counts before Environment= of the unit.
std::string variable_value(const MigrateFacts& facts, std::string_view name) {
    std::string value;
    for (const auto& entry : unit_variables(facts))
        if (entry.size() > name.size() && entry.starts_with(name) && entry[name.size()] == '=')
            value = entry.substr(name.size() + 1);
    for (const auto& file : facts.option_files) {
        if (auto found = config::read_environment_value(file.text, name)) value = std::move(*found);
    }
    return value;
}

// NAME of the word $NAME or ${NAME}; empty: the word is another one.
std::string_view variable_name(std::string_view word) {
    if (!word.starts_with('$')) return {};
    word.remove_prefix(1);
    if (word.starts_with('{') && word.ends_with('}')) word = word.substr(1, word.size() - 2);
    const bool is_name = !word.empty() && std::ranges::all_of(word, [](char c) {
        return c == '_' || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    });
    return is_name ? word : std::string_view{};
}

// A word with the values of each ${NAME} inside of it.
std::string with_values(const MigrateFacts& facts, std::string word) {
    for (std::size_t at = 0; (at = word.find("${", at)) != std::string::npos;) {
        const std::size_t end = word.find('}', at);
        if (end == std::string::npos) break;
        const std::string value = variable_value(facts, word.substr(at + 2, end - at - 2));
        word.replace(at, end + 1 - at, value);
        at += value.size();
    }
    return word;
}

bool parses(const std::vector<std::string>& words, Options& options) {
    std::vector<std::string> owned{"mainstayd"};
    owned.insert(owned.end(), words.begin(), words.end());
    std::vector<char*> arguments;
    for (auto& word : owned) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    opterr = 0;  // the report says it
    options = parse_options(static_cast<int>(owned.size()), arguments.data());
    return options.action != Options::Action::Refuse;
}

// The first word with which mainstayd refuses the line; one that only lacks the next word is none.
std::size_t refused_word(const std::vector<std::string>& words) {
    const auto is_good = [&](std::size_t count) {
        Options options;
        return parses({words.begin(), words.begin() + static_cast<std::ptrdiff_t>(count)}, options);
    };
    std::size_t good = 0;
    for (std::size_t count = 1; count <= words.size(); ++count) {
        if (is_good(count))
            good = count;
        else if (count > good + 1)
            break;
    }
    return good;
}

// Of the packages' units: they hold keepalived's options.
constexpr std::array<std::string_view, 2> kOptionVariables{"DAEMON_ARGS", "KEEPALIVED_OPTIONS"};

class Judge {
public:
    explicit Judge(const MigrateFacts& facts) : facts_{facts} {}

    MigrationReport run() {
        options_ = keepalived_options(facts_);
        parsed_ = read_keepalived_options(options_);
        evaluate_configuration();
        evaluate_options();
        evaluate_units();
        find_variables();
        evaluate_scripts();
        evaluate_fifos();
        evaluate_monitoring();
        evaluate_behaviour();
        steps();
        return std::move(report_);
    }

private:
    void found(std::string text) { report_.found.push_back(std::move(text)); }
    void differs(std::string what, std::string fix = {}) {
        const MigrationReport::Difference difference{std::move(what), std::move(fix)};
        if (std::ranges::find(report_.differs, difference) == report_.differs.end())
            report_.differs.push_back(difference);
    }
    void step(std::string text) { report_.steps.push_back(std::move(text)); }

    void evaluate_configuration() {
        if (!facts_.configuration_found) {
            report_.can_run = false;
            found(fmt::format("no configuration: {} does not exist", facts_.configuration_path));
            return;
        }
        const auto& config = facts_.loaded.config;
        found(fmt::format("{}: {}, {}, {}", facts_.configuration_path,
                          counted(config.instances.size(), "VRRP instance"),
                          counted(config.sync_groups.size(), "sync group"),
                          counted(config.virtual_servers.size(), "virtual server")));
        for (std::size_t i = 1; i < facts_.loaded.files.size(); ++i)
            found(fmt::format("{}: included", facts_.loaded.files[i].path));
        report_.can_run = facts_.loaded.can_run();
        const auto& diagnostics = facts_.loaded.diagnostics;
        std::size_t shown = 0;
        const auto count = std::ranges::count_if(
            diagnostics, [](const config::Diagnostic& d) { return d.severity >= Severity::Warning; });
        for (const auto& diagnostic : diagnostics) {
            if (diagnostic.severity < Severity::Warning || shown++ >= kDiagnosticsShown) continue;
            auto without_fix = diagnostic;
            without_fix.fix.clear();
            differs(config::render_line(without_fix, facts_.loaded), diagnostic.fix);
        }
        if (shown > kDiagnosticsShown)
            differs(counted(static_cast<std::size_t>(count) - kDiagnosticsShown, "more message") +
                        " about the configuration",
                    fmt::format("mainstayctl config check{} {}",
                                parsed_.supervisor.config_id.empty() ? "" : " -i " + parsed_.supervisor.config_id,
                                shell_quoted(facts_.configuration_path)));
    }

    void evaluate_options() {
        for (const auto& file : facts_.option_files) found(file.path);
        if (options_.empty()) return;
        found(fmt::format("options of keepalived: {}", fmt::join(options_, " ")));
        std::size_t refused = options_.size();
        if (!parses(options_, parsed_)) {
            refused = refused_word(options_);
            differs(fmt::format("mainstayd refuses {}{}", options_[refused],
                                parsed_.complaint.starts_with("see ") ? "" : ": " + parsed_.complaint),
                    "leave it out; see mainstayd(8)");
            parsed_ = read_keepalived_options(options_);
        }
        for (std::size_t i = 0; i < options_.size(); ++i) {
            if (i == refused) continue;
            if (const std::size_t words = pid_option_words(options_[i]); words != 0)
                i += words - 1;
            else
                keep_option(options_[i]);
        }
    }

    // How many words an option that names a pid file has; 0: the word is none. Both daemons run during a takeover, so
    // mainstay gets files of its own.
    static std::size_t pid_option_words(const std::string& word) {
        static constexpr std::string_view kShort[] = {"-p", "-r", "-c", "-b"},
                                          kLong[] = {"--pid", "--vrrp_pid", "--checkers_pid", "--bfd_pid"};
        for (const auto option : kShort)
            if (word.starts_with(option)) return word == option ? 2 : 1;
        for (const auto option : kLong) {
            if (word == option) return 2;
            if (word.starts_with(option) && word[option.size()] == '=') return 1;
        }
        return 0;
    }

    [[nodiscard]] std::string pid_files_of_keepalived() const {
        std::vector<std::string> named;
        for (const auto kind : {role::Kind::Supervisor, role::Kind::Vrrp, role::Kind::Lvs, role::Kind::Bfd})
            if (const auto& file = parsed_.supervisor.pid_file(kind); !file.empty()) named.push_back(file);
        return named.empty() ? "/run/keepalived.pid and its siblings" : fmt::format("{}", fmt::join(named, ", "));
    }

    // One without effect is left out. What is no option by itself is the argument of one.
    void keep_option(const std::string& word) {
        Options alone;
        if (word.starts_with('-') && parses({word}, alone) && !alone.remarks.empty())
            for (const auto& remark : alone.remarks) differs(remark, "leave it out");
        else
            options_kept_ += (options_kept_.empty() ? "" : " ") +
                             (word.find(' ') == std::string::npos ? word : fmt::format("'{}'", word));
    }

    void evaluate_units() {
        if (facts_.in_place_of_keepalived)
            found("keepalived.service: of mainstay-keepalived-compat, which has keepalived's place");
        for (const auto& unit : facts_.units) {
            found(unit.path);
            if (unit.path.ends_with("/keepalived.service"))
                differs(fmt::format("{} replaces the unit of the package keepalived; mainstay.service is another unit",
                                    unit.path),
                        "keep of it what the lines below name");
            for (const auto& setting : config::read_unit_file(unit.text)) evaluate_setting(unit.path, setting);
        }
    }

    void evaluate_setting(const std::string& path, const config::UnitSetting& setting) {
        const std::string where = fmt::format("{}:{}: {}={}", path, setting.line, setting.key, setting.value);
        if (setting.section == "Install" || setting.key == "Documentation" || setting.key == "Description") return;
        if (setting.key == "ExecStart") {
            if (setting.value.empty()) return;
            const auto words = config::read_command_words(setting.value);
            if (words.empty() || !is_keepalived(words.front()))
                differs(where + ": it starts keepalived through another program",
                        "start mainstayd in the same way, in a drop-in of mainstay.service");
            return;
        }
        const auto row = std::ranges::find(kUnitRows, setting.key, &UnitRow::key);
        if (row == kUnitRows.end()) {
            kept_.push_back(fmt::format("[{}] {}={}", setting.section, setting.key, setting.value));
            differs(where + ": mainstay.service does not have it",
                    "add it to a drop-in in /etc/systemd/system/mainstay.service.d");
        } else if (!row->what.empty()) {
            differs(fmt::format("{}: {}", where, row->what), std::string{row->fix});
        }
    }

    void evaluate_scripts() {
        for (const auto& script : facts_.scripts) {
            found(script.found
                      ? fmt::format("script {} of {}: owner {}, mode {}", script.path, script.used_by, script.owner,
                                    script.mode)
                      : fmt::format("script {} of {}{}", script.path, script.used_by,
                                    script.path.starts_with('/') ? ": it does not exist" : ": found through PATH"));
            if (script.loose.empty()) continue;
            differs(fmt::format(
                        "{}: others than root may change {}; with enable_script_security it is not run, without it a "
                        "warning is logged, also when that changes while the daemon runs",
                        script.path, fmt::join(script.loose, ", ")),
                    fmt::format("chown root:root {0}; chmod go-w {0}", fmt::join(script.loose, " ")));
        }
        if (!facts_.scripts.empty())
            differs(
                fmt::format(
                    "scripts get PATH, HOME, TZ, LANG, LANGUAGE and LC_* of the environment, and nothing else{}",
                    withheld_.empty() ? "" : "; keepalived has " + listed_variables(withheld_)),
                "let a script set what else it needs, or name it in pass_environment of [scripts] in mainstay.toml");
    }

    // What keepalived has in its environment and passes to its scripts: of the running one, and of its unit.
    void find_variables() {
        std::string entries = facts_.environment;
        for (const auto& entry : unit_variables(facts_)) entries += entry + '\0';
        std::vector<std::string> of_options{kOptionVariables.begin(), kOptionVariables.end()};
        for (const auto& word : start_words(facts_))
            if (const auto name = variable_name(word); !name.empty()) of_options.emplace_back(name);
        withheld_ = withheld_variables(entries, of_options);
    }

    void evaluate_fifos() {
        for (const auto& fifo : facts_.fifos) {
            found(fifo.found ? fmt::format("{} {}: owner {}, mode {}", fifo.keyword, fifo.path, fifo.owner, fifo.mode)
                             : fmt::format("{} {}: it does not exist now", fifo.keyword, fifo.path));
            differs(fmt::format("lines in {} end in a newline and no NUL follows", fifo.path),
                    "let the program that reads it accept that");
        }
    }

    void evaluate_monitoring() {
        const auto& values = facts_.loaded.config.global.more->values;
        const bool snmp =
            parsed_.supervisor.snmp || std::ranges::any_of(values, [](const config::KeywordValue& value) {
                return value.keyword.starts_with("enable_snmp") || value.keyword.starts_with("enable_traps");
            });
        if (snmp) {
            found("SNMP over AgentX");
            differs("KEEPALIVED-MIB has no tables of virtual routes and rules", "");
        }
        if (facts_.in_place_of_keepalived) return;
        differs("pid files are /run/mainstay/*.pid instead of " + pid_files_of_keepalived(),
                "change what reads them, or install mainstay-keepalived-compat, which keeps the names");
        differs("the program is mainstayd, and its log lines have its name instead of Keepalived",
                "change what looks for the name, or install mainstay-keepalived-compat, which keeps the names");
    }

    // Departures that show in this configuration; docs/compatibility.md has all of them.
    void evaluate_behaviour() {
        const auto& config = facts_.loaded.config;
        const auto notifies = [](const config::Notifies& n) { return n != config::Notifies{}; };
        if (std::ranges::any_of(config.instances, [&](const auto& i) { return notifies(i.notify); }) ||
            std::ranges::any_of(config.sync_groups, [&](const auto& g) { return notifies(g.notify); }))
            differs("notify scripts of one instance run one after the other, each waited for at most 10 s",
                    "[scripts] notify_wait in mainstay.toml; 0 runs them in parallel as keepalived does");
        if (!config.global.notification_email.empty() && !config.global.smtp_server.empty())
            differs("mails are queued on disk and retried for three days, or [mail] keep");
        const bool scripts_check =
            std::ranges::any_of(config.virtual_servers, [](const config::VirtualServer& service) {
                return std::ranges::any_of(service.real_servers, [](const config::RealServer& server) {
                    return std::ranges::any_of(server.checkers, [](const config::Checker& checker) {
                        return checker.type == config::Checker::Type::Misc;
                    });
                });
            });
        if (scripts_check)
            differs("a MISC_CHECK whose script cannot be executed has failed; keepalived takes it as passed",
                    "let the account that runs it execute it");
    }

    // The options of keepalived that change what its file means.
    [[nodiscard]] std::string as_keepalived() const {
        const auto& given = parsed_.supervisor;
        return (given.config_id.empty() ? "" : " -i " + given.config_id) +
               (given.net_namespace.empty() ? "" : " -s " + given.net_namespace);
    }

    void steps() {
        if (!report_.can_run) {
            step(facts_.configuration_found
                     ? fmt::format("correct {} until `mainstayd -t -f {}{}` accepts it", facts_.configuration_path,
                                   shell_quoted(facts_.configuration_path), as_keepalived())
                     : std::string{
                           "write a configuration; `mainstayctl migrate --from` converts the ones of ldirectord and "
                           "ipvsadm"});
            return;
        }
        if (facts_.in_place_of_keepalived) {
            step("mainstay has keepalived's place here already, and nothing is left to change over");
            step("mainstayctl status && mainstayctl doctor");
            step("way back: the package keepalived comes back first, see \"Back again\" in docs/guide/migration.md");
            return;
        }
        step("begin with the BACKUP: a pair of one keepalived and one mainstay works");
        step(fmt::format("mainstayd -t -f {}{}", shell_quoted(facts_.configuration_path), as_keepalived()));
        if (!options_kept_.empty())
            step(
                fmt::format("write the options that stay to /etc/default/mainstay (or /etc/sysconfig/mainstay): "
                            "MAINSTAY_OPTIONS=\"{}\"",
                            options_kept_));
        if (!kept_.empty())
            step(fmt::format("write /etc/systemd/system/mainstay.service.d/local.conf with: {}",
                             fmt::join(kept_, "; ")));
        going_over();
    }

    // ctl_takeover.cpp refuses BFD sessions.
    void going_over() {
        static constexpr std::string_view kThere =
            "systemctl disable --now keepalived && systemctl enable --now mainstay";
        static constexpr std::string_view kBack =
            "systemctl disable --now mainstay && systemctl enable --now keepalived";
        const bool has_bfd =
            config::find_section(facts_.loaded.config.more->sections, config::keyword::bfd_instance) != nullptr;
        const auto& pid_file = parsed_.supervisor.pid_file(role::Kind::Supervisor);
        const std::string of_keepalived = pid_file.empty() ? "" : " --pid-file " + shell_quoted(pid_file);
        step(has_bfd ? fmt::format("{} (mainstayctl takeover is not possible: two programs on one host cannot have BFD "
                                   "sessions)",
                                   kThere)
                     : fmt::format("mainstayctl takeover{}: keepalived goes on until mainstay holds everything that it "
                                   "holds, and no address moves (by an election: {})",
                                   of_keepalived, kThere));
        step("mainstayctl status && mainstayctl doctor");
        if (!has_bfd) step("mainstayctl takeover --confirm: without it the next boot starts keepalived");
        step(has_bfd
                 ? fmt::format("way back: {}", kBack)
                 : fmt::format("way back: mainstayctl takeover --undo{} (by an election: {})", of_keepalived, kBack));
    }

    const MigrateFacts& facts_;
    MigrationReport report_;
    std::vector<std::string> options_, kept_, withheld_;
    std::string options_kept_;
    Options parsed_;
};

}  // namespace

std::vector<std::string> keepalived_options(const MigrateFacts& facts) {
    std::vector<std::string> words = start_words(facts);
    if (words.empty()) words = {"/usr/sbin/keepalived", "$DAEMON_ARGS", "$KEEPALIVED_OPTIONS"};
    const auto program = std::ranges::find_if(words, is_keepalived);
    std::vector<std::string> options;
    for (auto word = program == words.end() ? words.begin() : program + 1; word != words.end(); ++word) {
        const auto variable = variable_name(*word);
        if (variable.empty()) {
            options.push_back(with_values(facts, *word));
            continue;
        }
        for (auto& one : config::read_command_words(variable_value(facts, variable))) options.push_back(std::move(one));
    }
    // mainstay's unit has this one itself.
    std::erase_if(options, [](const std::string& word) { return word == "--dont-fork" || word == "-n"; });
    return options;
}

Options read_keepalived_options(std::vector<std::string> words) {
    Options options;
    while (!words.empty() && !parses(words, options))
        words.erase(words.begin() + static_cast<std::ptrdiff_t>(refused_word(words)));
    return options;
}

MigrationReport evaluate_migration(const MigrateFacts& facts) { return Judge{facts}.run(); }

}  // namespace mainstay::cli
