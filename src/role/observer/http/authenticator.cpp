#include "authenticator.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "mainstay/role/common/credential_hash.hpp"
#include "server.hpp"

namespace mainstay::role::http {
namespace {

constexpr std::size_t kNetworkBytes = 8;

Answer challenge(std::string_view error) {
    auto answer = refusal(401, error, "log in with a token (Bearer) or a name and a password (Basic)");
    answer.fields.emplace_back("WWW-Authenticate",
                               "Bearer realm=\"mainstay\", Basic realm=\"mainstay\", charset=\"UTF-8\"");
    return answer;
}

// Names that only this host's own resolver could give another address: a page of a stranger whose name suddenly
// resolves to a loopback address (DNS rebinding) is of another name.
bool is_this_host(const std::string& field) {
    const auto host = wire::http_host(field);
    const auto address = IpAddress::parse(host);
    return host == "localhost" || (address && wire::is_loopback(*address));
}

}  // namespace

std::string source_name(const IpAddress& address) {
    if (!address.is_v6()) return address.to_string();
    std::array<std::byte, 16> network{};
    std::ranges::copy(address.bytes().first(kNetworkBytes), network.begin());
    return IpAddress::v6(network).to_string() + "/64";
}

bool Authenticator::set(std::vector<wire::Credential> credentials) {
    if (credentials == credentials_) return false;
    credentials_ = std::move(credentials);
    right_.clear();
    return true;
}

std::variant<Caller, Answer> Authenticator::without_credentials(const Request& request,
                                                                const std::string& source) const {
    if (!is_this_host(request.host))
        return refusal(403, "the Host field names another host", "use 127.0.0.1, [::1] or localhost in the URL");
    return Caller{.name = "anybody from " + source, .rights = Rights::Read};
}

// A token can be looked for at once: nobody guesses 256 bits. A password is compared only if its source need not wait.
std::variant<Caller, Answer> Authenticator::identify(const Request& request, const IpAddress& source) {
    const auto address = source.to_string();
    const auto key = source_name(source);
    if (!required_) return without_credentials(request, address);
    const auto given = wire::http_credentials(request.authorization);
    if (!given) return challenge(given.error().text());
    if (given->scheme == wire::HttpCredentials::Scheme::None) {
        // Health needs no rights; every other route refuses a caller without any.
        const auto& path = request.target.path;
        if (path == "/livez" || path == "/healthz" || path == "/readyz") return Caller{};
        return challenge("credentials are needed");
    }
    const Instant now = clock_.now();
    const auto time = guard_.wait_of(key, now);
    if (time.count() > 0 && given->scheme == wire::HttpCredentials::Scheme::Basic) return wait(time);
    bool too_busy = false;
    const auto* found = find(*given, now, too_busy);
    if (too_busy) return wait(std::chrono::seconds{1});
    if (found == nullptr) {
        guard_.failed(key, now);
        return time.count() > 0 ? wait(time) : wrong(address);
    }
    guard_.succeeded(key);
    return Caller{.name = fmt::format("{} from {}", found->name, address),
                  .rights = found->operate && operate_ ? Rights::Operate : Rights::Read};
}

const wire::Credential* Authenticator::find(const wire::HttpCredentials& given, Instant now, bool& too_busy) {
    const std::int64_t unix_s = clock_.wall().unix_us / 1'000'000;
    for (const auto& one : credentials_) {
        if (one.until_unix_s != 0 && one.until_unix_s <= unix_s) continue;
        if (given.scheme == wire::HttpCredentials::Scheme::Bearer) {
            if (one.is_token && is_secret_of(one, given.secret)) return &one;
            continue;
        }
        if (one.name != given.name) continue;
        if (one.is_token) {
            if (is_secret_of(one, given.secret)) return &one;
            break;
        }
        if (is_known_password(one, given.secret)) return &one;
        too_busy = !guard_.may_compare(now);
        if (too_busy || !is_secret_of(one, given.secret)) return nullptr;
        right_.emplace_back(one.name, hash_of_token(given.secret).value_or(""));
        return &one;
    }
    if (given.scheme == wire::HttpCredentials::Scheme::Basic) {  // whoever guesses names learns nothing from the time
        too_busy = !guard_.may_compare(now);
        if (!too_busy) compare_with_nobody(given.secret);
    }
    return nullptr;
}

bool Authenticator::is_known_password(const wire::Credential& credential, const std::string& password) const {
    const auto known = std::ranges::find(right_, credential.name, &std::pair<std::string, std::string>::first);
    return known != right_.end() && !known->second.empty() && hash_of_token(password).value_or("-") == known->second;
}

Answer Authenticator::wrong(const std::string& source) {
    if (Service::is_worth_a_line(++counters_.logins_failed))
        log_.warning("wrong credentials for the API from {} ({} so far)", source, counters_.logins_failed);
    return challenge("the credentials are wrong, or have ended");
}

Answer Authenticator::wait(std::chrono::seconds time) {
    if (Service::is_worth_a_line(++counters_.logins_delayed))
        log_.warning("log-ins to the API are delayed after wrong credentials ({} so far)", counters_.logins_delayed);
    auto answer = refusal(429, "too many wrong credentials", fmt::format("wait {} s", time.count()));
    answer.fields.emplace_back("Retry-After", std::to_string(time.count()));
    return answer;
}

using std::chrono::seconds;

seconds LoginGuard::wait_of(const std::string& source, Instant now) const {
    const auto found = sources_.find(source);
    if (found == sources_.end() || found->second.until <= now) return seconds{0};
    return std::chrono::ceil<seconds>(found->second.until - now);
}

void LoginGuard::failed(const std::string& source, Instant now) {
    if (!sources_.contains(source)) make_room(now);  // who is known already must not be forgotten for it
    auto& one = sources_[source];
    if (now - one.last > kForgottenAfter) one.failures = 0;
    one.last = now;
    if (++one.failures <= kFreeFailures) return;
    constexpr unsigned kDoublingsMax = 6;
    const unsigned doublings = std::min(one.failures - kFreeFailures - 1, kDoublingsMax);
    one.until = now + std::min(kLongestWait, seconds{1U << doublings});
}

bool LoginGuard::may_compare(Instant now) {
    if (now - second_ >= seconds{1}) {
        second_ = now;
        compared_ = 0;
    }
    return compared_++ < kPasswordsASecond;
}

void LoginGuard::make_room(Instant now) {
    if (sources_.size() < kSourcesMax) return;
    std::erase_if(sources_, [now](const auto& entry) { return now - entry.second.last > kForgottenAfter; });
    if (sources_.size() < kSourcesMax) return;
    sources_.erase(std::ranges::min_element(sources_, {}, [](const auto& entry) { return entry.second.last; }));
}

}  // namespace mainstay::role::http
