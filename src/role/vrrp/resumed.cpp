#include "resumed.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "mainstay/ipc/status.hpp"
#include "mainstay/vrrp/restore.hpp"

namespace mainstay::role {
namespace {

constexpr std::size_t kResumedEventsMax = 1'000;  // the ring holds four times as many

// Most likely at the same place as now.
const vrrp::InstanceSnapshot* find_before(const vrrp::RouterSnapshot& before, std::size_t place,
                                          const std::string& name) {
    if (place < before.instances.size() && before.instances[place].name == name) return &before.instances[place];
    const auto found = std::ranges::find(before.instances, name, &vrrp::InstanceSnapshot::name);
    return found == before.instances.end() ? nullptr : &*found;
}

}  // namespace

std::vector<Event> resumed_events(const vrrp::RouterSnapshot& before, const vrrp::RouterSnapshot& after, Instant now,
                                  const std::string& upgraded_from) {
    std::vector<Event> events;
    for (std::size_t i = 0; i < after.instances.size(); ++i) {
        const auto& instance = after.instances[i];
        if (instance.state != vrrp::State::Master || events.size() == kResumedEventsMax) continue;
        const auto* old = find_before(before, i, instance.name);
        if (old == nullptr || old->state != vrrp::State::Master) continue;
        const auto silence = now - (old->deadline - Nanos{old->master_interval});
        events.push_back(
            {.kind = Event::Kind::Instance,
             .name = instance.name,
             .transition = Transition::Master,
             .reason = fmt::format(
                 "{}: this router stayed MASTER, {:.3g} s after the last advertisement of the process "
                 "before",
                 upgraded_from.empty() ? std::string{"the VRRP process died and was restarted"}
                                       : fmt::format("the daemon was upgraded from version {}", upgraded_from),
                 std::chrono::duration<double>(silence).count()),
             .cause = upgraded_from.empty() ? Cause::Crash : Cause::Upgrade,
             .priority = instance.effective_priority,
             .notify = false});
    }
    return events;
}

void publish_resumed(Runtime& runtime, const vrrp::RouterSnapshot& before, const vrrp::RouterSnapshot& after) {
    for (auto& event : resumed_events(before, after, runtime.now(), runtime.options().upgraded_from))
        runtime.publish(std::move(event));
}

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
