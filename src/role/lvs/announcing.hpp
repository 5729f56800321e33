// Keeps the addresses of lvs::Announcer in the kernel: renews them each second, and withdraws them in time.
#pragma once

#include <utility>  // Boost 1.74's Asio needs it under C++20 coroutines, first

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "mainstay/base/lifetime.hpp"
#include "mainstay/base/log.hpp"
#include "mainstay/lvs/announcer.hpp"
#include "mainstay/report/status.hpp"
#include "mainstay/role/lvs/role.hpp"

namespace mainstay::role {

inline constexpr Seconds kRenewEvery{1};
// At the stop, between the withdrawal of the addresses and the removal of the IPVS table: routers that hear of it at
// once send no more packets here.
inline constexpr Micros kWithdrawnBeforeStop{500'000};

class Announcing {
public:
    struct Owner {
        std::function<lvs::Moment()> moment;
        lvs::Announcer::ReadinessOf readiness;
        std::function<void()> changed;  // the status has changed
    };
    // All arguments must outlive this object.
    Announcing(boost::asio::io_context& loop, Log& log, const LvsOptions& options, Owner owner)
        : log_{log}, options_{options}, owner_{std::move(owner)}, timer_{loop} {}

    // Takes over what a crashed process announced. `present`: the addresses that this host has; those that have expired
    // are announced again after new checks only.
    void inherit(const std::vector<report::AnnouncedStatus>& before, const std::set<IpAddress>& present);
    void configure(const std::vector<config::VirtualServer>& services);
    void drain(bool on);
    void withdraw();  // before the IPVS table changes
    void update();    // afterwards
    // Withdraws everything; calls `done` when the table may be removed, at once if nothing was announced.
    void stop(std::function<void()> done);

    // Whether this service announces, and none of its addresses is announced now, nor drains.
    [[nodiscard]] bool is_withdrawn(std::size_t service) const;
    [[nodiscard]] bool is_used() const { return !announcer_.is_empty(); }
    [[nodiscard]] std::vector<report::AnnouncedStatus> status() const;

private:
    void carry_out(const lvs::Announcer::Outcome& outcome);
    [[nodiscard]] std::vector<netlink::RefusedAnnounce> perform(const netlink::AnnounceOperations& operations);
    [[nodiscard]] Result<std::vector<netlink::RefusedAnnounce>> try_to_perform(
        const netlink::AnnounceOperations& operations);
    void renew();

    Log& log_;
    const LvsOptions& options_;
    Owner owner_;
    boost::asio::steady_timer timer_;
    lvs::Announcer announcer_;
    std::unique_ptr<AnnounceTable> kernel_;
    std::set<IpAddress> expired_;  // of a crashed process
    bool renews_ = false;          // each second
    bool stopped_ = false;
    Lifetime lifetime_;
};

}  // namespace mainstay::role
