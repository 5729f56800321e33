// keepalived_bfd.data: the sessions with what RFC 5880 keeps of each, in keepalived's lines (2.2.7).
#include <algorithm>

#include "dump_text.hpp"
#include "mainstay/bfd/configured.hpp"

namespace mainstay::report {

namespace {

std::string state_lines(const bfd::SessionSnapshot& now) {
    std::string out;
    const auto line = [&](const char* name, const auto& value) { out += fmt::format("   {} = {}\n", name, value); };
    line("local state", wire::to_string(now.state));
    line("remote state", wire::to_string(now.remote_state));
    line("local discriminator", fmt::format("0x{:x}", now.discriminator));
    line("remote discriminator", fmt::format("0x{:x}", now.remote_discriminator));
    line("local diag", wire::to_string(now.diagnostic));
    line("remote diag", wire::to_string(now.remote_diagnostic));
    // keepalived has 0 of a neighbour that it has not heard; RFC 5880 6.8.1 begins with 1 us.
    const bool heard = now.remote_discriminator != 0;
    line("remote min tx intv", fmt::format("{} us", heard ? now.remote_min_tx.count() : 0));
    line("remote min rx intv", fmt::format("{} us", heard ? now.remote_min_rx.count() : 0));
    line("local demand", 0);
    line("remote demand", now.remote_demand ? 1 : 0);
    line("remote detect multiplier", static_cast<int>(now.remote_multiplier));
    out += fmt::format("   {}poll, !final\n", now.polling ? "" : "!");
    line("local tx intv", fmt::format("{} us", now.transmit_interval.count()));
    line("remote tx intv", fmt::format("{} us", heard ? std::max(now.remote_min_tx, now.applied_min_rx).count() : 0));
    line("local detection time", fmt::format("{} us", now.detection_time.count()));
    line("remote detection time", fmt::format("{} us", heard ? (now.transmit_interval * now.multiplier).count() : 0));
    return out;
}

}  // namespace

std::string dump_bfd_data(const DumpSource& source) {
    std::string out = global_definitions(source, false) + section("BFD Data") + section("BFD Topology");
    for (const auto& session : bfd::configured_sessions(source.config)) {
        const auto line = [&](const char* name, const auto& value) { out += fmt::format("   {} = {}\n", name, value); };
        out += fmt::format(" BFD Instance = {}\n", session.name);
        line("Neighbor IP", session.neighbor.to_string());
        if (!session.source.empty()) line("Source IP", session.source.to_string());
        line("Required min RX interval", fmt::format("{} us", session.min_rx.count()));
        line("Desired min TX interval", fmt::format("{} us", session.min_tx.count()));
        line("Desired idle TX interval", fmt::format("{} us", session.idle_tx.count()));
        line("Detection multiplier", static_cast<int>(session.multiplier));
        line(session.neighbor.is_v6() ? "hoplimit" : "TTL", static_cast<int>(session.ttl));
        line("max_hops", session.max_hops);
        line("passive", true_or_false(session.passive));
        line("send event to VRRP process", session.reports_to_vrrp ? "Yes" : "No");
        line("send event to checker process", session.reports_to_checkers ? "Yes" : "No");
        if (source.bfd == nullptr) continue;
        const auto& sessions = source.bfd->sessions.sessions;
        const auto now = std::ranges::find(sessions, session.name, &bfd::SessionSnapshot::name);
        if (now != sessions.end()) out += state_lines(*now);
    }
    return out;
}

}  // namespace mainstay::report
