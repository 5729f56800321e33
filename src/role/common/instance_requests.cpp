#include "instance_requests.hpp"

#include <algorithm>
#include <utility>

#include "mainstay/config/keywords.hpp"

namespace mainstay::role {

namespace {

constexpr std::int64_t kPriorityMost = 255;

void set_switch(config::KeywordValues& values, const config::Keyword<bool>& keyword, bool on) {
    if (on)
        set_value(values, keyword, true);
    else
        std::erase_if(values, [&](const config::KeywordValue& value) { return value.keyword == keyword; });
}

}  // namespace

std::optional<vrrp::InstanceId> instance_of(const config::Config& config, const std::string& name) {
    const auto found = std::ranges::find(config.instances, name, &config::Instance::name);
    if (found == config.instances.end()) return std::nullopt;
    return static_cast<vrrp::InstanceId>(found - config.instances.begin());
}

std::optional<config::Config> with_requested_change(const config::Config& config, vrrp::InstanceId id,
                                                    const ipc::ControlRequest& wanted) {
    using What = ipc::ControlRequest::What;
    auto changed = config;
    auto& instance = changed.instances.at(id);
    if (wanted.what == What::SetPriority) {
        if (wanted.value < 1 || wanted.value > kPriorityMost) return std::nullopt;
        instance.priority = static_cast<std::uint8_t>(wanted.value);
        return changed;
    }
    if (wanted.value != 0 && wanted.value != 1) return std::nullopt;
    const bool on = wanted.value == 1;
    switch (wanted.what) {
        case What::SetPreempt:
            instance.nopreempt = !on;
            return changed;
        case What::SetAccept:
            set_switch(instance.more.edit().values, config::keyword::accept, on);
            set_switch(instance.more.edit().values, config::keyword::no_accept, !on);
            return changed;
        case What::SetPromoteSecondaries:
            set_switch(instance.more.edit().values, config::keyword::promote_secondaries, on);
            return changed;
        case What::SetLinkbeat:
            set_switch(instance.more.edit().values, config::keyword::linkbeat_use_polling, on);
            return changed;
        default:
            return std::nullopt;
    }
}

report::SetValue set_value_of(const ipc::ControlRequest& wanted) {
    return {wanted.instance, static_cast<std::uint8_t>(wanted.what), wanted.value};
}

void put(std::vector<report::SetValue>& values, report::SetValue one) {
    std::erase_if(values, [&](const report::SetValue& other) {
        return other.instance == one.instance && other.what == one.what;
    });
    values.push_back(std::move(one));
}

std::string request_text(const ipc::ControlRequest& wanted) {
    using What = ipc::ControlRequest::What;
    const std::string state = wanted.value != 0 ? "on" : "off";
    switch (wanted.what) {
        case What::SetPriority:
            return "priority " + std::to_string(wanted.value);
        case What::SetPreempt:
            return "preempt " + state;
        case What::SetAccept:
            return "accept " + state;
        case What::SetPromoteSecondaries:
            return "promote_secondaries " + state;
        case What::SetLinkbeat:
            return "linkbeat_use_polling " + state;
        default:
            return "nothing";
    }
}

}  // namespace mainstay::role
