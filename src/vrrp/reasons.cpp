#include "mainstay/vrrp/reasons.hpp"

#include <fmt/format.h>

#include <chrono>
#include <iterator>
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
    cause_ = kind == Kind::Lower ? Cause::Preemption : kind == Kind::Resignation ? Cause::PriorityZero : Cause::Timeout;
    text_.clear();
    const auto out = std::back_inserter(text_);
    if (!refused.empty() && (kind == Kind::Nothing || kind == Kind::Master)) {
        fmt::format_to(out, "no advertisement was accepted: {}", refused);
        return;
    }
    switch (kind) {
        case Kind::Nothing:
            if (ours == config::kOwnerPriority)
                fmt::format_to(out, "this router owns the addresses (priority {}) and waits for no other", ours);
            else
                text_ = "no other router advertised";
            return;
        case Kind::Master:
            fmt::format_to(out, "no advertisement of {} (priority {}) arrived for {:.3g} s", from.to_string(), priority,
                           silence_s);
            return;
        case Kind::Lower:
            fmt::format_to(out, "{} advertised only priority {}, this router has {}: preempted", from.to_string(),
                           priority, ours);
            return;
        case Kind::Resignation:
            fmt::format_to(out, "{} resigned (priority 0)", from.to_string());
            return;
    }
}

}  // namespace mainstay::vrrp
