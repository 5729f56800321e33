// Writes a role's events for the observer. What would overwrite an event that the observer has not read yet waits here,
// so that no mail and no webhook is missing when very many servers change at once.
#pragma once

#include <utility>  // Boost 1.74's Asio needs it under C++20 coroutines, first

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <optional>

#include "mainstay/base/error.hpp"
#include "mainstay/base/event.hpp"
#include "mainstay/base/lifetime.hpp"
#include "mainstay/base/unique_fd.hpp"
#include "mainstay/ipc/shared.hpp"

namespace mainstay::role {

class EventWriter {
public:
    explicit EventWriter(boost::asio::io_context& loop) : loop_{loop}, room_{loop} {}

    [[nodiscard]] Result<void> open();  // the inherited ring; without it write() does nothing
    void write(const Event& event);
    void kick();  // wakes the observer now, for what was written in this turn of the loop
    // Calls once nothing waits any more, at once if nothing does.
    void when_written(std::function<void()> call);
    void write_all();  // also over what the observer has not read

private:
    void wait_for_room();

    boost::asio::io_context& loop_;
    boost::asio::steady_timer room_;
    std::optional<ipc::EventRing> ring_;
    std::optional<ipc::ReadMark> read_;
    UniqueFd kick_;
    bool kick_due_ = false, waits_ = false;
    std::function<void()> when_written_;
    Lifetime lifetime_;
};

}  // namespace mainstay::role
