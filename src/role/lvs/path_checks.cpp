// The lvs role's checks along the data path (check_data_path): their kernel services, and from where they ask.
#include <boost/asio/post.hpp>

#include "mainstay/kernel/local_address.hpp"
#include "role_impl.hpp"

namespace mainstay::role {

config::Config LvsRole::with_path_checks(config::Config config) {
    // Packets of this namespace do not meet services of another one: the configuration check has said so.
    if (!runtime_.options().has_ipvs_namespace) path_checks_.apply(config.virtual_servers);
    return config;
}

void LvsRole::follow_path_checks() {
    if (runtime_.options().has_ipvs_namespace) return;
    settings_.accept_own_addresses(path_checks_.uses(Family::V4));
}

// A check that cannot go its way says nothing of its server.
std::expected<config::Checker, probe::Finding> LvsRole::along_path(const lvs::PathChecks::Way& way,
                                                                   const config::Checker& checker) const {
    const auto not_run = [](std::string why) {
        return std::unexpected{probe::found(lvs::Outcome::NotRun, std::move(why))};
    };
    if (!reconciler_.is_as_wanted(way.key))
        return not_run(fmt::format("IPVS has no service for its mark {:#x}", way.key.fwmark));
    if (way.key.family == Family::V4 && !settings_.accepts_own_addresses())
        return not_run("net.ipv4.conf.all.accept_local cannot be set");
    config::Checker asked = checker;
    if (checker.bind->has_value()) return asked;
    // By itself a socket would ask this host's own address from that address.
    const auto& server = way.server.endpoint.address;
    const auto source =
        kernel::source_towards(server, [this](const IpAddress& own) { return path_checks_.is_of_service(own); });
    if (!source && source.error().code() == Errc::NotFound) return not_run(source.error().text());
    if (!source)
        return std::unexpected{probe::found(lvs::Outcome::Failed,
                                            fmt::format("no way to {}{}", server.to_string(), source.error().text()))};
    asked.bind = std::optional{Endpoint{*source, 0}};
    return asked;
}

// Queued, because the judge is in the middle of a step when checks begin.
void LvsRole::finish_soon(lvs::CheckerId check, probe::Finding finding) {
    boost::asio::post(runtime_.loop(),
                      lifetime_.guard([this, check, finding]() mutable { check_done(check, std::move(finding)); }));
}

}  // namespace mainstay::role
