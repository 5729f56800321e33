// A router on the bench: one interface eth0 with 10.0.0.1, instance VI_1 (VRID 51, priority 100, VIP 10.9.9.9), and
// intents written as lines of text.
#pragma once

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <ostream>
#include <string>
#include <variant>
#include <vector>

#include "mainstay/vrrp/router.hpp"
#include "mainstay/wire/vrrp.hpp"

namespace mainstay::vrrp::test {

using namespace std::chrono_literals;
using Lines = std::vector<std::string>;

inline constexpr Instant t0{1'000s};

inline IpAddress ip(const char* text) { return IpAddress::parse(text).value(); }

inline config::VirtualAddress vip(const char* text, const char* dev = "") {
    config::VirtualAddress address;
    address.prefix = Prefix::parse(text).value();
    address.dev = dev;
    return address;
}

inline config::Instance instance(std::uint8_t priority = 100, const char* name = "VI_1", std::uint8_t vrid = 51,
                                 const char* address = "10.9.9.9/32") {
    config::Instance c;
    c.name = name;
    c.interface = "eth0";
    c.virtual_router_id = vrid;
    c.priority = priority;
    c.addresses = {vip(address)};
    return c;
}

inline void set(CompactOptional<config::ExtraSettings>& more, const char* keyword, config::KeywordData data = true) {
    more.edit().values.push_back({keyword, std::move(data)});
}

inline config::Config with(std::vector<config::Instance> instances) {
    config::Config c;
    c.instances = std::move(instances);
    return c;
}

inline config::Config with_group(std::vector<config::Instance> instances) {
    config::Config c = with(std::move(instances));
    config::SyncGroup group;
    group.name = "G";
    for (auto& i : c.instances) {
        i.sync_group = "G";
        group.members.push_back(i.name);
    }
    c.sync_groups = {group};
    return c;
}

inline InterfaceFact link(const char* name = "eth0", bool up = true,
                          std::vector<IpAddress> addresses = {ip("10.0.0.1")}, std::uint32_t index = 2) {
    return {.name = name, .index = index, .up = up, .addresses = std::move(addresses)};
}

struct Render {
    std::string operator()(const SendAdvert& i) const {
        std::string to;
        for (const auto& destination : i.destinations) to += " " + destination.to_string();
        return fmt::format("{} advert {} to{}", i.instance == kNoInstance ? "gone" : std::to_string(i.instance),
                           std::to_integer<unsigned>(i.payloads.at(0).at(2)), to);
    }
    std::string operator()(const AddAddresses& i) const {
        return fmt::format("{} add{}", i.instance, i.announced ? " announced" : "");
    }
    std::string operator()(const RemoveAddresses& i) const {
        return fmt::format("{} remove{}", i.instance == kNoInstance ? "gone" : std::to_string(i.instance),
                           held(i.addresses));
    }
    std::string operator()(const ChangeAddresses& i) const {
        std::string text = fmt::format("{} change", i.instance);
        for (const auto position : i.added) text += fmt::format(" +{}", position);
        for (const auto& gone : i.removed) text += fmt::format(" -{}@{}", gone.prefix.to_string(), gone.interface);
        return text;
    }
    std::string operator()(const RestoreAddress& i) const {
        return fmt::format("{} restore {}@{}", i.instance, i.prefix.to_string(), i.interface);
    }
    std::string operator()(const SetRouting& i) const {
        std::string text = fmt::format("{} {}", i.owner == kNoInstance ? "static" : std::to_string(i.owner),
                                       i.how == SetRouting::How::First   ? "route"
                                       : i.how == SetRouting::How::Audit ? "audit"
                                       : i.how == SetRouting::How::Again ? "again"
                                                                         : "restore");
        for (const auto& entry : i.entries) text += fmt::format(" [{}]", describe(entry));
        return text;
    }
    std::string operator()(const RemoveRouting& i) const {
        std::string text = fmt::format("{} unroute", i.owner == kNoInstance ? "gone" : std::to_string(i.owner));
        for (const auto& entry : i.entries) text += fmt::format(" [{}]", describe(entry));
        return text;
    }
    std::string operator()(const SetStaticAddresses& i) const {
        std::string text = "static";
        for (const auto& address : i.addresses) text += fmt::format(" {}@{}", address.prefix.to_string(), address.dev);
        return text;
    }
    std::string operator()(const SendGratuitousArp& i) const {
        return fmt::format("{} arp x{}{}", i.instance, i.rounds, i.begun ? " begun" : "");
    }
    std::string operator()(const AnnounceAddress& i) const {
        return fmt::format("announce {}@{}", i.address.to_string(), i.interface);
    }
    std::string operator()(const RunScript& i) const { return "run " + i.script; }
    std::string operator()(const Announce& i) const {
        const Event& e = i.event;
        return fmt::format("announce {} {} {} {}{}{}", e.kind == Event::Kind::Group ? "GROUP" : "INSTANCE", e.name,
                           to_string(e.transition), e.priority, e.notify ? "" : " silent",
                           e.mail ? " mail: " + e.detail : "");
    }
    std::string operator()(const WriteLog& i) const {
        return (i.line.level == LogLevel::Debug     ? "debug: "
                : i.line.level == LogLevel::Warning ? "warning: "
                                                    : "") +
               i.line.text;
    }
    std::string operator()(const HandOverEnded& i) const {
        const char* how = i.how == HandOverEnded::How::TakenOver    ? "taken over"
                          : i.how == HandOverEnded::How::TakenBack  ? "taken back"
                          : i.how == HandOverEnded::How::Incomplete ? "incomplete"
                                                                    : "interrupted";
        return fmt::format("hand-over of {} {}{} after {} us", i.instance, how,
                           i.master.empty() ? "" : " by " + i.master.to_string(),
                           std::chrono::duration_cast<Micros>(i.after).count());
    }
    static std::string held(const std::vector<HeldAddress>& addresses) {
        std::string text;
        for (const auto& a : addresses) text += fmt::format(" {}@{}", a.prefix.to_string(), a.interface);
        return text;
    }
};

inline Lines lines(const Intents& intents) {
    Lines all;
    for (const Intent& intent : intents) all.push_back(std::visit(Render{}, intent));
    return all;
}

inline const SendAdvert& advert_in(const Intents& intents) {
    for (const Intent& intent : intents)
        if (const auto* advert = std::get_if<SendAdvert>(&intent)) return *advert;
    FAIL("no advert");
    throw 0;
}

// Without what only -D shows.
inline Lines brief(const Intents& intents) {
    Lines all = lines(intents);
    std::erase_if(all, [](const std::string& line) { return line.starts_with("debug: "); });
    return all;
}

// Only what is done to the network, the kernel and scripts.
inline Lines deeds(const Intents& intents) {
    Intents kept;
    for (const Intent& intent : intents)
        if (!std::holds_alternative<WriteLog>(intent) && !std::holds_alternative<Announce>(intent))
            kept.push_back(intent);
    return lines(kept);
}

// An advert as a peer would send it; change it before it is heard.
struct Peer {
    wire::VrrpPacket packet;
    IpAddress source = ip("10.0.0.2"), destination = ip("224.0.0.18");
    std::uint8_t ttl = 255;
    std::string interface = "eth0";

    explicit Peer(std::uint8_t priority, std::uint8_t vrid = 51, const char* address = "10.9.9.9") {
        packet.version = 2;
        packet.virtual_router_id = vrid;
        packet.priority = priority;
        packet.interval = 1s;
        packet.addresses = {ip(address)};
    }
    Peer& from(const char* address) { return source = ip(address), *this; }
    Peer& v3(Micros interval) { return packet.version = 3, packet.interval = interval, *this; }
    [[nodiscard]] std::vector<std::byte> bytes() const { return wire::encode_vrrp(packet, source, destination); }
};

// Of VI_1's neighbour in the network, which has 10.9.9.8.
inline Peer peer_b(std::uint8_t priority) { return Peer{priority, 52, "10.9.9.8"}; }

struct Bench {
    explicit Bench(const config::Config& c) : router{c} {}
    explicit Bench(config::Instance c) : router{with({std::move(c)})} {}

    // With eth0 up and started at t0.
    static Bench started(const config::Config& c) {
        Bench bench{c};
        (void)bench.router.step(link(), t0);
        (void)bench.router.start(t0);
        return bench;
    }
    static Bench started(config::Instance c) { return started(with({std::move(c)})); }
    // And become MASTER at the returned bench's `taken_at`.
    static Bench master(const config::Config& c) {
        Bench bench = started(c);
        while (bench.state() != State::Master && bench.taken_at < t0 + 60s) {
            bench.taken_at = bench.router.deadline().value();
            (void)bench.router.step(DeadlineReached{}, bench.taken_at);
        }
        return bench;
    }
    static Bench master(config::Instance c) { return master(with({std::move(c)})); }

    Intents hear(const Peer& peer, Instant now) {
        const auto bytes = peer.bytes();
        return router.step(PacketHeard{peer.interface, peer.source, peer.destination, peer.ttl, bytes}, now);
    }
    Intents tick(Instant now) { return router.step(DeadlineReached{}, now); }
    Intents script(const char* name, int status, Instant now) {
        return router.step(ScriptDone{name, ScriptDone::How::Exited, status}, now);
    }
    [[nodiscard]] State state(std::size_t i = 0) const { return router.snapshot().instances.at(i).state; }
    [[nodiscard]] Nanos due() const { return router.deadline().value() - t0; }
    [[nodiscard]] Nanos due_of(std::size_t i) const { return router.snapshot().instances.at(i).deadline - t0; }
    [[nodiscard]] Counters counters(std::size_t i = 0) const { return router.snapshot().instances.at(i).counters; }

    Router router;
    Instant taken_at = t0;
};

inline int priority_of(const Bench& bench, std::size_t i = 0) {
    return bench.router.snapshot().instances[i].effective_priority;
}

}  // namespace mainstay::vrrp::test

// doctest prints what differs.
namespace mainstay::vrrp {
inline std::ostream& operator<<(std::ostream& out, State state) { return out << to_string(state); }
}  // namespace mainstay::vrrp
namespace std {
inline std::ostream& operator<<(std::ostream& out, const std::vector<std::string>& lines) {
    for (const auto& line : lines) out << "\n  " << line;
    return out;
}
inline std::ostream& operator<<(std::ostream& out, std::chrono::nanoseconds t) { return out << t.count() << " ns"; }
}  // namespace std
