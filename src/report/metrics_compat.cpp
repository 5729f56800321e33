// The established names of other exporters, with their labels and their meaning (docs/metrics.md). State stands in a
// label of counters only where an exporter has it there.
#include <array>
#include <functional>
#include <map>
#include <string>

#include "document_queries.hpp"
#include "metrics_parts.hpp"

namespace mainstay::report {
namespace {

using vrrp::Counters;
using vrrp::InstanceSnapshot;

constexpr CounterFamily kMehdy[] = {{"keepalived_advertisements_received_total", &Counters::advert_rcvd},
                                    {"keepalived_advertisements_sent_total", &Counters::advert_sent},
                                    {"keepalived_become_master_total", &Counters::become_master},
                                    {"keepalived_release_master_total", &Counters::release_master},
                                    {"keepalived_packet_length_errors_total", &Counters::packet_len_err},
                                    {"keepalived_advertisements_interval_errors_total", &Counters::advert_interval_err},
                                    {"keepalived_ip_ttl_errors_total", &Counters::ip_ttl_err},
                                    {"keepalived_invalid_type_received_total", &Counters::invalid_type_rcvd},
                                    {"keepalived_address_list_errors_total", &Counters::addr_list_err},
                                    {"keepalived_authentication_invalid_total", &Counters::invalid_authtype},
                                    {"keepalived_authentication_mismatch_total", &Counters::authtype_mismatch},
                                    {"keepalived_authentication_failure_total", &Counters::auth_failure},
                                    {"keepalived_priority_zero_received_total", &Counters::pri_zero_rcvd},
                                    {"keepalived_priority_zero_sent_total", &Counters::pri_zero_sent}};

constexpr CounterFamily kMehdy2020[] = {{"keepalived_advert_rcvd", &Counters::advert_rcvd},
                                        {"keepalived_advert_sent", &Counters::advert_sent},
                                        {"keepalived_become_master", &Counters::become_master},
                                        {"keepalived_release_master", &Counters::release_master},
                                        {"keepalived_packet_len_err", &Counters::packet_len_err},
                                        {"keepalived_advert_interval_err", &Counters::advert_interval_err},
                                        {"keepalived_ip_ttl_err", &Counters::ip_ttl_err},
                                        {"keepalived_invalid_type_rcvd", &Counters::invalid_type_rcvd},
                                        {"keepalived_addr_list_err", &Counters::addr_list_err},
                                        {"keepalived_pri_zero_rcvd", &Counters::pri_zero_rcvd},
                                        {"keepalived_pri_zero_sent", &Counters::pri_zero_sent}};

constexpr CounterFamily kGen2brain[] = {{"keepalived_vrrp_advert_rcvd", &Counters::advert_rcvd},
                                        {"keepalived_vrrp_advert_sent", &Counters::advert_sent},
                                        {"keepalived_vrrp_become_master", &Counters::become_master},
                                        {"keepalived_vrrp_release_master", &Counters::release_master},
                                        {"keepalived_vrrp_packet_len_err", &Counters::packet_len_err},
                                        {"keepalived_vrrp_advert_interval_err", &Counters::advert_interval_err},
                                        {"keepalived_vrrp_ip_ttl_err", &Counters::ip_ttl_err},
                                        {"keepalived_vrrp_invalid_type_rcvd", &Counters::invalid_type_rcvd},
                                        {"keepalived_vrrp_addr_list_err", &Counters::addr_list_err},
                                        {"keepalived_vrrp_invalid_authtype", &Counters::invalid_authtype},
                                        {"keepalived_vrrp_authtype_mismatch", &Counters::authtype_mismatch},
                                        {"keepalived_vrrp_auth_failure", &Counters::auth_failure},
                                        {"keepalived_vrrp_pri_zero_rcvd", &Counters::pri_zero_rcvd},
                                        {"keepalived_vrrp_pri_zero_sent", &Counters::pri_zero_sent}};

// `name_label`: each exporter has its own name for the instance's name.
LabelledInstances instances_of(const VrrpStatus& vrrp, std::string_view name_label, bool with_state) {
    LabelledInstances list;
    for (std::size_t i = 0; i < vrrp.router.instances.size(); ++i) {
        const auto& one = vrrp.router.instances[i];
        Labels labels{{name_label, one.name}, {"intf", one.interface}, {"vrid", std::to_string(one.virtual_router_id)}};
        if (with_state) labels.add("state", to_string(one.state));
        list.add(std::move(labels), one, i);
    }
    return list;
}

// keepalived omits the length of a host's own prefix.
std::string host_address(const std::string& prefix) {
    for (const std::string_view length : {"/32", "/128"})
        if (prefix.ends_with(length)) return prefix.substr(0, prefix.size() - length.size());
    return prefix;
}

void put_mehdy_states(MetricsWriter& out, const VrrpStatus& vrrp) {
    const auto instances = instances_of(vrrp, "iname", false);
    Labelled<InstanceSnapshot> addresses;
    for (const auto& one : instances.all()) {
        const bool any = one.position < vrrp.addresses.size() && !vrrp.addresses[one.position].empty();
        const auto list = any ? vrrp.addresses[one.position] : std::vector<std::string>{""};
        for (const auto& address : list)
            addresses.add(one.labels.with("ip_address", host_address(address)), *one.object);
    }
    put_each(out, "keepalived_vrrp_state", addresses,
             [](const auto& i) { return std::uint64_t{state_number(i.state)}; });
    Labelled<vrrp::ScriptSnapshot> scripts;
    for (const auto& script : vrrp.router.scripts) scripts.add({{"name", script.name}}, script);
    put_each(out, "keepalived_script_status", scripts, [](const auto& s) { return up_state(s) == UpState::Up; });
    put_each(out, "keepalived_script_state", scripts, [](const auto& s) { return s.running; });
}

void put_vrrp_names(MetricsWriter& out, const VrrpStatus& vrrp, const MetricsOptions& options) {
    if (options.mehdy || options.mehdy_2020) put_mehdy_states(out, vrrp);
    if (options.mehdy) put_counters(out, instances_of(vrrp, "iname", options.mehdy_state), kMehdy);
    if (options.mehdy_2020) put_counters(out, instances_of(vrrp, "iname", true), kMehdy2020);
    if (options.gen2brain) put_counters(out, instances_of(vrrp, "name", true), kGen2brain);
}

// ---- IPVS ----------------------------------------------------------------------------------------------------------

void add(netlink::IpvsStats& sum, const netlink::IpvsStats& more) {
    sum.connections += more.connections;
    sum.in_packets += more.in_packets;
    sum.out_packets += more.out_packets;
    sum.in_bytes += more.in_bytes;
    sum.out_bytes += more.out_bytes;
}

struct IpvsFamily {
    std::string_view name;
    std::uint64_t netlink::IpvsStats::* value;
};

constexpr IpvsFamily kVipFamilies[] = {{"keepalived_lvs_vip_in_packets", &netlink::IpvsStats::in_packets},
                                       {"keepalived_lvs_vip_out_packets", &netlink::IpvsStats::out_packets},
                                       {"keepalived_lvs_vip_in_bytes", &netlink::IpvsStats::in_bytes},
                                       {"keepalived_lvs_vip_out_bytes", &netlink::IpvsStats::out_bytes},
                                       {"keepalived_lvs_vip_conn", &netlink::IpvsStats::connections}};
constexpr IpvsFamily kRsFamilies[] = {{"keepalived_lvs_rs_in_packets", &netlink::IpvsStats::in_packets},
                                      {"keepalived_lvs_rs_out_packets", &netlink::IpvsStats::out_packets},
                                      {"keepalived_lvs_rs_in_bytes", &netlink::IpvsStats::in_bytes},
                                      {"keepalived_lvs_rs_out_bytes", &netlink::IpvsStats::out_bytes},
                                      {"keepalived_lvs_rs_conn", &netlink::IpvsStats::connections}};
constexpr IpvsFamily kNodeFamilies[] = {{"node_ipvs_connections_total", &netlink::IpvsStats::connections},
                                        {"node_ipvs_incoming_packets_total", &netlink::IpvsStats::in_packets},
                                        {"node_ipvs_outgoing_packets_total", &netlink::IpvsStats::out_packets},
                                        {"node_ipvs_incoming_bytes_total", &netlink::IpvsStats::in_bytes},
                                        {"node_ipvs_outgoing_bytes_total", &netlink::IpvsStats::out_bytes}};

std::string text_of(const IpAddress& address) { return address.empty() ? "" : address.to_string(); }

// gen2brain writes an IPv6 address without brackets before the port.
Labels address_labels(const IpAddress& address, std::uint16_t port, std::uint8_t protocol) {
    return {{"addr", text_of(address) + ":" + std::to_string(port)}, {"proto", std::to_string(protocol)}};
}

using Sums = std::map<std::string, std::pair<Labels, netlink::IpvsStats>>;

void add(Sums& sums, Labels labels, const netlink::IpvsStats& stats) {
    auto& [kept, sum] = sums[labels.text()];
    kept = std::move(labels);
    add(sum, stats);
}

// A server of two services is one series with the sum: in gen2brain's exporter the two make the scrape fail.
void put_gen2brain(MetricsWriter& out, const LvsStatus& lvs) {
    Sums services, servers;
    for (std::size_t v = 0; v < lvs.services.size(); ++v) {
        const auto& service = lvs.services[v];
        const auto& counted = (*lvs.traffic)[v];
        add(services, address_labels(service.key.address, service.key.port, service.key.protocol), counted.stats);
        for (std::size_t s = 0; s < service.servers.size() && s < counted.servers.size(); ++s) {
            const auto& at = service.servers[s].endpoint;
            add(servers, address_labels(at.address, at.port, service.key.protocol), counted.servers[s].stats);
        }
    }
    const auto put = [&out](std::span<const IpvsFamily> families, const Sums& sums) {
        for (const auto& family : families) {
            out.family(family.name);
            for (const auto& [text, one] : sums) out.sample(one.first, one.second.*family.value);
        }
    };
    put(kVipFamilies, services);
    put(kRsFamilies, servers);
}

std::string_view proto_word(const netlink::IpvsServiceKey& key) {
    if (key.fwmark != 0) return "FWM";
    return key.protocol == 6 ? "TCP" : key.protocol == 17 ? "UDP" : key.protocol == 132 ? "SCTP" : "";
}

struct Backend {
    std::uint64_t active, inactive;
    std::int64_t weight;
};

// As /proc/net/ip_vs has it, from which node_exporter takes its labels: a mark is hexadecimal, and has port 0.
Labels backend_labels(const netlink::IpvsServiceKey& key, const Endpoint& server) {
    const bool mark = key.fwmark != 0;
    return {{"local_address", mark ? std::string{} : text_of(key.address)},
            {"local_port", std::to_string(mark ? 0 : key.port)},
            {"remote_address", text_of(server.address)},
            {"remote_port", std::to_string(server.port)},
            {"proto", proto_word(key)},
            {"local_mark", mark ? fmt::format("{:08X}", key.fwmark) : std::string{}}};
}

// The counters of a group are sums over its services, so that a group has one backend for each server, with the labels
// of its first service.
void put_node_exporter(MetricsWriter& out, const LvsStatus& lvs) {
    netlink::IpvsStats sum;
    std::vector<Backend> backends;
    std::size_t count = 0;
    for (const auto& service : lvs.services) count += service.servers.size();
    backends.reserve(count);  // Labelled points to the elements
    Labelled<Backend> list;
    for (std::size_t v = 0; v < lvs.services.size(); ++v) {
        const auto& service = lvs.services[v];
        const auto& counted = (*lvs.traffic)[v];
        add(sum, counted.stats);
        const auto& key = service.group_keys.empty() ? service.key : service.group_keys.front();
        for (std::size_t s = 0; s < service.servers.size() && s < counted.servers.size(); ++s) {
            const auto& server = service.servers[s];
            if (!server.in_table) continue;
            const auto& now = counted.servers[s];
            list.add(backend_labels(key, server.endpoint),
                     backends.emplace_back(now.active, now.inactive, server.weight_in_table));
        }
    }
    for (const auto& family : kNodeFamilies) {
        out.family(family.name);
        out.sample({}, sum.*family.value);
    }
    put_each(out, "node_ipvs_backend_connections_active", list, [](const auto& b) { return b.active; });
    put_each(out, "node_ipvs_backend_connections_inactive", list, [](const auto& b) { return b.inactive; });
    put_each(out, "node_ipvs_backend_weight", list, [](const auto& b) { return b.weight; });
}

}  // namespace

void put_compat(MetricsWriter& out, const DaemonStatus& status, const MetricsOptions& options) {
    if (options.mehdy || options.mehdy_2020 || options.gen2brain) {
        out.family("keepalived_up");
        out.sample({}, status.vrrp.has_value());
    }
    if (status.vrrp) put_vrrp_names(out, *status.vrrp, options);
    if (!status.lvs || traffic_of_all(*status.lvs) == nullptr) return;
    if (options.gen2brain) put_gen2brain(out, *status.lvs);
    if (options.node_exporter) put_node_exporter(out, *status.lvs);
}

}  // namespace mainstay::report
