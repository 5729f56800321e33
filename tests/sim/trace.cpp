// The network and its history in lines for people.
#include <fmt/format.h>

#include "lan.hpp"

namespace mainstay::sim {

using namespace std::chrono_literals;

std::string Lan::describe() const {
    std::string text = fmt::format("{} directors{}\n", hosts_.size(), plan_.grouped ? ", with a sync group" : "");
    for (const Host& host : hosts_) {
        text += fmt::format("r{}  clock {:+} ppm", host.index, host.clock.drift_ppm);
        if (recorded_)
            text += fmt::format(", {}, {}", address(host.index, Family::V4).to_string(),
                                address(host.index, Family::V6).to_string());
        if (host.config.global.vrrp_startup_delay > Micros{0})
            text += fmt::format(", vrrp_startup_delay {} ms", host.config.global.vrrp_startup_delay / 1ms);
        for (const auto& c : host.config.scripts)
            text += fmt::format(", script every {} ms, rise {}, fall {}{}", c.interval / 1ms, c.rise, c.fall,
                                c.init_fail ? ", init_fail" : "");
        text += "\n";
        for (const auto& c : host.config.instances) {
            text += fmt::format("    {}  VRID {} version {} IPv{} {}  priority {} every {} ms", c.name,
                                c.virtual_router_id, c.version, c.family == Family::V4 ? 4 : 6,
                                c.unicast_peers.empty() ? "multicast" : "unicast", c.priority, c.advert_int / 1ms);
            if (c.down_timer_adverts != 3) text += fmt::format(", down_timer_adverts {}", c.down_timer_adverts);
            if (c.nopreempt) text += ", nopreempt";
            if (c.preempt_delay > Micros{0}) text += fmt::format(", preempt_delay {} ms", c.preempt_delay / 1ms);
            if (c.initial_master) text += ", state MASTER";
            if (c.dont_track_primary) text += ", dont_track_primary";
            if (!c.sync_group.empty()) text += ", in the group";
            for (const auto& t : c.track_scripts)
                text += fmt::format(", script weight {}{}", t.weight, t.reverse ? " reverse" : "");
            for (const auto& t : c.track_interfaces)
                text += fmt::format(", {} weight {}{}", t.name, t.weight, t.reverse ? " reverse" : "");
            if (recorded_)
                text +=
                    fmt::format(", begins as {}",
                                to_string(host.states[static_cast<std::size_t>(&c - host.config.instances.data())]));
            text += "\n";
        }
    }
    return text;
}

void Lan::trace(std::function<void(const std::string&)> write, bool packets) {
    trace_ = std::move(write);
    trace_packets_ = packets;
}

void Lan::write(const Host* host, const std::string& what) const {
    trace_(fmt::format("{:12.6f}  {:<3} {}", std::chrono::duration<double>(now_.time_since_epoch()).count(),
                       host == nullptr ? std::string{"lan"} : fmt::format("r{}", host->index), what));
}

}  // namespace mainstay::sim
