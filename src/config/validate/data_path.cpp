#include "validate.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "config/schema/setters.hpp"
#include "mainstay/config/keywords.hpp"
#include "mainstay/config/validate/resolved.hpp"

namespace mainstay::config {
namespace {

// The first one of the family.
std::optional<IpAddress> address_of(const VirtualServer& service, Family family) {
    const IpAddress& own = service.endpoint.address;
    if (service.group.empty()) return service.fwmark == 0 && own.family() == family ? std::optional{own} : std::nullopt;
    const auto& entries = service.membership->entries;
    const auto entry = std::ranges::find_if(
        entries, [family](const GroupEntry& one) { return one.fwmark == 0 && one.first.family() == family; });
    return entry == entries.end() ? std::nullopt : std::optional{entry->first};
}

Diagnostic& warn(ParseContext& r, const ServiceDraft& draft, std::string_view why) {
    auto& d = r.resolved.diag.warn(
        Code::FlagIgnored, draft.mark,
        fmt::format("virtual server {}: {} {}", service_name(draft.model), keyword::check_data_path.text, why));
    d.effect = "checks ask the servers themselves";
    return d;
}

}  // namespace

bool checks_data_path(const VirtualServer& service) { return is_given(service.more->values, keyword::check_data_path); }

std::optional<IpAddress> data_path_address(const VirtualServer& service, const RealServer& server) {
    if (server.forwarding == Forwarding::Nat) return std::nullopt;
    return address_of(service, server.endpoint.address.family());
}

void check_data_path(ParseContext& r, const ServiceDraft& draft) {
    const VirtualServer& service = draft.model;
    if (!checks_data_path(service)) return;
    if (!address_of(service, Family::V4) && !address_of(service, Family::V6)) {
        warn(r, draft, "needs an address, and a firewall mark has none").fix =
            "use it in a virtual_server with an address";
        return;
    }
    if (is_given(r.more->values, keyword::net_namespace_ipvs)) {
        warn(r, draft, "does not work with net_namespace_ipvs").fix =
            "run mainstay as a whole in that namespace (net_namespace)";
        return;
    }
    const auto& servers = service.real_servers;
    if (std::ranges::all_of(servers, [](const RealServer& one) { return one.forwarding == Forwarding::Nat; })) {
        auto& d = r.resolved.diag.advise(
            Code::FlagIgnored, draft.mark,
            fmt::format(
                "virtual server {}: {} changes nothing with NAT, which sends packets to the servers' own addresses",
                service_name(service), keyword::check_data_path.text));
        d.fix = fmt::format("remove {}, or use `lb_kind DR` or TUN", keyword::check_data_path.text);
        return;
    }
    for (const RealServer& server : servers) {
        if (server.forwarding == Forwarding::Nat || is_template(server) || data_path_address(service, server)) continue;
        warn(r, draft,
             fmt::format("needs an address of the server's family: {} is of another", server.endpoint.to_string()))
            .effect = "its checks ask the server itself";
    }
}

}  // namespace mainstay::config
