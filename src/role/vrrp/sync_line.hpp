// Reports to the lvs role whether the instance that lvs_sync_daemon follows is master.
#pragma once

#include <string>

#include "mainstay/base/event.hpp"
#include "mainstay/vrrp/router.hpp"
#include "role/common/peer_channel.hpp"

namespace mainstay::role {

class SyncLine {
public:
    SyncLine(boost::asio::io_context& loop, Log& log);

    void connect(UniqueFd line);
    // The instance may be another one since a reload; `router` knows its state.
    void follow(const vrrp::Router& router);
    void heard(const Event& event);  // every one that the router announces
    void close() { teller_.close(); }

private:
    StateTeller teller_;
    std::string instance_;  // empty: no instance is followed
    bool master_ = false;
    bool known_ = false;
};

}  // namespace mainstay::role
