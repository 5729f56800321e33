#include "adoption.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "mainstay/base/text.hpp"
#include "mainstay/kernel/process.hpp"
#include "mainstay/lvs/adoption.hpp"
#include "mainstay/probe/runner.hpp"

namespace mainstay::role {
namespace {

// The services of the configuration, as the kernel has them.
Result<lvs::Table> read(const LvsOptions& options, const config::Config& config) {
    auto ipvs = options.open_ipvs();
    if (!ipvs) return error_of(ipvs);
    std::set<netlink::IpvsServiceKey> ours;
    for (const auto& keys : lvs::keys_to_adopt(config)) ours.insert(keys.begin(), keys.end());
    auto services = (*ipvs)->services();
    if (!services) return error_of(services);
    lvs::Table table;
    for (auto& entry : *services) {
        if (!ours.contains(entry.service.key)) continue;
        auto destinations = (*ipvs)->destinations(entry.service.key);
        if (!destinations) return error_of(destinations);
        lvs::ServiceTable one{.service = std::move(entry.service), .destinations = {}};
        for (const auto& destination : *destinations) one.destinations.push_back(destination.destination);
        table.push_back(std::move(one));
    }
    return table;
}

}  // namespace

lvs::Memory adopt_table(const LvsOptions& options, const config::Config& config, WallTime now, Log& log) {
    const auto table = read(options, config);
    if (!table) {
        log.warning("--takeover: the IPVS table cannot be read, all servers start as configured: {}",
                    table.error().text());
        return {};
    }
    auto [memory, by_hand] = lvs::adopt(config, *table, now);
    std::size_t down = 0;
    for (const auto& service : memory)
        down += static_cast<std::size_t>(std::ranges::count(service.servers, false, &lvs::ServerMemory::alive));
    log.notice("--takeover: {} found in the IPVS table; servers that are DOWN until a check finds them up: {}",
               counted(memory.size(), "service"), down);
    log_each(log, LogLevel::Warning, "--takeover", by_hand);
    if (!by_hand.empty())
        log.warning(
            "--takeover: weights set by hand are not kept; `mainstayctl server drain` and `server weight` set them");
    return memory;
}

std::size_t raise_descriptor_limit(Log& log) {
    const auto allowed = kernel::allow_descriptors(probe::kConcurrentChecksMax + kDescriptorsForOthers);
    const auto usable = std::max<std::uint64_t>(allowed, kDescriptorsForOthers + 1) - kDescriptorsForOthers;
    if (usable < probe::kConcurrentChecksMax)
        log.info(
            "At most {} health checks run at a time: {} open descriptors are allowed, of which {} are for everything "
            "else. LimitNOFILE= in the unit, or ulimit -n, says how many",
            usable, allowed, kDescriptorsForOthers);
    return std::min<std::size_t>(probe::kConcurrentChecksMax, usable);
}

}  // namespace mainstay::role
