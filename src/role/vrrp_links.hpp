// What the vrrp role knows of links and addresses, kept current from rtnetlink.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "mainstay/config/model.hpp"
#include "mainstay/kernel/rtnetlink.hpp"
#include "mainstay/vrrp/facts.hpp"

namespace mainstay::role {

// Every interface that a configuration names for VRRP.
[[nodiscard]] std::set<std::string> interfaces_of(const config::Config& config);
// The interface an address of the instance goes on.
[[nodiscard]] const std::string& device_of(const config::VirtualAddress& address, const config::Instance& instance);

class Links {
public:
    // Reads everything anew. What it answers: addresses that were there before and are not any more.
    [[nodiscard]] Result<std::vector<vrrp::AddressLost>> refresh(kernel::Rtnetlink& netlink);

    struct Change {
        std::set<std::string> interfaces;  // whose facts are different now
        std::vector<vrrp::AddressLost> lost;
        bool overrun = false;              // notifications were lost: refresh()
    };
    [[nodiscard]] Change take(const std::vector<kernel::RouteNotification>& notifications);

    [[nodiscard]] vrrp::InterfaceFact fact(const std::string& name) const;
    [[nodiscard]] const kernel::Link* find(const std::string& name) const;
    [[nodiscard]] const kernel::Link* find(std::uint32_t index) const;

private:
    std::map<std::uint32_t, kernel::Link> links_;
    std::map<std::uint32_t, std::vector<kernel::Address>> addresses_;
};

}  // namespace mainstay::role
