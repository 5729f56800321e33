#include "validate.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <span>
#include <utility>

namespace mainstay::config {
namespace {

constexpr std::size_t kMostListed = 3;

std::string listed(std::span<const std::string> owners) {
    const auto first = owners.first(std::min(owners.size(), kMostListed));
    std::string list = fmt::format("{}", fmt::join(first, ", "));
    if (owners.size() > first.size()) list += fmt::format(" and {} more", owners.size() - first.size());
    return list;
}

}  // namespace

void MissingInterfaces::used(const std::string& owner, const std::string& name, Mark mark, Use use) {
    if (name.empty() || r_.global.dynamic_interfaces) return;
    const auto [found, fresh] = names_.try_emplace(name);
    Missing& missing = found->second;
    if (fresh) missing.exists = r_.environment.interface_exists(name);
    if (missing.exists) return;
    if (!std::exchange(missing.reported, true)) missing.first = mark;
    if (!owner.empty() && (missing.owners.empty() || missing.owners.back() != owner)) missing.owners.push_back(owner);
    missing.needed = missing.needed || use == Use::Needed;
    missing.tracked = missing.tracked || use == Use::Tracked;
}

void MissingInterfaces::report() {
    for (const auto& [name, mark, needed_by] : r_.named_interfaces)
        used(needed_by, name, mark, needed_by.empty() ? Use::Named : Use::Needed);
    for (const auto& [name, missing] : names_) {
        if (missing.exists) continue;
        auto& d =
            r_.diag.add(Severity::Warning, Rank::MissingInterface, Code::InterfaceMissing, missing.first,
                        fmt::format("{}there is no interface {}",
                                    missing.owners.empty() ? "" : fmt::format("({}) ", listed(missing.owners)), name));
        d.effect = missing.needed    ? missing.owners.size() == 1 ? "the instance stays in FAULT until it appears"
                                                                  : "these instances stay in FAULT until it appears"
                   : missing.tracked ? "it counts as down until it appears"
                                     : "the line has no effect until it appears";
        d.effect += "; keepalived does not start";
        const auto own = r_.environment.interface_called(name);
        d.fix = !own.empty() ? fmt::format("write {}: {} is an alternative name of it", own, name)
                : IpAddress::parse(name)
                    ? "write the name of the interface that has this address; `ip -brief address` lists them"
                    : "`ip link` lists the interfaces; set dynamic_interfaces in global_defs if it may appear later";
    }
}

}  // namespace mainstay::config
