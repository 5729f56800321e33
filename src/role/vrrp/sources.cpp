#include "sources.hpp"

#include <utility>

#include "mainstay/kernel/local_address.hpp"
#include "mainstay/vrrp/settings.hpp"

namespace mainstay::role {

std::vector<vrrp::SourceFact> VrrpSources::look(const config::Config& config) {
    std::vector<vrrp::SourceFact> facts;
    const auto before = std::exchange(here_, {});
    for (const auto& instance : config.instances) {
        if (instance.unicast_peers.empty() || !instance.source || here_.contains(*instance.source)) continue;
        const auto known = before.find(*instance.source);
        const bool was_here = known != before.end() && known->second;
        const bool here = was_here || kernel::can_send_from(*instance.source, vrrp::advert_device(instance));
        here_.emplace(*instance.source, here);
        if (known == before.end() || known->second != here) facts.push_back({*instance.source, here});
    }
    return facts;
}

}  // namespace mainstay::role
