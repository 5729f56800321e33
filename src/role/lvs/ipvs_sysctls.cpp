#include "ipvs_sysctls.hpp"

#include <algorithm>

namespace mainstay::role {
namespace {

constexpr std::string_view kIpvs = "net/ipv4/vs/";

std::string dotted(std::string_view name) {
    std::string text = sysctl_path(name);
    std::ranges::replace(text, '/', '.');
    return text;
}

}  // namespace

std::string sysctl_path(std::string_view name) {
    return fmt::format("{}{}", name.find('/') == std::string_view::npos ? kIpvs : "", name);
}

void IpvsSysctls::want(std::string_view name, std::optional<int> value) {
    if (value)
        wanted_.insert_or_assign(std::string{name}, *value);
    else if (const auto at = wanted_.find(name); at != wanted_.end())
        wanted_.erase(at);
}

std::optional<int> IpvsSysctls::original(std::string_view name) const {
    const auto at = originals_.find(name);
    return at == originals_.end() ? std::nullopt : std::optional{at->second};
}

Result<void> IpvsSysctls::settle(IpvsSettings& kernel) {
    Result<void> all;
    for (const auto& [name, value] : wanted_)
        if (auto done = keep(kernel, name, value); !done) all = std::move(done);
    const Values changed = originals_;
    for (const auto& [name, original] : changed) {
        if (wanted_.contains(name)) continue;
        if (auto done = put_back(kernel, name, original); !done) all = std::move(done);
    }
    return all;
}

Result<void> IpvsSysctls::keep(IpvsSettings& kernel, const std::string& name, int value) {
    const auto actual = kernel.sysctl(name);
    if (!actual) return error_of(actual);
    if (originals_.emplace(name, *actual).second) save_();
    const auto before = set_.find(name);
    const bool was_set = before != set_.end() && before->second == value;
    if (*actual != value) {
        if (was_set) log_.warning("{} was changed by another program; repaired", dotted(name));
        if (auto done = kernel.set_sysctl(name, value); !done) return done;
        log_.info("{} set to {}", dotted(name), value);
    }
    set_.insert_or_assign(name, value);
    return {};
}

Result<void> IpvsSysctls::put_back(IpvsSettings& kernel, const std::string& name, int original) {
    set_.erase(name);
    const auto actual = kernel.sysctl(name);
    if (!actual) return error_of(actual);
    if (*actual != original) {
        if (auto done = kernel.set_sysctl(name, original); !done) return done;
        log_.info("{} set to {}", dotted(name), original);
    }
    originals_.erase(name);
    return {};
}

}  // namespace mainstay::role
