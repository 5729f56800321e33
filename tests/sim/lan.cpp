#include "lan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "mainstay/wire/vrrp.hpp"

namespace mainstay::sim {

using namespace std::chrono_literals;
using namespace vrrp;

namespace {

constexpr std::size_t kMaxHosts = 5, kMaxInstances = 3, kInbox = 512;
constexpr const char* kInterface = "eth0";

IpAddress address_of(std::size_t host) { return IpAddress::v4(0x0a00'0001 + static_cast<std::uint32_t>(host)); }

// The same advert with the highest priority.
Packet inflated(Packet packet) {
    auto advert = wire::decode_vrrp(packet.payload, packet.source.family()).value();
    if (advert.priority == 0) return packet;
    advert.priority = 255;
    packet.payload = wire::encode_vrrp(advert, packet.source, packet.destination);
    return packet;
}

}  // namespace

Lan::Lan(std::uint64_t seed, Shape shape) : random_{seed}, sabotage_{shape.sabotage} { shape_hosts(shape); }

void Lan::shape_hosts(const Shape& shape) {
    const std::size_t count = shape.hosts != 0 ? shape.hosts : 2 + draw(kMaxHosts - 1);
    const std::size_t instances = shape.instances != 0 ? shape.instances : 1 + draw(kMaxInstances);
    version_ = chance(500) ? 3 : 2;
    interval_ = version_ == 2 ? 1s : Micros{10'000} * static_cast<int>(1 + draw(100));
    nopreempt_ = !shape.calm && chance(200);
    grouped_ = !shape.calm && instances > 1 && chance(400);
    scripted_ = !shape.calm && chance(400);
    jitter_ = std::min<Nanos>(Nanos{interval_} / 20, 2ms);
    for (std::size_t i = 0; i < count; ++i) {
        Host host;
        host.index = i;
        host.link = {.name = kInterface, .index = 2, .up = true, .addresses = {address_of(i)}};
        if (scripted_) {
            config::TrackScript script;
            script.name = "chk";
            script.interval = script.timeout = 500ms;
            script.fall = 2;
            host.config.scripts = {script};
        }
        const auto group_priority = static_cast<std::uint8_t>(1 + draw(254));
        for (std::size_t n = 0; n < instances; ++n) {
            host.config.instances.push_back(shape_instance(n, shape.calm));
            auto& c = host.config.instances.back();
            if (shape.calm) c.priority = static_cast<std::uint8_t>(200 - 20 * i);
            if (grouped_) {
                c.priority = group_priority;
                c.sync_group = "G";
            }
        }
        if (grouped_) host.config.sync_groups = {{.name = "G"}};
        host.seen.assign(instances, State::Init);
        host.last_heard.assign(instances, std::nullopt);
        hosts_.push_back(std::move(host));
    }
}

config::Instance Lan::shape_instance(std::size_t instance, bool calm) {
    config::Instance c;
    c.name = fmt::format("VI_{}", instance + 1);
    c.interface = kInterface;
    c.virtual_router_id = static_cast<std::uint8_t>(instance + 1);
    c.version = version_;
    c.advert_int = interval_;
    static constexpr std::uint8_t kPriorities[] = {1, 50, 99, 100, 100, 101, 150, 254};
    c.priority = kPriorities[draw(std::size(kPriorities))];
    c.nopreempt = nopreempt_;
    c.initial_master = !nopreempt_ && !calm && chance(300);
    for (std::uint32_t n = 0; n <= draw(3); ++n)
        c.addresses.push_back(
            {.prefix = {IpAddress::v4(0x0a09'0000 + static_cast<std::uint32_t>(instance) * 256 + n), 32}});
    if (scripted_) c.track_scripts = {{"chk", chance(500) && !grouped_ ? -30 : 0, false}};
    return c;
}

void Lan::run() {
    start_all();
    trouble(std::max<Nanos>(Nanos{interval_} * 40, 5s));
    heal();
    pass(settle_time());
    check_settled();
    const auto before = transitions_;
    pass(Nanos{interval_} * 10);
    if (!violation_ && transitions_ != before) broken(hosts_[0], "a settled network changes its mind");
    for (std::size_t i = 0; i < hosts_.size() && !violation_; ++i) {
        stop(i);
        pass(settle_time());
        if (i + 1 < hosts_.size()) check_settled();
    }
    for (const Host& host : hosts_)
        if (!host.kernel.empty() && !violation_) broken(host, "an address is left after the last stop");
}

void Lan::start_all() {
    for (Host& host : hosts_) {
        if (violation_) return;
        start(host.index, false);
        pass(Nanos{interval_} * static_cast<int>(draw(300)) / 100);
    }
}

void Lan::start(std::size_t index, bool with_block) {
    Host& host = hosts_[index];
    host.router.emplace(host.config);
    InterfaceFact fact = host.link;
    if (sabotage_ != Sabotage::ForgetsState)
        for (const auto& [interface, prefix] : host.kernel) fact.addresses.push_back(prefix.address);
    (void)host.router->step(fact, now_);
    carry_out(host, host.router->start(now_, with_block ? &host.block : nullptr));
    const auto snapshot = host.router->snapshot();
    for (std::size_t n = 0; n < host.seen.size(); ++n) host.seen[n] = snapshot.instances[n].state;
    check(host, nullptr);
    schedule_wake(host);
}

void Lan::pass(Nanos how_long) {
    const Instant until = now_ + how_long;
    while (!violation_ && !queue_.empty() && queue_.top().at <= until) {
        Happening next = queue_.top();
        queue_.pop();
        now_ = next.at;
        happen(std::move(next));
    }
    now_ = until;
}

void Lan::happen(Happening what) {
    Host& host = hosts_[what.host];
    switch (what.kind) {
        case Happening::Kind::Wake:
            if (host.router && !host.paused && what.number == host.wake_number) give(host, DeadlineReached{});
            return;
        case Happening::Kind::Deliver:
            hear(host, what.packet);
            return;
        case Happening::Kind::Script:
            if (host.router && host.paused) {  // it waits in the queue like everything else
                what.at = now_ + 50ms;
                what.order = ++order_;
                queue_.push(std::move(what));
            } else if (host.router) {
                give(host, ScriptDone{what.script, ScriptDone::How::Exited, host.script_good ? 0 : 1});
            }
            return;
    }
}

void Lan::hear(Host& host, const Packet& packet) {
    if (!host.router || !host.link.up) return;
    if (sabotage_ == Sabotage::Deaf && host.index == 0) return;
    if (host.paused) {
        if (host.inbox.size() < kInbox) host.inbox.push_back(packet);
        return;
    }
    const Packet given = sabotage_ == Sabotage::YieldsToAnyone ? inflated(packet) : packet;
    give(host, PacketHeard{kInterface, given.source, given.destination, given.ttl, given.payload}, &packet);
}

void Lan::give(Host& host, const Fact& fact, const Packet* heard) {
    ++steps_;
    carry_out(host, host.router->step(fact, now_));
    check(host, heard);
    if (host.router->finished())
        host.router.reset();
    else
        schedule_wake(host);
}

void Lan::schedule_wake(Host& host) {
    host.block = host.router->snapshot();
    const auto due = host.router->deadline();
    if (!due) return;
    Happening wake;
    wake.at = std::max(*due, now_);
    wake.order = ++order_;
    wake.host = host.index;
    wake.number = ++host.wake_number;
    queue_.push(std::move(wake));
}

void Lan::carry_out(Host& host, const Intents& intents) {
    const auto& instances = host.router->config().instances;
    for (const Intent& intent : intents) {
        if (const auto* advert = std::get_if<SendAdvert>(&intent)) {
            send(host, *advert);
        } else if (const auto* add = std::get_if<AddAddresses>(&intent)) {
            for (const auto& address : instances.at(add->instance).addresses)
                host.kernel.insert({kInterface, address.prefix});
        } else if (const auto* restore = std::get_if<RestoreAddress>(&intent)) {
            host.kernel.insert({restore->interface, restore->prefix});
        } else if (const auto* remove = std::get_if<RemoveAddresses>(&intent)) {
            if (sabotage_ == Sabotage::KeepsAddresses) continue;
            for (const auto& held : remove->addresses) host.kernel.erase({held.interface, held.prefix});
        } else if (const auto* change = std::get_if<ChangeAddresses>(&intent)) {
            for (const auto& gone : change->removed) host.kernel.erase({gone.interface, gone.prefix});
            for (const std::size_t position : change->added)
                host.kernel.insert({kInterface, instances.at(change->instance).addresses.at(position).prefix});
        } else if (const auto* script = std::get_if<RunScript>(&intent)) {
            Happening done;
            done.kind = Happening::Kind::Script;
            done.at = now_ + Micros{static_cast<int>(1 + draw(100'000))};
            done.order = ++order_;
            done.host = host.index;
            done.script = script->script;
            queue_.push(std::move(done));
        }
    }
}

void Lan::send(Host& from, const SendAdvert& advert) {
    if (!from.link.up || (sabotage_ == Sabotage::Mute && from.index == 0)) return;
    for (const Host& to : hosts_) {
        if (to.index == from.index || to.segment != from.segment) continue;
        for (int copy = chance(duplicates_per_mille_) ? 2 : 1; copy > 0; --copy) {
            if (chance(loss_per_mille_)) continue;
            Happening delivery;
            delivery.kind = Happening::Kind::Deliver;
            delivery.at =
                now_ + 20us + Nanos{static_cast<std::int64_t>(draw(static_cast<std::uint64_t>(jitter_.count())))};
            delivery.order = ++order_;
            delivery.host = to.index;
            delivery.packet = {advert.source, advert.destinations.at(0), advert.ttl, advert.payloads.at(0)};
            queue_.push(std::move(delivery));
        }
    }
}

std::optional<std::size_t> Lan::master_of(std::size_t instance) const {
    std::optional<std::size_t> master;
    for (const Host& host : hosts_) {
        if (!host.router || host.seen.at(instance) != State::Master) continue;
        if (master) return std::nullopt;
        master = host.index;
    }
    return master;
}

}  // namespace mainstay::sim
