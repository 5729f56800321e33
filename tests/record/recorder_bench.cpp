// What recording costs: the processor time of a router of 1,000 instances with and without a recorder, as backup that
// hears 1,000 adverts a second and as master that sends them. Prints a line for each; docs/recorder.md has numbers.
#include <fmt/core.h>

#include <ctime>

#include "bench.hpp"

using namespace mainstay;
using namespace mainstay::record::test;

namespace {

constexpr std::size_t kInstances = 1000, kOnOneLink = 250;
constexpr int kSimulatedSeconds = 600;

config::Config large() {
    auto config = director(kInstances);
    for (std::size_t n = 0; n < kInstances; ++n) {
        config.instances[n].interface = "eth" + std::to_string(n / kOnOneLink);
        config.instances[n].virtual_router_id = static_cast<std::uint8_t>(1 + n % kOnOneLink);
    }
    return config;
}

struct Cost {
    double seconds = 0;  // of processor time
    std::uint64_t steps = 0;
    std::size_t saved = 0;  // bytes of the file
    record::SegmentWriter::Statistics recorder;
};

Cost run(bool records, bool hears) {
    Bench bench{8U << 20, large()};
    record::RecordedRouter router{vrrp::Router{large()}, records ? &bench.recorder : nullptr};
    for (std::size_t link = 0; link < kInstances / kOnOneLink; ++link) {
        auto fact = eth0();
        fact.name = "eth" + std::to_string(link);
        bench.intents(router.step(fact, bench.now));
    }
    bench.intents(router.start(bench.now));
    std::vector<std::vector<std::byte>> adverts;
    for (const auto& instance : router.config().instances) {
        wire::VrrpPacket packet{.version = 2, .virtual_router_id = instance.virtual_router_id, .priority = 200};
        packet.interval = 1s;
        packet.addresses = {instance.addresses[0].prefix.address};
        adverts.push_back(wire::encode_vrrp(packet, IpAddress::v4(0x0a00'0002), IpAddress::v4(0xe000'0012)));
    }
    Cost cost;
    const std::clock_t begin = std::clock();
    const Instant end = bench.now + std::chrono::seconds{kSimulatedSeconds};
    for (std::size_t n = 0; bench.now < end; ++n) {
        bench.now += Nanos{1s} / kInstances;
        if (hears) {
            auto packet = heard(adverts[n % kInstances]);
            packet.interface = router.config().instances[n % kInstances].interface;
            packet.waited = Nanos{20'000 + n % 1000};
            const WallTime wall{1'700'000'000'000'000 +
                                std::chrono::duration_cast<Micros>(bench.now - Instant{}).count()};
            bench.intents(router.step(vrrp::ClockTold{wall}, bench.now));
            bench.intents(router.step(packet, bench.now));
            ++cost.steps;
        }
        while (const auto due = router.deadline()) {
            if (*due > bench.now) break;
            const auto intents = router.step(vrrp::DeadlineReached{}, bench.now);
            bench.intents(intents);
            cost.steps += intents.size();
        }
    }
    cost.seconds = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
    cost.recorder = bench.recorder.statistics();
    if (records) cost.saved = bench.file().value().size();
    return cost;
}

}  // namespace

int main() {
    for (const bool hears : {true, false}) {
        const Cost without = run(false, hears), with = run(true, hears);
        fmt::print(
            "{}: {} adverts in {} s; {:.3f} s of processor time without a recorder, {:.3f} s with one: {:.0f} ns "
            "for each advert, {:.3f} % of a processor; {} entries, {} key frames of {} bytes, a file of {} bytes\n",
            hears ? "backup" : "master", with.steps, kSimulatedSeconds, without.seconds, with.seconds,
            (with.seconds - without.seconds) / static_cast<double>(with.steps) * 1e9,
            (with.seconds - without.seconds) / kSimulatedSeconds * 100, with.recorder.entries, with.recorder.key_frames,
            with.recorder.key_frame_bytes, with.saved);
    }
}
