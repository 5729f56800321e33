// The lvs role's reload: replaces the whole configuration, or only the services that change.
#include <algorithm>

#include "mainstay/config/validate/resolved.hpp"
#include "role_impl.hpp"

namespace mainstay::role {

Result<void> LvsRole::prepare(config::Config next) {
    prepared_ = std::move(next);
    return {};
}

// If more depends on a service than its own state and its part of the table, the whole configuration is replaced.
bool LvsRole::prepare_changes(std::vector<config::ServiceChange> changes) {
    using Change = config::ServiceChange::Kind;
    prepared_ = {};
    if (needs_all_services() || !configured_.virtual_servers.empty()) return false;
    const auto is_plain = [](const config::ServiceChange& change) {
        return lvs::named_servers(change.after).empty() && !probe::needs_tools(change.after) &&
               !config::checks_data_path(change.after);
    };
    if (!std::ranges::all_of(changes, is_plain)) return false;
    const auto come =
        static_cast<std::size_t>(std::ranges::count(changes, Change::Added, &config::ServiceChange::kind));
    const auto gone =
        static_cast<std::size_t>(std::ranges::count(changes, Change::Removed, &config::ServiceChange::kind));
    // The settings of IPVS are those of a configuration that has services.
    const std::size_t running = judge_.services().size();
    if (come + gone > kServicesMovedMax || (come != 0 && running == 0) || (gone != 0 && running == gone)) return false;
    auto accepted = judge_.accept(std::move(changes));
    if (accepted) prepared_ = std::move(*accepted);
    return is_prepared();
}

void LvsRole::commit() {
    if (!is_prepared() || stopping_) return;
    carry_out_pending();
    auto prepared = std::exchange(prepared_, {});
    if (auto* changes = std::get_if<lvs::AcceptedChanges>(&prepared)) return commit_changes(std::move(*changes));
    commit_all(std::get<config::Config>(std::move(prepared)));
}

void LvsRole::commit_all(config::Config next) {
    flush_on_stop_ = next.global.lvs_flush_on_stop;
    event_driven_.configure(next);
    watch_links(next);
    auto settings = settings_of(next);
    create_probes(next);
    reload(with_discovered(std::move(next)));
    settings_.configure(std::move(settings));
    on_interface_change();
    for (const auto& [name, master] : masters_) settings_.instance_is(name, master);
    reconciler_.audit_soon();
}

void LvsRole::reload(config::Config next) {
    const auto counted = counter_intervals(next, runtime_.options().snmp);
    auto intents = judge_.reload(std::move(next), moment(), host_facts());
    follow_known(intents);
    configure_announcing();
    announcing_.withdraw();
    reconciler_.replace(wanted());
    follow_agreement();
    follow_path_checks();
    announcing_.update();
    reloaded(intents);
    count_traffic(counted);
}

void LvsRole::commit_changes(lvs::AcceptedChanges changes) {
    TableChanges table{changes.list()};
    // Such changes do not turn ha_suspend on or off, so the host's addresses are not asked for.
    auto intents = judge_.reload(std::move(changes), moment(), {.addresses = {}, .files = event_driven_.files()});
    follow_known(intents);
    for (const auto& intent : intents)
        if (const auto* changed = std::get_if<lvs::TableChanged>(&intent)) table.changed.insert(changed->service);
    configure_announcing();
    announcing_.withdraw();
    reconciler_.change(wanted_of(table.changed), table.moved(judge_));
    follow_agreement();
    announcing_.update();
    reconciler_.audit_soon();
    settings_.reconcile();
    reloaded(intents);
    if (counters_) count_traffic(std::nullopt);  // SNMP's would not have taken single changes
}

void LvsRole::reloaded(const lvs::Intents& intents) {
    clock_.forget();
    marks_.set_desired(judge_.mark_table());
    static_cast<void>(reconcile_expiry());  // its reconciler logs it, and retries
    log_and_publish(intents);
    run_checks(intents);
    arm_deadline();
    publish_within(kPublishSoon);
}

}  // namespace mainstay::role
