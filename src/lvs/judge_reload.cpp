// Reload. Unchanged servers and checks keep their state, their timers and the check that is running; keepalived
// restarts all of them. A reload of all services and one of a few differ only in which services are examined.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "carry_over.hpp"
#include "judge_impl.hpp"
#include "judge_text.hpp"
#include "mainstay/config/keywords.hpp"
#include "mainstay/lvs/quorum.hpp"

namespace mainstay::lvs {
namespace {

Event of_removed(Event event) {
    event.removed = true;
    return event;
}

// `alive`: and in the table, not displaced by the sorry server.
void report_removed_server(const config::VirtualServer& service, const config::RealServer& server, bool alive,
                           bool drains, Intents& out) {
    const bool inhibited = !alive && server.inhibit_on_failure;
    if ((alive || inhibited) && !drains) {
        out.push_back(
            log_line(LogLevel::Info, fmt::format("Removing {}service {} from VS {}", inhibited ? "(inhibited) " : "",
                                                 text_of(service, server), config::service_name(service))));
    }
    if (alive) out.emplace_back(Announce{of_removed(server_event(service, server, false, "Removing"))});
}

void report_removed_service(const config::VirtualServer& service, const ServiceState& state, Intents& out) {
    out.push_back(log_line(LogLevel::Info, fmt::format("Removing Virtual Server {}", config::service_name(service))));
    for (std::size_t s = 0; s < state.servers.size(); ++s) {
        report_removed_server(service, service.real_servers[s], state.servers[s].alive && !state.sorry_in_use, false,
                              out);
    }
    if (!state.quorum_up) return;
    out.emplace_back(Announce{
        of_removed(service_event(service, false, fmt::format("Lost quorum {}", lost_mail_text(quorum_of(service), 0)),
                                 "The service is not configured any more"))});
}

}  // namespace

void Judge::Impl::Previous::add(Services::Replaced replaced) {
    by_identity.emplace(identity_of(replaced.config), configs.size());
    configs.push_back(std::move(replaced.config));
    states.push_back(std::move(replaced.state));
}

std::optional<std::size_t> Judge::Impl::Previous::find(const config::VirtualServer& service) const {
    const auto found = by_identity.find(identity_of(service));
    return found == by_identity.end() ? std::nullopt : std::optional{found->second};
}

Intents Judge::Impl::reload(config::Config next, Moment at, HostFacts host) {
    Intents out;
    if (host.addresses) addresses_.set(std::move(*host.addresses));
    Previous before{std::move(services_.configs), std::move(services_.states), {}};
    for (std::size_t i = 0; i < before.configs.size(); ++i)
        before.by_identity.emplace(identity_of(before.configs[i]), i);
    services_.configure(std::move(next), marks_, out);
    overrides_.follow(before.configs, services_);
    make_fresh_states(at, true, host);
    std::vector<std::size_t> all(services_.size());
    std::iota(all.begin(), all.end(), std::size_t{0});
    take_over(before, all, at, out);
    return out;
}

bool Judge::Impl::accepts(const std::vector<config::ServiceChange>& changes) const {
    using Kind = config::ServiceChange::Kind;
    const auto indexes = running_indexes(changes, services_.size());
    if (!indexes) return false;
    for (std::size_t i = 0; i < changes.size(); ++i) {
        const auto& one = changes[i];
        if (one.kind != Kind::Added && services_.configs[(*indexes)[i]] != one.before) return false;
        if (one.kind == Kind::Changed && !is_the_same(one, (*indexes)[i])) return false;
    }
    return !moves(changes) || can_move(changes);
}

// For the kernel, and for ha_suspend.
bool Judge::Impl::is_the_same(const config::ServiceChange& change, std::size_t running) const {
    if (identity_of(change.before) != identity_of(change.after)) return false;
    const auto is_mapped = [this](const auto& one) { return FirewallMarks::is_mapped(services_.global, one); };
    if (is_mapped(change.before) || is_mapped(change.after)) return false;
    return keys_of(change.after) == services_.keys(running) && suspends(change.before) == suspends(change.after);
}

// Services come and go by themselves as long as none shares what it has in the kernel with another one. Those of a
// group are named by their places in it, and which marks nftables_ipvs has free follows from all services.
bool Judge::Impl::can_move(const std::vector<config::ServiceChange>& changes) const {
    using Kind = config::ServiceChange::Kind;
    if (services_.has_left_out() || config::is_given(services_.global.more->values, config::keyword::nftables_ipvs))
        return false;
    const auto is_of_group = [](const auto& one) {
        return one.kind != Kind::Changed && (!one.before.group.empty() || !one.after.group.empty());
    };
    if (std::ranges::any_of(changes, is_of_group)) return false;
    if (std::ranges::find(changes, Kind::Added, &config::ServiceChange::kind) == changes.end()) return true;
    std::set<netlink::IpvsServiceKey> taken;
    for (std::size_t v = 0; v < services_.size(); ++v)
        for (const auto& key : services_.keys(v)) taken.insert(key);
    for (const auto& one : changes)
        if (one.kind == Kind::Removed) taken.erase(key_of(one.before));
    return std::ranges::all_of(
        changes, [&](const auto& one) { return one.kind != Kind::Added || taken.insert(key_of(one.after)).second; });
}

Intents Judge::Impl::reload(std::vector<config::ServiceChange> changes, Moment at, HostFacts host) {
    Intents out;
    std::vector<std::size_t> fresh;
    for (const auto& change : changes)
        if (change.kind != config::ServiceChange::Kind::Removed) fresh.push_back(change.at);
    Previous before;
    for (auto& former : services_.change(std::move(changes),
                                         [&](const auto& service) { return fresh_state(service, at, true, host); }))
        before.add(std::move(former));
    take_over(before, fresh, at, out);
    return out;
}

// The services at these indexes have fresh states; `before` has their former states.
void Judge::Impl::take_over(const Previous& before, const std::vector<std::size_t>& services, Moment at, Intents& out) {
    report_removed(before, services, out);
    for (const std::size_t service : services)
        if (const auto old = before.find(services_.configs[service])) carry_service(service, before, *old, at, out);
    for (const std::size_t service : services) report_added(service, before, out);
    for (const std::size_t service : services) log_known_failures(service, out);
    const CheckerId since = services_.next_id();
    take_up_checks(at.now);
    cancel_gone(before, out);
    for (const std::size_t service : services) {
        release_kept(service, at, out);
        const auto old = before.find(services_.configs[service]);
        if (!old || services_.configs[service] != before.configs[*old]) keep_failing(service, !old, at, out);
        follow_quorum(services_, service, QuorumChange::Reload, out);
    }
    tidy();
    // keepalived restarts all of them and logs it; here the other checks continue.
    log_activations(out, since);
}

void Judge::Impl::report_removed(const Previous& before, const std::vector<std::size_t>& services, Intents& out) const {
    std::map<ServiceIdentity, std::size_t> kept;
    for (const std::size_t service : services) kept.emplace(identity_of(services_.configs[service]), service);
    for (std::size_t v = 0; v < before.configs.size(); ++v) {
        const auto found = kept.find(identity_of(before.configs[v]));
        if (found == kept.end())
            report_removed_service(before.configs[v], before.states[v], out);
        else
            report_removed_servers(before, v, found->second, out);
    }
}

void Judge::Impl::report_removed_servers(const Previous& before, std::size_t old, std::size_t service,
                                         Intents& out) const {
    const auto& was = before.configs[old];
    const ServerIndex now{services_.configs[service]};
    for (std::size_t s = 0; s < was.real_servers.size(); ++s) {
        const auto& server = was.real_servers[s];
        if (now.find(server.endpoint)) continue;
        out.push_back(log_line(LogLevel::Info, fmt::format("service {} no longer exist", text_of(was, server))));
        const auto& state = before.states[old].servers[s];
        const auto& around = before.states[old];
        report_removed_server(was, server, state.alive && !around.sorry_in_use, drains(was, server, around, state),
                              out);
    }
}

void Judge::Impl::report_added(std::size_t service, const Previous& before, Intents& out) const {
    if (!config::flag(services_.global.more->values, config::keyword::rs_init_notifies)) return;
    const auto& config = services_.configs[service];
    const auto old = before.find(config);
    const config::VirtualServer none;
    const ServerIndex was{old ? before.configs[*old] : none};
    for (std::size_t s = 0; s < config.real_servers.size(); ++s)
        if (!was.find(config.real_servers[s].endpoint)) announce_initial({service, s}, out);
}

void Judge::Impl::carry_service(std::size_t service, const Previous& before, std::size_t old, Moment at, Intents& out) {
    const auto& config = services_.configs[service];
    const auto& old_config = before.configs[old];
    const auto& old_state = before.states[old];
    auto& state = services_.states[service];
    state.quorum_up = old_state.quorum_up;
    state.sorry_in_use = old_state.sorry_in_use && config.sorry_server.has_value();
    const ServerIndex old_servers{old_config};
    for (std::size_t s = 0; s < config.real_servers.size(); ++s) {
        const auto was = old_servers.find(config.real_servers[s].endpoint);
        if (!was) continue;
        carry_server(old_config.real_servers[*was], old_state.servers[*was], config.real_servers[s], state.servers[s],
                     at.now);
        report_carried({service, s}, old_state.servers[*was], at, out);
    }
    Draining::take_removed(services_, service, old_config, old_state, at, out);
}

void Judge::Impl::report_carried(const ServerRef& ref, const ServerState& old, Moment at, Intents& out) {
    auto& server = services_.state_at(ref);
    if (clamp_weight(old.weight) != clamp_weight(server.weight)) {
        out.push_back(log_line(LogLevel::Info, fmt::format("Changing weight from {} to {} for {} service {} of VS {}",
                                                           clamp_weight(old.weight), clamp_weight(server.weight),
                                                           old.alive ? "active" : "inactive", services_.name(ref),
                                                           services_.name(ref.service))));
    }
    const bool alive = may_live(server);
    if (!alive || old.alive) {
        server.alive = alive;
        return;
    }
    set_alive(ref, true, at, out);  // the check that it failed was removed
    Event event =
        server_event(services_.configs[ref.service], services_.config_at(ref), true, "CHECK succeed on service");
    event.plain = "a reload removed or replaced the check that failed";
    event.mail = false;
    out.emplace_back(Announce{std::move(event)});
}

void Judge::Impl::cancel_gone(const Previous& before, Intents& out) const {
    for (const auto& service : before.states) {
        for (const auto& server : service.servers) {
            for (const auto& checker : server.checkers) {
                if (checker.running && !services_.checkers.contains(checker.id))
                    out.emplace_back(CancelCheck{checker.id});
            }
        }
    }
}

}  // namespace mainstay::lvs
