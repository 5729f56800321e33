// Routes, rules and static addresses: requests to the kernel, and its notifications.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "links.hpp"
#include "mainstay/base/log.hpp"
#include "mainstay/config/model.hpp"
#include "mainstay/kernel/routing.hpp"
#include "mainstay/kernel/rtnetlink.hpp"
#include "mainstay/report/status.hpp"
#include "mainstay/vrrp/facts.hpp"
#include "mainstay/vrrp/router.hpp"

namespace mainstay::role {

// The routes and rules that the kernel has refused, of instances and static ones.
[[nodiscard]] std::vector<report::Refused> refused_routes(const vrrp::Router& router);

class VrrpRouting {
public:
    // `give` is called with each fact, also from within set() and remove().
    VrrpRouting(boost::asio::io_context& loop, Log& log, std::function<void(vrrp::Fact)> give);
    // Opens the sockets once something is configured; otherwise the kernel need not send notifications of each route.
    [[nodiscard]] Result<void> follow(const config::Config& config);

    void set(const vrrp::SetRouting& wanted, const Links& links);
    void remove(const vrrp::RemoveRouting& unwanted, const Links& links);
    void set_static(const vrrp::SetStaticAddresses& wanted, const Links& links, kernel::Rtnetlink& netlink);
    void close();

private:
    void watch();
    void read(const std::vector<netlink::Routing>& own_doing);

    boost::asio::io_context& loop_;
    Log& log_;
    std::function<void(vrrp::Fact)> give_;
    std::optional<kernel::RoutingTables> tables_;
    std::optional<boost::asio::posix::stream_descriptor> ready_;
    std::set<std::string> complained_;  // static addresses that could not be set, logged once
};

// Routes that the kernel creates with an address, and does not remove with it while another address stays:
// - to the broadcast address, when that is the first one of the subnet ("brd -");
// - of an IPv6 prefix, when the other address of the prefix is permanent and has no prefix route (noprefixroute).
// Construct a LeftRoutes before removing addresses; its destructor removes these routes, if `links` no longer has the
// addresses.
class LeftRoutes {
public:
    LeftRoutes(const std::vector<kernel::Address>& removals, const Links& links, Log& log);
    ~LeftRoutes();
    LeftRoutes(const LeftRoutes&) = delete;
    LeftRoutes& operator=(const LeftRoutes&) = delete;

private:
    [[nodiscard]] Result<void> remove() const;

    const Links& links_;
    Log& log_;
    std::vector<kernel::Address> suspects_;
};

}  // namespace mainstay::role
