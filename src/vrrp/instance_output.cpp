// What an instance sends and tells.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "mainstay/vrrp/instance.hpp"
#include "mainstay/wire/vrrp.hpp"

namespace mainstay::vrrp {
namespace {

constexpr std::size_t kIpv4HeaderLength = 20, kIpv6HeaderLength = 40;
constexpr std::uint8_t kTtl = 255;
// RFC 9568 5.1.1.2 and 5.1.2.2.
const IpAddress kGroup4 = IpAddress::v4(0xe000'0012);
const IpAddress kGroup6 = IpAddress::parse("ff02::12").value_or(IpAddress{});

// As many addresses as a packet of this MTU carries; the configuration has already warned of the rest.
std::size_t address_limit(const config::Instance& config, std::uint32_t mtu) {
    const bool v6 = config.family == Family::V6;
    const std::size_t fixed =
        (v6 ? kIpv6HeaderLength : kIpv4HeaderLength) + wire::vrrp_length(config.version, config.family, 0);
    const std::size_t room = mtu > fixed ? (mtu - fixed) / (v6 ? 16 : 4) : 0;
    return std::min(room, wire::kVrrpMaxAddresses);
}

}  // namespace

void Instance::refresh_advertised() {
    advert_ = {};
    advertised_.clear();
    const std::size_t limit = address_limit(config_, mtu_);
    for (const auto& address : config_.addresses)
        if (address.prefix.address.family() == config_.family && advertised_.size() < limit)
            advertised_.push_back(address.prefix.address);
}

void Instance::build_adverts(std::uint8_t priority) {
    wire::VrrpPacket packet;
    packet.version = config_.version;
    packet.virtual_router_id = config_.virtual_router_id;
    packet.priority = priority;
    packet.interval = config_.advert_int;
    packet.addresses = advertised_;
    if (config_.version == 2) {
        packet.auth_type = static_cast<std::uint8_t>(config_.auth_type);
        packet.auth = auth_bytes(config_);
    }
    advert_ = {.instance = id_, .interface = config_.interface, .source = *source_, .ttl = kTtl};
    for (const auto& peer : config_.unicast_peers) advert_.destinations.push_back(peer.address);
    if (config_.unicast_peers.empty())
        advert_.destinations.push_back(
            config_.multicast_group.value_or(config_.family == Family::V6 ? kGroup6 : kGroup4));
    for (const IpAddress& destination : advert_.destinations)
        advert_.payloads.push_back(wire::encode_vrrp(packet, *source_, destination));
    advert_priority_ = priority;
}

void Instance::send_advert(Step step) {
    if (!source_) return;
    if (advert_.destinations.empty() || advert_priority_ != effective_) build_adverts(effective_);
    step.out.push_back(advert_);
    ++counters_.advert_sent;
}

void Instance::send_resignation(Step step) {
    if (!source_) return;
    build_adverts(0);
    step.out.push_back(std::exchange(advert_, {}));
    ++counters_.pri_zero_sent;
    say(step, LogLevel::Debug, "sent 0 priority");
}

void Instance::send_arps(Step step, std::uint32_t rounds) {
    if (rounds == 0 || (config_.addresses.empty() && config_.excluded_addresses.empty())) return;
    step.out.push_back(SendGratuitousArp{id_, rounds});
}

// keepalived: mailed only when the state is another one than in the last mail (2.4.3).
void Instance::announce(Step step, State state, const char* name, std::string detail, bool notify) {
    Event event;
    event.kind = Event::Kind::Instance;
    event.name = config_.name;
    event.state = name;
    event.detail = std::move(detail);
    event.priority = effective_;
    event.notify = notify;
    const bool new_state = event.state.find('_') == std::string::npos;  // not MASTER_PRIORITY and its like
    event.mail = config_.smtp_alert && new_state && last_mailed_ != name &&
                 !(state == State::Fault && around_.no_email_faults);
    if (event.mail) last_mailed_ = name;
    step.out.push_back(Announce{std::move(event)});
}

void Instance::say(Step step, LogLevel level, const std::string& text) const {
    step.out.push_back(Say{{level, "(" + config_.name + ") " + text}});
}

}  // namespace mainstay::vrrp
