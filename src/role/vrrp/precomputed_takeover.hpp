// Computes the step of the next deadline in advance. Steps are pure, so what a backup does when its master-down
// interval ends is known beforehand, unless an advert arrives before. At the deadline only the prepared packets have to
// be sent.
#pragma once

#include <optional>

#include "links.hpp"
#include "mainstay/kernel/rtnetlink.hpp"
#include "mainstay/record/recorded_router.hpp"
#include "mainstay/vrrp/router.hpp"
#include "takeover.hpp"
#include "transport.hpp"

namespace mainstay::role {

// Whether the intents announce the addresses of this instance once they are set.
[[nodiscard]] bool announces(const vrrp::Intents& intents, vrrp::InstanceId id);

class PrecomputedTakeover {
public:
    PrecomputedTakeover(TakeOver& addresses, VrrpTransport& transport, const Links& links)
        : addresses_{addresses}, transport_{transport}, links_{links} {}

    // Runs the step of `router`'s next deadline on a copy. If it makes an instance master, builds the packets to send.
    void compute(const vrrp::Router& router, kernel::Rtnetlink& netlink);
    // Discards the result: another fact has reached the router before its deadline.
    void forget();
    struct Step {
        vrrp::Router router;
        vrrp::Intents intents;
        Instant at{};  // the deadline
    };
    // Applies the precomputed step to `router` and returns it; none: nothing was precomputed. The returned step holds
    // the former router, which takes time to free: keep it until the intents have been carried out.
    [[nodiscard]] std::optional<Step> take(record::RecordedRouter& router);

private:
    TakeOver& addresses_;
    VrrpTransport& transport_;
    const Links& links_;
    std::optional<Step> step_;
};

}  // namespace mainstay::role
