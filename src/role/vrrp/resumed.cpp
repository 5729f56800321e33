#include "resumed.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

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

}  // namespace mainstay::role
