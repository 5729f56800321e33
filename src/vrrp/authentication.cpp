#include "mainstay/vrrp/authentication.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "mainstay/wire/vrrp_auth.hpp"
#include "receive_auth.hpp"

namespace mainstay::vrrp {
namespace {

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kAhEpoch =
    1'293'840'000;  // 2011: the numbers pass those that 0.1.0 sends; 32 bits last until 2045
constexpr std::uint64_t kAhPerSecond = 4;

// Seconds in the upper half, 1/65536 s below, and a counter of 16 bits.
std::uint64_t time_stamp(std::int64_t unix_us) {
    const std::int64_t us = std::max<std::int64_t>(unix_us, 0);
    const auto seconds = static_cast<std::uint64_t>(us / kSecond);
    const auto fraction = static_cast<std::uint64_t>(us % kSecond * 65'536 / kSecond);
    return seconds << 32 | fraction << 16;
}

// Whether a number is from a time that the window does not reach yet.
bool is_beyond(const HmacSettings& hmac, std::uint64_t sequence, std::int64_t unix_us) {
    return hmac.by_time && clock_difference(sequence, unix_us) > hmac.window.count();
}

}  // namespace

std::uint32_t Authentication::next_ah(std::int64_t unix_us) {
    const auto seconds = static_cast<std::uint64_t>(std::max<std::int64_t>(unix_us / kSecond - kAhEpoch, 0));
    sent_ = std::max(sent_ + 1, seconds * kAhPerSecond);
    return static_cast<std::uint32_t>(sent_);
}

std::uint64_t Authentication::next_hmac(std::int64_t unix_us, const HmacSettings& hmac) {
    if (is_beyond(hmac, sent_, unix_us)) sent_ = 0;
    sent_ = std::max(sent_ + 1, time_stamp(unix_us));
    return sent_;
}

bool Authentication::grows(const IpAddress& sender, std::uint64_t sequence) {
    const auto known = std::ranges::find(heard_, sender, &HeardSequence::sender);
    if (known != heard_.end()) {
        if (sequence <= known->sequence) return false;
        heard_.erase(known);
    } else if (heard_.size() == kSenders) {
        heard_.erase(heard_.begin());
    }
    heard_.push_back({sender, sequence});
    return true;
}

void Authentication::forget_beyond(const HmacSettings& hmac, std::int64_t unix_us) {
    std::erase_if(heard_, [&](const HeardSequence& heard) { return is_beyond(hmac, heard.sequence, unix_us); });
}

void Authentication::catch_up(std::uint64_t sequence) { sent_ = std::max(sent_, sequence); }

void Authentication::adopt(std::uint64_t sent, std::vector<HeardSequence> heard) {
    sent_ = sent;
    heard_ = std::move(heard);
    if (heard_.size() > kSenders) heard_.resize(kSenders);
}

std::int64_t clock_difference(std::uint64_t sequence, std::int64_t unix_us) {
    return static_cast<std::int64_t>(sequence >> 32) - unix_us / kSecond;
}

namespace {

constexpr std::uint8_t kHighestAuthType = 2;

bool header_right(const ReceiveContext& c, const PacketHeard& p) {
    const auto header = wire::decode_ah(p.payload);
    if (!header || header->next_header != wire::kVrrpProtocol ||
        !wire::ah_right(p.ip_header, p.payload, auth_key(c.config))) {
        ++c.counters.auth_failure;
        log_once(c, p, Problem::Password, "received an AH packet from {} that was made with another auth_pass",
                 p.source.to_string());
        return false;
    }
    if (!c.auth.grows(p.source, header->sequence)) {
        ++c.counters.auth_failure;
        log_once(c, p, Problem::Replay, "received an AH packet from {} for the second time: its number is {}",
                 p.source.to_string(), header->sequence);
        return false;
    }
    c.auth.catch_up(header->sequence);
    return true;
}

std::string_view auth_words(std::uint8_t type) {
    constexpr std::array<std::string_view, kHighestAuthType + 1> kWords{"no authentication", "auth_type PASS",
                                                                        "auth_type AH"};
    return kWords.at(type);
}

}  // namespace

bool header_as_expected(const ReceiveContext& c, const PacketHeard& p) {
    const bool have = p.protocol == wire::kAhProtocol, want = c.config.auth_type == config::AuthType::Ah;
    if (have == want) return true;
    ++c.counters.authtype_mismatch;
    log_once(c, p, Problem::AuthMismatch, "received a packet {} authentication header from {}, expecting one {}",
             have ? "with an" : "without", p.source.to_string(), want ? "with it" : "without");
    return false;
}

Parts parts_of(const ReceiveContext& c, const PacketHeard& p) {
    Parts parts{p.payload, {}};
    if (p.protocol == wire::kAhProtocol) parts.packet = p.payload.subspan(std::min(p.payload.size(), wire::kAhLength));
    if (!c.settings.hmac->used() || parts.packet.size() < wire::kVrrpHeaderLength) return parts;
    const auto version = std::to_integer<std::uint8_t>(parts.packet[0]) >> 4;
    const std::size_t length = wire::vrrp_length(static_cast<std::uint8_t>(version), p.source.family(),
                                                 std::to_integer<std::size_t>(parts.packet[3]));
    if (parts.packet.size() != length + wire::kTrailerLength) return parts;
    parts.trailer = parts.packet.subspan(length);
    parts.packet = parts.packet.first(length);
    return parts;
}

// In keepalived's order: present, well-formed, known key, correct HMAC, within the time window, not replayed (2.4.3).
bool trailer_ok(const ReceiveContext& c, const PacketHeard& p, const Parts& parts) {
    if (!c.settings.hmac->used()) return true;
    const HmacSettings& hmac = *c.settings.hmac;
    const std::string from = p.source.to_string();
    if (parts.trailer.empty()) {
        if (hmac.mode != HmacSettings::Mode::Enforce) return true;
        ++c.counters.auth_ext_missing;
        log_once(c, p, Problem::TrailerMissing, "received a packet without HMAC from {}", from);
        return false;
    }
    const auto trailer = wire::decode_trailer(parts.trailer);
    if (!trailer || trailer->type != wire::kTrailerType || trailer->reserved != 0) {
        ++c.counters.auth_ext_malformed;
        log_once(c, p, Problem::TrailerMalformed, "received a packet with a malformed HMAC trailer from {}", from);
        return false;
    }
    const HmacKey* key = hmac.key(trailer->key_id);
    if (key == nullptr) {
        ++c.counters.auth_ext_unknown_key;
        log_once(c, p, Problem::KeyUnknown, "received a packet signed with key {} from {}, which is not configured",
                 trailer->key_id, from);
        return false;
    }
    if (!wire::trailer_right(parts.packet, *trailer, p.source, key->secret)) {
        ++c.counters.auth_ext_invalid_hmac;
        log_once(c, p, Problem::HmacWrong, "received a packet with a wrong HMAC from {}: key {} is not the same there",
                 from, trailer->key_id);
        return false;
    }
    const std::int64_t difference = clock_difference(trailer->sequence, c.unix_us);
    if (hmac.by_time && std::abs(difference) > hmac.window.count()) {
        ++c.counters.auth_ext_stale;
        log_once(c, p, Problem::Stale, "received a packet from {} whose clock is {} s {} ours; time_window is {} s",
                 from, std::abs(difference), difference > 0 ? "ahead of" : "behind", hmac.window.count());
        return false;
    }
    c.auth.forget_beyond(hmac, c.unix_us);
    if (!c.auth.grows(p.source, trailer->sequence)) {
        ++c.counters.auth_ext_replay;
        log_once(c, p, Problem::Replay, "received a signed packet from {} for the second time", from);
        return false;
    }
    return true;
}

bool auth_ok(const ReceiveContext& c, const PacketHeard& p, const wire::VrrpPacket& packet) {
    const auto ours = static_cast<std::uint8_t>(c.config.auth_type);
    if (packet.auth_type > kHighestAuthType) {
        ++c.counters.invalid_authtype;
        log_once(c, p, Problem::AuthType, "received an invalid auth type {} from {}", packet.auth_type,
                 p.source.to_string());
        return false;
    }
    if (packet.auth_type != ours) {
        ++c.counters.authtype_mismatch;
        report(
            c, p, Problem::AuthMismatch,
            [&] {
                return fmt::format("received a {} auth from {}, expecting {}!", packet.auth_type, p.source.to_string(),
                                   ours);
            },
            [&] {
                return fmt::format("{} advertises with {}, this router with {}", p.source.to_string(),
                                   auth_words(packet.auth_type), auth_words(ours));
            });
        return false;
    }
    const bool has_password = c.config.auth_type == config::AuthType::Pass && p.source.is_v4();
    if (has_password && packet.auth != auth_bytes(c.config)) {
        ++c.counters.auth_failure;
        report(
            c, p, Problem::Password,
            [&] { return fmt::format("received an invalid passwd from {}!", p.source.to_string()); },
            [&] { return fmt::format("{} has another auth_pass", p.source.to_string()); });
        return false;
    }
    return c.config.auth_type != config::AuthType::Ah || header_right(c, p);
}

}  // namespace mainstay::vrrp
