// The parts of an HTTP request that the API reads itself, and the body of one that changes something: from anybody who
// can reach the listener.
//
// tools/fuzz builds it with clang's -fsanitize=fuzzer. Elsewhere replay.hpp brings a main.
#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>

#include "mainstay/wire/credentials_file.hpp"
#include "mainstay/wire/flat_json.hpp"
#include "mainstay/wire/http_request.hpp"
#include "replay.hpp"

using namespace mainstay;

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    if (const auto target = wire::http_target(text)) {
        require(target->path.starts_with('/') && target->path.find("/../") == std::string::npos);
        require(target->query.size() <= wire::kQueryParametersMax);
        for (const auto& [name, value] : target->query)
            require(target->has(name) && target->parameter(name).size() <= size);
    }
    if (const auto credentials = wire::http_credentials(text))
        require(credentials->name.size() + credentials->secret.size() <= wire::kCredentialBytesMax);
    require(!wire::http_asks_for(text, "text/event-stream") || wire::http_accepts(text, "text/event-stream"));
    const auto host = wire::http_host(text);
    require(host.size() <= size && host.find_first_of("/@ ") == std::string::npos);
    if (const auto object = wire::flat_json(text)) require(object->size() <= wire::kFlatMembersMax);
    for (const auto& credential : wire::credentials_file(text).credentials)
        require(credential.hash.size() == 32 && credential.cost * credential.block <= (1U << 20U));
    if (const auto endpoint = wire::listening_endpoint(text)) {
        require(endpoint->port != 0 && wire::listening_endpoint(endpoint->to_string()) == endpoint);
        require(!wire::is_loopback(endpoint->address) || endpoint->address.to_string() != "::");
    }
    return 0;
}

#ifdef MAINSTAY_FUZZ_REPLAY
int main(int argc, char** argv) {
    constexpr int kRounds = 100'000;
    return fuzz::replay(argc, argv, kRounds, [](std::mt19937& random) {
        constexpr std::string_view kPieces[] = {"/",       "..",  "%2e",    "?a=",   "&", "Basic ", "Bearer ",
                                                "YTpi",    "=",   "{",      "\"a\"", ":", "1",      "}",
                                                "\\ud83d", "\\u", "text/*", ";q=0",  "[", "]"};
        std::string text;
        for (auto n = random() % 12; n > 0; --n) text += kPieces[random() % std::size(kPieces)];
        if (!text.empty() && random() % 3 == 0) text[random() % text.size()] = static_cast<char>(random());
        return text;
    });
}
#endif
