// Slows down who guesses: after the third wrong secret in a row an address waits, twice as long each time. Pure.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <string>

#include "mainstay/base/time.hpp"

namespace mainstay::role::http {

inline constexpr std::size_t kSourcesMax = 1024;  // the one that failed longest ago is forgotten first
inline constexpr unsigned kFreeFailures = 2;      // without a wait
inline constexpr std::chrono::seconds kLongestWait{60};
inline constexpr std::chrono::minutes kForgottenAfter{10};
// Comparing a password takes some 50 ms of the observer's time: at most so many a second, from all addresses together.
inline constexpr unsigned kPasswordsASecond = 5;

class LoginGuard {
public:
    // How long this source has to wait before its next try is looked at; 0: not at all.
    [[nodiscard]] std::chrono::seconds wait_of(const std::string& source, Instant now) const;
    void failed(const std::string& source, Instant now);
    void succeeded(const std::string& source) { sources_.erase(source); }
    // Whether another password may be compared now, which is then counted.
    [[nodiscard]] bool may_compare(Instant now);
    [[nodiscard]] std::size_t sources() const { return sources_.size(); }

private:
    struct Source {
        unsigned failures = 0;
        Instant last{}, until{};
    };
    void make_room(Instant now);

    std::map<std::string, Source> sources_;
    Instant second_{};
    unsigned compared_ = 0;
};

}  // namespace mainstay::role::http
