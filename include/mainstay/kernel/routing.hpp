// Routes and policy rules over rtnetlink (codecs in netlink/routing.hpp).
//
// Two sockets: one for requests, one that listens. The listener hears removals alone, and of routes only those that
// carry our protocol number: a host may run a routing daemon whose tables change a thousand times a second, and the
// kernel filters for us (a classic BPF program looks at each message).
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
    // One message each, in batches of at most 128; one answer for each, in the same order. Forgiven on adding: it was
    // there already; on removing: it was not there. An interface must be resolved (interface_index). An error of the
    // call: the socket failed, and what was done is not known.
    [[nodiscard]] Result<std::vector<Answer>> add(const std::vector<netlink::Routing>& wanted);
    [[nodiscard]] Result<std::vector<Answer>> remove(const std::vector<netlink::Routing>& unwanted);

    struct Removals {
        std::vector<netlink::Routing> removed;
        bool lost = false;  // notifications were lost: anything may be gone
    };
    [[nodiscard]] int notification_fd() const;
    // Drains what is there without blocking (at most a bounded amount; the rest keeps the socket readable).
    [[nodiscard]] Result<Removals> read_removals();

private:
    struct Impl;
    explicit RoutingTables(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace mainstay::kernel
