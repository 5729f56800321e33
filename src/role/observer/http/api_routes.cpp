#include "api_routes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <span>

#include "event_feed.hpp"
#include "exchange.hpp"
#include "mainstay/lvs/overrides.hpp"
#include "mainstay/report/metrics.hpp"
#include "mainstay/report/why.hpp"
#include "mainstay/wire/flat_json.hpp"
#include "operator_routes.hpp"

namespace mainstay::role::http {
namespace {

using json = nlohmann::ordered_json;

constexpr const char* kEventStream = "text/event-stream";

std::optional<std::uint64_t> number_of(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

// ---- health

Answer alive(const Request&) { return document("{\"ok\":true}\n"); }

// Ready: each role that the configuration needs has published its state.
Answer ready(const ApiSources& sources) {
    const auto status = sources.status();
    const auto needs = sources.needs();
    json missing = json::array();
    if (needs.vrrp && !status->vrrp) missing.push_back("vrrp");
    if (needs.lvs && !status->lvs) missing.push_back("lvs");
    if (missing.empty()) return document("{\"ok\":true}\n");
    return json_answer({{"ok", false}, {"waits_for", std::move(missing)}}, 503);
}

// For load balancers: which of the directors is the MASTER.
Answer ready_instance(const ApiSources& sources, const std::string& name) {
    const auto status = sources.status();
    if (!status->vrrp) return refusal(503, "the vrrp process has not published anything", "ask again later");
    const auto& instances = status->vrrp->router.instances;
    const auto found = std::ranges::find(instances, name, &vrrp::InstanceSnapshot::name);
    if (found == instances.end())
        return refusal(404, "there is no instance of this name", "GET /api/v1/status/vrrp lists them");
    const bool master = found->state == vrrp::State::Master;
    const json body{{"name", found->name},
                    {"state", to_string(found->state)},
                    {"priority", found->effective_priority},
                    {"since", report::iso_time(found->since)},
                    {"fault", found->fault}};
    return json_answer(body, master ? 200 : 503);
}

// ---- events

// The event after which the client wants others; an error: it is no number.
Result<std::uint64_t> place_of(const Request& request, std::uint64_t otherwise) {
    std::string_view text = request.last_event_id;
    if (text.empty()) text = request.target.parameter("after");
    if (text.empty()) return otherwise;
    const auto number = number_of(text);
    if (!number) return fail(Errc::Invalid, "the id of an event is a number");
    return *number;
}

Answer stream_of_events(const History& history, const Request& request) {
    const auto after = place_of(request, history.last_id());
    if (!after) return refusal(400, after.error().text(), "leave it out to begin now");
    Answer answer;
    answer.content_type = kEventStream;
    answer.feed = std::make_shared<EventFeed>(history, *after);
    return answer;
}

std::string list_text(std::span<const report::HistoryEntry> entries) {
    std::string body;
    for (const auto& entry : entries) body += (body.empty() ? "[" : ",\n ") + report::event_json(entry);
    return body.empty() ? "[]\n" : body + "]\n";
}

Answer last_events(const History& history, std::optional<std::uint64_t> count) {
    if (!count || *count == 0 || *count > kEventsOfAnswerMax)
        return refusal(400, "last is a number from 1 to 1000", "ask for others with after and limit");
    return document(list_text(history.newest(static_cast<std::size_t>(*count))));
}

Answer list_of_events(const History& history, const Request& request) {
    const auto after = place_of(request, 0);
    if (!after) return refusal(400, after.error().text(), "leave it out to begin with the oldest");
    const auto limit = request.target.has("limit") ? number_of(request.target.parameter("limit")) : kEventsOfAnswerMax;
    if (!limit || *limit == 0 || *limit > kEventsOfAnswerMax)
        return refusal(400, "the limit is a number from 1 to 1000", "ask again after the last id of the answer");
    if (request.target.has("last")) return last_events(history, number_of(request.target.parameter("last")));
    auto answer = document(list_text(history.after(*after, static_cast<std::size_t>(*limit))));
    answer.fields.emplace_back("Mainstay-Events-Lost", may_have_lost(history, *after) ? "1" : "0");
    return answer;
}

Answer events(const History& history, const Request& request) {
    const bool streams = wire::http_asks_for(request.accept, kEventStream) &&
                         !wire::http_asks_for(request.accept, "application/json");  // which ends
    return streams ? stream_of_events(history, request) : list_of_events(history, request);
}

Answer gaps_of_events(const History& history) {
    json list = json::array();
    const auto put = [](json& into, const char* name, WallTime at) {
        into[std::string{name} + "_unix_us"] = at.unix_us == 0 ? json{} : json(at.unix_us);
    };
    for (const auto& gap : history.gaps()) {
        auto& one = list.emplace_back(json{{"why", gap.why}});
        put(one, "after", gap.after);
        put(one, "before", gap.before);
    }
    return json_answer(list);
}

// ---- metrics, reasons

// The query again, as the pure renderer reads it: after decoding, "," and "%2C" are the same.
std::string plain_target(const wire::HttpTarget& target) {
    std::string text = target.path + "?";
    for (const auto& [name, value] : target.query) text.append(name).append("=").append(value).append("&");
    return text;
}

Answer metrics(const ApiSources& sources, const Request& request) {
    const auto options = report::metrics_options(plain_target(request.target), request.accept);
    if (!options) return refusal(400, options.error().text(), "/metrics?scope=services|servers&compat=...&format=...");
    sources.traffic_wanted();
    auto answer = answer_in_pieces(report::metrics_pieces(sources.status(), *options));
    answer.content_type = report::content_type(*options);
    return answer;
}

Answer why(const ApiSources& sources, const Request& request) {
    const auto status = sources.status();
    const auto events = sources.history.after(0, kHistoryEntriesMax);
    const report::WhySource source{.status = *status, .events = events, .utc_offset_s = sources.utc_offset_s()};
    if (request.target.parameter("name").empty())
        return refusal(400, "the parameter name is missing",
                       "give the name of an instance, a service or what they track");
    const auto answer = report::why(source, request.target.parameter("name"));
    return document(report::why_json(answer), answer.found ? 200 : 404);
}

Answer rates(const ApiSources& sources, const Request& request) {
    const auto after = request.target.has("after") ? number_of(request.target.parameter("after")) : 0;
    constexpr std::uint64_t kUnixSecondsMax = 253'402'300'799;  // 9999-12-31
    if (!after || *after > kUnixSecondsMax)
        return refusal(400, "after is a number of seconds since 1970", "leave it out to begin with the oldest");
    auto found = sources.rates(request.target.parameter("service"), static_cast<std::int64_t>(*after));
    if (!found)
        return refusal(404, "there are no rates of such a virtual server",
                       "the member services lists those that there are");
    return document(std::move(*found));
}

// ---- servers

using ServerVerb = lvs::ServerCommand::Verb;

std::optional<ServerVerb> verb_of(std::string_view word) {
    for (const ServerVerb verb : {ServerVerb::Drain, ServerVerb::Disable, ServerVerb::Enable, ServerVerb::Weight})
        if (lvs::word_of(verb) == word) return verb;
    return std::nullopt;
}

// Takes one member of the body into the question. False: it has no such member, or of another type.
bool take_member(ipc::ServerQuestion& question, const std::string& name, const wire::FlatValue& value) {
    const auto* text = std::get_if<std::string>(&value);
    const auto* number = std::get_if<std::int64_t>(&value);
    const auto* flag = std::get_if<bool>(&value);
    if (name == "servers" && text != nullptr)
        question.which = *text;
    else if (name == "weight" && number != nullptr && question.verb == static_cast<std::uint8_t>(ServerVerb::Weight))
        question.weight = *number;
    else if (name == "for_s" && number != nullptr && *number > 0)
        question.seconds = *number;
    else if (name == "reason" && text != nullptr)
        question.reason = *text;
    else if (name == "dry_run" && flag != nullptr)
        question.dry_run = *flag;
    else if (name == "expire_persistence" && flag != nullptr &&
             question.verb == static_cast<std::uint8_t>(ServerVerb::Drain))
        question.expire_persistence = *flag;
    else
        return false;
    return true;
}

Result<ipc::ServerQuestion> question_of(ServerVerb verb, const Request& request) {
    ipc::ServerQuestion question;
    question.verb = static_cast<std::uint8_t>(verb);
    question.weight = -1;
    question.by = request.caller.name;
    const auto body = wire::flat_json(request.body);
    if (!body) return error_of(body);
    for (const auto& [name, value] : *body)
        if (!take_member(question, name, value))
            return fail(Errc::Invalid, fmt::format("the member {} is unknown here, or of another type", name));
    if (question.which.empty()) return fail(Errc::Invalid, "the member servers is missing");
    constexpr std::int64_t kWeightMax = 2'147'483'647;
    if (verb == ServerVerb::Weight && (question.weight < 0 || question.weight > kWeightMax))
        return fail(Errc::Invalid, "the member weight is a number from 0 to 2147483647");
    if (verb != ServerVerb::Weight) question.weight = 0;
    return question;
}

void change_servers(const ApiSources& sources, const Request& request, const Done& done) {
    const auto verb = verb_of(request.segment);
    if (!verb) return done(refusal(404, "there is no such command for servers", "drain, disable, enable or weight"));
    auto question = question_of(*verb, request);
    if (!question)
        return done(refusal(400, question.error().text(), "{\"servers\": \"[SERVICES/]SERVERS\", \"dry_run\": false}"));
    ask(sources, std::move(*question), done);
}

// ---- the page, and what there is

Answer page(const ApiSources& sources, std::string_view path) {
    const auto asset = sources.page_asset ? sources.page_asset(path) : std::nullopt;
    if (!asset) return refusal(404, "there is no page here", "GET /api/v1 lists the paths");
    Answer answer;
    answer.body = asset->body;
    answer.content_type = asset->content_type;
    return answer;
}

json list_of(const std::vector<Route>& routes) {
    json paths = json::array();
    for (const auto& route : routes)
        paths.push_back({{"method", route.method == Method::Get ? "GET" : "POST"}, {"path", route.pattern}});
    return paths;
}

Route get(std::string_view pattern, AtOnce handle, Rights needs = Rights::Read) {
    return {.method = Method::Get, .pattern = pattern, .needs = needs, .handle = std::move(handle)};
}

}  // namespace

void ask(const ApiSources& sources, ipc::OperatorQuestion question, Done done) {
    sources.ask(std::move(question), [done = std::move(done)](const OperatorReply& reply) {
        if (!reply.problem.empty()) return done(refusal(409, reply.problem, "nothing was changed"));
        done(json_answer({{"exit_code", reply.exit_code}, {"text", reply.text}}));
    });
}

std::vector<Route> api_routes(const ApiSources& s) {
    using report::StatusPart;
    const auto whole = [s](const Request&) { return answer_in_pieces(report::status_pieces(s.status())); };
    const auto watched = [s](const Request&) {
        s.traffic_wanted();
        return answer_in_pieces(report::status_pieces(s.status()));
    };
    const auto part = [s](StatusPart of) {
        return [s, of](const Request&) { return answer_in_pieces(report::status_pieces(s.status(), of)); };
    };
    const auto asset = [s](const Request& r) { return page(s, r.target.path); };
    std::vector<Route> routes{
        get("/livez", alive, Rights::Nothing),
        get("/healthz", alive, Rights::Nothing),
        get(
            "/readyz", [s](const Request&) { return ready(s); }, Rights::Nothing),
        get("/ready/vrrp/*", [s](const Request& r) { return ready_instance(s, r.segment); }),
        get("/metrics", [s](const Request& r) { return metrics(s, r); }),
        get("/status", whole),
        get("/api/v1/status", watched),
        get("/api/v1/status/vrrp", part(StatusPart::Vrrp)),
        get("/api/v1/status/lvs", part(StatusPart::Lvs)),
        get("/api/v1/why", [s](const Request& r) { return why(s, r); }),
        get("/api/v1/status/bfd", part(StatusPart::Bfd)),
    };
    std::ranges::find(routes, "/metrics", &Route::pattern)->produces.clear();
    routes.push_back(get("/api/v1/history/rates", [s](const Request& r) { return rates(s, r); }));
    routes.push_back({.method = Method::Get,
                      .pattern = "/api/v1/peer/status",
                      .handle = Later{[s](const Request&, const Done& done) { s.ask_peer(done); }}});
    auto listing = get("/api/v1/events", [s](const Request& r) { return events(s.history, r); });
    listing.produces = {"application/json", kEventStream};
    routes.push_back(std::move(listing));
    routes.push_back(get("/api/v1/events/gaps", [s](const Request&) { return gaps_of_events(s.history); }));
    if (s.mail != nullptr) add_mail_routes(routes, *s.mail);
    if (s.webhooks != nullptr) add_webhook_routes(routes, *s.webhooks);
    const auto command = [&](std::string_view pattern, auto carry_out) {
        routes.push_back(
            {.method = Method::Post,
             .pattern = pattern,
             .needs = Rights::Operate,
             .handle = Later{[s, carry_out](const Request& r, const Done& done) { carry_out(s, r, done); }}});
    };
    command("/api/v1/servers/{verb}", change_servers);
    command("/api/v1/instances/{verb}", command_instances);
    command("/api/v1/maintenance/{verb}", command_maintenance);
    command("/api/v1/loglevel", set_log_levels);
    routes.push_back(get("/api/v1/loglevel", [s](const Request&) { return show_log_levels(s); }));
    for (const char* pattern : {"/", "/page/*"}) {
        auto route = get(pattern, asset);
        route.produces.clear();
        routes.push_back(std::move(route));
    }
    routes.push_back(get("/api/v1", {}));
    routes.back().handle = AtOnce{[paths = list_of(routes)](const Request& r) {
        return json_answer(
            {{"caller", r.caller.name}, {"may_operate", r.caller.rights == Rights::Operate}, {"paths", paths}});
    }};
    return routes;
}

}  // namespace mainstay::role::http
