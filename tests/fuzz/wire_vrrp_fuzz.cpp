// VRRP packets from anywhere: decoding never reads past the end, and what it accepts survives a round trip.
//
// Under clang: -fsanitize=fuzzer. Under GCC (MAINSTAY_FUZZ_REPLAY) a main of its own replays the files given as
// arguments, and without any a fixed series of damaged packets.
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>
#include <span>
#include <vector>

#include "mainstay/wire/vrrp.hpp"

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
    for (int i = 1; i < argc; ++i) {
        std::ifstream file{argv[i], std::ios::binary};
        const std::vector<char> bytes{std::istreambuf_iterator<char>{file}, {}};
        LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    }
    std::mt19937 random{1};
    std::vector<std::uint8_t> bytes;
    for (int round = 0; argc == 1 && round < 200'000; ++round) {
        bytes.resize(random() % 64);
        for (auto& b : bytes) b = static_cast<std::uint8_t>(random());
        if (bytes.size() > 3) {  // most of them near enough to a packet
            bytes[0] = static_cast<std::uint8_t>((2 + random() % 2) << 4 | 1);
            bytes[3] = static_cast<std::uint8_t>(random() % 12);
        }
        LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
    }
}
#endif
