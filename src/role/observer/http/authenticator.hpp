// Who asks at a TCP listener: by the credentials of the request, or, at a loopback address without a credentials file,
// anybody, who may read.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "exchange.hpp"
#include "mainstay/base/log.hpp"
#include "mainstay/base/time.hpp"
#include "mainstay/report/api.hpp"
#include "mainstay/wire/credentials_file.hpp"

namespace mainstay::role::http {

// Slows down who guesses: after the third wrong secret in a row an address waits, twice as long each time. Pure.

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

class Authenticator {
public:
    struct Clock {
        std::function<Instant()> now;
        std::function<WallTime()> wall;
    };
    Authenticator(Log& log, report::ApiCounters& counters, Clock clock)
        : log_{log}, counters_{counters}, clock_{std::move(clock)} {}

    // Nobody may log in until set().
    void require_credentials(bool required) { required_ = required; }
    // False: they are the same as before.
    [[nodiscard]] bool set(std::vector<wire::Credential> credentials);
    void let_operate(bool operate) { operate_ = operate; }

    // `source`: the address, for the log; an IPv6 address counts as its /64.
    [[nodiscard]] std::variant<Caller, Answer> identify(const Request& request, const IpAddress& source);

private:
    [[nodiscard]] std::variant<Caller, Answer> without_credentials(const Request& request,
                                                                   const std::string& source) const;
    [[nodiscard]] const wire::Credential* find(const wire::HttpCredentials& given, Instant now, bool& too_busy);
    [[nodiscard]] Answer wrong(const std::string& source);
    [[nodiscard]] Answer wait(std::chrono::seconds time);
    [[nodiscard]] bool is_known_password(const wire::Credential& credential, const std::string& password) const;

    Log& log_;
    report::ApiCounters& counters_;
    Clock clock_;
    LoginGuard guard_;
    std::vector<wire::Credential> credentials_;
    // Passwords that were right, hashed cheaply, because a client sends its password with each request.
    std::vector<std::pair<std::string, std::string>> right_;
    bool required_ = false, operate_ = false;
};

// What of an address counts as one source: an IPv4 address, the /64 of an IPv6 address.
[[nodiscard]] std::string source_name(const IpAddress& address);

}  // namespace mainstay::role::http
