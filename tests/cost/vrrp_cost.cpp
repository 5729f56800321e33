// Adverts that a router of 1 and of 1,000 instances hears and sends, recorded as in the role.
#include <string>

#include "../record/bench.hpp"
#include "measured.hpp"

using namespace mainstay;
using namespace mainstay::record::test;
using mainstay::test::measure;

namespace {

constexpr std::size_t kRounds = 20, kOnOneLink = 250;

std::string link_of(std::size_t instance) { return "eth" + std::to_string(instance / kOnOneLink); }

config::Config directors(std::size_t instances) {
    auto config = director(instances);
    for (std::size_t n = 0; n < instances; ++n) {
        config.instances[n].interface = link_of(n);
        config.instances[n].virtual_router_id = static_cast<std::uint8_t>(1 + n % kOnOneLink);
    }
    return config;
}

void adverts(std::size_t instances, bool hears) {
    Bench bench{8U << 20, directors(instances)};
    for (std::size_t n = 0; n < instances; n += kOnOneLink) {
        auto link = eth0();
        link.name = link_of(n);
        bench.intents(bench.router.step(link, bench.now));
    }
    bench.intents(bench.router.start(bench.now));
    const auto name = std::string{"vrrp: an advert "} + (hears ? "heard" : "sent") + " with " +
                      std::to_string(instances) + (instances == 1 ? " instance" : " instances");
    if (!hears) {
        bench.pass(10s);  // it is master
        return measure(name, [&] { bench.pass(kRounds * 1s); }, instances * kRounds);
    }
    std::vector<std::vector<std::byte>> packets;
    for (std::size_t n = 0; n < instances; ++n) {
        wire::VrrpPacket packet{.version = 2,
                                .virtual_router_id = static_cast<std::uint8_t>(1 + n % kOnOneLink),
                                .priority = 200,
                                .interval = 1s};
        packet.addresses = {bench.router.config().instances[n].addresses[0].prefix.address};
        packets.push_back(wire::encode_vrrp(packet, IpAddress::v4(0x0a00'0002), IpAddress::v4(0xe000'0012)));
    }
    const auto hear_all = [&] {
        for (std::size_t n = 0; n < instances; ++n) {
            auto packet = heard(packets[n]);
            packet.interface = link_of(n);
            bench.intents(bench.give(packet));
        }
        bench.pass(1s);
    };
    hear_all();  // afterwards it is a backup that has heard of a master
    measure(
        name,
        [&] {
            for (std::size_t round = 0; round < kRounds; ++round) hear_all();
        },
        instances * kRounds);
}

// A router that is not configured here may send as fast as it likes.
void stranger(std::size_t instances) {
    Bench bench{8U << 20, directors(instances)};
    bench.intents(bench.router.start(bench.now));
    wire::VrrpPacket advert{.version = 2, .virtual_router_id = 255, .priority = 200, .interval = 1s};
    for (std::uint32_t n = 0; n < 20; ++n) advert.addresses.push_back(IpAddress::v4(0x0a63'0000 + n));
    const auto bytes = wire::encode_vrrp(advert, IpAddress::v4(0x0a00'0002), IpAddress::v4(0xe000'0012));
    auto packet = heard(bytes);
    packet.interface = link_of(0);
    measure(
        "vrrp: an advert of 20 addresses of another router heard with 1000 instances",
        [&] {
            for (std::size_t round = 0; round < kRounds; ++round) bench.intents(bench.give(packet));
        },
        kRounds);
}

}  // namespace

int main() {
    for (const std::size_t instances : {1U, 1000U})
        for (const bool hears : {true, false}) adverts(instances, hears);
    stranger(1000);
}
