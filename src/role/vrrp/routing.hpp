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
#include "mainstay/vrrp/facts.hpp"

namespace mainstay::role {

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

}  // namespace mainstay::role
