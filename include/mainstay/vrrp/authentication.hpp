// Sequence numbers of authenticated packets: our own always increase, even across crashes and restarts, and those of
// each sender must increase too.
#pragma once

#include <cstdint>
#include <vector>

#include "facts.hpp"
#include "settings.hpp"

namespace mainstay::vrrp {

class Authentication {
public:
    static constexpr std::size_t kSenders = 4;  // the least recently heard sender is evicted (keepalived 2.4.3)

    // AH: the next number. keepalived counts from 1; ours grow with the time, by four a second, so that they exceed
    // everything that an earlier process has sent: one advert a second, answers to rivals, resignations.
    [[nodiscard]] std::uint32_t next_ah(std::int64_t unix_us);
    // auth_hmac: the current time, or the last number + 1 if that is greater. With `anti_replay time` the last number
    // no longer counts once it is beyond the window, because the clock was set back: nobody would accept what follows
    // it.
    [[nodiscard]] std::uint64_t next_hmac(std::int64_t unix_us, const HmacSettings& hmac);

    // True if this number is greater than the sender's last one; it is then stored as the last one.
    [[nodiscard]] bool grows(const IpAddress& sender, std::uint64_t sequence);
    // The same of what was heard: such a number would keep out what its sender sends now, until its time has come.
    void forget_beyond(const HmacSettings& hmac, std::int64_t unix_us);
    // keepalived: routers of one AH group continue each other's numbers (seen with 2.2.7).
    void catch_up(std::uint64_t sequence);

    [[nodiscard]] std::uint64_t sent() const { return sent_; }
    [[nodiscard]] const std::vector<HeardSequence>& heard() const { return heard_; }
    void adopt(std::uint64_t sent, std::vector<HeardSequence> heard);
    void forget_senders() { heard_.clear(); }  // after a change of keys

private:
    template <class A>
    friend void fields(A& archive, Authentication& authentication);  // router_state.cpp
    std::uint64_t sent_ = 0;
    std::vector<HeardSequence> heard_;  // least recently heard first
};

// Seconds by which the sender's clock differs from ours.
[[nodiscard]] std::int64_t clock_difference(std::uint64_t sequence, std::int64_t unix_us);

}  // namespace mainstay::vrrp
