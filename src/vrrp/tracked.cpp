// What instances track, as status shows it. The decisions themselves are made by judge() and its kin; the tests hold
// both to the same sums.
#include "mainstay/vrrp/tracked.hpp"

#include "mainstay/vrrp/devices.hpp"
#include "router_impl.hpp"

namespace mainstay::vrrp {
namespace {

using Kind = TrackedObject::Kind;

// For everything that is either up or down.
TrackedObject of_state(Kind kind, const std::string& name, bool known, bool up, int weight, bool reverse) {
    TrackedObject object{.kind = kind, .name = name, .known = known, .up = up, .weight = weight, .reverse = reverse};
    if (!known) return object;
    object.adds = weight == 0 ? 0 : contribution(weight, reverse, up);
    object.faults = weight == 0 && up == reverse;
    return object;
}

void add_interfaces(const std::vector<config::TrackedInterface>& tracked, const Links& links,
                    std::vector<TrackedObject>& all) {
    for (const auto& one : tracked)
        all.push_back(of_state(Kind::Interface, one.name, true, links.up(one.name), one.weight, one.reverse));
}

void add_scripts(const std::vector<config::TrackedScript>& tracked, const ScriptBoard& scripts,
                 std::vector<TrackedObject>& all) {
    using Standing = ScriptBoard::Standing;
    for (const auto& one : tracked) {
        const Standing standing = scripts.standing(one.name);
        const bool known = standing == Standing::Up || standing == Standing::Down;
        all.push_back(of_state(Kind::Script, one.name, known, standing == Standing::Up, one.weight, one.reverse));
    }
}

}  // namespace

void BfdBoard::list(InstanceId id, std::vector<TrackedObject>& all) const {
    if (id >= tracked_.size()) return;
    for (const TrackedBfd& one : tracked_[id])
        all.push_back(of_state(Kind::Bfd, one.name, true, up(one.name), one.weight, one.reverse));
}

void TrackerBoard::list(InstanceId id, std::vector<TrackedObject>& all) const {
    if (id >= uses_.size()) return;
    for (const Use& use : uses_[id]) {
        if (use.process) {
            const Process& process = processes_[use.index];
            all.push_back(
                of_state(Kind::Process, process.config.name, process.known, process.up, use.weight, use.reverse));
            continue;
        }
        const File& file = files_[use.index];
        TrackedObject object{
            .kind = Kind::File, .name = file.config.name, .weight = use.weight, .reverse = use.reverse};
        if (file.value) {
            const auto adds = file_contribution(*file.value, use.weight, use.reverse);
            object.known = true;
            object.up = adds.has_value();
            object.adds = adds.value_or(0);
            object.faults = !adds;
        }
        all.push_back(std::move(object));
    }
}

std::vector<TrackedObject> Router::tracked_by(InstanceId id) const {
    const config::Instance& instance = impl_->config->instances.at(id);
    const auto* group =
        impl_->group_of.at(id) == Impl::kNoGroup ? nullptr : &impl_->groups[impl_->group_of[id]].config();
    std::vector<TrackedObject> all;
    const std::string& own = base_interface(instance);
    if (!own.empty() && !instance.dont_track_primary)
        all.push_back(of_state(Kind::Interface, own, true, impl_->links.up(own), 0, false));
    add_interfaces(instance.track_interfaces, impl_->links, all);
    add_scripts(instance.track_scripts, impl_->scripts, all);
    if (group != nullptr) {
        add_interfaces(group->track_interfaces, impl_->links, all);
        add_scripts(group->track_scripts, impl_->scripts, all);
    }
    impl_->bfds.list(id, all);
    impl_->trackers.list(id, all);
    return all;
}

}  // namespace mainstay::vrrp
