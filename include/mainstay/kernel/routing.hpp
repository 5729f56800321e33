// Routes and policy rules over rtnetlink (codecs in netlink/routing.hpp).
//
// Two sockets: one for requests, one for notifications. A classic BPF filter on the latter passes only removals, and of
// routes only those with our protocol number, because a routing daemon on the host may change its tables a thousand
// times a second.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "mainstay/base/error.hpp"
#include "mainstay/netlink/routing.hpp"
#include "mainstay/netlink/verdicts.hpp"

namespace mainstay::kernel {

class RoutingTables {
public:
    // In the caller's network namespace. Needs no privilege to open; changing needs CAP_NET_ADMIN.
    [[nodiscard]] static Result<RoutingTables> open();
    RoutingTables(RoutingTables&&) noexcept;
    RoutingTables& operator=(RoutingTables&&) noexcept;
    ~RoutingTables();

    struct Answer {
        netlink::Verdict verdict = netlink::Verdict::Failed;
        std::string text;  // why it failed, for people
    };
    // One message each, in batches of at most 128; one answer for each, in the same order. Forgiven: on adding, it
    // existed already; on removing, it did not exist. Interfaces must be resolved (interface_index). An error of the
    // call: the socket failed, and it is unknown what was done.
    [[nodiscard]] Result<std::vector<Answer>> add(const std::vector<netlink::Routing>& wanted);
    [[nodiscard]] Result<std::vector<Answer>> remove(const std::vector<netlink::Routing>& unwanted);

    // Those with our protocol number, as far as they are decoded (netlink/routing.hpp).
    [[nodiscard]] Result<std::vector<netlink::Routing>> entries();

    struct Removals {
        std::vector<netlink::Routing> removed;
        bool lost = false;  // notifications were lost: any entry may have been removed
    };
    [[nodiscard]] int notification_fd() const;
    // Reads pending notifications without blocking, a bounded number at a time; the socket stays readable for the rest.
    [[nodiscard]] Result<Removals> read_removals();

private:
    struct Impl;
    explicit RoutingTables(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace mainstay::kernel
