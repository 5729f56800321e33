// What goes wrong on the simulated LAN, one thing at a time.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "lan.hpp"

namespace mainstay::sim {

using namespace std::chrono_literals;
using namespace vrrp;

namespace {
constexpr Micros kIntervalMax = 255s;  // of version 2
}

void Lan::one_trouble() {
    ++statistics_.faults;
    const std::size_t i = random_.below(hosts_.size());
    Host& host = hosts_[i];
    const bool runs = host.router && !host.paused;
    switch (random_.below(20)) {
        case 0:
        case 1:
            if (runs) return random_.chance(700) ? crash_for_a_while(i) : stop(i);
            return !host.router ? start(i, random_.chance(600)) : resume(i);
        case 2:
            return !host.router ? start(i, random_.chance(600)) : resume(i);
        case 3:
        case 4:
            return host.paused ? resume(i) : pause(i);
        case 5:
            return set_link(i, 0, !host.link().up);
        case 6:
            return set_link(i, 1, !host.links[1].up);
        case 7:
            return replace_interface(i, random_.chance(500));
        case 8:
            return random_.chance(500) ? partition() : cut_randomly();
        case 9:
            return join();
        case 10:
            loss_per_mille_ = static_cast<unsigned>(random_.below(3) * 150);
            duplicates_per_mille_ = static_cast<unsigned>(random_.below(2) * 200);
            return trace_line(nullptr, "loss {} and duplicates {} in 1000", loss_per_mille_, duplicates_per_mille_);
        case 11:
            host.script_good = !host.script_good;
            return trace_line(&host, "{}", host.script_good ? "the script is good again" : "the script begins to fail");
        case 12:
            host.kernel_refuses = random_.chance(250);
            steal_address(i);
            if (host.kernel_refuses && !violation_ && random_.chance(300)) reload(i, random_.chance(500));
            return;
        case 13:
            return reload(i, true);
        case 14:
            return replay();
        case 15:
        case 16: {
            const std::size_t n = random_.below(host.states.size());
            return random_.chance(800) ? fail_over(i, n) : fail_back(i, n);
        }
        case 17:
            return maintain(i, !host.maintenance);
        default:
            return forge();
    }
}

// A packet that the network has held back for long, or delivers once more.
void Lan::replay() {
    if (kept_.empty()) return;
    const auto packet = kept_[random_.below(kept_.size())];
    Host& to = hosts_[random_.below(hosts_.size())];
    if (packet->source == address(to.index, packet->source.family())) return;
    if (!packet->destination.is_multicast() && packet->destination != address(to.index, packet->source.family()))
        return;
    trace_line(&to, "is sent an old packet again: VRID {} priority {} from {}", packet->advert.virtual_router_id,
               packet->advert.priority, packet->source.to_string());
    deliver(to, packet);
}

void Lan::crash(std::size_t i) {
    Host& host = hosts_[i];
    trace_line(&host, "crashes");
    host.router.reset();
    host.paused = false;
    host.inbox.clear();
    host.netlink.clear();
    host.results.clear();
    host.wake.reset();
}

// Often it is back about when its peers lose patience.
void Lan::crash_for_a_while(std::size_t i) {
    crash(i);
    if (random_.chance(500)) return;
    pass(random_.up_to(Nanos{plan_.interval} * 6));
    if (!violation_) start(i, random_.chance(800));
}

// In order: priority 0, then the addresses go.
void Lan::stop(std::size_t i) {
    Host& host = hosts_[i];
    if (!host.router) return;
    resume(i);
    if (violation_) return;
    trace_line(&host, "stops in order");
    host.witness.shutdown();
    finish(host, host.router->step(Shutdown{}, host.clock.local(now_)));
}

void Lan::start(std::size_t i, bool with_block) {
    Host& host = hosts_[i];
    if (host.router) return;
    with_block = with_block && host.has_block;
    const bool forgets = sabotage_ == Sabotage::ForgetsState;
    trace_line(&host, "{}", with_block ? "starts, going on from the state block" : "starts");
    ++host.incarnation;
    const Instant now = host.clock.local(now_);
    if (!host.record.empty())
        host.recorder = std::make_unique<record::Recorder>(std::as_writable_bytes(std::span{host.record}),
                                                           kRecordVersion, [this] { return wall_time(); });
    host.router.emplace(vrrp::Router{host.config}, host.recorder.get());
    host.witness.send_maintenance(host.maintenance);
    if (host.maintenance) (void)host.router->step(Maintenance{true}, now);
    for (std::size_t k = 0; k < host.links.size(); ++k) {
        const InterfaceFact fact = forgets ? host.links[k] : link_fact(host, k);
        host.witness.observe(fact);
        (void)host.router->step(fact, now);
    }
    for (auto& heard : host.heard) heard = {};
    if (!with_block) host.states.assign(host.states.size(), State::Init);
    host.witness.start(now, with_block);
    const RouterSnapshot block = host.block;
    starting_ = true;
    finish(host, host.router->start(now, with_block && !forgets ? &block : nullptr));
    starting_ = false;
}

void Lan::pause(std::size_t i) {
    Host& host = hosts_[i];
    if (!host.router || host.paused) return;
    trace_line(&host, "is paused");
    host.paused = true;
}

// The role's rule: what netlink and the sockets hold is read before any deadline fires.
void Lan::resume(std::size_t i) {
    Host& host = hosts_[i];
    if (!host.paused) return;
    trace_line(&host, "runs again, {} packets wait", host.inbox.size());
    host.paused = false;
    if (sabotage_ == Sabotage::DeadlinesFirst) deadline(host);
    for (const Fact& fact : std::exchange(host.netlink, {})) {
        if (violation_) return;
        const Instant now = host.clock.local(now_);
        if (const auto* lost = std::get_if<AddressLost>(&fact)) {
            address_lost(host, *lost);
        } else {
            host.witness.link(now, std::get<InterfaceFact>(fact));
            finish(host, host.router->step(fact, now));
        }
    }
    while (!host.inbox.empty() && !violation_) {
        const auto packet = host.inbox.front();
        host.inbox.erase(host.inbox.begin());
        hear(host, *packet);
    }
    if (!violation_) deadline(host);
    for (const bool good : std::exchange(host.results, {}))
        if (!violation_) script_ends(host, good);
}

void Lan::set_link(std::size_t i, std::size_t interface, bool up) {
    Host& host = hosts_[i];
    auto& link = host.links[interface];
    if (link.up == up || link.index == 0) return;
    trace_line(&host, "{} goes {}", link.name, up ? "up" : "down");
    link.up = up;
    report_link(host, interface);
}

// Deleted and made again: all its addresses are gone. `at_once`: the director sees only the new one.
void Lan::replace_interface(std::size_t i, bool at_once) {
    Host& host = hosts_[i];
    auto& link = host.link();
    if (!link.up || host.paused) return;
    trace_line(&host, "{}", at_once ? "eth0 is replaced" : "eth0 is deleted and made again");
    for (const auto& held : host.kernel)
        if (host.router) host.missing.insert(held);
    host.kernel.clear();
    const auto index = link.index + 10;
    if (!at_once && host.router) {
        const InterfaceFact gone{.name = kInterface};
        const Instant now = host.clock.local(now_);
        host.witness.link(now, gone);
        finish(host, host.router->step(gone, now));
    }
    link.index = index;
    if (!violation_) report_link(host, 0);
}

void Lan::steal_address(std::size_t i) {
    Host& host = hosts_[i];
    if (host.kernel.empty()) return;
    auto stolen = host.kernel.begin();
    std::advance(stolen, static_cast<std::ptrdiff_t>(random_.below(host.kernel.size())));
    const AddressLost lost{stolen->first, stolen->second};
    trace_line(&host, "somebody removes {}", lost.address.to_string());
    host.kernel.erase(stolen);
    if (!host.router) return;
    host.missing.insert({lost.interface, lost.address});
    if (host.paused)
        host.netlink.emplace_back(lost);
    else
        address_lost(host, lost);
}

void Lan::fail_over(std::size_t i, std::size_t n) {
    Host& host = hosts_[i];
    if (!host.router || host.paused) return;
    trace_line(&host, "is to hand {} over", name_of(n));
    const Instant now = host.clock.local(now_);
    host.witness.fail_over(now, n);
    finish(host, host.router->step(FailOver{static_cast<InstanceId>(n)}, now));
}

void Lan::fail_back(std::size_t i, std::size_t n) {
    Host& host = hosts_[i];
    if (!host.router || host.paused) return;
    trace_line(&host, "may preempt {} again", name_of(n));
    host.witness.fail_back(n);
    finish(host, host.router->step(FailBack{static_cast<InstanceId>(n)}, host.clock.local(now_)));
}

void Lan::maintain(std::size_t i, bool on) {
    Host& host = hosts_[i];
    if (host.paused || host.maintenance == on) return;
    host.maintenance = on;
    trace_line(&host, "{} maintenance", on ? "begins" : "ends");
    if (!host.router) return;
    const Instant now = host.clock.local(now_);
    host.witness.maintain(now, on);
    finish(host, host.router->step(Maintenance{on}, now));
}

// Other addresses; with `everything` also other priorities and intervals.
void Lan::reload(std::size_t i, bool everything) {
    Host& host = hosts_[i];
    if (!host.router || host.paused) return;
    const auto priority = static_cast<std::uint8_t>(1 + random_.below(254));
    const bool slower = random_.chance(300);
    for (std::size_t n = 0; n < host.config.instances.size(); ++n) {
        auto& c = host.config.instances[n];
        if (everything && c.priority != 255 && (!c.sync_group.empty() || random_.chance(500))) c.priority = priority;
        const Micros interval = plan_.intervals[n];
        if (everything && c.version == 2) c.advert_int = slower ? std::min(interval * 2, kIntervalMax) : interval;
        if (everything && c.version == 3)
            c.advert_int = slower ? interval : std::max<Micros>(interval / 20ms * 10ms, 10ms);
        if (c.addresses.size() > 1 && random_.chance(500)) c.addresses.pop_back();
        const Prefix fresh = virtual_address(n, c.family, static_cast<std::uint32_t>(random_.below(8)));
        if (virtual_router_of(fresh) == n &&
            std::ranges::find(c.addresses, fresh, &config::VirtualAddress::prefix) == c.addresses.end())
            c.addresses.push_back({.prefix = fresh});
    }
    trace_line(&host, "reloads{}", everything ? fmt::format(" with priority {}", priority) : "");
    const Instant now = host.clock.local(now_);
    host.witness.reload(now, host.config);
    finish(host, host.router->reload(host.config, now));
}

void Lan::partition() {
    std::vector<bool> side;
    for (std::size_t i = 0; i <= client(); ++i) side.push_back(random_.chance(500));
    std::string text;
    for (std::size_t a = 0; a <= client(); ++a) {
        for (std::size_t b = 0; b <= client(); ++b) cuts_[a * (client() + 1) + b] = side[a] != side[b];
        if (side[a]) text += a == client() ? " client" : fmt::format(" r{}", a);
    }
    trace_line(nullptr, "is parted:{} apart from the others", text);
}

void Lan::cut_randomly() {
    const std::size_t victim = random_.below(client());
    const bool out = random_.chance(600), in = !out || random_.chance(300);
    for (std::size_t other = 0; other <= client(); ++other) {
        if (out) cuts_[victim * (client() + 1) + other] = random_.chance(800);
        if (in) cuts_[other * (client() + 1) + victim] = random_.chance(800);
    }
    trace_line(&hosts_[victim], "is cut off{}{}", out ? ", is not heard" : "", in ? ", does not hear" : "");
}

void Lan::join() {
    if (std::ranges::find(cuts_, true) == cuts_.end()) return;
    cuts_.assign(cuts_.size(), false);
    trace_line(nullptr, "is whole again");
}

std::uint8_t Lan::unknown_vrid() const {
    const auto is_known = [&](std::uint8_t vrid) {
        return std::ranges::find(plan_.configs[0].instances, vrid, &config::Instance::virtual_router_id) !=
               plan_.configs[0].instances.end();
    };
    std::uint8_t vrid = 250;
    while (is_known(vrid)) --vrid;
    return vrid;
}

// Packets that none may believe, each wrong in one way only.
void Lan::forge() {
    const std::size_t to = random_.below(hosts_.size());
    const std::size_t n = random_.below(hosts_[to].config.instances.size());
    const auto& c = hosts_[to].config.instances[n];
    Packet p;
    p.forged = true;
    p.source = random_.chance(500) ? address_of(200, c.family) : address(random_.below(hosts_.size()), c.family);
    const bool unicast = !c.unicast_peers.empty();
    const IpAddress group = IpAddress::parse(c.family == Family::V4 ? "224.0.0.18" : "ff02::12").value();
    p.destination = unicast ? address(to, c.family) : group;
    p.advert.version = c.version;
    p.advert.virtual_router_id = c.virtual_router_id;
    p.advert.priority = random_.chance(300) ? 0 : 255;
    p.advert.interval = c.advert_int;
    if (c.version == 2) p.advert.auth_type = static_cast<std::uint8_t>(c.auth_type);
    if (c.auth_type == config::AuthType::Pass)
        for (std::size_t k = 0; k < c.auth_pass.size(); ++k) p.advert.auth[k] = static_cast<std::byte>(c.auth_pass[k]);
    for (const auto& address : c.addresses) p.advert.addresses.push_back(address.prefix.address);
    const char* how = "checksum";
    switch (random_.below(7)) {
        case 0:
            if (unicast) break;
            how = "TTL";
            p.ttl = 254;
            break;
        case 1:
            how = "version";
            p.advert.version = c.version == 2 ? 3 : 2;
            break;
        case 2:
            if (c.auth_type != config::AuthType::Pass) break;
            how = "password";
            p.advert.auth[0] ^= std::byte{1};
            break;
        case 3:
            how = "VRID";
            p.advert.virtual_router_id = unknown_vrid();
            break;
        case 4:
            how = "destination";
            p.destination = unicast ? group : address(to, c.family);
            break;
        case 5:
            if (c.version != 2) break;
            how = "interval";
            p.advert.interval = c.advert_int + 1s;
            break;
        default:
            break;
    }
    p.payload = wire::encode_vrrp(p.advert, p.source, p.destination);
    if (how == std::string_view{"checksum"}) p.payload[6] ^= std::byte{0x10};
    if (random_.chance(100)) p.payload.resize(random_.below(p.payload.size()));
    trace_line(&hosts_[to], "is sent a forged packet, wrong {}", how);
    deliver(hosts_[to], std::make_shared<const Packet>(std::move(p)));
}

}  // namespace mainstay::sim
