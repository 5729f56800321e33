// Segments of the event history, which a crash, a disk or somebody may have damaged: whatever the bytes are, the reader
// ends, uses what is whole, and says of the rest that it is damaged. What it has read it reads again when it is
// written.
//
// tools/fuzz builds it with clang's -fsanitize=fuzzer. Elsewhere replay.hpp brings a main.
#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "mainstay/ipc/history_file.hpp"
#include "replay.hpp"
#include "require.hpp"

using namespace mainstay;
using fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto segment = ipc::read_history_segment(std::as_bytes(std::span{data, size}));
    const bool is_segment = ipc::is_history_header(std::as_bytes(std::span{data, size}));
    require(segment.entries.empty() || is_segment);
    require(segment.damaged <= ipc::kHistoryDamageMax);
    require(segment.damaged == 0 || !segment.problem.empty());
    require(segment.entries.size() * 16 <= size);
    auto again = ipc::history_header();
    std::uint64_t last = 0;
    for (const auto& entry : segment.entries) {
        require(entry.id > last);
        last = entry.id;
        const auto record = ipc::history_record(entry);
        require(!record.empty());
        again.insert(again.end(), record.begin(), record.end());
    }
    const auto second = ipc::read_history_segment(again);
    require(second.problem.empty() && second.entries.size() == segment.entries.size());
    for (std::size_t i = 0; i < second.entries.size(); ++i)
        require(second.entries[i].event == segment.entries[i].event && second.entries[i].id == segment.entries[i].id);
    return 0;
}

#ifdef MAINSTAY_FUZZ_REPLAY
int main(int argc, char** argv) {
    constexpr int kRounds = 20'000;
    return fuzz::replay(argc, argv, kRounds, [](std::mt19937& random) {
        const auto text = [](const std::vector<std::byte>& bytes) {
            return std::string{reinterpret_cast<const char*>(bytes.data()), bytes.size()};
        };
        std::string bytes = text(ipc::history_header());
        for (std::uint64_t id = 1 + random() % 4; id > 0 && bytes.size() < 1000; id -= id > 0 ? 1 : 0) {
            Event event{.name = "VI_" + std::to_string(id), .transition = Transition::Master, .detail = "detail"};
            event.at.unix_us = static_cast<std::int64_t>(random());
            bytes += text(ipc::history_record({.id = 10 - id, .source = "vrrp", .event = event}));
        }
        for (auto slips = random() % 4; slips > 0; --slips) {
            const std::size_t at = random() % bytes.size();
            if (random() % 2 == 0)
                bytes[at] = static_cast<char>(random());
            else
                bytes.erase(at, random() % 20);
            if (bytes.empty()) bytes = "m";
        }
        return bytes;
    });
}
#endif
