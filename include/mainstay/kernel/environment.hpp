// The facts about this host that checking a configuration needs: interfaces, accounts, scripts.
#pragma once

#include "mainstay/config/load.hpp"

namespace mainstay::kernel {

// Every call queries the system again and changes nothing. Nothing blocks, except that accounts may be looked up in a
// directory service (nsswitch.conf). host_resolves is not set, because a name server may be slow.
[[nodiscard]] config::Environment host_environment();

// True when the name service knows an address of `host`. May block until the resolver's timeouts expire.
[[nodiscard]] bool host_resolves(std::string_view host);

}  // namespace mainstay::kernel
