// BFD control packets from anywhere: decoding never reads past the end, and what it accepts survives a round trip.
//
// tools/fuzz builds it with clang's -fsanitize=fuzzer. Elsewhere replay.hpp brings a main.
#include <cstdint>
#include <cstdlib>
#include <random>
#include <span>
#include <string>

#include "mainstay/wire/bfd.hpp"
#include "replay.hpp"

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
    constexpr int kRounds = 200'000;
    return fuzz::replay(argc, argv, kRounds, [](std::mt19937& random) {
        std::string bytes(random() % 40, '\0');
        for (auto& b : bytes) b = static_cast<char>(random());
        if (bytes.size() > 3 && random() % 8 != 0) {  // most of them near enough to a packet
            bytes[0] = static_cast<char>(0x20 | (bytes[0] & 0x1f));
            bytes[3] = static_cast<char>(22 + random() % 8);
        }
        return bytes;
    });
}
#endif
