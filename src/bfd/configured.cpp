#include "mainstay/bfd/configured.hpp"

#include <algorithm>
#include <initializer_list>
#include <string_view>
#include <utility>

#include "mainstay/config/keywords.hpp"

namespace mainstay::bfd {

namespace keyword = config::keyword;

namespace {

using config::KeywordValue;
using config::KeywordValues;

constexpr std::uint8_t kTtlV4 = 255, kTtlV6 = 64;  // keepalived's defaults

Settings settings_of(const config::Section& section) {
    const KeywordValues& values = section.values;
    Settings s;
    if (!section.names.empty()) s.name = section.names.front();
    s.neighbor = config::value_of(values, keyword::neighbor_ip).value_or(IpAddress{});
    s.source = config::value_of(values, keyword::source_ip).value_or(IpAddress{});
    s.min_rx = config::value_or_default(values, keyword::min_rx);
    s.min_tx = config::value_or_default(values, keyword::min_tx);
    s.idle_tx = config::value_or_default(values, keyword::idle_tx);
    s.multiplier = static_cast<std::uint8_t>(config::value_or_default(values, keyword::multiplier));
    s.passive = is_given(values, keyword::passive);
    const std::int64_t usual = s.neighbor.is_v6() ? kTtlV6 : kTtlV4;
    s.ttl = static_cast<std::uint8_t>(config::value_of(values, keyword::ttl).value_or(usual));
    const std::int64_t hops = config::value_of(values, keyword::max_hops).value_or(0);
    s.max_hops = static_cast<int>(std::min<std::int64_t>(hops, s.ttl));
    s.multihop = config::flag(values, keyword::multihop);
    const bool vrrp = is_given(values, keyword::vrrp), checker = is_given(values, keyword::checker);
    s.reports_to_vrrp = vrrp || !checker;
    s.reports_to_checkers = checker || !vrrp;
    return s;
}

}  // namespace

std::vector<Settings> configured_sessions(const config::Config& config) {
    std::vector<Settings> all;
    for (const config::Section& section : config.more->sections) {
        if (section.keyword != keyword::bfd_instance) continue;
        Settings s = settings_of(section);
        const bool other_family = !s.source.empty() && s.source.family() != s.neighbor.family();
        const bool taken = std::ranges::any_of(all, [&](const Settings& earlier) {
            const bool same_source = earlier.source == s.source || earlier.source.empty() || s.source.empty();
            return earlier.name == s.name ||
                   (earlier.neighbor == s.neighbor && same_source && earlier.multihop == s.multihop);
        });
        if (!s.neighbor.empty() && !other_family && !taken) all.push_back(std::move(s));
    }
    return all;
}

}  // namespace mainstay::bfd
