// VRRP packets from anywhere: decoding never reads past the end, and what it accepts survives a round trip.
//
// tools/fuzz builds it with clang's -fsanitize=fuzzer. Elsewhere replay.hpp brings a main.
#include <cstdint>
#include <cstdlib>
#include <random>
#include <span>
#include <string>

#include "mainstay/wire/vrrp.hpp"
#include "replay.hpp"

using namespace mainstay;

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

void try_family(std::span<const std::byte> input, const IpAddress& source, const IpAddress& destination) {
    const auto packet = wire::decode_vrrp(input, source.family());
    const bool right = wire::vrrp_checksum_right(input, source, destination);
    if (!packet || (packet->version != 2 && packet->version != 3)) return;
    const auto again = wire::encode_vrrp(*packet, source, destination);
    require(again.size() <= input.size());
    require(wire::decode_vrrp(again, source.family()) == packet);
    require(wire::vrrp_checksum_right(again, source, destination));
    (void)right;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto input = std::as_bytes(std::span{data, size});
    static const IpAddress v4 = IpAddress::v4(0x0a00'0001), group4 = IpAddress::v4(0xe000'0012);
    static const IpAddress v6 = IpAddress::parse("fe80::1").value(), group6 = IpAddress::parse("ff02::12").value();
    try_family(input, v4, group4);
    try_family(input, v6, group6);
    return 0;
}

#ifdef MAINSTAY_FUZZ_REPLAY
int main(int argc, char** argv) {
    constexpr int kRounds = 200'000;
    return fuzz::replay(argc, argv, kRounds, [](std::mt19937& random) {
        std::string bytes(random() % 64, '\0');
        for (auto& b : bytes) b = static_cast<char>(random());
        if (bytes.size() > 3) {  // most of them near enough to a packet
            bytes[0] = static_cast<char>((2 + random() % 2) << 4 | 1);
            bytes[3] = static_cast<char>(random() % 12);
        }
        return bytes;
    });
}
#endif
