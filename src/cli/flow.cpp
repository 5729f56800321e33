#include "flow.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "mainstay/config/model.hpp"
#include "mainstay/lvs/mh_table.hpp"
#include "mh_size.hpp"

namespace mainstay::cli {
namespace {

using Lines = std::vector<std::string>;

// Why it takes no new flow; empty: it does.
std::string closed(const netlink::IpvsDestinationEntry& server) {
    const auto& destination = server.destination;
    if (destination.weight <= 0) return "weight 0";
    const auto connections = std::uint64_t{server.active} + server.inactive;
    if (destination.upper_threshold != 0 && connections >= destination.upper_threshold)
        return fmt::format("{} connections, uthreshold {}", connections, destination.upper_threshold);
    return {};
}

class Explanation {
public:
    Explanation(const IpvsTableEntry& entry, const Flow& flow, std::uint32_t size)
        : servers_{entry.destinations},
          flow_{flow},
          flags_{.fallback = (entry.service.service.flags & config::kHashFallback) != 0,
                 .port = (entry.service.service.flags & config::kHashPort) != 0},
          usual_{usual_weight(entry)},
          table_{mh_destinations(entry), size} {}

    [[nodiscard]] Lines lines() const {
        const auto first = table_.slot_of(flow_.client, flags_);
        if (!first) return {headline("is refused"), "no server has a weight"};
        const auto available = [this](std::size_t n) { return closed(servers_[n]).empty(); };
        const auto chosen = table_.choose(flow_.client, flags_, available);
        const std::size_t owner = table_.slots()[*first];
        const char* const goes = is_guess() ? "probably goes to " : "goes to ";
        Lines lines{chosen ? headline(goes + name(*chosen)) : headline("is refused")};
        lines.push_back(fmt::format("{} choose slot {} of {} of the mh table, which is {}'s",
                                    flags_.port ? "the client's address and port" : "the client's address", *first,
                                    table_.slots().size(), name(owner)));
        if (!available(owner))
            lines.push_back(
                fmt::format("{} takes no new flow: {}; {}", name(owner), closed(servers_[owner]), instead(chosen)));
        lines.push_back(fmt::format("table of {} servers, digest {:016x}", servers_.size(), table_.digest()));
        if (std::ranges::any_of(servers_, has_none))
            lines.push_back(fmt::format(
                "assumed: a server with weight 0 had weight {} before, which the kernel does not tell{}", usual_,
                is_guess() ? "; the others differ, so it may have had another one: if mainstayctl status --json has "
                             "another digest, this answer is wrong"
                           : ""));
        return lines;
    }

private:
    static bool has_none(const netlink::IpvsDestinationEntry& server) { return server.destination.weight <= 0; }
    // The slots depend on the weights that servers had before they were set to 0.
    [[nodiscard]] bool is_guess() const {
        const auto differs = [this](const auto& server) {
            return server.destination.weight > 0 && static_cast<std::uint32_t>(server.destination.weight) != usual_;
        };
        return std::ranges::any_of(servers_, has_none) && std::ranges::any_of(servers_, differs);
    }
    [[nodiscard]] std::string name(std::size_t n) const { return servers_[n].destination.endpoint.to_string(); }
    [[nodiscard]] std::string headline(std::string_view what) const {
        return fmt::format("a new flow from {} to {} {}", flow_.client.to_string(), flow_.service.to_string(), what);
    }
    [[nodiscard]] std::string instead(std::optional<std::size_t> chosen) const {
        if (chosen) return "mh-fallback tries other slots until a server does";
        return flags_.fallback ? "nor does any other server" : "without mh-fallback no other server is tried";
    }

    const std::vector<netlink::IpvsDestinationEntry>& servers_;
    const Flow& flow_;
    lvs::MhFlags flags_;
    std::uint32_t usual_;
    lvs::MhTable table_;
};

}  // namespace

std::optional<Endpoint> endpoint_from(std::string_view text) {
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos) return std::nullopt;
    std::string_view address = text.substr(0, colon);
    const auto number = text.substr(colon + 1);
    const bool bracketed = address.starts_with('[') && address.ends_with(']');
    if (bracketed) address = address.substr(1, address.size() - 2);
    const auto parsed = IpAddress::parse(address);
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), port);
    if (!parsed || parsed->is_v6() != bracketed || error != std::errc{} || end != number.data() + number.size())
        return std::nullopt;
    return Endpoint{*parsed, port};
}

Result<Lines> explain_flow(const std::vector<IpvsTableEntry>& table, const Flow& flow, const TableSize& size) {
    if (flow.client.address.family() != flow.service.address.family())
        return fail(Errc::Invalid, fmt::format("{} and {} are of different families: no flow can be between them",
                                               flow.client.to_string(), flow.service.to_string()));
    const auto found = std::ranges::find_if(table, [&](const IpvsTableEntry& entry) {
        const auto& key = entry.service.service.key;
        return key.fwmark == 0 && key.protocol == flow.protocol && Endpoint{key.address, key.port} == flow.service;
    });
    if (found == table.end())
        return fail(Errc::Invalid, fmt::format("the kernel has no service {}; mainstayctl ipvs shows those that it has",
                                               flow.service.to_string()));
    const auto& service = found->service.service;
    if (service.scheduler != "mh")
        return fail(Errc::Invalid,
                    fmt::format("{} has the scheduler {}, which decides by what it remembers at that moment; only "
                                "mh can be calculated",
                                flow.service.to_string(), service.scheduler));
    const auto inferred = size.configured ? std::nullopt : infer_mh_size(*found, size.connections);
    const auto slots = size.configured.value_or(inferred ? inferred->slots : lvs::kMhUsualTableSize);
    auto lines = Explanation{*found, flow, slots}.lines();
    if (inferred)
        lines.push_back(
            fmt::format("tables of {} slots: so {} of {} of its connections are explained, and by no other size", slots,
                        inferred->explained, inferred->of));
    else if (!size.configured)
        lines.push_back(
            fmt::format("assumed: tables of {} slots, as most kernels have; neither /boot/config-RELEASE nor "
                        "its connections tell",
                        slots));
    if ((service.flags & netlink::kIpvsPersistent) != 0)
        lines.emplace_back("the service is persistent: a client that has a template goes where that says");
    return lines;
}

}  // namespace mainstay::cli
