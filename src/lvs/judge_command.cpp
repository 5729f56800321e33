// mainstayctl server: drains, disables and enables single servers and sets their weights.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <limits>

#include "judge_text.hpp"
#include "mainstay/lvs/judge.hpp"
#include "mainstay/lvs/plan.hpp"

namespace mainstay::lvs {
namespace {

constexpr std::size_t kServersNamedInAuditMax = 10;
constexpr std::size_t kHintsMax = 8;

Hold hold_of(ServerCommand::Verb verb) {
    switch (verb) {
        case ServerCommand::Verb::Drain:
            return Hold::Drained;
        case ServerCommand::Verb::Disable:
            return Hold::Disabled;
        case ServerCommand::Verb::Weight:
            return Hold::Weight;
        default:
            return Hold::None;
    }
}

std::string operation_text(const netlink::IpvsOperation& operation) {
    using Kind = netlink::IpvsOperation::Kind;
    const bool weighs = operation.kind == Kind::AddDestination || operation.kind == Kind::SetDestination;
    return weighs ? fmt::format("{} weight {}", netlink::describe(operation), operation.destination.weight)
                  : netlink::describe(operation);
}

}  // namespace

void Judge::apply_overrides(std::size_t service) {
    if (overrides_.empty()) return;
    const auto& servers = services_[service].real_servers;
    const std::string name = service_text(service);
    for (std::size_t s = 0; s < servers.size(); ++s) {
        const auto found = overrides_.find({name, servers[s].endpoint});
        if (found == overrides_.end()) continue;
        auto& server = states_[service].servers[s];
        server.hold = found->second.hold;
        if (found->second.weight != 0) server.between.edit().held_weight = found->second.weight;
        server.alive = may_live(server);
        server.weight = effective_weight(servers[s], server);
    }
}

std::optional<Override> Judge::override_of(std::size_t service, std::size_t server) const {
    if (states_[service].servers[server].hold == Hold::None) return std::nullopt;
    const auto found = overrides_.find({service_text(service), services_[service].real_servers[server].endpoint});
    return found == overrides_.end() ? std::nullopt : std::optional{found->second};
}

std::string Judge::state_text(std::size_t service, std::size_t server) const {
    const auto& state = states_[service].servers[server];
    const auto said = override_of(service, server);
    const std::string word =
        text_of(Override{state.hold, state.between->held_weight, {}, {}, said && said->expires_persistence});
    return fmt::format("{}, {}, weight {}", word, state.alive ? "UP" : "DOWN", state.weight);
}

Intents Judge::command(const ServerCommand& command, Moment at, ServerAnswer& answer) {
    Intents out;
    answer = {};
    if (command.verb == ServerCommand::Verb::Weight &&
        (command.weight < 0 || command.weight > std::numeric_limits<std::int32_t>::max())) {
        answer.problem = "the weight must be 0 to 2147483647";
        return out;
    }
    if (command.expire_persistence && command.verb != ServerCommand::Verb::Drain) {
        answer.problem = "--expire-persistence works with drain only";
        return out;
    }
    if (command.dry_run && command.verb != ServerCommand::Verb::Show) {
        dry_run(command, at, answer);
        return out;
    }
    const Hold wanted = hold_of(command.verb);
    std::string named;
    std::vector<std::string> remarks;
    const std::vector<OverrideKey> strangers =
        wanted == Hold::None ? held_strangers(pattern_of(command.which)) : std::vector<OverrideKey>{};
    for (const auto& where : matching(pattern_of(command.which), answer)) {
        ++answer.matched;
        const OverrideKey key{service_text(where.service),
                              services_[where.service].real_servers[where.server].endpoint};
        const std::string name = server_text(where.service, where.server);
        if (auto remark = remark_on_persistence(services_[where.service], command);
            remark && (remarks.empty() || remarks.back() != *remark))
            remarks.push_back(std::move(*remark));
        const auto& state = states_[where.service].servers[where.server];
        const std::string before = state_text(where.service, where.server);
        const bool held =
            state.hold == wanted && (wanted != Hold::Weight || state.between->held_weight == command.weight);
        const auto known = overrides_.find(key);
        const bool same =
            held && (known == overrides_.end() || known->second.expires_persistence == command.expire_persistence);
        if (command.verb == ServerCommand::Verb::Show || same) {
            answer.lines.push_back(fmt::format("{} of VS {}: {}", name, key.service, before));
            continue;
        }
        if (wanted != Hold::None && overrides_.size() >= kOverridesMax && !overrides_.contains(key)) {
            answer.problem = fmt::format("{} servers have overrides already, which is the maximum: enable some first",
                                         kOverridesMax);
            break;
        }
        ++answer.changed;
        if (wanted == Hold::None)
            overrides_.erase(key);
        else
            overrides_[key] = Override{wanted, command.weight, at.wall, command.by, command.expire_persistence};
        if (answer.changed <= kServersNamedInAuditMax) named += fmt::format(" {} of VS {},", name, key.service);
        if (!held) hold(where, wanted, command.weight, at, out);
        answer.lines.push_back(fmt::format("{} of VS {}: {} (was: {})", name, key.service,
                                           state_text(where.service, where.server), before));
    }
    for (const auto& key : strangers) {
        answer.problem.clear();
        ++answer.matched;
        const std::string name = fmt::format("{} of VS {}", key.server.to_string(), key.service);
        const std::string held = text_of(overrides_.at(key));
        const bool forget = command.verb == ServerCommand::Verb::Enable;
        answer.lines.push_back(fmt::format("{}: not configured, {}{}", name, forget ? "was " : "", held));
        if (!forget) continue;
        overrides_.erase(key);
        if (++answer.changed <= kServersNamedInAuditMax) named += fmt::format(" {},", name);
    }
    std::ranges::move(remarks, std::back_inserter(answer.lines));
    if (auto remark = remark_on_expiry(); remark && command.expire_persistence)
        answer.lines.push_back(std::move(*remark));
    if (answer.changed == 0) return out;
    tidy_queue();
    named.pop_back();
    if (answer.changed > kServersNamedInAuditMax)
        named += fmt::format(" and {} more", answer.changed - kServersNamedInAuditMax);
    const std::string number = command.verb == ServerCommand::Verb::Weight ? fmt::format(" {}", command.weight)
                               : command.expire_persistence                ? std::string{" --expire-persistence"}
                                                                           : std::string{};
    out.insert(out.begin(), say(LogLevel::Notice, fmt::format("server {} {}{} by {}:{}", word_of(command.verb),
                                                              command.which, number, command.by, named)));
    return out;
}

// Overrides of servers that are not configured; enabling such a server deletes its override.
std::vector<OverrideKey> Judge::held_strangers(const ServerPattern& pattern) const {
    std::set<OverrideKey> configured;
    std::vector<OverrideKey> found;
    if (overrides_.empty()) return found;
    for (std::size_t v = 0; v < services_.size(); ++v) {
        for (const auto& server : services_[v].real_servers) configured.insert({service_text(v), server.endpoint});
    }
    for (const auto& [key, held] : overrides_) {
        if (!configured.contains(key) && matches(pattern, key)) found.push_back(key);
    }
    return found;
}

std::vector<Judge::Place> Judge::matching(const ServerPattern& pattern, ServerAnswer& answer) const {
    std::vector<Place> found;
    std::string hints;
    std::size_t hinted = 0;
    for (std::size_t v = 0; v < services_.size(); ++v) {
        const bool in_service = matches(pattern, services_[v]);
        for (std::size_t s = 0; s < services_[v].real_servers.size(); ++s) {
            if (in_service && matches(pattern, services_[v], services_[v].real_servers[s]))
                found.push_back({v, s, 0});
            else if (found.empty() && ++hinted <= kHintsMax)
                hints += fmt::format("\n  {}/{}", service_text(v), server_text(v, s));
        }
    }
    if (!found.empty()) return found;
    answer.problem = fmt::format("no server matches {}{}; {}", pattern.services == "*" ? "" : pattern.services + "/",
                                 pattern.servers, hinted == 0 ? "no server is configured" : "known servers:" + hints);
    if (hinted > kHintsMax) answer.problem += fmt::format("\n  and {} more", hinted - kHintsMax);
    return found;
}

// The command is carried out on a copy; its log lines and IPVS changes are the answer.
void Judge::dry_run(const ServerCommand& command, Moment at, ServerAnswer& answer) const {
    Judge copy{*this};
    ServerCommand real = command;
    real.dry_run = false;
    const Intents would = copy.command(real, at, answer);
    if (!answer.problem.empty()) return;
    for (auto& line : answer.lines) line = "would be: " + line;
    if (copy.expires_persistence() != expires_persistence())
        answer.lines.push_back(copy.expires_persistence() ? "would set: net.ipv4.vs.expire_quiescent_template = 1"
                                                          : "would restore: net.ipv4.vs.expire_quiescent_template");
    for (const auto& intent : would) {
        const auto* said = std::get_if<Say>(&intent);
        if (said != nullptr && said->line.level == LogLevel::Info)
            answer.lines.push_back("would log: " + said->line.text);
    }
    std::set<std::size_t> changed;
    for (const auto& intent : would) {
        if (const auto* table = std::get_if<TableChanged>(&intent)) changed.insert(table->service);
    }
    for (const std::size_t service : changed) {
        for (const auto& operation : plan(copy.desired(service), desired(service), {})) {
            answer.lines.push_back("would write: " + operation_text(operation));
        }
    }
}

void Judge::hold(const Position& where, Hold wanted, std::int64_t weight, Moment at, Intents& out) {
    auto& server = states_[where.service].servers[where.server];
    const bool was_out = server.hold == Hold::Disabled;
    server.hold = wanted;
    server.between = Between{
        .held_weight = wanted == Hold::Weight ? weight : 0, .leave = {}, .grows_since = {}, .growing_weight = {}};
    if (!was_out && wanted == Hold::Disabled) take_out(where, at, out);
    if (was_out && wanted != Hold::Disabled) bring_back(where, at, out);
    if (wanted == Hold::Drained && server.alive) begin_leave(where, at, out);
    reweigh(where, at.now, out);
    out.emplace_back(TableChanged{where.service});
    release_kept(where.service, at, out);
    evaluate_quorum(where.service, Mode::Running, out);
}

void Judge::take_out(const Position& where, Moment at, Intents& out) {
    auto& server = states_[where.service].servers[where.server];
    for (std::size_t c = 0; c < server.checkers.size(); ++c) {
        auto& checker = server.checkers[c];
        checker.waits = false;
        if (!std::exchange(checker.running, false)) continue;
        out.emplace_back(CancelCheck{checker.id});
        unlead(checker.id, at.now);
    }
    server.kept = false;
    if (!server.alive) return;
    server.alive = false;
    server.since = at.wall;
    begin_leave(where, at, out);
    if (!server.between->leave)
        out.push_back(
            say(LogLevel::Info, fmt::format("Removing service {} from VS {}", server_text(where.service, where.server),
                                            service_text(where.service))));
    const auto& service = services_[where.service];
    out.emplace_back(
        Announce{server_event(service, service.real_servers[where.server], false, "Disabled by an operator")});
}

// The server was not checked while it was disabled: it returns once its checks, which run now, have passed.
void Judge::bring_back(const Position& where, Moment at, Intents& out) {
    auto& server = states_[where.service].servers[where.server];
    const auto& service = services_[where.service];
    const auto& config = service.real_servers[where.server];
    for (std::size_t c = 0; c < server.checkers.size(); ++c) {
        auto& checker = server.checkers[c];
        if (!is_polled(config.checkers[c])) continue;
        checker.up = false;
        checker.has_run = true;
        checker.rises = checker.retries_used = 0;
        schedule({where.service, where.server, c}, at.now);
    }
    if (!may_live(server)) return;
    set_alive(where, true, at, out);
    out.emplace_back(Announce{server_event(service, config, true, "Enabled by an operator")});
}

}  // namespace mainstay::lvs
