#include "operator_routes.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>

#include "api_routes.hpp"
#include "exchange.hpp"
#include "mainstay/wire/flat_json.hpp"

namespace mainstay::role::http {
namespace {

using InstanceVerb = ipc::InstanceQuestion::Verb;

bool is_of_maintenance(InstanceVerb verb) {
    return verb == InstanceVerb::MaintenanceOn || verb == InstanceVerb::MaintenanceOff;
}

// Takes one member of the body into the question. False: it has no such member, or of another type.
bool take_member(ipc::InstanceQuestion& question, const std::string& name, const wire::FlatValue& value) {
    const auto* text = std::get_if<std::string>(&value);
    const auto* number = std::get_if<std::int64_t>(&value);
    const auto* flag = std::get_if<bool>(&value);
    if (name == "name" && text != nullptr && !is_of_maintenance(question.verb))
        question.which = *text;
    else if (name == "seconds" && number != nullptr && question.verb == InstanceVerb::MaintenanceOn)
        question.seconds = *number;
    else if (name == "reason" && text != nullptr && question.verb == InstanceVerb::MaintenanceOn)
        question.reason = *text;
    else if (name == "dry_run" && flag != nullptr)
        question.dry_run = *flag;
    else
        return false;
    return true;
}

Result<ipc::InstanceQuestion> question_of(InstanceVerb verb, const Request& request) {
    ipc::InstanceQuestion question;
    question.verb = verb;
    question.by = request.caller.name;
    const auto body = wire::flat_json(request.body);
    if (!body) return error_of(body);
    for (const auto& [name, value] : *body)
        if (!take_member(question, name, value))
            return fail(Errc::Invalid, fmt::format("the member {} is unknown here, or of another type", name));
    if (!is_of_maintenance(verb) && question.which.empty()) return fail(Errc::Invalid, "the member name is missing");
    if (question.seconds < 0) return fail(Errc::Invalid, "the member seconds is a number from 0 on");
    if (question.reason.size() > kReasonBytesMax)
        return fail(Errc::Invalid, fmt::format("the member reason has at most {} bytes", kReasonBytesMax));
    return question;
}

}  // namespace

void command_instances(const ApiSources& sources, const Request& request, const Done& done) {
    if (request.segment != "failover" && request.segment != "failback")
        return done(refusal(404, "there is no such command for instances", "failover or failback"));
    auto question =
        question_of(request.segment == "failover" ? InstanceVerb::FailOver : InstanceVerb::FailBack, request);
    if (!question) return done(refusal(400, question.error().text(), R"({"name": "INSTANCE", "dry_run": false})"));
    ask(sources, std::move(*question), done);
}

void command_maintenance(const ApiSources& sources, const Request& request, const Done& done) {
    if (request.segment != "on" && request.segment != "off")
        return done(refusal(404, "there is no such command for maintenance", "on or off"));
    auto question =
        question_of(request.segment == "on" ? InstanceVerb::MaintenanceOn : InstanceVerb::MaintenanceOff, request);
    if (!question)
        return done(refusal(400, question.error().text(), R"({"seconds": 3600, "reason": "TEXT", "dry_run": false})"));
    ask(sources, std::move(*question), done);
}

namespace {

using json = nlohmann::ordered_json;

Result<ipc::LogLevelQuestion> question_of(const Request& request) {
    const auto body = wire::flat_json(request.body);
    if (!body) return error_of(body);
    ipc::LogLevelQuestion question;
    question.by = request.caller.name;
    for (const auto& [name, value] : *body) {
        const auto* text = std::get_if<std::string>(&value);
        if (text != nullptr && name == "module")
            question.module = *text;
        else if (text != nullptr && name == "level")
            question.level = *text;
        else
            return fail(Errc::Invalid, fmt::format("the member {} is unknown here, or of another type", name));
    }
    if (question.level.empty()) return fail(Errc::Invalid, "the member level is missing");
    return question;
}

}  // namespace

Answer show_log_levels(const ApiSources& sources) {
    json levels = json::object();
    const auto known = sources.log_levels ? sources.log_levels() : LogLevels{};
    for (const LogModule module : kLogModules)
        levels[std::string{to_string(module)}] = to_string(level_of(known, module, LogLevel::Info));
    return json_answer({{"levels", std::move(levels)}});
}

void set_log_levels(const ApiSources& sources, const Request& request, const Done& done) {
    auto question = question_of(request);
    if (!question) return done(refusal(400, question.error().text(), R"({"module": "vrrp", "level": "debug"})"));
    ask(sources, std::move(*question), done);
}

namespace {

constexpr const char* kCommandHint = "{\"ids\": \"ID ID\"} or {\"all\": true}";
constexpr const char* kTestHint = "{\"to\": \"RECIPIENT RECIPIENT\"} or {}";

// Neither an id nor an address has a blank.
std::vector<std::string> words_of(std::string_view text) {
    std::vector<std::string> words;
    while (!text.empty()) {
        const auto end = std::min(text.find(' '), text.size());
        if (end != 0) words.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return words;
}

Result<QueueCommands::Command> command_of(QueueCommands::Verb verb, const Request& request) {
    QueueCommands::Command command{.verb = verb, .ids = {}, .all = false, .by = request.caller.name};
    const auto body = wire::flat_json(request.body);
    if (!body) return error_of(body);
    for (const auto& [name, value] : *body) {
        if (const auto* ids = std::get_if<std::string>(&value); ids != nullptr && name == "ids")
            command.ids = words_of(*ids);
        else if (const auto* all = std::get_if<bool>(&value); all != nullptr && name == "all")
            command.all = *all;
        else
            return fail(Errc::Invalid, fmt::format("the member {} is unknown here, or of another type", name));
    }
    if (command.ids.empty() != command.all) return fail(Errc::Invalid, "either ids or all says which");
    if (command.ids.size() > kMailsOfCommandMax)
        return fail(Errc::Invalid, fmt::format("at most {} ids at once", kMailsOfCommandMax));
    return command;
}

Answer change(QueueCommands& commands, const Request& request) {
    if (request.segment != "retry" && request.segment != "drop")
        return refusal(404, "there is no such command", "retry, drop or test");
    const auto command =
        command_of(request.segment == "drop" ? QueueCommands::Verb::Drop : QueueCommands::Verb::Retry, request);
    if (!command) return refusal(400, command.error().text(), kCommandHint);
    const auto done = commands.change(*command);
    if (!done) return refusal(409, done.error().text(), "nothing was changed");
    return json_answer({{"text", *done}});
}

Answer start_test(QueueCommands& commands, const Request& request) {
    std::vector<std::string> to;
    const auto body = wire::flat_json(request.body);
    if (!body) return refusal(400, body.error().text(), kTestHint);
    for (const auto& [name, value] : *body) {
        const auto* addresses = std::get_if<std::string>(&value);
        if (addresses == nullptr || name != "to")
            return refusal(400, fmt::format("the member {} is unknown here, or of another type", name), kTestHint);
        to = words_of(*addresses);
    }
    if (to.size() > kTestRecipientsMax)
        return refusal(400, fmt::format("at most {} recipients", kTestRecipientsMax), kTestHint);
    if (const auto started = commands.start_test(to, request.caller.name); !started)
        return refusal(409, started.error().text(), "nothing was sent");
    return document(commands.test_json(0));
}

Answer show_test(QueueCommands& commands, const Request& request) {
    std::size_t known = 0;
    if (request.target.has("after")) {
        const auto text = request.target.parameter("after");
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), known);
        if (text.empty() || error != std::errc{} || end != text.data() + text.size())
            return refusal(400, "after is the number of lines that are known", "leave it out for all of them");
    }
    return document(commands.test_json(known));
}

struct Patterns {
    std::string_view queue, test, verb;
};

void add_routes(std::vector<Route>& routes, QueueCommands& commands, const Patterns& patterns) {
    QueueCommands* const of = &commands;
    const auto add = [&routes](Method method, std::string_view pattern, Rights needs, AtOnce handle) {
        routes.push_back({.method = method, .pattern = pattern, .needs = needs, .handle = std::move(handle)});
    };
    add(Method::Get, patterns.queue, Rights::Read, [of](const Request&) { return document(of->queue_json()); });
    add(Method::Get, patterns.test, Rights::Read, [of](const Request& r) { return show_test(*of, r); });
    add(Method::Post, patterns.test, Rights::Mail, [of](const Request& r) { return start_test(*of, r); });
    add(Method::Post, patterns.verb, Rights::Mail, [of](const Request& r) { return change(*of, r); });
}

}  // namespace

void add_mail_routes(std::vector<Route>& routes, QueueCommands& commands) {
    add_routes(routes, commands, {"/api/v1/mail", "/api/v1/mail/test", "/api/v1/mail/{verb}"});
}

void add_webhook_routes(std::vector<Route>& routes, QueueCommands& commands) {
    add_routes(routes, commands, {"/api/v1/webhooks", "/api/v1/webhooks/test", "/api/v1/webhooks/{verb}"});
}

}  // namespace mainstay::role::http
