// interface_up_down_delays: a link counts as down, or as up again, only after it has been so for the delay.
//
// keepalived limits the delays to (down_timer_adverts - 1) intervals minus 1/256 interval of the instances that use the
// link (2.4.3): with longer delays the next backup would take over while the master still waits.
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

    // The effective fact: `fact` itself, or, while a delay runs, with the up flag of `known` (the previously effective
    // fact, may be null). A deleted link, or a new one with the same name, takes effect at once.
    [[nodiscard]] InterfaceFact pass(const InterfaceFact& fact, const InterfaceFact* known, Instant now);
    // The facts whose delay has ended, with their new effective state.
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
    template <class A>
    friend void fields(A& archive, LinkDelays& delays);  // router_state.cpp
    template <class A>
    friend void fields(A& archive, Held& held);  // router_state.cpp
    std::map<std::string, Delays> delays_;
    std::map<std::string, Held> held_;
};

}  // namespace mainstay::vrrp
