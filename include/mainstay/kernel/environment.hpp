// The facts about this host that checking a configuration needs: interfaces, accounts, scripts.
#pragma once

#include "mainstay/config/load.hpp"

namespace mainstay::kernel {

// Every call asks the system anew; nothing is changed and nothing blocks (accounts may be looked up in a directory
// service, as nsswitch.conf says). host_resolves is left out: a name server may take its time.
[[nodiscard]] config::Environment host_environment();

// True when the name service knows an address of `host`. May block for as long as the resolver's time-outs.
[[nodiscard]] bool host_resolves(std::string_view host);

}  // namespace mainstay::kernel
