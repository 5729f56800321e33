// mainstayctl server: carries out operators' commands for servers, and counts what connections are left.
#include <fmt/format.h>

#include <map>

#include "mainstay/lvs/facts.hpp"
#include "role_impl.hpp"

namespace mainstay::role {
namespace {

constexpr std::size_t kServersCountedMax = 256;  // each service of theirs is read from the kernel at once

}  // namespace

// This is checked before draining: otherwise the operator would wait in vain for the clients to leave.
Result<void> LvsRole::expire_first() {
    if (runtime_.options().has_ipvs_namespace)
        return fail(Errc::Unsupported,
                    "IPVS runs in a separate network namespace (net_namespace_ipvs): set "
                    "net.ipv4.vs.expire_quiescent_template=1 there, and drain without --expire-persistence");
    auto done = settings_.expire_quiescent(true);
    if (!done) static_cast<void>(reconcile_expiry());
    return done;
}

OperatorReply LvsRole::command(const ipc::ServerQuestion& question) {
    using Verb = lvs::ServerCommand::Verb;
    if (question.verb > static_cast<std::uint8_t>(Verb::Weight)) return {2, "unknown command", {}};
    const lvs::ServerCommand command{
        .verb = static_cast<Verb>(question.verb),
        .which = question.which,
        .weight = question.weight,
        .dry_run = question.dry_run,
        .by = question.by,
        .expire_persistence = question.expire_persistence,
        // A longer one is refused; recorded, it is to be read again.
        .time = std::clamp(Seconds{question.seconds}, Seconds{-1}, lvs::kOverrideTimeMax + Seconds{1}),
        .reason = question.reason};
    carry_out_pending();
    if (command.expire_persistence && !command.dry_run)
        if (const auto done = expire_first(); !done) return {2, "nothing was changed: " + done.error().text(), {}};
    lvs::ServerAnswer answer;
    carry_out(judge_.command(command, moment(), answer));
    if (const auto done = reconcile_expiry(); !done) answer.lines.push_back(done.error().text() + "; retrying");
    if (answer.changed != 0 && !question.dry_run) publish();  // it must survive a crash
    if (question.count_connections && command.verb == Verb::Show && answer.problem.empty()) return count_left(answer);
    std::string text;
    for (const auto& line : answer.lines) text += line + "\n";
    const bool would_change = question.dry_run && answer.changed != 0;
    return {answer.problem.empty() ? (would_change ? 1 : 0) : 2, std::move(answer.problem), std::move(text)};
}

// For `--wait`: exit code 1 as long as any of these servers has connections.
OperatorReply LvsRole::count_left(const lvs::ServerAnswer& answer) {
    if (answer.servers.size() > kServersCountedMax)
        return {2,
                fmt::format("{} servers match: the connections of at most {} can be waited for at once",
                            answer.servers.size(), kServersCountedMax),
                {}};
    std::map<std::size_t, lvs::ConnectionsCounted> counted;
    std::uint64_t left = 0;
    std::string text;
    for (const auto& [service, server] : answer.servers) {
        auto found = counted.find(service);
        if (found == counted.end()) {
            auto destinations = reconciler_.connections(judge_.desired(service));
            clock_.forget();
            if (!destinations) return {2, "the connections cannot be counted: " + destinations.error().text(), {}};
            found = counted.emplace(service, lvs::ConnectionsCounted{service, std::move(*destinations)}).first;
        }
        const auto& config = judge_.services()[service];
        const auto& endpoint = config.real_servers[server].endpoint;
        const auto here = lvs::connections_to(found->second, config, endpoint);
        left += here;
        if (here != 0)
            text += fmt::format("{} of VS {}: {} connections\n", config::server_name(endpoint, config.protocol),
                                config::service_name(config), here);
    }
    return {left == 0 ? 0 : 1, {}, std::move(text)};
}

}  // namespace mainstay::role
