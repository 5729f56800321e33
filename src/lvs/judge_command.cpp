// Carries out operators' overrides: what a server's state follows from them.
#include <fmt/format.h>

#include <map>
#include <set>
#include <span>

#include "carry_over.hpp"
#include "judge_impl.hpp"
#include "judge_text.hpp"
#include "mainstay/lvs/plan.hpp"
#include "mainstay/lvs/quorum.hpp"
#include "server_command.hpp"

namespace mainstay::lvs {
namespace {

std::string operation_text(const netlink::IpvsOperation& operation) {
    using Kind = netlink::IpvsOperation::Kind;
    const bool weighs = operation.kind == Kind::AddDestination || operation.kind == Kind::SetDestination;
    return weighs ? fmt::format("{} weight {}", netlink::describe(operation), operation.destination.weight)
                  : netlink::describe(operation);
}

std::set<std::size_t> changed_services(const Intents& intents) {
    std::set<std::size_t> changed;
    for (const auto& intent : intents)
        if (const auto* table = std::get_if<TableChanged>(&intent)) changed.insert(table->service);
    return changed;
}

std::vector<bool> quorums(const Services& services) {
    std::vector<bool> up;
    up.reserve(services.size());
    for (const auto& state : services.states) up.push_back(state.quorum_up);
    return up;
}

// A line for each service that had its quorum and has not any more.
std::vector<std::string> lost_quorums(const std::vector<bool>& had, const Services& after) {
    std::vector<std::string> lines;
    for (std::size_t v = 0; v < after.size(); ++v) {
        if (!had[v] || after.states[v].quorum_up) continue;
        const auto& config = after.configs[v];
        const auto weight = weight_of(after.states[v]);
        lines.push_back(fmt::format(
            "{}: weight {} is left, and its quorum is {}{}", after.name(v), weight, quorum_of(config).quorum,
            config.sorry_server ? fmt::format("; its sorry server {} gets new connections", sorry_text(config))
            : weight == 0       ? "; no server gets new connections"
                                : ""));
    }
    return lines;
}

}  // namespace

Intents Judge::Impl::command(const ServerCommand& command, Moment at, ServerAnswer& answer) {
    Intents out;
    answer = {};
    if (auto problem = problem_of(command)) {
        answer.problem = std::move(*problem);
        return out;
    }
    if (command.dry_run && command.verb != ServerCommand::Verb::Show) {
        dry_run(command, at, answer);
        return out;
    }
    const auto had = quorums(services_);
    out = carry_out(command, at, answer);
    for (const auto& line : lost_quorums(had, services_)) answer.lines.push_back("has lost its quorum: " + line);
    return out;
}

Intents Judge::Impl::carry_out(const ServerCommand& command, Moment at, ServerAnswer& answer) {
    Intents out;
    ServerCommandRun run{
        services_, overrides_, command, at,
        [&](const ServerRef& ref, Hold wanted, std::int64_t weight) { hold(ref, wanted, weight, at, out); }};
    auto audit = run.run(answer);
    if (!audit) return out;
    tidy();
    out.insert(out.begin(), log_line(LogLevel::Notice, std::move(*audit)));
    return out;
}

// The command is carried out on a copy; its log lines and IPVS changes are the answer.
void Judge::Impl::dry_run(const ServerCommand& command, Moment at, ServerAnswer& answer) const {
    Impl copy{*this};
    ServerCommand real = command;
    real.dry_run = false;
    const Intents would = copy.carry_out(real, at, answer);
    if (!answer.problem.empty()) return;
    for (auto& line : answer.lines) line.insert(0, "would be: ");
    const bool expires = copy.overrides_.expires_persistence(copy.services_);
    if (expires != overrides_.expires_persistence(services_))
        answer.lines.push_back(expires ? "would set: net.ipv4.vs.expire_quiescent_template = 1"
                                       : "would restore: net.ipv4.vs.expire_quiescent_template");
    for (const auto& line : lost_quorums(quorums(services_), copy.services_))
        answer.lines.push_back(std::string{kWouldLoseQuorum} + line);
    // Without the audit line, the first one: it is for commands that are carried out.
    for (const auto& intent : std::span{would}.subspan(answer.changed == 0 ? 0 : 1)) {
        if (const auto* written = std::get_if<WriteLog>(&intent))
            answer.lines.push_back("would log: " + written->line.text);
    }
    for (const std::size_t service : changed_services(would))
        for (const auto& operation : plan(copy.services_.desired(service), services_.desired(service), {}))
            answer.lines.push_back("would write: " + operation_text(operation));
}

void Judge::Impl::hold(const ServerRef& ref, Hold wanted, std::int64_t weight, Moment at, Intents& out) {
    auto& server = services_.state_at(ref);
    const bool was_out = server.hold == Hold::Disabled;
    server.hold = wanted;
    server.between = Between{
        .held_weight = wanted == Hold::Weight ? weight : 0, .leave = {}, .grows_since = {}, .growing_weight = {}};
    if (!was_out && wanted == Hold::Disabled) take_out(ref, at, out);
    if (was_out && wanted != Hold::Disabled) bring_back(ref, at, out);
    if (wanted == Hold::Drained && server.alive) draining_.begin(services_, ref, at, out);
    reweigh(ref, at.now, out);
    out.emplace_back(TableChanged{ref.service});
    release_kept(ref.service, at, out);
    follow_quorum(services_, ref.service, QuorumChange::Running, out);
}

void Judge::Impl::take_out(const ServerRef& ref, Moment at, Intents& out) {
    auto& server = services_.state_at(ref);
    cancel_checks(server, at.now, out);
    server.kept = false;
    if (!server.alive) return;
    server.alive = false;
    server.since = at.wall;
    draining_.begin(services_, ref, at, out);
    if (!server.between->leave)
        out.push_back(log_line(LogLevel::Info, fmt::format("Removing service {} from VS {}", services_.name(ref),
                                                           services_.name(ref.service))));
    const auto held = overrides_.of(services_, ref);
    const std::string reason = held && !held->reason.empty() ? ": " + held->reason : std::string{};
    out.emplace_back(Announce{server_event(services_.configs[ref.service], services_.config_at(ref), false,
                                           "Disabled by an operator" + reason)});
}

// The server was not checked while it was disabled: it returns once its checks, which run now, have passed.
void Judge::Impl::bring_back(const ServerRef& ref, Moment at, Intents& out) {
    auto& server = services_.state_at(ref);
    const auto& config = services_.config_at(ref);
    for (std::size_t c = 0; c < server.checkers.size(); ++c) {
        auto& checker = server.checkers[c];
        if (!is_polled(config.checkers[c])) continue;
        checker.up = false;
        checker.has_run = true;
        checker.rises = checker.retries_used = 0;
        schedule_.set(services_, {ref, c}, at.now);
    }
    if (!may_live(server)) return;
    set_alive(ref, true, at, out);
    out.emplace_back(Announce{server_event(services_.configs[ref.service], config, true, "Enabled by an operator")});
}

// As `enable` does, for the overrides whose time is over.
void Judge::Impl::end_overrides(Moment at, Intents& out) {
    const Overrides ended = overrides_.take_ended(at.now);
    if (ended.empty()) return;
    std::multimap<std::string, std::size_t>
        by_name;  // the services of one firewall mark and both families have one name
    for (std::size_t v = 0; v < services_.size(); ++v) by_name.emplace(services_.name(v), v);
    for (const auto& [key, held] : ended) {
        out.push_back(
            log_line(LogLevel::Notice, fmt::format("The override of {} of VS {} ends: it was {} by {} until now{}",
                                                   key.server.to_string(), key.service, text_of(held), held.by,
                                                   held.reason.empty() ? std::string{} : " (" + held.reason + ")")));
        for (auto [one, end] = by_name.equal_range(key.service); one != end; ++one)
            if (const auto server = find_server(services_.configs[one->second], key.server))
                hold({one->second, *server}, Hold::None, 0, at, out);
    }
}

}  // namespace mainstay::lvs
