#include "plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>

namespace mainstay::sim {

using namespace std::chrono_literals;

namespace {

constexpr std::uint8_t kPriorities[] = {1, 50, 99, 100, 100, 100, 101, 150, 200, 253, 254};
constexpr Micros kShortIntervals[] = {10ms, 10ms, 20ms, 50ms, 100ms, 250ms};
constexpr std::int64_t kDriftMax = 500;  // ppm; a quartz is within 100
constexpr Nanos kAnnounceDelay = 5s;     // the longest garp_*_delay that is drawn

// What all directors of this LAN agree on for one virtual router.
struct Shared {
    config::Instance base;
    bool in_group = false;
    int script_weight = 0;  // when tracked at all
};

// 10.100.0.0/16 dev eth0, and so on.
config::VirtualRoute virtual_route(std::size_t n) {
    config::VirtualRoute route;
    route.more.edit().values = {{"dev", config::WordList{kInterface}},
                                {"to", Prefix{IpAddress::v4(0x0a64'0000 + static_cast<std::uint32_t>(n << 16)), 16}}};
    return route;
}

class Drawing {
public:
    Drawing(Random& random, const Wish& wish) : random_{random}, wish_{wish} {}

    Plan draw() {
        routers_ =
            wish_.routers != 0 ? std::min(wish_.routers, kRoutersMax) : 2 + random_.below(random_.chance(300) ? 5 : 2);
        const std::size_t count = wish_.virtual_routers != 0 ? wish_.virtual_routers : 1 + random_.below(4);
        plan_.plain = wish_.plain;
        plan_.interval = wish_.interval.value_or(random_.chance(600) ? 1s : random_.one_of(kShortIntervals));
        plan_.grouped = !wish_.plain && count > 1 && random_.chance(400);
        plan_.announces = wish_.plain || random_.chance(500);
        scripted_ = !wish_.plain && random_.chance(400);
        uplink_ = !wish_.plain && random_.chance(250);
        script_weight_ = random_.chance(500) ? 0 : static_cast<int>(random_.below(101)) - 50;
        uplink_weight_ = random_.chance(500) ? 0 : static_cast<int>(random_.below(101)) - 50;
        down_adverts_ = wish_.plain || random_.chance(800) ? 3 : random_.chance(500) ? 2 : 5;
        owner_ = !wish_.plain && random_.chance(80);
        two_owners_ = owner_ && random_.chance(400);
        mixed_ = !wish_.plain && plan_.interval < 1s && random_.chance(200);
        for (std::size_t n = 0; n < count; ++n) shared_.push_back(draw_shared(n, count));
        for (std::size_t r = 0; r < routers_; ++r) plan_.configs.push_back(draw_config(r));
        for (std::size_t r = 0; r < routers_; ++r) plan_.drifts_ppm.push_back(wish_.plain ? 0 : draw_drift(random_));
        for (std::size_t r = 0; r < routers_; ++r)
            plan_.addresses.push_back({address_of(r, Family::V4), address_of(r, Family::V6)});
        plan_.intervals.assign(count, plan_.interval);
        plan_.announce_delay = kAnnounceDelay;
        return std::move(plan_);
    }

private:
    Shared draw_shared(std::size_t n, std::size_t count) {
        Shared shared;
        config::Instance& c = shared.base;
        c.name = fmt::format("VI_{}", n + 1);
        c.interface = kInterface;
        c.family = random_.chance(300) ? Family::V6 : Family::V4;
        // Both families may share a VRID: they are different virtual routers.
        c.virtual_router_id = static_cast<std::uint8_t>(51 + n);
        if (n == 1 && c.family != shared_[0].base.family) c.virtual_router_id = shared_[0].base.virtual_router_id;
        const bool whole_seconds = plan_.interval % 1s == Micros{0};
        c.version = whole_seconds && c.family == Family::V4 && random_.chance(600) ? 2 : 3;
        c.advert_int = plan_.interval;
        c.down_timer_adverts = down_adverts_;
        if (c.version == 2 && random_.chance(250)) {
            c.auth_type = config::AuthType::Pass;
            c.auth_pass = "secret";
        }
        c.higher_prio_send_advert = plan_.announces;
        c.garp_master_delay = random_.chance(200) ? Micros{0} : Micros{5s};
        c.garp_lower_prio_delay = random_.chance(200) ? Micros{0} : Micros{5s};
        c.garp_master_refresh = random_.chance(200) ? Micros{60s} : Micros{0};
        if (!wish_.plain && !plan_.announces && random_.chance(200)) c.lower_prio_no_advert = true;
        for (std::uint32_t k = 0; k <= random_.below(3); ++k)
            c.addresses.push_back({.prefix = virtual_address(n, c.family, k)});
        if (!wish_.plain && random_.chance(300))
            c.excluded_addresses.push_back({.prefix = virtual_address(n, Family::V4, 100)});
        if (n % 2 == 0) c.routes.push_back(virtual_route(n));  // no draw: histories stay what they were
        if (!wish_.plain && random_.chance(250)) c.unicast_peers.edit().resize(1);  // filled in for each director
        shared.in_group = plan_.grouped && (n < 2 || count == 2 || random_.chance(500));
        shared.script_weight = script_weight_;
        return shared;
    }

    config::Config draw_config(std::size_t router) {
        config::Config config;
        if (!wish_.plain && random_.chance(100))
            config.global.vrrp_startup_delay = plan_.interval * static_cast<int>(1 + random_.below(8));
        if (scripted_) config.scripts.push_back(draw_script());
        const std::uint8_t group_priority = random_.one_of(kPriorities);
        const Preemption group_preemption = draw_preemption();
        // Version 3 lets directors disagree about the interval: a backup learns the master's.
        const Micros interval = mixed_ && random_.chance(500) ? plan_.interval / 10'000 / 2 * 10'000 : plan_.interval;
        for (const Shared& shared : shared_) {
            config::Instance c = shared.base;
            c.advert_int = std::max<Micros>(interval, 10ms);
            const Preemption own = draw_preemption();
            const Preemption& preemption = shared.in_group ? group_preemption : own;
            c.nopreempt = preemption.never;
            c.preempt_delay = preemption.delay;
            c.priority = shared.in_group ? group_priority : random_.one_of(kPriorities);
            if (wish_.plain) c.priority = static_cast<std::uint8_t>(200 - std::min<std::size_t>(router, 19) * 10);
            if ((owner_ && router == 0) || (two_owners_ && router == 1)) c.priority = kOwner;
            if (c.priority == kOwner) c.nopreempt = false, c.preempt_delay = Micros{0};
            if (!wish_.plain && !shared.in_group && !c.nopreempt && c.preempt_delay == Micros{0})
                c.initial_master = random_.chance(200);
            if (shared.in_group) c.sync_group = "G";
            track(c, shared);
            if (!c.unicast_peers.empty()) address_peers(c, router);
            config.instances.push_back(std::move(c));
        }
        if (plan_.grouped) {
            config::SyncGroup group;
            group.name = "G";
            for (const auto& c : config.instances)
                if (!c.sync_group.empty()) group.members.push_back(c.name);
            config.sync_groups.push_back(std::move(group));
        }
        return config;
    }

    struct Preemption {
        bool never = false;
        Micros delay{0};
    };
    Preemption draw_preemption() {
        if (wish_.plain || random_.chance(500)) return {};
        if (random_.chance(500)) return {.never = true};
        return {.delay = plan_.interval * static_cast<int>(1 + random_.below(12))};
    }

    // Weights of trackers make the members of a sync group disagree, so there only weight 0 is used.
    void track(config::Instance& c, const Shared& shared) {
        const bool owner = c.priority == kOwner;
        // Not every member of a group is tracked by the same things; their faults are shared nevertheless.
        if (scripted_ && (!shared.in_group || random_.chance(600))) {
            const int weight = shared.in_group ? 0 : shared.script_weight;
            if (!owner || weight == 0) c.track_scripts.push_back({"chk", weight, weight != 0 && random_.chance(100)});
        }
        if (uplink_ && (!shared.in_group || random_.chance(600))) {
            const int weight = shared.in_group ? 0 : uplink_weight_;
            if (!owner || weight == 0)
                c.track_interfaces.push_back({kUplink, weight, weight != 0 && random_.chance(100)});
        }
        if (!wish_.plain && !shared.in_group) c.dont_track_primary = random_.chance(60);
    }

    config::TrackScript draw_script() {
        config::TrackScript script;
        script.name = "chk";
        script.interval = script.timeout = std::max<Micros>(plan_.interval / 2, 50ms);
        plan_.script_settles = script.interval * 5;
        script.rise = static_cast<std::uint32_t>(1 + random_.below(3));
        script.fall = static_cast<std::uint32_t>(1 + random_.below(3));
        script.init_fail = random_.chance(150);
        return script;
    }

    void address_peers(config::Instance& c, std::size_t router) const {
        c.unicast_peers.clear();
        c.source = address_of(router, c.family);
        for (std::size_t other = 0; other < routers_; ++other)
            if (other != router) c.unicast_peers.push_back({.address = address_of(other, c.family)});
    }

    Random& random_;
    const Wish& wish_;
    Plan plan_;
    std::size_t routers_ = 0;
    std::vector<Shared> shared_;
    bool scripted_ = false, uplink_ = false, owner_ = false, two_owners_ = false, mixed_ = false;
    int script_weight_ = 0, uplink_weight_ = 0;
    std::uint32_t down_adverts_ = 3;
};

}  // namespace

std::int64_t draw_drift(Random& random) {
    return static_cast<std::int64_t>(random.below(2 * kDriftMax + 1)) - kDriftMax;
}

Plan draw_plan(Random& random, const Wish& wish) { return Drawing{random, wish}.draw(); }

namespace {

// Network order; the last two pairs of bytes are given.
IpAddress v6(std::uint16_t first, std::uint16_t second, std::size_t seventh, std::size_t eighth) {
    std::array<std::byte, 16> bytes{};
    const auto put = [&](std::size_t at, std::size_t value) {
        bytes[at] = static_cast<std::byte>(value >> 8 & 0xff);
        bytes[at + 1] = static_cast<std::byte>(value & 0xff);
    };
    put(0, first), put(2, second), put(12, seventh), put(14, eighth);
    return IpAddress::v6(std::span<const std::byte, 16>{bytes});
}

}  // namespace

IpAddress address_of(std::size_t router, Family family) {
    if (family == Family::V4) return IpAddress::v4(0x0a00'0001 + static_cast<std::uint32_t>(router));
    return v6(0xfe80, 0, 0, router + 1);
}

Prefix virtual_address(std::size_t virtual_router, Family family, std::uint32_t number) {
    if (family == Family::V4)
        return {IpAddress::v4(0x0a09'0000 + static_cast<std::uint32_t>(virtual_router) * 256 + number), 32};
    return {v6(0x2001, 0xdb8, virtual_router + 1, number + 1), 128};
}

std::size_t virtual_router_of(const Prefix& prefix) {
    const auto bytes = prefix.address.bytes();
    return prefix.address.is_v4() ? std::to_integer<std::size_t>(bytes[2])
                                  : std::to_integer<std::size_t>(bytes[13]) - 1;
}

}  // namespace mainstay::sim
