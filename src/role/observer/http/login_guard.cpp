#include "login_guard.hpp"

#include <algorithm>

namespace mainstay::role::http {

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
