// The VRRP and BFD parts of the metrics.
#include <array>
#include <string>

#include "document_queries.hpp"
#include "metrics_parts.hpp"

namespace mainstay::report {
namespace {

using vrrp::Counters;
using vrrp::InstanceSnapshot;

constexpr std::array kStates{vrrp::State::Init, vrrp::State::Backup, vrrp::State::Master, vrrp::State::Fault};

void put_state(MetricsWriter& out, const Labels& labels, vrrp::State now) {
    for (const auto state : kStates) out.sample(labels.with("state", to_string(state)), state == now);
}

void put_instances(MetricsWriter& out, const VrrpStatus& vrrp, const LabelledInstances& instances) {
    out.family("mainstay_vrrp_state");
    for (const auto& one : instances.all()) put_state(out, one.labels, one.object->state);
    put_each(out, "mainstay_vrrp_priority", instances,
             [](const auto& i) { return std::uint64_t{i.effective_priority}; });
    put_each(out, "mainstay_vrrp_base_priority", instances,
             [](const auto& i) { return std::uint64_t{i.base_priority}; });
    put_times(out, "mainstay_vrrp_last_transition_timestamp_seconds", instances, &InstanceSnapshot::since);
    out.family("mainstay_vrrp_cause_info");
    for (const auto& one : instances.all())
        if (one.object->cause != Cause::None) out.sample(one.labels.with("cause", to_string(one.object->cause)), true);
    out.family("mainstay_vrrp_master_info");
    for (const auto& one : instances.all())
        if (knows_master(*one.object)) out.sample(one.labels.with("master", one.object->master.to_string()), true);
    out.family("mainstay_vrrp_master_priority");
    for (const auto& one : instances.all())
        if (knows_master(*one.object)) out.sample(one.labels, std::uint64_t{one.object->master_priority});
    out.family("mainstay_vrrp_addresses");
    for (const auto& one : instances.all())
        if (one.position < vrrp.addresses.size())
            out.sample(one.labels, std::uint64_t{vrrp.addresses[one.position].size()});
}

void put_receive_errors(MetricsWriter& out, const LabelledInstances& instances) {
    static constexpr CounterFamily kReasons[] = {{"packet_length", &Counters::packet_len_err},
                                                 {"advert_interval", &Counters::advert_interval_err},
                                                 {"ttl", &Counters::ip_ttl_err},
                                                 {"type", &Counters::invalid_type_rcvd},
                                                 {"address_list", &Counters::addr_list_err},
                                                 {"checksum", &Counters::checksum_err},
                                                 {"version", &Counters::version_err},
                                                 {"auth_type_unknown", &Counters::invalid_authtype},
                                                 {"auth_type_mismatch", &Counters::authtype_mismatch},
                                                 {"auth_failure", &Counters::auth_failure},
                                                 {"hmac_missing", &Counters::auth_ext_missing},
                                                 {"hmac_malformed", &Counters::auth_ext_malformed},
                                                 {"hmac_unknown_key", &Counters::auth_ext_unknown_key},
                                                 {"hmac_invalid", &Counters::auth_ext_invalid_hmac},
                                                 {"hmac_stale", &Counters::auth_ext_stale},
                                                 {"hmac_replay", &Counters::auth_ext_replay}};
    out.family("mainstay_vrrp_receive_errors_total");
    for (const auto& one : instances.all())
        for (const auto& reason : kReasons)
            out.sample(one.labels.with("reason", reason.name), one.object->counters.*reason.value);
}

void put_instance_counters(MetricsWriter& out, const LabelledInstances& instances) {
    static constexpr CounterFamily kTraffic[] = {
        {"mainstay_vrrp_adverts_received_total", &Counters::advert_rcvd},
        {"mainstay_vrrp_adverts_sent_total", &Counters::advert_sent},
        {"mainstay_vrrp_priority_zero_received_total", &Counters::pri_zero_rcvd},
        {"mainstay_vrrp_priority_zero_sent_total", &Counters::pri_zero_sent}};
    static constexpr CounterFamily kTroubles[] = {
        {"mainstay_vrrp_adverts_late_total", &Counters::deadlines_late},
        {"mainstay_vrrp_adverts_skipped_total", &Counters::adverts_skipped},
        {"mainstay_vrrp_rival_masters_total", &Counters::rival_masters},
        {"mainstay_vrrp_addresses_restored_total", &Counters::addresses_restored},
        {"mainstay_vrrp_routes_restored_total", &Counters::routing_restored},
        {"mainstay_vrrp_duplicate_addresses_total", &Counters::duplicate_addresses}};
    out.family("mainstay_vrrp_master_transitions_total");
    for (const auto& one : instances.all()) {
        out.sample(one.labels.with("direction", "become"), one.object->counters.become_master);
        out.sample(one.labels.with("direction", "release"), one.object->counters.release_master);
    }
    put_counters(out, instances, kTraffic);
    put_receive_errors(out, instances);
    put_counters(out, instances, kTroubles);
}

void put_groups_and_scripts(MetricsWriter& out, const vrrp::RouterSnapshot& router) {
    Labelled<vrrp::GroupSnapshot> groups;
    for (const auto& group : router.groups) groups.add({{"group", group.name}}, group);
    out.family("mainstay_vrrp_group_state");
    for (const auto& one : groups.all()) put_state(out, one.labels, one.object->state);
    Labelled<vrrp::ScriptSnapshot> scripts;
    for (const auto& script : router.scripts) scripts.add({{"script", script.name}}, script);
    out.family("mainstay_vrrp_script_up");
    for (const auto& one : scripts.all())
        if (const auto state = up_state(*one.object); state != UpState::Unknown)
            out.sample(one.labels, state == UpState::Up);
    put_each(out, "mainstay_vrrp_script_runs_total", scripts, [](const auto& s) { return s.runs; });
    put_each(out, "mainstay_vrrp_script_failures_total", scripts, [](const auto& s) { return s.failures; });
}

}  // namespace

void put_counters(MetricsWriter& out, const LabelledInstances& instances, std::span<const CounterFamily> families) {
    for (const auto& family : families)
        put_each(out, family.name, instances, [&](const InstanceSnapshot& i) { return i.counters.*family.value; });
}

LabelledInstances labelled_instances(const DaemonStatus& status) {
    LabelledInstances list;
    if (!status.vrrp) return list;
    const auto& all = status.vrrp->router.instances;
    for (std::size_t i = 0; i < all.size(); ++i)
        list.add({{"name", all[i].name},
                  {"interface", all[i].interface},
                  {"vrid", std::to_string(all[i].virtual_router_id)},
                  {"family", all[i].family == Family::V6 ? "inet6" : "inet"}},
                 all[i], i);
    return list;
}

void put_vrrp(MetricsWriter& out, const VrrpStatus& vrrp, const LabelledInstances& instances) {
    put_instances(out, vrrp, instances);
    put_instance_counters(out, instances);
    out.family("mainstay_vrrp_advert_lateness_seconds");
    out.histogram({}, vrrp.router.advert_lateness);
    put_groups_and_scripts(out, vrrp.router);
    out.family("mainstay_netlink_overruns_total");
    out.sample({}, vrrp.netlink_overruns);
    out.family("mainstay_devices_remade_total");
    out.sample({}, vrrp.devices_remade);
    out.family("mainstay_firewall_repairs_total");
    out.sample({}, vrrp.firewall_repairs);
}

void put_bfd(MetricsWriter& out, const BfdStatus& bfd) {
    Labelled<bfd::SessionSnapshot> sessions;
    for (const auto& session : bfd.sessions.sessions)
        sessions.add({{"session", session.name}, {"neighbor", session.neighbor.to_string()}}, session);
    put_each(out, "mainstay_bfd_up", sessions, [](const auto& s) { return s.state == bfd::State::Up; });
    put_times(out, "mainstay_bfd_last_transition_timestamp_seconds", sessions, &bfd::SessionSnapshot::since);
    static constexpr struct {
        std::string_view family;
        std::uint64_t bfd::Counters::* value;
    } kCounters[] = {{"mainstay_bfd_sent_total", &bfd::Counters::sent},
                     {"mainstay_bfd_received_total", &bfd::Counters::received},
                     {"mainstay_bfd_discarded_total", &bfd::Counters::discarded},
                     {"mainstay_bfd_went_down_total", &bfd::Counters::went_down},
                     {"mainstay_bfd_sent_late_total", &bfd::Counters::deadlines_late}};
    for (const auto& counter : kCounters)
        put_each(out, counter.family, sessions, [&](const auto& s) { return s.counters.*counter.value; });
    out.family("mainstay_bfd_strangers_total");
    out.sample({}, bfd.sessions.strangers);
}

}  // namespace mainstay::report
