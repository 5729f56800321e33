// The links and addresses that the vrrp role knows, updated from rtnetlink.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "mainstay/base/log.hpp"
#include "mainstay/config/model.hpp"
#include "mainstay/kernel/rtnetlink.hpp"
#include "mainstay/vrrp/devices.hpp"
#include "mainstay/vrrp/facts.hpp"

namespace mainstay::role {

// Every interface that a configuration uses for VRRP.
[[nodiscard]] std::set<std::string> interfaces_of(const config::Config& config);

class Links {
public:
    struct Change {
        std::set<std::string> interfaces;  // that have changed
        std::set<std::string> other_mac;   // of them, those that have another MAC address now
        std::vector<vrrp::AddressLost> lost;
        std::vector<vrrp::DuplicateAddress> duplicates;
        std::vector<vrrp::HeldAddress> relabelled;  // by the kernel: the interface has another name
        bool overrun = false;                       // notifications were lost: refresh()
        [[nodiscard]] bool empty() const {          // relabelled addresses are on one of `interfaces`
            return !overrun && interfaces.empty() && lost.empty() && duplicates.empty();
        }
        void merge(Change&& later);
    };
    [[nodiscard]] Change take(const std::vector<kernel::RouteNotification>& notifications);
    // All that there is, as dumps show it; without IPv6 no interface is said to forward it.
    [[nodiscard]] Change replace(const std::vector<kernel::Link>& links, const std::vector<kernel::Address>& addresses,
                                 const std::optional<std::vector<kernel::ForwardingChanged>>& forwarding);
    // Rereads everything.
    [[nodiscard]] Result<Change> refresh(kernel::Rtnetlink& netlink);
    // Reads pending notifications; after an overrun it rereads everything, the next time again if that fails.
    [[nodiscard]] Change take_from(kernel::Rtnetlink& netlink, Log& log);

    // Interfaces that use another interface's IPv4 addresses as source: VMACs use those of their parents.
    void lend(std::map<std::string, std::string> lenders) { lenders_ = std::move(lenders); }
    // The link state found by polling replaces IFF_RUNNING; none: the interface is not polled.
    void set_polled(const std::string& name, std::optional<bool> up);

    [[nodiscard]] vrrp::InterfaceFact fact(const std::string& name) const;
    // Another identity: what was set on the link, or joined there, is gone or may be, because the link was away or
    // notifications were lost. All 0: it is not there.
    struct Identity {
        std::uint32_t index = 0, appearance = 0, losses = 0;
        bool operator==(const Identity&) const = default;
    };
    [[nodiscard]] Identity identity(const std::string& name) const;
    [[nodiscard]] const kernel::Link* find(const std::string& name) const;
    [[nodiscard]] const kernel::Link* find(std::uint32_t index) const;
    // The link that had this name before it was renamed; null: none is there.
    [[nodiscard]] const kernel::Link* find_renamed(const std::string& former) const;
    // The link with this name, or the renamed one that had it, whichever holds the address; else the one with the name.
    [[nodiscard]] const kernel::Link* holder(const std::string& name, const Prefix& prefix) const;
    void for_each(const std::function<void(const kernel::Link&)>& visit) const;
    [[nodiscard]] bool holds(std::uint32_t index, const Prefix& prefix) const;
    [[nodiscard]] bool any_address(std::uint32_t index, const std::function<bool(const kernel::Address&)>& is) const;
    [[nodiscard]] std::vector<IpAddress> addresses_of(std::uint32_t index) const;
    [[nodiscard]] bool forwards_ipv6(std::uint32_t index) const { return forwarding_.contains(index); }
    // The address as reported by the kernel; null if it is not set.
    [[nodiscard]] const kernel::Address* address(std::uint32_t index, const Prefix& prefix) const;

private:
    [[nodiscard]] std::string name_of(std::uint32_t index) const;
    void take(const kernel::Link& link, Change& change);
    void forget(std::uint32_t index, Change& change);
    // False: nothing about it has changed.
    bool take(const kernel::Address* before, const kernel::Address& now, Change& change) const;
    void take_lost(const kernel::Address& address, Change& change) const;
    void finish(Change& change) const;
    void forget_name(const kernel::Link& link);
    void renamed(std::uint32_t index, const std::string& before, const std::string& now);
    void add_usable(std::uint32_t index, bool v4_alone, std::vector<IpAddress>& to) const;

    std::map<std::string, std::string> lenders_;
    std::map<std::string, bool> polled_;
    struct Known {
        kernel::Link link;
        std::uint32_t appearance = 0;  // how many links had gone when it appeared
        std::uint32_t times_up = 0;    // or one more for each loss of notifications
    };
    std::map<std::uint32_t, Known> links_;  // by index
    std::map<std::string, std::uint32_t> by_name_;
    std::map<std::uint32_t, std::vector<kernel::Address>> addresses_;
    std::set<std::uint32_t> forwarding_;  // IPv6
    std::map<std::string, std::uint32_t> former_names_;
    std::uint32_t gone_ = 0;    // links that went
    std::uint32_t losses_ = 0;  // of notifications
    bool reread_ = false;       // is still to be done
};

// For vrrp::plan_devices().
[[nodiscard]] vrrp::VirtualMac mac_of(const kernel::Link& link);
[[nodiscard]] vrrp::ExistingLink existing(const kernel::Link& link);
[[nodiscard]] std::vector<vrrp::ExistingLink> existing_links(const Links& links);

}  // namespace mainstay::role
