// The desired IPVS table and the known table of the kernel. For services that the kernel has as desired, nearly all of
// them, only one copy and a flag are stored; for the others both tables.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "mainstay/netlink/ipvs_types.hpp"
#include "plan.hpp"
#include "table.hpp"

namespace mainstay::lvs {

class Ledger {
public:
    using Key = netlink::IpvsServiceKey;
    using Operations = std::vector<netlink::IpvsOperation>;

    // ---- the desired table, in file order; each key once ----
    // begin(), then one call per service, then end() replace the whole list. The known table is kept; services that are
    // no longer desired become leftovers.
    void begin(std::size_t services);
    void add(ServiceTable wanted);
    void end();
    void change(std::size_t at, ServiceTable wanted);  // the key stays
    // One more service that was not desired, before the one with this key; none: behind all.
    void insert(ServiceTable wanted, const std::optional<Key>& before);
    void remove(const Key& key);  // no longer desired: it becomes a leftover
    [[nodiscard]] std::size_t size() const { return wanted_.size(); }
    [[nodiscard]] const ServiceTable& wanted(std::size_t at) const { return wanted_[at]; }
    [[nodiscard]] std::optional<std::size_t> find(const Key& key) const;

    // ---- leftovers: services that are not desired and may still be in the kernel ----
    void leave_over(std::span<const Key> keys);  // desired ones are ignored
    void forget_left_over(const Key& key) { leftover_.erase(key); }
    [[nodiscard]] const std::set<Key>& left_over() const { return leftover_; }

    // ---- the known table of the kernel ----
    void forget();  // nothing is known any more
    // As read from the kernel; none: it does not exist. What the kernel does not show (last_weight of a destination
    // with weight 0) is taken from what was known before, or else from the desired table.
    void found(const Key& key, std::optional<ServiceTable> actual);
    // The operations have been applied, except those at `failed`, whose indices are in ascending order.
    void carried_out(std::span<const netlink::IpvsOperation> operations, std::span<const std::size_t> failed);
    [[nodiscard]] bool is_as_wanted(std::size_t at) const { return as_wanted_[at] != 0; }
    [[nodiscard]] bool is_as_wanted() const;            // all of them
    [[nodiscard]] bool is_known(std::size_t at) const;  // to exist in the kernel
    // The kernel's table of this service, with its newest destination first; none: it is not known to exist.
    [[nodiscard]] std::optional<ServiceTable> known(std::size_t at) const;
    // As wanted but for what waits for a repair (lvs::Repair).
    [[nodiscard]] bool is_usable(std::size_t at) const;
    // Both in the order of lvs::plan().
    void plan(std::size_t at, Operations& out) const { plan(at, out, Repair::Later); }
    void plan_repair(std::size_t at, Operations& out) const { plan(at, out, Repair::Now); }
    void plan_left_over(Operations& out) const;
    void plan_removal(std::size_t at, Operations& out) const;  // as it is at the end

private:
    [[nodiscard]] std::vector<std::uint32_t>::const_iterator lower_bound(const Key& key) const;  // in by_key_
    void plan(std::size_t at, Operations& out, Repair repair) const;
    void take_last_weights(ServiceTable& actual, std::optional<std::size_t> at) const;
    void settle(std::size_t at);
    void retire(std::size_t from);
    void note_difference(std::size_t at);
    void take(const netlink::IpvsOperation& operation);

    std::vector<ServiceTable> wanted_;
    std::vector<std::uint8_t> as_wanted_;  // parallel to wanted_: the kernel has the desired state
    std::vector<std::uint32_t> by_key_;    // indices into wanted_
    std::map<Key, ServiceTable> actual_;   // of all other services in the kernel
    std::set<Key> leftover_;
    std::size_t next_ = 0;        // between begin() and end()
    std::size_t same_until_ = 0;  // so many entries equal those of the previous list, at the same positions
    bool same_ = true;
};

}  // namespace mainstay::lvs
