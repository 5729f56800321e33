// The lvs role's reload: replaces the whole configuration, or only the services that change.
#include <algorithm>
#include <set>

#include "role_impl.hpp"

namespace mainstay::role {

Result<void> LvsRole::prepare(config::Config next) {
    next_ = std::move(next);
    changes_.reset();
    return {};
}

// If more depends on a service than its own state and its part of the table, the whole configuration is replaced.
bool LvsRole::prepare_changes(std::vector<config::ServiceChange> changes) {
    next_.reset();
    changes_.reset();
    if (counters_ || !configured_.virtual_servers.empty() || !judge_.takes(changes)) return false;
    const auto is_plain = [](const config::ServiceChange& change) {
        return lvs::named_servers(change.after).empty() && !probe::needs_tools(change.after);
    };
    if (!std::ranges::all_of(changes, is_plain)) return false;
    changes_ = std::move(changes);
    return true;
}

void LvsRole::commit() {
    if ((!next_ && !changes_) || stopping_) return;
    carry_out_pending();
    if (changes_) return change(*std::exchange(changes_, std::nullopt));
    flush_on_stop_ = next_->global.lvs_flush_on_stop;
    event_driven_.configure(*next_);
    watch_links(*next_);
    auto settings = settings_of(*next_);
    create_probes(*next_);
    reload(with_names(std::move(*std::exchange(next_, std::nullopt))));
    settings_.configure(std::move(settings));
    on_interface_change();
    for (const auto& [name, master] : masters_) settings_.told(name, master);
    reconciler_.audit_soon();
}

void LvsRole::reload(config::Config next) {
    const auto counted = counter_intervals(next, runtime_.options().snmp);
    auto intents = judge_.reload(std::move(next), moment());
    follow_known(intents);
    reconciler_.replace(wanted());
    reloaded(intents);
    count_traffic(counted);
}

void LvsRole::change(std::vector<config::ServiceChange> changes) {
    std::set<std::size_t> services;
    for (const auto& change : changes) services.insert(change.at);
    auto intents = judge_.change(std::move(changes), moment());
    follow_known(intents);
    for (const auto& intent : intents)
        if (const auto* changed = std::get_if<lvs::TableChanged>(&intent)) services.insert(changed->service);
    reconciler_.change(wanted_of({services.begin(), services.end()}));
    reconciler_.audit_soon();
    settings_.look();
    reloaded(intents);
}

void LvsRole::reloaded(const lvs::Intents& intents) {
    clock_.forget();
    marks_.want(judge_.mark_table());
    static_cast<void>(settle_expiry());  // its reconciler logs it, and retries
    tell(intents);
    run_checks(intents);
    arm_deadline();
    publish_within(kPublishSoon);
}

config::Config LvsRole::with_names(config::Config config) {
    const bool named = std::ranges::any_of(config.virtual_servers,
                                           [](const auto& service) { return !lvs::named_servers(service).empty(); });
    names_.follow(config);
    configured_ = named ? config : config::Config{};
    if (named) return names_.effective(std::move(config));
    return config;  // moved, whole: a conditional expression would copy it
}

void LvsRole::names_changed() {
    if (!started_ || stopping_) return;
    carry_out_pending();
    reload(names_.effective(configured_));
}

}  // namespace mainstay::role
