#include "router.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

namespace mainstay::role::http {
namespace {

const char* name_of(Method method) { return method == Method::Get ? "GET, HEAD" : "POST"; }

// What a page of another origin could make a browser send with the credentials that the browser keeps for this one.
bool is_of_another_site(const Request& request) {
    if (!request.fetch_site.empty() && request.fetch_site != "same-origin" && request.fetch_site != "none") return true;
    if (request.origin.empty()) return false;
    const auto scheme_end = request.origin.find("://");
    return scheme_end == std::string::npos || request.origin.substr(scheme_end + 3) != request.host;
}

std::optional<Answer> refused(const Route& route, const Request& request) {
    if (request.caller.rights < route.needs) {
        if (route.needs == Rights::Mail && request.caller.rights == Rights::Read)
            return refusal(403, "this caller may read only",
                           "ask as root, or with the role operate; see mainstay.toml(5), [api]");
        if (route.needs >= Rights::Mail)
            return refusal(403, "this caller may read only",
                           "a change needs the role operate; see mainstay.toml(5), [api]");
        return refusal(403, "only root, the service account and members of its group may read this",
                       "ask as one of them");
    }
    const bool acceptable = route.produces.empty() || std::ranges::any_of(route.produces, [&](std::string_view type) {
                                return wire::http_accepts(request.accept, type);
                            });
    if (!acceptable)
        return refusal(406, fmt::format("there is only {} here", fmt::join(route.produces, ", ")),
                       "leave the Accept field out");
    if (route.method != Method::Post) {
        if (!request.body.empty()) return refusal(400, "a GET with a body", "send parameters in the target");
        return std::nullopt;
    }
    if (is_of_another_site(request))
        return refusal(403, "a change that a page of another site asks for",
                       "ask from a page of this host, or without a browser");
    const std::string_view type = request.content_type;
    if (type.substr(0, type.find_first_of("; ")) != "application/json")
        return refusal(415, "the body of a change is application/json", "set the Content-Type field");
    return std::nullopt;
}

}  // namespace

std::string json_text(const nlohmann::ordered_json& document) {
    return document.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

Answer document(std::string body, unsigned status) {
    Answer answer;
    answer.status = status;
    answer.body = std::move(body);
    return answer;
}

Answer json_answer(const nlohmann::ordered_json& json, unsigned status) { return document(json_text(json), status); }

namespace {

// What has been asked for too early stands first.
Generator<std::string> followed_by(std::string piece, Generator<std::string> pieces) {
    co_yield std::move(piece);
    while (auto next = pieces.next()) co_yield std::move(*next);
}

}  // namespace

Answer answer_in_pieces(Generator<std::string> pieces) {
    auto answer = document(pieces.next().value_or(std::string{}));
    if (auto second = pieces.next())
        answer.rest = std::make_shared<Generator<std::string>>(followed_by(std::move(*second), std::move(pieces)));
    return answer;
}

Answer refusal(unsigned status, std::string_view error, std::string_view hint) {
    return json_answer({{"error", error}, {"hint", hint}}, status);
}

bool matches(std::string_view pattern, std::string_view path, std::string& segment) {
    const auto open = pattern.find_first_of("{*");
    if (open == std::string_view::npos) return pattern == path;
    if (!path.starts_with(pattern.substr(0, open))) return false;
    const auto rest = path.substr(open);
    if (rest.empty() || (pattern[open] == '{' && rest.find('/') != std::string_view::npos)) return false;
    segment = rest;
    return true;
}

const Route* Router::find(Request& request) const {
    for (const auto& route : routes_)
        if (route.method == request.method && matches(route.pattern, request.target.path, request.segment))
            return &route;
    return nullptr;
}

Answer Router::no_route(const Request& request) const {
    if (request.caller.rights == Rights::Nothing)
        return refusal(403, "only root, the service account and members of its group may read this",
                       "ask as one of them");
    std::vector<std::string_view> allowed;
    std::string ignored;
    for (const auto& route : routes_)
        if (matches(route.pattern, request.target.path, ignored) &&
            std::ranges::find(allowed, std::string_view{name_of(route.method)}) == allowed.end())
            allowed.emplace_back(name_of(route.method));
    if (allowed.empty()) return refusal(404, "there is nothing at this path", "GET /api/v1 lists the paths");
    auto answer = refusal(405, "this path has another method", fmt::format("use {}", fmt::join(allowed, ", ")));
    answer.fields.emplace_back("Allow", fmt::format("{}", fmt::join(allowed, ", ")));
    return answer;
}

void Router::answer(Request request, Done done) const {
    const auto* route = find(request);
    if (route == nullptr) return done(no_route(request));
    if (auto no = refused(*route, request)) return done(std::move(*no));
    if (const auto* now = std::get_if<AtOnce>(&route->handle)) return done((*now)(request));
    std::get<Later>(route->handle)(request, std::move(done));
}

}  // namespace mainstay::role::http
