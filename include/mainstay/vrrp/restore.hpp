// Limits how often an address is restored that another program keeps removing: a few times at once, then at a bounded
// rate; in the end the master resigns, because two programs that fight over an address help nobody.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "mainstay/base/time.hpp"
#include "mainstay/config/model.hpp"
#include "mainstay/vrrp/facts.hpp"

namespace mainstay::vrrp {

class RestoreBudget {
public:
    static constexpr std::size_t kBurst = 5;  // restores of one address that may fall into kBurstWindow
    static constexpr Seconds kBurstWindow{10};
    static constexpr std::size_t kGiveUp = 20;  // restores of one address within kGiveUpWindow
    static constexpr Seconds kGiveUpWindow{60};
    static constexpr unsigned kFailures = 3;  // attempts in a row that the kernel refused
    static constexpr Seconds kRetryAfter{1};

    enum class Answer : std::uint8_t { Now, Later, GiveUp };

    // The address at `position` was lost. The answer says when to restore it; for Later, use next() and take_due().
    [[nodiscard]] Answer lost(std::size_t position, Instant now);
    // The address at `position` was lost and is not restored until hasten() is called.
    void leave(std::size_t position) { addresses_[position].left = true; }
    // Restoring it failed.
    [[nodiscard]] Answer failed(std::size_t position, Instant now);

    [[nodiscard]] std::optional<Instant> next() const;
    [[nodiscard]] std::vector<std::size_t> take_due(Instant now);  // positions to restore now
    // For a reload: all lost addresses are restored at once, with a fresh number of attempts.
    void hasten(Instant now);
    // The address is present again by other means and needs no restore. The count of its restores is kept.
    void is_back(std::size_t position);
    void all_are_back();
    [[nodiscard]] bool within(std::size_t positions) const {
        return addresses_.empty() || addresses_.rbegin()->first < positions;
    }
    void clear() { addresses_.clear(); }
    // A reload: maps each old position to its new one, or to none if the address was removed.
    void renumber(const std::function<std::optional<std::size_t>(std::size_t)>& new_position);

private:
    struct Address {
        std::vector<Instant> restores;  // within kGiveUpWindow, oldest first
        std::optional<Instant> due;
        unsigned failures = 0;
        bool left = false;
    };
    template <class A>
    friend void fields(A& archive, RestoreBudget& budget);  // router_state.cpp
    template <class A>
    friend void fields(A& archive, Address& address);  // router_state.cpp
    std::map<std::size_t, Address> addresses_;
};

// What another program on this host, which runs the same configuration, does for it at this moment, as far as the
// kernel shows it. A start from this snapshot goes on where that program is: no election, no gratuitous ARP, no
// notification.

// An instance is MASTER if it has addresses and the host holds all of them, each on its interface. A member of a sync
// group without addresses of its own is MASTER with all members that have some. The other instances are not in the
// snapshot: they start as they always do. What such a master tracks is up until something else is known, because it
// would not be MASTER otherwise. The masters' next adverts are due at `now`.
[[nodiscard]] RouterSnapshot adopted_state(const config::Config& config, std::span<const InterfaceFact> interfaces,
                                           Instant now);

}  // namespace mainstay::vrrp
