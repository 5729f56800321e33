#include "instance_routes.hpp"

#include <fmt/format.h>

#include "limits.hpp"
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

void ask(const ApiSources& sources, ipc::InstanceQuestion question, const Done& done) {
    sources.ask_instances(std::move(question), [done](const CommandAnswered& answered) { done(answer_of(answered)); });
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

}  // namespace mainstay::role::http
