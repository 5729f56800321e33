// Converts the drafts of instances to the model, with the checks that need a whole block or several blocks.
#include <algorithm>
#include <map>
#include <set>

#include "config/schema/parse_context.hpp"
#include "mainstay/config/keywords.hpp"
#include "validate.hpp"

namespace mainstay::config {
namespace {

constexpr std::uint8_t kDefaultPriority = 100;
constexpr std::uint32_t kStrictDownAdverts = 3;
constexpr std::int64_t kSecond = 1'000'000, kCentisecond = 10'000, kMostV3Interval = 40'950'000;

class InstanceCheck {
public:
    InstanceCheck(ParseContext& r, MissingInterfaces& missing, InstanceDraft& draft)
        : r_{r}, missing_{missing}, i_{draft}, m_{draft.model} {}

    Instance run() {
        resolve_state();
        resolve_family();
        resolve_version();
        check_required();
        check_interfaces();
        check_devices();
        check_addresses();
        check_unicast();
        check_unused();
        resolve_authentication(r_, i_);
        limit_addresses(r_, i_);
        resolve_interval();
        resolve_strict();  // before preemption: it may take the state MASTER back
        resolve_preemption();
        resolve_defaults();
        resolve_trackers();
        return std::move(m_);
    }

private:
    std::string text(std::string_view rest) const { return fmt::format("({}) {}", m_.name, rest); }

    [[nodiscard]] std::size_t index() const { return i_.index; }
    // What was said of a line of this instance that meant `keyword`; null when nothing was.
    Diagnostic* reported_of(std::string_view keyword) { return r_.reported_of(Block::Instance, index(), keyword); }
    // True when the missing keyword was reported already: that message is now the one of what cannot run.
    bool fatal_already(std::string_view keyword) {
        Diagnostic* d = reported_of(keyword);
        if (d == nullptr) return false;
        d->severity = Severity::Fatal;
        d->effect = fmt::format("this configuration cannot run without {}", keyword);
        return true;
    }

    void resolve_state() {
        m_.strict = i_.strict.value_or(r_.global.vrrp_strict);
        // keepalived: MASTER without a priority means address owner, but not with a priority that is refused.
        Diagnostic* const complaint = reported_of("priority");
        const bool refused = complaint != nullptr;
        if (refused && i_.priority && complaint->effect.starts_with("the keyword is ignored"))
            complaint->effect = fmt::format("the keyword is ignored: priority {} is used", *i_.priority);
        m_.priority = i_.priority.value_or(m_.initial_master && !refused ? kOwnerPriority : kDefaultPriority);
        if (i_.state.length == 0 && m_.priority == kOwnerPriority) m_.initial_master = true;
        if (m_.initial_master && m_.auth_type == AuthType::Ah && m_.priority != kOwnerPriority) {
            r_.diag
                .warn(Code::AuthenticationUnused, i_.state,
                      text("state MASTER cannot be combined with AH authentication"))
                .effect = "BACKUP is used";
            m_.initial_master = false;
        }
    }

    void resolve_family() {
        const bool source_first =
            m_.source && (i_.address_marks.empty() || i_.source.offset < i_.address_marks.front().address.offset);
        if (i_.native_ipv6)
            m_.family = Family::V6;
        else if (source_first)
            m_.family = m_.source->family();
        else if (!m_.addresses.empty())
            m_.family = m_.addresses.front().prefix.address.family();
        if (m_.source && m_.source->family() != m_.family) {
            r_.diag
                .error(Code::FamilyMismatch, i_.source,
                       text("the source address is not of the family of the virtual addresses"))
                .effect = "it is ignored";
            m_.source.reset();
        }
        if (m_.multicast_group && m_.multicast_group->family() != m_.family) {
            r_.diag
                .error(Code::FamilyMismatch, i_.multicast_group,
                       text(fmt::format("mcast_dst_ip {} is not of the family of the instance",
                                        m_.multicast_group->to_string())))
                .effect = "it is ignored";
            m_.multicast_group.reset();
        }
    }

    void resolve_version() {
        m_.version = m_.family == Family::V6 ? 3 : r_.global.vrrp_version;
        if (!i_.version_given || i_.native_ipv6) return;
        m_.version = *i_.version_given;
        if (m_.version == 2 && m_.family == Family::V6 && m_.strict) {
            r_.diag.warn(Code::StrictMode, i_.version, text("IPv6 needs version 3 in strict mode")).effect =
                "version 3 is used";
            m_.version = 3;
        }
    }

    void check_required() {
        if (m_.virtual_router_id == 0 && !fatal_already("virtual_router_id")) {
            auto& d = r_.diag.fatal(Code::NoVirtualRouterId, i_.name, text("virtual_router_id is missing"));
            d.expected = "virtual_router_id 1 to 255, the same on all routers of the pair";
            d.effect = "this configuration cannot run";
        }
        if (m_.interface == "lo") {
            auto& d =
                r_.diag.fatal(Code::LoopbackInterface, i_.interface, text("VRRP cannot run on the loopback interface"));
            d.expected = "the interface towards the other router";
            d.effect = "this configuration cannot run";
        } else if (m_.interface.empty() && !(i_.source_is_unicast && !m_.unicast_peers.empty()) &&
                   !fatal_already("interface")) {
            // An empty one was told; that is the mistake.
            const auto told = std::ranges::find_if(r_.diag.entries(), [&](const Diagnoser::Entry& entry) {
                return entry.diagnostic.code == static_cast<std::uint16_t>(Code::EmptyValue) &&
                       i_.interface.length != 0 && entry.mark.offset == i_.interface.offset;
            });
            const bool is_empty = told != r_.diag.entries().end();
            if (is_empty) told->dropped = true;
            // keepalived: an interface without a name is one that is not there.
            auto& d = r_.diag.add(Severity::Fatal, is_empty ? Rank::MissingInterface : Rank::Config, Code::NoInterface,
                                  is_empty ? i_.interface : i_.name, text("interface is missing"));
            d.expected = "interface NAME, or unicast_src_ip with unicast_peer";
            d.effect = "this configuration cannot run";
        }
    }

    void check_devices() {
        if (const std::string* vrf = find_word(m_.more->values, keyword::vrf)) {
            if (!m_.interface.empty()) {
                r_.diag.error(Code::VrfIgnored, i_.name, text("vrf is for an instance without an interface")).effect =
                    "it is ignored";
            } else {
                missing_.used(m_.name, *vrf, i_.name, Use::Needed);
                m_.track_interfaces.push_back({*vrf, 0, false});  // without it there is no network to be master in
            }
        }
        const Section* ipvlan = find_section(m_.more->sections, keyword::use_ipvlan);
        if (ipvlan != nullptr && m_.vmac->enabled) {
            r_.diag.advise(Code::VersionConflict, i_.vmac, text("use_vmac beside use_ipvlan")).effect =
                "use_ipvlan is used, as keepalived does";
            m_.vmac.edit().enabled = false;
        }
        if (ipvlan != nullptr) check_ipvlan(r_, i_);
    }

    using Use = MissingInterfaces::Use;
    void check_interfaces() {
        if (m_.interface != "lo") missing_.used(m_.name, m_.interface, i_.interface, Use::Needed);
        if (m_.unicast_peers.empty() && r_.environment.multicasts && !m_.interface.empty() && m_.interface != "lo" &&
            !r_.environment.multicasts(m_.interface)) {
            auto& d = r_.diag.add(Severity::Warning, Rank::Config, Code::InterfaceMissing, i_.interface,
                                  text(fmt::format("{} does not support multicast", m_.interface)));
            d.effect = "the instance stays in FAULT until it does";
            d.fix = fmt::format("`ip link set {} multicast on`, or write unicast_peer", m_.interface);
        }
        for (std::size_t n = 0; n < m_.addresses.size(); ++n) check_device(m_.addresses[n], i_.address_marks[n]);
        for (std::size_t n = 0; n < m_.excluded_addresses.size(); ++n)
            check_device(m_.excluded_addresses[n], i_.excluded_marks[n]);
        for (const TrackerDraft& t : i_.track_interfaces) {
            if (t.name == m_.interface) {
                r_.diag
                    .add(Severity::Note, Rank::Config, Code::OwnInterfaceTracked, t.mark,
                         text(fmt::format("{} is its own interface, which is always tracked", t.name)))
                    .effect = "the line is ignored";
                continue;
            }
            missing_.used(m_.name, t.name, t.mark, Use::Tracked);
            if (const int weight = t.weight.value_or(0); weight != 0 && m_.priority == kOwnerPriority)
                owner_tracker(t);
            else
                m_.track_interfaces.push_back({t.name, weight, t.reverse.value_or(false)});
        }
    }

    void check_device(const VirtualAddress& address, const AddressMarks& marks) {
        const auto use = address.no_track ? Use::Named : Use::Needed;
        missing_.used(m_.name, address.dev, marks.device, use);
        const bool is_own = address.dev.empty() || address.dev == m_.interface;
        const bool has_one = is_own ? m_.vmac->enabled : flag(m_.more->values, keyword::use_vmac_addr);
        if (!has_one || !flag(address.more->values, keyword::use_vmac)) return;
        r_.diag
            .warn(Code::GivenTwice, marks.address,
                  text(fmt::format("{} has use_vmac, and so has the instance", address.prefix.to_string())))
            .effect = "the word changes nothing";
    }

    void owner_tracker(const TrackerDraft& t) {
        r_.diag
            .error(Code::TrackerWeight, t.mark,
                   text(fmt::format(
                       "the priority of an address owner (255) is never changed, so {} cannot have a weight", t.name)))
            .effect = "the tracker is ignored";
    }

    // What the family of the instance comes from.
    [[nodiscard]] std::string_view wanted_family() const {
        if (i_.native_ipv6) return "IPv6, as native_ipv6 asks for";
        return m_.source && i_.source.offset < i_.address_marks.front().address.offset
                   ? "of the family of the source address"
                   : "of the family of the addresses above";
    }

    void check_addresses() {
        std::set<std::pair<IpAddress, std::string>> seen;
        std::size_t good = 0;
        std::size_t refused = Diagnoser::kNowhere;
        for (std::size_t n = 0; n < m_.addresses.size(); ++n) {
            VirtualAddress& address = m_.addresses[n];
            if (address.prefix.address.family() != m_.family) {
                auto& d = r_.diag.error(Code::FamilyMismatch, i_.address_marks[n].address,
                                        text(fmt::format("{} is not {}", address.prefix.to_string(), wanted_family())));
                d.effect = "the address is ignored";
                d.fix = "move it to virtual_ipaddress_excluded or to another instance";
                refused = r_.diag.last();
            } else if (!seen.emplace(address.prefix.address, address.dev).second) {
                r_.diag
                    .warn(Code::DuplicateAddress, i_.address_marks[n].address,
                          text(fmt::format("{} is in the list already", address.prefix.to_string())))
                    .effect = "the line is ignored";
            } else {
                if (good != n) m_.addresses[good] = std::move(address);
                ++good;
            }
        }
        m_.addresses.erase(m_.addresses.begin() + static_cast<std::ptrdiff_t>(good), m_.addresses.end());
        if (!m_.addresses.empty() || i_.no_virtual_ipaddress) return;
        const bool fatal = m_.version == 3 || m_.strict;
        r_.attempted({Block::Instance, index(), "virtual_ipaddress", refused});
        // A slip in the block's name is one thing, an instance without addresses another: both are said.
        const Diagnostic* reported = reported_of("virtual_ipaddress");
        const bool misspelt = reported != nullptr && reported->code == static_cast<std::uint16_t>(Code::UnknownBlock);
        if (!misspelt && (fatal ? fatal_already("virtual_ipaddress") : reported != nullptr)) return;
        auto& d = fatal ? r_.diag.fatal(Code::NoVirtualAddress, i_.name, text("there is no virtual address"))
                        : r_.diag.warn(Code::NoVirtualAddress, i_.name, text("there is no virtual address"));
        d.expected = "virtual_ipaddress { ADDRESS }";
        d.effect = fatal ? "this configuration cannot run" : "adverts without addresses are sent";
    }

    // keepalived (2.2.7) says so, and does without them.
    void check_unused() {
        const auto warn = [&](std::string_view rest, std::string_view fix) {
            auto& d = r_.diag.warn(Code::VersionConflict, i_.name, text(rest));
            d.effect = "it is ignored";
            d.fix = fix;
        };
        if (i_.vmac_xmit_base && !m_.vmac->enabled)
            warn("vmac_xmit_base is for instances with use_vmac only", "add use_vmac, or delete it");
        if (m_.vmac->enabled && flag(m_.more->values, keyword::promote_secondaries))
            warn("promote_secondaries is always on for the interface of use_vmac", "delete it");
        if (m_.unicast_peers.empty() && is_given(m_.more->values, keyword::unicast_ttl))
            warn("unicast_ttl is for unicast only", "list the other routers in unicast_peer, or delete it");
        if (!m_.unicast_peers.empty() && m_.multicast_group) {
            warn("mcast_dst_ip is for multicast only", "delete it");
            m_.multicast_group.reset();
        }
    }

    void check_unicast() {
        if (m_.vmac->enabled && i_.unicast_keyword && !i_.vmac_xmit_base)
            r_.diag.warn(Code::VersionConflict, i_.unicast, text("unicast with use_vmac needs vmac_xmit_base")).effect =
                "it is set";
        const auto given = m_.unicast_peers.size();
        m_.unicast_peers.erase_if([&](const UnicastPeer& peer) {
            if (peer.address.family() == m_.family) return false;
            r_.diag
                .error(Code::FamilyMismatch, i_.unicast,
                       text(fmt::format("peer {} is not of the family of the instance", peer.address.to_string())))
                .effect = "the peer is ignored";
            return true;
        });
        const bool wrong_family = m_.unicast_peers.size() != given;
        // keepalived: a range of TTL for any peer, whatever it is, has the sources checked.
        if (i_.ttl_given && !flag(m_.more->values, keyword::check_unicast_src))
            m_.more.edit().values.push_back({std::string{keyword::check_unicast_src.text}, true});
        if (!m_.unicast_peers.empty() && m_.strict) {
            r_.diag.fatal(Code::StrictMode, i_.unicast, text("strict mode does not allow unicast")).effect =
                "this configuration cannot run";
        }
        if (!i_.unicast_keyword || !m_.unicast_peers.empty()) return;
        if (wrong_family && r_.diag.last() < r_.diag.entries().size()) {
            r_.diag.entries()[r_.diag.last()].diagnostic.effect = without_peer();
            return;
        }
        if (Diagnostic* refused = reported_of("unicast_peer"); refused != nullptr) {
            refused->effect = without_peer();
            return;
        }
        auto& d = r_.diag.warn(Code::UnicastWithoutPeers, i_.unicast,
                               text("a unicast keyword is given, but there is no peer"));
        d.effect = without_peers();
        d.fix = "list the other routers in unicast_peer, or use mcast_src_ip for the source address";
    }

    [[nodiscard]] std::string without_peers() const {
        return flag(m_.more->values, keyword::unicast_fault_no_peer) ? "the instance is in FAULT" : "multicast is used";
    }
    [[nodiscard]] std::string without_peer() const {
        return fmt::format("the peer is ignored; without any, {}", without_peers());
    }

    void resolve_interval() {
        const std::int64_t given = m_.advert_int.count();
        std::int64_t us = given;
        if (m_.version == 2) {
            us = std::clamp<std::int64_t>((us + kSecond / 2) / kSecond, 1, 255) * kSecond;
        } else {
            us = std::min((us + kCentisecond / 2) / kCentisecond * kCentisecond, kMostV3Interval);
            us = std::max(us, kCentisecond);
        }
        m_.advert_int = Micros{us};
        if (us == given) return;
        auto& d = r_.diag.warn(
            Code::IntervalRounded, i_.advert_int,
            text(fmt::format("VRRP version {} {}, got {} s", m_.version,
                             m_.version == 2
                                 ? "counts the advertisement interval in whole seconds"
                                 : "counts the advertisement interval in hundredths of a second, up to 40.95 s",
                             format_micros(given))));
        d.effect = fmt::format("{} s is used", format_micros(us));
        if (m_.version == 2) d.fix = "`version 3` on all routers allows shorter intervals";
    }

    void resolve_preemption() {
        using Why = std::pair<std::string_view, std::string_view>;  // and the fix
        const Why state{"with state MASTER", "use state BACKUP on all routers and let the priority decide"};
        const auto clear = [&](Mark mark, std::string_view keyword, const Why& why) {
            auto& d =
                r_.diag.warn(Code::PreemptIgnored, mark, text(fmt::format("{} has no effect {}", keyword, why.first)));
            d.effect = fmt::format("{} is ignored", keyword);
            d.fix = why.second;
        };
        if (m_.nopreempt && (m_.initial_master || m_.priority == kOwnerPriority)) {
            const Why owner{"on an address owner", "delete it, or give this router a priority below 255"};
            clear(i_.nopreempt, "nopreempt", m_.priority == kOwnerPriority ? owner : state);
            m_.nopreempt = false;
        }
        if (m_.preempt_delay.count() == 0) return;
        if (!m_.strict && !m_.initial_master && !m_.nopreempt) return;
        const Why strict{"in strict mode", "delete it, or leave strict mode (vrrp_strict, strict_mode)"};
        const Why both{"with nopreempt", "delete one of the two"};
        clear(i_.preempt_delay, "preempt_delay", m_.strict ? strict : m_.initial_master ? state : both);
        m_.preempt_delay = Micros{0};
    }

    void resolve_strict() {
        if (!m_.strict) return;
        if (m_.initial_master != (m_.priority == kOwnerPriority) && i_.state.length != 0) {
            auto& d = r_.diag.warn(Code::StrictMode, i_.state,
                                   text("in strict mode only an address owner (priority 255) has state MASTER"));
            d.effect = m_.priority == kOwnerPriority ? "MASTER is used" : "BACKUP is used";
            m_.initial_master = m_.priority == kOwnerPriority;
        }
        if (i_.no_virtual_ipaddress)
            r_.diag.fatal(Code::StrictMode, i_.name, text("strict mode does not allow no_virtual_ipaddress")).effect =
                "this configuration cannot run";
        const auto against = [&](Mark mark, std::string_view what, std::string_view effect) {
            r_.diag.warn(Code::StrictMode, mark, text(fmt::format("strict mode does not allow {}", what))).effect =
                effect;
        };
        if (!m_.vmac->mac.empty()) {
            against(i_.vmac, "a MAC address of its own", "the RFC's is used");
            m_.vmac.edit().mac.clear();
        }
        if (m_.vmac->enabled && i_.vmac_xmit_base) against(i_.vmac, "vmac_xmit_base", "it is ignored");
        if (m_.family == Family::V6 && !m_.addresses.empty() && !m_.addresses.front().prefix.address.is_link_local_v6())
            against(i_.addresses, "a first address that is not link-local", "other routers may refuse the adverts");
        if (m_.version == 2 && m_.priority != kOwnerPriority && flag(m_.more->values, keyword::accept))
            against(i_.name, "accept with version 2", "packets to the addresses are dropped");
    }

    void resolve_defaults() {
        const Global& g = r_.global;
        m_.garp_master_delay = i_.timing->garp_master_delay.value_or(g.vrrp_garp_master_delay);
        m_.garp_master_repeat = i_.timing->garp_master_repeat.value_or(g.vrrp_garp_master_repeat);
        m_.garp_master_refresh = i_.timing->garp_master_refresh.value_or(g.vrrp_garp_master_refresh);
        m_.garp_master_refresh_repeat =
            i_.timing->garp_master_refresh_repeat.value_or(g.vrrp_garp_master_refresh_repeat);
        m_.garp_lower_prio_delay =
            i_.timing->garp_lower_prio_delay.value_or(g.vrrp_garp_lower_prio_delay.value_or(g.vrrp_garp_master_delay));
        m_.garp_lower_prio_repeat = i_.timing->garp_lower_prio_repeat.value_or(
            g.vrrp_garp_lower_prio_repeat.value_or(g.vrrp_garp_master_repeat));
        m_.skip_check_adv_addr = i_.skip_check_adv_addr.value_or(g.vrrp_skip_check_adv_addr);
        m_.lower_prio_no_advert = i_.lower_prio_no_advert.value_or(g.vrrp_lower_prio_no_advert);
        // Unlike keepalived: without it, hosts with the ARP entry of the former master do not find the master after a
        // healed partition.
        m_.higher_prio_send_advert = i_.higher_prio_send_advert.value_or(
            value_of(g.more->values, keyword::vrrp_higher_prio_send_advert).value_or(true));
        m_.down_timer_adverts = i_.timing->down_timer_adverts.value_or(g.vrrp_down_timer_adverts);
        if (m_.strict) force_strict();
        m_.smtp_alert = i_.smtp_alert.value_or(g.smtp_alert_vrrp.value_or(g.smtp_alert.value_or(false)));
        if (!m_.multicast_group)
            m_.multicast_group = m_.family == Family::V6 ? g.vrrp_mcast_group6 : g.vrrp_mcast_group4;
    }

    // Settings that the RFCs fix, whatever is configured.
    void force_strict() {
        const auto forced = [&](const auto& given, auto& value, auto wanted, std::string_view keyword) {
            if (given && *given != wanted)
                r_.diag
                    .warn(Code::StrictMode, i_.name,
                          text(fmt::format("{} cannot be combined with strict mode", keyword)))
                    .effect = fmt::format("{} is used", describe(wanted));
            value = wanted;
        };
        forced(i_.timing->garp_lower_prio_delay, m_.garp_lower_prio_delay, Micros{0}, "garp_lower_prio_delay");
        forced(i_.timing->garp_lower_prio_repeat, m_.garp_lower_prio_repeat, 0U, "garp_lower_prio_repeat");
        forced(i_.lower_prio_no_advert, m_.lower_prio_no_advert, true, "lower_prio_no_advert");
        forced(i_.higher_prio_send_advert, m_.higher_prio_send_advert, false, "higher_prio_send_advert");
        forced(i_.timing->down_timer_adverts, m_.down_timer_adverts, kStrictDownAdverts, "down_timer_adverts");
    }
    static std::string describe(Micros value) { return format_micros(value.count()); }
    static std::string describe(bool value) { return value ? "on" : "off"; }
    static std::string describe(std::uint32_t value) { return std::to_string(value); }

    void resolve_trackers() {
        for (const TrackerDraft& t : i_.track_scripts) {
            ScriptDraft& script = r_.scripts[r_.script_names.at(t.name)];
            script.used = true;
            if (script.removed) continue;
            const int weight = t.weight.value_or(script.model.weight);
            if (weight != 0 && m_.priority == kOwnerPriority)
                owner_tracker(t);
            else
                m_.track_scripts.push_back({t.name, weight, t.reverse.value_or(script.model.reverse)});
        }
    }

    ParseContext& r_;
    MissingInterfaces& missing_;
    InstanceDraft& i_;
    Instance& m_;
};

// vrrp_min_garp: whatever still has its default becomes one message, without repetition (2.4.3). What is done for a
// lower priority follows the master's values, also where they are given (2.2.7).
void apply_min_garp(Global& g) {
    if (!flag(g.more->values, keyword::vrrp_min_garp)) return;
    const Global usual;
    if (g.vrrp_garp_master_delay == usual.vrrp_garp_master_delay) g.vrrp_garp_master_delay = Micros{0};
    if (g.vrrp_garp_master_repeat == usual.vrrp_garp_master_repeat) g.vrrp_garp_master_repeat = 1;
}

}  // namespace

void check_vrrp(ParseContext& r, Config& config) {
    apply_min_garp(r.global);
    config.instances.reserve(r.instances.size());
    MissingInterfaces missing{r};
    for (InstanceDraft& draft : r.instances) {
        config.instances.push_back(InstanceCheck{r, missing, draft}.run());
        r.instance_models.taken(draft.index);
    }
    check_virtual_router_ids(r, config);
    check_vmac_names(r, config);
    check_groups(r, missing, config);
    missing.report();
}

}  // namespace mainstay::config
