// nftables over netlink, in the caller's network namespace: commits transactions, answers queries, and has a second
// socket that reports changes of the ruleset by any program. Needs CAP_NET_ADMIN.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "mainstay/base/error.hpp"
#include "mainstay/base/unique_fd.hpp"
#include "mainstay/netlink/mark_table.hpp"
#include "mainstay/netlink/vip_filter.hpp"
#include "netlink_socket.hpp"

namespace mainstay::kernel {

class Nftables {
public:
    // Errc::Unsupported: this build or this kernel has no nftables.
    [[nodiscard]] static Result<Nftables> open();

    // Starts a batch, to be filled by the netlink module's append functions.
    [[nodiscard]] netlink::NftBatch begin();
    // Applies all or nothing. The error has the errno of the first refused request.
    [[nodiscard]] Result<void> commit(const netlink::NftBatch& batch);

    [[nodiscard]] Result<bool> has_table(Family family, const std::string& table);
    // True when the table has as many rules and elements as `filter`.
    [[nodiscard]] Result<bool> looks_like(const netlink::VipFilter& filter);
    // True when each family has as many rules as `table`.
    [[nodiscard]] Result<bool> looks_like(const netlink::MarkTable& table);

    // Readable after a change of the ruleset by another program; commit() discards the notifications of its own
    // changes.
    [[nodiscard]] int change_fd() const { return listener_.get(); }
    void forget_changes();

private:
    Nftables(NetlinkSocket socket, UniqueFd listener) : socket_{std::move(socket)}, listener_{std::move(listener)} {}

    // None: the table does not exist.
    [[nodiscard]] Result<std::optional<std::size_t>> rules_in(Family family, const std::string& table);

    NetlinkSocket socket_;
    UniqueFd listener_;
};

}  // namespace mainstay::kernel
