#include "lan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace mainstay::sim {

using namespace std::chrono_literals;
using namespace vrrp;

namespace {

constexpr std::size_t kInbox = 4096;  // what a socket buffer holds; more is lost
constexpr std::size_t kKept = 8;
constexpr Nanos kWire = 20us;               // the fastest way from host to host
constexpr Nanos kScriptRuns = 100ms;        // at most
constexpr Nanos kClockStarts = 1'000'000s;  // hosts booted within so long of each other
constexpr std::int64_t kMillion = 1'000'000;

// The same advert with the highest priority.
Packet inflated(Packet packet) {
    if (packet.advert.priority == 0) return packet;
    packet.advert.priority = 255;
    packet.payload = wire::encode_vrrp(packet.advert, packet.source, packet.destination);
    return packet;
}

}  // namespace

const char* to_string(Sabotage sabotage) {
    static constexpr const char* kNames[] = {"none",          "keeps-addresses", "deaf", "mute", "deadlines-first",
                                             "forgets-state", "yields-to-anyone"};
    return kNames[static_cast<std::size_t>(sabotage)];
}

Instant HostClock::local(Instant wall) const {
    const std::int64_t elapsed = wall.time_since_epoch().count();
    return Instant{offset +
                   Nanos{elapsed + elapsed / kMillion * drift_ppm + elapsed % kMillion * drift_ppm / kMillion}};
}

Instant HostClock::wall(Instant local) const {
    const std::int64_t elapsed = (local.time_since_epoch() - offset).count();
    const std::int64_t rate = kMillion + drift_ppm;
    Instant guess{Nanos{elapsed - elapsed / rate * drift_ppm - elapsed % rate * drift_ppm / rate}};
    while (this->local(guess) > local) guess -= 1ns;
    while (this->local(guess) < local) guess += 1ns;
    return guess;
}

Lan::Lan(std::uint64_t seed, const Wish& wish, Sabotage sabotage)
    : random_{seed}, sabotage_{sabotage}, plan_{draw_plan(random_, wish)} {
    make_hosts();
}

Lan::Lan(const Beginning& beginning, std::uint64_t seed, Sabotage sabotage)
    : random_{seed}, sabotage_{sabotage}, plan_{beginning.plan}, recorded_{true} {
    plan_.drifts_ppm.clear();
    for (std::size_t i = 0; i < plan_.configs.size(); ++i) plan_.drifts_ppm.push_back(draw_drift(random_));
    make_hosts();
    for (Host& host : hosts_) adopt(host, beginning);
}

void Lan::make_hosts() {
    const std::size_t count = plan_.configs.size();
    hosts_.resize(count);
    cuts_.assign((count + 1) * (count + 1), false);
    jitter_ = std::min<Nanos>(Nanos{plan_.interval} / 20, 2ms);
    lateness_ = std::min<Nanos>(Nanos{plan_.interval} / 100, 200us);
    for (std::size_t i = 0; i < count; ++i) {
        Host& host = hosts_[i];
        host.index = i;
        host.clock = {.offset = 1'000s + random_.up_to(kClockStarts), .drift_ppm = plan_.drifts_ppm[i]};
        host.config = plan_.configs[i];
        host.links[0] = {
            .name = kInterface, .index = 2, .up = true, .addresses = {address(i, Family::V4), address(i, Family::V6)}};
        host.links[1] = {.name = kUplink, .index = 3, .up = true};
        host.witness.configure(host.config);
        host.states.assign(host.config.instances.size(), State::Init);
        host.heard.resize(host.config.instances.size());
    }
}

// As an incarnation after a crash finds its host: the state block, and what the one before has left in the kernel.
void Lan::adopt(Host& host, const Beginning& beginning) {
    if (host.index == 0) {
        host.clock.offset = beginning.now.time_since_epoch();
        host.links[0].up = beginning.links_up[0];
        host.links[1].up = beginning.links_up[1];
        host.script_good = beginning.script_good;
        host.maintenance = beginning.maintenance;
    }
    if (beginning.states[host.index].instances.empty()) return;
    host.block = beginning.states[host.index];
    host.has_block = true;
    for (std::size_t n = 0; n < host.states.size(); ++n) {
        auto& instance = host.block.instances[n];
        instance.deadline += host.clock.offset - beginning.now.time_since_epoch();
        host.states[n] = instance.state;
        if (instance.state != State::Master) continue;
        const auto& c = host.config.instances[n];
        for (std::size_t k = 0; k < c.addresses.size() + c.excluded_addresses.size(); ++k) put(host, c, k);
    }
    host.witness.remember(host.block);
}

void Lan::record(std::size_t bytes) {
    for (Host& host : hosts_) host.record.assign(bytes / sizeof(std::uint64_t), 0);
}

// ---- time ----------------------------------------------------------------------------------------------------------

void Lan::schedule(Happening what) {
    what.order = ++order_;
    queue_.push_back(std::move(what));
    std::ranges::push_heap(queue_, Later{});
}

void Lan::pass(Nanos how_long) {
    const Instant until = now_ + how_long;
    const Instant begin = now_;
    while (!violation_) {
        Host* waking = nullptr;
        for (Host& host : hosts_)
            if (host.wake && !host.paused && (waking == nullptr || *host.wake < *waking->wake)) waking = &host;
        const bool queued = !queue_.empty() && (waking == nullptr || queue_.front().at <= *waking->wake);
        if (!queued && waking == nullptr) break;
        const Instant next = queued ? queue_.front().at : *waking->wake;
        if (next > until) break;
        now_ = std::max(now_, next);
        if (!queued) {
            waking->wake.reset();
            deadline(*waking);
            continue;
        }
        std::ranges::pop_heap(queue_, Later{});
        const Happening what = std::move(queue_.back());
        queue_.pop_back();
        happen(what);
    }
    if (!violation_) now_ = until;
    statistics_.router_time += (now_ - begin) * static_cast<int>(hosts_.size());
}

void Lan::happen(const Happening& what) {
    Host& host = hosts_[what.host];
    if (what.kind == Happening::Kind::Deliver) return deliver(host, what.packet);
    if (!host.router || what.incarnation != host.incarnation) return;
    if (what.kind == Happening::Kind::Netlink) return report_link(host, 0);
    if (host.paused)
        host.results.push_back(host.script_good);
    else
        script_ends(host, host.script_good);
}

// ---- facts ---------------------------------------------------------------------------------------------------------

void Lan::deliver(Host& host, const std::shared_ptr<const Packet>& packet) {
    if (!host.router || !host.link().up) return;
    if (!host.paused) return hear(host, *packet);
    if (host.inbox.size() < kInbox) host.inbox.push_back(packet);
}

void Lan::hear(Host& host, const Packet& packet) {
    const Instant now = host.clock.local(now_);
    host.witness.hear(now, packet);
    if (sabotage_ == Sabotage::Deaf && host.index == 0) return finish(host, {}, &packet);
    const auto give = [&](const Packet& p) {
        return host.router->step(PacketHeard{kInterface, p.source, p.destination, p.ttl, p.payload}, now);
    };
    finish(host, sabotage_ == Sabotage::YieldsToAnyone && !packet.forged ? give(inflated(packet)) : give(packet),
           &packet);
}

void Lan::deadline(Host& host) {
    const Instant now = host.clock.local(now_);
    host.witness.deadline(now);
    finish(host, host.router->step(DeadlineReached{}, now));
}

void Lan::script_ends(Host& host, bool good) {
    const Instant now = host.clock.local(now_);
    host.witness.script(now, good);
    ScriptDone done{host.config.scripts.at(0).name, ScriptDone::How::Exited, good ? 0 : 1};
    if (!good && random_.chance(300))
        done.how = random_.chance(500) ? ScriptDone::How::TimedOut : ScriptDone::How::Signalled;
    finish(host, host.router->step(done, now));
}

InterfaceFact Lan::link_fact(const Host& host, std::size_t interface) const {
    InterfaceFact fact = host.links[interface];
    for (const auto& [name, prefix] : host.kernel)
        if (name == fact.name) fact.addresses.push_back(prefix.address);
    return fact;
}

void Lan::report_link(Host& host, std::size_t interface) {
    if (!host.router) return;
    InterfaceFact fact = link_fact(host, interface);
    if (host.paused) {
        host.netlink.emplace_back(std::move(fact));
        return;
    }
    const Instant now = host.clock.local(now_);
    host.witness.link(now, fact);
    finish(host, host.router->step(fact, now));
}

void Lan::address_lost(Host& host, const AddressLost& fact) {
    host.witness.lost(true);
    finish(host, host.router->step(fact, host.clock.local(now_)));
}

// ---- intents -------------------------------------------------------------------------------------------------------

void Lan::finish(Host& host, const Intents& intents, const Packet* heard) {
    ++statistics_.steps;
    RouterSnapshot snapshot = host.router->snapshot();
    carry_out(host, intents);
    check(host, snapshot, intents, heard);
    host.block = std::move(snapshot);
    host.has_block = true;
    if (host.router->finished()) {
        host.router.reset();
        host.has_block = false;
        host.wake.reset();
        return;
    }
    if (const auto due = host.router->deadline())
        host.wake = std::max(now_, host.clock.wall(*due)) + random_.up_to(lateness_);
    else
        host.wake.reset();
    if (violation_ || !host.kernel_refuses) return;
    for (const Intent& intent : intents) {
        const auto* restore = std::get_if<RestoreAddress>(&intent);
        if (restore == nullptr || !host.router || violation_) continue;
        host.witness.lost(true);
        finish(host, host.router->step(RestoreFailed{restore->instance, restore->interface, restore->prefix},
                                       host.clock.local(now_)));
    }
}

void Lan::put(Host& host, const config::Instance& instance, std::size_t position) {
    const auto& list = position < instance.addresses.size() ? instance.addresses : *instance.excluded_addresses;
    const auto& address =
        list.at(position < instance.addresses.size() ? position : position - instance.addresses.size());
    const std::pair key{instance.interface, address.prefix};
    host.kernel.insert(key);
    host.missing.erase(key);
}

void Lan::take(Host& host, const HeldAddress& address) {
    if (sabotage_ == Sabotage::KeepsAddresses) return;
    host.kernel.erase({address.interface, address.prefix});
    host.missing.erase({address.interface, address.prefix});
}

void Lan::carry_out(Host& host, const Intents& intents) {
    const auto& instances = host.router->config().instances;
    const auto before = host.kernel.size();
    for (const Intent& intent : intents) {
        if (const auto* advert = std::get_if<SendAdvert>(&intent)) {
            send(host, *advert);
        } else if (const auto* add = std::get_if<AddAddresses>(&intent)) {
            const auto& c = instances.at(add->instance);
            for (std::size_t k = 0; k < c.addresses.size() + c.excluded_addresses.size(); ++k) put(host, c, k);
        } else if (const auto* restore = std::get_if<RestoreAddress>(&intent)) {
            if (host.kernel_refuses) continue;
            host.kernel.insert({restore->interface, restore->prefix});
            host.missing.erase({restore->interface, restore->prefix});
        } else if (const auto* remove = std::get_if<RemoveAddresses>(&intent)) {
            for (const auto& held : remove->addresses) take(host, held);
        } else if (const auto* change = std::get_if<ChangeAddresses>(&intent)) {
            for (const auto& gone : change->removed) take(host, gone);
            for (const std::size_t k : change->added) put(host, instances.at(change->instance), k);
        } else if (const auto* set = std::get_if<SetRouting>(&intent)) {
            for (const auto& entry : set->entries) host.routes.insert(vrrp::describe(entry));
        } else if (const auto* unset = std::get_if<RemoveRouting>(&intent)) {
            for (const auto& entry : unset->entries) host.routes.erase(vrrp::describe(entry));
        } else if (const auto* arp = std::get_if<SendGratuitousArp>(&intent)) {
            if (!host.link().up || cut(host.index, client())) continue;
            for (const auto& held : instances.at(arp->instance).addresses)
                client_cache_[held.prefix.address] = host.index;
        } else if (std::holds_alternative<RunScript>(intent)) {
            run_script(host);
        }
    }
    // The kernel tells of every address that came or went.
    if (host.kernel.size() != before)
        schedule({.at = now_ + 50us,
                  .host = static_cast<std::uint32_t>(host.index),
                  .incarnation = host.incarnation,
                  .kind = Happening::Kind::Netlink});
}

void Lan::run_script(Host& host) {
    schedule({.at = now_ + 1ms + random_.up_to(kScriptRuns),
              .host = static_cast<std::uint32_t>(host.index),
              .incarnation = host.incarnation,
              .kind = Happening::Kind::Script});
}

void Lan::send(Host& from, const SendAdvert& advert) {
    if (!from.link().up || (sabotage_ == Sabotage::Mute && from.index == 0)) return;
    for (std::size_t k = 0; k < advert.destinations.size(); ++k) {
        auto packet = std::make_shared<Packet>();
        packet->source = advert.source;
        packet->destination = advert.destinations[k];
        packet->ttl = advert.ttl;
        packet->payload = advert.payloads.at(k);
        packet->advert = wire::decode_vrrp(packet->payload, packet->source.family()).value();
        keep(packet);
        for (const Host& to : hosts_)
            if (packet->destination.is_multicast() || packet->destination == address(to.index, packet->source.family()))
                post(packet, from.index, to.index);
        if (!trace_ || !trace_packets_) continue;
        trace_line(&from, "advert of VRID {} to {}: priority {}, every {} ms", packet->advert.virtual_router_id,
                   packet->destination.to_string(), packet->advert.priority, packet->advert.interval / Micros{1000});
    }
}

// Resignations are rare and matter most.
void Lan::keep(const std::shared_ptr<const Packet>& packet) {
    if (kept_.size() < kKept) return kept_.push_back(packet);
    if (packet->advert.priority == 0 || (statistics_.packets & 0x3f) == 0) kept_[random_.below(kKept)] = packet;
}

void Lan::post(const std::shared_ptr<const Packet>& packet, std::size_t from, std::size_t to) {
    if (from == to || cut(from, to)) return;
    for (int copies = random_.chance(duplicates_per_mille_) ? 2 : 1; copies > 0; --copies) {
        if (loss_per_mille_ != 0 && random_.chance(loss_per_mille_)) continue;
        ++statistics_.packets;
        schedule({.at = now_ + kWire + random_.up_to(jitter_),
                  .host = static_cast<std::uint32_t>(to),
                  .kind = Happening::Kind::Deliver,
                  .packet = packet});
    }
}

std::size_t Lan::virtual_router_of(const Prefix& prefix) const {
    const auto& instances = plan_.configs[0].instances;
    for (std::size_t n = 0; n < instances.size(); ++n)
        for (const auto* list : {&instances[n].addresses, &*instances[n].excluded_addresses})
            for (const auto& address : *list)
                if (address.prefix.address == prefix.address) return n;
    return sim::virtual_router_of(prefix);
}

std::optional<std::size_t> Lan::master_of(std::size_t n) const {
    std::optional<std::size_t> master;
    for (const Host& host : hosts_) {
        if (!host.router || host.states.at(n) != State::Master) continue;
        if (master) return std::nullopt;
        master = host.index;
    }
    return master;
}

}  // namespace mainstay::sim
