// Keeps the nftables table of nftables_ipvs in its desired state.
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

    // Writes the table in one transaction, and only if it has changed. A failure is retried, and logged once.
    void set_desired(std::optional<netlink::MarkTable> table);
    void stop(bool keep);

private:
    void reconcile();
    [[nodiscard]] Result<void> apply();
    void check();  // whether another program changed it; then it is written again

    Log& log_;
    Micros again_every_;
    boost::asio::steady_timer timer_;
    std::optional<kernel::Nftables> nftables_;
    RulesetWatch watch_;  // of it
    std::optional<netlink::MarkTable> wanted_, done_;
    bool logged_ = false;
};

}  // namespace mainstay::role
