#include "mainstay/vrrp/receive.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "mainstay/wire/vrrp.hpp"

namespace mainstay::vrrp {
namespace {

constexpr std::uint8_t kMulticastTtl = 255;  // RFC 9568 5.1.1.3: whatever was routed is not from this link
constexpr std::uint8_t kHighestAuthType = 2;

template <class... Args>
void say_once(const ReceiveContext& c, Problem problem, fmt::format_string<Args...> format, Args&&... args) {
    if (!c.once.first(problem)) return;
    c.out.push_back(
        Say{{LogLevel::Info, "(" + c.config.name + ") " + fmt::format(format, std::forward<Args>(args)...)}});
}

bool length_ok(const ReceiveContext& c, const PacketHeard& p, bool decoded) {
    if (decoded) return true;
    ++c.counters.packet_len_err;
    say_once(c, Problem::Length, "received a packet of the wrong length ({} bytes) from {}", p.payload.size(),
             p.source.to_string());
    return false;
}

bool ttl_ok(const ReceiveContext& c, const PacketHeard& p) {
    if (!p.destination.is_multicast() || p.ttl == kMulticastTtl) return true;
    ++c.counters.ip_ttl_err;
    say_once(c, Problem::Ttl, "received a packet with TTL {} from {}, expecting {}", p.ttl, p.source.to_string(),
             kMulticastTtl);
    return false;
}

bool version_ok(const ReceiveContext& c, const PacketHeard& p, const wire::VrrpPacket& packet) {
    if (packet.version == c.config.version) return true;
    ++c.counters.version_err;
    say_once(c, Problem::Version, "received a version {} packet from {}, expecting version {}", packet.version,
             p.source.to_string(), c.config.version);
    return false;
}

bool auth_ok(const ReceiveContext& c, const PacketHeard& p, const wire::VrrpPacket& packet) {
    const auto ours = static_cast<std::uint8_t>(c.config.auth_type);
    if (packet.auth_type > kHighestAuthType) {
        ++c.counters.invalid_authtype;
        say_once(c, Problem::AuthType, "received an invalid auth type {} from {}", packet.auth_type,
                 p.source.to_string());
        return false;
    }
    if (packet.auth_type != ours) {
        ++c.counters.authtype_mismatch;
        say_once(c, Problem::AuthMismatch, "received a {} auth from {}, expecting {}!", packet.auth_type,
                 p.source.to_string(), ours);
        return false;
    }
    const bool has_password = c.config.auth_type == config::AuthType::Pass && p.source.is_v4();
    if (has_password && packet.auth != auth_bytes(c.config)) {
        ++c.counters.auth_failure;
        say_once(c, Problem::Password, "received an invalid passwd from {}!", p.source.to_string());
        return false;
    }
    return true;
}

// keepalived: a version 2 packet with another interval is dropped without being counted as an error (2.4.3).
bool interval_ok(const ReceiveContext& c, const PacketHeard& p, const wire::VrrpPacket& packet) {
    if (packet.interval == c.config.advert_int) return true;
    if (packet.version == 2) {
        say_once(c, Problem::Interval, "advertisement interval mismatch with {} mine={} sec rcv'd={} sec",
                 p.source.to_string(), c.config.advert_int / Seconds{1}, packet.interval / Seconds{1});
        return false;
    }
    say_once(c, Problem::Interval, "advertisement interval mismatch with {} mine={} milli-sec rcv'd={} milli-sec",
             p.source.to_string(), c.config.advert_int / Micros{1000}, packet.interval / Micros{1000});
    return true;
}

bool type_and_checksum_ok(const ReceiveContext& c, const PacketHeard& p, const wire::VrrpPacket& packet) {
    if (packet.type != wire::kVrrpAdvertisement) {
        ++c.counters.invalid_type_rcvd;
        say_once(c, Problem::Type, "received a packet of unknown type {} from {}", packet.type, p.source.to_string());
        return false;
    }
    if (!wire::vrrp_checksum_right(p.payload, p.source, p.destination)) {
        ++c.counters.checksum_err;
        say_once(c, Problem::Checksum, "received a packet with a wrong checksum from {}", p.source.to_string());
        return false;
    }
    return true;
}

bool cast_ok(const ReceiveContext& c, const PacketHeard& p) {
    const bool unicast = !c.config.unicast_peers.empty();
    if (p.destination.is_multicast() != unicast) return true;
    ++c.counters.addr_list_err;
    say_once(c, Problem::Cast, "received a {} packet from {}, but this instance is {}",
             unicast ? "multicast" : "unicast", p.source.to_string(), unicast ? "unicast" : "multicast");
    return false;
}

// keepalived: a wrong list is a complaint, not a reason to ignore the master (2.4.3).
void judge_addresses(const ReceiveContext& c, const PacketHeard& p, const wire::VrrpPacket& packet) {
    if (packet.addresses.size() != c.advertised.size()) {
        ++c.counters.addr_list_err;
        say_once(c, Problem::AddressCount, "expected {} VIPs but received {}", c.advertised.size(),
                 packet.addresses.size());
        return;
    }
    if (c.config.skip_check_adv_addr && p.source == c.master) return;
    if (std::ranges::equal(packet.addresses, c.advertised)) return;  // the usual case: the same order
    auto theirs = packet.addresses;
    std::ranges::sort(theirs);
    for (const IpAddress& ours : c.advertised) {
        if (std::ranges::binary_search(theirs, ours)) continue;
        ++c.counters.addr_list_err;
        say_once(c, Problem::MissingAddress, "the advert from {} lacks our VIP {}", p.source.to_string(),
                 ours.to_string());
        return;
    }
}

// Only when a TTL range is given for some peer; otherwise any unicast source is accepted, as keepalived does.
bool peer_ok(const ReceiveContext& c, const PacketHeard& p) {
    const auto& peers = c.config.unicast_peers;
    const auto ranged = [](const config::UnicastPeer& peer) { return peer.min_ttl > 0 || peer.max_ttl < 255; };
    if (std::ranges::none_of(peers, ranged)) return true;
    const auto peer = std::ranges::find(peers, p.source, &config::UnicastPeer::address);
    if (peer != peers.end() && p.ttl >= peer->min_ttl && p.ttl <= peer->max_ttl) return true;
    if (peer != peers.end()) ++c.counters.ip_ttl_err;
    say_once(c, Problem::Peer, "dropped an advert from {} with TTL {}: not a unicast_peer, or out of its TTL range",
             p.source.to_string(), p.ttl);
    return false;
}

}  // namespace

bool OnceLog::first(Problem problem) {
    const auto bit = static_cast<std::size_t>(problem);
    const bool first = !logged_.test(bit);
    logged_.set(bit);
    return first;
}

std::array<std::byte, 8> auth_bytes(const config::Instance& config) {
    std::array<std::byte, 8> bytes{};
    if (config.auth_type != config::AuthType::Pass) return bytes;
    const auto password = std::as_bytes(std::span{config.auth_pass});
    std::ranges::copy(password.first(std::min(password.size(), bytes.size())), bytes.begin());
    return bytes;
}

std::optional<Advert> check_advert(const ReceiveContext& c, const PacketHeard& p) {
    const auto packet = wire::decode_vrrp(p.payload, p.source.family());
    if (!length_ok(c, p, packet.has_value()) || !ttl_ok(c, p) || !version_ok(c, p, *packet)) return std::nullopt;
    if (packet->version == 2 && !auth_ok(c, p, *packet)) return std::nullopt;
    if (packet->version == 2 && !interval_ok(c, p, *packet)) return std::nullopt;
    if (!type_and_checksum_ok(c, p, *packet) || !cast_ok(c, p)) return std::nullopt;
    if (packet->version == 3) (void)interval_ok(c, p, *packet);  // only logged: backups learn it

    ++c.counters.advert_rcvd;
    judge_addresses(c, p, *packet);
    if (!peer_ok(c, p)) return std::nullopt;
    return Advert{p.source, packet->priority, packet->interval};
}

}  // namespace mainstay::vrrp
