// Servers that answer an HTTP/2 request with whatever they like: a bounded part of it is kept, and where it ends there
// is an answer or a reason.
//
// tools/fuzz builds it with clang's -fsanitize=fuzzer. Elsewhere replay.hpp brings a main.
#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>

#include "probe/http2.hpp"
#include "replay.hpp"
#include "require.hpp"

using namespace mainstay;
using fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input{reinterpret_cast<const char*>(data), size};
    std::size_t body = 0;
    constexpr std::size_t kAnswerMax = 1000;
    auto client = probe::Http2Client::make({.authority = "a.example", .path = "/", .answer_max = kAnswerMax},
                                           [&](std::string_view piece) { body += piece.size(); });
    require(client.has_value());
    static_cast<void>((*client)->output());
    for (std::size_t at = 0; at < size && !(*client)->done();) {
        const std::size_t piece = 1 + data[at] % 64;
        if (const auto fed = (*client)->feed(input.substr(at, piece)); !fed) {
            require(!fed.error().text().empty());
            break;
        }
        static_cast<void>((*client)->output());
        at += piece;
    }
    require(body <= std::min(size, kAnswerMax));
    require((*client)->field("grpc-status").size() <= probe::kHttp2HeadersMax);
    return 0;
}

#ifdef MAINSTAY_FUZZ_REPLAY
int main(int argc, char** argv) {
    constexpr int kRounds = 20'000;
    return fuzz::replay(argc, argv, kRounds, [](std::mt19937& random) {
        std::string bytes{"\0\0\0\4\0\0\0\0\0", 9};  // a server's settings, then frames of the only stream
        for (auto frames = random() % 4; frames > 0; --frames) {
            const auto length = random() % 12;
            const std::string header{0,
                                     0,
                                     static_cast<char>(length),
                                     static_cast<char>(random() % 10),
                                     static_cast<char>(random() % 2 == 0 ? 4 : random()),
                                     0,
                                     0,
                                     0,
                                     1};
            bytes += header;
            for (std::size_t i = 0; i < length; ++i) bytes += static_cast<char>(random() % 4 == 0 ? 0x88 : random());
        }
        return bytes;
    });
}
#endif
