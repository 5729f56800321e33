// Scripts: whose they are, whether they can be run, and whether running them is safe.
#include "reading.hpp"

namespace mainstay::config {
namespace {

constexpr std::string_view kDefaultAccount = "keepalived_script";

class Scripts {
public:
    explicit Scripts(Reading& r) : r_{r} {
        default_account_missing_ = r_.global.script_user.empty() && r_.global.enable_script_security &&
                                   r_.environment.account_exists && !r_.environment.account_exists(kDefaultAccount, {});
    }

    void run() {
        for (ScriptDraft& script : r_.scripts) tracked(script);
        for (InstanceDraft& i : r_.instances) notifies(i.model.name, i.model.notify, i.notify);
        for (GroupDraft& g : r_.groups) notifies(g.model.name, g.model.notify, g.notify);
        for (ServiceDraft& service : r_.services) {
            notify("quorum_up", service.model.quorum_up, service.up);
            notify("quorum_down", service.model.quorum_down, service.down);
            for (ServerDraft& server : service.servers) {
                notify("notify_up", server.model.notify_up, server.up);
                notify("notify_down", server.model.notify_down, server.down);
                std::erase_if(server.checkers, [this](CheckerDraft& c) { return !misc(c); });
            }
        }
        if (runs_ && !r_.global.enable_script_security) {
            auto& d =
                r_.diag.add(Severity::Warning, Rank::Security, Code::ScriptSecurity, first_,
                            any_insecure_ ? "scripts are run, enable_script_security is not set, and at least one "
                                            "script can be changed by users other than root"
                                          : "scripts are run, but enable_script_security is not set");
            d.effect = "the scripts are run";
            d.hint = "add enable_script_security and script_user to global_defs";
        }
    }

private:
    void tracked(ScriptDraft& script) {
        const std::string& name = script.model.name;
        script.model.timeout = script.timeout.value_or(script.model.interval);
        script.removed = true;
        if (script.model.command.empty()) {
            if (script.command.length == 0)
                r_.diag
                    .error(Code::ScriptWithoutCommand, script.name, fmt::format("vrrp_script {} has no script", name))
                    .effect = "it is left out, and so are its trackers";
            return;
        }
        if (script.account_unknown) return;
        // keepalived: "</path" only tests whether the file can be read; nothing is run.
        if (script.model.command.argv[0].starts_with("</")) {
            script.removed = false;
            return;
        }
        const std::string what = fmt::format("vrrp_script {}", name);
        if (!account(what, script.model.command, script.command)) return;
        script.removed =
            !usable(what, script.model.command, script.command, "instances that track it run as if they did not");
    }

    // False when there is no account to run it as; reported.
    bool account(std::string_view what, const Command& command, Mark mark) {
        if (!command.user.empty()) return true;
        if (!r_.script_user_unknown && !default_account_missing_) return true;
        auto& d = r_.diag.error(Code::UnknownAccount, mark,
                                r_.script_user_unknown
                                    ? fmt::format("{} has no user, and script_user is unknown", what)
                                    : fmt::format("{} has no user, and there is no user {}", what, kDefaultAccount));
        d.effect = "it is not run";
        d.hint = fmt::format("set script_user in global_defs or create the user {}", kDefaultAccount);
        return false;
    }

    bool usable(std::string_view what, const Command& command, Mark mark, std::string_view effect) {
        if (!r_.environment.script_facts) return ran(mark, false);
        const auto facts = r_.environment.script_facts(command, r_.global);
        if (!facts.found || !facts.executable) {
            auto& d = r_.diag.error(
                Code::ScriptNotFound, mark,
                fmt::format("{}: {} {}", what, command.argv[0],
                            facts.found ? "is not executable for the user that runs it" : "is not there"));
            d.effect = fmt::format("it is not run; {}", effect);
            if (command.argv[0].find_first_of(" \t") != std::string::npos)
                d.hint = "the quotes inside the quotes make command and arguments one word";
            return false;
        }
        if (facts.insecure && r_.global.enable_script_security) {
            auto& d =
                r_.diag.error(Code::ScriptInsecure, mark,
                              fmt::format("{}: {} can be changed by users other than root", what, facts.resolved));
            d.effect = fmt::format("it is not run; {}", effect);
            d.hint = "every folder on the path must belong to root and be writable by root alone";
            return false;
        }
        return ran(mark, facts.insecure);
    }

    bool ran(Mark mark, bool insecure) {
        if (!runs_) first_ = mark;
        runs_ = true;
        any_insecure_ = any_insecure_ || insecure;
        return true;
    }

    void notifies(const std::string& owner, Notifies& commands, const NotifyMarks& marks) {
        const auto one = [&](std::string_view keyword, Command& command, Mark mark) {
            notify(fmt::format("({}) {}", owner, keyword), command, mark);
        };
        one("notify_master", commands.master, marks.master);
        one("notify_backup", commands.backup, marks.backup);
        one("notify_fault", commands.fault, marks.fault);
        one("notify_stop", commands.stop, marks.stop);
        one("notify", commands.any, marks.any);
    }

    // keepalived leaves out a notify script that it cannot use and says nothing at -t; we say it.
    void notify(std::string_view what, Command& command, Mark mark) {
        if (command.empty()) return;
        const auto leave_out = [&](Code code, std::string message, std::string_view hint) {
            auto& d = r_.diag.advise(code, mark, std::move(message));
            d.effect = "it is not run";
            d.hint = hint;
            command = {};
        };
        if (!command.user.empty() && r_.environment.account_exists &&
            !r_.environment.account_exists(command.user, command.group))
            return leave_out(
                Code::UnknownAccount,
                fmt::format("{}: there is no user {}{}{}", what, command.user,
                            command.group.empty() ? "" : " or no group ", command.group),
                "the word after the command is the user that runs it; put command and arguments in double quotes");
        if (!r_.environment.script_facts) {
            ran(mark, false);
            return;
        }
        const auto facts = r_.environment.script_facts(command, r_.global);
        if (!facts.found || !facts.executable)
            return leave_out(
                Code::ScriptNotFound,
                fmt::format("{}: {} {}", what, command.argv[0], facts.found ? "is not executable" : "is not there"),
                "");
        if (facts.insecure && r_.global.enable_script_security)
            return leave_out(Code::ScriptInsecure,
                             fmt::format("{}: {} can be changed by users other than root", what, facts.resolved), "");
        ran(mark, facts.insecure);
    }

    // False when the MISC_CHECK cannot be used.
    bool misc(CheckerDraft& checker) {
        if (checker.model.type != Checker::Type::Misc) return true;
        if (checker.account_unknown) return false;
        const Command& command = checker.model.misc_path;
        if (command.empty()) {
            if (checker.misc_path.length == 0)
                r_.diag.error(Code::CheckerIncomplete, checker.mark, "MISC_CHECK has no misc_path").effect =
                    "the check is left out";
            return false;
        }
        constexpr std::string_view kEffect = "the server is up as far as this check goes";
        if (r_.environment.script_facts) {
            // keepalived (2.4.3, 2.2.7): a checker's script that is not there is passed over in silence at -t; one
            // that is not executable counts as a script that is run.
            const auto facts = r_.environment.script_facts(command, r_.global);
            if (!facts.found || !facts.executable) {
                auto& d = r_.diag.advise(
                    Code::ScriptNotFound, checker.misc_path,
                    fmt::format("MISC_CHECK: {} {}", command.argv[0],
                                facts.found ? "is not executable for the user that runs it" : "is not there"));
                d.effect = fmt::format("it is not run; {}", kEffect);
                if (facts.found) ran(checker.misc_path, facts.insecure);
                return false;
            }
        }
        return usable("MISC_CHECK", command, checker.misc_path, kEffect);
    }

    Reading& r_;
    bool default_account_missing_ = false, runs_ = false, any_insecure_ = false;
    Mark first_;
};

}  // namespace

void check_scripts(Reading& reading) { Scripts{reading}.run(); }

}  // namespace mainstay::config
