// Work that blocks, in a thread of its own, and the way back to the loop.
#pragma once

#include <utility>  // Boost 1.74's Asio needs it

#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>

#include "mainstay/base/error.hpp"

namespace mainstay::alert {

class Background {
public:
    explicit Background(boost::asio::io_context& loop);  // which must outlive it
    // Threads may go on; no `done` is called any more, not even one that waits on the loop.
    ~Background();
    Background(const Background&) = delete;
    Background& operator=(const Background&) = delete;

    // Runs `work` in a thread, then `done` on the loop. Both must own what they use. An error: there is no thread.
    [[nodiscard]] Result<void> run(std::function<void()> work, std::function<void()> done);

private:
    struct Outlet;
    std::shared_ptr<Outlet> outlet_;
};

}  // namespace mainstay::alert
