#include "routing.hpp"

#include <algorithm>

#include "addresses.hpp"

namespace mainstay::role {

namespace asio = boost::asio;

namespace {

// The entry with interface indexes and the VRF's table; an Error if an interface or the VRF does not exist.
Result<netlink::Routing> resolved(const vrrp::RoutingEntry& entry, const Links& links) {
    if (entry.is_rule()) return entry.what;
    auto route = std::get<netlink::Route>(entry.what);
    const auto index = [&links](netlink::NextHop& hop) -> Result<void> {
        if (hop.device.empty()) return {};
        const auto* link = links.find(hop.device);
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
        auto request = resolved(wanted.entries[at], links);
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
        if (auto request =
                resolved(unwanted.entries[at], links)) {  // an error: its interface was removed, and the entry with it
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

}  // namespace mainstay::role
