// How often an address that somebody else keeps removing is put back: at once a few times, then no more than a steady
// rate, and in the end the master gives up, because two programs that fight over an address help nobody.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "mainstay/base/time.hpp"

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

    // The address at `position` was lost: when may it be put back? Later: next() and take_due() bring it up again.
    [[nodiscard]] Answer lost(std::size_t position, Instant now);
    // The address at `position` was lost, and is nobody's affair until somebody asks for it: hasten().
    void leave(std::size_t position) { addresses_[position].left = true; }
    // Putting it back failed.
    [[nodiscard]] Answer failed(std::size_t position, Instant now);

    [[nodiscard]] std::optional<Instant> next() const;
    [[nodiscard]] std::vector<std::size_t> take_due(Instant now);  // positions to put back now
    // What waits or was left alone is put back at once, with all its attempts: somebody has asked for it.
    void hasten(Instant now);
    // It is there again by other means: nothing waits for it any more. How often it was put back stays known.
    void is_back(std::size_t position);
    void all_are_back();
    void clear() { addresses_.clear(); }
    // A reload: what stood at `position` stands at new_position(position) now, or nowhere.
    void renumber(const std::function<std::optional<std::size_t>(std::size_t)>& new_position);

private:
    struct Address {
        std::vector<Instant> restores;  // within kGiveUpWindow, oldest first
        std::optional<Instant> due;
        unsigned failures = 0;
        bool left = false;
    };
    std::map<std::size_t, Address> addresses_;
};

}  // namespace mainstay::vrrp
