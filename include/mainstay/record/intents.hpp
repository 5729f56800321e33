// What is kept of the intents of a step: how many, of which kinds, and a digest over all that they say.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "format.hpp"
#include "mainstay/base/byte_archive.hpp"
#include "mainstay/lvs/facts.hpp"
#include "mainstay/vrrp/facts.hpp"

namespace mainstay::record {

struct IntentSummary {
    static constexpr std::size_t kRunsMax = 16;
    struct Run {  // neighbours of one kind
        std::uint8_t kind = 0;
        std::uint64_t count = 0;
        bool operator==(const Run&) const = default;
    };
    std::uint64_t count = 0;
    std::array<Run, kRunsMax> runs{};
    std::uint8_t run_count = 0;  // the first ones; the digest covers all
    std::uint64_t digest = 0;
    bool operator==(const IntentSummary&) const = default;
};

// A hash for finding differences; it withstands no attacker.
[[nodiscard]] std::uint64_t hash_of(std::span<const std::byte> bytes, std::uint64_t start = 0);

// Most bytes of an encoded summary.
inline constexpr std::size_t kSummaryBytesMax = 256;
void write(ByteWriter& out, const IntentSummary& summary);
[[nodiscard]] IntentSummary read_summary(ByteReader& in);

inline constexpr std::size_t kRoomAtFirst = 4096;  // bytes of the working memory

// Summarises intents one by one. `room` is working memory, which grows if an intent needs more.
class SummaryBuilder {
public:
    explicit SummaryBuilder(std::vector<std::byte>& room) : room_{room} {}
    // put(ByteWriter&) writes what the digest covers.
    template <class Put>
    void add(std::uint8_t kind, Put&& put) {
        count(kind);
        const auto encode = [&] {
            ByteWriter out{room_};
            out(kind);
            put(out);
            return out.size();
        };
        std::size_t size = encode();
        if (size > room_.size()) {
            room_.resize(size * 2);
            size = encode();
        }
        summary_.digest = hash_of(std::span{room_}.first(size), summary_.digest);
    }
    [[nodiscard]] const IntentSummary& summary() const { return summary_; }

private:
    void count(std::uint8_t kind);

    std::vector<std::byte>& room_;
    IntentSummary summary_;
};
void add(SummaryBuilder& builder, const lvs::Intents& intents);
[[nodiscard]] IntentSummary summary_of(const lvs::Intents& intents, std::vector<std::byte>& room);

// Passwords, signatures and the checksums that cover them are left out of the digest, because a replay has stand-ins.
// `room` is working memory, which grows if an intent needs more.
[[nodiscard]] IntentSummary summary_of(const vrrp::Intents& intents, std::vector<std::byte>& room);

[[nodiscard]] std::string_view kind_name(std::uint8_t kind, Machine machine = Machine::Router);  // "SendAdvert"
// "SendAdvert, 3 WriteLog, AddAddresses"
[[nodiscard]] std::string describe(const IntentSummary& summary, Machine machine = Machine::Router);

}  // namespace mainstay::record
