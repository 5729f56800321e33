// What is wanted of the kernel's table beside what the kernel is known to have. Of a service that the kernel has as it
// is wanted, which nearly all are nearly always, there is one table and a mark; of the others there are both.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "mainstay/netlink/ipvs_types.hpp"
#include "table.hpp"

namespace mainstay::lvs {

class Ledger {
public:
    using Key = netlink::IpvsServiceKey;
    using Operations = std::vector<netlink::IpvsOperation>;

    // ---- what is wanted, in file order; each key once ----
    // A whole new list, one after the other between these two. What the kernel has stays known; services that are not
    // wanted any more are left over.
    void begin(std::size_t services);
    void add(ServiceTable wanted);
    void end();
    void change(std::size_t at, ServiceTable wanted);  // the key stays
    [[nodiscard]] std::size_t size() const { return wanted_.size(); }
    [[nodiscard]] const ServiceTable& wanted(std::size_t at) const { return wanted_[at]; }
    [[nodiscard]] std::optional<std::size_t> find(const Key& key) const;

    // ---- services that are not wanted and may be in the kernel still ----
    void leave_over(std::span<const Key> keys);  // those that are wanted are not
    void forget_left_over(const Key& key) { leftover_.erase(key); }
    [[nodiscard]] const std::set<Key>& left_over() const { return leftover_; }

    // ---- what the kernel has ----
    void forget();                                                   // nothing is known any more
    void found(const Key& key, std::optional<ServiceTable> actual);  // as it was read; none: it is not there
    // All but those that failed, whose indices are in ascending order.
    void carried_out(std::span<const netlink::IpvsOperation> operations, std::span<const std::size_t> failed);
    [[nodiscard]] bool is_as_wanted(std::size_t at) const { return as_wanted_[at] != 0; }
    [[nodiscard]] bool is_known(std::size_t at) const;  // to be there
    // Both as lvs::plan() has them.
    void plan(std::size_t at, Operations& out) const;
    void plan_left_over(Operations& out) const;
    void plan_removal(std::size_t at, Operations& out) const;  // as it is at the end

private:
    void settle(std::size_t at);
    void retire(std::size_t from);
    void note_difference(std::size_t at);
    void take(const netlink::IpvsOperation& operation);

    std::vector<ServiceTable> wanted_;
    std::vector<std::uint8_t> as_wanted_;  // beside wanted_: the kernel has it so
    std::vector<std::uint32_t> by_key_;    // indices into wanted_
    std::map<Key, ServiceTable> actual_;   // of all others that are there
    std::set<Key> leftover_;
    std::size_t next_ = 0;        // between begin() and end()
    std::size_t same_until_ = 0;  // so many of the list are those of the list before, in the same places
    bool same_ = true;
};

}  // namespace mainstay::lvs
