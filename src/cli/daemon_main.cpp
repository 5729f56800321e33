// mainstayd: the supervisor. The roles are programs of their own (src/cli/*_main.cpp).
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <string_view>

#include "check_config.hpp"
#include "daemonize.hpp"
#include "mainstay/kernel/log_files.hpp"
#include "mainstay/kernel/log_sink.hpp"
#include "mainstay/kernel/process.hpp"
#include "mainstay/role/supervisor/supervisor.hpp"
#include "options.hpp"
#include "output.hpp"

namespace {

using namespace mainstay;

// keepalived's other name and option; it is a program of its own, so that the supervisor links neither OpenSSL nor
// PCRE2 for it.
bool is_genhash(int argc, char** argv) {
    const std::string_view program = argc > 0 ? argv[0] : "", first = argc > 1 ? argv[1] : "";
    return program == "genhash" || program.ends_with("/genhash") || first == "--genhash" || first == "-T";
}

int become_genhash(char** argv) {
    const std::string_view first = argv[1] == nullptr ? "" : argv[1];
    if (first == "--genhash" || first == "-T") ++argv;
    const auto own = kernel::own_executable();
    const auto path = role::program_path(own ? *own : std::string{}, "mainstay-genhash");
    ::execv(path.c_str(), argv);
    cli::print_error("genhash: " + Error::system(path, errno).text() + "\n");
    return 1;
}

int run_daemon(cli::Options& options) {
    std::vector<std::string> passed_over;
    auto& supervisor = options.supervisor;
    const auto handed_over = cli::take_hand_over(supervisor);
    supervisor.hand_over = handed_over.value_or(-1);
    if (supervisor.config_path.empty()) supervisor.config_path = cli::default_config_path(passed_over);
    if (options.core_dump) {
        const rlimit unlimited{RLIM_INFINITY, RLIM_INFINITY};
        ::setrlimit(RLIMIT_CORE, &unlimited);
    }
    if (options.umask >= 0) ::umask(static_cast<mode_t>(options.umask));
    supervisor.umask_given = options.umask >= 0;
    if (!handed_over) {
        // keepalived: the command ends at once, and with 0.
        const auto parent = supervisor.identity.keepalived ? cli::Parent::EndsAtOnce : cli::Parent::Waits;
        if (supervisor.identity.keepalived && !options.dont_fork)
            if (const auto missing = cli::missing_file_status(supervisor)) return *missing;
        if (options.dont_fork)
            cli::report_start_here(supervisor);
        else if (!cli::daemonize(supervisor, parent))
            return 1;
    }

    kernel::LogFiles files{supervisor.log_console, supervisor.log_json};
    const auto taken = files.take();
    supervisor.give_log_files_back = [&files] { files.give_back(); };
    supervisor.take_log_files = [&files] { (void)files.take(); };  // else the files are written as they are
    kernel::DaemonLog log{{.ident = supervisor.identity.log_ident(role::Kind::Supervisor),
                           .socket = supervisor.log_socket,
                           .facility = supervisor.log_facility,
                           .console = supervisor.log_console,
                           .level = supervisor.log_level,
                           .journal = supervisor.log_journal,
                           .json = supervisor.log_json}};
    supervisor.set_log_ident = [&log](const std::string& ident) { log.set_ident(ident); };
    supervisor.set_log_level = [&log](LogLevel level) { log.set_level(level); };
    supervisor.flush_log = [&log, &files, failed = false]() mutable {
        log.flush();
        const auto again = files.restart_ended();
        if (!again && !failed)
            log.error("mainstayd-log, which writes the log's file, has ended and cannot be started: {}",
                      again.error().text());
        if (again && *again != 0)
            log.warning("mainstayd-log, which writes the log's file, has ended: it is started again");
        failed = !again;
    };
    supervisor.log_lines_lost = [&log] { return log.lost_by_reader(); };
    if (!taken)
        log.warning("the log is written without a process of its own, so a disk that hangs stops the daemon: {}",
                    taken.error().text());
    for (const auto& remark : options.remarks) log.warning("{}", remark);
    for (const auto& path : passed_over)
        log.warning("{} is ignored: {} takes precedence", path, supervisor.config_path);
    return role::run_supervisor(supervisor, log);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc == 3 && std::string_view{argv[1]} == "--role" && std::string_view{argv[2]} == "upgrade-trial")
        return role::run_upgrade_trial();
    if (is_genhash(argc, argv)) return become_genhash(argv);
    auto options = cli::parse_options(argc, argv);
    options.supervisor.arguments.assign(argv, argv + argc);
    switch (options.action) {
        case cli::Options::Action::Refuse:
            cli::print_error(std::string{argv[0]} + ": " + options.complaint + "\n");
            return options.test_exit_code;
        case cli::Options::Action::Version:
            cli::print_error(cli::version_text(options.supervisor.identity));
            return 0;
        case cli::Options::Action::Help:
            cli::print_error(cli::help_text(argv[0]));
            return 0;
        case cli::Options::Action::SignalNumber: {
            const int number = cli::signal_number(options.signal_name);
            if (number == 0) {
                cli::print_error("unknown signal name " + options.signal_name + "\n");
                return 1;
            }
            cli::print(std::to_string(number) + "\n");
            return cli::finish_output("mainstayd", 0, 1);
        }
        case cli::Options::Action::TestConfig: {
            std::vector<std::string> passed_over;
            auto& path = options.supervisor.config_path;
            if (path.empty()) path = cli::default_config_path(passed_over);
            const auto& supervisor = options.supervisor;
            for (const auto& remark : options.remarks) cli::print_error(fmt::format("{}: {}\n", argv[0], remark));
            return cli::run_config_test({.file = path,
                                         .config_id = supervisor.config_id,
                                         .net_namespace = supervisor.net_namespace,
                                         .settings_file = supervisor.settings_path,
                                         .log_file = options.test_log,
                                         .colour = ::isatty(STDERR_FILENO) == 1,
                                         .strict = supervisor.strict,
                                         .all_include_checks = supervisor.all_include_checks});
        }
        case cli::Options::Action::Run:
            break;
    }
    return run_daemon(options);
}
