// BFD control packets from anywhere: decoding never reads past the end, and what it accepts survives a round trip.
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

#include "mainstay/wire/bfd.hpp"

using namespace mainstay;

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto input = std::as_bytes(std::span{data, size});
    const auto packet = wire::decode_bfd(input);
    if (!packet) {
        require(!wire::to_string(packet.error()).empty());
        return 0;
    }
    require(packet->my_discriminator != 0 && packet->detect_multiplier != 0);
    const auto again = wire::encode_bfd(*packet);
    require(again.size() <= input.size());
    require(wire::decode_bfd(again) == packet);
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
    for (int round = 0; argc == 1 && round < 200'000; ++round) {
        std::vector<std::uint8_t> bytes(random() % 40);  // of its own size, so that a sanitizer sees its end
        for (auto& b : bytes) b = static_cast<std::uint8_t>(random());
        if (bytes.size() > 3 && random() % 8 != 0) {  // most of them near enough to a packet
            bytes[0] = static_cast<std::uint8_t>(0x20 | (bytes[0] & 0x1f));
            bytes[3] = static_cast<std::uint8_t>(22 + random() % 8);
        }
        LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
    }
}
#endif
