// mainstayctl shows the daemon's state, controls it, checks configurations, and finds problems of the host.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <string>

#include "ctl.hpp"
#include "ctl_client.hpp"
#include "ctl_commands.hpp"
#include "ctl_daemons.hpp"
#include "mainstay/config/schema/schema.hpp"
#include "mainstay/role/common/identity.hpp"
#include "output.hpp"
#include "remote.hpp"
#include "status_view.hpp"

namespace {

using namespace mainstay::cli;

constexpr int kOutputLost = 2;  // an error in every subcommand's list of exit codes
constexpr int kUnknown = 3;     // of `status --check`

bool is_check(const CLI::App& app) {
    return app.got_subcommand("status") && app.get_subcommand("status")->count("--check") > 0;
}

// What is wrong, and the help that says how it is right. CLI11's own exit codes say the kind of mistake, which no
// script asks for, and are none of those that the man page lists.
int wrong_usage(const CLI::App& app, const CLI::ParseError& problem) {
    std::string command = "mainstayctl";
    for (auto given = app.get_subcommands(); !given.empty(); given = given.front()->get_subcommands())
        command += " " + given.front()->get_name();
    std::string text = fmt::format("{}: {}\n", command, problem.what());
    if (command.starts_with("mainstayctl server") &&
        problem.get_exit_code() == static_cast<int>(CLI::ExitCodes::ExtrasError))
        text += "a server of one service is named SERVICE/SERVER, as in 10.0.0.1:80/10.0.0.11:80\n";
    print_error(text + fmt::format("`{} --help` lists what it takes\n", command));
    return is_check(app) ? kUnknown : kUsage;
}

// If a word is no command where one belongs: what to say, with the nearest command. Else empty.
std::string unknown_command(const CLI::App& app, const std::vector<std::string>& arguments) {
    const auto of = [](const CLI::App& group) { return group.get_subcommands([](const CLI::App*) { return true; }); };
    const CLI::App* group = &app;
    std::string before;  // the words of the group
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const std::string& word = arguments[i];
        if (word.starts_with('-')) {
            const auto* option = group == &app ? app.get_option_no_throw(word) : nullptr;
            if (option != nullptr && option->get_items_expected() > 0) ++i;  // its value
            continue;
        }
        std::string names, begun;
        const CLI::App* found = nullptr;
        for (const auto* command : of(*group)) {
            names += (names.empty() ? "" : "|") + command->get_name();
            if (command->get_name().starts_with(word)) begun = command->get_name();
            if (command->get_name() == word) found = command;
        }
        if (found == nullptr) {
            const std::string near = begun.empty() ? std::string{mainstay::config::nearest_choice(names, word)} : begun;
            return fmt::format("mainstayctl: there is no command {}{}{}\n", before, word,
                               near.empty() ? fmt::format("; mainstayctl {}--help lists them", before)
                                            : fmt::format("; did you mean {}{}?", before, near));
        }
        if (of(*found).empty()) return {};  // its arguments follow
        group = found;
        before += word + " ";
    }
    return {};
}

void add_daemon_choice(CLI::App& app, DaemonChoice& choice) {
    auto* by_socket = app.add_option("--socket", choice.socket, "Ask the daemon with this control socket");
    auto* by_name = app.add_option("--instance", choice.instance, "Ask the daemon of this name; `daemons` lists them")
                        ->type_name("NAME")
                        ->excludes(by_socket);
    app.add_option("--pid-file", choice.pid_file, "Ask the daemon that was started with -p FILE")
        ->type_name("FILE")
        ->excludes(by_socket)
        ->excludes(by_name);
}

// A variable that a script forgot to set must not choose every server, or what another option chooses.
void refuse_empty_words(CLI::App& app) {
    const CLI::Validator is_given{[](std::string& word) { return std::string{word.empty() ? "it is empty" : ""}; }, ""};
    for (CLI::Option* option : app.get_options())
        if (option->get_items_expected_max() > 0 && !option->check_lname("reason")) option->transform(is_given);
    for (CLI::App* command : app.get_subcommands({})) refuse_empty_words(*command);
}

int run(int argc, char** argv) {
    CLI::App app{"Show and check a mainstay director."};
    app.set_version_flag("--version", "mainstayctl " MAINSTAY_VERSION);
    app.require_subcommand(1);
    DaemonChoice choice;
    add_daemon_choice(app, choice);
    std::string host;  // run_remotely() takes it; here it is for the help
    app.add_option("--host", host, "Run the command on this host, over ssh; before the command")
        ->type_name("USER@HOST");
    Chosen chosen;
    add_observe_commands(app, chosen);
    add_config_commands(app, chosen);
    add_change_commands(app, chosen);
    add_operate_commands(app, chosen);
    add_host_commands(app, chosen);
    refuse_empty_words(app);

    if (const auto exit_code = run_remotely({argv + 1, argv + argc})) return *exit_code;
    if (const auto problem = unknown_command(app, {argv + 1, argv + argc}); !problem.empty()) {
        print_error(problem);
        return kUsage;
    }
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& problem) {
        return problem.get_exit_code() == 0 ? app.exit(problem) : wrong_usage(app, problem);
    }
    if (chosen.alone) return chosen.alone();
    const auto found = control_socket_of(choice, mainstay::role::kRunDirectory);
    if (found) return chosen.with_daemon(*found);
    if (!is_check(app)) return complain(found.error());
    const auto failed = check_failed(found.error());
    print(failed.line);
    return failed.exit_code;
}

}  // namespace

int main(int argc, char** argv) { return finish_output("mainstayctl", run(argc, argv), kOutputLost); }
