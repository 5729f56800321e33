// Converts the addresses of an instance to rtnetlink requests.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "links.hpp"
#include "mainstay/base/log.hpp"
#include "mainstay/config/model.hpp"
#include "mainstay/kernel/rtnetlink.hpp"
#include "mainstay/vrrp/router.hpp"

namespace mainstay::role {

// The addresses at `positions` (in config::all_addresses(); empty: all), in configuration order. Addresses
// whose device does not exist are left out.
[[nodiscard]] std::vector<kernel::Address> address_requests(const config::Instance& instance,
                                                            const std::vector<std::size_t>& positions,
                                                            const Links& links);
// The one that is to be restored, unless its interface is gone.
[[nodiscard]] std::vector<kernel::Address> restore_request(const config::Instance& instance,
                                                           const vrrp::RestoreAddress& wanted, const Links& links);
// Whether it is there and failed duplicate address detection: it stays unusable until it is removed and set again.
[[nodiscard]] bool is_duplicate(const std::vector<kernel::Address>& restored, const Links& links);
// False: the kernel refuses it, which is logged, or its interface is gone.
[[nodiscard]] bool set_again(kernel::Rtnetlink& netlink, const std::vector<kernel::Address>& restored,
                             const vrrp::RestoreAddress& wanted, Log& log);
// Requests to remove the addresses whose interface exists. They include the peer, because the kernel identifies a
// point-to-point address by it.
[[nodiscard]] std::vector<kernel::Address> removal_requests(const std::vector<vrrp::HeldAddress>& addresses,
                                                            const Links& links);
// Removes them. The kernel would take other addresses of a subnet with its first one, and would leave routes through
// addresses that are gone: those addresses stay, and those routes go. `update_links` reads into `links` what has
// changed: which routes go depends on what is still there.
[[nodiscard]] Result<std::vector<kernel::Rtnetlink::Failure>> remove_from_host(
    kernel::Rtnetlink& netlink, const std::vector<kernel::Address>& requests, const Links& links, Log& log,
    const std::function<void()>& update_links);
// Requests for the static addresses of a configuration on interfaces that have none of their family. They are set
// before a reload, which would otherwise take an instance that gets its source with it, and its sync group, to FAULT.
[[nodiscard]] std::vector<kernel::Address> first_sources(const config::Config& next, const Links& links);
// The request for one address on this interface.
[[nodiscard]] kernel::Address address_request(const config::VirtualAddress& address, std::uint32_t interface_index);

// Of the addresses whose label the kernel has changed, those whose label is now wrong: static addresses, and addresses
// that a master holds and tracks.
[[nodiscard]] std::vector<vrrp::HeldAddress> wrongly_labelled(const std::vector<vrrp::HeldAddress>& relabelled,
                                                              const vrrp::Router& router, const Links& links);

// When a primary IPv4 address is removed, the kernel deletes the secondary addresses of its subnet as well, unless
// promote_secondaries is set. This object sets it, during its lifetime, on interfaces that would lose such an address.

// The name of an interface's promote_secondaries setting (kernel/sysctl.hpp).
[[nodiscard]] std::string promotion_of(const std::string& interface);

class PromotedSecondaries {
public:
    PromotedSecondaries(const std::vector<kernel::Address>& removals, const Links& links, Log& log);
    ~PromotedSecondaries();
    PromotedSecondaries(const PromotedSecondaries&) = delete;
    PromotedSecondaries& operator=(const PromotedSecondaries&) = delete;

private:
    Log& log_;
    std::vector<std::string> changed_;  // settings that were 0
};

}  // namespace mainstay::role
