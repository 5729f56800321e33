// The numbers of authenticated packets: ours grow for ever, also over a crash and a restart, and those of each sender
// must grow too.
#pragma once

#include <cstdint>
#include <vector>

#include "facts.hpp"
#include "settings.hpp"

namespace mainstay::vrrp {

class Authentication {
public:
    static constexpr std::size_t kSenders = 4;  // remembered; who was not heard for longest is forgotten (2.4.3)

    // AH: the next number. keepalived counts from 1; ours begins with the seconds of the calendar, which have passed
    // whatever an earlier process sent, because version 2 sends about one advert a second at most.
    [[nodiscard]] std::uint32_t next_ah(std::int64_t unix_us);
    // auth_hmac: the time, or one more than the last number where that is greater.
    [[nodiscard]] std::uint64_t next_hmac(std::int64_t unix_us);

    // True when this sender's number is greater than its last one, which it then becomes.
    [[nodiscard]] bool grows(const IpAddress& sender, std::uint64_t sequence);
    // keepalived: routers of one AH group go on from each other's numbers (seen of 2.2.7).
    void catch_up(std::uint64_t sequence);

    [[nodiscard]] std::uint64_t sent() const { return sent_; }
    [[nodiscard]] const std::vector<HeardSequence>& heard() const { return heard_; }
    void adopt(std::uint64_t sent, std::vector<HeardSequence> heard);
    void forget_senders() { heard_.clear(); }  // other keys, other numbers

private:
    std::uint64_t sent_ = 0;
    std::vector<HeardSequence> heard_;  // least recently heard first
};

// Seconds by which the sender's clock differs from ours.
[[nodiscard]] std::int64_t clock_difference(std::uint64_t sequence, std::int64_t unix_us);

}  // namespace mainstay::vrrp
