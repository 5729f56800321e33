#include "mainstay/lvs/firewall_marks.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <string_view>

#include "mainstay/config/keywords.hpp"

namespace mainstay::lvs {

namespace keyword = config::keyword;

namespace {

constexpr std::string_view kTable = "keepalived_ipvs";

std::set<Family> families_of(const config::VirtualServer& service) {
    std::set<Family> families;
    for (const auto& entry : service.membership->entries) families.insert(entry.family);
    return families;
}

}  // namespace

std::set<std::uint32_t> configured_marks(const std::vector<config::VirtualServer>& services) {
    std::set<std::uint32_t> marks;
    for (const auto& service : services) {
        marks.insert(service.fwmark);
        for (const auto& entry : service.membership->entries) marks.insert(entry.fwmark);
    }
    return marks;
}

bool FirewallMarks::is_mapped(const config::Global& global, const config::VirtualServer& service) {
    if (service.group.empty() || !config::is_given(global.more->values, keyword::nftables_ipvs)) return false;
    return std::ranges::none_of(service.membership->entries, [](const config::GroupEntry& e) { return e.fwmark != 0; });
}

void FirewallMarks::assign(const config::Global& global, const std::vector<config::VirtualServer>& services) {
    const auto before = std::exchange(marks_, {});
    auto used = configured_marks(services);
    auto next =
        static_cast<std::uint32_t>(config::value_or_default(global.more->values, keyword::nftables_ipvs_start_fwmark));
    for (const auto& service : services) {
        if (!is_mapped(global, service)) continue;
        for (const Family family : families_of(service)) {
            const auto found = before.find({identity_of(service), family});
            const bool keep = found != before.end() && found->second >= next;
            if (keep && used.insert(found->second).second) marks_.insert(*found);
        }
    }
    for (const auto& service : services) {
        if (!is_mapped(global, service)) continue;
        for (const Family family : families_of(service)) {
            auto& mark = marks_[{identity_of(service), family}];
            if (mark != 0) continue;
            while (next == 0 || used.contains(next)) ++next;
            mark = next++;
        }
    }
}

void FirewallMarks::recall(const Memory& memory) {
    for (const auto& service : memory)
        for (const auto& key : service.keys)
            if (key.fwmark != 0) marks_.emplace(std::pair{service.identity, key.family}, key.fwmark);
}

std::vector<netlink::IpvsServiceKey> FirewallMarks::keys_of(const config::Global& global,
                                                            const config::VirtualServer& service) const {
    if (!is_mapped(global, service)) return lvs::keys_of(service);
    std::vector<netlink::IpvsServiceKey> keys;
    for (const Family family : families_of(service)) {
        netlink::IpvsServiceKey key;
        key.family = family;
        key.fwmark = marks_.at({identity_of(service), family});
        keys.push_back(key);
    }
    return keys;
}

std::optional<netlink::MarkTable> FirewallMarks::table(const config::Global& global,
                                                       const std::vector<config::VirtualServer>& services) const {
    const auto& values = global.more->values;
    const auto name = config::value_of(values, keyword::nftables_ipvs);
    if (!name) return std::nullopt;
    netlink::MarkTable table;
    table.name = name->empty() || name->front().empty() ? std::string{kTable} : name->front();
    table.priority = static_cast<std::int32_t>(config::value_or_default(values, keyword::nftables_ipvs_priority));
    table.counters = config::is_given(values, keyword::nftables_counters);
    for (const auto& service : services) {
        if (!is_mapped(global, service)) continue;
        for (const auto& entry : service.membership->entries)
            table.rules.push_back({.protocol = static_cast<std::uint8_t>(service.protocol),
                                   .first = entry.first,
                                   .last = entry.last,
                                   .port = entry.port,
                                   .mark = marks_.at({identity_of(service), entry.family})});
    }
    return table;
}

}  // namespace mainstay::lvs
