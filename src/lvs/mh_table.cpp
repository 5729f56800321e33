#include "mainstay/lvs/mh_table.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <numeric>
#include <utility>

#include "mainstay/base/hash.hpp"
#include "mainstay/config/validate/resolved.hpp"

namespace mainstay::lvs {
namespace {

// Both halves of the 128-bit keys of the kernel's two hashes.
constexpr std::uint64_t kFirstKey = 2654435761U, kSecondKey = 2654446892U;
constexpr std::uint32_t kNobody = ~0U;
constexpr int kFirstIndex = 8;  // CONFIG_IP_VS_MH_TAB_INDEX of kMhTableSizes[0]

struct SipState {
    std::uint64_t v0, v1, v2, v3;
    void round() {
        v0 += v1, v1 = std::rotl(v1, 13) ^ v0, v0 = std::rotl(v0, 32);
        v2 += v3, v3 = std::rotl(v3, 16) ^ v2;
        v0 += v3, v3 = std::rotl(v3, 21) ^ v0;
        v2 += v1, v1 = std::rotl(v1, 17) ^ v2, v2 = std::rotl(v2, 32);
    }
};

// SipHash-1-3 of four bytes; the constants and the padding are SipHash's (Aumasson and Bernstein, 2012).
std::uint32_t sip_hash(std::uint64_t key, std::uint32_t word) {
    SipState state{key ^ 0x736f6d6570736575U, key ^ 0x646f72616e646f6dU, key ^ 0x6c7967656e657261U,
                   key ^ 0x7465646279746573U};
    const std::uint64_t block = (std::uint64_t{4} << 56) | word;
    state.v3 ^= block;
    state.round();
    state.v0 ^= block;
    state.v2 ^= 0xff;
    for (int round = 0; round < 3; ++round) state.round();
    return static_cast<std::uint32_t>(state.v0 ^ state.v1 ^ state.v2 ^ state.v3);
}

// How many slots each destination takes in a row: its weight by the greatest common divisor, halved as often as a large
// weight needs so that the table keeps its shape.
std::vector<std::uint32_t> turns_of(std::span<const MhDestination> destinations, std::uint32_t size) {
    std::uint32_t divisor = 0, largest = 0;
    for (const auto& one : destinations) {
        divisor = std::gcd(divisor, one.last_weight);
        largest = std::max(largest, one.last_weight);
    }
    std::vector<std::uint32_t> turns(destinations.size(), 0);
    if (divisor == 0) return turns;
    const auto index = static_cast<int>(std::ranges::find(kMhTableSizes, size) - kMhTableSizes.begin()) + kFirstIndex;
    const int shift = std::max(0, static_cast<int>(std::bit_width(largest / divisor)) - index / 2);
    for (std::size_t n = 0; n < destinations.size(); ++n)
        if (const auto weight = destinations[n].last_weight; weight > 0)
            turns[n] = std::max(1U, (weight / divisor) >> shift);
    return turns;
}

struct Claim {  // the sequence of slots that a destination goes through
    std::uint32_t at = 0, step = 1;
    std::uint32_t next(std::uint32_t size) { return std::exchange(at, (at + step) % size); }
};

}  // namespace

MhTable::MhTable(std::span<const MhDestination> destinations, std::uint32_t size) {
    if (std::ranges::find(kMhTableSizes, size) == kMhTableSizes.end()) return;
    const auto turns = turns_of(destinations, size);
    if (std::ranges::all_of(turns, [](std::uint32_t count) { return count == 0; })) return;
    std::vector<Claim> claims;
    for (const auto& one : destinations) {
        const auto number = config::mh_number(one.endpoint);
        claims.push_back({sip_hash(kFirstKey, number) % size, 1 + sip_hash(kSecondKey, number) % (size - 1)});
        endpoints_.push_back(one.endpoint);
    }
    slots_.assign(size, kNobody);
    for (std::uint32_t filled = 0; filled < size;)
        for (std::size_t n = 0; n < claims.size(); ++n)
            for (std::uint32_t turn = 0; turn < turns[n] && filled < size; ++turn, ++filled) {
                auto slot = claims[n].next(size);
                while (slots_[slot] != kNobody) slot = claims[n].next(size);
                slots_[slot] = static_cast<std::uint32_t>(n);
            }
}

std::size_t MhTable::slot_at(const Endpoint& client, bool port, std::uint32_t offset) const {
    return sip_hash(kFirstKey, offset + config::mh_number({client.address, 0}) + (port ? client.port : 0U)) %
           slots_.size();
}

std::optional<std::size_t> MhTable::slot_of(const Endpoint& client, MhFlags flags) const {
    if (slots_.empty()) return std::nullopt;
    return slot_at(client, flags.port, 0);
}

std::optional<std::size_t> MhTable::choose(const Endpoint& client, MhFlags flags,
                                           const std::function<bool(std::size_t)>& available) const {
    if (slots_.empty()) return std::nullopt;
    const std::size_t first = slot_at(client, flags.port, 0);
    if (available(slots_[first])) return slots_[first];
    if (!flags.fallback) return std::nullopt;
    for (std::size_t n = 0; n < slots_.size(); ++n) {
        const auto offset = static_cast<std::uint32_t>((first + n) % slots_.size());
        const auto candidate = slots_[slot_at(client, flags.port, offset)];
        if (available(candidate)) return candidate;
    }
    return std::nullopt;
}

std::uint64_t MhTable::digest() const {
    std::vector<std::array<std::byte, 18>> names;  // address and port of each, in network byte order
    names.reserve(endpoints_.size());
    for (const auto& one : endpoints_) {
        auto& name = names.emplace_back();
        std::ranges::copy(one.address.bytes(), name.begin());
        name[16] = static_cast<std::byte>(one.port >> 8);
        name[17] = static_cast<std::byte>(one.port & 0xff);
    }
    std::uint64_t digest = fnv1a({});
    for (const auto slot : slots_) digest = fnv1a(names[slot], digest);
    return digest;
}

std::optional<std::uint32_t> mh_table_size(std::string_view boot_configuration) {
    constexpr std::string_view kLine = "\nCONFIG_IP_VS_MH_TAB_INDEX=";
    const auto at = boot_configuration.find(kLine);
    if (at == std::string_view::npos) return std::nullopt;
    const auto rest = boot_configuration.substr(at + kLine.size());
    int index = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), index);
    const auto known = static_cast<int>(kMhTableSizes.size());
    if (error != std::errc{} || index < kFirstIndex || index >= kFirstIndex + known) return std::nullopt;
    return kMhTableSizes.at(static_cast<std::size_t>(index - kFirstIndex));
}

std::uint64_t MhDigests::of(const ServiceTable& kernel) {
    std::vector<MhDestination> destinations;
    destinations.reserve(kernel.destinations.size());
    for (const auto& one : kernel.destinations) destinations.push_back({one.endpoint, one.last_weight});
    auto& known = known_[kernel.service.key];
    if (known.digest != 0 && known.destinations == destinations) return known.digest;
    known.digest = MhTable{destinations, slots_}.digest();
    known.destinations = std::move(destinations);
    return known.digest;
}

void MhDigests::keep_only(const std::set<netlink::IpvsServiceKey>& services) {
    std::erase_if(known_, [&services](const auto& one) { return !services.contains(one.first); });
}

}  // namespace mainstay::lvs
