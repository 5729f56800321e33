// Reports to the lvs role whether the instance that lvs_sync_daemon follows is master.
#pragma once

#include <string>

#include "mainstay/base/event.hpp"
#include "mainstay/vrrp/router.hpp"
#include "role/common/peer_channel.hpp"

namespace mainstay::role {

class MasterReporter {
public:
    MasterReporter(boost::asio::io_context& loop, Log& log);

    void connect(UniqueFd line);
    // At the start and after a reload, which may have changed the followed instance.
    void follow(const vrrp::Router& router);
    void on_event(const Event& event);  // for each event of the router
    void close() { sender_.close(); }

private:
    StateSender sender_;
    std::string instance_;  // empty: no instance is followed
    bool master_ = false;
    bool known_ = false;
};

}  // namespace mainstay::role
