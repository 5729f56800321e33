// The directors around a recorded one: how many there are, what they are configured with, and the state of each.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "beginning.hpp"

namespace mainstay::sim {

using namespace std::chrono_literals;
using namespace vrrp;

namespace {

constexpr std::size_t kPeersMax = kRoutersMax - 1;
constexpr int kPriorityStep = 10;  // by which a router that was not heard is less preferred

class Directors {
public:
    Directors(const Recorded& recorded, Beginning& beginning)
        : recorded_{recorded}, beginning_{beginning}, plan_{beginning.plan} {}

    void add() {
        for (const auto& c : recorded_.config.instances)
            for (const auto* list : {&c.addresses, &*c.excluded_addresses})
                for (const auto& address : *list) used_.insert(address.prefix.address);
        plan_.addresses.push_back({own_address(Family::V4), own_address(Family::V6)});
        find_peers();
        for (std::size_t i = 0; i < plan_.addresses.size(); ++i) plan_.configs.push_back(config_of(i));
        for (const auto& group : recorded_.config.sync_groups) separate_equals(group.name);
        describe_plan();
        for (std::size_t i = 0; i < plan_.addresses.size(); ++i) beginning_.states.push_back(state_of(i));
    }

private:
    [[nodiscard]] IpAddress address(std::size_t director, Family family) const {
        return plan_.addresses[director][family == Family::V4 ? 0 : 1];
    }
    IpAddress unused(Family family) {
        for (std::size_t k = 0;; ++k)
            if (const IpAddress free = address_of(k, family); used_.insert(free).second) return free;
    }
    void line(std::string text) { beginning_.left_out.push_back(std::move(text)); }

    // A director has one address of each family, and it is no virtual one.
    IpAddress own_address(Family family) {
        std::set<IpAddress> sources;
        std::optional<IpAddress> own;
        bool needed = false;
        for (std::size_t n = 0; n < recorded_.config.instances.size(); ++n) {
            if (recorded_.config.instances[n].family != family) continue;
            needed = true;
            const IpAddress source =
                n < recorded_.own.size() ? recorded_.own[n][family == Family::V4 ? 0 : 1] : IpAddress{};
            if (source.empty()) continue;
            if (!own) own = source;
            sources.insert(source);
        }
        if (sources.size() > 1)
            line(fmt::format("r0 has one address of each family: {} stands for {} of them", own->to_string(),
                             sources.size()));
        if (own && used_.insert(*own).second) return *own;
        const IpAddress free = unused(family);
        if (needed)
            line(fmt::format("r0 has the address {} here: its own is {}", free.to_string(),
                             own ? "a virtual one" : "not known"));
        return free;
    }

    // Each source on an interface is a router. Which sources of several interfaces and families are one router's is not
    // known: they are paired in order.
    void find_peers() {
        for (const auto& both : recorded_.own)
            for (const auto& source : both) used_.insert(source);
        std::map<Wire, std::set<IpAddress>> sources;
        for (std::size_t n = 0; n < recorded_.config.instances.size(); ++n) {
            const auto& c = recorded_.config.instances[n];
            const auto add = [&](const IpAddress& source) {
                if (!source.empty() && !used_.contains(source)) sources[wire_of(n)].insert(source);
            };
            for (const auto& [key, router] : recorded_.heard)
                if (std::get<0>(key) == c.virtual_router_id && std::get<1>(key) == c.family) add(std::get<2>(key));
            for (const auto& peer : c.unicast_peers) add(peer.address);
            if (!recorded_.snapshot.instances.empty()) add(recorded_.snapshot.instances[n].master);
        }
        std::size_t count = 0;
        for (const auto& [wire, on_it] : sources) {
            count = std::max(count, on_it.size());
            used_.insert(on_it.begin(), on_it.end());
            sources_[wire].assign(on_it.begin(), on_it.end());
        }
        if (count == 0) line("no other router was heard: r1 is one with lower priorities");
        if (count > kPeersMax) line(fmt::format("left out: {} of the routers that were heard", count - kPeersMax));
        count = std::clamp<std::size_t>(count, 1, kPeersMax);
        for (std::size_t k = 0; k < count; ++k)
            plan_.addresses.push_back({peer_address(k, Family::V4), peer_address(k, Family::V6)});
    }

    using Wire = std::pair<Family, std::string>;  // and the recorded interface
    [[nodiscard]] Wire wire_of(std::size_t n) const {
        return {recorded_.config.instances[n].family, recorded_.interfaces.at(n)};
    }

    IpAddress peer_address(std::size_t k, Family family) {
        std::vector<IpAddress> all;
        for (const auto& [wire, on_it] : sources_)
            if (wire.first == family && k < on_it.size() && std::ranges::find(all, on_it[k]) == all.end())
                all.push_back(on_it[k]);
        if (all.empty()) return unused(family);
        for (std::size_t other = 1; other < all.size(); ++other)
            line(fmt::format("r{} has one address of each family: {} stands for {} too", k + 1, all[0].to_string(),
                             all[other].to_string()));
        return all[0];
    }

    // What the recorded director knows a peer by in an instance; empty: it does not know it there.
    [[nodiscard]] IpAddress source_of(std::size_t director, std::size_t n) const {
        const auto on_it = sources_.find(wire_of(n));
        const bool is_known = director > 0 && on_it != sources_.end() && director <= on_it->second.size();
        return is_known ? on_it->second[director - 1] : IpAddress{};
    }

    [[nodiscard]] std::optional<HeardRouter> heard(std::size_t director, std::size_t n) const {
        const auto& c = recorded_.config.instances[n];
        const IpAddress source = source_of(director, n);
        if (source.empty()) return std::nullopt;
        const auto found = recorded_.heard.find({c.virtual_router_id, c.family, source});
        if (found != recorded_.heard.end() && found->second.priority != 0) return found->second;
        if (recorded_.snapshot.instances.empty()) return std::nullopt;
        const auto& state = recorded_.snapshot.instances[n];
        if (state.state == State::Master || state.master != source || state.master_priority == 0) return std::nullopt;
        return HeardRouter{state.master_priority, state.master_interval, recorded_.now, {}};
    }

    // What a router is configured with that advertises this priority while everything it tracks is up.
    static std::uint8_t base_priority(const config::Instance& c, std::uint8_t advertised) {
        if (advertised == kOwner) return kOwner;
        int base = advertised;
        const auto subtract = [&](const auto& tracked) {
            if (tracked.weight > 0) base -= tracked.reverse ? -tracked.weight : tracked.weight;
        };
        std::ranges::for_each(c.track_scripts, subtract);
        std::ranges::for_each(c.track_interfaces, subtract);
        return static_cast<std::uint8_t>(std::clamp(base, 1, 254));
    }

    config::Config config_of(std::size_t director) {
        config::Config config = recorded_.config;
        for (std::size_t n = 0; n < config.instances.size(); ++n) {
            auto& c = config.instances[n];
            if (!c.unicast_peers.empty()) address_peers(c, director);
            if (director == 0) continue;
            const auto advert = heard(director, n);
            const int lower = std::min<int>(c.priority, 254) - kPriorityStep * static_cast<int>(director);
            c.priority = advert ? base_priority(c, advert->priority) : static_cast<std::uint8_t>(std::max(lower, 1));
            if (advert && c.version == 3 && advert->interval >= Micros{10ms}) c.advert_int = advert->interval;
        }
        if (director != 0) unify_groups(director, config);
        for (auto& c : config.instances) {
            if (c.priority != kOwner) continue;
            c.nopreempt = false;
            c.preempt_delay = Micros{0};
            const auto has_weight = [](const auto& tracked) { return tracked.weight != 0; };
            c.track_scripts.erase_if(has_weight);
            c.track_interfaces.erase_if(has_weight);
        }
        return config;
    }

    void address_peers(config::Instance& c, std::size_t director) const {
        c.unicast_peers.clear();
        c.source = address(director, c.family);
        for (std::size_t other = 0; other < plan_.addresses.size(); ++other)
            if (other != director) c.unicast_peers.push_back({.address = address(other, c.family)});
    }

    // The members of a sync group have one priority: that of the first one that was heard.
    void unify_groups(std::size_t director, config::Config& config) {
        for (const auto& group : config.sync_groups) {
            std::set<std::uint8_t> advertised;
            std::optional<std::uint8_t> priority;
            for (std::size_t n = 0; n < config.instances.size(); ++n) {
                const auto& c = config.instances[n];
                if (c.sync_group != group.name || !heard(director, n)) continue;
                advertised.insert(c.priority);
                if (!priority) priority = c.priority;
            }
            if (advertised.size() > 1)
                line(fmt::format("left out of sync group {}: different priorities of r{}", group.name, director));
            for (auto& c : config.instances)
                if (c.sync_group == group.name && priority) c.priority = *priority;
        }
    }

    // Whether the higher IPv4 address is that of the director with the higher IPv6 address, for each two of them.
    [[nodiscard]] bool families_agree() const {
        const auto& all = plan_.addresses;
        for (std::size_t a = 0; a < all.size(); ++a)
            for (std::size_t b = 0; b < a; ++b)
                if ((all[a][0] < all[b][0]) != (all[a][1] < all[b][1])) return false;
        return true;
    }

    // Of two directors with one priority the higher address wins. If that is another one for the IPv4 than for the IPv6
    // members of a sync group, the group is never at peace, with any implementation: then no two priorities are equal.
    void separate_equals(const std::string& group) {
        const auto is_member = [&](const config::Instance& c) { return c.sync_group == group; };
        std::set<Family> families;
        for (const auto& c : recorded_.config.instances)
            if (is_member(c)) families.insert(c.family);
        if (families.size() < 2 || families_agree()) return;
        std::set<int> taken;
        for (std::size_t i = 0; i < plan_.configs.size(); ++i) {
            auto& instances = plan_.configs[i].instances;
            const int wanted = std::ranges::find_if(instances, is_member)->priority;
            int free = wanted;
            while (free > 1 && taken.contains(free)) --free;
            while (taken.contains(free)) ++free;
            taken.insert(free);
            if (free == wanted) continue;
            line(fmt::format(
                "r{} has priority {} in sync group {}: {} is another one's, and their IPv4 and IPv6 addresses "
                "prefer different routers",
                i, free, group, wanted));
            for (auto& c : instances)
                if (is_member(c)) c.priority = static_cast<std::uint8_t>(free);
        }
    }

    void describe_plan() {
        const auto& own = plan_.configs[0];
        for (const auto& c : own.instances) plan_.intervals.push_back(c.advert_int);
        for (const auto& config : plan_.configs)
            for (const auto& c : config.instances) plan_.interval = std::max(plan_.interval, c.advert_int);
        plan_.announce_delay = 5s;
        plan_.announces = true;
        for (const auto& c : own.instances) {
            plan_.announce_delay =
                std::max<Nanos>({plan_.announce_delay, c.garp_master_delay, c.garp_lower_prio_delay});
            plan_.announces = plan_.announces && c.higher_prio_send_advert && !c.lower_prio_no_advert;
        }
        plan_.grouped = !own.sync_groups.empty();
        for (const auto& script : own.scripts)
            plan_.script_settles = script.interval * static_cast<std::int64_t>(script.rise + 2);
    }

    // Of virtual router n: the director that is its master as far as the recorded one knows.
    [[nodiscard]] std::optional<std::size_t> master_of(std::size_t n) const {
        const auto& state = recorded_.snapshot.instances[n];
        if (state.state == State::Master) return 0;
        for (std::size_t i = 1; i < plan_.addresses.size(); ++i)
            if (state.state == State::Backup && !state.master.empty() && source_of(i, n) == state.master) return i;
        return std::nullopt;
    }

    // Whether a peer is master of it. A member of a sync group is only with all the others.
    [[nodiscard]] bool rules(std::size_t director, std::size_t n) const {
        const auto& instances = plan_.configs[0].instances;
        for (std::size_t m = 0; m < instances.size(); ++m) {
            const bool together =
                !instances[n].sync_group.empty() && instances[m].sync_group == instances[n].sync_group;
            if ((m == n || together) && master_of(m) != director) return false;
        }
        return true;
    }

    [[nodiscard]] RouterSnapshot state_of(std::size_t director) const {
        if (director == 0 || recorded_.snapshot.instances.empty()) return recorded_.snapshot;
        RouterSnapshot state;
        for (std::size_t n = 0; n < plan_.configs[director].instances.size(); ++n)
            state.instances.push_back(state_of_instance(director, n));
        for (const auto& script : plan_.configs[director].scripts)
            state.scripts.push_back({.name = script.name, .known = true, .up = true});
        return state;
    }

    [[nodiscard]] InstanceSnapshot state_of_instance(std::size_t director, std::size_t n) const {
        const auto& c = plan_.configs[director].instances[n];
        InstanceSnapshot state;
        state.name = c.name;
        state.interface = c.interface;
        state.group = c.sync_group;
        state.virtual_router_id = c.virtual_router_id;
        state.version = c.version;
        state.family = c.family;
        const auto advert = heard(director, n);
        state.base_priority = c.priority;
        state.effective_priority = advert ? advert->priority : c.priority;
        const auto master = master_of(n);
        state.state = rules(director, n) ? State::Master : State::Backup;
        state.owns_addresses = state.state == State::Master;
        state.master_interval = master ? plan_.configs[*master].instances[n].advert_int : c.advert_int;
        if (master) {
            const auto theirs = heard(*master, n);
            state.master = address(*master, c.family);
            state.master_priority = *master == 0 ? recorded_.snapshot.instances[n].effective_priority
                                    : theirs     ? theirs->priority
                                                 : plan_.configs[*master].instances[n].priority;
        }
        const Instant now = recorded_.now;
        const Nanos skew =
            (c.version == 2 ? Nanos{1s} : Nanos{state.master_interval}) * (256 - state.effective_priority) / 256;
        if (state.state == State::Master)
            state.deadline = std::clamp(advert ? advert->last + c.advert_int : now, now, now + c.advert_int);
        else
            state.deadline = now + Nanos{state.master_interval} * c.down_timer_adverts + skew;
        return state;
    }

    const Recorded& recorded_;
    Beginning& beginning_;
    Plan& plan_;
    std::set<IpAddress> used_;
    std::map<Wire, std::vector<IpAddress>> sources_;  // of the peers: the first is r1's, the second r2's
};

}  // namespace

void add_directors(const Recorded& recorded, Beginning& beginning) { Directors{recorded, beginning}.add(); }

}  // namespace mainstay::sim
