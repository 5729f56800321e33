#include "routing.hpp"

#include <linux/rtnetlink.h>

#include <algorithm>

#include "addresses.hpp"
#include "mainstay/kernel/kernel_release.hpp"
#include "mainstay/kernel/routing.hpp"

namespace mainstay::role {

namespace asio = boost::asio;

namespace {

// The entry with interface indexes and the VRF's table; an Error if an interface or the VRF does not exist. What is
// removed may be on an interface that was renamed.
Result<netlink::Routing> resolved(const vrrp::RoutingEntry& entry, const Links& links, bool is_removed) {
    if (entry.is_rule()) return entry.what;
    auto route = std::get<netlink::Route>(entry.what);
    const auto index = [&links, is_removed](netlink::NextHop& hop) -> Result<void> {
        if (hop.device.empty()) return {};
        const auto* link = links.find(hop.device);
        if (link == nullptr && is_removed) link = links.find_renamed(hop.device);
        if (link == nullptr) return fail(Errc::NotFound, "interface " + hop.device + " does not exist");
        hop.interface_index = link->index;
        return {};
    };
    if (auto found = index(route.hop); !found) return error_of(found);
    for (netlink::NextHop& hop : route.hops)
        if (auto found = index(hop); !found) return error_of(found);
    if (!entry.vrf.empty()) {
        const auto* vrf = links.find(entry.vrf);
        if (vrf == nullptr || vrf->vrf_table == 0) return fail(Errc::NotFound, "VRF " + entry.vrf + " does not exist");
        route.table = vrf->vrf_table;
    }
    return netlink::Routing{std::move(route)};
}

}  // namespace

std::vector<report::Refused> refused_routes(const vrrp::Router& router) {
    std::vector<report::Refused> all;
    for (const auto& [what, why] : router.refused_routing(vrrp::kNoInstance)) all.push_back({{}, what, why});
    const auto& instances = router.config().instances;
    for (vrrp::InstanceId id = 0; id < instances.size(); ++id)
        for (const auto& [what, why] : router.refused_routing(id)) all.push_back({instances[id].name, what, why});
    return all;
}

VrrpRouting::VrrpRouting(asio::io_context& loop, Log& log, std::function<void(vrrp::Fact)> give)
    : loop_{loop}, log_{log}, give_{std::move(give)} {}

Result<void> VrrpRouting::follow(const config::Config& config) {
    const bool needed =
        !vrrp::static_routing_of(config).empty() ||
        std::ranges::any_of(config.instances, [](const auto& instance) { return !vrrp::routing_of(instance).empty(); });
    if (!needed || tables_) return {};
    auto tables = kernel::RoutingTables::open();
    if (!tables) return error_of(tables);
    tables_.emplace(std::move(*tables));
    ready_.emplace(loop_, tables_->notification_fd());
    watch();
    return {};
}

void VrrpRouting::watch() {
    ready_->async_wait(asio::posix::stream_descriptor::wait_read, [this](const boost::system::error_code& error) {
        if (error || !tables_) return;
        read({});
        watch();
    });
}

// The kernel has queued the notifications of our own removals by the time it answers; reading them right then
// distinguishes them from removals by other programs.
void VrrpRouting::read(const std::vector<netlink::Routing>& own_doing) {
    const auto found = tables_->read_removals();
    if (!found) return log_.error("{}", found.error().text());
    for (const netlink::Routing& gone : found->removed) {
        const bool own = std::ranges::any_of(own_doing, [&](const auto& mine) { return netlink::may_be(mine, gone); });
        if (!own) give_(vrrp::RoutingLost{gone});
    }
    if (!found->lost) return;
    log_.warning("route notifications were lost: setting all our routes again");
    give_(vrrp::RoutingUncertain{});
}

void VrrpRouting::set(const vrrp::SetRouting& wanted, const Links& links) {
    if (!tables_) return;
    vrrp::RoutingOutcome outcome{.owner = wanted.owner, .how = wanted.how, .added = {}, .refused = {}};
    std::vector<netlink::Routing> requests;
    std::vector<std::size_t> positions;
    for (std::size_t at = 0; at < wanted.entries.size(); ++at) {
        auto request = resolved(wanted.entries[at], links, false);
        if (!request) {
            outcome.refused.emplace_back(wanted.positions[at], request.error().text());
            continue;
        }
        requests.push_back(std::move(*request));
        positions.push_back(wanted.positions[at]);
    }
    const auto answers = tables_->add(requests);
    if (!answers) {
        log_.error("{}", answers.error().text());
        return give_(vrrp::RoutingUncertain{});
    }
    for (std::size_t at = 0; at < answers->size(); ++at) {
        const auto& answer = (*answers)[at];
        if (answer.verdict == netlink::Verdict::Done)
            outcome.added.push_back(positions[at]);
        else if (answer.verdict == netlink::Verdict::Failed)
            outcome.refused.emplace_back(positions[at], answer.text);
    }
    const bool first = wanted.how == vrrp::SetRouting::How::First;
    if (!outcome.refused.empty() || (!first && !outcome.added.empty())) give_(std::move(outcome));
}

void VrrpRouting::remove(const vrrp::RemoveRouting& unwanted, const Links& links) {
    if (!tables_) return;
    read({});
    std::vector<netlink::Routing> requests;
    std::vector<std::size_t> positions;
    for (std::size_t at = 0; at < unwanted.entries.size(); ++at)
        if (auto request = resolved(unwanted.entries[at], links,
                                    true)) {  // an error: its interface was removed, and the entry with it
            requests.push_back(std::move(*request));
            positions.push_back(at);
        }
    const auto answers = tables_->remove(requests);
    if (!answers) log_.error("{}", answers.error().text());
    for (std::size_t at = 0; answers && at < answers->size(); ++at)
        if ((*answers)[at].verdict == netlink::Verdict::Failed)
            log_.error("{} cannot be removed: {}", vrrp::describe(unwanted.entries[positions[at]]),
                       (*answers)[at].text);
    read(requests);
}

void VrrpRouting::set_static(const vrrp::SetStaticAddresses& wanted, const Links& links, kernel::Rtnetlink& netlink) {
    std::vector<kernel::Address> requests;
    std::vector<std::string> names;
    for (const auto& address : wanted.addresses) {
        const auto* link = links.find(address.dev);
        const std::string name = address.prefix.to_string() + " dev " + address.dev;
        if (link == nullptr) {
            if (complained_.insert(name).second)
                log_.error("static address {} cannot be set: the interface does not exist", name);
            continue;
        }
        requests.push_back(address_request(address, link->index));
        names.push_back(name);
    }
    const auto failed = netlink.add(requests);
    if (!failed) return log_.error("setting static addresses: {}", failed.error().text());
    std::set<std::string> refused;
    for (const auto& failure : *failed) {
        refused.insert(names[failure.index]);
        if (complained_.insert(names[failure.index]).second)
            log_.error("static address {} cannot be set{}", names[failure.index],
                       Error::system("", failure.sys_errno).text());
    }
    for (const std::string& name : names)
        if (!refused.contains(name)) complained_.erase(name);
}

void VrrpRouting::close() {
    if (ready_) ready_->release();
    tables_.reset();
}

namespace {

// A /31 and a /32 have no such route besides that of their broadcast address, which the kernel removes.
bool is_first_of_subnet(const IpAddress& address, const Prefix& prefix) {
    return prefix.length < 31 && address == netlink::without_host_bits(prefix).address;
}

constexpr std::uint32_t kPrefixRouteMetric = 256;  // the kernel's IP6_RT_PRIO_ADDRCONF

// An address with a peer has the route of its own prefix as well as one to the peer.
bool has_prefix_route(const kernel::Address& address) {
    return !address.prefix.address.is_v4() && !address.noprefixroute;
}

netlink::Routing prefix_route_of(const kernel::Address& address) {
    netlink::Route route;
    route.destination = netlink::without_host_bits(address.prefix);
    route.protocol = RTPROT_KERNEL;
    route.priority = kPrefixRouteMetric;
    route.hop.interface_index = address.interface_index;
    return route;
}

netlink::Routing broadcast_route_of(const kernel::Address& address) {
    netlink::Route route;
    route.destination = {*address.broadcast, 32};
    route.type = RTN_BROADCAST;
    route.scope = RT_SCOPE_LINK;  // the kernel removes a route of the scope that it is told alone
    route.protocol = RTPROT_KERNEL;
    route.table = RT_TABLE_LOCAL;
    route.hop.interface_index = address.interface_index;
    return route;
}

}  // namespace

// Linux before 5.14 gives each address a route to the first address of its subnet and removes it with the last one.
LeftRoutes::LeftRoutes(const std::vector<kernel::Address>& removals, const Links& links, Log& log)
    : links_{links}, log_{log} {
    for (const auto& removal : removals) {
        const auto* there = links.address(removal.interface_index, removal.prefix);
        if (there == nullptr) continue;
        const bool broadcast_may_stay =
            there->broadcast && is_first_of_subnet(*there->broadcast, there->prefix) && kernel::release_at_least(5, 14);
        if (broadcast_may_stay || has_prefix_route(*there)) suspects_.push_back(*there);
    }
}

LeftRoutes::~LeftRoutes() {
    if (const auto done = remove(); !done) log_.warning("{}", done.error().text());
}

Result<void> LeftRoutes::remove() const {
    std::vector<netlink::Routing> left;
    for (const auto& gone : suspects_) {
        const auto another = [&](const auto& is) { return links_.any_address(gone.interface_index, is); };
        if (gone.broadcast) {
            if (!another([&](const kernel::Address& other) { return other.broadcast == gone.broadcast; }))
                left.push_back(broadcast_route_of(gone));
            continue;
        }
        // With no other address of the prefix the kernel has removed the route itself.
        const auto network = netlink::without_host_bits(gone.prefix);
        const auto is_in_it = [&](const kernel::Address& other) {
            return netlink::without_host_bits(other.prefix) == network;
        };
        if (another(is_in_it) &&
            !another([&](const kernel::Address& other) { return is_in_it(other) && has_prefix_route(other); }))
            left.push_back(prefix_route_of(gone));
    }
    if (left.empty()) return {};
    auto tables = kernel::RoutingTables::open();
    if (!tables) return error_of(tables);
    auto answers = tables->remove(left);  // ESRCH is no failure: the kernel has removed the route itself
    if (!answers) return error_of(answers);
    for (const auto& answer : *answers)
        if (answer.verdict == netlink::Verdict::Failed)
            log_.warning("a route of a removed address cannot be removed: {}", answer.text);
    return {};
}

}  // namespace mainstay::role
