// A recorded configuration in the simulator's terms. Whatever the invariants and the witness do not cover is left out,
// and a line says so.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <utility>

#include "beginning.hpp"

namespace mainstay::sim {

namespace {

constexpr std::size_t kVirtualRoutersMax = 200;
class Representation {
public:
    Representation(const config::Config& config, std::vector<std::string>& left_out)
        : config_{config}, left_out_{left_out} {}

    config::Config make() {
        config::Config made;
        of("the global settings");
        made.global.vrrp_startup_delay = config_.global.vrrp_startup_delay;
        leave_out(config_.global.more);
        of("the configuration");
        leave_out(config_.more);
        end();
        name_interfaces();
        choose_script(made);
        for (const auto& instance : config_.instances)
            if (auto shown = represent(instance)) made.instances.push_back(std::move(*shown));
        for (const auto& group : config_.sync_groups) represent(group, made);
        forget_unused_script(made);
        return made;
    }

private:
    // ---- lines: "left out of VI_1: virtual_routes, use_vmac" ----
    void of(std::string object) {
        end();
        object_ = std::move(object);
    }
    void leave_out(std::string what) {
        if (std::ranges::find(words_, what) == words_.end()) words_.push_back(std::move(what));
    }
    void leave_out(const config::ExtraSettings& settings) {
        for (const auto& value : settings.values) leave_out(value.keyword);
        for (const auto& section : settings.sections) leave_out(section.keyword);
    }
    void end() {
        if (!words_.empty()) left_out_.push_back(fmt::format("left out of {}: {}", object_, fmt::join(words_, ", ")));
        words_.clear();
    }
    template <class T>
    void change(T& value, T to, const char* what) {
        if (value == to) return;
        value = std::move(to);
        leave_out(what);
    }

    void name_interfaces() {
        std::set<std::string> tracked;
        for (const auto& c : config_.instances) interfaces_.insert(c.interface);
        for (const auto& c : config_.instances)
            for (const auto& track : c.track_interfaces)
                if (!interfaces_.contains(track.name)) tracked.insert(track.name);
        if (interfaces_ != std::set<std::string>{kInterface} && !interfaces_.empty())
            left_out_.push_back(fmt::format("{} here: {}", interfaces_.size() == 1 ? "eth0" : "one interface, eth0",
                                            joined(interfaces_)));
        if (!tracked.empty() && tracked != std::set<std::string>{kUplink})
            left_out_.push_back(fmt::format("{} here: {}", tracked.size() == 1 ? "eth1" : "one tracked interface, eth1",
                                            joined(tracked)));
    }
    static std::string joined(const std::set<std::string>& names) { return fmt::format("{}", fmt::join(names, ", ")); }

    // One script, the first that an instance tracks.
    void choose_script(config::Config& made) {
        for (const auto& script : config_.scripts) {
            const auto tracks = [&](const config::Instance& c) {
                return std::ranges::find(c.track_scripts, script.name, &config::TrackedScript::name) !=
                       c.track_scripts.end();
            };
            if (std::ranges::none_of(config_.instances, tracks)) continue;
            of("vrrp_script " + script.name);
            if (!made.scripts.empty()) {
                leave_out("all of it (one script is simulated)");
                continue;
            }
            config::TrackScript kept = script;
            kept.command = {};
            leave_out(kept.more);
            kept.more.reset();
            made.scripts.push_back(std::move(kept));
        }
        end();
        script_ = made.scripts.empty() ? std::string{} : made.scripts[0].name;
    }
    void forget_unused_script(config::Config& made) const {
        const auto is_tracked = [](const config::Instance& c) { return !c.track_scripts.empty(); };
        if (std::ranges::none_of(made.instances, is_tracked)) made.scripts.clear();
    }

    std::optional<config::Instance> represent(const config::Instance& recorded) {
        of(recorded.name);
        const auto refuse = [&](const char* why) {
            words_.clear();
            leave_out(fmt::format("all of it ({})", why));
            end();
            return std::nullopt;
        };
        if (virtual_routers_.size() == kVirtualRoutersMax) return refuse("200 instances are simulated");
        const std::pair key{recorded.virtual_router_id, recorded.family};
        if (virtual_routers_.contains(key)) return refuse("another instance on the one interface has its VRID");
        config::Instance c = recorded;
        take_addresses(c.addresses);
        take_addresses(c.excluded_addresses.edit());
        if (c.addresses.empty()) return refuse("it has no address of its own");
        virtual_routers_.insert(key);
        c.interface = kInterface;
        c.source.reset();
        c.notify = {};
        c.smtp_alert = false;
        simplify(c);
        for (auto& peer : c.unicast_peers) {
            change<std::uint8_t>(peer.min_ttl, 0, "min_ttl");
            change<std::uint8_t>(peer.max_ttl, 255, "max_ttl");
        }
        track(c);
        end();
        return c;
    }

    void simplify(config::Instance& c) {
        leave_out(c.more);
        c.more.reset();
        change(c.vmac, {}, "use_vmac");
        change(c.strict, false, "strict mode");
        change(c.routes, {}, "virtual_routes");
        change(c.garp_master_repeat, std::max(c.garp_master_repeat, 1U), "garp_master_repeat 0");
        if (c.auth_type != config::AuthType::Pass || c.version != 2) {
            change(c.auth_type, config::AuthType::None, "authentication");
            c.auth_pass.clear();
        }
        if (c.priority == kOwner) {
            change(c.nopreempt, false, "nopreempt");
            change(c.preempt_delay, Micros{0}, "preempt_delay");
        }
    }

    // All are on eth0, and each is of one instance.
    void take_addresses(std::vector<config::VirtualAddress>& addresses) {
        std::erase_if(addresses, [&](const config::VirtualAddress& address) {
            if (addresses_.insert(address.prefix.address).second) return false;
            leave_out(fmt::format("{} (it is there already)", address.prefix.to_string()));
            return true;
        });
        for (auto& address : addresses) {
            change(address.dev, {}, "dev of addresses");
            change(address.no_track, false, "no_track");
            leave_out(address.more);
            address.more.reset();
        }
    }

    // Weights would make the members of a sync group disagree, and an owner has none.
    void track(config::Instance& c) {
        const auto is_left_out = [&](const auto& tracked) {
            const bool weightless = !c.sync_group.empty() || c.priority == kOwner;
            if (tracked.weight != 0 && weightless) return leave_out("the weight of " + tracked.name), true;
            if (tracked.weight == 0 && tracked.reverse) return leave_out("reverse of " + tracked.name), true;
            return false;
        };
        c.track_scripts.erase_if(is_left_out);
        c.track_scripts.erase_if([&](const config::TrackedScript& t) { return t.name != script_; });
        c.track_interfaces.erase_if(is_left_out);
        std::set<std::string> seen;
        c.track_interfaces.erase_if([&](config::TrackedInterface& t) {
            const std::string name = std::exchange(t.name, interfaces_.contains(t.name) ? kInterface : kUplink);
            if (seen.insert(t.name).second) return false;
            leave_out("track_interface " + name);
            return true;
        });
    }

    // The members of a group move together: they have the priority and preemption of the first one.
    void represent(const config::SyncGroup& recorded, config::Config& made) {
        of("sync group " + recorded.name);
        config::SyncGroup group;
        group.name = recorded.name;
        leave_out(recorded.more);
        if (!recorded.track_interfaces.empty()) leave_out("track_interface");
        if (!recorded.track_scripts.empty()) leave_out("track_script");
        const config::Instance* first = nullptr;
        for (auto& c : made.instances) {
            if (c.sync_group != group.name) continue;
            group.members.push_back(c.name);
            if (first == nullptr) first = &c;
            change(c.priority, first->priority, "priorities that differ");
            change(c.nopreempt, first->nopreempt, "nopreempt of some members");
            change(c.preempt_delay, first->preempt_delay, "preempt_delay of some members");
        }
        end();
        if (!group.members.empty()) made.sync_groups.push_back(std::move(group));
    }

    const config::Config& config_;
    std::vector<std::string>& left_out_;
    std::string object_;
    std::vector<std::string> words_;
    std::set<std::string> interfaces_;  // that instances are on
    std::set<std::pair<std::uint8_t, Family>> virtual_routers_;
    std::set<IpAddress> addresses_;
    std::string script_;
};

}  // namespace

config::Config represented(const config::Config& config, std::vector<std::string>& left_out) {
    return Representation{config, left_out}.make();
}

}  // namespace mainstay::sim
