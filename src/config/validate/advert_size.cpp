#include <fmt/format.h>

#include "config/schema/parse_context.hpp"
#include "mainstay/config/validate/resolved.hpp"
#include "validate.hpp"

namespace mainstay::config {

// keepalived: those beyond are set with the others, and the number in an advert is the one that it expects of a peer.
void limit_addresses(ParseContext& r, InstanceDraft& draft) {
    Instance& m = draft.model;
    const std::uint32_t mtu =
        r.environment.mtu_of && !m.interface.empty() ? r.environment.mtu_of(m.interface).value_or(0) : 0;
    const std::size_t most = mtu != 0 ? advertised_max(m, mtu) : wire::kVrrpMaxAddresses;
    if (m.addresses.size() <= most) return;
    const bool by_mtu = most < wire::kVrrpMaxAddresses;
    auto& d = r.diag.error(
        Code::TooManyAddresses, draft.addresses,
        fmt::format("({}) {} virtual addresses; an advert {}carries at most {}", m.name, m.addresses.size(),
                    by_mtu ? fmt::format("on {}, whose MTU is {}, ", m.interface, mtu) : "", most));
    d.effect = "the excess is set with the others, but not advertised";
    for (std::size_t n = most; n < m.addresses.size(); ++n) m.excluded_addresses.push_back(m.addresses[n]);
    m.addresses.resize(most);
}

}  // namespace mainstay::config
