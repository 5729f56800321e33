// Files of real servers that anybody may write: whatever the bytes are, there are servers within the limits, sorted and
// each once, or a problem in one line of plain characters.
//
// The input: a byte that chooses the source's settings, then the file. tools/fuzz builds it with clang's
// -fsanitize=fuzzer. Elsewhere replay.hpp brings a main.
#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <tuple>

#include "mainstay/config/server_file.hpp"
#include "replay.hpp"
#include "require.hpp"

using namespace mainstay;

namespace {

constexpr std::uint8_t kWithPort = 1, kV4 = 2, kV6 = 4, kKeep = 8, kDrop = 16;

config::ServerFileSource source_of(std::uint8_t bits) {
    config::ServerFileSource source;
    source.path = "/etc/web.json";
    if ((bits & kWithPort) != 0) source.port = 8080;
    if ((bits & kV4) != 0) source.family = Family::V4;
    if ((bits & kV6) != 0) source.family = Family::V6;
    if ((bits & kKeep) != 0) source.keep = {{"zone", {"a", "b"}}};
    if ((bits & kDrop) != 0) source.drop = {{"stage", {"test"}}};
    return source;
}

bool is_before(const config::DiscoveredServer& a, const config::DiscoveredServer& b) {
    return std::tie(a.address, a.port) < std::tie(b.address, b.port);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto source = source_of(size == 0 ? std::uint8_t{0} : data[0]);
    const std::string_view text{reinterpret_cast<const char*>(data) + (size == 0 ? 0 : 1), size == 0 ? 0 : size - 1};
    const auto servers = config::read_server_file(text, source);
    if (!servers) {
        const std::string& problem = servers.error().text();
        fuzz::require(!problem.empty() && problem.size() < 400);
        fuzz::require(
            std::ranges::all_of(problem, [](char c) { return c >= ' ' && c < '\x7f' && c != '<' && c != '>'; }));
        return 0;
    }
    fuzz::require(servers->size() <= config::kServersPerFileMax);
    for (std::size_t i = 0; i < servers->size(); ++i) {
        const auto& one = (*servers)[i];
        fuzz::require(one.port != 0 && !one.address.empty() && !one.address.is_multicast());
        fuzz::require(!source.family || one.address.family() == *source.family);
        fuzz::require(one.weight.value_or(0) <= config::kLabelWeightMax);
        fuzz::require(i == 0 || is_before((*servers)[i - 1], one));
    }
    // A file is whole or refused: without its last byte it never has other servers.
    if (text.empty()) return 0;
    const auto cut = config::read_server_file(text.substr(0, text.size() - 1), source);
    fuzz::require(!cut || *cut == *servers);
    return 0;
}

#ifdef MAINSTAY_FUZZ_REPLAY
int main(int argc, char** argv) {
    constexpr int kRounds = 4'000;
    return fuzz::replay(argc, argv, kRounds, [](std::mt19937& random) {
        static constexpr std::string_view kPieces[] = {"[",
                                                       "]",
                                                       "{",
                                                       "}",
                                                       ",",
                                                       ":",
                                                       "\"targets\"",
                                                       "\"labels\"",
                                                       "\"weight\"",
                                                       "\"zone\"",
                                                       "\"192.0.2.1:80\"",
                                                       "\"[2001:db8::1]:80\"",
                                                       "\"a\"",
                                                       "\"3\"",
                                                       "7",
                                                       "null",
                                                       "\"web:80\"",
                                                       "\\u0000",
                                                       "[{\"targets\":[\"192.0.2.1:80\"]}",
                                                       "\xff",
                                                       " ",
                                                       "\n"};
        std::string input(1, static_cast<char>(random() % 32));
        for (auto pieces = random() % 20; pieces > 0; --pieces) input += kPieces[random() % std::size(kPieces)];
        return input;
    });
}
#endif
