// The adverts, log lines and events of an instance.
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "mainstay/config/addresses.hpp"
#include "mainstay/config/validate/resolved.hpp"
#include "mainstay/vrrp/instance.hpp"
#include "mainstay/wire/ipv4.hpp"
#include "mainstay/wire/vrrp.hpp"
#include "mainstay/wire/vrrp_auth.hpp"

namespace mainstay::vrrp {
namespace {

constexpr std::uint8_t kTtl = 255;
}  // namespace

void Instance::refresh_advertised() {
    advertised_.clear();
    const std::size_t limit = config::advertised_max(*config_, mtu_);
    for (const auto& address : config_->addresses)
        if (address.prefix.address.family() == config_->family && advertised_.size() < limit)
            advertised_.push_back(address.prefix.address);
}

SendAdvert Instance::advert_of(std::uint8_t priority) const {
    wire::VrrpPacket packet;
    packet.version = config_->version;
    packet.virtual_router_id = config_->virtual_router_id;
    packet.priority = priority;
    packet.interval = config_->advert_int;
    packet.addresses = advertised_;
    if (config_->version == 2) {
        packet.auth_type = static_cast<std::uint8_t>(config_->auth_type);
        packet.auth = auth_bytes(*config_);
    }
    SendAdvert advert{.instance = id_,
                      .interface = advert_device(*config_),
                      .source = *source_,
                      .destinations = {},
                      .payloads = {},
                      .ttl = kTtl};
    const bool v4 = config_->family == Family::V4, unicast = !config_->unicast_peers.empty();
    for (const auto& peer : config_->unicast_peers) advert.destinations.push_back(peer.address);
    if (unicast) {
        advert.ttl = settings().unicast_ttl.value_or(kTtl);
        advert.system_hop_limit = !v4 && !settings().unicast_ttl;
    } else {
        advert.destinations.push_back(settings().group);
    }
    const bool as_v2 = v4 && settings().v3_checksum_as_v2;
    for (const IpAddress& destination : advert.destinations)
        advert.payloads.push_back(
            wire::encode_vrrp(packet, *source_, v4 && unicast && old_checksum_ ? settings().group : destination,
                              as_v2 ? wire::VrrpChecksum::WithoutPseudoHeader : wire::VrrpChecksum::OfVersion));
    return advert;
}

// Each advert gets a new sequence number and signature when it is sent.
void Instance::seal(Step step, SendAdvert& advert) {
    const bool header = config_->auth_type == config::AuthType::Ah;
    const HmacSettings& hmac = *settings().hmac;
    if (!header && !hmac.signs()) return;
    const auto key = auth_key(*config_);
    const bool multicast = config_->unicast_peers.empty();
    const std::uint64_t number = header ? auth_.next_ah(step.unix_us) : auth_.next_hmac(step.unix_us, hmac);
    if (header) {
        advert.protocol = wire::kAhProtocol;
        ip_id_ = ip_id_ == UINT16_MAX ? std::uint16_t{1} : static_cast<std::uint16_t>(ip_id_ + 1);
        advert.ip_id = ip_id_;
    }
    for (std::size_t i = 0; i < advert.payloads.size(); ++i) {
        auto& payload = advert.payloads[i];
        payload = header ? wire::encode_ah({.source = advert.source,
                                            .destination = advert.destinations[i],
                                            .ip_id = advert.ip_id,
                                            .ttl = multicast ? advert.ttl : std::uint8_t{0},
                                            .sequence = static_cast<std::uint32_t>(number),
                                            .key = key},
                                           payload)
                         : wire::encode_trailer(payload, {.key_id = hmac.active, .sequence = number}, advert.source,
                                                advert.destinations[i], hmac.key(hmac.active)->secret);
    }
}

void Instance::send_advert(Step step) {
    if (!source_) return;
    SendAdvert advert = advert_of(effective_);
    seal(step, advert);
    step.out.push_back(std::move(advert));
    ++counters_.advert_sent;
}

void Instance::send_resignation(Step step) {
    if (!source_) return;
    SendAdvert advert = advert_of(0);
    seal(step, advert);
    step.out.push_back(std::move(advert));
    ++counters_.pri_zero_sent;
    log(step, LogLevel::Debug, "sent 0 priority");
}

// With routes and rules, which need them, and then `rounds` of gratuitous ARP.
void Instance::add_addresses(Step step, std::uint32_t rounds) {
    const bool any = !held_addresses(*config_).empty(), announced = any && rounds != 0;
    if (any) step.out.push_back(AddAddresses{id_, announced});
    routing_.establish(step);
    send_arps(step, rounds, announced);
}

void Instance::send_arps(Step step, std::uint32_t rounds, bool begun) {
    if (rounds == 0 || config::all_addresses(*config_).empty()) return;
    step.out.push_back(SendGratuitousArp{id_, rounds, begun});
}

void Instance::arm_extra_arps(Instant now) {
    extra_.reset();
    if (settings().extra_arps > Micros{0}) extra_ = now + settings().extra_arps;
}

// A switch forgets a VMAC's MAC address if no frames come from it, as with vmac_xmit_base, and on further VMACs, which
// send no adverts. keepalived: announces one address for each such device, or all of them (observed in 2.2.7).
void Instance::send_extra_arps(Step step) {
    std::set<std::string> notified;
    for (const HeldAddress& held : held_addresses(*config_)) {
        if (held.interface == advert_device(*config_)) continue;
        if (!notified.insert(held.interface).second && !settings().extra_arps_all) continue;
        step.out.push_back(AnnounceAddress{held.interface, held.prefix.address});
    }
}

// keepalived: mailed only if the state differs from that of the last mail (2.4.3).
void Instance::announce(Step step, Transition transition, std::string detail, bool notify) {
    Event event;
    event.kind = Event::Kind::Instance;
    event.name = config_->name;
    event.transition = transition;
    event.detail = std::move(detail);
    if (changes_state(transition)) event.reason = reasons_.text(), event.cause = reasons_.cause();
    event.priority = effective_;
    event.notify = notify;
    event.removed = id_ == kNoInstance;
    const bool silent_fault = transition == Transition::Fault && around_.no_email_faults;
    event.mail = notify && config_->smtp_alert && changes_state(transition) && last_mailed_ != to_string(transition) &&
                 !silent_fault;
    if (event.mail) last_mailed_ = to_string(transition);
    step.out.push_back(Announce{std::move(event)});
}

void Instance::log(Step step, LogLevel level, const std::string& text) const {
    step.out.push_back(WriteLog{{level, "(" + config_->name + ") " + text}, id_});
}

}  // namespace mainstay::vrrp
