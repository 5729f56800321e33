#include "mainstay/lvs/settings.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <string_view>

#include "mainstay/config/keywords.hpp"

namespace mainstay::lvs {

namespace keyword = config::keyword;

namespace {

template <class T>
std::optional<T> first_of(const config::Keyword<T>& keyword, const config::ExtraSettings& a,
                          const config::ExtraSettings& b) {
    if (auto found = config::value_of(a.values, keyword)) return found;
    return config::value_of(b.values, keyword);
}

template <class T>
std::optional<T> first_of(const config::Keyword<T>& keyword, const config::ExtraSettings& a,
                          const config::ExtraSettings& b, const config::ExtraSettings& c) {
    if (auto found = config::value_of(a.values, keyword)) return found;
    return first_of(keyword, b, c);
}

std::uint32_t count_of(std::optional<std::int64_t> value) {
    constexpr std::int64_t kMost = std::numeric_limits<std::uint32_t>::max();
    return static_cast<std::uint32_t>(std::clamp<std::int64_t>(value.value_or(1), 1, kMost));
}

}  // namespace

RiseFall rise_fall_of(const config::VirtualServer& service, const config::RealServer& server,
                      const config::Checker& checker) {
    return {count_of(first_of(keyword::rise, *checker.more, *server.more, *service.more)),
            count_of(first_of(keyword::fall, *checker.more, *server.more, *service.more))};
}

Micros slow_start_of(const config::VirtualServer& service, const config::RealServer& server) {
    return first_of(keyword::slow_start, *server.more, *service.more).value_or(Micros{0});
}

Micros drain_timeout_of(const config::VirtualServer& service, const config::RealServer& server) {
    return first_of(keyword::drain_timeout, *server.more, *service.more).value_or(Micros{0});
}

std::size_t min_alive_of(const config::VirtualServer& service) {
    return static_cast<std::size_t>(config::value_of(service.more->values, keyword::min_alive).value_or(0));
}

bool shares_probe(const config::VirtualServer& service, const config::RealServer& server,
                  const config::Checker& checker) {
    return first_of(keyword::share_probe, *checker.more, *server.more, *service.more).value_or(false);
}

}  // namespace mainstay::lvs
