// Checks scripts: their account, whether they can be run, and whether running them is safe.
#include <map>
#include <utility>

#include "config/schema/parse_context.hpp"
#include "mainstay/config/validate/resolved.hpp"
#include "shell_words.hpp"
#include "validate.hpp"

namespace mainstay::config {
namespace {

constexpr std::string_view kDefaultAccount = "keepalived_script";
constexpr std::string_view kNotExecutable = "is not executable for the user that runs it";

// Of a script that cannot be run.
std::string_view why_not(const Environment::ScriptFacts& facts) {
    if (facts.found) return kNotExecutable;
    return facts.other_kind ? "is no regular file" : "does not exist";
}

constexpr std::string_view kRootOnly = "every folder on the path must belong to root and be writable by root alone";

class Scripts {
public:
    explicit Scripts(ParseContext& r) : r_{r} {
        default_account_missing_ = r_.global.script_user.empty() && r_.global.enable_script_security &&
                                   r_.environment.account_exists && !r_.environment.account_exists(kDefaultAccount, {});
    }

    void run() {
        idle_ = r_.instances.empty();
        for (ScriptDraft& script : r_.scripts) tracked(script);
        for (InstanceDraft& i : r_.instances) {
            notifies(i.model.name, i.model.notify, i.notify);
            rarer(i.model, keyword::notify_deleted, i.notify->deleted);
            rarer(i.model, keyword::notify_master_rx_lower_pri, i.notify->lower_priority_heard);
        }
        for (GroupDraft& g : r_.groups) notifies(g.model.name, g.model.notify, g.notify);
        for (const auto& [keyword, mark] : r_.process_scripts) of_process(keyword, mark);
        idle_ = false;
        const bool vrrp_runs = std::exchange(runs_, false);
        for (ServiceDraft& service : r_.services) {
            notify("quorum_up", service.model.quorum_up, service.up);
            notify("quorum_down", service.model.quorum_down, service.down);
            for (ServerDraft& server : service.servers) {
                notify("notify_up", server.model.notify_up, server.up);
                notify("notify_down", server.model.notify_down, server.down);
                std::erase_if(server.checkers, [&](CheckerDraft& c) {
                    const bool alpha = c.own.alpha.value_or(server.defaults.alpha.value_or(service.model.alpha));
                    return !misc(c, alpha) && !(alpha && keeps_out(c));
                });
            }
        }
        check_runs_ = runs_ || others_run_;
        runs_ = vrrp_runs || check_runs_;
        report_without_account();
        if (runs_ && !r_.global.enable_script_security) {
            auto& d = r_.diag.add(
                Severity::Warning, check_runs_ ? Rank::Security : Rank::VrrpSecurity, Code::ScriptSecurity, first_,
                any_insecure_ ? "scripts are run, enable_script_security is not set, and at least one "
                                "script can be changed by users other than root"
                              : "scripts are run, but enable_script_security is not set");
            d.effect = "the scripts that are in use are run";
            d.fix = r_.global.script_user.empty() ? "add enable_script_security and script_user to global_defs"
                                                  : "add enable_script_security to global_defs";
        }
    }

private:
    void tracked(ScriptDraft& script) {
        const std::string& name = script.model.name;
        script.model.timeout = script.timeout.value_or(script.model.interval);
        script.removed = true;
        if (script.model.command.empty()) {
            const auto index = static_cast<std::size_t>(&script - r_.scripts.data());
            if (script.command.length != 0 || r_.reported_of(Block::Script, index, "script") != nullptr) return;
            auto& d = r_.diag.error(Code::ScriptWithoutCommand, script.name,
                                    fmt::format("vrrp_script {} has no script", name));
            d.effect = "it is left out, and so are its trackers";
            d.fix = "add `script \"COMMAND\"`";
            return;
        }
        if (script.account_unknown) return;
        // keepalived: "</path" only tests whether the file can be read; nothing is run.
        if (script.model.command.argv[0].starts_with("</")) {
            script.removed = false;
            connects_to_nothing(name, script.model.command, script.command);
            return;
        }
        if (!account(name, script.model.command, script.command)) return;
        const std::string what = fmt::format("vrrp_script {}", name);
        script.removed = !usable(what, script.model.command, script.command,
                                 script.again ? "the first one of this name is used"
                                              : "instances that track it run as if they did not track it");
    }

    // The example of many pages about keepalived, of the time when a shell ran all scripts.
    void connects_to_nothing(const std::string& name, const Command& command, Mark mark) {
        const auto path = connection_of_bash(command.argv[0]);
        if (path.empty()) return;
        auto& d = r_.diag.advise(
            Code::ShellWord, mark,
            fmt::format("vrrp_script {}: there is no file {}, and only bash connects to it", name, path));
        d.effect = "with another sh, as Debian's, it is tested whether such a file can be read: it always fails";
        d.fix = fmt::format("write `script {}`", with_shell("/bin/bash", command.argv));
    }

    void shell_words(std::string_view what, const Command& command, Mark mark) {
        const auto word = shell_word(command.argv);
        if (word.empty() || reported_before(Code::ShellWord, command.argv[0], mark) != nullptr) return;
        auto& d = r_.diag.advise(
            Code::ShellWord, mark,
            fmt::format("{}: no shell reads the command, and '{}' is an argument of {}", what, word, command.argv[0]));
        d.effect = "what follows it is neither run nor redirected";
        d.fix = fmt::format("write {}", with_shell("/bin/sh", command.argv));
        remember(Code::ShellWord, command.argv[0]);
    }

    // False when there is no account to run it as. An unknown script_user was reported where it stands.
    bool account(const std::string& name, const Command& command, Mark mark) {
        if (!command.user.empty() || (!r_.script_user_unknown && !default_account_missing_)) return true;
        if (!r_.script_user_unknown) without_account_.emplace_back(name, mark);
        return false;
    }

    void report_without_account() {
        if (without_account_.empty()) return;
        const std::size_t more = without_account_.size() - 1;
        auto& d = r_.diag.error(
            Code::UnknownAccount, without_account_.front().second,
            fmt::format("vrrp_script {}{} no user, and there is no user {}", without_account_.front().first,
                        more == 0 ? std::string{" has"} : fmt::format(" and {} more have", more), kDefaultAccount));
        d.effect = "it is not run";
        d.fix = fmt::format("set script_user in global_defs or create the user {}", kDefaultAccount);
    }

    // startup_script, shutdown_script and the readers of FIFOs. keepalived (2.2.7) says nothing at -t of one that is
    // not there; one that is not executable counts as a script that is run, by the process that would start it.
    void of_process(std::string_view keyword, Mark mark) {
        const auto command = value_of<Command>(r_.global.more->values, KeywordName{keyword});
        if (!command || command->empty()) return;
        const bool reads_fifo = keyword.ends_with("_fifo_script");
        const auto no_account = [&](const std::string& message, bool counts) {
            auto& d = counts ? r_.diag.error(Code::UnknownAccount, mark, message)
                             : r_.diag.advise(Code::UnknownAccount, mark, message);
            d.effect = "it is not run";
        };
        if (!command->user.empty() && r_.environment.account_exists &&
            !r_.environment.account_exists(command->user, command->group))
            return no_account(fmt::format("{}: {}", keyword, unknown_account(command->user, command->group)),
                              !reads_fifo);
        if (command->user.empty() && default_account_missing_)
            return no_account(fmt::format("{} has no user, and there is no user {}", keyword, kDefaultAccount), true);
        if (r_.environment.script_facts) {
            const auto facts = r_.environment.script_facts(*command, r_.global);
            const bool refused = facts.insecure && r_.global.enable_script_security;
            if (!facts.found || !facts.executable || refused)
                not_run(keyword, *command, refused ? "can be changed by users other than root" : why_not(facts), mark);
            if (!facts.found || refused) return;
            any_insecure_ = any_insecure_ || facts.insecure;
        }
        const bool has_services = !r_.services.empty() || !r_.resolved.models.empty();
        const bool of_vrrp = reads_fifo && !keyword.starts_with("lvs_") && !r_.instances.empty();
        const bool of_others = !reads_fifo || (!keyword.starts_with("vrrp_") && has_services);
        runs_ = runs_ || of_vrrp;
        others_run_ = others_run_ || of_others;
        if ((of_vrrp || of_others) && first_.length == 0) first_ = mark;
    }

    void not_run(std::string_view keyword, const Command& command, std::string_view why, Mark mark) {
        if (reported_before(Code::ScriptNotFound, command.argv[0], mark) != nullptr) return;
        auto& d = r_.diag.advise(Code::ScriptNotFound, mark, fmt::format("{}: {} {}", keyword, command.argv[0], why));
        d.effect = "it is not run";
        remember(Code::ScriptNotFound, command.argv[0]);
    }

    // A script that several lines name is one message: `mark` is one more of them. Null when it was not reported yet.
    Diagnostic* reported_before(Code code, const std::string& path, Mark mark) {
        const auto [found, fresh] = reported_.try_emplace(std::pair{code, path}, Diagnoser::kNowhere);
        if (fresh || found->second == Diagnoser::kNowhere) return nullptr;
        r_.diag.also(found->second, mark);
        return &r_.diag.entries()[found->second].diagnostic;
    }
    void remember(Code code, const std::string& path) { reported_[std::pair{code, path}] = r_.diag.last(); }

    // An error of this script, which raises the exit code; without an instance keepalived looks at none of VRRP's.
    Diagnostic& refuse(Code code, const std::string& path, Mark mark, const std::string& message) {
        if (idle_) return r_.diag.advise(code, mark, message);
        if (Diagnostic* before = reported_before(code, path, mark); before != nullptr) {
            before->severity = Severity::Error;
            before->rank = Rank::Config;
            return *before;
        }
        auto& d = r_.diag.error(code, mark, message);
        remember(code, path);
        return d;
    }

    // A message may stand for several users of the script, each with a consequence of its own.
    static void add_effect(Diagnostic& d, std::string_view effect) {
        if (d.effect.empty()) d.effect = "it is not run";
        if (d.effect.find(effect) == std::string::npos) d.effect += fmt::format("; {}", effect);
    }

    bool usable(std::string_view what, const Command& command, Mark mark, std::string_view effect) {
        if (!r_.environment.script_facts) return ran(what, command, mark, false);
        const auto facts = r_.environment.script_facts(command, r_.global);
        if (!facts.found || !facts.executable) {
            auto& d = refuse(Code::ScriptNotFound, command.argv[0], mark,
                             fmt::format("{}: {} {}", what, command.argv[0], why_not(facts)));
            add_effect(d, effect);
            d.fix = command.argv[0].find_first_of(" \t") != std::string::npos
                        ? "the quotes inside the quotes make command and arguments one word"
                        : fix_for(command, facts.found);
            return false;
        }
        if (facts.insecure && r_.global.enable_script_security) {
            auto& d = refuse(Code::ScriptInsecure, facts.resolved, mark,
                             fmt::format("{}: {} can be changed by users other than root", what, facts.resolved));
            add_effect(d, effect);
            d.fix = kRootOnly;
            return false;
        }
        return ran(what, command, mark, facts.insecure);
    }

    static std::string fix_for(const Command& command, bool found) {
        const std::string& path = command.argv[0];
        if (found) return fmt::format("chmod a+x {}", path);
        if (needs_shell(path))
            return fmt::format("no shell reads the command: write {}", with_shell(shell_for(path), command.argv));
        if (path.starts_with("\xE2\x80\x9C") || path.starts_with("\xE2\x80\x9D"))
            return "typographic quotes are part of the name; write plain double quotes";
        return {};
    }

    bool ran(std::string_view what, const Command& command, Mark mark, bool insecure) {
        shell_words(what, command, mark);
        if (idle_) return true;
        if (first_.length == 0) first_ = mark;
        runs_ = true;
        any_insecure_ = any_insecure_ || insecure;
        return true;
    }

    void notifies(const std::string& owner, Notifies& commands, const NotifyMarks& marks) {
        const auto one = [&](std::string_view keyword, CompactOptional<Command>& rare, Mark mark) {
            if (!rare.empty()) notify(fmt::format("({}) {}", owner, keyword), rare, mark);
        };
        one("notify_master", commands.master, marks.master);
        one("notify_backup", commands.backup, marks.backup);
        one("notify_fault", commands.fault, marks.fault);
        one("notify_stop", commands.stop, marks.stop);
        one("notify", commands.any, marks.any);
    }

    // A keyword whose command cannot be used stays, because notify_deleted means something without one.
    void rarer(Instance& instance, const Keyword<Command>& keyword, Mark mark) {
        const auto command = value_of(instance.more->values, keyword);
        if (!command || command->empty()) return;
        CompactOptional<Command> checked{*command};
        notify(fmt::format("({}) {}", instance.name, keyword.text), checked, mark);
        if (!checked.empty()) return;
        for (auto& value : instance.more.edit().values)
            if (value.keyword == keyword) value.data = Command{};
    }

    // keepalived leaves out a notify script that it cannot use and says nothing at -t; we say it.
    void notify(std::string_view what, CompactOptional<Command>& rare, Mark mark) {
        if (rare.empty()) return;
        const Command& command = *rare;
        const auto leave_out = [&](Code code, const std::string& path, std::string message, std::string fix) {
            if (reported_before(code, path, mark) == nullptr) {
                auto& d = r_.diag.advise(code, mark, std::move(message));
                d.effect = "it is not run";
                d.fix = std::move(fix);
                remember(code, path);
            }
            rare.reset();
        };
        if (!command.user.empty() && r_.environment.account_exists &&
            !r_.environment.account_exists(command.user, command.group))
            return leave_out(
                Code::UnknownAccount, command.user,
                fmt::format("{}: {}", what, unknown_account(command.user, command.group)),
                "the word after the command is the user that runs it; put command and arguments in double quotes");
        if (!r_.environment.script_facts) {
            ran(what, command, mark, false);
            return;
        }
        const auto facts = r_.environment.script_facts(command, r_.global);
        if (!facts.found || !facts.executable)
            return leave_out(Code::ScriptNotFound, command.argv[0],
                             fmt::format("{}: {} {}", what, command.argv[0], why_not(facts)),
                             fix_for(command, facts.found));
        if (facts.insecure && r_.global.enable_script_security)
            return leave_out(Code::ScriptInsecure, facts.resolved,
                             fmt::format("{}: {} can be changed by users other than root", what, facts.resolved),
                             std::string{kRootOnly});
        ran(what, command, mark, facts.insecure);
    }

    // False when the MISC_CHECK cannot be used.
    bool misc(CheckerDraft& checker, bool alpha) {
        if (checker.model.type != Checker::Type::Misc) return true;
        if (checker.account_unknown) return false;
        const Command& command = checker.model.misc_path;
        if (command.empty()) {
            if (checker.misc_path.length == 0)
                r_.diag.error(Code::CheckerIncomplete, checker.mark, "MISC_CHECK has no misc_path").effect =
                    "the check is left out";
            return false;
        }
        const std::string_view effect = alpha ? "with alpha the server stays down" : "this check counts as passed";
        if (r_.environment.script_facts) {
            // keepalived (2.4.3, 2.2.7): a checker's script that is not there is passed over in silence at -t; one
            // that is not executable counts as a script that is run.
            const auto facts = r_.environment.script_facts(command, r_.global);
            if (!facts.found || !facts.executable) {
                if (reported_before(Code::ScriptNotFound, command.argv[0], checker.misc_path) == nullptr) {
                    auto& d = r_.diag.advise(Code::ScriptNotFound, checker.misc_path,
                                             fmt::format("MISC_CHECK: {} {}", command.argv[0], why_not(facts)));
                    add_effect(d, effect);
                    d.fix = fix_for(command, facts.found);
                    remember(Code::ScriptNotFound, command.argv[0]);
                }
                if (facts.found) ran("MISC_CHECK", command, checker.misc_path, facts.insecure);
                return false;
            }
        }
        return usable("MISC_CHECK", command, checker.misc_path, effect);
    }

    // keepalived (2.2.7): alpha, and a script that cannot be run: the server never gets in. A check without a script,
    // or whose user is not there, is no check at all.
    static bool keeps_out(CheckerDraft& checker) {
        if (checker.account_unknown || checker.model.misc_path.empty()) return false;
        mark_unusable(checker.model);
        return true;
    }

    ParseContext& r_;
    std::map<std::pair<Code, std::string>, std::size_t> reported_;  // the diagnostic
    std::vector<std::pair<std::string, Mark>> without_account_;
    bool default_account_missing_ = false, any_insecure_ = false;
    bool idle_ = false;  // no instance: nothing of VRRP is run
    // Of VRRP, later also of others; of checks; of the supervisor and the checks' FIFOs.
    bool runs_ = false, check_runs_ = false, others_run_ = false;
    Mark first_;
};

}  // namespace

void check_scripts(ParseContext& reading) { Scripts{reading}.run(); }

}  // namespace mainstay::config
