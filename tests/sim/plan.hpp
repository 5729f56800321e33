// What a simulated LAN looks like: how many directors, which virtual routers they share, and every director's
// configuration. Drawn from a seed, so that a thousand seeds are a thousand networks.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <vector>

#include "mainstay/config/model.hpp"

namespace mainstay::sim {

inline constexpr const char* kInterface = "eth0";  // adverts and virtual addresses
inline constexpr const char* kUplink = "eth1";     // only tracked
inline constexpr std::size_t kRoutersMax = 64;
inline constexpr std::uint8_t kOwner = 255;  // the priority of the router whose own address it is

// The standard generator gives the same numbers on every platform; its distributions do not.
class Random {
public:
    explicit Random(std::uint64_t seed) : engine_{seed} {}
    std::uint64_t below(std::uint64_t limit) { return engine_() % limit; }
    bool chance(unsigned per_mille) { return below(1000) < per_mille; }
    // From zero up to, but without, `limit`; zero when that is not positive.
    Nanos up_to(Nanos limit) {
        return limit.count() <= 0 ? Nanos{0}
                                  : Nanos{static_cast<std::int64_t>(below(static_cast<std::uint64_t>(limit.count())))};
    }
    template <class T, std::size_t N>
    const T& one_of(const T (&choices)[N]) {
        return choices[below(N)];
    }

private:
    std::mt19937_64 engine_;
};

// What a test fixes; the rest is drawn.
struct Wish {
    std::size_t routers = 0, virtual_routers = 0;  // 0: drawn
    std::optional<Micros> interval;
    bool plain = false;  // distinct priorities that fall with the index, preemption, nothing tracked, clocks that agree
};

struct Plan {
    std::vector<config::Config> configs;  // one per director; instances[n] is virtual router n on all of them
    std::vector<std::int64_t> drifts_ppm;
    std::vector<std::array<IpAddress, 2>> addresses;  // of each director: IPv4, IPv6
    Micros interval{0};                               // the largest of all
    std::vector<Micros> intervals;                    // of each virtual router, before any reload
    Micros script_settles{0};  // in which a script that is good again counts as good; zero: there are no scripts
    Nanos announce_delay{0};   // the longest garp_*_delay
    bool grouped = false, plain = false;
    bool announces = false;  // whoever yields tells the other, and the other announces its addresses
};

[[nodiscard]] std::int64_t draw_drift(Random& random);  // of a director's clock, in ppm
[[nodiscard]] Plan draw_plan(Random& random, const Wish& wish);

[[nodiscard]] IpAddress address_of(std::size_t router, Family family);
[[nodiscard]] Prefix virtual_address(std::size_t virtual_router, Family family, std::uint32_t number);
[[nodiscard]] std::size_t virtual_router_of(const Prefix& address);

}  // namespace mainstay::sim
