// Who asks at a TCP listener: by the credentials of the request, or, at a loopback address without a credentials file,
// anybody, who may read.
#pragma once

#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "exchange.hpp"
#include "login_guard.hpp"
#include "mainstay/base/log.hpp"
#include "mainstay/report/api.hpp"
#include "mainstay/wire/credentials_file.hpp"

namespace mainstay::role::http {

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
