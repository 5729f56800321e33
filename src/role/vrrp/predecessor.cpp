#include "predecessor.hpp"

#include <fmt/ranges.h>

#include <string>
#include <vector>

#include "mainstay/ipc/status.hpp"
#include "mainstay/vrrp/adoption.hpp"

namespace mainstay::role {

std::optional<report::VrrpStatus> left_by_crash(Runtime& runtime, bool restarted) {
    if (!restarted) return std::nullopt;
    const auto bytes = runtime.previous_state();
    if (!bytes) return std::nullopt;
    auto state = decode<report::VrrpStatus>(*bytes);
    if (!state || !report::makes_sense(*state)) return std::nullopt;
    return std::move(*state);
}

std::optional<vrrp::RouterSnapshot> state_to_go_on_from(Runtime& runtime, bool restarted,
                                                        const std::optional<report::VrrpStatus>& found,
                                                        const config::Config& config, const vrrp::HostFacts& host) {
    if (found) {
        runtime.log().notice("state of the previous process resumed");
        return found->router;
    }
    if (restarted || !runtime.options().adopt) return std::nullopt;
    auto adopted = vrrp::adopted_state(config, host.interfaces, runtime.now());
    std::vector<std::string> names;
    names.reserve(adopted.instances.size());
    for (const auto& instance : adopted.instances) names.push_back(instance.name);
    if (names.empty())
        runtime.log().notice("--takeover: this host holds no instance's addresses, nothing is taken over");
    else
        runtime.log().notice("--takeover: MASTER at once, with the addresses that this host holds: {}",
                             fmt::join(names, " "));
    return adopted;
}

}  // namespace mainstay::role
