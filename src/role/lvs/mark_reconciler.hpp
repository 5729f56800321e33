// Keeps the nftables table of nftables_ipvs as it is wanted.
#pragma once

#include <utility>  // Boost 1.74's Asio needs it under C++20 coroutines, first

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <optional>

#include "mainstay/base/log.hpp"
#include "mainstay/base/time.hpp"
#include "mainstay/kernel/nftables.hpp"
#include "mainstay/netlink/mark_table.hpp"
#include "role/common/ruleset_watch.hpp"

namespace mainstay::role {

class MarkReconciler {
public:
    MarkReconciler(boost::asio::io_context& loop, Log& log, Micros again_every)
        : log_{log}, again_every_{again_every}, timer_{loop}, watch_{loop, [this] { check(); }} {}

    // In one transaction, and only if it is another one than before. What fails is tried again, and told once.
    void want(std::optional<netlink::MarkTable> table);
    void stop(bool keep);

private:
    void settle();
    [[nodiscard]] Result<void> apply();
    void check();  // whether somebody else changed it; then it is made again

    Log& log_;
    Micros again_every_;
    boost::asio::steady_timer timer_;
    std::optional<kernel::Nftables> nftables_;
    RulesetWatch watch_;  // of it
    std::optional<netlink::MarkTable> wanted_, done_;
    bool told_ = false;
};

}  // namespace mainstay::role
