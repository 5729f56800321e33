#include "mainstay/config/tools/pair.hpp"

#include <algorithm>
#include <set>

#include "pair_report.hpp"

namespace mainstay::config {
namespace {

using Where = PairFinding::Where;

constexpr Severity kNote = Severity::Note, kWarning = Severity::Warning, kError = Severity::Error;

std::string joined(const std::vector<std::string>& items) { return fmt::format("{}", fmt::join(items, ", ")); }

std::string seconds(Micros time) {
    const auto us = time.count();
    if (us % 1'000'000 == 0) return fmt::format("{} s", us / 1'000'000);
    return fmt::format("{} s", static_cast<double>(us) / 1e6);
}

std::vector<std::string> prefixes(const std::vector<VirtualAddress>& list) {
    std::vector<std::string> out;
    for (const auto& address : list) out.push_back(address.prefix.to_string());
    return out;
}

std::vector<std::string> bare(const std::vector<VirtualAddress>& list) {
    std::vector<std::string> out;
    for (const auto& address : list) out.push_back(address.prefix.address.to_string());
    return out;
}

bool share_address(const Instance& a, const Instance& b) {
    const auto first = bare(a.addresses), second = bare(b.addresses);
    return missing(first, second).size() < first.size();
}

const SyncGroup* group_of(const Config& config, const Instance& instance) {
    const auto found = std::ranges::find(config.sync_groups, instance.sync_group, &SyncGroup::name);
    return instance.sync_group.empty() || found == config.sync_groups.end() ? nullptr : &*found;
}

class Comparison {
public:
    Comparison(PairReport& report, const Config& first, const Config& second)
        : r_{report}, first_{first}, second_{second}, match_(first.instances.size(), kNone) {}

    void run() {
        match();
        if (!first_.global.router_id.empty() && first_.global.router_id == second_.global.router_id)
            r_.add(kNote, Code::PairIdentity, Where::Both,
                   fmt::format("both have router_id {}: their mails cannot be distinguished", first_.global.router_id),
                   "set a different router_id in each, or omit it: the default is the host name");
        for (std::size_t i = 0; i < match_.size(); ++i) {
            if (match_[i] == kNone) {
                alone(first_.instances[i], Where::First);
                continue;
            }
            const Instance& a = first_.instances[i];
            const Instance& b = second_.instances[match_[i]];
            const InstancePair pair{a, b, group_of(first_, a), group_of(second_, b)};
            instance(pair);
        }
        for (std::size_t j = 0; j < second_.instances.size(); ++j)
            if (!taken(j)) alone(second_.instances[j], Where::Second);
        if (first_.instances.empty() && second_.instances.empty())
            r_.add(kNote, Code::PairInstanceMissing, Where::Both, "neither file has a vrrp_instance");
        compare_services(r_, first_, second_);
    }

private:
    static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

    [[nodiscard]] bool taken(std::size_t j) const { return std::ranges::find(match_, j) != match_.end(); }

    // The best candidates first, so that one instance is not given away to a worse match.
    void match() {
        const auto pass = [&](auto&& fits) {
            for (std::size_t i = 0; i < match_.size(); ++i)
                for (std::size_t j = 0; match_[i] == kNone && j < second_.instances.size(); ++j) {
                    const Instance& a = first_.instances[i];
                    const Instance& b = second_.instances[j];
                    if (a.virtual_router_id != b.virtual_router_id || a.family != b.family || taken(j)) continue;
                    if (fits(a, b)) match_[i] = j;
                }
        };
        pass([](const Instance& a, const Instance& b) { return a.interface == b.interface && share_address(a, b); });
        pass([](const Instance& a, const Instance& b) { return a.interface == b.interface; });
        pass([](const Instance& a, const Instance& b) { return share_address(a, b) || a.name == b.name; });
        pass([](const Instance&, const Instance&) { return true; });
    }

    // An instance without a counterpart. Most likely the two differ in what makes them the same.
    void alone(const Instance& own, Where where) {
        const Config& other = where == Where::First ? second_ : first_;
        const std::string& here = r_.name(where);
        const std::string& there = r_.name(where == Where::First ? Where::Second : Where::First);
        for (std::size_t j = 0; j < other.instances.size(); ++j) {
            const Instance& twin = other.instances[j];
            const bool same = share_address(own, twin) || own.name == twin.name;
            if (!same || (where == Where::First ? taken(j) : match_[j] != kNone)) continue;
            if (where == Where::Second) return;  // reported from the other side
            const std::string what =
                own.family != twin.family
                    ? fmt::format("{}: IPv{}", own.name,
                                  r_.both(own.family == Family::V4 ? "4" : "6", twin.family == Family::V4 ? "4" : "6"))
                    : fmt::format("{}: virtual_router_id {}", own.name,
                                  r_.both(own.virtual_router_id, twin.virtual_router_id));
            r_.add(kError, Code::PairInstanceMissing, Where::Both,
                   what + ": they are different virtual routers, and both become MASTER",
                   "set the same virtual_router_id and addresses of the same family in both");
            return;
        }
        r_.add(kWarning, Code::PairInstanceMissing, where == Where::First ? Where::Second : Where::First,
               fmt::format("{} (virtual_router_id {}, IPv{}) is in {} only: {} never takes over its addresses",
                           own.name, own.virtual_router_id, own.family == Family::V6 ? 6 : 4, here, there),
               fmt::format("add it to {}", there));
    }

    void instance(const InstancePair& pair) {
        wire(pair);
        authentication(pair);
        addresses(pair);
        unicast(pair);
        compare_election(r_, pair);
        groups(pair);
    }

    void wire(const InstancePair& p) {
        const auto& [a, b, ga, gb] = p;
        const std::string name = p.name();
        if (a.version != b.version)
            r_.add(kError, Code::PairProtocol, Where::Both,
                   fmt::format("{}: VRRP version {}: each refuses the other's packets, and both become MASTER", name,
                               r_.both(a.version, b.version)),
                   "set the same `version` in both");
        else if (a.advert_int != b.advert_int)
            r_.add(a.version == 2 ? kError : kWarning, Code::PairProtocol, Where::Both,
                   fmt::format("{}: advert_int {}: {}", name, r_.both(seconds(a.advert_int), seconds(b.advert_int)),
                               a.version == 2 ? "each refuses the other's packets, and both become MASTER"
                                              : "the delay of a takeover depends on which router was MASTER"),
                   "set the same `advert_int` in both");
        if (a.interface != b.interface)
            r_.add(kNote, Code::PairProtocol, Where::Both,
                   fmt::format("{}: interface {}: correct only if both are on the same network", name,
                               r_.both(a.interface, b.interface)));
        compare_vmacs(r_, p);
    }

    // Passwords are compared and never shown.
    void authentication(const InstancePair& p) {
        const auto& [a, b, ga, gb] = p;
        constexpr std::string_view kTypes[] = {"none", "PASS", "AH"};
        if (a.auth_type != b.auth_type)
            r_.add(
                kError, Code::PairAuthentication, Where::Both,
                fmt::format("{}: authentication {}: each refuses the other's packets, and both become MASTER", p.name(),
                            r_.both(kTypes[static_cast<int>(a.auth_type)], kTypes[static_cast<int>(b.auth_type)])),
                "set the same `auth_type`, in capitals, and the same `auth_pass` in both");
        else if (a.auth_pass != b.auth_pass && a.auth_type == AuthType::Pass && a.family == Family::V6)
            r_.add(
                kWarning, Code::PairAuthentication, Where::Both,
                fmt::format(
                    "{}: the passwords (auth_pass) differ; over IPv6 they are not checked, so the backup stays BACKUP",
                    p.name()),
                "set the same `auth_pass` in both; 8 characters count");
        else if (a.auth_pass != b.auth_pass)
            r_.add(
                kError, Code::PairAuthentication, Where::Both,
                fmt::format("{}: the passwords (auth_pass) differ: each refuses the other's packets, and both become "
                            "MASTER",
                            p.name()),
                "set the same `auth_pass` in both; 8 characters count");
    }

    void addresses(const InstancePair& p) {
        const auto& [a, b, ga, gb] = p;
        const auto compare = [&](const auto& list_a, const auto& list_b, std::string_view kind, Severity severity,
                                 std::string_view effect) {
            const auto first = bare(list_a), second = bare(list_b);
            const auto lost_b = missing(first, second), lost_a = missing(second, first);
            const auto report_lost = [&](const auto& lost, Where lacks, const std::string& has) {
                if (lost.empty()) return;
                r_.add(severity, Code::PairAddresses, lacks,
                       fmt::format("{}: {} {} {} in {} only: {}", p.name(), kind, joined(lost),
                                   lost.size() == 1 ? "is" : "are", has, effect),
                       fmt::format("add {} to {}, or remove {} from {}", lost.size() == 1 ? "it" : "them",
                                   r_.name(lacks), lost.size() == 1 ? "it" : "them", has));
            };
            report_lost(lost_b, Where::Second, r_.names.first);
            report_lost(lost_a, Where::First, r_.names.second);
            if (!lost_a.empty() || !lost_b.empty()) return;
            const auto whole_a = prefixes(list_a), whole_b = prefixes(list_b);
            if (const auto other = missing(whole_a, whole_b); !other.empty())
                r_.add(kWarning, Code::PairAddresses, Where::Both,
                       fmt::format("{}: prefix lengths differ: {}", p.name(),
                                   r_.both(joined(other), joined(missing(whole_b, whole_a)))),
                       "set the same prefix lengths in both");
        };
        // keepalived and mainstay complain of another list, and yield to its sender all the same.
        const bool unchecked = a.skip_check_adv_addr && b.skip_check_adv_addr;
        compare(a.addresses, b.addresses, "virtual address", unchecked ? kWarning : kError,
                unchecked ? "the other does not take it over"
                          : "the other does not take it over, and logs an address list mismatch for each packet");
        compare(a.excluded_addresses, b.excluded_addresses, "virtual address (excluded)", kWarning,
                "the other does not take it over");
    }

    void unicast(const InstancePair& p) {
        const auto& [a, b, ga, gb] = p;
        const std::string name = p.name();
        if (a.unicast_peers.empty() != b.unicast_peers.empty()) {
            r_.add(kError, Code::PairUnicast, Where::Both,
                   fmt::format("{}: {}: neither receives the other's advertisements, and both become MASTER", name,
                               r_.both(a.unicast_peers.empty() ? "multicast" : "unicast",
                                       b.unicast_peers.empty() ? "multicast" : "unicast")),
                   "configure unicast_peer in both or in neither");
            return;
        }
        if (a.source && a.source == b.source)
            r_.add(kError, Code::PairUnicast, Where::Both,
                   fmt::format("{}: both send from {}, but each router must send from its own address", name,
                               a.source->to_string()),
                   "set each host's own address");
        if (a.unicast_peers.empty()) {
            if (a.multicast_group == b.multicast_group) return;
            const auto shown = [](const Instance& i) {
                return i.multicast_group ? i.multicast_group->to_string()
                                         : std::string{i.family == Family::V6 ? "ff02::12" : "224.0.0.18"};
            };
            if (shown(a) != shown(b))
                r_.add(kError, Code::PairUnicast, Where::Both,
                       fmt::format("{}: multicast group {}: neither receives the other's advertisements", name,
                                   r_.both(shown(a), shown(b))),
                       "set the same multicast group in both");
            return;
        }
        peers(name, a, b, Where::First);
        peers(name, b, a, Where::Second);
    }

    // `where` has `own`; it must send to `other`.
    void peers(const std::string& name, const Instance& own, const Instance& other, Where where) {
        const std::string& here = r_.name(where);
        const std::string& there = r_.name(where == Where::First ? Where::Second : Where::First);
        const auto has = [&](const IpAddress& address) {
            return std::ranges::find(own.unicast_peers, address, &UnicastPeer::address) != own.unicast_peers.end();
        };
        if (own.source && has(*own.source))
            r_.add(kWarning, Code::PairUnicast, where,
                   fmt::format("{}: {} lists its own address {} as a peer", name, here, own.source->to_string()),
                   fmt::format("unicast_peer lists the other routers: set the address of {}", there));
        if (!other.source) {
            r_.add(kNote, Code::PairUnicast, where == Where::First ? Where::Second : Where::First,
                   fmt::format("{}: {} has no unicast_src_ip: whether {} lists it as a peer cannot be checked", name,
                               there, here),
                   "set unicast_src_ip: it fixes the source address, also when addresses are added");
            return;
        }
        if (!has(*other.source))
            r_.add(kError, Code::PairUnicast, where,
                   fmt::format("{}: {} sends from {}, which is not among the peers of {}: {} does not send to it", name,
                               there, other.source->to_string(), here, here),
                   fmt::format("add {} to unicast_peer of {}", other.source->to_string(), here));
    }

    void groups(const InstancePair& p) {
        const auto members = [](const Config& config, const SyncGroup* group) {
            std::vector<std::string> out;
            if (group == nullptr) return out;
            for (const Instance& i : config.instances)
                if (i.sync_group == group->name)
                    out.push_back(fmt::format("{} IPv{}", i.virtual_router_id, i.family == Family::V6 ? 6 : 4));
            return out;
        };
        if ((p.first_group == nullptr) != (p.second_group == nullptr)) {
            const Where lacks = p.first_group == nullptr ? Where::First : Where::Second;
            r_.add(kWarning, Code::PairGroup, lacks,
                   fmt::format("{}: it is in a sync group in {} only: in {} it fails over without the others", p.name(),
                               r_.name(lacks == Where::First ? Where::Second : Where::First), r_.name(lacks)),
                   "set the same vrrp_sync_group in both");
            return;
        }
        const auto first = members(first_, p.first_group), second = members(second_, p.second_group);
        const auto only_first = missing(first, second), only_second = missing(second, first);
        if (only_first.empty() && only_second.empty()) return;
        if (!reported_groups_.insert({p.first_group, p.second_group}).second) return;
        r_.add(
            kWarning, Code::PairGroup, Where::Both,
            fmt::format("sync group {} has other members in {} than in {} (virtual_router_id {})", p.first_group->name,
                        r_.names.first, r_.names.second, r_.both(joined(first), joined(second))),
            "configure the same members in both");
    }

    PairReport& r_;
    const Config& first_;
    const Config& second_;
    std::vector<std::size_t> match_;  // per instance of the first file; kNone: no counterpart
    std::set<std::pair<const SyncGroup*, const SyncGroup*>> reported_groups_;
};

}  // namespace

std::vector<PairFinding> compare_pair(const Config& first, const Config& second, const PairNames& names) {
    PairReport report{names, {}};
    Comparison{report, first, second}.run();
    return std::move(report.findings);
}

std::string render(const PairFinding& finding, const PairNames& names, bool colour) {
    constexpr std::string_view kNames[] = {"note", "warning", "error", "fatal"};
    constexpr std::string_view kColours[] = {"\x1b[36m", "\x1b[35m", "\x1b[1;31m", "\x1b[1;31m"};
    const auto severity = static_cast<std::size_t>(finding.severity);
    const std::string where = finding.where == Where::Both    ? fmt::format("{}, {}", names.first, names.second)
                              : finding.where == Where::First ? names.first
                                                              : names.second;
    std::string out = fmt::format("{}: {}{}{} MS{:04}: {}\n", where, colour ? kColours[severity] : "", kNames[severity],
                                  colour ? "\x1b[0m" : "", static_cast<unsigned>(finding.code), finding.what);
    if (!finding.fix.empty()) out += fmt::format("  fix: {}\n", finding.fix);
    return out;
}

}  // namespace mainstay::config
