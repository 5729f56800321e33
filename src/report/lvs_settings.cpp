#include "lvs_settings.hpp"

#include <algorithm>

#include "mainstay/config/keywords.hpp"
#include "mainstay/lvs/named.hpp"

namespace mainstay::report {

namespace keyword = config::keyword;

namespace {

using config::value_of;

CheckSettings check_settings(const config::KeywordValues& values, CheckSettings inherited) {
    const auto take = [&](Micros& time, const config::Keyword<Micros>& keyword) {
        time = value_of(values, keyword).value_or(time);
    };
    if (const auto retry = value_of(values, keyword::retry)) inherited.retry = static_cast<std::uint64_t>(*retry);
    take(inherited.delay, keyword::delay_before_retry);
    take(inherited.warmup, keyword::warmup);
    take(inherited.loop, keyword::delay_loop);
    take(inherited.connect, keyword::connect_timeout);
    inherited.alpha = value_of(values, keyword::alpha).value_or(inherited.alpha);
    return inherited;
}

}  // namespace

const ServiceStatus* status_of(const LvsStatus& status, const config::VirtualServer& service, std::size_t likely) {
    const auto name = config::service_name(service);
    if (likely < status.services.size() && status.services[likely].name == name) return &status.services[likely];
    const auto found = std::ranges::find(status.services, name, &ServiceStatus::name);
    return found != status.services.end() ? &*found : nullptr;
}

bool names_servers(const config::VirtualServer& service) {
    return std::ranges::any_of(service.real_servers, config::is_template);
}

config::VirtualServer in_force(const config::VirtualServer& service, const ServiceStatus* status) {
    lvs::ServiceMemory memory;
    if (status != nullptr)
        for (const auto& server : status->servers) memory.servers.push_back({.endpoint = server.endpoint});
    lvs::KnownServers known;
    return lvs::with_known(service, [&](const config::VirtualServer&, const lvs::NamedServers& named) {
        known = lvs::remembered(memory, service, named);
        return &known;
    });
}

const ServerStatus* status_of(const ServiceStatus* status, const config::RealServer& server, std::size_t likely) {
    if (status == nullptr) return nullptr;
    const auto& servers = status->servers;
    const auto is_it = [&](const ServerStatus& one) {
        return one.endpoint == server.endpoint || one.endpoint.address.empty();  // an older writer has none
    };
    if (likely < servers.size() && is_it(servers[likely])) return &servers[likely];
    const auto found = std::ranges::find(servers, server.endpoint, &ServerStatus::endpoint);
    return found != servers.end() ? &*found : nullptr;
}

CheckSettings settings_of(const config::VirtualServer& service) {
    return check_settings(service.more->values, {.loop = service.delay_loop, .alpha = service.alpha});
}

CheckSettings settings_of(const config::VirtualServer& service, const config::RealServer& server) {
    return check_settings(server.more->values, settings_of(service));
}

lvs::Quorum quorum_in_use(const config::VirtualServer& service, const ServiceStatus* status) {
    if (status != nullptr && status->quorum > 0) return {status->quorum, status->hysteresis};
    return lvs::quorum_of(service);
}

std::string quoted_command(const config::Command& command) {
    std::string text;
    for (const auto& word : command.argv) text += (text.empty() ? "'" : " '") + word + "'";
    return text;
}

std::string parameters_text(const vrrp::ProcessTracker& process) {
    std::string text;
    for (std::size_t i = 1; i < process.command.size(); ++i) text += (i == 1 ? "" : " ") + process.command[i];
    return text;
}

}  // namespace mainstay::report
