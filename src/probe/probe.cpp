#include "mainstay/probe/probe.hpp"

#include <fmt/format.h>

#include "checks.hpp"
#include "mainstay/probe/http_check.hpp"

namespace mainstay::probe {
namespace {

// Makes a probe from a coroutine function `check(What, attempt)` and its argument.
template <class What, class Check>
Probe ready(const config::Checker& checker, What what, Check check) {
    return {
        fmt::format("{} {}", lvs::keyword_of(checker.type), checker.target.to_string()),
        [what = std::move(what), check](std::shared_ptr<Attempt> attempt) { return check(what, std::move(attempt)); }};
}

}  // namespace

std::optional<Probe> probe_of(const config::Checker& checker, std::uint32_t url, Toolbox& tools) {
    using Type = config::Checker::Type;
    switch (checker.type) {
        case Type::Tcp:
            return ready(checker, connection_of(checker), tcp_check);
        case Type::Http:
        case Type::Ssl:
            return ready(checker, http_check_of(checker, url, tools), http_check);
        case Type::Grpc:
            return ready(checker, grpc_check_of(checker, tools), grpc_check);
        case Type::Agent:
            return ready(checker, agent_check_of(checker), agent_check);
        case Type::Smtp:
            return ready(checker, smtp_check_of(checker), smtp_check);
        case Type::Dns:
            return ready(checker, dns_check_of(checker), dns_check);
        case Type::Udp:
            return ready(checker, udp_check_of(checker), udp_check);
        case Type::Ping:
            return ready(checker, connection_of(checker), ping_check);
        default:
            return std::nullopt;
    }
}

}  // namespace mainstay::probe
