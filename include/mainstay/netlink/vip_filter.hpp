// The firewall rules of one address family: they drop packets to and from the addresses of a master that does not
// accept them, and packets that VMACs must not send from their MAC address. A typed value and its nftables codec.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "mainstay/base/error.hpp"
#include "mainstay/base/ip.hpp"
#include "message.hpp"

namespace mainstay::netlink {

struct VipFilter {
    struct OnLink {  // a link-local address, valid only on its interface
        IpAddress address;
        std::uint32_t index = 0;
        std::string interface;
        auto operator<=>(const OnLink&) const = default;
    };

    Family family = Family::V4;
    std::string table = "keepalived";
    std::int32_t priority = -1;
    bool counters = false;
    bool by_index = false;  // interfaces of link-local addresses by index, else by name
    bool reports = false;   // IGMP or MLD sent on a VMAC leaves from its parent instead; see also parent_link_local
    bool filters = false;   // packets to and from `addresses` and `on_link` are dropped

    std::map<std::uint32_t, std::uint32_t> vmacs;  // index of the VMAC -> of its parent
    std::set<IpAddress> addresses;
    std::set<OnLink> on_link;
    std::set<OnLink> parent_link_local;  // on VMACs, which must not answer for these addresses of their parents

    [[nodiscard]] bool empty() const { return !reports && !filters; }
    // True if the two differ only in set elements.
    [[nodiscard]] bool same_rules(const VipFilter& other) const {
        return std::tie(family, table, priority, counters, by_index, reports, filters) ==
               std::tie(other.family, other.table, other.priority, other.counters, other.by_index, other.reports,
                        other.filters);
    }
    bool operator==(const VipFilter&) const = default;
};

// The messages of one transaction, which the kernel applies completely or not at all.
struct NftBatch {
    std::vector<std::byte> bytes;  // without its first and last message
    std::uint32_t sequence = 0;    // of the next message
    std::size_t count = 0;
};

[[nodiscard]] bool has_nftables();  // false: built without libnftnl; the following then append nothing

// Replaces the table.
void append_filter(NftBatch& batch, const VipFilter& filter);
// Changes only the elements that differ. Requires same_rules().
void append_filter_change(NftBatch& batch, const VipFilter& from, const VipFilter& to);
// A missing table is no error.
void append_table_removal(NftBatch& batch, Family family, const std::string& table);

void append_batch_begin(std::vector<std::byte>& out, std::uint32_t sequence);
void append_batch_end(std::vector<std::byte>& out, std::uint32_t sequence);

// Queries, outside a batch: the ruleset's generation (which every kernel with nftables answers), one table, and dumps
// of its rules and of the elements of one of its sets.
void append_generation_query(std::vector<std::byte>& out, std::uint32_t sequence);
void append_table_query(std::vector<std::byte>& out, Family family, const std::string& table, std::uint32_t sequence);
void append_rule_dump(std::vector<std::byte>& out, Family family, const std::string& table, std::uint32_t sequence);
void append_element_dump(std::vector<std::byte>& out, Family family, const std::string& table, const std::string& set,
                         std::uint32_t sequence);
// The number of elements in a message of that dump.
[[nodiscard]] Result<std::size_t> count_elements(const Message& message);

// The number of rules of `filter`, and its sets with the number of their elements.
[[nodiscard]] std::size_t rule_count(const VipFilter& filter);
[[nodiscard]] std::map<std::string, std::size_t> element_counts(const VipFilter& filter);

}  // namespace mainstay::netlink
