// Sets the addresses of a new master in batches and announces each batch before the next one is set. The requests of
// the first batch are built before the deadline if possible, because building them takes as long as setting an address.
#pragma once

#include <utility>  // Boost 1.74's Asio needs it under C++20 coroutines, first

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "announcer.hpp"
#include "links.hpp"
#include "mainstay/base/log.hpp"
#include "mainstay/config/model.hpp"
#include "mainstay/kernel/rtnetlink.hpp"
#include "mainstay/record/recorded.hpp"
#include "mainstay/report/status.hpp"
#include "mainstay/vrrp/router.hpp"
#include "transport.hpp"

namespace mainstay::role {

inline constexpr std::chrono::seconds kRefusedAgain{5};

class TakeOver {
public:
    TakeOver(boost::asio::io_context& loop, const Links& links, Announcer& announcer, Log& log)
        : links_{links}, announcer_{announcer}, log_{log}, again_{loop} {}

    // Builds the requests for the next set() of this instance; forget() discards them.
    void prepare(kernel::Rtnetlink& netlink, const config::Instance& instance);
    void forget() { prepared_.clear(); }

    // Sets all its addresses and announces each once; the caller announces the further rounds.
    void set(kernel::Rtnetlink& netlink, const config::Instance& instance);
    // Sets the addresses at `positions` (in config::all_addresses(); none: all) without announcing them.
    void set_silently(kernel::Rtnetlink& netlink, const config::Instance& instance,
                      const std::vector<std::size_t>& positions);
    // The addresses of a master without those that the kernel has refused.
    [[nodiscard]] std::vector<kernel::Address> accepted(const config::Instance& instance) const;
    // Tries again what the kernel has refused to the masters of `router`, because an interface may take it now (IPv6 is
    // enabled again, an MTU is back), and announces what it takes.
    void retry(kernel::Rtnetlink& netlink, const vrrp::Router& router);
    // Calls `retry` each time after this pause while there is something that the kernel has refused.
    void retry_later(std::chrono::milliseconds pause, std::function<void()> retry);
    // What the kernel refused when each instance was given its addresses last.
    [[nodiscard]] std::vector<mainstay::report::Refused> refused(const config::Config& config) const;

private:
    struct Batch {
        std::vector<kernel::Address> addresses;
        kernel::Rtnetlink::Batch requests;
        Announcer::Round announcement;
    };
    [[nodiscard]] Batch batch_of(kernel::Rtnetlink& netlink, std::vector<kernel::Address> addresses) const;
    void set(kernel::Rtnetlink& netlink, const config::Instance& instance, Batch batch);
    void report(const config::Instance& instance, const std::vector<kernel::Address>& addresses,
                const Result<std::vector<kernel::Rtnetlink::Failure>>& failed);

    const Links& links_;
    Announcer& announcer_;
    Log& log_;
    boost::asio::steady_timer again_;
    bool waits_ = false;                                                 // for again_
    std::map<std::string, Batch> prepared_;                              // the first batch, by the instance's name
    std::map<std::string, std::map<std::string, std::string>> refused_;  // by instance and address: why
};

// Computes the step of the next deadline in advance. Steps are pure, so what a backup does when its master-down
// interval ends is known beforehand, unless an advert arrives before. At the deadline only the prepared packets have to
// be sent.

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
