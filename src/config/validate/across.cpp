// Remarks about settings that are valid by themselves but contradict each other. keepalived does not report them, so
// they do not affect the exit code. Uses the drafts: runs before the checks that move them into the model.
#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "config/schema/parse_context.hpp"
#include "mainstay/config/addresses.hpp"
#include "mainstay/config/keywords.hpp"
#include "validate.hpp"

namespace mainstay::config {
namespace {

constexpr int kHostLength4 = 32, kHostLength6 = 128;

class Across {
public:
    explicit Across(ParseContext& r) : r_{r} {}

    void run() {
        for (std::size_t i = 0; !r_.services.empty() && i < r_.instances.size(); ++i) {
            const Instance& instance = r_.instances[i].model;
            for (const VirtualAddress& address : instance.addresses)
                owners_.emplace(address.prefix.address, instance.name);
            for (const UnicastPeer& peer : instance.unicast_peers) peers_.emplace(peer.address, instance.name);
        }
        const bool known = r_.environment.subnets && !r_.instances.empty();
        const auto subnets = known ? r_.environment.subnets() : std::vector<Environment::Subnet>{};
        if (known) virtual_addresses(subnets);
        own_peers(subnets);
        shared_addresses();
        for (const ServiceDraft& service : r_.services)
            for (const ServerDraft& server : service.servers) {
                const IpAddress& address = server.model.endpoint.address;
                real_server(address, address == service.model.endpoint.address, server.mark);
                const auto forwarding = server.forwarding.value_or(service.forwarding.value_or(Forwarding::Nat));
                if (forwarding != Forwarding::Nat && !service.model.endpoint.address.empty())
                    director(address, server.mark);
            }
        server_groups();
        named_in_lines();
        tables();
        if (r_.mail_wanted.length != 0 && r_.global.notification_email.empty()) {
            auto& d = r_.diag.advise(Code::MailToNobody, r_.mail_wanted, "smtp_alert is on, but there is no recipient");
            d.effect = "no mail is sent";
            d.fix = "add notification_email { ADDRESS } to global_defs";
        }
        for (const auto& tracked : r_.tracked)
            if (!tracked.used && !r_.dropped_trackers.contains(tracked.name))
                r_.diag.note(Code::TrackerUnused, tracked.mark,
                             fmt::format("{} {} is never used", tracked.keyword, tracked.name));
    }

private:
    // An address with a prefix of its own brings its subnet along; one without needs an interface's.
    void virtual_addresses(const std::vector<Environment::Subnet>& subnets) {
        only_addresses(subnets);
        for (const InstanceDraft& instance : r_.instances) {
            const auto& addresses = instance.model.addresses;
            if (addresses.empty()) continue;
            const Family family = instance.native_ipv6 ? Family::V6 : addresses.front().prefix.address.family();
            for (std::size_t i = 0; i < std::min(addresses.size(), instance.address_marks.size()); ++i) {
                const Prefix& prefix = addresses[i].prefix;
                if (prefix.address.family() != family) continue;  // it is refused
                if (prefix.length != (prefix.address.is_v4() ? kHostLength4 : kHostLength6)) continue;
                if (is_given(addresses[i].more->values, keyword::peer)) continue;  // the other end is enough
                // Nothing is known of the subnets of an interface that is not there.
                const std::string& device = device_of(addresses[i], instance.model);
                if (!r_.environment.interface_exists(device)) continue;
                const bool reached = std::ranges::any_of(
                    subnets, [&](const auto& subnet) { return subnet.prefix.contains(prefix.address); });
                if (reached) continue;
                auto& d = r_.diag.note(Code::AddressOffLink, instance.address_marks[i].address,
                                       fmt::format("({}) {} is not in the subnet of any interface", instance.model.name,
                                                   prefix.address.to_string()));
                d.effect = "the address is set; other hosts reach it only by a route to this host";
                d.fix = "a wrong digit, or a prefix length that is missing?";
            }
        }
    }

    // An interface that has nothing but virtual addresses and has to send from one of its own. With a source address
    // elsewhere it may be that way on purpose, and of IPv6 the link-local address stays.
    void only_addresses(const std::vector<Environment::Subnet>& subnets) {
        std::set<std::pair<std::string_view, IpAddress>> removed;
        for (const InstanceDraft& draft : r_.instances) {
            const Instance& instance = draft.model;
            for (const VirtualAddress& address : all_addresses(instance))
                if (is_on_own_interface(instance, address)) removed.emplace(instance.interface, address.prefix.address);
        }
        std::map<std::string_view, IpAddress> only;
        std::set<std::string_view> keeps;
        for (const auto& [interface, prefix] : subnets) {
            if (!prefix.address.is_v4()) continue;
            if (removed.contains({interface, prefix.address}))
                only.emplace(interface, prefix.address);
            else
                keeps.insert(interface);
        }
        for (const InstanceDraft& instance : r_.instances) {
            const auto found = only.find(instance.model.interface);
            if (found == only.end() || keeps.contains(found->first)) continue;
            const auto& source = instance.model.source;
            if (!sends_ipv4(instance) || (source && !removed.contains({found->first, *source}))) continue;
            only_address(instance, instance.model.addresses, instance.address_marks, found->second);
            only_address(instance, instance.model.excluded_addresses, instance.excluded_marks, found->second);
        }
    }

    static bool sends_ipv4(const InstanceDraft& instance) {
        const auto& addresses = instance.model.addresses;
        return !instance.native_ipv6 && !addresses.empty() && addresses.front().prefix.address.is_v4();
    }

    static bool is_on_own_interface(const Instance& instance, const VirtualAddress& address) {
        return !instance.vmac->enabled && (address.dev.empty() || address.dev == instance.interface);
    }

    void only_address(const InstanceDraft& instance, const auto& addresses, const auto& marks, const IpAddress& own) {
        const std::string& interface = instance.model.interface;
        for (std::size_t i = 0; i < std::min(addresses.size(), marks.size()); ++i) {
            if (!is_on_own_interface(instance.model, addresses[i]) || addresses[i].prefix.address != own) continue;
            auto& d = r_.diag.advise(Code::OnlyAddress, marks[i].address,
                                     fmt::format("({}) {} is the only address that {} has on this host",
                                                 instance.model.name, own.to_string(), interface));
            d.effect = "it is removed whenever the instance is not MASTER, and at the stop: this host is then cut off";
            d.fix = fmt::format("give {} an address of its own, and clients another one here", interface);
        }
    }

    void real_server(const IpAddress& address, bool own, Mark mark) {
        if (address.empty()) return;
        if (own) {
            auto& d = r_.diag.advise(
                Code::RealServerIsVirtual, mark,
                fmt::format("real server {} is the address of its own virtual server", address.to_string()));
            d.effect = "the director that holds the address would have to serve it itself";
            d.fix = "write the server's own address";
        } else if (const auto owner = owners_.find(address); owner != owners_.end()) {
            auto& d = r_.diag.note(
                Code::RealServerIsVirtual, mark,
                fmt::format("real server {} is a virtual address of {}", address.to_string(), owner->second));
            d.effect = "the router that holds the address would be the server";
        }
    }

    // With NAT the packet has the server's address when it arrives, and no virtual server takes it. A service of a mark
    // may leave out what the other director sends.
    void director(const IpAddress& address, Mark mark) {
        const auto peer = peers_.find(address);
        if (peer == peers_.end()) return;
        auto& d = r_.diag.advise(Code::RealServerIsPeer, mark,
                                 fmt::format("real server {} is the other director (unicast_peer of {})",
                                             address.to_string(), peer->second));
        d.effect = "its IPVS has the same table: it schedules what it gets once more, and sends a part of it back";
        d.fix =
            "let IPVS on both take only what comes from clients: virtual_server fwmark, and a rule that marks packets "
            "to the virtual address unless they have the other director's MAC address";
    }

    void own_peers(const std::vector<Environment::Subnet>& subnets) {
        for (const InstanceDraft& instance : r_.instances) {
            const Instance& m = instance.model;
            const auto is_own = [&](const IpAddress& peer) {
                const auto here = [&](const auto& subnet) { return subnet.prefix.address == peer; };
                return m.source ? peer == *m.source : std::ranges::any_of(subnets, here) && !is_virtual(peer);
            };
            for (std::size_t n = 0; n < std::min(m.unicast_peers.size(), instance.peer_marks.size()); ++n) {
                const IpAddress& peer = m.unicast_peers[n].address;
                if (!is_own(peer)) continue;
                auto& d =
                    r_.diag.advise(Code::OwnPeer, instance.peer_marks[n],
                                   fmt::format("({}) unicast_peer names its own address {}", m.name, peer.to_string()));
                d.effect = "it sends each advert to itself, too";
                d.fix = "delete this line";
            }
        }
    }

    [[nodiscard]] bool is_virtual(const IpAddress& address) const {
        return std::ranges::any_of(r_.instances, [&](const InstanceDraft& instance) {
            return std::ranges::any_of(all_addresses(instance.model),
                                       [&](const VirtualAddress& own) { return own.prefix.address == address; });
        });
    }

    // Of two instances on one interface, unless they change together.
    void shared_addresses() {
        struct Line {
            IpAddress address;
            std::string_view device;
            const InstanceDraft* instance;
            Mark mark;
        };
        std::vector<Line> lines;
        const auto add = [&](const InstanceDraft& instance, const auto& addresses, const auto& marks) {
            for (std::size_t n = 0; n < std::min(addresses.size(), marks.size()); ++n)
                if (!instance.model.vmac->enabled || !addresses[n].dev.empty())  // a VMAC is its instance's alone
                    lines.push_back({addresses[n].prefix.address, device_of(addresses[n], instance.model), &instance,
                                     marks[n].address});
        };
        for (const InstanceDraft& instance : r_.instances) {
            add(instance, instance.model.addresses, instance.address_marks);
            add(instance, instance.model.excluded_addresses, instance.excluded_marks);
        }
        const auto key = [](const Line& line) { return std::pair{line.address, line.device}; };
        std::ranges::stable_sort(lines, {}, key);
        for (std::size_t n = 1; n < lines.size(); ++n) {
            const Line &first = lines[n - 1], &second = lines[n];
            const Instance &a = first.instance->model, &b = second.instance->model;
            if (key(first) != key(second) || first.instance == second.instance || change_together(a.name, b.name) ||
                (a.virtual_router_id == b.virtual_router_id && a.interface == b.interface))  // which is said already
                continue;
            auto& d = r_.diag.advise(
                Code::DuplicateAddress, second.mark,
                fmt::format("({}) {} is an address of {}, too", b.name, second.address.to_string(), a.name));
            d.effect = "it is removed when either is no longer MASTER, also while the other one is";
            d.fix = "leave it to one of them";
        }
    }

    [[nodiscard]] bool change_together(const std::string& a, const std::string& b) const {
        return std::ranges::any_of(r_.groups, [&](const GroupDraft& group) {
            const auto has = [&](const std::string& name) {
                return std::ranges::find(group.members, name, [](const auto& m) -> const auto& { return m.first; }) !=
                       group.members.end();
            };
            return has(a) && has(b);
        });
    }

    void named_in_lines() {
        std::set<std::string_view> groups;
        for (const Section& section : r_.more->sections)
            if (section.keyword == keyword::track_group && section.names.size() == 1)
                groups.insert(section.names.front());
        for (const auto& named : r_.named_in_lines) {
            if (named.row->name == "vrf")
                vrf(named);
            else if (!groups.contains(named.name))
                unknown_track_group(named);
        }
    }

    // keepalived says nothing of one that a rule names.
    void unknown_track_group(const ParseContext::NamedWord& named) {
        auto& d = r_.diag.add(Severity::Warning, named.row->blocks.has(Block::StaticRules) ? Rank::None : Rank::Config,
                              Code::UnknownGroup, named.mark, fmt::format("there is no track_group {}", named.name));
        d.effect = "the line is set, and follows no instance";
    }

    void vrf(const ParseContext::NamedWord& named) {
        if (r_.environment.interface_exists(named.name)) return;
        auto& d = r_.diag.error(Code::InterfaceMissing, named.mark, fmt::format("there is no VRF {}", named.name));
        d.effect = "the route is not set";
    }

    // Each process would take the other's table for a changed one of its own.
    void tables() {
        constexpr std::string_view kVrrp = "keepalived", kIpvs = "keepalived_ipvs";  // without a name
        const auto& values = r_.global.more->values;
        if (!is_given(values, keyword::nftables_ipvs)) return;
        const auto name_in = [&](const auto& word, std::string_view otherwise) {
            const std::string* name = find_word(values, word);
            return name != nullptr ? *name : std::string{otherwise};
        };
        const std::string name = name_in(keyword::nftables, kVrrp);
        if (name != name_in(keyword::nftables_ipvs, kIpvs)) return;
        auto& d = r_.diag.advise(Code::DuplicateName, r_.nftables_ipvs,
                                 fmt::format("nftables_ipvs and nftables have one table, {}", name));
        const bool keeps_ipvs = name == kIpvs;
        d.effect =
            fmt::format("the table of {} is {}", keeps_ipvs ? "nftables" : "nftables_ipvs", keeps_ipvs ? kVrrp : kIpvs);
        d.fix = "give each a name of its own";
        set_value(r_.global.more.edit().values,
                  keeps_ipvs ? KeywordName{keyword::nftables} : KeywordName{keyword::nftables_ipvs}, WordList{});
    }

    void server_groups() {
        std::set<std::string_view> used, known;
        for (const auto& [name, mark] : r_.server_groups) known.insert(name);
        for (const ServiceDraft& service : r_.services) {
            const std::string& group = service.model.group;
            if (group.empty()) continue;
            used.insert(group);
            if (known.contains(group)) continue;
            auto& d = r_.diag.advise(Code::UnknownGroup, service.mark,
                                     fmt::format("there is no virtual_server_group {}", group));
            d.effect = "the virtual server is left out";
            const std::vector<std::string_view> names{known.begin(), known.end()};
            if (const auto near = nearest(group, names); !near.empty()) d.fix = fmt::format("did you mean `{}`?", near);
        }
        for (const auto& [name, mark] : r_.server_groups)
            if (!used.contains(name))
                r_.diag.note(Code::GroupUnused, mark, fmt::format("no virtual server uses the group {}", name));
    }

    ParseContext& r_;
    std::map<IpAddress, std::string> owners_, peers_;
};

}  // namespace

void check_across(ParseContext& reading) { Across{reading}.run(); }

}  // namespace mainstay::config
