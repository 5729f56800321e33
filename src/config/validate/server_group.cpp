// Resolves the virtual_server_group of a service: its entries, if they are compatible with the servers.
#include <algorithm>
#include <array>

#include "config/schema/parse_context.hpp"
#include "mainstay/config/keywords.hpp"
#include "mainstay/config/validate/resolved.hpp"
#include "validate.hpp"

namespace mainstay::config {
namespace {

constexpr std::size_t kTailBytes = 4;  // of an address, where two of one range may differ

std::uint32_t tail_of(const IpAddress& address) {
    std::uint32_t value = 0;
    for (const std::byte byte : address.bytes().last(kTailBytes))
        value = value << 8 | std::to_integer<std::uint32_t>(byte);
    return value;
}

// The last address of a prefix without host bits.
IpAddress last_of(const Prefix& prefix) {
    std::array<std::byte, 16> bytes{};
    const auto from = prefix.address.bytes();
    for (std::size_t i = 0; i < from.size(); ++i) {
        const std::size_t before = i * 8;
        const std::size_t fixed = prefix.length <= before ? 0 : std::min<std::size_t>(prefix.length - before, 8);
        bytes[i] = from[i] | static_cast<std::byte>(0xff >> fixed);
    }
    if (prefix.address.is_v4()) return IpAddress::v4(std::span{bytes}.first<4>());
    return IpAddress::v6(bytes);
}

GroupEntry entry_of(const Section& line, Family family) {
    GroupEntry entry;
    if (const auto mark = value_of(line.values, keyword::fwmark)) {
        entry.fwmark = static_cast<std::uint32_t>(*mark);
        entry.family = has_word(line.values, keyword::fwmark, "inet")    ? Family::V4
                       : has_word(line.values, keyword::fwmark, "inet6") ? Family::V6
                                                                         : family;
        return entry;
    }
    const KeywordData* address = find_value(line.values, keyword::address);
    if (address == nullptr) return entry;
    if (const auto* one = std::get_if<IpAddress>(address)) {
        entry.first = entry.last = *one;
    } else if (const auto* prefix = std::get_if<Prefix>(address)) {
        entry.first = prefix->address;
        entry.last = last_of(*prefix);
    } else if (const auto* ends = std::get_if<WordList>(address); ends != nullptr && ends->size() == 2) {
        entry.first = IpAddress::parse(ends->front()).value_or(IpAddress{});
        entry.last = IpAddress::parse(ends->back()).value_or(IpAddress{});
    }
    entry.family = entry.first.family();
    entry.port = static_cast<std::uint16_t>(value_of(line.values, keyword::port).value_or(0));
    return entry;
}

std::string text_of(const GroupEntry& entry) {
    if (entry.fwmark != 0) return fmt::format("fwmark {}", entry.fwmark);
    if (entry.first == entry.last) return entry.first.to_string();
    return fmt::format("{}-{}", entry.first.to_string(), entry.last.to_string());
}

// Whether each address may be a service of its own: a prefix that was meant for one more digit must not fill the
// kernel.
bool too_many(const GroupEntry& entry) {
    if (entry.fwmark != 0) return false;
    const auto first = entry.first.bytes(), last = entry.last.bytes();
    const std::size_t head = first.size() - std::min(first.size(), kTailBytes);
    if (!std::ranges::equal(first.first(head), last.first(head))) return true;
    return tail_of(entry.last) - tail_of(entry.first) >= kGroupAddressesMax;
}

// What was told of a line in the group; null: nothing.
Diagnostic* told_of_an_entry(ParseContext& r, std::string_view group) {
    const auto named = std::ranges::find(r.server_groups, group, &std::pair<std::string, Mark>::first);
    if (named == r.server_groups.end()) return nullptr;
    const std::uint32_t from = named->second.offset;
    const auto told = std::ranges::find_if(r.diag.entries(), [&](const Diagnoser::Entry& entry) {
        return entry.diagnostic.severity >= Severity::Error && entry.mark.offset > from &&
               entry.mark.offset < r.snapshot.text().find('}', from);
    });
    return told == r.diag.entries().end() ? nullptr : &told->diagnostic;
}

// The mark without a family in a group with both: nobody can say whose packets it is for. 0: none.
std::uint32_t undecided_mark(const Section& group) {
    bool has_v4 = false, has_v6 = false;
    std::uint32_t undecided = 0;
    for (const Section& line : group.sections) {
        const GroupEntry entry = entry_of(line, Family::None);
        has_v4 = has_v4 || entry.family == Family::V4;
        has_v6 = has_v6 || entry.family == Family::V6;
        if (entry.fwmark != 0 && entry.family == Family::None) undecided = entry.fwmark;
    }
    return has_v4 && has_v6 ? undecided : 0;
}

}  // namespace

std::vector<GroupEntry> group_entries(const Section& group) {
    std::vector<GroupEntry> entries;
    for (const Section& line : group.sections)
        if (GroupEntry entry = entry_of(line, Family::None); entry.fwmark != 0 || !entry.first.empty())
            entries.push_back(entry);
    return entries;
}

bool has_marks_alone(const ParseContext& r, std::string_view group) {
    const Section* found = find_section(r.more->sections, keyword::virtual_server_group, group);
    return found != nullptr && std::ranges::all_of(group_entries(*found), [](const auto& e) { return e.fwmark != 0; });
}

bool resolve_group(ParseContext& r, ServiceDraft& draft, bool all_tunnelled) {
    VirtualServer& m = draft.model;
    const Section* const found = find_section(r.more->sections, keyword::virtual_server_group, *m.group);
    if (found == nullptr) return false;  // check_across has said it
    if (const std::uint32_t mark = undecided_mark(*found); mark != 0) {
        auto& d = r.diag.error(
            Code::FamilyMismatch, draft.mark,
            fmt::format("virtual_server_group {} has IPv4, IPv6 and fwmark {} without a family", *m.group, mark));
        d.effect = "the virtual server is left out";
        d.fix = fmt::format("write `fwmark {0} inet` or `fwmark {0} inet6`", mark);
        return false;
    }
    auto& entries = m.membership.edit().entries;
    const bool mapped = is_given(r.global.more->values, keyword::nftables_ipvs) &&
                        std::ranges::none_of(found->sections, [](const Section& line) {
                            return is_given(line.values, keyword::fwmark);
                        });
    for (const Section& line : found->sections) {
        const GroupEntry entry = entry_of(line, m.family);
        if (entry.fwmark == 0 && entry.first.empty()) continue;
        if (entry.family != m.family && !all_tunnelled) {
            r.diag
                .error(Code::FamilyMismatch, draft.mark,
                       fmt::format("virtual_server group {}: {} is not of the family of the servers", *m.group,
                                   text_of(entry)))
                .effect = "the entry is left out of this service";
            continue;
        }
        if (!mapped && too_many(entry)) {
            auto& d = r.diag.error(Code::GroupTooBig, draft.mark,
                                   fmt::format("virtual_server_group {}: {} are more than {} addresses", *m.group,
                                               text_of(entry), kGroupAddressesMax));
            d.effect = "the entry is left out: each address would be an IPVS service of its own";
            d.fix = "nftables_ipvs in global_defs makes one service of all of them";
            continue;
        }
        entries.push_back(entry);
    }
    if (!entries.empty()) return true;
    if (Diagnostic* refused = told_of_an_entry(r, *m.group); refused != nullptr) {
        refused->effect = "the line is ignored; the group has no other entry: its virtual servers are left out";
        return false;
    }
    r.diag.error(Code::UnknownGroup, draft.mark, fmt::format("virtual_server_group {} has no usable entry", *m.group))
        .effect = "the virtual server is left out";
    return false;
}

void report_kept_port(Diagnoser& diag, const VirtualServer& service, std::uint16_t port, Mark mark,
                      const std::string& what) {
    if (port == 0) return;
    const auto& entries = service.membership->entries;
    const auto other =
        std::ranges::find_if(entries, [&](const GroupEntry& entry) { return entry.fwmark != 0 || entry.port != port; });
    if (service.fwmark == 0 && other == entries.end()) return;
    const bool marked = service.fwmark != 0 || other->fwmark != 0;
    auto& d =
        diag.warn(Code::PortReset, mark,
                  marked ? fmt::format("{}: DR and TUN cannot change the port, and a firewall mark has none", what)
                         : fmt::format("{}: DR and TUN cannot change the port, which is {} at {} of the group", what,
                                       other->port, text_of(*other)));
    d.effect = "packets keep their port";
    d.fix = "delete the port; where a check goes, its connect_port says. lb_kind NAT can change the port";
}

bool any_port_in(const VirtualServer& service) {
    return std::ranges::any_of(service.membership->entries,
                               [](const GroupEntry& entry) { return entry.fwmark == 0 && entry.port == 0; });
}

}  // namespace mainstay::config
