// interface_up_down_delays: a link counts as down, or as up again, only when it has been so for a while.
//
// keepalived caps the delays at (down_timer_adverts - 1) intervals less 1/256 interval of the instances that the link
// concerns (2.4.3): longer, and the next backup takes over while the master still waits.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "mainstay/config/model.hpp"
#include "mainstay/vrrp/facts.hpp"

namespace mainstay::vrrp {

class LinkDelays {
public:
    void configure(const config::Config& config);

    // What counts now: `fact` as it is, or with the up flag of `known` (what counted so far, may be null) while a delay
    // runs. A link that is deleted, or another one of the name, counts at once.
    [[nodiscard]] InterfaceFact pass(const InterfaceFact& fact, const InterfaceFact* known, Instant now);
    // The facts whose delay is over, as they are to count now.
    [[nodiscard]] std::vector<InterfaceFact> take_due(Instant now);
    [[nodiscard]] std::optional<Instant> deadline() const;

private:
    struct Delays {
        Nanos down{0}, up{0};
    };
    struct Held {
        Instant due;
        InterfaceFact fact;
    };
    std::map<std::string, Delays> delays_;
    std::map<std::string, Held> held_;
};

}  // namespace mainstay::vrrp
