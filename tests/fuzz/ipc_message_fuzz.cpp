// Messages between the processes, each of which may have been taken over: decoding never believes a length, and what it
// accepts says the same when it is sent on.
//
// tools/fuzz builds it with clang's -fsanitize=fuzzer. Elsewhere replay.hpp brings a main.
#include <cstdint>
#include <random>
#include <span>
#include <string>

#include "mainstay/ipc/message.hpp"
#include "replay.hpp"
#include "require.hpp"

using namespace mainstay;
using fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto message = ipc::decode_message(std::as_bytes(std::span{data, size}));
    if (!message) {
        require(!message.error().text().empty());
        return 0;
    }
    const auto bytes = ipc::encode_message(*message);
    const auto again = ipc::decode_message(bytes);
    require(again && again->index() == message->index() && ipc::encode_message(*again) == bytes);
    return 0;
}

#ifdef MAINSTAY_FUZZ_REPLAY
int main(int argc, char** argv) {
    constexpr int kRounds = 100'000;
    return fuzz::replay(argc, argv, kRounds, [](std::mt19937& random) {
        std::string bytes(random() % 80, '\0');
        for (auto& b : bytes) b = static_cast<char>(random() % 3 == 0 ? random() : random() % 4);
        if (bytes.size() > 5) {  // most of them a kind that there is, and a length that fits
            bytes[0] = static_cast<char>(random() % std::variant_size_v<ipc::Message>);
            bytes[1] = static_cast<char>(bytes.size() - 5);
            if (random() % 8 != 0) bytes[2] = bytes[3] = bytes[4] = '\0';
        }
        return bytes;
    });
}
#endif
