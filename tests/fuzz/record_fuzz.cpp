// Flight records, which an operator may get from anybody: reading never believes a length, and what a role writes into
// its memory while it is saved is no better.
//
// tools/fuzz builds it with clang's -fsanitize=fuzzer. Elsewhere replay.hpp brings a main.
#include <cstdint>
#include <random>
#include <span>
#include <string>

#include "mainstay/record/reader.hpp"
#include "mainstay/record/replay.hpp"
#include "replay.hpp"
#include "require.hpp"

using namespace mainstay;
using fuzz::require;

namespace {

constexpr int kEntriesMax = 10'000;

// Likewise of a judge.
void read_judge_entries(std::span<const std::byte> bytes, std::size_t state) {
    static const lvs::Judge kJudge{[](Micros) { return Micros{0}; }};
    record::JudgeSegmentReader reader{bytes};
    if (const auto frame = reader.key_frame(); !frame) return require(!frame.error().text().empty());
    reader.entries_after(state);
    for (int n = 0; n < kEntriesMax; ++n) {
        const auto entry = reader.next();
        if (!entry) return require(!entry.error().text().empty());
        if (!*entry) return;
        require(!record::describe_fact(**entry, kJudge).empty());
    }
}

// The entries of a segment, as if its state had so many bytes.
void read_entries(std::span<const std::byte> bytes, std::size_t state) {
    record::SegmentReader reader{bytes};
    if (const auto frame = reader.key_frame(); !frame) return require(!frame.error().text().empty());
    reader.entries_after(state);
    for (int n = 0; n < kEntriesMax; ++n) {
        const auto entry = reader.next();
        if (!entry) return require(!entry.error().text().empty());
        if (!*entry) return;
        require(!record::describe_fact(**entry).empty());
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto bytes = std::as_bytes(std::span{data, size});
    if (const auto record = record::read_record(bytes); record) {
        for (const auto& segment : record->segments) read_entries(segment.bytes, 0);
        for (const auto& segment : record->judge_segments) read_judge_entries(segment.bytes, 0);
    }
    read_entries(bytes, size > 0 ? data[0] % 8 : 0);
    read_judge_entries(bytes, size > 0 ? data[0] % 8 : 0);
    ByteReader in{bytes};
    const auto summary = record::read_summary(in);
    if (in.ok()) require(!record::describe(summary).empty());
    // Of a role's memory, which is aligned; what is saved of it can be read again, or not, but never lies about its
    // end.
    std::vector<std::uint64_t> memory(size / sizeof(std::uint64_t));
    const auto whole = std::as_writable_bytes(std::span{memory});
    std::ranges::copy(bytes.first(whole.size()), whole.begin());
    if (const auto file = record::file_of_memory(whole, {}); file) require(record::read_record(*file).has_value());
    ByteReader state{bytes};
    const auto router = vrrp::Router::resume(std::make_shared<const config::Config>(), state);
    require(router.has_value() || !router.error().text().empty());
    ByteReader judge_state{bytes};
    const auto judge = lvs::Judge::resume([](Micros) { return Micros{0}; }, {}, judge_state);
    require(judge.has_value() || !judge.error().text().empty());
    return 0;
}

#ifdef MAINSTAY_FUZZ_REPLAY
int main(int argc, char** argv) {
    constexpr int kRounds = 20'000;
    return fuzz::replay(argc, argv, kRounds, [](std::mt19937& random) {
        std::string bytes(random() % 200, '\0');
        for (auto& b : bytes) b = static_cast<char>(random() % 3 == 0 ? random() : random() % 8);
        return bytes;
    });
}
#endif
