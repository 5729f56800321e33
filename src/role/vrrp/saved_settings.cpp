#include "saved_settings.hpp"

#include <algorithm>
#include <ranges>
#include <utility>

#include "mainstay/kernel/sysctl.hpp"

namespace mainstay::role {

bool SavedSettings::set(const std::string& name, const std::string& value) {
    const auto before = kernel::read_sysctl(name);
    const auto known = std::ranges::find(saved_, name, &report::SavedSetting::name);
    if (before && *before == value) return true;  // nothing to put back, or remembered already
    auto done = before ? kernel::write_sysctl(name, value) : Result<void>{error_of(before)};
    if (!done) {
        if (std::ranges::find(complained_, name) == complained_.end()) {
            complained_.push_back(name);
            log_.warning("{}", done.error().text());
        }
        return false;
    }
    if (known == saved_.end())
        saved_.push_back({name, *before, value});
    else
        known->ours = value;
    return true;
}

void SavedSettings::restore(const std::function<bool(const std::string& name)>& which) {
    for (const auto& setting : saved_ | std::views::reverse) {
        if (!which(setting.name)) continue;
        const auto now = kernel::read_sysctl(setting.name);
        if (!now || *now != setting.ours)
            continue;  // the interface was removed, or another program changed the setting
        if (const auto done = kernel::write_sysctl(setting.name, setting.before); !done)
            log_.warning("{}", done.error().text());
    }
    std::erase_if(saved_, [&](const auto& setting) { return which(setting.name); });
}

}  // namespace mainstay::role
