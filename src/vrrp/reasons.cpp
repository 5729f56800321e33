#include "mainstay/vrrp/reasons.hpp"

#include <fmt/format.h>

#include <chrono>
#include <utility>

namespace mainstay::vrrp {

void TransitionReasons::yielded_to(const IpAddress& from, std::uint8_t priority, std::uint8_t ours) {
    set(Cause::Advert,
        priority == ours
            ? fmt::format("{} advertises the same priority {} and has the higher address", from.to_string(), ours)
            : fmt::format("{} advertises priority {}, this router had {}", from.to_string(), priority, ours));
    heard_master(from, priority);
}

void TransitionReasons::taken_back() {
    heard_ = {};
    text_ += ", and no other router took over";
}

void TransitionReasons::took_over(std::uint8_t ours, Nanos silence, const std::string& refused) {
    const double silence_s = std::chrono::duration<double>(silence).count();
    const auto [kind, from, priority] = std::exchange(heard_, {});
    const auto cause = kind == Kind::Lower         ? Cause::Preemption
                       : kind == Kind::Resignation ? Cause::PriorityZero
                                                   : Cause::Timeout;
    if (!refused.empty() && (kind == Kind::Nothing || kind == Kind::Master))
        return set(cause, fmt::format("no advertisement was accepted: {}", refused));
    switch (kind) {
        case Kind::Nothing:
            return set(cause,
                       ours == config::kOwnerPriority
                           ? fmt::format("this router owns the addresses (priority {}) and waits for no other", ours)
                           : "no other router advertised");
        case Kind::Master:
            return set(cause, fmt::format("no advertisement of {} (priority {}) arrived for {:.3g} s", from.to_string(),
                                          priority, silence_s));
        case Kind::Lower:
            return set(cause, fmt::format("{} advertised only priority {}, this router has {}: preempted",
                                          from.to_string(), priority, ours));
        case Kind::Resignation:
            return set(cause, fmt::format("{} resigned (priority 0)", from.to_string()));
    }
}

}  // namespace mainstay::vrrp
