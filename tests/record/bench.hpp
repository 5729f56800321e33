// A router of one or more instances whose steps are recorded.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "mainstay/record/reader.hpp"
#include "mainstay/record/recorded.hpp"
#include "mainstay/record/replay.hpp"
#include "mainstay/wire/vrrp.hpp"

namespace mainstay::record::test {

using namespace std::chrono_literals;

inline config::Config director(std::size_t instances = 1) {
    config::Config config;
    for (std::size_t n = 0; n < instances; ++n) {
        config::Instance instance;
        instance.name = "VI_" + std::to_string(n + 1);
        instance.interface = "eth0";
        instance.virtual_router_id = static_cast<std::uint8_t>(51 + n);
        instance.advert_int = 1s;
        instance.multicast_group = IpAddress::v4(0xe000'0012);
        instance.addresses.push_back({.prefix = {IpAddress::v4(0x0a09'0001 + static_cast<std::uint32_t>(n)), 32}});
        config.instances.push_back(std::move(instance));
    }
    return config;
}

inline vrrp::InterfaceFact eth0() {
    return {.name = "eth0", .index = 2, .up = true, .addresses = {IpAddress::v4(0x0a00'0001)}};
}

inline std::vector<std::byte> advert(std::uint8_t vrid, std::uint8_t priority, const std::string& password = {}) {
    wire::VrrpPacket packet{.version = 2, .virtual_router_id = vrid, .priority = priority, .interval = 1s};
    packet.addresses = {IpAddress::v4(0x0a09'0001 + vrid - 51U)};
    packet.auth_type = password.empty() ? 0 : 1;
    for (std::size_t at = 0; at < password.size(); ++at) packet.auth[at] = static_cast<std::byte>(password[at]);
    return wire::encode_vrrp(packet, IpAddress::v4(0x0a00'0002), IpAddress::v4(0xe000'0012));
}

inline vrrp::PacketHeard heard(std::span<const std::byte> payload) {
    return {.interface = "eth0",
            .source = IpAddress::v4(0x0a00'0002),
            .destination = IpAddress::v4(0xe000'0012),
            .ttl = 255,
            .payload = payload};
}

struct Bench {
    static constexpr const char* kVersion = "1.2.3";
    explicit Bench(std::size_t bytes = 1U << 20, config::Config config = director())
        : memory(bytes / sizeof(std::uint64_t)),
          recorder{std::as_writable_bytes(std::span{memory}), kVersion, [] { return WallTime{1'700'000'000'000'000}; }},
          router{vrrp::Router{std::move(config)}, &recorder} {}

    vrrp::Intents give(const vrrp::Fact& fact) { return router.step(fact, now); }
    void start() {
        give(eth0());
        intents(router.start(now));
    }
    void pass(Nanos how_long) {
        const Instant until = now + how_long;
        while (const auto due = router.deadline()) {
            if (*due > until) break;
            now = *due;
            intents(router.step(vrrp::DeadlineReached{}, now));
        }
        now = until;
    }
    void intents(const vrrp::Intents& some) { seen += some.size(); }
    [[nodiscard]] Result<std::vector<std::byte>> file() const {
        return file_of_memory(std::as_bytes(std::span{memory}), WallTime{1'700'000'100'000'000});
    }
    [[nodiscard]] Record record() const { return read_record(file().value()).value(); }

    std::vector<std::uint64_t> memory;
    Recorder recorder;
    RecordedRouter router;
    Instant now{1000s};
    std::uint64_t seen = 0;
};

}  // namespace mainstay::record::test
