#include "validate.hpp"

#include <algorithm>
#include <optional>

#include "mainstay/config/keywords.hpp"

namespace mainstay::config {
namespace {

constexpr std::int64_t kTtlV4 = 255, kTtlV6 = 64;

// keepalived: one without source_ip may have the address of any other with this neighbour.
bool same_session(const KeywordValues& a, const KeywordValues& b) {
    const auto neighbor = [](const KeywordValues& v) { return value_of(v, keyword::neighbor_ip); };
    const auto multihop = [](const KeywordValues& v) { return flag(v, keyword::multihop); };
    const auto one = value_of(a, keyword::source_ip), other = value_of(b, keyword::source_ip);
    return neighbor(a) == neighbor(b) && (one == other || !one || !other) && multihop(a) == multihop(b);
}

// A bad address was reported already.
void no_neighbor(ParseContext& r, std::string_view name, Mark opened) {
    const bool reported = std::ranges::any_of(r.diag.entries(), [&](const Diagnoser::Entry& entry) {
        return entry.mark.offset > opened.offset &&
               entry.diagnostic.code == static_cast<std::uint16_t>(Code::NotAnAddress);
    });
    if (reported) return;
    auto& d = r.diag.error(Code::NoNeighbor, opened, fmt::format("bfd_instance {} has no neighbor_ip", name));
    d.effect = "the instance is not used";
    d.fix = "add `neighbor_ip ADDRESS`";
}

const Section* twin_of(const ParseContext& r, std::string_view name, const KeywordValues& values) {
    for (const Section& other : r.more->sections) {
        if (other.keyword != keyword::bfd_instance || &other.values == &values) continue;
        if (other.names.empty() || other.names.front() == name || !same_session(other.values, values)) continue;
        return &other;
    }
    return nullptr;
}

}  // namespace

void check_bfd(ParseContext& r, std::string_view name, Mark opened, const KeywordValues& values) {
    if (!r.tracked.empty() && r.tracked.back().keyword == keyword::bfd_instance) {
        const bool vrrp = is_given(values, keyword::vrrp), checker = is_given(values, keyword::checker);
        r.tracked.back().for_vrrp = vrrp || !checker;
        r.tracked.back().for_checkers = checker || !vrrp;
    }
    const auto neighbor = value_of(values, keyword::neighbor_ip);
    if (!neighbor) return no_neighbor(r, name, opened);
    const auto source = value_of(values, keyword::source_ip);
    if (source && source->family() != neighbor->family()) {
        auto& d =
            r.diag.error(Code::FamilyMismatch, opened,
                         fmt::format("bfd_instance {}: source_ip {} and neighbor_ip {} have different address families",
                                     name, source->to_string(), neighbor->to_string()));
        d.effect = "the instance is not used";
        return;
    }
    if (const Section* twin = twin_of(r, name, values)) {
        auto& d = r.diag.error(Code::DuplicateAddress, opened,
                               fmt::format("bfd_instance {} has the neighbor_ip {} of bfd_instance {}", name,
                                           neighbor->to_string(), twin->names.front()));
        d.effect = "the instance is not used";
        d.fix = "one session is enough for all trackers; two sessions need a source_ip each, and different ones";
        return;
    }
    const auto hops = value_of(values, keyword::max_hops).value_or(0);
    const std::int64_t sent = value_of(values, keyword::ttl).value_or(neighbor->is_v6() ? kTtlV6 : kTtlV4);
    if (hops > sent) {
        auto& d = r.diag.warn(Code::OutOfRange, opened,
                              fmt::format("bfd_instance {}: max_hops {} is more than the {} {} that is sent", name,
                                          hops, neighbor->is_v6() ? "hoplimit" : "ttl", sent));
        d.effect = fmt::format("max_hops is {}", sent);
    }
}

}  // namespace mainstay::config
