// The facts about this host that checking a configuration needs: interfaces, accounts, scripts.
#pragma once

#include "mainstay/config/load.hpp"

namespace mainstay::kernel {

// Every call queries the system again and changes nothing. Nothing blocks, except that accounts may be looked up in a
// directory service (nsswitch.conf). host_resolves is not set, because a name server may be slow.
[[nodiscard]] config::Environment host_environment();

// True when the name service knows an address of `host`. May block until the resolver's timeouts expire.
[[nodiscard]] bool host_resolves(std::string_view host);

// As the daemon reads the file: in the network namespace `given`, else in the one that the file names. Of one that
// cannot be entered no interface is known. For programs with one thread.
[[nodiscard]] config::Loaded load_in_its_namespace(const std::string& file, config::Environment environment,
                                                   const std::string& given);

}  // namespace mainstay::kernel
