#include "mail_routes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "mainstay/wire/flat_json.hpp"

namespace mainstay::role::http {
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

Result<QueueDesk::Command> command_of(QueueDesk::Verb verb, const Request& request) {
    QueueDesk::Command command{.verb = verb, .ids = {}, .all = false, .by = request.caller.name};
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

Answer change(QueueDesk& desk, const Request& request) {
    if (request.segment != "retry" && request.segment != "drop")
        return refusal(404, "there is no such command", "retry, drop or test");
    const auto command =
        command_of(request.segment == "drop" ? QueueDesk::Verb::Drop : QueueDesk::Verb::Retry, request);
    if (!command) return refusal(400, command.error().text(), kCommandHint);
    const auto done = desk.change(*command);
    if (!done) return refusal(409, done.error().text(), "nothing was changed");
    return json_answer({{"text", *done}});
}

Answer start_test(QueueDesk& desk, const Request& request) {
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
    if (const auto started = desk.start_test(to, request.caller.name); !started)
        return refusal(409, started.error().text(), "nothing was sent");
    return document(desk.test_json(0));
}

Answer show_test(QueueDesk& desk, const Request& request) {
    std::size_t known = 0;
    if (request.target.has("after")) {
        const auto text = request.target.parameter("after");
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), known);
        if (text.empty() || error != std::errc{} || end != text.data() + text.size())
            return refusal(400, "after is the number of lines that are known", "leave it out for all of them");
    }
    return document(desk.test_json(known));
}

struct Patterns {
    std::string_view queue, test, verb;
};

void add_routes(std::vector<Route>& routes, QueueDesk& desk, const Patterns& patterns) {
    QueueDesk* const of = &desk;
    const auto add = [&routes](Method method, std::string_view pattern, Rights needs, AtOnce handle) {
        routes.push_back({.method = method, .pattern = pattern, .needs = needs, .handle = std::move(handle)});
    };
    add(Method::Get, patterns.queue, Rights::Read, [of](const Request&) { return document(of->queue_json()); });
    add(Method::Get, patterns.test, Rights::Read, [of](const Request& r) { return show_test(*of, r); });
    add(Method::Post, patterns.test, Rights::Mail, [of](const Request& r) { return start_test(*of, r); });
    add(Method::Post, patterns.verb, Rights::Mail, [of](const Request& r) { return change(*of, r); });
}

}  // namespace

void add_mail_routes(std::vector<Route>& routes, QueueDesk& desk) {
    add_routes(routes, desk, {"/api/v1/mail", "/api/v1/mail/test", "/api/v1/mail/{verb}"});
}

void add_webhook_routes(std::vector<Route>& routes, QueueDesk& desk) {
    add_routes(routes, desk, {"/api/v1/webhooks", "/api/v1/webhooks/test", "/api/v1/webhooks/{verb}"});
}

}  // namespace mainstay::role::http
