#include "mainstay/lvs/announcer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

#include "mainstay/lvs/desired.hpp"
#include "mainstay/lvs/quorum.hpp"
#include "mainstay/lvs/table.hpp"

namespace mainstay::lvs {
namespace {

using netlink::AnnounceOperation;

AnnounceOperation about(AnnounceOperation::Kind kind, const Announcer::Address& address, std::string interface = {}) {
    return {.kind = kind, .address = address.configured.address, .interface = std::move(interface)};
}

bool is_proven(const CheckerState& checker, std::optional<Instant> fresh_after) {
    return checker.has_run && (!fresh_after || checker.due > *fresh_after);
}

bool is_drained(const Announcer::Address& address, Instant now) {
    return address.drains_since && now - *address.drains_since >= address.configured.settings.drain_time;
}

constexpr std::string_view kMaintenance = "this director is in maintenance";
constexpr std::string_view kDrained = "this director is in maintenance, and its drain time is over";

}  // namespace

AnnouncedAddresses announced_addresses(const std::vector<config::VirtualServer>& services) {
    std::map<IpAddress, AnnouncedAddress> found;
    std::set<IpAddress> left_out;
    for (std::size_t at = 0; at < services.size(); ++at) {
        const auto settings = config::announce_settings(services[at]);
        if (!settings) continue;
        for (const auto& key : keys_of(services[at])) {
            if (key.address.empty()) continue;  // a mark of a group
            auto known = found.find(key.address);
            if (known == found.end()) {
                if (found.size() == kAnnouncedAddressesMax) {
                    left_out.insert(key.address);
                    continue;
                }
                known = found.emplace(key.address, AnnouncedAddress{key.address, *settings, {}}).first;
            }
            if (auto& users = known->second.services; users.empty() || users.back() != at) users.push_back(at);
        }
    }
    AnnouncedAddresses all{.left_out = left_out.size()};
    all.list.reserve(found.size());
    for (auto& [address, announced] : found) all.list.push_back(std::move(announced));
    return all;
}

std::string_view text_of(Readiness readiness) {
    switch (readiness) {
        case Readiness::Ready:
            return "it is up";
        case Readiness::QuorumLost:
            return "its quorum is lost";
        case Readiness::NotChecked:
            return "too few of its servers have passed a check yet";
        case Readiness::NotProgrammed:
            return "IPVS does not have its table";
    }
    return "";
}

Readiness readiness_of(const config::VirtualServer& service, const ServiceState& state,
                       std::optional<Instant> fresh_after) {
    if (!state.quorum_up) return Readiness::QuorumLost;
    std::int64_t proven = 0;
    for (const ServerState& server : state.servers) {
        if (!server.alive) continue;
        const bool counts = std::ranges::all_of(
            server.checkers, [&](const CheckerState& checker) { return is_proven(checker, fresh_after); });
        if (counts) proven += clamp_weight(server.weight);
    }
    return quorum_holds(quorum_of(service), proven, true) ? Readiness::Ready : Readiness::NotChecked;
}

Announcer::State Announcer::Address::state() const {
    if (interface.empty()) return State::Withdrawn;
    return interface == configured.settings.interface ? State::Announced : State::Draining;
}

bool Announcer::Address::is_withdrawn_on_purpose() const {
    return state() == State::Withdrawn && problem.empty() &&
           (!is_configured || reason == kMaintenance || reason == kDrained);
}

void Announcer::configure(std::vector<AnnouncedAddress> list) {
    if (addresses_.empty()) renewed_.reset();  // nothing was to be renewed: that is no pause
    std::map<IpAddress, Address> before;
    for (Address& address : addresses_) before.emplace(address.configured.address, std::move(address));
    addresses_.clear();
    for (AnnouncedAddress& next : list) {
        Address address;
        if (auto known = before.extract(next.address)) address = std::move(known.mapped());
        address.configured = std::move(next);
        address.is_configured = true;
        addresses_.push_back(std::move(address));
    }
    for (auto& [key, address] : before) {
        address.is_configured = false;
        addresses_.push_back(std::move(address));
    }
    std::ranges::sort(addresses_, {}, [](const Address& address) { return address.configured.address; });
}

void Announcer::resume(const IpAddress& which, State state, WallTime since, Moment at) {
    Address* address = find(which);
    if (address == nullptr || state == State::Withdrawn) return;
    const auto& settings = address->configured.settings;
    address->interface = state == State::Draining ? settings.drain_interface : settings.interface;
    address->has_route = true;
    address->since = since;
    if (state == State::Draining)
        address->drains_since = at.now - Micros{std::max<std::int64_t>(at.wall.unix_us - since.unix_us, 0)};
}

void Announcer::distrust(const std::set<IpAddress>& addresses, Instant now) {
    for (const IpAddress& one : addresses)
        if (Address* address = find(one)) address->fresh_after = now;
}

// Of the worst service, or with `services any` of the best.
Readiness Announcer::judge(const Address& address, const ReadinessOf& readiness) {
    const bool any = address.configured.settings.any_service;
    std::optional<Readiness> decided;
    for (const std::size_t service : address.configured.services) {
        const Readiness one = readiness(service, address.fresh_after);
        if (!decided || (any ? one < *decided : one > *decided)) decided = one;
    }
    return decided.value_or(Readiness::NotChecked);
}

// After a pause that was longer than the lifetime the kernel has removed the address, and the checks are out of date.
void Announcer::notice_pause(Instant now) {
    if (!renewed_) return;
    for (Address& address : addresses_) {
        const auto& settings = address.configured.settings;
        if (address.interface.empty() || settings.hold || now - *renewed_ <= settings.lifetime) continue;
        address.interface.clear();
        address.is_known = false;
        address.fresh_after = now;
    }
}

void Announcer::take_off(Address& address, std::string_view why, Moment at, Outcome& out) const {
    const auto& settings = address.configured.settings;
    address.reason = why;
    std::vector<std::string> from;
    if (!address.is_known) {
        // An earlier process, or this one before a pause, may have left it.
        from = {settings.interface, settings.drain_interface};
        address.is_known = true;
        address.has_route = true;
        address.route_until = at.now + settings.drain_time;
    }
    if (!address.interface.empty() && std::ranges::find(from, address.interface) == from.end())
        from.push_back(address.interface);
    for (std::string& interface : from)
        out.operations.push_back(about(AnnounceOperation::Kind::Withdraw, address, std::move(interface)));
    if (address.interface.empty()) return;
    out.lines.push_back(
        {LogLevel::Notice,
         fmt::format("Withdrew {} from {}: {}", address.configured.address.to_string(), address.interface, why)});
    address.interface.clear();
    address.since = at.wall;
    address.route_until = at.now + settings.drain_time;
}

void Announcer::follow(Address& address, const ReadinessOf& readiness, Moment at, Pass pass, Outcome& out) const {
    if (!address.is_configured) return take_off(address, "it is no longer configured", at, out);
    const auto& settings = address.configured.settings;
    const Readiness judged = judge(address, readiness);
    // A service that was added just now is no reason to withdraw what is announced.
    // Before a change the table cannot be as it will be wanted. What an earlier process announced has no such right.
    const bool is_unknown =
        !address.interface.empty() && address.is_known &&
        (judged == Readiness::NotChecked || (judged == Readiness::NotProgrammed && pass == Pass::Withdraw));
    if (judged != Readiness::Ready && !is_unknown) return take_off(address, text_of(judged), at, out);
    if (!drains_) address.drains_since.reset();
    if (is_drained(address, at.now)) return take_off(address, kDrained, at, out);
    if (drains_ && address.interface.empty()) return take_off(address, kMaintenance, at, out);
    if (pass == Pass::Withdraw) return;
    if (drains_ && !address.drains_since) address.drains_since = at.now;
    const std::string& target = drains_ ? settings.drain_interface : settings.interface;
    const bool moves = address.interface != target;
    if (!moves && pass != Pass::Renew) return;
    if ((moves && !address.interface.empty()) || !address.is_known) {
        // First gone, then there: a routing daemon that saw both would keep the attributes of the first.
        const std::string& other = drains_ ? settings.interface : settings.drain_interface;
        out.operations.push_back(about(AnnounceOperation::Kind::Withdraw, address,
                                       moves && !address.interface.empty() ? address.interface : other));
    }
    out.operations.push_back(about(AnnounceOperation::Kind::AddRoute, address));
    auto announce = about(AnnounceOperation::Kind::Announce, address, target);
    if (!settings.hold) announce.lifetime = settings.lifetime;
    out.operations.push_back(std::move(announce));
    address.has_route = true;
    address.route_until.reset();
}

Announcer::Outcome Announcer::follow_all(const ReadinessOf& readiness, Moment at, Pass pass) {
    Outcome out;
    notice_pause(at.now);
    for (Address& address : addresses_) follow(address, readiness, at, pass, out);
    return out;
}

Announcer::Outcome Announcer::withdraw(const ReadinessOf& readiness, Moment at) {
    return follow_all(readiness, at, Pass::Withdraw);
}

Announcer::Outcome Announcer::settle(const ReadinessOf& readiness, Moment at) {
    return follow_all(readiness, at, Pass::Settle);
}

Announcer::Outcome Announcer::renew(const ReadinessOf& readiness, Moment at) {
    Outcome out = follow_all(readiness, at, Pass::Renew);
    renewed_ = at.now;
    for (Address& address : addresses_) {
        if (!address.has_route || !address.route_until || at.now < *address.route_until) continue;
        out.operations.push_back(about(AnnounceOperation::Kind::RemoveRoute, address));
        address.has_route = false;
        address.route_until.reset();
    }
    std::erase_if(addresses_, [](const Address& address) { return !address.is_configured && !address.has_route; });
    return out;
}

Announcer::Outcome Announcer::stop(Moment at) {
    Outcome out;
    for (Address& address : addresses_) take_off(address, "mainstay stops", at, out);
    return out;
}

netlink::AnnounceOperations Announcer::stop_routes() {
    netlink::AnnounceOperations operations;
    for (Address& address : addresses_)
        if (std::exchange(address.has_route, false))
            operations.push_back(about(AnnounceOperation::Kind::RemoveRoute, address));
    return operations;
}

Announcer::Address* Announcer::find(const IpAddress& address) {
    const auto of = [](const Address& one) -> const IpAddress& { return one.configured.address; };
    const auto at = std::ranges::lower_bound(addresses_, address, {}, of);
    return at != addresses_.end() && of(*at) == address ? &*at : nullptr;
}

std::vector<LogLine> Announcer::carried_out(const netlink::AnnounceOperations& operations,
                                            const std::vector<netlink::RefusedAnnounce>& refused, Moment at) {
    std::vector<LogLine> lines;
    auto next = refused.begin();
    const Address* troubled = nullptr;  // the last one; the operations of an address stand together
    for (std::size_t i = 0; i < operations.size(); ++i) {
        const AnnounceOperation& operation = operations[i];
        const bool is_refused = next != refused.end() && next->index == i;
        Address* address = find(operation.address);
        if (is_refused) {
            if (address != nullptr && std::exchange(address->problem, next->text) != next->text)
                lines.push_back({LogLevel::Error, next->text + "; tried again each second"});
            if (address != nullptr && operation.kind == AnnounceOperation::Kind::Announce) address->interface.clear();
            if (address != nullptr && operation.kind != AnnounceOperation::Kind::AddRoute) address->is_known = false;
            troubled = address;
            ++next;
            continue;
        }
        if (address == nullptr || operation.kind != AnnounceOperation::Kind::Announce) continue;
        address->is_known = true;
        address->fresh_after.reset();
        address->reason.clear();
        if (address != troubled) address->problem.clear();
        if (address->interface == operation.interface) continue;
        address->interface = operation.interface;
        address->since = at.wall;
        lines.push_back(
            {LogLevel::Notice, fmt::format("Announced {} on {}{}", operation.address.to_string(), operation.interface,
                                           address->state() == State::Draining ? ": this director drains" : "")});
    }
    return lines;
}

}  // namespace mainstay::lvs
