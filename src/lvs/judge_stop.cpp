// Stop: the final log lines and events.
#include <fmt/format.h>

#include "judge_impl.hpp"
#include "judge_text.hpp"

namespace mainstay::lvs {

Intents Judge::Impl::stop(bool keep) const {
    Intents out;
    const bool flushes = services_.global.lvs_flush_on_stop != config::Global::FlushOnStop::No;
    const bool names_services = services_.size() <= kServersNamedInLogMax;
    std::size_t of_unnamed = 0;
    for (std::size_t v = 0; v < services_.size(); ++v) {
        const auto& service = services_.configs[v];
        const std::size_t unnamed = shut_down_servers(v, keep, flushes, out);
        if (!names_services) {
            of_unnamed += unnamed;
        } else if (unnamed != 0) {
            out.push_back(log_line(LogLevel::Info,
                                   fmt::format("Shutting down {} services from VS {}", unnamed, services_.name(v))));
        }
        // keepalived: quorum_down runs at the end even if it was down already.
        if (service.omega) out.emplace_back(Announce{service_event(service, false, "Shutting down")});
    }
    if (of_unnamed != 0)
        out.push_back(log_line(LogLevel::Info, fmt::format("Shutting down {} services from {} virtual servers",
                                                           of_unnamed, services_.size())));
    return out;
}

// Returns how many servers are removed from the table without a log line.
std::size_t Judge::Impl::shut_down_servers(std::size_t number, bool keep, bool flushes, Intents& out) const {
    const auto& service = services_.configs[number];
    std::size_t unnamed = 0;
    for (std::size_t s = 0; s < service.real_servers.size(); ++s) {
        const ServerRef ref{number, s};
        const bool alive = services_.state_at(ref).alive;
        const bool inhibited = !alive && inhibits(service, service.real_servers[s]);
        if (!keep && !flushes && (alive || inhibited)) {
            if (!services_.names_servers())
                ++unnamed;
            else
                out.push_back(log_line(LogLevel::Info, fmt::format("Shutting down {}service {} from VS {}",
                                                                   inhibited ? "(inhibited) " : "", services_.name(ref),
                                                                   services_.name(number))));
        }
        // keepalived: with lvs_flush_on_stop the servers' part is left out.
        if (service.omega && !flushes && alive)
            out.emplace_back(Announce{server_event(service, service.real_servers[s], false, "Shutting down")});
    }
    return unnamed;
}

}  // namespace mainstay::lvs
