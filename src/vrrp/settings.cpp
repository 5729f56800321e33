#include "mainstay/vrrp/settings.hpp"

#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "mainstay/config/keywords.hpp"
#include "mainstay/wire/ipv4.hpp"
#include "mainstay/wire/vrrp.hpp"

namespace mainstay::vrrp {

namespace keyword = config::keyword;

namespace {

using config::KeywordValues;
using config::Section;
using config::WordList;

constexpr Seconds kLeastWindow{5}, kMostWindow{300};
constexpr int kWindowIntervals = 3;

std::optional<std::uint8_t> byte_of(const KeywordValues& values, const config::Keyword<std::int64_t>& keyword) {
    const auto number = config::value_of(values, keyword);
    return number ? std::optional{static_cast<std::uint8_t>(*number)} : std::nullopt;
}

IpAddress group_of(const config::Instance& instance, const config::Global& global) {
    if (instance.multicast_group) return *instance.multicast_group;
    const bool v6 = instance.family == Family::V6;
    const auto& common = v6 ? global.vrrp_mcast_group6 : global.vrrp_mcast_group4;
    // RFC 9568 5.1.1.2 and 5.1.2.2.
    return common ? *common : IpAddress::parse(v6 ? "ff02::12" : "224.0.0.18").value_or(IpAddress{});
}

// keepalived: "off" is ignored for an address owner (2.4.3).
bool ignores_adverts(const config::Instance& instance, const config::Global& global) {
    if (instance.strict) return true;
    const auto own = config::value_of(instance.more->values, keyword::owner_ignore_adverts);
    if (own) return *own || instance.priority == config::kOwnerPriority;
    return flag(global.more->values, keyword::vrrp_owner_ignore_adverts);
}

HmacSettings hmac_of(const config::Instance& instance) {
    const Section* block = config::find_section(instance.more->sections, keyword::auth_hmac);
    HmacSettings settings;
    if (block == nullptr) return settings;
    for (const Section& line : block->sections) {
        if (line.keyword != keyword::key) continue;
        const auto id = byte_of(line.values, keyword::id);
        auto secret = hmac_secret(first_word(line.values, keyword::secret));
        if (id && secret && settings.key(*id) == nullptr) settings.keys.push_back({*id, std::move(*secret)});
    }
    settings.active = byte_of(block->values, keyword::active_key).value_or(0);
    // keepalived: without a key to send with, the extension is off.
    if (settings.key(settings.active) == nullptr) return {};
    const auto usual = std::chrono::ceil<Seconds>(instance.advert_int * kWindowIntervals);
    const auto given = config::value_of(block->values, keyword::time_window);
    settings.window =
        given ? std::chrono::duration_cast<Seconds>(*given) : std::clamp(usual, kLeastWindow, kMostWindow);
    settings.by_time = first_word(block->values, keyword::anti_replay) != "monotonic";
    const std::string mode = first_word(block->values, keyword::mode);
    if (mode == "permissive") settings.mode = HmacSettings::Mode::Permissive;
    if (mode == "receive-only") settings.mode = HmacSettings::Mode::ReceiveOnly;
    if (instance.strict) settings.mode = HmacSettings::Mode::Enforce;
    return settings;
}

// The old names apply if the new ones are not given; an instance's 0 overrides the global setting.
void set_extra_arps(Settings& settings, const config::Instance& instance, const config::Global& global) {
    const KeywordValues &own = instance.more->values, &common = global.more->values;
    const std::pair<const KeywordValues*, config::Keyword<Micros>> places[]{{&own, keyword::garp_extra_if},
                                                                            {&own, keyword::vmac_garp_intvl},
                                                                            {&common, keyword::vrrp_garp_extra_if},
                                                                            {&common, keyword::vrrp_vmac_garp_intvl}};
    for (const auto& [values, keyword] : places) {
        const auto every = config::value_of(*values, keyword);
        if (!every) continue;
        settings.extra_arps = *every;
        settings.extra_arps_all = config::has_word(*values, keyword, "all");
        return;
    }
}

std::optional<std::vector<std::byte>> from_hex(std::string_view digits) {
    if (digits.size() % 2 != 0) return std::nullopt;
    const auto value = [](char c) {
        return c >= '0' && c <= '9'   ? c - '0'
               : c >= 'a' && c <= 'f' ? c - 'a' + 10
               : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                      : -1;
    };
    std::vector<std::byte> bytes;
    for (std::size_t i = 0; i < digits.size(); i += 2) {
        const int high = value(digits[i]), low = value(digits[i + 1]);
        if (high < 0 || low < 0) return std::nullopt;
        bytes.push_back(static_cast<std::byte>(high << 4 | low));
    }
    return bytes;
}

}  // namespace

const std::string& advert_device(const config::Instance& instance) {
    if (!instance.interface.empty()) return instance.interface;
    const std::string* vrf = find_word(instance.more->values, keyword::vrf);
    return vrf != nullptr ? *vrf : instance.interface;
}

// keepalived: a size overrides MTU, which overrides ADVERT; these two are multiplied by vrrp_rx_bufs_multiplier
// (2.4.3).
std::optional<std::size_t> receive_buffer(const config::Instance& instance, const config::Global& global,
                                          std::uint32_t mtu) {
    const auto own = config::value_of(instance.more->values, keyword::kernel_rx_buf_size);
    if (own) return static_cast<std::size_t>(*own);
    std::optional<std::size_t> size;
    bool by_mtu = false, by_advert = false;
    for (const auto& value : global.more->values) {
        if (value.keyword != keyword::vrrp_rx_bufs_policy) continue;
        if (const auto* bytes = std::get_if<std::int64_t>(&value.data)) size = static_cast<std::size_t>(*bytes);
        const auto* words = std::get_if<WordList>(&value.data);
        if (words == nullptr || words->empty()) continue;
        const char first = words->front().front();
        (first == 'M' || first == 'm' ? by_mtu : by_advert) = true;
    }
    if (size) return size;
    if (!by_mtu && !by_advert) return std::nullopt;
    const auto packets =
        static_cast<std::size_t>(config::value_or_default(global.more->values, keyword::vrrp_rx_bufs_multiplier));
    if (by_mtu) return packets * mtu;
    const bool v4 = instance.family == Family::V4;
    return packets * (wire::vrrp_length(instance.version, instance.family, instance.addresses.size()) +
                      (v4 ? wire::kIpv4HeaderLength : 0));
}

const HmacKey* HmacSettings::key(std::uint8_t id) const {
    const auto found = std::ranges::find(keys, id, &HmacKey::id);
    return found == keys.end() ? nullptr : &*found;
}

std::optional<std::vector<std::byte>> hmac_secret(std::string_view text) {
    constexpr std::string_view kHex = "hex:", kFile = "file:";
    if (text.starts_with(kFile)) return std::nullopt;
    std::optional<std::vector<std::byte>> secret;
    if (text.starts_with(kHex)) {
        secret = from_hex(text.substr(kHex.size()));
    } else {
        const auto bytes = std::as_bytes(std::span{text});
        secret.emplace(bytes.begin(), bytes.end());
    }
    if (!secret || secret->size() < kHmacKeyLeast || secret->size() > kHmacKeyMost) return std::nullopt;
    return secret;
}

Settings settings_of(const config::Instance& instance, const config::Global& global) {
    const KeywordValues& own = instance.more->values;
    const KeywordValues& common = global.more->values;
    Settings s;
    if (config::is_given(own, keyword::old_unicast_checksum))
        s.old_unicast_checksum = first_word(own, keyword::old_unicast_checksum) == "never"
                                     ? Settings::OldChecksum::Never
                                     : Settings::OldChecksum::Always;
    // A configuration that an older version read says by the range alone that one was given.
    const auto ranged = [](const config::UnicastPeer& peer) { return peer.min_ttl > 0 || peer.max_ttl < 255; };
    s.check_unicast_src = flag(own, keyword::check_unicast_src) || flag(common, keyword::vrrp_check_unicast_src) ||
                          std::ranges::any_of(instance.unicast_peers, ranged);
    s.owner_ignore_adverts = ignores_adverts(instance, global);
    s.v3_checksum_as_v2 =
        config::value_of(own, keyword::v3_checksum_as_v2).value_or(flag(common, keyword::v3_checksum_as_v2));
    s.unicast_fault_no_peer = flag(own, keyword::unicast_fault_no_peer);
    s.unicast_ttl = byte_of(own, keyword::unicast_ttl);
    s.timer_expired_backup = byte_of(own, keyword::timer_expired_backup);
    if (!s.timer_expired_backup) s.timer_expired_backup = byte_of(own, keyword::thread_timer_expired);  // its old name
    s.group = group_of(instance, global);
    s.hmac = hmac_of(instance);
    set_extra_arps(s, instance, global);
    return s;
}

}  // namespace mainstay::vrrp
