// The time between two processes of the observer: one that has nothing to do ends (ipc::Rests), and the next one is due
// when a client connects or an event is there. Clients meet the same listening socket all the time.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <functional>
#include <memory>
#include <utility>

#include "mainstay/base/error.hpp"
#include "mainstay/base/unique_fd.hpp"

namespace mainstay::role {

class ObserverRest {
public:
    // `due` is called once for each rest, on the loop, unless that has ended before.
    ObserverRest(boost::asio::io_context& loop, std::function<void()> due) : loop_{loop}, due_{std::move(due)} {}

    // The process is about to exit. `socket`: on which it listened.
    void announce(UniqueFd socket) { socket_ = std::move(socket); }
    [[nodiscard]] bool is_announced() const { return static_cast<bool>(socket_); }
    // It has exited. `kick`: the eventfd that roles write to. An error: there is nothing to wait for, start another
    // one.
    [[nodiscard]] Result<void> begin(int kick);
    [[nodiscard]] bool is_on() const { return static_cast<bool>(wait_); }
    // Another process starts: the socket for it; -1: there was no rest.
    [[nodiscard]] UniqueFd end();

private:
    struct Wait;
    boost::asio::io_context& loop_;
    std::function<void()> due_;
    UniqueFd socket_;
    std::shared_ptr<Wait> wait_;  // while it rests
};

}  // namespace mainstay::role
