// The sending side of a control socket. What the other process has not read yet, beyond what its socket takes, waits
// here and follows in its order: a lost result of a script, a lost Commit or FIFO line would be missing for good.
#pragma once

#include <utility>  // Boost 1.74's Asio needs it under C++20 coroutines, first

#include <boost/asio/posix/stream_descriptor.hpp>

#include <cstddef>
#include <deque>
#include <functional>
#include <vector>

#include "mainstay/base/error.hpp"
#include "mainstay/base/lifetime.hpp"
#include "mainstay/base/unique_fd.hpp"
#include "mainstay/ipc/message.hpp"

namespace mainstay::role {

class SendQueue {
public:
    // `channel` must outlive it. At most `most` messages wait.
    SendQueue(boost::asio::posix::stream_descriptor& channel, std::size_t most) : channel_{channel}, most_{most} {}

    // The descriptor stays the caller's; -1: none. Errc::Limit: the message is too large, or too many wait: it is lost.
    // Another error: the other process is gone.
    [[nodiscard]] Result<void> send(const ipc::Message& message, int descriptor);
    [[nodiscard]] bool empty() const { return waiting_.empty(); }
    // Calls once nothing waits any more, at once if nothing does; also when the other process is gone.
    void when_empty(std::function<void()> call);
    // Forgets what waits, because the channel is closed or becomes another one.
    void clear();
    // What waits in `other` is sent on this channel, which was that one's.
    void take_over(SendQueue& other);

private:
    struct Waiting {
        std::vector<std::byte> bytes;
        UniqueFd descriptor;
    };
    void wait();
    void flush();

    boost::asio::posix::stream_descriptor& channel_;
    std::size_t most_;
    std::deque<Waiting> waiting_;
    std::function<void()> when_empty_;
    Lifetime lifetime_;
};

}  // namespace mainstay::role
