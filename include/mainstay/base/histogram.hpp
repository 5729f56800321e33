// Counts of durations in fixed buckets. Recording one allocates nothing and takes a bounded time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "time.hpp"

namespace mainstay {

// `kBounds` is a std::array of Micros, the inclusive upper bounds of the buckets in ascending order.
template <const auto& kBounds>
struct Histogram {
    static constexpr const auto& bounds() { return kBounds; }

    // Each bucket's own count; the last one counts what is above all bounds.
    std::array<std::uint64_t, kBounds.size() + 1> counts{};
    std::uint64_t sum_us = 0;  // of all recorded durations, in microseconds

    // A negative duration counts as 0.
    constexpr void record(Micros value) {
        if (value < Micros{0}) value = Micros{0};
        std::size_t bucket = 0;
        while (bucket < kBounds.size() && value > kBounds[bucket]) ++bucket;
        ++counts[bucket];
        sum_us += static_cast<std::uint64_t>(value.count());
    }
    bool operator==(const Histogram&) const = default;
};

// The members (base/archive.hpp).
template <class A, const auto& kBounds>
void fields(A& a, Histogram<kBounds>& h) {
    for (auto& count : h.counts) a(count);
    a(h.sum_us);
}

}  // namespace mainstay
