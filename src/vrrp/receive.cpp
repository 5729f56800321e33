#include "mainstay/vrrp/receive.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <ranges>
#include <span>
#include <utility>
#include <vector>

#include "mainstay/config/keywords.hpp"
#include "mainstay/wire/vrrp.hpp"
#include "mainstay/wire/vrrp_auth.hpp"
#include "receive_auth.hpp"
#include "router_impl.hpp"

namespace mainstay::vrrp {
namespace {

constexpr std::size_t kUnknownVridsMost = 1024;  // logged ones
constexpr std::uint8_t kMulticastTtl = 255;  // RFC 9568 5.1.1.3: a routed packet, which has less, is not from this link

bool length_ok(const ReceiveContext& c, const PacketHeard& p, bool decoded) {
    if (decoded) return true;
    ++c.counters.packet_len_err;
    log_once(c, p, Problem::Length, "received a packet of the wrong length ({} bytes) from {}", p.payload.size(),
             p.source.to_string());
    return false;
}

bool ttl_ok(const ReceiveContext& c, const PacketHeard& p) {
    if (!p.destination.is_multicast() || p.ttl == kMulticastTtl) return true;
    ++c.counters.ip_ttl_err;
    log_once(c, p, Problem::Ttl, "received a packet with TTL {} from {}, expecting {}", p.ttl, p.source.to_string(),
             kMulticastTtl);
    return false;
}

bool version_ok(const ReceiveContext& c, const PacketHeard& p, const wire::VrrpPacket& packet) {
    if (packet.version == c.config.version) return true;
    ++c.counters.version_err;
    log_once(c, p, Problem::Version, "received a version {} packet from {}, expecting version {}", packet.version,
             p.source.to_string(), c.config.version);
    return false;
}

// keepalived: a version 2 packet with another interval is dropped without being counted as an error (2.4.3).
bool interval_ok(const ReceiveContext& c, const PacketHeard& p, const wire::VrrpPacket& packet) {
    if (packet.interval == c.config.advert_int) return true;
    const auto line = [&] {
        const bool whole = packet.version == 2;
        const Micros unit = whole ? Micros{Seconds{1}} : Micros{1000};
        return fmt::format("advertisement interval mismatch with {} mine={} {} rcv'd={} {}", p.source.to_string(),
                           c.config.advert_int / unit, whole ? "sec" : "milli-sec", packet.interval / unit,
                           whole ? "sec" : "milli-sec");
    };
    report(c, p, Problem::Interval, line, [&] {
        const auto seconds = [](Micros interval) { return std::chrono::duration<double>(interval).count(); };
        return fmt::format("{} advertises every {} s, this router every {} s", p.source.to_string(),
                           seconds(packet.interval), seconds(c.config.advert_int));
    });
    return packet.version != 2;
}

bool type_ok(const ReceiveContext& c, const PacketHeard& p, const wire::VrrpPacket& packet) {
    if (packet.type == wire::kVrrpAdvertisement) return true;
    ++c.counters.invalid_type_rcvd;
    log_once(c, p, Problem::Type, "received a packet of unknown type {} from {}", packet.type, p.source.to_string());
    return false;
}

// keepalived before 1.3.6 put the multicast group into the pseudo header of unicast packets. After such a packet our
// adverts use the same checksum, permanently.
bool old_checksum_right(const ReceiveContext& c, const PacketHeard& p, std::span<const std::byte> packet) {
    if (c.config.unicast_peers.empty() || !p.source.is_v4() || c.config.version != 3) return false;
    if (c.settings.old_unicast_checksum == Settings::OldChecksum::Never) return false;
    if (!wire::vrrp_checksum_right(packet, p.source, c.settings.group)) return false;
    if (!std::exchange(c.old_checksum, true)) c.log("Setting unicast VRRPv3 checksum to old version");
    return true;
}

// A correct HMAC makes the checksum unnecessary. keepalived: with v3_checksum_as_v2 the checksum is ignored (2.4.3).
bool checksum_ok(const ReceiveContext& c, const PacketHeard& p, const Parts& parts) {
    const bool v4 = p.source.is_v4();
    if (v4 && (!parts.trailer.empty() || (c.config.version == 3 && c.settings.v3_checksum_as_v2))) return true;
    const bool right = parts.trailer.empty() ? wire::vrrp_checksum_right(parts.packet, p.source, p.destination)
                                             : wire::ipv6_checksum_right(p.payload, p.source, p.destination);
    if (right || old_checksum_right(c, p, parts.packet)) return true;
    ++c.counters.checksum_err;
    log_once(c, p, Problem::Checksum, "received a packet with a wrong checksum from {}", p.source.to_string());
    return false;
}

bool cast_ok(const ReceiveContext& c, const PacketHeard& p) {
    const bool unicast = !c.config.unicast_peers.empty();
    if (p.destination.is_multicast() != unicast) return true;
    ++c.counters.addr_list_err;
    log_once(c, p, Problem::Cast, "received a {} packet from {}, but this instance is {}",
             unicast ? "multicast" : "unicast", p.source.to_string(), unicast ? "unicast" : "multicast");
    return false;
}

// keepalived: a wrong list is logged, but no reason to ignore the master (2.4.3).
void judge_addresses(const ReceiveContext& c, const PacketHeard& p, const wire::VrrpPacket& packet) {
    if (packet.addresses.size() != c.advertised.size()) {
        ++c.counters.addr_list_err;
        const std::size_t ours = c.advertised.size(), theirs = packet.addresses.size();
        report(
            c, p, Problem::AddressCount, [&] { return fmt::format("expected {} VIPs but received {}", ours, theirs); },
            [&] {
                return fmt::format("{} advertises {}, this router {}", p.source.to_string(),
                                   theirs == 1 ? "1 address" : fmt::format("{} addresses", theirs), ours);
            });
        return;
    }
    if (c.config.skip_check_adv_addr && p.source == c.master) return;
    if (std::ranges::equal(packet.addresses, c.advertised)) return;  // the usual case: the same order
    auto theirs = packet.addresses;
    std::ranges::sort(theirs);
    for (const IpAddress& ours : c.advertised) {
        if (std::ranges::binary_search(theirs, ours)) continue;
        ++c.counters.addr_list_err;
        log_once(c, p, Problem::MissingAddress,
                 "the advert from {} lacks our VIP {}: is it of another router with VRID {}?", p.source.to_string(),
                 ours.to_string(), c.config.virtual_router_id);
        return;
    }
}

// Only when it is to be checked; otherwise any unicast source is accepted, as keepalived does.
bool peer_ok(const ReceiveContext& c, const PacketHeard& p) {
    const auto& peers = c.config.unicast_peers;
    if (peers.empty() || !c.settings.check_unicast_src) return true;
    const auto peer = std::ranges::find(peers, p.source, &config::UnicastPeer::address);
    if (peer != peers.end() && p.ttl >= peer->min_ttl && p.ttl <= peer->max_ttl) return true;
    if (peer == peers.end()) {
        log_once(c, p, Problem::Peer, "dropped an advert from {} with TTL {}: not a unicast_peer", p.source.to_string(),
                 p.ttl);
        return false;
    }
    ++c.counters.ip_ttl_err;
    log_once(c, p, Problem::PeerTtl, "dropped an advert from {} with TTL {}: this unicast_peer's is from {} to {}",
             p.source.to_string(), p.ttl, peer->min_ttl, peer->max_ttl);
    return false;
}

// For programs that read the status: never renamed.
const char* kind_of(Problem problem) {
    switch (problem) {
        case Problem::Length:
            return "packet_length";
        case Problem::Ttl:
            return "ttl";
        case Problem::Version:
            return "version";
        case Problem::AuthType:
            return "auth_type_invalid";
        case Problem::AuthMismatch:
            return "auth_type";
        case Problem::Password:
            return "password";
        case Problem::Interval:
            return "advert_interval";
        case Problem::Type:
            return "packet_type";
        case Problem::Checksum:
            return "checksum";
        case Problem::Cast:
            return "unicast_multicast";
        case Problem::AddressCount:
            return "address_count";
        case Problem::MissingAddress:
            return "address_list";
        case Problem::Peer:
            return "unknown_peer";
        case Problem::LowerPriority:
            return "lower_priority";
        case Problem::OwnAddress:
            return "own_address";
        case Problem::TrailerMissing:
            return "hmac_missing";
        case Problem::TrailerMalformed:
            return "hmac_malformed";
        case Problem::KeyUnknown:
            return "hmac_key";
        case Problem::HmacWrong:
            return "hmac_wrong";
        case Problem::Stale:
            return "clock";
        case Problem::Replay:
            return "replay";
        case Problem::RivalMaster:
            return "rival_master";
        case Problem::OtherVrid:
            return "other_vrid";
        case Problem::PeerTtl:
            return "peer_ttl";
        case Problem::Count_:
            break;
    }
    return "";
}

}  // namespace

bool OnceLog::first(Problem problem) {
    const auto bit = static_cast<std::size_t>(problem);
    const bool first = !logged_.test(bit);
    logged_.set(bit);
    return first;
}

void PeerProblems::note(Problem problem, const IpAddress& peer, Instant now, std::string text) {
    const char* kind = kind_of(problem);
    auto known = std::ranges::find(seen_, kind, &PeerProblem::kind);
    if (known == seen_.end()) known = seen_.insert(known, {.kind = kind, .peer = peer});
    known->peer = peer;
    known->last = now;
    ++known->count;
    if (!text.empty()) known->text = std::move(text);
}

bool PeerProblems::is_of(Problem problem, const IpAddress& peer) const {
    return std::ranges::any_of(
        seen_, [&](const PeerProblem& one) { return one.kind == kind_of(problem) && one.peer == peer; });
}

bool PeerProblems::noted_since(Problem problem, Instant begin) const {
    return std::ranges::any_of(
        seen_, [&](const PeerProblem& one) { return one.kind == kind_of(problem) && one.last >= begin; });
}

std::string PeerProblems::refused_since(Instant begin, std::uint8_t version) const {
    constexpr std::array kAccepted{Problem::LowerPriority, Problem::OwnAddress, Problem::RivalMaster,
                                   Problem::AddressCount, Problem::MissingAddress};
    const PeerProblem* last = nullptr;
    for (const auto& one : seen_) {
        const bool dropped = std::ranges::none_of(kAccepted, [&](Problem p) { return one.kind == kind_of(p); }) &&
                             (version == 2 || one.kind != kind_of(Problem::Interval));
        if (dropped && one.last >= begin && (last == nullptr || one.last > last->last)) last = &one;
    }
    return last == nullptr ? std::string{} : last->text;
}

std::array<std::byte, 8> auth_key(const config::Instance& config) {
    std::array<std::byte, 8> bytes{};
    const auto password = std::as_bytes(std::span{config.auth_pass});
    std::ranges::copy(password.first(std::min(password.size(), bytes.size())), bytes.begin());
    return bytes;
}

std::array<std::byte, 8> auth_bytes(const config::Instance& config) {
    return config.auth_type == config::AuthType::Pass ? auth_key(config) : std::array<std::byte, 8>{};
}

std::optional<Advert> check_advert(const ReceiveContext& c, const PacketHeard& p) {
    if (!header_as_expected(c, p)) return std::nullopt;
    const Parts parts = parts_of(c, p);
    const auto packet = wire::decode_vrrp(parts.packet, p.source.family());
    if (!length_ok(c, p, packet.has_value()) || !ttl_ok(c, p) || !version_ok(c, p, *packet)) return std::nullopt;
    if (!trailer_ok(c, p, parts)) return std::nullopt;
    if (packet->version == 2 && !auth_ok(c, p, *packet)) return std::nullopt;
    if (packet->version == 2 && !interval_ok(c, p, *packet)) return std::nullopt;
    if (!type_ok(c, p, *packet) || !checksum_ok(c, p, parts) || !cast_ok(c, p)) return std::nullopt;
    if (c.settings.owner_ignore_adverts && c.config.priority == config::kOwnerPriority) return std::nullopt;
    if (packet->version == 3) (void)interval_ok(c, p, *packet);  // only logged: version 3 backups adopt the interval

    ++c.counters.advert_rcvd;
    judge_addresses(c, p, *packet);
    if (!peer_ok(c, p)) return std::nullopt;
    return Advert{p.source, packet->priority, packet->interval};
}

// Adverts of virtual routers that are not configured here.

// An address of ours with another VRID is a mistake in one of the two configurations, which neither router's protocol
// sees. Only a router on the same link (RFC 9568 5.1.1.3) can hold it there.
void Router::Impl::look_for_own_addresses(Step step, const PacketHeard& packet, std::span<const std::byte> advert) {
    if (packet.ttl != kMulticastTtl) return;
    const auto heard = wire::decode_vrrp(advert, packet.source.family());
    if (!heard || heard->priority == 0 || heard->type != wire::kVrrpAdvertisement) return;
    std::vector<InstanceId> named;
    for (const IpAddress& address : heard->addresses)
        for (const InstanceId id : holders_of(address)) {
            const auto& c = config->instances[id];
            const auto advertised =
                std::views::transform(c.addresses, [](const auto& own) { return own.prefix.address; });
            if (advert_device(c) != packet.interface || std::ranges::find(advertised, address) == advertised.end() ||
                std::ranges::find(named, id) != named.end())
                continue;
            instances[id].hear_other_vrid(step, packet.source, heard->virtual_router_id, address);
            named.push_back(id);
        }
}

// keepalived: only with log_unknown_vrids. Logged once per VRID, because other routers may legitimately use VRRP here.
void Router::Impl::unknown_vrid(Step step, const PacketHeard& packet) {
    const std::size_t at = packet.protocol == wire::kAhProtocol ? wire::kAhLength : 0;
    if (packet.payload.size() < at + wire::kVrrpHeaderLength) return;
    look_for_own_addresses(step, packet, packet.payload.subspan(at));
    if (!config::flag(config->global.more->values, config::keyword::log_unknown_vrids) ||
        unknown_vrids.size() >= kUnknownVridsMost)
        return;
    const auto vrid = std::to_integer<std::uint8_t>(packet.payload[at + 1]);
    if (!unknown_vrids.emplace(packet.interface, packet.source.family(), vrid).second) return;
    step.out.push_back(WriteLog{{LogLevel::Info, fmt::format("unknown VRID {} received from {} on {}", vrid,
                                                             packet.source.to_string(), packet.interface)}});
}

}  // namespace mainstay::vrrp
