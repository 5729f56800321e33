// Sets the addresses of a new master in batches and announces each batch before the next one is set. The requests of
// the first batch are built before the deadline if possible, because building them takes as long as setting an address.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "announcer.hpp"
#include "links.hpp"
#include "mainstay/base/log.hpp"
#include "mainstay/config/model.hpp"
#include "mainstay/kernel/rtnetlink.hpp"

namespace mainstay::role {

class TakeOver {
public:
    TakeOver(const Links& links, Announcer& announcer, Log& log) : links_{links}, announcer_{announcer}, log_{log} {}

    // Builds the requests for the next set() of this instance; forget() discards them.
    void prepare(kernel::Rtnetlink& netlink, const config::Instance& instance);
    void forget() { prepared_.clear(); }

    // Sets all its addresses and announces each once; the caller announces the further rounds.
    void set(kernel::Rtnetlink& netlink, const config::Instance& instance);
    // Sets the addresses at `positions` (in addresses, then excluded_addresses; none: all) without announcing them.
    void set_silently(kernel::Rtnetlink& netlink, const config::Instance& instance,
                      const std::vector<std::size_t>& positions);

private:
    struct Lot {
        std::vector<kernel::Address> addresses;
        kernel::Rtnetlink::Batch batch;
        Announcer::Round announcement;
    };
    [[nodiscard]] Lot lot_of(kernel::Rtnetlink& netlink, std::vector<kernel::Address> addresses) const;
    void set(kernel::Rtnetlink& netlink, const config::Instance& instance, Lot lot);
    void report(const config::Instance& instance, const std::vector<kernel::Address>& addresses,
                const Result<std::vector<kernel::Rtnetlink::Failure>>& failed) const;

    const Links& links_;
    Announcer& announcer_;
    Log& log_;
    std::map<std::string, Lot> prepared_;  // the first batch, by the instance's name
};

}  // namespace mainstay::role
