#include "log_level_routes.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "mainstay/wire/flat_json.hpp"

namespace mainstay::role::http {
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
    sources.ask_log_levels(std::move(*question),
                           [done](const CommandAnswered& answered) { done(answer_of(answered)); });
}

}  // namespace mainstay::role::http
