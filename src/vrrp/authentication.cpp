#include "mainstay/vrrp/authentication.hpp"

#include <algorithm>
#include <utility>

namespace mainstay::vrrp {
namespace {

constexpr std::int64_t kSecond = 1'000'000;

// Seconds in the upper half, 1/65536 s below, and a counter of 16 bits.
std::uint64_t time_stamp(std::int64_t unix_us) {
    const std::int64_t us = std::max<std::int64_t>(unix_us, 0);
    const auto seconds = static_cast<std::uint64_t>(us / kSecond);
    const auto fraction = static_cast<std::uint64_t>(us % kSecond * 65'536 / kSecond);
    return seconds << 32 | fraction << 16;
}

}  // namespace

std::uint32_t Authentication::next_ah(std::int64_t unix_us) {
    const auto seconds = static_cast<std::uint64_t>(std::max<std::int64_t>(unix_us, 0) / kSecond);
    sent_ = std::max(sent_ + 1, seconds);
    return static_cast<std::uint32_t>(sent_);
}

std::uint64_t Authentication::next_hmac(std::int64_t unix_us) {
    sent_ = std::max(sent_ + 1, time_stamp(unix_us));
    return sent_;
}

bool Authentication::grows(const IpAddress& sender, std::uint64_t sequence) {
    const auto known = std::ranges::find(heard_, sender, &HeardSequence::sender);
    if (known != heard_.end()) {
        if (sequence <= known->sequence) return false;
        heard_.erase(known);
    } else if (heard_.size() == kSenders) {
        heard_.erase(heard_.begin());
    }
    heard_.push_back({sender, sequence});
    return true;
}

void Authentication::catch_up(std::uint64_t sequence) { sent_ = std::max(sent_, sequence); }

void Authentication::adopt(std::uint64_t sent, std::vector<HeardSequence> heard) {
    sent_ = sent;
    heard_ = std::move(heard);
    if (heard_.size() > kSenders) heard_.resize(kSenders);
}

std::int64_t clock_difference(std::uint64_t sequence, std::int64_t unix_us) {
    return static_cast<std::int64_t>(sequence >> 32) - unix_us / kSecond;
}

}  // namespace mainstay::vrrp
