// Answers of registries, which come over the network: whatever the bytes are, there are servers within the limits,
// sorted and each once, or a problem in one line of plain characters. What was read and written as a file is read as
// the same servers.
//
// The input: a byte that chooses the answer's kind and the settings, then the answer.
#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <tuple>

#include "mainstay/config/registry.hpp"
#include "replay.hpp"
#include "require.hpp"

using namespace mainstay;

namespace {

constexpr std::uint8_t kKinds = 8, kWithPort = 8, kAnyHealth = 16, kWithoutTag = 32;

void require_plain(const Error& problem) {
    const std::string text = problem.text();
    fuzz::require(!text.empty() && text.size() < 400);
    fuzz::require(std::ranges::all_of(text, [](char c) { return c >= ' ' && c < '\x7f' && c != '<' && c != '>'; }));
}

void require_servers(const config::DiscoveredServers& servers) {
    const auto place = [](const config::DiscoveredServer& one) { return std::tie(one.address, one.port); };
    fuzz::require(servers.size() <= config::kServersPerFileMax);
    for (std::size_t i = 1; i < servers.size(); ++i) fuzz::require(place(servers[i - 1]) < place(servers[i]));
    const bool ports = std::ranges::all_of(servers, [](const auto& one) { return one.port != 0; });
    fuzz::require(ports);
    const auto again = config::read_server_file(config::server_file_of(servers), {.path = "/x"});
    fuzz::require(again.has_value() && *again == servers);
}

template <class T>
bool has(const Result<T>& result) {
    if (!result) require_plain(result.error());
    return result.has_value();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::uint8_t bits = data[0];
    const std::string_view text{reinterpret_cast<const char*>(data) + 1, size - 1};
    const std::uint16_t port = (bits & kWithPort) != 0 ? 8080 : 0;
    switch (bits % kKinds) {
        case 1: {
            config::ConsulSelection selection{.without_tags = {}, .any_health = (bits & kAnyHealth) != 0, .port = port};
            if ((bits & kWithoutTag) != 0) selection.without_tags = {"b"};
            if (const auto servers = config::read_consul_health(text, selection); has(servers))
                require_servers(*servers);
            break;
        }
        case 2:
            if (const auto read = config::read_etcd_range(text, port); has(read)) {
                fuzz::require(read->revision > 0);
                require_servers(read->servers);
            }
            break;
        case 3:
            static_cast<void>(has(config::read_etcd_watch(text)));
            break;
        case 4:
            if (const auto token = config::read_etcd_token(text); has(token))
                fuzz::require(!token->empty() && std::ranges::none_of(*token, [](char c) { return c <= ' '; }));
            break;
        default:
            // No prefix makes a request that is no JSON in one line.
            fuzz::require(config::etcd_watch_request(text, 5).find('\n') == std::string::npos);
            fuzz::require(config::etcd_token_request(text, text).find('\n') == std::string::npos);
    }
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
                                                       "\"Service\"",
                                                       "\"Node\"",
                                                       "\"Port\"",
                                                       "\"Address\"",
                                                       "\"192.0.2.1\"",
                                                       "80",
                                                       "\"Checks\"",
                                                       "\"kvs\"",
                                                       "\"value\"",
                                                       "\"header\"",
                                                       "\"revision\"",
                                                       "\"7\"",
                                                       "null",
                                                       "\"MTkyLjAuMi4xOjgw\"",
                                                       "\"result\"",
                                                       "\"events\"",
                                                       "\"token\"",
                                                       "\xff",
                                                       " "};
        std::string input(1, static_cast<char>(random() % 64));
        for (auto pieces = random() % 24; pieces > 0; --pieces) input += kPieces[random() % std::size(kPieces)];
        return input;
    });
}
#endif
