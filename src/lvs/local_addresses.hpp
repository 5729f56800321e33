// ha_suspend: the checks of a service run only while one of its addresses is on this host, so that a backup does not
// check the servers. Their last results stay valid.
#pragma once

#include <set>
#include <utility>

#include "mainstay/base/ip.hpp"
#include "mainstay/config/model.hpp"

namespace mainstay::lvs {

class LocalAddresses {
public:
    void set(std::set<IpAddress> addresses) { addresses_ = std::move(addresses), known_ = true; }
    // False while the host's addresses are unknown.
    [[nodiscard]] bool suspend(const config::VirtualServer& service) const;

private:
    template <class A>
    friend void fields(A& archive, LocalAddresses& addresses);  // judge_state.cpp

    std::set<IpAddress> addresses_;
    bool known_ = false;
};

}  // namespace mainstay::lvs
