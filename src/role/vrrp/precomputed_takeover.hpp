// The next deadline, worked out before it comes. Steps are pure: what a backup does when its master-down interval ends
// is known beforehand, unless it hears of its master until then. So at the deadline itself packets only have to go out.
#pragma once

#include <optional>

#include "links.hpp"
#include "mainstay/kernel/rtnetlink.hpp"
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

    // Takes the step of `router`'s next deadline on a copy, when it makes an instance master, and builds what will be
    // sent.
    void compute(const vrrp::Router& router, kernel::Rtnetlink& netlink);
    // Something else happens to the router before its deadline.
    void forget();
    struct Step {
        vrrp::Router router;
        vrrp::Intents intents;
    };
    // The step, after which `router` is as if it had taken it; none: nothing was precomputed. Its own router is the
    // former one, which takes a while to free: keep it until the intents have been carried out.
    [[nodiscard]] std::optional<Step> take(vrrp::Router& router);

private:
    TakeOver& addresses_;
    VrrpTransport& transport_;
    const Links& links_;
    std::optional<Step> step_;
};

}  // namespace mainstay::role
