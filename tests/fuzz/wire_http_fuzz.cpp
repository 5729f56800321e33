// Answers of web servers from anywhere, in pieces: the reader never keeps more than its bound, and what it says does
// not depend on where the pieces are cut. The same bytes as an answer of a gRPC health service.
//
// tools/fuzz builds it with clang's -fsanitize=fuzzer. Elsewhere replay.hpp brings a main.
#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>

#include "mainstay/wire/grpc.hpp"
#include "mainstay/wire/http.hpp"
#include "replay.hpp"

using namespace mainstay;

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

struct Reading {
    wire::HttpReader reader;
    std::string body;
    void feed(std::string_view bytes) {
        body += reader.feed(bytes);
        require(reader.header().size() <= wire::kHttpHeaderMax);
    }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input{reinterpret_cast<const char*>(data), size};
    Reading whole, pieces;
    whole.feed(input);
    for (std::size_t at = 0; at < size;) {
        const std::size_t piece = 1 + data[at] % 7;
        pieces.feed(input.substr(at, piece));
        at += piece;
    }
    require(whole.body == pieces.body);
    require(whole.reader.header_ended() == pieces.reader.header_ended());
    require(whole.reader.header_too_long() == pieces.reader.header_too_long());
    require(whole.reader.status() == pieces.reader.status());
    require(whole.reader.content_length() == pieces.reader.content_length());
    require(whole.reader.body_received() == pieces.reader.body_received());
    require(whole.body.size() <= size);
    require(wire::unchunked(input).size() <= size);
    if (const auto length = whole.reader.content_length()) require(whole.body.size() <= *length);
    static_cast<void>(wire::grpc_health_answer(input));
    return 0;
}

#ifdef MAINSTAY_FUZZ_REPLAY
int main(int argc, char** argv) {
    constexpr int kRounds = 100'000;
    return fuzz::replay(argc, argv, kRounds, [](std::mt19937& random) {
        static constexpr const char* kParts[]{
            "HTTP/1.", "0 200 OK", "\r\n", "\r\n\r\n", "Content-Length: ", "5", "99", "hello", " ", "\n",
            ":",       "X: y",     "\r",   "-1"};
        std::string bytes;
        for (auto parts = random() % 12; parts > 0; --parts) {
            if (random() % 8 == 0)
                bytes += static_cast<char>(random());
            else
                bytes += kParts[random() % std::size(kParts)];
        }
        if (random() % 64 == 0) bytes.insert(random() % (bytes.size() + 1), std::string(5000, 'x'));
        return bytes;
    });
}
#endif
