// Setters of lines that were read by their rows: trackers, peers, routes and rules, use_vmac.
#include <algorithm>
#include <utility>

#include "mainstay/config/keywords.hpp"
#include "setters.hpp"
#include "value_store.hpp"

namespace mainstay::config {
namespace {

constexpr std::int64_t kMostTrackWeight = 253;
constexpr std::size_t kMostBfdName = 31;

bool has(const Section& line, const KeywordName& word) { return find_value(line.values, word) != nullptr; }

TrackerDraft tracker_of(ParseContext& r, const Value& v) {
    TrackerDraft tracker{.name = std::string{v.word}, .mark = v.mark};
    if (const auto weight = value_of(v.section->values, keyword::weight)) {
        tracker.weight = static_cast<int>(std::clamp(*weight, -kMostTrackWeight, kMostTrackWeight));
        if (*tracker.weight != *weight) {
            auto& d = r.diag.error(Code::OutOfRange, v.mark,
                                   fmt::format("the weight of {} is from -253 to 253, got {}", v.word, *weight));
            d.effect = fmt::format("{} is used, as keepalived does", *tracker.weight);
        }
    }
    tracker.reverse = reverse_of(v.section->values);
    return tracker;
}

Diagnostic& line_error(ParseContext& r, const Value& v, Code code, std::string message) {
    r.line_refused = true;
    auto& d = r.diag.error(code, v.mark, std::move(message));
    d.effect = "the line is ignored";
    return d;
}

const std::string& tracking_owner(const ParseContext& r) {
    return r.instance != nullptr ? r.instance->model.name : r.group->model.name;
}

// True, and said, when the instance or group tracks it already: keepalived goes on with the first.
bool tracked_before(ParseContext& r, const Value& v) {
    auto& tracked = r.instance != nullptr ? r.instance->tracked : r.group->tracked;
    const TrackedName name{v.row.name, std::string{v.word}, v.mark};
    if (std::ranges::none_of(tracked, [&](const TrackedName& one) { return one.is_same(name); })) {
        tracked.push_back(name);
        return false;
    }
    line_error(r, v, Code::GivenTwice,
               fmt::format("({}) {} {} was given before", tracking_owner(r), v.row.name, v.word))
        .effect = "the first one is kept";
    return true;
}

// The keyword that defines what this one tracks.
std::string_view definer_of(std::string_view tracker) {
    if (tracker == "track_process") return "vrrp_track_process";
    return tracker == "track_bfd" ? "bfd_instance" : tracker;
}

bool use_tracked(ParseContext& r, std::string_view keyword, std::string_view name) {
    bool found = false;
    for (auto& tracked : r.tracked)
        if (tracked.keyword == keyword && tracked.name == name) found = tracked.used = true;
    return found;
}

bool is_for_vrrp(const ParseContext& r, std::string_view keyword, std::string_view name) {
    return std::ranges::any_of(r.tracked, [&](const auto& tracked) {
        return tracked.keyword == keyword && tracked.name == name && tracked.for_vrrp;
    });
}

}  // namespace

void add_tracked_interface(ParseContext& r, const Value& v) {
    // keepalived: of an interface the word turns the weight on its line, and without one it costs the line.
    const auto reverse = reverse_of(v.section->values);
    if (reverse && !has(*v.section, keyword::weight)) {
        const std::string_view word = *reverse ? "reverse" : "noreverse";
        auto& d =
            line_error(r, v, Code::MissingWord,
                       fmt::format("({}) {} of track_interface {} needs a weight", tracking_owner(r), word, v.word));
        d.effect = "the line is ignored: the interface is not tracked";
        d.fix = fmt::format("write `{0} weight NUMBER{1}`, or `{0}` alone: FAULT while it is down", v.word,
                            *reverse ? " reverse" : "");
        return;
    }
    if (tracked_before(r, v)) return;
    auto& list = r.instance != nullptr ? r.instance->track_interfaces : r.group->track_interfaces;
    list.push_back(tracker_of(r, v));
}

void add_tracked_script(ParseContext& r, const Value& v) {
    if (tracked_before(r, v)) return;
    auto& list = r.instance != nullptr ? r.instance->track_scripts : r.group->track_scripts;
    const std::string& owner = tracking_owner(r);
    TrackerDraft tracker = tracker_of(r, v);
    // keepalived: a script must be defined before it is used.
    if (r.script_names.contains(tracker.name)) {
        list.push_back(std::move(tracker));
        return;
    }
    auto& d = line_error(r, v, Code::ScriptUndefined,
                         fmt::format("({}) there is no vrrp_script {} above this line", owner, v.word));
    d.effect = "the tracker is ignored";
    if (r.undefined_scripts.empty() || r.undefined_scripts.back().second != r.diag.last())
        r.undefined_scripts.emplace_back(v.word, r.diag.last());
    std::vector<std::string_view> names;
    for (const ScriptDraft& s : r.scripts) names.push_back(s.model.name);
    if (const auto near = nearest(v.word, names); !near.empty())
        d.fix = fmt::format("did you mean `{}`?", near);
    else
        d.fix = "define the vrrp_script before the vrrp_instance";
}

// keepalived ignores the block; what tracks the session does not find it.
void begin_bfd(ParseContext& r, const Value& v) {
    if (v.word.size() > kMostBfdName) {
        auto& d = r.diag.error(
            Code::TooLong, v.mark,
            fmt::format("the name of a bfd_instance has at most {} characters, got {}", kMostBfdName, v.word.size()));
        d.effect = "the whole block is ignored";
        d.fix = "give it a shorter name, also where it is tracked";
        r.skip_block = true;
        return;
    }
    const bool known = std::ranges::any_of(
        r.tracked, [&](const auto& other) { return other.keyword == v.row.name && other.name == v.word; });
    if (known) return refuse_known_name(r, v);
    begin_tracked(r, v);
}

void begin_tracked(ParseContext& r, const Value& v) {
    const std::string_view keyword = v.row.deprecated.empty() ? v.row.name : v.row.deprecated;
    auto& tracked = r.tracked.emplace_back(ParseContext::Tracked{keyword, std::string{v.word}, v.mark});
    for (const auto& [wanted, name, entry, mark] : r.tracked_too_early) {
        if (wanted != keyword || name != v.word) continue;
        tracked.used = true;
        if (entry < r.diag.entries().size())
            r.diag.entries()[entry].diagnostic.fix =
                fmt::format("move the {} ({}) above it", v.row.name, r.where(v.mark));
    }
}

void check_tracker(ParseContext& r, const Value& v) {
    if (tracked_before(r, v)) return;
    const std::string_view keyword = definer_of(v.row.name);
    const std::string& owner = tracking_owner(r);
    if (use_tracked(r, keyword, v.word)) {
        if (is_for_vrrp(r, keyword, v.word)) return;
        auto& d = line_error(r, v, Code::TrackerUndefined,
                             fmt::format("({}) {} {} reports to checkers alone", owner, keyword, v.word));
        d.effect = "the tracker is ignored";
        d.fix = fmt::format("add `vrrp` to the {}", keyword);
        return;
    }
    auto& d = line_error(r, v, Code::TrackerUndefined,
                         fmt::format("({}) there is no {} {} above this line", owner, keyword, v.word));
    d.effect = "the tracker is ignored";
    std::vector<std::string_view> names;
    for (const auto& t : r.tracked)
        if (t.keyword == keyword) names.push_back(t.name);
    if (const auto near = nearest(v.word, names); !near.empty()) {
        d.fix = fmt::format("did you mean `{}`?", near);
        (void)use_tracked(r, keyword, near);  // what a slip means is not unused
    } else {
        d.fix = fmt::format("define the {} before it is tracked", keyword);
    }
    r.tracked_too_early.push_back({keyword, std::string{v.word}, r.diag.last()});
}

// A port alone is none, nor is one before the address; a mark has no port, and an address no mark.
void check_group_line(ParseContext& r, const Value& v) {
    if (v.word == "fwmark") {
        if (!has(*v.section, keyword::port) && !has(*v.section, keyword::address)) return;
        line_error(r, v, Code::UnknownWord, fmt::format("'{}' is no family of a fwmark", v.arg(2))).expected =
            "fwmark <mark> [inet|inet6]";
        return;
    }
    if (has(*v.section, keyword::fwmark)) {
        line_error(r, v, Code::NotANumber, "port needs a number, got 'fwmark'");
        return;
    }
    if (has(*v.section, keyword::address) && v.word.find_first_of(".:") != std::string_view::npos) return;
    r.diag.take_back_at(v.mark);  // of a number in it
    line_error(r, v, Code::NotAnAddress, fmt::format("'{}' is not an IP address", v.word));
}

void check_followed(ParseContext& r, const Value& v) {
    const std::string_view keyword = v.row.name == "track_file" ? "track_file" : "bfd_instance";
    // A checker may come first; to whom a bfd_instance reports is known at its end.
    if (!use_tracked(r, keyword, v.word) || keyword == "bfd_instance")
        r.tracked_too_early.push_back({keyword, std::string{v.word}, Diagnoser::kNowhere, v.mark});
}

void add_unicast_peer(ParseContext& r, const Value& v) {
    const auto address = value_of(v.section->values, keyword::peer);
    if (!address) return;
    UnicastPeer peer{.address = *address};
    if (const auto ttl = value_of(v.section->values, keyword::min_ttl)) peer.min_ttl = static_cast<std::uint8_t>(*ttl);
    if (const auto ttl = value_of(v.section->values, keyword::max_ttl)) peer.max_ttl = static_cast<std::uint8_t>(*ttl);
    r.instance->ttl_given = r.instance->ttl_given || is_given(v.section->values, keyword::min_ttl) ||
                            is_given(v.section->values, keyword::max_ttl);
    if (peer.min_ttl > peer.max_ttl)
        r.diag
            .error(Code::OutOfRange, v.mark,
                   fmt::format("unicast peer {}: min_ttl {} is more than max_ttl {}", peer.address.to_string(),
                               peer.min_ttl, peer.max_ttl))
            .effect = "every advert of this peer is dropped";
    r.instance->fix_family(peer.address.family());
    r.instance->model.unicast_peers.push_back(peer);
    r.instance->peer_marks.push_back(v.mark);
}

void set_vmac(ParseContext& r, const Value& v) {
    const Section& line = *v.section;
    Vmac vmac{.enabled = true};
    vmac.name = first_word(line.values, keyword::name);
    if (vmac.name == "." || vmac.name == ".." || vmac.name.find_first_of("/: \t") != std::string::npos) {
        r.diag.error(Code::UnknownWord, v.mark, fmt::format("{} is no name of an interface", vmac.name)).effect =
            "the name is ignored";
        vmac.name.clear();
        drop_value(*v.line_values, keyword::name);
    }
    vmac.netlink_notify = has(line, keyword::netlink_notify_msg);
    vmac.group = first_word(line.values, keyword::group);
    if (const auto number = value_of<std::int64_t>(line.values, keyword::group)) vmac.group = std::to_string(*number);
    if (const auto octets = value_of(line.values, keyword::mac))
        for (const std::int64_t octet : *octets)
            vmac.mac += fmt::format("{}{:02x}", vmac.mac.empty() ? "" : ":", octet);
    const bool multicast = !vmac.mac.empty() && (value_of(line.values, keyword::mac)->front() & 1) != 0;
    if (multicast || vmac.mac.starts_with("00:00:5e:00:01") || vmac.mac.starts_with("00:00:5e:00:02")) {
        r.diag
            .error(Code::NotAnAddress, v.mark,
                   fmt::format("{} is {}", vmac.mac, multicast ? "a multicast address" : "of the RFC's own range"))
            .effect = "the address that the RFC gives to the virtual_router_id is used";
        vmac.mac.clear();
    }
    r.instance->model.vmac = vmac;
    r.instance->vmac = v.mark;
}

// ---- routes and rules

namespace {

bool has_inside(const Section& line, const KeywordName& word) {
    return has(line, word) ||
           std::ranges::any_of(line.sections, [&](const Section& hop) { return has_inside(hop, word); });
}

Family family_of(const Section& line) {
    for (const auto& word : {keyword::to, keyword::from})
        if (const auto prefix = value_of(line.values, word)) return prefix->address.family();
    return Family::None;
}

// keepalived: each costs the line. The destination decides; "default" alone is of either family.
bool of_other_family(ParseContext& r, const Value& v, std::string_view what, std::string_view v6_only) {
    const Section& line = *v.section;
    const auto refuse = [&](std::string_view word, std::string_view needs, std::string_view is) {
        line_error(r, v, Code::FamilyMismatch,
                   fmt::format("{} is for {} {}, and this one is of {}", word, needs, what, is));
        return true;
    };
    const Family family = family_of(line);
    if (family == Family::V6 && has_inside(line, keyword::realms)) return refuse("realms", "IPv4", "IPv6");
    if (family != Family::V4) return false;
    while (!v6_only.empty()) {
        const std::size_t bar = std::min(v6_only.find('|'), v6_only.size());
        if (has(line, KeywordName{v6_only.substr(0, bar)})) return refuse(v6_only.substr(0, bar), "IPv6", "IPv4");
        v6_only.remove_prefix(std::min(bar + 1, v6_only.size()));
    }
    return false;
}

// An IPv4 route may go via an IPv6 router (RFC 5549); nothing else may be of the other family.
bool mixes_families(const Section& line) {
    const auto to = value_of(line.values, keyword::to);
    const auto from = value_of(line.values, keyword::from);
    Family family = to ? to->address.family() : Family::None;
    const auto differs = [&family](Family other) {
        if (family == Family::None) family = other;
        return other != family;
    };
    if (from && differs(from->address.family())) return true;
    if (const auto source = value_of(line.values, keyword::src); source && differs(source->family())) return true;
    const auto beyond = [&](const KeywordValues& values) {
        for (const auto& word : {keyword::via, keyword::gw, keyword::or_})
            if (const auto via = value_of(values, word); via && via->is_v4() && differs(Family::V4)) return true;
        return false;
    };
    if (beyond(line.values)) return true;
    return std::ranges::any_of(line.sections, [&](const Section& hop) { return beyond(hop.values); });
}

// keepalived reports them, and sets the route as far as it goes.
void check_encapsulations(ParseContext& r, const Value& v, const Section& line) {
    for (const Section& inner : line.sections) {
        check_encapsulations(r, v, inner);
        if (inner.keyword != keyword::encap) continue;
        const bool tunnel = has(inner, keyword::ip) || has(inner, keyword::ip6);
        if (!tunnel && !has(inner, keyword::mpls) && !has(inner, keyword::ila)) {
            auto& d = r.diag.error(Code::MissingWord, v.mark, "encap has no type");
            d.expected = "encap ip, ip6, mpls or ila";
            d.effect = "packets of the route are not encapsulated";
        } else if (tunnel && !has(inner, keyword::id) && !has(inner, keyword::dst)) {
            auto& d = r.diag.error(Code::MissingWord, v.mark, "encap of a tunnel has neither id nor dst");
            d.expected = "dst <ip>, the far end of the tunnel";
            d.effect = "packets of the route go to a tunnel that leads nowhere";
        }
    }
}

}  // namespace

// An instance's entries have no track_group.
void drop_track_group(ParseContext& r, const Value& v, std::initializer_list<KeywordName> devices,
                      std::string_view device) {
    if (!has(*v.section, keyword::track_group) ||
        std::ranges::any_of(devices, [&](const KeywordName& word) { return has_inside(*v.section, word); }))
        return;
    r.diag.error(Code::MissingWord, v.mark, fmt::format("track_group needs {}", device)).effect =
        "the line is set, and follows no instance";
    drop_value(*v.line_values, keyword::track_group);
}

void check_route(ParseContext& r, const Value& v) {
    if (has(*v.section, keyword::as))
        r.diag.error(Code::UnknownWord, v.mark, "`as` is for MPLS routes, which these are not").effect =
            "the word is ignored";
    if (mixes_families(*v.section)) {
        line_error(r, v, Code::NotAnAddress, "Cannot mix IPv4 and IPv6 addresses for route");
        return;
    }
    if (of_other_family(r, v, "routes", "from|pref|expires")) return;
    drop_track_group(r, v, {keyword::dev, keyword::oif}, "dev");
    check_encapsulations(r, v, *v.section);
    if (has(*v.section, keyword::to)) return;
    auto& d = line_error(r, v, Code::MissingWord, fmt::format("a line of {} needs a destination", v.row.name));
    d.expected = "ADDRESS/LENGTH or default";
}

void add_route(ParseContext& r, const Value& v) {
    check_route(r, v);
    const Section& line = *v.section;
    const KeywordData* to = find_value(line.values, keyword::to);
    if (to == nullptr || r.line_refused) return;
    VirtualRoute route;
    if (const auto* prefix = std::get_if<Prefix>(to))
        route.destination = prefix->to_string();
    else
        route.destination = "default";
    const auto via = value_of(line.values, keyword::via);
    route.via = via ? *via : value_of(line.values, keyword::gw).value_or(IpAddress{});
    route.dev = has(line, keyword::dev) ? first_word(line.values, keyword::dev) : first_word(line.values, keyword::oif);
    for (std::size_t i = 0; i < v.count(); ++i) route.words.emplace_back(v.arg(i));
    route.more.edit() = ExtraSettings{line.values, line.sections};
    r.instance->model.routes.push_back(std::move(route));
}

// The kernel refuses a goto to a rule before its own.
void goes_back(ParseContext& r, const Value& v) {
    const auto target = value_of<std::int64_t>(v.section->values, KeywordName{"goto"});
    for (const KeywordName word : {KeywordName{keyword::preference}, {keyword::order}, {keyword::priority}})
        if (const auto own = value_of<std::int64_t>(v.section->values, word); own && target && *own >= *target)
            line_error(r, v, Code::OutOfRange,
                       fmt::format("goto {} leads back: the rule's own preference is {}", *target, *own))
                .fix = "give the rule a smaller preference than its target has";
}

void check_rule(ParseContext& r, const Value& v) {
    const Section& line = *v.section;
    constexpr std::string_view kActions[]{"table",  "lookup",    "goto",        "nop",
                                          "l3mdev", "blackhole", "unreachable", "prohibit"};
    const auto actions =
        std::ranges::count_if(kActions, [&](std::string_view word) { return has(line, KeywordName{word}); });
    if (actions != 1) {
        auto& d = line_error(r, v, Code::MissingWord,
                             actions == 0 ? fmt::format("a line of {} needs an action", v.row.name)
                                          : fmt::format("a line of {} has one action, not {}", v.row.name, actions));
        d.expected = "one of table, lookup, goto, nop, l3mdev, blackhole, unreachable, prohibit";
        return;
    }
    constexpr std::string_view kOfTables[]{"realms", "suppress_prefixlength", "sup_pl", "suppress_ifgroup",
                                           "sup_group"};
    const auto of_table =
        std::ranges::find_if(kOfTables, [&](std::string_view word) { return has(line, KeywordName{word}); });
    if (of_table != std::end(kOfTables) && !has(line, KeywordName{"table"}) && !has(line, KeywordName{"lookup"})) {
        line_error(r, v, Code::UnknownWord, fmt::format("{} is for the action table alone", *of_table));
        return;
    }
    drop_track_group(r, v, {keyword::iif, KeywordName{"dev"}}, "iif");
    if (of_other_family(r, v, "rules", {})) return;
    if (has(line, keyword::preference) || has(line, keyword::order) || has(line, keyword::priority)) {
        goes_back(r, v);
        return;
    }
    const auto family_of = [&](const Keyword<Prefix>& word) {
        const auto prefix = value_of(line.values, word);
        return prefix ? prefix->address.family() : Family::None;
    };
    const bool v6 =
        has(line, keyword::inet6) || family_of(keyword::from) == Family::V6 || family_of(keyword::to) == Family::V6;
    auto& next = v6 ? r.rule_preference6 : r.rule_preference4;
    v.line_values->push_back({"preference", std::int64_t{next--}});
    std::ranges::sort(*v.line_values, {}, &KeywordValue::keyword);
    auto& d = r.diag.warn(Code::MissingWord, v.mark, fmt::format("a line of {} has no preference", v.row.name));
    d.effect = "keepalived counts down from 16384";
    d.fix = "add `preference NUMBER`";
}

}  // namespace mainstay::config
