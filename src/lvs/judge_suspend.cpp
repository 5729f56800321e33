// Checks stop and resume with the host's addresses (local_addresses.hpp), and the log says which checks run.
#include <fmt/format.h>

#include "judge_impl.hpp"
#include "judge_text.hpp"

namespace mainstay::lvs {

void Judge::Impl::on_addresses(Moment at, Intents& out) {
    for (std::size_t v = 0; v < services_.size(); ++v) {
        const bool suspended = addresses_.suspend(services_.configs[v]);
        if (suspended == services_.states[v].suspended) continue;
        services_.states[v].suspended = suspended;
        if (suspended)
            suspend(v, at.now, out);
        else
            resume(v, at.now, out);
    }
}

void Judge::Impl::suspend(std::size_t service, Instant now, Intents& out) {
    log_checks(service, "Suspending", out);
    for (auto& server : services_.states[service].servers) cancel_checks(server, now, out);
}

void Judge::Impl::resume(std::size_t service, Instant now, Intents& out) {
    log_checks(service, "Activating", out);
    schedule_.resume(services_, service, now);
}

void Judge::Impl::log_activations(Intents& out, CheckerId since) const {
    for (std::size_t v = 0; v < services_.size(); ++v)
        log_checks(v, services_.states[v].suspended ? "Deactivating" : "Activating", out, since);
    log_sessions(out, since);
}

void Judge::Impl::log_sessions(Intents& out, CheckerId since) const {
    const auto& all = services_.checkers;
    bool bfd = false;
    for (std::size_t i = 0; i < all.size() && !bfd; ++i)
        bfd = all.id(i) >= since && services_.checker_at(all.place(i)).type == config::Checker::Type::Bfd;
    if (bfd) out.push_back(log_line(LogLevel::Info, "Activating BFD healthchecker"));
}

void Judge::Impl::log_checks(std::size_t service, std::string_view verb, Intents& out, CheckerId since) const {
    std::size_t count = 0;
    const bool names_servers = services_.names_servers();
    for (std::size_t s = 0; s < services_.states[service].servers.size(); ++s) {
        const auto& config = services_.config_at({service, s});
        const auto& states = services_.state_at({service, s}).checkers;
        for (std::size_t c = 0; c < states.size(); ++c) {
            if (!is_polled(config.checkers[c]) || states[c].id < since) continue;
            ++count;
            if (names_servers)
                out.push_back(log_line(LogLevel::Info,
                                       fmt::format("{} healthchecker for service {} for VS {}", verb,
                                                   services_.name(ServerRef{service, s}), services_.name(service))));
        }
    }
    if (!names_servers && count != 0)
        out.push_back(log_line(LogLevel::Info,
                               fmt::format("{} {} healthcheckers for VS {}", verb, count, services_.name(service))));
}

}  // namespace mainstay::lvs
