// nftables over a netlink socket: whole transactions out, questions answered, and a socket that tells when the ruleset
// was changed by anybody. Needs CAP_NET_ADMIN, in the caller's network namespace.
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
    // Unsupported: neither this build nor this kernel need have nftables.
    [[nodiscard]] static Result<Nftables> open();

    // A batch that begins with this; then the netlink module's append functions.
    [[nodiscard]] netlink::NftBatch begin();
    // All or nothing. The error has the errno of the first request that was refused.
    [[nodiscard]] Result<void> commit(const netlink::NftBatch& batch);

    [[nodiscard]] Result<bool> has_table(Family family, const std::string& table);
    // True when the table has as many rules and elements as `filter` wants.
    [[nodiscard]] Result<bool> looks_like(const netlink::VipFilter& filter);
    // True when each family has as many rules as `table` wants.
    [[nodiscard]] Result<bool> looks_like(const netlink::MarkTable& table);

    // Readable after a change of the ruleset, also one of our own: commit() takes those away again.
    [[nodiscard]] int change_fd() const { return listener_.get(); }
    void forget_changes();

private:
    Nftables(NetlinkSocket socket, UniqueFd listener) : socket_{std::move(socket)}, listener_{std::move(listener)} {}

    // None: there is no such table.
    [[nodiscard]] Result<std::optional<std::size_t>> rules_in(Family family, const std::string& table);

    NetlinkSocket socket_;
    UniqueFd listener_;
};

}  // namespace mainstay::kernel
