// DNS answers from anywhere: reading never goes past the end, and holds no more than it says. The same bytes as the
// line of an agent, and as a tracked file.
//
// tools/fuzz builds it with clang's -fsanitize=fuzzer. Elsewhere replay.hpp brings a main.
#include <cstdint>
#include <cstdlib>
#include <random>
#include <span>
#include <string>

#include "mainstay/wire/agent.hpp"
#include "mainstay/wire/dns.hpp"
#include "mainstay/wire/track_value.hpp"
#include "replay.hpp"

using namespace mainstay;

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto input = std::as_bytes(std::span{data, size});
    const auto agent = wire::agent_reply({reinterpret_cast<const char*>(data), size});
    require(agent.word.size() <= wire::kAgentLineMax && agent.percent.value_or(0) <= wire::kAgentPercentMax);
    static_cast<void>(wire::read_track_value({reinterpret_cast<const char*>(data), size}));
    const auto header = wire::dns_header(input);
    const auto answer = wire::dns_answer(input);
    require(header || !answer);
    if (!answer) return 0;
    require(answer->answers.size() + answer->additionals.size() <= wire::kDnsRecordsMax);
    for (const auto* records : {&answer->answers, &answer->additionals})
        for (const auto& record : *records) {
            require(record.name.size() <= 4 * wire::kDnsNameMax && record.target.size() <= 4 * wire::kDnsNameMax);
            static_cast<void>(wire::dns_addresses(*answer, record.name));
        }
    // What was asked can be asked again, unless it holds bytes that are no host's.
    if (answer->question.find('\\') == std::string::npos) {
        const auto query =
            wire::dns_query(answer->header.id, {answer->question, static_cast<wire::DnsType>(answer->question_type)});
        require(query.has_value());
        const auto again = wire::dns_answer(*query);
        require(again && again->question == answer->question && !again->header.response);
    }
    return 0;
}

#ifdef MAINSTAY_FUZZ_REPLAY
int main(int argc, char** argv) {
    constexpr int kRounds = 100'000;
    return fuzz::replay(argc, argv, kRounds, [](std::mt19937& random) {
        std::string bytes(random() % 120, '\0');
        for (auto& b : bytes) b = static_cast<char>(random() % 3 == 0 ? random() : random() % 8);
        if (bytes.size() > 12 && random() % 8 != 0) {  // most of them with few records and a name or a pointer
            for (std::size_t i = 4; i < 12; ++i) bytes[i] = i % 2 == 0 ? '\0' : static_cast<char>(random() % 3);
            bytes[5] = static_cast<char>(random() % 2);
            if (random() % 2 == 0 && bytes.size() > 20) bytes[18] = '\xc0', bytes[19] = '\x0c';
        }
        return bytes;
    });
}
#endif
