// VRRP-MIB (RFC 2787) and VRRPV3-MIB (RFC 6527), and the traps of instances and groups.
//
// The virtual MAC address is the one in use: the VMAC's if the instance has one, else the interface's. VRRPV3-MIB shows
// instances of VRRP version 2 as well, as in keepalived.
#include <algorithm>

#include "mainstay/config/keywords.hpp"
#include "mainstay/vrrp/devices.hpp"
#include "mainstay/vrrp/filter.hpp"
#include "report/document_queries.hpp"
#include "table.hpp"

namespace mainstay::report {

namespace {

using namespace snmp;

// initialize(1), backup(2), master(3): FAULT is what the RFCs call initialize.
int rfc_state(const vrrp::InstanceSnapshot* now) {
    if (now == nullptr) return 1;
    return now->state == vrrp::State::Backup ? 2 : now->state == vrrp::State::Master ? 3 : 1;
}

std::uint64_t hundredths(WallTime from, WallTime to) {
    return to.unix_us > from.unix_us ? static_cast<std::uint64_t>((to.unix_us - from.unix_us) / 10'000) : 0;
}

struct Row {
    const config::Instance& config;
    const vrrp::InstanceSnapshot* now;
    const vrrp::Counters counters;
    const SnmpLink& link;     // a VMAC, if it has one, also where its adverts leave from the parent
    std::uint32_t interface;  // the index of the configured one, by which keepalived counts rows
    IpAddress own, master;
    InstanceHistory history;
};

bool is_master(const Row& row) { return row.now != nullptr && row.now->state == vrrp::State::Master; }

std::vector<Row> rows(const SnmpFacts& facts) {
    std::vector<Row> list;
    for (const auto& instance : facts.config.instances) {
        const auto* now = find_instance(facts.status, instance.name);
        const std::string vmac{vrrp::own_vmac(instance)};
        Row row{instance,
                now,
                now != nullptr ? now->counters : vrrp::Counters{},
                link_of(facts, vmac.empty() ? instance.interface : vmac),
                link_of(facts, vrrp::base_interface(instance)).index,
                own_address(facts, instance),
                {},
                {}};
        if (const auto history = facts.histories.find(instance.name); history != facts.histories.end())
            row.history = history->second;
        if (is_master(row))
            row.master = row.own;
        else if (now != nullptr && now->names_master())
            row.master = now->master;
        list.push_back(std::move(row));
    }
    return list;
}

std::string octets(const IpAddress& address, bool v4) {
    return address.empty() ? std::string(v4 ? 4 : 16, '\0') : bytes_of(address);
}

Oid components(const std::string& octets) {
    Oid oid;
    for (const char c : octets) oid.push_back(static_cast<unsigned char>(c));
    return oid;
}

void sum(const std::vector<Row>& list, std::uint64_t& checksum, std::uint64_t& version) {
    for (const auto& row : list) {
        checksum += row.counters.checksum_err;
        version += row.counters.version_err;
    }
}

// priority(1), preempted(2), masterNoResponse(3), as keepalived counts (2.2.7): 1 is also of an owner.
int new_master_reason(const config::Instance& instance, Cause cause) {
    if (cause == Cause::Preemption) return 2;
    return cause == Cause::PriorityZero || instance.priority == config::kOwnerPriority ? 1 : 3;
}
// notMaster(0) is of an instance that never was MASTER.
int new_master_reason(const Row& row) {
    if (is_master(row)) return new_master_reason(row.config, row.now->cause);
    const auto before = row.history.became_master;
    return before ? new_master_reason(row.config, *before) : 0;
}

// ipTtlError(1), versionError(2), checksumError(3)
int protocol_error(const vrrp::Counters& now, const vrrp::Counters& before) {
    return now.ip_ttl_err > before.ip_ttl_err       ? 1
           : now.version_err > before.version_err   ? 2
           : now.checksum_err > before.checksum_err ? 3
                                                    : 0;
}

Oid v3_index(const Row& row) {
    return {row.interface, row.config.virtual_router_id, row.config.family == Family::V6 ? 2U : 1U};
}

void add_v3_operations(SnmpView& view, const SnmpFacts& facts, const Row& row) {
    const bool v4 = row.config.family != Family::V6;
    const Oid index = v3_index(row);
    SnmpTable table{view, kVrrpv3Mib + Oid{1, 1, 1, 1}, index};
    table.put(3, text(octets(row.master, v4)));
    table.put(4, text(octets(row.own, v4)));
    table.put(5, text(row.link.mac));
    table.put(6, integer(rfc_state(row.now)));
    table.put(7, gauge(static_cast<std::uint64_t>(base_priority(row.now, row.config))));
    table.put(8, integer(static_cast<std::int64_t>(row.config.addresses.size())));
    table.put(9, integer(row.config.advert_int.count() / 10'000));
    table.put(10, yes_no(!row.config.nopreempt));
    table.put(11, yes_no(!vrrp::refuses_packets(row.config)));
    table.put(12, ticks(row.history.up_since ? hundredths(*row.history.up_since, facts.now) : 0));
    table.put(13, integer(1));  // active
    for (const auto& vip : row.config.addresses)
        SnmpTable{view, kVrrpv3Mib + Oid{1, 1, 2, 1}, index + components(bytes_of(vip.prefix.address))}.put(2,
                                                                                                            integer(1));
}

void add_v3_statistics(SnmpView& view, const Row& row) {
    const auto& c = row.counters;
    SnmpTable table{view, kVrrpv3Mib + Oid{1, 2, 5, 1}, v3_index(row)};
    table.put(1, counter(c.become_master));
    table.put(2, integer(new_master_reason(row)));
    table.put(3, counter64(c.advert_rcvd));
    table.put(4, counter64(c.advert_interval_err));
    table.put(5, counter64(c.ip_ttl_err));
    table.put(6, integer(protocol_error(c, {})));
    table.put(7, counter64(c.pri_zero_rcvd));
    table.put(8, counter64(c.pri_zero_sent));
    table.put(9, counter64(c.invalid_type_rcvd));
    table.put(10, counter64(c.addr_list_err));
    table.put(11, counter64(c.packet_len_err));
    table.put(12, ticks(0));
    table.put(13, gauge(static_cast<std::uint64_t>(row.config.advert_int.count() / 1000)));
}

bool is_v2(const Row& row) { return row.config.version == 2 && row.config.family != Family::V6; }
Oid v2_index(const Row& row) { return {row.interface, row.config.virtual_router_id}; }

}  // namespace

void add_vrrp_mib(SnmpView& view, const SnmpFacts& facts) {
    const auto list = rows(facts);
    const bool traps = config::flag(facts.config.global.more->values, config::keyword::enable_traps);
    view[kVrrpMib + Oid{1, 1, 0}] = integer(2);
    view[kVrrpMib + Oid{1, 2, 0}] = yes_no(traps);
    std::uint64_t checksum = 0, version = 0;
    sum(list, checksum, version);
    view[kVrrpMib + Oid{2, 1, 0}] = counter(checksum);
    view[kVrrpMib + Oid{2, 2, 0}] = counter(version);
    view[kVrrpMib + Oid{2, 3, 0}] = counter(0);
    for (const auto& row : list) {
        if (!is_v2(row)) continue;
        const Oid index = v2_index(row);
        SnmpTable table{view, kVrrpMib + Oid{1, 3, 1}, index};
        table.put(2, text(row.link.mac));
        table.put(3, integer(rfc_state(row.now)));
        table.put(4, yes_no(true));
        table.put(5, integer(base_priority(row.now, row.config)));
        table.put(6, integer(static_cast<std::int64_t>(row.config.addresses.size())));
        table.put(7, ip_address(row.master));
        table.put(8, ip_address(row.own));
        table.put(9, integer(static_cast<int>(row.config.auth_type) + 1));
        table.put(11, integer(row.config.advert_int.count() / 1'000'000));
        table.put(12, yes_no(!row.config.nopreempt));
        table.put(13, ticks(row.history.up_since ? hundredths(facts.started, *row.history.up_since) : 0));
        table.put(14, integer(1));
        table.put(15, integer(1));
        for (const auto& vip : row.config.addresses)
            SnmpTable{view, kVrrpMib + Oid{1, 4, 1}, index + components(bytes_of(vip.prefix.address))}.put(2,
                                                                                                           integer(1));
        const auto& c = row.counters;
        const std::uint64_t statistics[] = {c.become_master,    c.advert_rcvd,       c.advert_interval_err,
                                            c.auth_failure,     c.ip_ttl_err,        c.pri_zero_rcvd,
                                            c.pri_zero_sent,    c.invalid_type_rcvd, c.addr_list_err,
                                            c.invalid_authtype, c.authtype_mismatch, c.packet_len_err};
        SnmpTable counts{view, kVrrpMib + Oid{2, 4, 1}, index};
        for (std::uint32_t column = 0; column < std::size(statistics); ++column)
            counts.put(column + 1, counter(statistics[column]));
    }
}

void add_vrrpv3_mib(SnmpView& view, const SnmpFacts& facts) {
    const auto list = rows(facts);
    std::uint64_t checksum = 0, version = 0;
    sum(list, checksum, version);
    view[kVrrpv3Mib + Oid{1, 2, 1, 0}] = counter64(checksum);
    view[kVrrpv3Mib + Oid{1, 2, 2, 0}] = counter64(version);
    view[kVrrpv3Mib + Oid{1, 2, 3, 0}] = counter64(0);
    view[kVrrpv3Mib + Oid{1, 2, 4, 0}] = ticks(0);
    for (const auto& row : list) {
        add_v3_operations(view, facts, row);
        add_v3_statistics(view, row);
    }
}

namespace {

// The state after a transition, and unknown(4), stop(5), deleted(6).
std::uint32_t trap_state(Transition transition) {
    if (const auto state = state_after(transition)) return state_number(*state);
    constexpr std::uint32_t kUnknown = 4, kStop = 5, kDeleted = 6;
    return transition == Transition::Stop ? kStop : transition == Transition::Deleted ? kDeleted : kUnknown;
}

// keepalived: the objects are named without the index of their row.
SnmpTrap group_trap(const SnmpFacts& facts, const Event& event) {
    return {kKeepalivedMib + Oid{2, 10, 0, 1},
            {{kKeepalivedMib + Oid{2, 1, 1, 2}, text(event.name)},
             {kKeepalivedMib + Oid{2, 1, 1, 3}, integer(trap_state(event.transition))},
             {kKeepalivedMib + Oid{1, 2, 0}, text(facts.router_id)}}};
}

SnmpTrap instance_trap(const SnmpFacts& facts, const Event& event, const config::Instance* instance) {
    return {kKeepalivedMib + Oid{2, 10, 0, 2},
            {{kKeepalivedMib + Oid{2, 3, 1, 2}, text(event.name)},
             {kKeepalivedMib + Oid{2, 3, 1, 4}, integer(trap_state(event.transition))},
             {kKeepalivedMib + Oid{2, 3, 1, 5}, integer(instance != nullptr ? initial_state(*instance) : 1)},
             {kKeepalivedMib + Oid{1, 2, 0}, text(facts.router_id)}}};
}

}  // namespace

std::vector<SnmpTrap> snmp_traps(const SnmpParts& parts, const SnmpFacts& facts, const Event& event) {
    std::vector<SnmpTrap> traps;
    if (!parts.traps || !event.notify) return traps;
    if (event.kind == Event::Kind::Group) {
        if (parts.vrrp) traps.push_back(group_trap(facts, event));
        return traps;
    }
    if (event.kind != Event::Kind::Instance) return traps;
    const auto instance = std::ranges::find(facts.config.instances, event.name, &config::Instance::name);
    const bool known = instance != facts.config.instances.end();
    if (parts.vrrp) traps.push_back(instance_trap(facts, event, known ? &*instance : nullptr));
    if (!known || event.transition != Transition::Master) return traps;
    const Row row{*instance,
                  nullptr,
                  {},
                  link_of(facts, instance->interface),
                  link_of(facts, vrrp::base_interface(*instance)).index,
                  own_address(facts, *instance),
                  {},
                  {}};
    const bool v4 = instance->family != Family::V6;
    if (parts.rfc_v2 && is_v2(row))
        traps.push_back({kVrrpMib + Oid{0, 1}, {{kVrrpMib + Oid{1, 3, 1, 7} + v2_index(row), ip_address(row.own)}}});
    if (parts.rfc_v3)
        traps.push_back(
            {kVrrpv3Mib + Oid{0, 1},
             {{kVrrpv3Mib + Oid{1, 1, 1, 1, 3} + v3_index(row), text(octets(row.own, v4))},
              {kVrrpv3Mib + Oid{1, 2, 5, 1, 2} + v3_index(row), integer(new_master_reason(*instance, event.cause))}}});
    return traps;
}

std::vector<SnmpTrap> snmp_packet_traps(const SnmpParts& parts, const SnmpFacts& facts, const VrrpStatus& before) {
    std::vector<SnmpTrap> traps;
    if (!parts.traps) return traps;
    for (const auto& row : rows(facts)) {
        if (row.now == nullptr) continue;
        const auto* old = find_instance(before, row.config.name);
        const auto was = old != nullptr ? old->counters : vrrp::Counters{};
        const auto& is = row.counters;
        // invalidAuthType(1), authTypeMismatch(2), authFailure(3). The counters do not contain the sender's address.
        const int failure = is.invalid_authtype > was.invalid_authtype     ? 1
                            : is.authtype_mismatch > was.authtype_mismatch ? 2
                            : is.auth_failure > was.auth_failure           ? 3
                                                                           : 0;
        if (parts.rfc_v2 && is_v2(row) && failure != 0)
            traps.push_back({kVrrpMib + Oid{0, 2},
                             {{kVrrpMib + Oid{1, 5, 0}, ip_address(IpAddress::v4(0))},
                              {kVrrpMib + Oid{1, 6, 0}, integer(failure)}}});
        if (const int error = protocol_error(is, was); parts.rfc_v3 && error != 0)
            traps.push_back(
                {kVrrpv3Mib + Oid{0, 2}, {{kVrrpv3Mib + Oid{1, 2, 5, 1, 6} + v3_index(row), integer(error)}}});
    }
    return traps;
}

void update_histories(std::map<std::string, InstanceHistory>& histories, const Event& event) {
    if (event.kind != Event::Kind::Instance) return;
    switch (event.transition) {
        case Transition::Backup:
        case Transition::Master: {
            auto& history = histories[event.name];
            if (!history.up_since) history.up_since = event.at;
            if (event.transition == Transition::Master) history.became_master = event.cause;
            return;
        }
        case Transition::Fault:
            histories[event.name].up_since.reset();
            return;
        case Transition::Stop:
        case Transition::Deleted:
            histories.erase(event.name);
            return;
        default:
            return;
    }
}

}  // namespace mainstay::report
