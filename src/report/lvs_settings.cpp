#include "lvs_settings.hpp"

#include <algorithm>

#include "mainstay/config/keywords.hpp"

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
